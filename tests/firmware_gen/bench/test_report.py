"""A report that lacks a line is requested again; a board that never sends a report is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_gen.bench import report
from firmware_gen.emulators.flash import RunningBoard
from ska_edge.errors import DeviceError

BOARD = RunningBoard("qemu-m4", "/dev/pts/none", 1, Path("project"), "never")
NAMES = ("units", "loop", "empty", "infer", "learn", "right", "weights", "end")
WHOLE = b"".join(b"%s %016x\n" % (name.encode(), i) for i, name in enumerate(NAMES))


def answers(monkeypatch: pytest.MonkeyPatch, *texts: bytes) -> list[bytes]:
    """Let the board send these texts; return the list of texts that were not read yet."""
    left = list(texts)
    monkeypatch.setattr(report, "_answer", lambda board: left.pop(0))
    return left


@pytest.mark.parametrize("name", NAMES[:-1])
@pytest.mark.parametrize("damaged", [b"", b"%s 12\n"])
def test_a_lost_or_cut_line_costs_another_run(
    name: str, damaged: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = next(text for text in WHOLE.splitlines(True) if text.startswith(name.encode()))
    bad = WHOLE.replace(line, damaged % name.encode() if damaged else b"")
    left = answers(monkeypatch, bad, WHOLE)
    found = report.ask(BOARD)
    assert (found.units, found.loop, found.samples, left) == (0, 1, 7, [])


def test_a_whole_report_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    left = answers(monkeypatch, WHOLE, b"")
    assert report.ask(BOARD).weights == 6
    assert left == [b""]


def test_a_board_that_sends_no_report_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    left = answers(monkeypatch, *[b"end 0000000000000007\n"] * report.ATTEMPTS)
    with pytest.raises(DeviceError, match="board qemu-m4 sent an incomplete report in 3 runs"):
        report.ask(BOARD)
    assert left == []
