"""Every command that reads data has --label-column and --max-memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ska_edge.cli.main import main
from ska_edge.data.dataset import Dataset, save

WITH_DATA = [
    name
    for name, command in main.commands.items()
    if any(parameter.name == "label_column" for parameter in command.params)
]


def test_the_commands_that_read_data_have_both_options() -> None:
    assert {"data", "train", "eval", "export", "monitor", "verify", "sweep", "bench", "run"} <= set(
        WITH_DATA
    )
    for name in WITH_DATA:
        assert any(parameter.name == "max_memory" for parameter in main.commands[name].params)


@pytest.mark.parametrize("command", ["data", "train", "eval", "predict"])
def test_data_beyond_the_limit_are_refused(ska_edge, command: str) -> None:
    for name, rows in (("few.npz", 20), ("d.npz", 9000)):
        y = np.arange(rows) % 2
        save(Dataset("d", np.zeros((rows, 16)) + y[:, np.newaxis], y, ("a", "b")), Path(name))
    assert ska_edge("train", "few.npz", "-o", "m.ska", "--epochs", 1).code == 0
    both = ("m.ska", "d.npz")
    given = {"data": ("d.npz",), "train": ("d.npz", "-o", "n.ska"), "eval": both, "predict": both}
    outcome = ska_edge(command, *given[command], "--max-memory", 1)
    assert "d.npz takes 3 MB of memory, but 1 MB are allowed" in outcome.refusal(2)
    assert not Path("n.ska").exists()
