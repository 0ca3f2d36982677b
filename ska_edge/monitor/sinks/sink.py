"""What is told of everything that happens at one device."""

from __future__ import annotations

from typing import Protocol

from ska_edge.errors import ContactLost
from ska_edge.monitor.log_line import LogLine
from ska_edge.monitor.monitor import Activity, Monitor


class Sink(Protocol):
    """Takes the events of one device; the thread of that device calls it.

    To add one, write a class with these methods and add it to the list in `cli.monitor`.
    """

    def open(self, monitor: Monitor) -> None:
        """There is contact and nobody learns yet.

        Raises InputError or ToolError when it cannot take events; then no device learns.
        """

    def write(self, line: LogLine) -> None:
        """A line of the log: notices before something is sent, and what happened.

        Raises InputError when it cannot be taken; the device then learns no more.
        """

    def status(self, activity: Activity) -> None:
        """What the device does from now on; may come before `open`, as `lost` may."""

    def lost(self, reason: ContactLost) -> None:
        """Contact was lost, and the device is waited for."""

    def close(self) -> None:
        """Nothing more comes; also called where `open` was not."""
