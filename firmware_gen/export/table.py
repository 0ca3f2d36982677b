"""The exports: one row each. To add one, add a row and a folder of templates with its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firmware_gen.emit.taken import (
    ARDUINO_HEADERS,
    C_HEADERS,
    CMAKE_KEYWORDS,
    CMAKE_TARGETS,
    EXAMPLE_HEADERS,
    EXAMPLE_PROGRAMS,
    Taken,
)


@dataclass(frozen=True, slots=True)
class Export:
    """A form of the library, with all names relative to the folder of the export.

    `title` says what it is. `library` is the folder of the library: it gets the license, and its
    folder `src` gets the C files. `shared` maps files of `templates/library` to their paths in the
    export. @NAME@ is the name of the library, which is none of the names in `taken`.
    """

    title: str
    library: str
    shared: Mapping[str, str]
    taken: tuple[Taken, ...]


EXPORTS = {
    "arduino": Export(
        "Arduino library",
        library=".",
        shared={
            "sensor.h": "examples/Learn/sensor.h",
            "learn.cpp": "examples/Learn/Learn.ino",
            "serve.cpp": "examples/Serve/Serve.ino",
        },
        taken=(C_HEADERS, ARDUINO_HEADERS, EXAMPLE_HEADERS),
    ),
    "cmake": Export(
        "CMake project",
        library=".",
        shared={"sensor.h": "examples/learn/sensor.h"},
        taken=(C_HEADERS, EXAMPLE_HEADERS, EXAMPLE_PROGRAMS, CMAKE_TARGETS, CMAKE_KEYWORDS),
    ),
    "platformio": Export(
        "PlatformIO project",
        library="lib/@NAME@",
        shared={
            "sensor.h": "src/sensor.h",
            "learn.cpp": "src/main.cpp",
            "serve.cpp": "examples/serve/main.cpp",
        },
        taken=(C_HEADERS, ARDUINO_HEADERS, EXAMPLE_HEADERS),
    ),
}
