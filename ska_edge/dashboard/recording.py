"""The page of `record`: the signal of a board, a button per label, and the recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from ska_edge.errors import InputError, SkaError
from ska_edge.plural import counted
from ska_edge.recorder.folder import UNLABELED
from ska_edge.recorder.request import Request
from ska_edge.recorder.rows import Rows
from ska_edge.recorder.session import Session
from ska_edge.recorder.take import Form, Take
from ska_edge.report.chart import Line, Lines

SHOWN = 512  # samples of the signal
NOTHING: dict[str, Any] = {
    "state": "",
    "trouble": "",
    "ended": False,
    "label": None,
    "bad": "",
    "facts": [],
    "recordings": [],
    "charts": [],
}
"""The changing part of the document before anything was shown."""
FORM = 'a request is {"action": "start", "label": name}, {"action": "stop"} or {"action": "end"}'


class RecordingPage:
    """The contents of the page of one session; see `Contents`.

    The thread that records calls `show` and `asked`; any other thread may call `text` and `steer`.

    Args:
        port: the board's port.
        folder: the folder of the recordings.
        labels: the labels that have buttons; "" is a recording without a label.
        group: the group of the recordings, or "".
    """

    html = "record.html"

    def __init__(self, port: str, folder: Path, labels: Sequence[str], group: str = "") -> None:
        self._fixed = {"port": port, "folder": str(folder), "labels": [*labels], "group": group}
        self._labels = tuple(labels)
        self._asked: SimpleQueue[Request] = SimpleQueue()
        self._made: tuple[object, str] = (0, json.dumps({**self._fixed, **NOTHING}))

    # --- the methods of a page's contents ---------------------------------------------------------

    def text(self) -> tuple[object, str]:
        """Return the number of the document that `show` made last, and this document as JSON."""
        return self._made

    def steer(self, request: bytes) -> None:
        """Keep a request for the thread that records.

        Raises InputError for a request of another form, and for a label without a button.
        """
        try:
            found = json.loads(request)
            action, label = found["action"], found.get("label", "")
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            action = label = None
        if action not in ("start", "stop", "end") or not isinstance(label, str):
            raise InputError(FORM)
        if action == "start" and label not in self._labels:
            raise InputError(
                f"no button has the label {label!r:.40}; the labels are"
                f" {', '.join(map(repr, self._labels))}"
            )
        self._asked.put(Request(action, label if action == "start" else ""))

    # --- for the thread that records --------------------------------------------------------------

    def asked(self) -> list[Request]:
        """Remove and return the requests."""
        found = []
        while True:
            try:
                found.append(self._asked.get_nowait())
            except Empty:
                return found

    def show(
        self, session: Session, rows: Rows, state: str, ended: bool = False, trouble: str = ""
    ) -> None:
        """Show a session, its state in words, and a sentence about what ended it, or ""."""
        document = {
            **self._fixed,
            "state": state,
            "trouble": trouble,
            "ended": ended,
            "label": session.label,
            "bad": _bad(rows),
            "facts": [self._fact(label, session.takes) for label in self._labels],
            "recordings": [_entry(take) for take in reversed(session.takes)],
            "charts": [{"kind": "lines", **chart.as_dict()} for chart in _charts(session, rows)],
        }
        number, _ = self._made
        assert isinstance(number, int)
        self._made = number + 1, json.dumps(document, allow_nan=False)

    def _fact(self, label: str, takes: Sequence[Take]) -> dict[str, str]:
        """Return how much was recorded of a label."""
        found = [take for take in takes if take.form.label == label]
        samples = counted(sum(take.rows for take in found), "sample")
        return {
            "name": label or UNLABELED,
            "value": f"{sum(take.seconds for take in found):.1f} s",
            "words": f"{counted(len(found), 'recording')}, {samples}",
        }

    @contextmanager
    def until_end(self, session: Session, rows: Rows) -> Iterator[None]:
        """Show at the end of a block that the session has ended, and the error that ended it."""
        trouble = ""
        try:
            yield
        except SkaError as error:
            trouble = str(error)
            raise
        finally:
            self.show(session, rows, "the session has ended", True, trouble)


def _charts(session: Session, rows: Rows) -> Iterator[Lines]:
    """Yield the last samples of each value of the board, but not of its time."""
    latest = session.latest
    last = [*islice(latest, max(len(latest) - SHOWN, 0), None)]
    at = tuple(float(number - len(last) + 1) for number in range(len(last)))
    clock = Form(rows.names).clock
    for number, name in enumerate(rows.names):
        if number == clock:
            continue
        values = tuple(float(row.values[number]) for row in last)
        yield Lines(
            name=f"axis-{number}",
            title=name,
            note="",
            x="samples before the newest one",
            y="value",
            lines=(Line(name, at, values),),
        )


def _bad(rows: Rows) -> str:
    if not rows.bad:
        return ""
    return f"{rows.bad} of {counted(rows.lines, 'line')} gave no row; the first is {rows.first_bad}"


def _entry(take: Take) -> dict[str, Any]:
    return {
        "file": take.path.name,
        "label": take.form.label,
        "samples": take.rows,
        "seconds": take.seconds,
    }
