"""Sets the control lines DTR and RTS of a serial port, with which many boards are reset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ON, OFF, KEEP = "on", "off", "keep"
LEVELS = (ON, OFF, KEEP)


@dataclass(frozen=True, slots=True)
class Control:
    """What to do with each line when a port opens: set it to `ON` or `OFF`, or `KEEP` its level.

    An operating system itself may set both lines when it opens a local port.
    """

    dtr: str = ON
    rts: str = ON

    def apply(self, port: Any) -> None:
        """Prepare a port of pyserial that is not yet open."""
        for name, level in (("dtr", self.dtr), ("rts", self.rts)):
            if level == KEEP:
                # pyserial sets both lines when it opens a port; no option prevents it.
                setattr(port, f"_update_{name}_state", _leave)
            else:
                setattr(port, name, level == ON)


BOTH_ON = Control()
"""The usual levels; some USB ports need DTR before they send."""


def _leave() -> None:
    """Leave a line as it is."""
