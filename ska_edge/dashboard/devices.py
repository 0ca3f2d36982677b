"""Shows the devices that a monitor lets learn."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from ska_edge.closable import Closable
from ska_edge.dashboard.feed import Feed
from ska_edge.dashboard.page import Page
from ska_edge.dashboard.signals import Signals
from ska_edge.dashboard.twin import Twin
from ska_edge.data.dataset import Dataset
from ska_edge.model.model_file import Model
from ska_edge.monitor.sinks.log import LogSink
from ska_edge.monitor.sinks.sink import Sink


class Devices(Closable):
    """Makes the sinks of devices, and lets the host learn along.

    Args:
        page: shows the devices.
        folder: gets the logs of devices that have no other log.
    """

    def __init__(self, page: Page, folder: Path) -> None:
        self._page, self._folder = page, folder
        self._stack = ExitStack()

    def sinks(self, port: str, model: Model, log: Path | None, data: Dataset | None) -> list[Sink]:
        """Return the sinks of the device at a port; `log` is its log, if another sink writes one.

        `data` are the rows that it learns; None for a device that learns by itself.
        The host compares a device with itself from a log, so a device without one gets one.
        """
        labeling = self._page.control and data is None
        feed = Feed(port, model, Signals.of(model, data), labeling)
        found: list[Sink] = [feed]
        if log is None:
            log = self._folder / f"{len(self._page.feeds)}.jsonl"
            found.insert(0, LogSink(log, overwrite=True))
        self._page.feeds.append(feed)
        self._stack.enter_context(Twin(log, model, feed))
        return found

    def close(self) -> None:
        """Stop to learn along."""
        self._stack.close()
