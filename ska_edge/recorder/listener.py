"""Reads a port and finds the rows that a board prints."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ska_edge.device.port.port import Port
from ska_edge.errors import ContactLost, DeviceError
from ska_edge.recorder.rows import Row, Rows
from ska_edge.wire.frame import FrameDecoder

LONGEST = 4096  # bytes of a line that arrives in pieces; a longer line gives no row


class Listener:
    """Reads what a board prints.

    Args:
        port: the open port.
        axes: names for the values; by default the names that the board prints.
        patience: seconds without a row after which the board is silent.
        now: a clock in seconds.

    Attributes:
        rows: the names of the values, and the count of bad lines.
    """

    def __init__(
        self,
        port: Port,
        axes: Sequence[str] = (),
        patience: float = 5.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rows = Rows(tuple(axes))
        self._port, self._patience, self._now = port, patience, now
        self._heard = now()  # when the last row came
        self._pending = b""
        self._whole = False  # the first line may have lost its beginning
        self._too_long = False  # whether the line that is arriving has lost its beginning
        self._frames: FrameDecoder | None = FrameDecoder()

    def find(self) -> None:
        """Wait until the names of the values are known; raise as `read` does."""
        while not self.rows.names:
            self.read()
        self._frames = None

    def read(self) -> list[Row]:
        """Return the rows that have arrived, perhaps none; wait briefly for the first byte.

        Raises DeviceError if no row comes for `patience` seconds, or if the device sends frames, as
        firmware of ska-edge does. Raises ContactLost as `Port.read` does, and OptionError as
        `Rows.take` does.
        """
        data = self._port.read()
        now = self._now()
        if self._frames is not None and self._frames.feed(data):
            raise DeviceError(
                f"the device at {self._port.path} runs firmware of ska-edge, which sends frames and"
                " prints no lines: `ska-edge monitor` follows what it learns"
            )
        *lines, self._pending = (self._pending + data).replace(b"\r", b"\n").split(b"\n")
        found = []
        for line in lines:
            text = line.decode("utf-8", "replace")
            if self._too_long:
                self.rows.refuse(text, f"it has more than {LONGEST} bytes")
                row = None
            else:
                row = self.rows.take(text, now, self._whole)
            self._whole, self._too_long = True, False
            if row is not None:
                found.append(row)
        if len(self._pending) > LONGEST:
            self._pending, self._too_long = self._pending[-LONGEST:], True
        if found:
            self._heard = now
        elif now - self._heard > self._patience:
            raise self._silent()
        return found

    def _silent(self) -> DeviceError:
        path, rows = self._port.path, self.rows
        start = f"the device at {path}"
        if rows.names:
            return ContactLost(f"{start} has sent no row for {self._patience:g} s: does it run?")
        if not self._port.received:
            return DeviceError(
                f"{start} sends nothing for {self._patience:g} s: check that its program runs and"
                " prints, and the speed of the port"
            )
        if not rows.last:
            return DeviceError(
                f"{start} sends bytes, but no lines: check the speed of the port, and that each"
                " line ends"
            )
        why = f" ({rows.first_bad})" if rows.first_bad else f" ('{rows.last[:60]}')"
        return DeviceError(
            f"{start} prints lines, but not two rows of numbers of the same form{why}: check the"
            " speed of the port, and print lines such as 1,2,3 or ax:1,ay:2"
        )
