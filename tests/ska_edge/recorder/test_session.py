"""A session lists the recordings that are in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from ska_edge.errors import InputError
from ska_edge.recorder.rows import Row
from ska_edge.recorder.session import Plan, Session
from ska_edge.recorder.take import Form, Take

ROWS = [Row(float(at), (str(at),)) for at in range(3)]


def session(folder: Path) -> Session:
    return Session(Plan(folder), ("ax",), now=lambda: 0.0)


def test_a_recording_that_somebody_has_removed_is_not_listed(tmp_path: Path) -> None:
    found = session(tmp_path)
    found.start("walk")
    found.add(ROWS)
    (tmp_path / "walk-1.csv").unlink()
    with pytest.raises(InputError, match=r"walk-1.csv was removed .*, and its 3 samples with it"):
        found.stop()
    assert found.takes == [] and found.take is None
    found.start("walk")
    found.add(ROWS)
    found.close()
    assert [take.path.name for take in found.takes] == ["walk-1.csv"]


def test_a_file_without_samples_that_is_gone_is_no_error(tmp_path: Path) -> None:
    take = Take(tmp_path / "walk-1.csv", Form(("ax",), "walk"))
    take.path.unlink()
    take.close()
    assert not [*tmp_path.iterdir()]
