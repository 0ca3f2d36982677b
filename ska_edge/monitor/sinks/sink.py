"""Defines the interface of a receiver of a device's events."""

from __future__ import annotations

from typing import Protocol

from ska_edge.errors import ContactLost
from ska_edge.monitor.log.line import LogLine
from ska_edge.monitor.monitor import Activity, Monitor


class Sink(Protocol):
    """Receives the events of one device.

    All methods except `open` are called in threads of that device.

    To add a sink, write a class with these methods, and add it to the list in
    `cli.commands.monitor`.
    """

    def open(self, monitor: Monitor) -> None:
        """Prepare to receive events; called after the first contact, before any device learns.

        If the sink raises InputError or ToolError here, no device learns.
        """

    def write(self, line: LogLine) -> None:
        """Receive a line of the log: an event, or a notice before something is sent.

        If the sink raises an SkaError here, the device stops learning.
        """

    def status(self, activity: Activity) -> None:
        """Receive the device's new activity; `status` and `lost` may be called before `open`."""

    def lost(self, reason: ContactLost) -> None:
        """Receive the notice that contact was lost and that the monitor waits for the device."""

    def close(self) -> None:
        """Release everything; called even if `open` was not called."""
