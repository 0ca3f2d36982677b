"""Write the golden project: every generated file for one small, fixed model of each rule.

Also write the tables of the protocol and of the training options, and the keywords of the Python
API.

Run `make golden` after an intended change of the generator. `git diff` then shows how the C that
people flash changes. The models are made only of integers, so they are equal on every platform.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from firmware_gen.emit.protocol_page import emit_protocol
from firmware_gen.project import generated_files
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput
from tests.golden.keywords import (
    CLASSIFIER,
    ESTIMATOR,
    TRAIN,
    emit_classifier,
    emit_estimator,
    emit_train,
)
from tests.golden.options_page import PAGE as OPTIONS_PAGE
from tests.golden.options_page import emit_options

FOLDER = Path(__file__).parent
SHARED = ("ska_messages.h", "ska_key.h")  # these files are the same for every plan
# The files of which a part is generated, and the functions that write that part.
EMBEDDED: dict[Path, Callable[[str], str]] = {
    FOLDER.parents[1] / "docs" / "PROTOCOL.md": emit_protocol,
    OPTIONS_PAGE: emit_options,
    TRAIN: emit_train,
    CLASSIFIER: emit_classifier,
    ESTIMATOR: emit_estimator,
}


def golden_plans() -> dict[str, Plan]:
    """Return one plan per rule; the first has a readout, biases and its own input format."""
    return {
        "local": make_plan((4, 3, 3, 2), rate=0.125, input_format=QFormat(8, 4)),
        "feedback": make_plan(
            (3, 4, 2),
            rule="feedback",
            input_format=QFormat(8, 4),
            replay=Replay(2, 1),
            margin=0.1,
            raw=RawInput((5, 70_000, 300), (-9, 2**40, 7), 11),
            seed=1,
        ),
        "code": make_plan((3, 4, 2), rule="code", precision="w32a16", seed=2),
        "published": make_plan((3, 2, 2), rule="published", rate=0.01 * 4, batch=4, steps=5),
    }


def golden_files() -> dict[Path, str]:
    """Return the path and text of every golden file; files that all plans share are listed once."""
    files: dict[Path, str] = {}
    for name, plan in golden_plans().items():
        # A fixed sequence over the whole range of the weights, which needs no random generator.
        parameters = (np.arange(plan.parameter_count) * 40503) % 65536 - 32768
        for file, text in generated_files(plan, parameters).items():
            path = FOLDER / file if file in SHARED else FOLDER / name / file
            assert files.setdefault(path, text) == text, f"{file} depends on the plan"
    return files


if __name__ == "__main__":
    for path, text in golden_files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path, emit in EMBEDDED.items():
        path.write_text(emit(path.read_text(encoding="utf-8")), encoding="utf-8")
