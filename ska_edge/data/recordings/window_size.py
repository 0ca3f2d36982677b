"""Reads the size of a window, or its hop: a number of samples, or a time in seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ska_edge.errors import OptionError

MOST = 65535  # samples of a window; a device counts them in 16 bits
SIZE = re.compile(r"([0-9]+)|([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?(ms|s)")


@dataclass(frozen=True, slots=True)
class WindowSize:
    """A number of samples or of seconds; the other attribute is None."""

    count: int | None = None
    seconds: float | None = None

    @classmethod
    def parse(cls, name: str, given: object) -> WindowSize:
        """Read an option's value: `100` or "100" are samples, "2s" and "20ms" are times.

        Raises OptionError, with the `name` of the option, for other values.
        """
        found = SIZE.fullmatch(str(given).strip().lower())
        if isinstance(given, bool) or found is None:
            raise _unusable(name, given)
        if found[1]:
            size = cls(count=int(found[1]))
        else:
            size = cls(seconds=float(found[2]) / (1000 if found[3] == "ms" else 1))
        if not (size.count or size.seconds):
            raise _unusable(name, given)
        return size

    def samples(self, name: str, rate: float | None) -> int:
        """Return the number of samples at a rate in Hz, 1 to `MOST`.

        Raises OptionError, with the `name` of the option, for a time without a known rate, and for
        a number of samples outside this range.
        """
        if self.count is not None:
            count = self.count
        elif rate is None:
            raise OptionError(
                f"{{{name}}} is a time, but the recordings have no timestamps; give a number of"
                " samples, or the {sample_rate}"
            )
        else:
            assert self.seconds is not None
            count = round(self.seconds * rate)
        if not 1 <= count <= MOST:
            raise OptionError(
                f"{{{name}}} {{given}} is {{count}} samples; it must be 1 to {MOST}",
                given=str(self),
                count=count,
            )
        return count

    def __str__(self) -> str:
        """Return the size in the form of the command line, with times in seconds."""
        return str(self.count) if self.count is not None else f"{self.seconds:g}s"


def _unusable(name: str, given: object) -> OptionError:
    return OptionError(
        f"{{{name}}} is {{given!r}}; it is a number of samples, such as 100, or a time, such as"
        " 2s or 500ms",
        given=given,
    )
