"""Text from devices, files, logs and command lines is printed without effect on the terminal."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.table import Table

from ska_edge.cli.screen.console import Output, complain
from ska_edge.report.printable import printable, printable_lines

EVIL = "\x1b[2J\x1b]0;owned\x07\r\nska-edge: all is well\u202eevil\u2028\x9b31m\u200b[red]:smile:"
SAFE = r"\x1b[2J\x1b]0;owned\x07\r\nska-edge: all is well\u202eevil\u2028\x9b31m\u200b[red]:smile:"


def test_every_character_is_printed_or_escaped() -> None:
    characters = list(map(chr, range(sys.maxunicode + 1)))
    assert all(printable(character).isprintable() for character in characters)
    assert all(printable(c) == c for c in characters if c.isprintable())
    assert printable_lines("a\nb\x1b\r\n") == "a\nb\\x1b\\r\n"


def test_only_unprintable_characters_are_escaped() -> None:
    assert printable(EVIL) == SAFE
    assert printable("Zürich, 東京 ± 3 %, \\n") == "Zürich, 東京 ± 3 %, \\n"
    assert printable("\udcff\x00\x7f\xa0") == r"\udcff\x00\x7f\xa0"  # a file name that is not UTF-8


def live(out: Output) -> None:
    """Show a live table whose author forgot to escape the cells."""
    table = Table("name")
    table.add_row(EVIL)
    with out.live() as show:
        show(table, EVIL)


def progress(out: Output) -> None:
    with out.progress(EVIL, "rows") as update:
        update(1, 2)


CHANNELS: dict[str, Callable[[Output], None]] = {
    "line": lambda out: out.line(EVIL),
    "note": lambda out: out.note(EVIL),
    "warning": lambda out: out.warning(EVIL),
    "title": lambda out: out.table(EVIL, ["a"], [["b"]]),
    "column": lambda out: out.table("title", [EVIL, "b"], [["c", 1]]),
    "cell": lambda out: out.table("title", ["a", "b"], [[EVIL, EVIL]]),
    "live": live,
    "progress": progress,
    "error": lambda _out: complain(EVIL),
    "document": lambda out: out.document({EVIL: EVIL}),
}


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_is_printable(
    name: str, as_json: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    out = Output(as_json)
    out.console.width = out.progress_console.width = 500
    CHANNELS[name](out)
    shown = "".join(capfd.readouterr())
    for sign in "\x1b\x07\r\u202e\u2028\x9b\u200b":
        assert sign not in shown, repr(shown)
    if name in ("line", "note", "warning", "error"):
        assert shown.count("\n") == 1
    if name not in ("live", "progress", "document"):
        assert SAFE in shown
    if name == "live":  # a line break in a cell starts a new line inside the table's frame
        assert all(line[0] in "┏┃┡│└+|" for line in shown.splitlines())


TERMINAL = """\
import sys
from tests.cli.test_printable import CHANNELS
from ska_edge.cli.screen.console import Output
out = Output(False)
CHANNELS[sys.argv[1]](out)
"""


@pytest.mark.parametrize("name", ["live", "progress", "title", "warning"])
def test_a_terminal_gets_the_drawing_s_own_sequences_alone(name: str) -> None:
    master, slave = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "500"}
    command = [sys.executable, "-c", TERMINAL, name]
    done = subprocess.Popen(
        command, stdout=slave, stderr=slave, env=environment, cwd=Path(__file__).parents[2]
    )
    os.close(slave)
    shown = b""
    while select.select([master], [], [], 60)[0]:
        try:
            shown += os.read(master, 65536)
        except OSError:
            break  # the program closed the terminal's other end
    os.close(master)
    assert done.wait(60) == 0
    for sign in (b"\x1b[2J", b"\x1b]", b"\x07", "\u202e".encode(), "\x9b".encode()):
        assert sign not in shown
    assert rb"\x1b[2J" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        (EVIL,),
        ("inspect", EVIL),
        ("inspect", f"--{EVIL}"),
        ("--debug", "inspect", EVIL),
        ("inspect", "none.ska", EVIL),
        ("export", "m.ska", "-o", "x.onnx", "--form", EVIL),
        ("train", "iris", "-o", "x.ska", "--epochs", EVIL),
        ("train", "iris", "-o", "x.ska", "--hidden", EVIL),
        ("train", EVIL, "-o", "x.ska"),
        ("train", "iris", "-o", f"{EVIL}/x.ska"),
        ("firmware", "m.ska", "-o", "x", "--board", EVIL),
        ("build", EVIL),
        ("flash", EVIL),
        ("monitor", "--port", EVIL),
    ],
)
def test_an_error_is_printable_whatever_was_asked_for(
    arguments: tuple[str, ...], ska_edge, iris_file: Path
) -> None:
    Path("m.ska").write_bytes(iris_file.read_bytes())
    outcome = ska_edge(*arguments)
    assert outcome.code in (2, 3)
    assert "\nska-edge: all is well" not in outcome.err
    for sign in "\x1b\x07\r\u202e\u2028\x9b\u200b":
        assert sign not in outcome.err, repr(outcome.err)
    assert outcome.err.endswith("\n")


def test_labels_and_names_of_a_file_are_printable(ska_edge) -> None:
    label = EVIL.replace("\n", "").replace("\r", "")
    Path(f"{label.replace('/', '')}.csv").write_text(
        "a,b,label\n" + "".join(f"{n},{n},{(label, 'x')[n % 2]}\n" for n in range(8))
    )
    outcome = ska_edge("data", f"{label.replace('/', '')}.csv")
    assert outcome.code == 0
    assert r"\x1b[2J" in outcome.out
    assert "\x1b" not in outcome.out
    document = ska_edge("data", f"{label.replace('/', '')}.csv", "--json").document()
    assert json.loads(json.dumps(document))["classes"] == {label: 4, "x": 4}
