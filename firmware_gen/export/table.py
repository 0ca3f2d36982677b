"""The exports: one row each. To add one, add a row and a folder of templates with its name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Export:
    """A form of the library, with all names relative to the folder of the export.

    `title` follows "as" in messages. `library` is the folder of the library, which gets the
    license, and the C files in `src`. `example` is the folder of the example that learns, which
    gets sensor.h. In both, @NAME@ is the name of the library.
    """

    title: str
    library: str
    example: str


EXPORTS = {
    "arduino": Export("Arduino library", library=".", example="examples/Learn"),
}
