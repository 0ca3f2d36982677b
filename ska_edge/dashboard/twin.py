"""Lets the host learn the rows of a growing log again, to compare, and for the weights."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from ska_edge.dashboard.feed import Feed
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.report.comparison import Comparison, compare

PAUSE = 1.0  # least seconds between two replays
SHARE = 5  # a replay of t seconds is followed by a pause of at least SHARE * t seconds


class Twin:
    """Replays a log whenever it has new rows; a context manager.

    Args:
        log: the log of the device.
        model: the device's model when the log began.
        feed: gets the result of each replay.
    """

    def __init__(self, log: Path, model: Model, feed: Feed) -> None:
        self._log, self._model, self._feed = log, model, feed
        self._rows = 0  # of the last replay
        self._lock = threading.Lock()  # one replay at a time
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"twin of {log}", daemon=True)

    def __enter__(self) -> Twin:
        """Start to replay."""
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop after the present replay."""
        self._stop.set()

    def look(self) -> None:
        """Replay the log if it has new rows."""
        with self._lock:
            rows = self._feed.rows
            if rows == self._rows:
                return
            try:
                found = compare(self._log, self._model)
            except InputError as error:
                found = Comparison(None, gap=str(error))
            self._feed.compared(found)
            self._rows = rows

    def _run(self) -> None:
        while not self._stop.is_set():
            start = time.monotonic()
            self.look()
            self._stop.wait(max(PAUSE, SHARE * (time.monotonic() - start)))
