"""The page of `record` has a whole document at any time."""

from __future__ import annotations

import json
from pathlib import Path

from ska_edge.dashboard.recording import RecordingPage
from ska_edge.recorder.rows import Rows
from ska_edge.recorder.session import Plan, Session


def test_a_page_that_is_opened_first_has_all_that_the_script_reads(tmp_path: Path) -> None:
    page = RecordingPage("/dev/board", tmp_path, ("walk",))
    _, first = page.text()
    page.show(Session(Plan(tmp_path), ("ax",)), Rows(names=("ax",)), "waiting for a button")
    _, later = page.text()
    assert {*json.loads(first)} == {*json.loads(later)}
