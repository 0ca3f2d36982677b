"""The contents of the page of devices: all devices, in one document."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from ska_edge.dashboard.feed import Feed
from ska_edge.errors import InputError

LEAST_AGE = 0.4  # seconds; a younger document is sent again, because making one takes time


class Page:
    """The devices that the page shows; any thread may call its methods.

    Attributes:
        feeds: the devices; others may be appended.
        control: whether the page shows buttons that steer the devices.
    """

    html = "page.html"

    def __init__(self, control: bool = False) -> None:
        self.control = control
        self.feeds: list[Feed] = []
        self._lock = threading.Lock()
        self._made: tuple[object, str] = (None, "")
        self._time = 0.0

    def document(self) -> dict[str, Any]:
        """Return what the page shows, as plain data for JSON."""
        return {"control": self.control, "devices": [feed.document() for feed in self.feeds]}

    def steer(self, request: bytes) -> None:
        """Do what a request in JSON asks of a device.

        The request is {"device": index, "action": name}, or {"device": index, "action": "label",
        "label": index}.

        Raises InputError for a request of another form, and as `Feed.steer` does.
        """
        try:
            found = json.loads(request)
            place, action, label = found["device"], found["action"], found.get("label")
            feed = self.feeds[place] if type(place) is int and place >= 0 else None
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            feed, action, label = None, "", None
        if feed is None or not isinstance(action, str) or type(label) not in (int, type(None)):
            raise InputError('a request is {"device": index, "action": name}')
        feed.steer(action, label)

    def text(self) -> tuple[object, str]:
        """Return a value that changes with the document, and the document as JSON."""
        with self._lock:
            version = [feed.version for feed in self.feeds]
            old = time.monotonic() - self._time >= LEAST_AGE
            if version != self._made[0] and old:
                self._made = version, json.dumps(self.document(), allow_nan=False)
                self._time = time.monotonic()
            return self._made
