"""Logs are read back as written; the error for a line that no monitor wrote has the
line's number.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ska_edge import json_lines
from ska_edge.errors import InputError
from ska_edge.monitor.log.file import DamagedEnd, Entry, LogFile
from ska_edge.monitor.log.line import (
    Interruption,
    LogRow,
    LogWarning,
    RateChange,
    RateNotice,
    RowNotice,
    Save,
    SessionEnd,
    SessionStart,
    WindowSeen,
)
from ska_edge.monitor.log.value import Mark

START = {
    "device": {"board": "host", "port": "/dev/pts/3", "digest": "0123456789abcdef"},
    "step": 5,
    "samples": 3,
    "crc": 2**32 - 1,
    "halvings": 1,
}
ROW = {
    "sample": 4,
    "step": 6,
    "label": 1,
    "x": [1, -2],
    "predicted": 0,
    "decisions": [7, 8],
    "layers": [],
}
LOST = {**ROW, "step": None, "predicted": None, "decisions": None, "layers": None}
GONE = {
    "interrupted": "no answer",
    "fell_back": False,
    "step": 6,
    "samples": 4,
    "crc": 9,
    "halvings": 0,
}
END = {"end": {"step": 6, "samples": 4, "crc": 10}}


def read(path: Path, content: bytes, only: tuple[bytes, ...] = ()) -> list[Entry]:
    path.write_bytes(content)
    log = LogFile(path)
    found = list(log.entries(only))
    assert log.size == len(content)
    return found


def lines(*contents: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(content).encode() + b"\n" for content in contents)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "steps.jsonl"


def test_every_line_that_a_monitor_writes_is_read(path: Path) -> None:
    warning = {"warning": {"sign": "collapse", "layer": 1, "text": "a \u00fc"}}
    window = {"window": 7, "predicted": 1, "decisions": [-3, 9]}
    content = lines(START, ROW, warning, LOST, {"rate": 3}, {"saved": 4}, GONE, END, window)
    assert read(path, content) == [
        (1, SessionStart("host", "/dev/pts/3", "0123456789abcdef", Mark(5, 3, 2**32 - 1, 1))),
        (2, LogRow(4, 1, (1, -2), 6, 0, (7, 8), [])),
        (3, LogWarning(warning["warning"])),
        (4, LogRow(4, 1, (1, -2), None, None, None)),
        (5, RateChange(3)),
        (6, Save(4)),
        (7, Interruption("no answer", False, Mark(6, 4, 9, 0))),
        (8, SessionEnd(Mark(6, 4, 10))),
        (9, WindowSeen(7, 1, (-3, 9))),
    ]


RAW_WINDOW = {"window": 8, "predicted": 1, "decisions": [-3, 9], "raw": [[1, -2], [30, 4]]}
NOTICES = [{"sent": 5, "token": 7, "label": 1, "x": [3, -4]}, {"setting": 2, "token": 7}]


@pytest.mark.parametrize(
    "content", [START, ROW, {**ROW, "halvings": 2}, GONE, END, RAW_WINDOW, *NOTICES]
)
def test_a_line_is_the_same_when_it_was_read_and_written(
    path: Path, content: dict[str, Any]
) -> None:
    ((_, line),) = read(path, lines(content))
    assert not isinstance(line, DamagedEnd)
    assert json.dumps(line.as_dict()) == json.dumps(content)
    assert isinstance(line, (RowNotice, RateNotice)) == (content in NOTICES)


def test_only_lines_of_the_wanted_kinds_are_parsed(path: Path) -> None:
    content = lines(START, ROW) + b"rubbish\n" + lines(GONE)
    found = read(path, content, only=(b'"device"', b'"fell_back"'))
    assert [(type(line), number) for number, line in found] == [
        (SessionStart, 1),
        (Interruption, 4),
    ]


@pytest.mark.parametrize("rest", [b"{", b'{"sample": 5, "st', b"\0\0\0", b'{"a"\n', b"7", b"\xff"])
def test_a_cut_last_line_differs_from_a_damaged_one(path: Path, rest: bytes) -> None:
    content = lines(START, ROW)
    torn = rest in (b"{", b'{"sample": 5, "st')
    assert read(path, content + rest)[2:] == [(3, DamagedEnd(torn))]
    with pytest.raises(InputError, match=r"steps\.jsonl, line 3: not a line of a monitor's log"):
        read(path, lines(START, ROW) + rest.rstrip(b"\n") + b"\n" + lines(ROW))


def test_a_whole_last_line_needs_no_newline(path: Path) -> None:
    assert len(read(path, lines(START, ROW)[:-1])) == 2


def test_a_log_cut_anywhere_is_the_same_up_to_there(path: Path) -> None:
    content = lines(START, ROW, LOST, GONE, {"rate": 3}, END)
    whole = read(path, content)
    for length in range(len(content)):
        found = read(path, content[:length])
        if found and isinstance(found[-1][1], DamagedEnd):
            assert found.pop()[0] == len(found) + 1
        assert found == whole[: len(found)]
        assert len(found) >= content[:length].count(b"\n")


@pytest.mark.parametrize(
    ("line", "changes", "reason"),
    [
        (START, {"device": "host"}, "its 'device' is not an object with a digest"),
        (START, {"device": {"board": "x"}}, "its 'device' is not an object with a digest"),
        (START, {"crc": None}, "its 'crc' is not a whole number from 0 to 4294967295"),
        (START, {"crc": 2**32}, "its 'crc' is not"),
        (START, {"halvings": 256}, "its 'halvings' is not"),
        (ROW, {"sample": -1}, "its 'sample' is not"),
        (ROW, {"sample": True}, "its 'sample' is not"),
        (ROW, {"label": 0.0}, "its 'label' is not"),
        (ROW, {"label": None}, "its 'label' is not"),
        (ROW, {"step": "6"}, "its 'step' is not"),
        (ROW, {"x": None}, "its 'x' is not a list of whole numbers"),
        (ROW, {"x": [1, 2.0]}, "its 'x' is not a list of whole numbers"),
        (ROW, {"decisions": {}}, "its 'decisions' is not a list of whole numbers"),
        (GONE, {"fell_back": None}, "its 'fell_back' is not true or false"),
        (END, {"end": 5}, "its 'end' is not an object"),
        (END, {"end": {"step": 1, "samples": 1}}, "its 'crc' is not"),
        (RAW_WINDOW, {"raw": [[1, 2], [3]]}, "its 'raw' is not a list of rows"),
        (RAW_WINDOW, {"raw": [1]}, "its 'raw' is not a list of whole numbers"),
        ({"rate": 1}, {"rate": "fast"}, "its 'rate' is not"),
        ({"reset": 0}, {}, "not a line of a monitor's log: none of its keys is known"),
        ({}, {}, "not a line of a monitor's log: none of its keys is known"),
    ],
)
def test_a_line_that_no_monitor_wrote_is_refused(
    path: Path, line: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(path, lines(START, {**line, **changes}, ROW))
    assert str(caught.value).startswith(f"{path}, line 2: {reason}")


def test_an_endless_line_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "LONGEST_LINE", 1000)
    with pytest.raises(InputError, match="line 2: a line is longer than 1000 bytes"):
        read(path, lines(START) + b"[" * 2000)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no log "):
        LogFile(tmp_path / "none")
    with pytest.raises(InputError, match="cannot read"):
        LogFile(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.booleans())
def test_rubbish_is_read_or_refused_in_one_sentence(path: Path, rubbish: bytes, end: bool) -> None:
    content = lines(START) + rubbish if end else rubbish + b"\n" + lines(START)
    try:
        read(path, content)
    except InputError as error:
        assert "\n" not in str(error)
