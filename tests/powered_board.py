"""A board whose power can be taken away and given back, behind a port that keeps its name."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

from firmware_gen.flash import start
from ska_edge.link import Link
from tests.lossy_wire import LossyWire

SHARE = 0.02  # of frames that meet each fault of a bad line


class PoweredBoard:
    """A context manager.

    Args:
        project: what is built for the board.
        port: the name of its port, a link that is made here.
        seed: of a bad line's faults; None for a good line.

    Attributes:
        port: its name.
    """

    def __init__(self, project: Path, port: Path, seed: int | None = None) -> None:
        self.port = port
        self._project, self._seed = project, seed
        self._power = ExitStack()

    def __enter__(self) -> PoweredBoard:
        """It has power."""
        self._on()
        return self

    def __exit__(self, *_: object) -> None:
        self._power.close()

    def restart(self) -> None:
        """Takes its line and its power away, so that no handler runs, and gives both back."""
        self._power.close()
        self._on()

    def link(self) -> Link:
        """A link that asks again soon and often."""
        return Link(str(self.port), timeout=0.1, tries=20)

    def _on(self) -> None:
        running = self._power.enter_context(start(self._project))
        self._power.callback(os.kill, running.pid, signal.SIGKILL)
        port = running.port
        if self._seed is not None:
            self._seed += 1
            port = self._power.enter_context(LossyWire(port, SHARE, seed=self._seed)).port
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(port)
