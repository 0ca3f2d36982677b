"""A line that is too long to be kept gives no row."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ska_edge.recorder.listener import LONGEST, Listener


def test_the_end_of_a_line_that_is_too_long_gives_no_row() -> None:
    whole = b"1,2\n3,4\n5,6\n"
    tail = b"7" * (LONGEST + 5), b",8\n9,10\n"  # the tail alone would be 7...7,8
    chunks = iter([b"ax,ay\n" + whole, *tail])
    port: Any = SimpleNamespace(read=lambda: next(chunks), path="/dev/none", received=1)
    listener = Listener(port, now=lambda: 0.0)
    listener.find()
    assert listener.read() == []
    assert [row.values for row in listener.read()] == [("9", "10")]
    rows = listener.rows
    assert rows.bad == 1 and rows.first_bad.endswith(f"it has more than {LONGEST} bytes")
