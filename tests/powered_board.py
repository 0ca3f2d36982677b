"""A board whose power can be switched off and on, while the name of its port stays the same."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from firmware_gen.emulators.flash import start
from ska_edge.device.link import Link
from ska_edge.wire.protocol import BY_NAME
from tests.lossy_wire import LossyWire

SHARE = 0.02  # share of the frames that each fault of a bad line hits

Life = tuple[str, int]
"""A kind of frame ("" for any kind), and how many frames of this kind pass before one is cut."""


class PoweredBoard:
    """A context manager: a started board whose power a test can switch off and on.

    Args:
        project: the built project.
        port: the name of the board's port, a symbolic link that this class creates.
        seed: seed of a bad line's faults; None for a good line.

    Attributes:
        port: the name of the board's port.
        failures: how many times the board's power failed in the middle of a frame.
    """

    def __init__(self, project: Path, port: Path, seed: int | None = None) -> None:
        self.port = port
        self.failures = 0
        self._project, self._seed = project, seed
        self._lives: list[Life] = []
        self._power = ExitStack()
        self._failed = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._give_back)

    def __enter__(self) -> PoweredBoard:
        self._on()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._failed.set()
        self._thread.join()
        self._power.close()

    def restart(self) -> None:
        """Cut the board's line and power without running any handler, then restore both."""
        self._power.close()
        self._on()

    def fail_after(self, lives: Sequence[Life]) -> None:
        """Make the power fail after half a frame and come back, whatever the board is doing.

        A life lasts until the next failure. It names a kind of frame (or any kind), and says how
        many of these frames pass before the failure. The first life begins now. Each later life
        begins when the power returns.
        """
        self._lives = list(lives)
        self._wire.life = self._lives.pop(0)

    def link(self) -> Link:
        """Return a link with a short timeout and many retries."""
        return Link(str(self.port), timeout=0.1, tries=20)

    def _on(self) -> None:
        running = self._power.enter_context(start(self._project))
        self._power.callback(os.kill, running.pid, signal.SIGKILL)
        share = 0.0 if self._seed is None else SHARE
        self._seed = (self._seed or 0) + 1 if share else None

        def fail() -> None:
            os.kill(running.pid, signal.SIGKILL)
            self._failed.set()

        self._wire = self._power.enter_context(
            _MortalWire(running.port, share, self._seed or 0, fail)
        )
        self._wire.life = self._lives.pop(0) if self._lives else None
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(self._wire.port)

    def _give_back(self) -> None:
        while True:
            self._failed.wait()
            self._failed.clear()
            if self._ended:
                return
            self.failures += 1
            self.restart()


class _MortalWire(LossyWire):
    """A wire that breaks in the middle of a frame and then calls `fail`.

    Attributes:
        life: kind and number of the frames that pass before the wire breaks; None if it never
            breaks.
    """

    def __init__(self, device: str, share: float, seed: int, fail: Callable[[], None]) -> None:
        super().__init__(device, share, seed)
        self.life: Life | None = None
        self._fail = fail

    def _run(self) -> None:
        with contextlib.suppress(_EndedError):
            super()._run()

    def _write(self, end: int, data: bytes) -> None:
        if self.life is not None:
            name, left = self.life
            if not name or data[1] == BY_NAME[name].code:  # a COBS code precedes the type
                self.life = name, left - 1
                if left == 0:
                    super()._write(end, data[: len(data) // 2])
                    self._fail()
                    raise _EndedError
        super()._write(end, data)


class _EndedError(Exception):
    """The wire is broken: pass no more bytes."""
