"""The interface of a receiver of a device's events."""

from __future__ import annotations

from typing import Protocol

from ska_edge.errors import ContactLost
from ska_edge.monitor.log_line import LogLine
from ska_edge.monitor.monitor import Activity, Monitor


class Sink(Protocol):
    """Receives the events of one device, in the thread of that device.

    To add one, write a class with these methods and add it to the list in `cli.monitor`.
    """

    def open(self, monitor: Monitor) -> None:
        """Called when there is contact, before any device learns.

        Raises InputError or ToolError if it cannot receive events; then no device learns.
        """

    def write(self, line: LogLine) -> None:
        """Receive a line of the log: a notice before something is sent, or an event.

        Raises InputError if it cannot process the line; the device then stops learning.
        """

    def status(self, activity: Activity) -> None:
        """Receive the new activity of the device; like `lost`, may be called before `open`."""

    def lost(self, reason: ContactLost) -> None:
        """Contact was lost, and the monitor waits for the device."""

    def close(self) -> None:
        """Called at the end, also if `open` was not called."""
