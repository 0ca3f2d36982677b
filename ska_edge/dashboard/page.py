"""The contents of the page: all devices, in one document."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from ska_edge.dashboard.feed import Feed

LEAST_AGE = 0.4  # seconds; a younger document is sent again, because making one takes time


class Page:
    """The devices that the page shows; any thread may call its methods.

    Attributes:
        feeds: the devices; others may be appended.
    """

    def __init__(self) -> None:
        self.feeds: list[Feed] = []
        self._lock = threading.Lock()
        self._made: tuple[object, str] = (None, "")
        self._time = 0.0

    def document(self) -> dict[str, Any]:
        """Return what the page shows, as plain data for JSON."""
        return {"devices": [feed.document() for feed in self.feeds]}

    def text(self) -> tuple[object, str]:
        """Return a value that changes with the document, and the document as JSON."""
        with self._lock:
            version = [feed.version for feed in self.feeds]
            old = time.monotonic() - self._time >= LEAST_AGE
            if version != self._made[0] and old:
                self._made = version, json.dumps(self.document(), allow_nan=False)
                self._time = time.monotonic()
            return self._made
