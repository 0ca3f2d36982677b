"""`record` writes what a board prints, and `train` reads it."""

from __future__ import annotations

import os
import signal
import sys
import tty
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain, takewhile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ska_edge.cli.screen.keys import pressed_keys
from ska_edge.cli.screen.plot import braille
from ska_edge.wire.frame import encode_frame
from ska_edge.wire.protocol import BY_NAME
from tests.cli.conftest import Run
from tests.printing_board import PrintingBoard, samples

PRINTED = "t_ms:{t},ax:{a},ay:{b}"
NOW = ("--countdown", "0")


@pytest.fixture
def board() -> Iterator:
    with ExitStack() as stack:
        yield lambda chunks: stack.enter_context(PrintingBoard(chunks)).port


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Replace standard input by a terminal; return a function that presses keys."""
    keys, terminal = os.openpty()
    tty.setraw(terminal)
    with open(terminal, encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield lambda text: os.write(keys, text.encode())
    os.close(keys)


def columns(path: str | Path) -> tuple[str, list[list[str]]]:
    head, *lines = Path(path).read_text().splitlines()
    return head, [line.split(",") for line in lines]


def test_recordings_are_trained_on(ska_edge: Run, board) -> None:
    labels = ("--label", "up", "--label", "down")
    for person in ("anna", "ben"):
        port = board(samples(PRINTED))
        found = ska_edge(
            *("record", "-o", "rec", "--port", port, *labels, "--group", person, *NOW),
            *("--seconds", 4, "--json"),
        )
        assert found.code == 0, found.err
        document = found.document()
        assert [each["label"] for each in document["recordings"]] == ["up", "down"]
        assert {each["group"] for each in document["recordings"]} == {person}
        assert [each["rows"] for each in document["recordings"]] == [401, 401]
        assert document["axes"] == ["t_ms", "ax", "ay"] and document["bad_lines"] == 0
    head, lines = columns("rec/up.anna-1.csv")
    assert head == "t_ms,ax,ay,label,group"
    assert lines[0][3:] == ["up", "anna"] and int(lines[-1][0]) - int(lines[0][0]) == 4000
    trained = ska_edge(
        *("train", "rec", "--window", "500ms"),
        *("--hidden", 4, "--epochs", 1, "-o", "m.ska"),
    )
    assert trained.code == 0, trained.err
    assert "2 axes (ax, ay) at 100 Hz; labels from label; groups from group" in trained.err


def test_a_second_session_adds_files(ska_edge: Run, board) -> None:
    for number in (1, 2):
        port = board(samples("{a},{b}"))
        found = ska_edge("record", "-o", "rec", "--port", port, "--samples", 20, *NOW)
        assert found.code == 0, found.err
        assert f"wrote rec/recording-{number}.csv: 20 samples" in found.err
    head, lines = columns("rec/recording-1.csv")
    assert head == "t,x1,x2" and len(lines) == 20
    times = [float(line[0]) for line in lines]
    assert times[0] == 0.0 and times == sorted(times)
    port = board(samples("{a},{b},{t}"))
    refused = ska_edge("record", "-o", "rec", "--port", port, "--samples", 20, *NOW)
    assert "rec/recording-1.csv has the columns t, x1, x2, but a new" in refused.refusal(2)
    assert len([*Path("rec").iterdir()]) == 2


def test_keys_choose_labels(ska_edge: Run, board, keyboard) -> None:
    keyboard("2")
    pressed = {"rec/run-1.csv": " 1", "rec/walk-1.csv": "q"}  # when these files exist

    def pressing() -> Iterator[bytes]:
        for line in samples(PRINTED):
            for path in [path for path in pressed if Path(path).exists()]:
                keyboard(pressed.pop(path))
            yield line

    port = board(pressing())
    found = ska_edge(
        *("record", "-o", "rec", "--port", port, "--label", "walk", "--label", "run", *NOW)
    )
    assert found.code == 0, found.err
    assert "keys: 1 walk  2 run  space stops  q ends" in found.err
    assert sorted(path.name for path in Path("rec").iterdir()) == ["run-1.csv", "walk-1.csv"]
    assert {line[3] for line in columns("rec/run-1.csv")[1]} == {"run"}
    assert "2 new recordings" in found.out


def test_bad_lines_are_counted_and_not_fatal(ska_edge: Run, board) -> None:
    lines = chain.from_iterable(
        (line, b"Fehler 7\n") if at == 30 else (line,) for at, line in enumerate(samples("{a},{b}"))
    )
    found = ska_edge("record", "-o", "rec", "--port", board(lines), "--samples", 100, *NOW)
    assert found.code == 0
    assert "gave no row; the first is 'Fehler 7': 'Fehler' is no number" in found.err
    assert len(columns("rec/recording-1.csv")[1]) == 100


@pytest.mark.parametrize(
    ("chunks", "sentence"),
    [
        ([], "sends nothing for 0.3 s: check that its program runs and prints"),
        ([b"\xff\xfe" * 50], "sends bytes, but no lines: check the speed"),
        ([b"x\nhello there\n"] * 3, "not two rows of numbers of the same form ('hello there')"),
        (
            [encode_frame(BY_NAME["RESULT"].code, 1, b"abc")] * 2,
            "runs firmware of ska-edge, which sends frames",
        ),
    ],
)
def test_a_board_without_rows_is_an_error(
    ska_edge: Run, board, chunks: list[bytes], sentence: str
) -> None:
    found = ska_edge("record", "-o", "rec", "--port", board(chunks), "--patience", 0.3, *NOW)
    assert sentence in found.refusal(3)
    assert [*Path("rec").iterdir()] == []


def test_a_board_that_falls_silent_loses_nothing(ska_edge: Run, board) -> None:
    port = board(takewhile(lambda _: not Path("rec/walk-1.csv").exists(), samples(PRINTED)))
    found = ska_edge(
        *("record", "-o", "rec", "--port", port, "--label", "walk", *NOW, "--patience", 0.3),
        "--json",
    )
    assert found.code == 3
    document = found.document()
    assert "has sent no row for 0.3 s" in document["error"]
    assert found.err.splitlines()[-1] == f"ska-edge: {document['error']}"
    assert len(columns("rec/walk-1.csv")[1]) == document["recordings"][0]["rows"] > 0


def test_ctrl_c_keeps_what_was_recorded(ska_edge: Run, board) -> None:
    def has_a_row() -> bool:
        path = Path("rec/walk-1.csv")
        return path.exists() and path.read_text().count("\n") > 1

    def interrupted() -> Iterator[bytes]:
        lines = samples(PRINTED)
        yield from takewhile(lambda _: not has_a_row(), lines)
        os.kill(os.getpid(), signal.SIGINT)
        yield from lines

    found = ska_edge(
        *("record", "-o", "rec", "--port", board(interrupted()), "--label", "walk", *NOW, "--json")
    )
    assert found.code == 130
    (kept,) = found.document()["recordings"]
    assert kept["file"] == "rec/walk-1.csv" and kept["rows"] == len(columns(kept["file"])[1]) > 0


def test_firmware_of_ska_edge_is_recognized(ska_edge: Run, start_board) -> None:
    port = start_board("host", "fw")
    found = ska_edge("record", "-o", "rec", "--port", port, "--patience", 0.1)
    assert "runs firmware of ska-edge, which answers but prints no lines" in found.refusal(3)


def test_options_that_do_not_fit_together_are_refused(ska_edge: Run, board) -> None:
    for options, words in (
        (("--label", "a", "--label", "b"), "give --seconds or --samples"),
        (("--label", "a", "--label", "a"), "a --label is given twice"),
        (("--label", ""), "--label is ''"),
        (("--group", "a\nb"), "--group is 'a\\nb'"),
        (("--patience", "nan"), "are finite numbers"),
    ):
        assert words in ska_edge("record", "-o", "rec", "--port", "/dev/a", *options).refusal(2)
    assert "there is no port /dev/a" in ska_edge("record", "-o", "rec", "--port", "/dev/a").refusal(
        3
    )
    Path("file").touch()
    assert "file is a file" in ska_edge("record", "-o", "file", "--port", "/dev/a").refusal(2)
    port = board(samples("label:{a},ay:{b}"))
    refused = ska_edge("record", "-o", "rec", "--port", port, "--label", "a", *NOW)
    assert "label occurs twice; name the values of the board with --axes" in refused.refusal(2)


def test_a_line_is_drawn_as_wide_as_the_strip() -> None:
    rising = braille(np.arange(40.0), 20, 2)
    assert [len(line) for line in rising] == [20, 20]
    assert rising[0].lstrip("\u2800") != "" and rising[1][0] != "\u2800"
    assert rising[0][0] == "\u2800" == rising[1][-1]
    assert braille(np.zeros(0), 5, 1) == ["\u2800" * 5]
    assert braille(np.array([7.0]), 5, 1)[0][:4] == "\u2800" * 4


def test_keys_are_read_where_the_system_has_no_termios(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has msvcrt in place of it; Ctrl-C is a key there while keys are read."""
    pressed = list("1q")
    console = SimpleNamespace(kbhit=lambda: bool(pressed), getwch=lambda: pressed.pop(0))
    monkeypatch.setitem(sys.modules, "termios", None)
    monkeypatch.setitem(sys.modules, "msvcrt", console)
    monkeypatch.setattr("ska_edge.cli.screen.keys.has_keys", lambda: True)
    with pressed_keys() as keys:
        assert (keys(), keys()) == ("1q", "")
        pressed.append("\x03")
        with pytest.raises(KeyboardInterrupt):
            keys()
