"""Any fault in a hand-written board.toml gives one sentence in bounded time."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_gen.board.board import BOARDS_FOLDER, read_board
from firmware_gen.board.start import Start
from ska_edge.errors import InputError

HOST = (BOARDS_FOLDER / "host" / "board.toml").read_text(encoding="utf-8")
DEEP = "k.{}b = 1\n".format("a." * 50_000)

POWER = "[power]\n%s\nmilliamperes = 1.0\nclock = 1\nsource = 'none'\n"


def changed(old: str, new: str) -> str:
    assert old in HOST
    return HOST.replace(old, new)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (changed('"{elf}"', '"{nope}"'), r"\{nope\}, which is none of \{elf\}, \{board\}"),
        (changed('"{elf}"', '"{}"'), r"\{\}, which is none of"),
        (changed('["{elf}"]', "[]"), r"command of \[start\] is empty"),
        (changed('"{elf}"', '"a\\u0000"'), "zero character"),
        (changed("'^(/dev/\\S+)$'", "'^/dev/\\S+$'"), r"port of \[start\] needs a group"),
        (changed("'^(/dev/\\S+)$'", "'('"), r"port of \[start\] is not a regular expression"),
        (changed("'^(/dev/\\S+)$'", "'(a{99999999999999999999})'"), "not a regular expression"),
        (HOST + DEEP, "has more than 65536 bytes"),
        (HOST + DEEP[:30_000] + "b = 1\n", r"line \d+ is longer than 1024 bytes"),
        (HOST + "x = " + "[" * 1000 + "\n", "nested too deeply|cannot be read"),
        ("x = {a=" * 146 + "\n", "nested too deeply|cannot be read"),
        ("x = [\n" + "[\n" * 30_000, "nested too deeply|cannot be read"),
        (HOST + "x = " + "9" * 1000 + "\n", "does not describe a board"),
        (HOST + POWER % "volts = 0.0", "must be above 0"),
        (HOST + POWER % "volts = nan", "must be above 0"),
        (HOST + POWER % "current = 1.0", "volts"),
        (HOST + "x = 2026-13-41\n", "cannot be read"),
    ],
    ids=range(17),
)
def test_it_is_refused_in_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "board.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=sentence) as refused:
        read_board(tmp_path)
    assert "\n" not in str(refused.value)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "board.toml").write_bytes(b"\xff" + HOST.encode())
    with pytest.raises(InputError, match="cannot be read"):
        read_board(tmp_path)


def test_only_the_known_placeholders_of_a_command_are_replaced() -> None:
    start = Start(("sh", "-c", "x=${HOME}; { echo {elf}:{elf}; }"), "(x)")
    assert Start(("{a b}", "{elf.x}", "{elf!r}"), "(x)").fault() is None
    assert (
        start.fault() == "command of [start] has {HOME}, which is none of {elf}, {board}, {python}"
    )
    values = {"elf": "e", "board": "b", "python": "p"}
    assert Start(("{python}", "{elf}:{board}{x y}"), "(x)").filled(values) == ["p", "e:b{x y}"]
