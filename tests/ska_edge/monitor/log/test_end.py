"""The last lines of a log determine its end as all of its lines would."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.device.info import DeviceInfo
from ska_edge.monitor.log import end as log_end
from ska_edge.monitor.log.end import LogEnd
from ska_edge.monitor.log.line import (
    CHECKPOINT,
    Interruption,
    LogLine,
    LogRow,
    RateChange,
    RateNotice,
    RowNotice,
    SessionEnd,
    SessionStart,
)
from ska_edge.monitor.log.value import Mark

TOKEN, DIGEST = 8, "0123456789abcdef"
INFO = DeviceInfo(
    **cast(
        Any,
        {
            **dict.fromkeys(DeviceInfo.__slots__, 0),
            "board": "host",
            "digest": DIGEST,
            "token": TOKEN,
            "crc": 77,
        },
    )
)


class Writer:
    """Makes the lines of a monitor whose device accepts three rows in flight."""

    def __init__(self) -> None:
        self.info = INFO
        self.lines: list[LogLine] = []
        self.begin()

    def begin(self) -> None:
        self.lines.append(SessionStart.of(self.info, "/dev/ttyX"))

    def learn(self, count: int) -> None:
        first, told = self.info.samples + 1, self.info.samples
        for sample in range(first, first + count):
            while told < min(sample + 2, first + count - 1):
                told += 1
                self.lines.append(RowNotice(told, TOKEN, 1, (told % 100,)))
            halvings = None if sample % CHECKPOINT else self.info.halvings
            self.lines.append(LogRow(sample, 1, (sample % 100,), sample, 1, (5,), (), halvings))
        samples = first + count - 1
        self.info = replace(self.info, samples=samples, step=samples, crc=samples * 7 + 1)

    def rate(self, halvings: int) -> None:
        self.lines += [RateNotice(halvings, TOKEN), RateChange(halvings)]
        self.info = replace(self.info, halvings=halvings, crc=self.info.crc + 1)

    def fall_back(self) -> None:
        self.info = replace(self.info, samples=3, step=3, crc=33, halvings=0)
        self.lines.append(Interruption("gone", True, Mark.of(self.info)))

    def reconnect(self) -> None:
        self.lines.append(Interruption("gone", False, Mark.of(self.info)))

    def end(self) -> None:
        self.lines.append(SessionEnd(Mark.of(self.info, halvings=False)))


def text_of(lines: list[LogLine]) -> bytes:
    return b"".join(json.dumps(line.as_dict()).encode() + b"\n" for line in lines)


def with_a_hole(path: Path, lines: list[LogLine], kept: int) -> Path:
    """Write a log with a terabyte of zeros between its first line and its last `kept` lines."""
    with path.open("wb") as file:
        file.write(text_of(lines[:1]))
        file.seek(2**40)
        file.write(b"\n" + text_of(lines[-kept:]))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "steps.jsonl"


def test_a_session_that_ended_is_continued_by_its_last_line(path: Path) -> None:
    book = Writer()
    book.rate(2)
    book.learn(5000)
    book.end()
    end = LogEnd.of(with_a_hole(path, book.lines, 1), book.info)
    assert end.obstacle(book.info) == ""


@pytest.mark.parametrize("torn", [False, True])
def test_a_session_that_was_killed_is_continued_from_its_last_checkpoint(
    path: Path, torn: bool
) -> None:
    book = Writer()
    book.rate(2)
    book.learn(5000)
    book.lines += [RowNotice(5001, TOKEN, 1, (1,)), RowNotice(5002, TOKEN, 1, (2,))]
    with_a_hole(path, book.lines, 2 * (CHECKPOINT + 10))
    if torn:
        with path.open("ab") as file:
            file.write(b'{"sample": 50')
    now = replace(book.info, samples=5002)
    end = LogEnd.of(path, now)
    assert end.obstacle(now) == ""
    assert [row.sample for row in end.learned(now)] == [5001, 5002]
    other = replace(now, halvings=1)
    assert "longer than" in LogEnd.of(path, other).obstacle(other)  # this reads all the zeros


def test_a_row_in_flight_announced_before_a_checkpoint_is_found(path: Path) -> None:
    """The monitor was killed after the checkpoint."""
    book = Writer()
    book.learn(2 * CHECKPOINT)
    place = next(i for i, line in enumerate(book.lines) if line_at(line) == CHECKPOINT)
    now = replace(INFO, samples=CHECKPOINT + 2)
    path.write_bytes(text_of(book.lines[: place + 1]))
    end = LogEnd.of(with_a_hole(path, book.lines[: place + 1], 10), now)
    assert end.obstacle(now) == ""
    assert [row.sample for row in end.learned(now)] == [CHECKPOINT + 1, CHECKPOINT + 2]


def line_at(line: LogLine) -> int | None:
    return line.sample if isinstance(line, LogRow) else None


steps = st.sampled_from(["learn", "learn", "rate", "fall_back", "reconnect", "end", "begin"])


@given(
    st.lists(st.tuples(steps, st.integers(1, 7)), max_size=12),
    st.integers(0, 30),
    st.sampled_from([0, 0, 1, 2, -1]),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([TOKEN, TOKEN, 9]),
)
def test_the_last_lines_give_the_same_end_as_all_lines(
    tmp_path_factory: pytest.TempPathFactory,
    taken: list[tuple[str, int]],
    cut: int,
    ahead: int,
    halvings: int,
    token: int,
) -> None:
    """The log has random lines and may be cut, and the device has a random state."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Writer.learn.__globals__, "CHECKPOINT", 4)
        book = Writer()
        for name, number in taken:
            getattr(book, name)(*[number] * (name in ("learn", "rate")))
        text = text_of(book.lines)
        path = tmp_path_factory.getbasetemp() / "steps.jsonl"
        path.write_bytes(text[: len(text) - cut])
    now = replace(
        book.info,
        samples=max(book.info.samples + ahead, 0),
        halvings=book.info.halvings + halvings,
        crc=book.info.crc + halvings,  # the CRC covers the halvings
        token=token,
    )
    whole = LogEnd(log_end._whole(path))
    near = LogEnd._near(path)
    found = LogEnd.of(path, now)
    assert found.obstacle(now) == whole.obstacle(now)
    if near is not None and not near.obstacle(now):
        assert whole.obstacle(now) == ""
    if not whole.obstacle(now):
        assert found.learned(now) == whole.learned(now)
        assert found.rate(now) == whole.rate(now)
