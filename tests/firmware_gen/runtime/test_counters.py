"""Plans at the limit of every counter of the runtime still learn with the host's bits."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.project import RUNTIME, generated_files
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.check import LARGEST_COUNT, MOST_LAYERS, MOST_NEURONS, MOST_REPLAYS
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan

SAMPLES = 3
LIMIT = 60  # seconds; a loop whose counter wraps never ends

PLANS = {
    "neurons of a layer": make_plan((1, MOST_NEURONS - 2, 2)),
    "neurons through signs": make_plan((1, MOST_NEURONS - 2, 2), rule="feedback"),
    "classes": make_plan((1, MOST_NEURONS)),
    "inputs": make_plan((LARGEST_COUNT, 1, 2)),
    "layers": make_plan((1,) * MOST_LAYERS + (2,)),
    "replays": make_plan((1, 1, 1), replay=Replay(LARGEST_COUNT, MOST_REPLAYS)),
    "batch": make_plan((1, 2), rule="published", batch=LARGEST_COUNT, steps=2, rate=1.0),
}

# The program learns samples of alternating inputs. A plan without labels learns a whole batch.
MAIN = """
#include <stdio.h>

#include "ska.h"

static ska_t ska;
static ska_signal_t x[SKA_INPUTS];

int main(void) {
    ska_init(&ska);
    for (uint32_t sample = 0; sample < LEARNED; sample++) {
        for (uint32_t i = 0; i < SKA_INPUTS; i++) {
            x[i] = (ska_signal_t)((sample + i) % 7 * 9);
        }
        if (ska_learn(&ska, x, (uint16_t)(sample % SKA_CLASSES)) != SKA_OK) {
            return 1;
        }
    }
    return fwrite(ska.parameters, sizeof *ska.parameters, SKA_PARAMETER_COUNT, stdout) == 0;
}
"""


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_at_the_limit_of_a_counter_has_the_host_s_bits(
    name: str, require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    plan = PLANS[name]
    count = plan.batch if not plan.rule_definition.supervised else SAMPLES
    parameters = (np.arange(plan.parameter_count) * 40503) % 8192 - 4096
    program = compiled(plan, parameters, count, require_toolchain("gcc"), tmp_path)
    found = subprocess.run([program], capture_output=True, timeout=LIMIT, check=True).stdout
    trainer = FixedTrainer(State(plan, parameters), check=False)
    inputs = (np.arange(count)[:, None] + np.arange(plan.inputs)) % 7 * 9
    if plan.rule_definition.supervised:
        for sample, x in enumerate(inputs):
            trainer.learn_one(x, sample % plan.classes)
    else:
        for _ in trainer.learn_steps(inputs):
            pass
    learned = np.frombuffer(found, dtype=f"<i{plan.formats.weight_bits // 8}")
    np.testing.assert_array_equal(learned, trainer.state.parameters)
    assert (trainer.state.parameters != parameters).any()


def compiled(plan: Plan, parameters: np.ndarray, count: int, compiler: str, folder: Path) -> Path:
    files = {**generated_files(plan, parameters), "main.c": MAIN.replace("LEARNED", f"{count}u")}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for source in RUNTIME.glob("ska*.[ch]"):
        shutil.copy(source, folder)
    program = folder / "program"
    command = [compiler, "-std=c99", "-O0", "-I", str(folder), "main.c", "ska.c", "-o", program]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return program


def test_counters_of_blocks_of_rows_fit_16_bits() -> None:
    steps = [
        int(found)
        for path in RUNTIME.glob("*.h")
        for found in re.findall(r"#define SKA_(?:SUM_ROWS|BACK_COLUMNS) (\d+)u", path.read_text())
    ]
    assert set(steps) == {1, 2, 4, 16, 32}
    for step in steps:
        blocks = -(-MOST_NEURONS // step)
        assert blocks * step <= LARGEST_COUNT
