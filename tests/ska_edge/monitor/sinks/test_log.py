"""The lines of a log are JSON; a log is continued only if its end fits the device's state."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from ska_edge.device.info import DeviceInfo
from ska_edge.errors import InputError
from ska_edge.monitor.log.line import (
    Interruption,
    LogLine,
    LogRow,
    LogWarning,
    RateChange,
    RateNotice,
    RowNotice,
    Save,
    SessionEnd,
    SessionStart,
)
from ska_edge.monitor.log.value import Mark
from ska_edge.monitor.sinks.log import Log

INFO = DeviceInfo(
    **cast(
        Any,
        {
            **dict.fromkeys(DeviceInfo.__slots__, 0),
            "board": "host",
            "digest": "0123456789abcdef",
            "step": 3,
            "samples": 5,
            "crc": 77,
            "halvings": 1,
            "token": 8,
        },
    )
)
AFTER = replace(INFO, step=5, samples=7, crc=99)
ROWS = [
    LogRow(6, 0, (1, -2), step=4, predicted=1, decisions=(-3, 4)),
    LogRow(7, 1, (3, 4)),
]
END = SessionEnd(Mark.of(AFTER, halvings=False))
SESSION = [SessionStart.of(INFO, "/dev/ttyX"), *ROWS, END]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "steps.jsonl"


def written(path: Path, lines: list[LogLine], info: DeviceInfo = INFO) -> str:
    with Log(path, info) as log:
        for line in lines:
            log.write(line)
    return path.read_text(encoding="utf-8")


def text_of(lines: list[LogLine]) -> str:
    return "".join(json.dumps(line.as_dict()) + "\n" for line in lines)


def refusal(path: Path, info: DeviceInfo) -> str:
    """Return the reason why a log cannot be continued; check that it stays unchanged."""
    before = path.read_bytes()
    with pytest.raises(InputError) as caught:
        Log(path, info)
    assert path.read_bytes() == before
    assert "\n" not in str(caught.value)
    assert f"{path} cannot be continued: " in str(caught.value)
    assert "--overwrite" in str(caught.value)
    return str(caught.value)


def test_lines_are_json_and_there_at_once(path: Path) -> None:
    with Log(path, INFO) as log:
        for count, line in enumerate(SESSION, 1):
            log.write(line)
            assert path.read_text().count("\n") == count
    device, answered, lost, end = [json.loads(line) for line in path.read_text().splitlines()]
    assert device == {
        "device": {"board": "host", "port": "/dev/ttyX", "digest": INFO.digest},
        "step": 3,
        "samples": 5,
        "crc": 77,
        "halvings": 1,
    }
    assert answered == {
        "sample": 6,
        "step": 4,
        "label": 0,
        "x": [1, -2],
        "predicted": 1,
        "decisions": [-3, 4],
        "layers": [],
    }
    assert lost == {
        "sample": 7,
        "step": None,
        "label": 1,
        "x": [3, 4],
        "predicted": None,
        "decisions": None,
        "layers": [],
    }
    assert end == {"end": {"step": 5, "samples": 7, "crc": 99}}


def test_a_log_is_continued_where_the_device_is(path: Path) -> None:
    first = written(path, SESSION)
    again = [SessionStart.of(AFTER, "/dev/ttyX"), END]
    assert written(path, again, AFTER) == first + text_of(again)


@pytest.mark.parametrize(
    "last",
    [
        ROWS[1],
        Save(7),
        LogWarning({"sign": "plateau"}),
        RateChange(1),
        Interruption("gone", True, Mark.of(AFTER)),
    ],
)
def test_a_log_without_an_end_is_continued_too(path: Path, last: LogLine) -> None:
    """The monitor was killed. The last line may be a changed rate, which changes the CRC."""
    first = written(path, [*SESSION[:3], last])
    assert written(path, [], AFTER) == first
    assert "ends at sample 7, but the device has learned 5" in refusal(path, INFO)


def test_a_log_that_lacks_rows_after_an_interruption_is_not_continued(path: Path) -> None:
    """The device had learned two more rows when contact returned; then the monitor was killed."""
    written(path, [SESSION[0], Interruption("gone", False, Mark.of(AFTER))])
    assert "ends at sample 5, but the device has learned 7" in refusal(path, AFTER)
    assert written(path, [], INFO)


UNDER_WAY = [RowNotice(8, 8, 1, (5, 6)), RowNotice(9, 8, 0, (7, 8))]


@pytest.mark.parametrize("learned", [0, 1, 2])
def test_rows_in_flight_are_added_if_the_device_has_learned_them(path: Path, learned: int) -> None:
    """The monitor was killed; rows with an answer are no longer in flight."""
    first = written(path, [SESSION[0], RowNotice(7, 8, 1, (3, 4)), *ROWS, *UNDER_WAY])
    added = [LogRow(8, 1, (5, 6)), LogRow(9, 0, (7, 8))][:learned]
    now = replace(AFTER, samples=7 + learned, crc=1)
    again = [*added, SessionStart.of(now, "/dev/ttyX")]
    assert written(path, again[-1:], now) == first + text_of(again)


@pytest.mark.parametrize("last", [*UNDER_WAY, ROWS[1]])
def test_a_cut_last_line_is_removed(path: Path, last: LogLine) -> None:
    """The device's state and the line before the cut line still determine what the cut line
    meant.
    """
    before = [SESSION[0], ROWS[0], RowNotice(7, 8, 1, (3, 4)), UNDER_WAY[0]]
    first = written(path, before)
    path.write_text(first + json.dumps(last.as_dict())[:-1])
    added = [LogRow(7, 1, (3, 4)), LogRow(8, 1, (5, 6))]
    now = replace(AFTER, samples=8)
    again = [*added, SessionStart.of(now, "/dev/ttyX")]
    assert written(path, again[-1:], now) == first + text_of(again)


@pytest.mark.parametrize("cut", [False, True])
def test_a_log_is_unchanged_until_it_gets_a_line(path: Path, cut: bool) -> None:
    """The monitor checks every device's log before any device learns, and may refuse a log."""
    written(path, [*SESSION[:3], *UNDER_WAY])
    before = path.read_text()[: -5 if cut else None]
    path.write_text(before)
    assert written(path, [], replace(AFTER, samples=8)) == before
    Log(path, INFO, overwrite=True).close()
    assert path.read_text() == before


def test_a_log_that_gets_no_line_is_removed(path: Path) -> None:
    with Log(path, INFO):
        assert path.exists()
    assert not path.exists()


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ([], replace(AFTER, samples=9, token=3)),  # the device restarted from a save that is ahead
        ([], replace(AFTER, samples=10)),  # another program taught the device
        ([END], replace(AFTER, samples=9)),  # the session had ended at sample 7
        ([Interruption("gone", True, Mark.of(AFTER))], replace(AFTER, samples=9)),
    ],
)
def test_rows_in_flight_are_not_added_for_another_state(
    path: Path, then: list[LogLine], now: DeviceInfo
) -> None:
    written(path, [*SESSION[:3], *UNDER_WAY, *then])
    assert f"ends at sample 7, but the device has learned {now.samples}" in refusal(path, now)


def test_a_log_that_lacks_a_rate_is_not_continued(path: Path) -> None:
    """Another program has set the rate."""
    written(path, SESSION[:3])
    said = "the rate is halved 1 time at its end, and 2 times on the device"
    assert said in refusal(path, replace(AFTER, halvings=2))


@pytest.mark.parametrize("then", [[], ["cut"]])
def test_an_announced_rate_is_added_if_the_device_has_it(path: Path, then: list[str]) -> None:
    """The monitor was killed before or within the line about the new rate."""
    first = written(path, [*SESSION[:3], RateNotice(2, 8)])
    path.write_text(first + '{"rate":' * len(then))
    now = replace(AFTER, halvings=2, crc=1)
    for other in (replace(now, token=9), replace(now, halvings=3), replace(now, samples=8)):
        assert "cannot be continued" in refusal(path, other)
    again = [RateChange(2), SessionStart.of(now, "/dev/ttyX")]
    assert written(path, again[-1:], now) == first + text_of(again)


def test_a_log_is_continued_if_an_announced_rate_was_not_set(path: Path) -> None:
    first = written(path, [*SESSION[:3], RateNotice(2, 8)])
    again = [SessionStart.of(AFTER, "/dev/ttyX")]
    assert written(path, again, AFTER) == first + text_of(again)


def test_an_empty_file_is_a_new_log(path: Path) -> None:
    path.touch()
    assert written(path, SESSION[:1])


def test_a_log_of_another_plan_is_not_continued(path: Path) -> None:
    written(path, SESSION)
    other = replace(AFTER, digest="f" * 16)
    assert f"its plan is {INFO.digest}, but the device runs ffff" in refusal(path, other)


def test_a_log_is_not_continued_with_another_number_of_samples(path: Path) -> None:
    written(path, SESSION)
    assert "ends at sample 7, but the device has learned 8" in refusal(
        path, replace(AFTER, samples=8)
    )


def test_a_log_is_not_continued_with_another_crc(path: Path) -> None:
    written(path, SESSION)
    assert "another state" in refusal(path, replace(AFTER, crc=98))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("my notes\n", 1),
        ('{"step": 1, "layers": []}\n', 1),  # the line is from the log of a training
        ("[1]\n", 1),
        ("\n", 1),
        (json.dumps(SESSION[0].as_dict()) + "\n{}x\n", 2),
        ('{"device": {"board": "host"', 1),
        (json.dumps(SESSION[0].as_dict()) + "\n\xff\n", 2),
        ('{"device": 3}\n', 1),
    ],
)
def test_a_file_that_is_not_a_log_is_not_continued(path: Path, text: str, number: int) -> None:
    path.write_text(text, encoding="latin-1")
    sentence = refusal(path, INFO)
    assert f", line {number}: " in sentence or f"its last line, {number}, is" in sentence


def test_a_last_line_may_lack_its_newline(path: Path) -> None:
    whole = written(path, SESSION)
    path.write_text(whole.removesuffix("\n"))
    again = SessionStart.of(AFTER, "/dev/ttyX")
    assert written(path, [again], AFTER) == whole + json.dumps(again.as_dict()) + "\n"


def test_rows_after_an_end_have_no_crc(path: Path) -> None:
    lines = [*SESSION, SessionStart.of(AFTER, "/dev/ttyX"), LogRow(8, 0, (1, 2))]
    first = written(path, lines)
    assert written(path, [], replace(AFTER, samples=8, crc=1)) == first


def test_a_log_is_replaced_when_asked(path: Path) -> None:
    path.write_text("my notes\n")
    with Log(path, INFO, overwrite=True) as log:
        log.write(Save(5))
    assert path.read_text() == '{"saved": 5}\n'


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*none"):
        Log(tmp_path / "none" / "steps.jsonl", INFO)


def test_a_full_disk_is_an_error(path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    log = Log(full, INFO)
    with pytest.raises(InputError, match="cannot write /dev/full: No space left"):
        log.write(Save(5))
    log.close()
