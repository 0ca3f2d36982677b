"""Lists the exports. To add one, add a row, and a folder of templates with the export's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firmware_gen.emit.names.taken import (
    ARDUINO_HEADERS,
    C_HEADERS,
    CMAKE_KEYWORDS,
    CMAKE_TARGETS,
    CUBE_HEADERS,
    EXAMPLE_HEADERS,
    EXAMPLE_PROGRAMS,
    IDF_COMPONENTS,
    MICROPYTHON_NAMES,
    ZEPHYR_LIBRARIES,
    Taken,
)


@dataclass(frozen=True, slots=True)
class Export:
    """A form of the library.

    `title` says what the export is. `library` is the folder of the library: it gets the license,
    and its folder `src` gets the C files. `shared` maps paths in the export to files of
    `templates/library`. @NAME@ is the name of the library, which must not be in `taken`. `buffer`
    is the number of bytes that the line of the example `serve` can receive while the network
    computes; for Arduino, ska_config.h has another value. The prefix of the model's names must not
    be in `modules`.
    """

    title: str
    library: str
    shared: Mapping[str, str]
    taken: tuple[Taken, ...]
    buffer: int = 0
    modules: tuple[Taken, ...] = ()


def _c_examples(folder: str, *others: str) -> dict[str, str]:
    """Return the paths of the two examples in C, and of `others`, in a folder of an export."""
    names = ("sensor.h", "line.h", "learn.c", "serve.c", *others)
    return {f"{folder}/{name}": name for name in names}


EXPORTS = {
    "arduino": Export(
        "Arduino library",
        library=".",
        shared={
            "examples/Learn/Learn.ino": "learn.cpp",
            "examples/Learn/sensor.h": "sensor.h",
            "examples/Serve/Serve.ino": "serve.cpp",
            "examples/Serve/sensor.h": "sensor.h",
        },
        taken=(C_HEADERS, ARDUINO_HEADERS, EXAMPLE_HEADERS),
    ),
    "cmake": Export(
        "CMake project",
        library=".",
        shared=_c_examples("examples", "main.c"),
        taken=(C_HEADERS, EXAMPLE_HEADERS, EXAMPLE_PROGRAMS, CMAKE_TARGETS, CMAKE_KEYWORDS),
    ),
    "platformio": Export(
        "PlatformIO project",
        library="lib/@NAME@",
        shared={
            "src/sensor.h": "sensor.h",
            "src/main.cpp": "learn.cpp",
            "examples/serve/main.cpp": "serve.cpp",
        },
        taken=(C_HEADERS, ARDUINO_HEADERS, EXAMPLE_HEADERS),
    ),
    "zephyr": Export(
        "Zephyr module",
        library=".",
        shared=_c_examples("examples/src", "main.c"),
        taken=(C_HEADERS, EXAMPLE_HEADERS, CMAKE_TARGETS, CMAKE_KEYWORDS, ZEPHYR_LIBRARIES),
        buffer=256,
    ),
    "esp-idf": Export(
        "ESP-IDF component",
        library=".",
        shared=_c_examples("examples/sensor/main", "main.c"),
        taken=(C_HEADERS, EXAMPLE_HEADERS, CMAKE_TARGETS, CMAKE_KEYWORDS, IDF_COMPONENTS),
        buffer=256,
    ),
    "stm32cube": Export(
        "folder for STM32CubeIDE",
        library=".",
        shared=_c_examples("examples"),
        taken=(C_HEADERS, EXAMPLE_HEADERS, CUBE_HEADERS),
        buffer=255,
    ),
    "micropython": Export(
        "MicroPython module",
        library=".",
        # The names here do not end in .py, because this package's checks do not suit MicroPython's
        # Python.
        shared={f"examples/{name}.py": f"{name}.upy" for name in ("sensor", "learn", "serve")},
        taken=(C_HEADERS, EXAMPLE_HEADERS),
        modules=(MICROPYTHON_NAMES,),
    ),
}
