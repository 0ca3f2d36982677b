"""The attack detects each kind of fault that these tests produce."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import click
import pytest

from ska_edge.cli.main import main
from tests.attack.attempt import Attempt, destroyed, run
from tests.attack.place import Place


def broken() -> None:
    raise ZeroDivisionError("a defect")


def warned() -> None:
    warnings.warn("careless", RuntimeWarning, stacklevel=1)


def talkative() -> None:
    click.echo("Traceback (most recent call last):", err=True)


def silent() -> None:
    sys.exit(2)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            broken,
            "exit code 70: ska-edge: a defect of ska-edge itself (ZeroDivisionError: a defect)",
        ),
        (warned, "exit code 70: ska-edge: a defect of ska-edge itself (RuntimeWarning: careless)"),
        (talkative, "a traceback"),
        (silent, "no word of what is wrong"),
    ],
)
def test_a_command_that_ends_badly_is_found(body, said: str, monkeypatch) -> None:
    monkeypatch.setitem(main.commands, "ports", click.command(body))
    (found,) = run(["ports"]).faults()
    assert said in found


def test_a_file_that_is_lost_is_found(place: Place) -> None:
    before: dict[str, bytes | str] = {"m.ska": b"old", "text": b"old", "steps.jsonl": b"old"}
    after: dict[str, bytes | str] = {"m.ska": b"new", "steps.jsonl": b"", ".ska-edge-1.part": b""}

    def found(*arguments: str, code: int) -> list[str]:
        return destroyed(Attempt(arguments, code, "", ""), before, after)

    gone, left = "text is gone", ".ska-edge-1.part is left over"
    log = ("--log", "steps.jsonl")
    assert found("-o", "m.ska", *log, code=0) == [gone, left]
    assert found("-o", "m.ska", *log, code=2) == ["m.ska is another", gone, left]
    assert found("-o", "link", *log, code=0) == ["m.ska is another", left]
    assert found("-o", "m.ska", code=0) == [gone, "steps.jsonl is another", left]


def test_the_folder_is_restored(place: Place) -> None:
    good = Path("m.ska").read_bytes()
    attempt, found = place.attempt(["inspect", "m.ska"], **{"m.ska": b"bad"})
    assert (attempt.code, found) == (2, [])
    assert Path("m.ska").read_bytes() == good
