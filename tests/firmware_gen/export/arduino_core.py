"""Compiles Arduino sketches as the IDE does: by the recipes of the core arduino-core-avr.

The recipes are lines of platform.txt. A word in braces in a recipe names another line of
platform.txt, a line of the board in boards.txt, or a value of the build.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from firmware_gen.memory.sections import measure

HARDWARE = Path("/usr/share/arduino/hardware/arduino/avr")
INSTALL = "arduino-core-avr is not installed: apt-get install arduino-core-avr"
RECIPES = {".c": "c", ".cpp": "cpp", ".S": "S"}
# The core needs a macro that only newer compilers define. In sketches and libraries a warning is an
# error, but not in the core, which is not ours.
EXTRA = "-DDECIMAL_DIG=__DECIMAL_DIG__"
STRICT = "-Wall -Wextra -Werror"


class ArduinoCore:
    """The compiled core of one board.

    Args:
        board: its name in boards.txt, "uno" or "mega".
        folder: an empty folder for object files.
        cpu: the processor, if the board comes with several.

    Attributes:
        chip: the microcontroller, as avr-gcc names it.
    """

    def __init__(self, board: str, folder: Path, cpu: str | None = None) -> None:
        self._values = _lines(HARDWARE / "platform.txt")
        described = _part(_lines(HARDWARE / "boards.txt"), board)
        self._values |= described | _part(described, f"menu.cpu.{cpu}")
        self._values |= {
            "runtime.ide.version": "10607",
            "build.arch": "AVR",
            "build.path": str(folder),
            "compiler.cpp.extra_flags": EXTRA,
            "archive_file": "core.a",
        }
        self.chip = self._values["build.mcu"]
        self._folder = folder
        core = HARDWARE / "cores" / self._values["build.core"]
        variant = HARDWARE / "variants" / self._values["build.variant"]
        self._includes = [core, variant]
        sources = [path for path in sorted(core.rglob("*")) if path.suffix in RECIPES]
        self._archive("core.a", [self._compile(path, "core", "-w") for path in sources])

    def build(self, sketch: Path, library: Path) -> Path:
        place = self._folder / "sketch"
        place.mkdir(exist_ok=True)
        unit = place / f"{sketch.name}.cpp"
        text = sketch.read_text(encoding="utf-8")
        unit.write_text(f'#include <Arduino.h>\n#line 1 "{sketch}"\n{text}', encoding="utf-8")
        includes = [library / "src", sketch.parent]
        objects = [self._compile(unit, "sketch", STRICT, includes)]
        sources = [path for path in sorted((library / "src").iterdir()) if path.suffix in RECIPES]
        parts = [self._compile(path, library.name, STRICT, includes) for path in sources]
        # The library asks for an archive: dot_a_linkage=true.
        objects.append(self._archive(f"{library.name}.a", parts))
        self._values["build.project_name"] = sketch.name
        self._run("recipe.c.combine.pattern", object_files=shlex.join(map(str, objects)))
        return self._folder / f"{sketch.name}.elf"

    def fits(self, image: Path) -> bool:
        """Tell whether flash and RAM of the board hold an image."""
        usage, values = measure(image, bounded=False), self._values
        return usage.flash <= int(values["upload.maximum_size"]) and usage.ram <= int(
            values["upload.maximum_data_size"]
        )

    def _compile(
        self, source: Path, folder: str, warnings: str, includes: Sequence[Path] = ()
    ) -> Path:
        output = self._folder / folder / f"{source.name}.o"
        output.parent.mkdir(exist_ok=True)
        self._run(
            f"recipe.{RECIPES[source.suffix]}.o.pattern",
            **{"compiler.warning_flags": warnings},
            includes=" ".join(f'"-I{path}"' for path in [*self._includes, *includes]),
            source_file=str(source),
            object_file=str(output),
        )
        return output

    def _archive(self, name: str, objects: Sequence[Path]) -> Path:
        path = self._folder / name
        path.unlink(missing_ok=True)
        for part in objects:
            self._run("recipe.ar.pattern", archive_file=name, object_file=str(part))
        return path

    def _run(self, recipe: str, **more: str) -> None:
        """Run a recipe; its command must succeed."""
        command, known, before = self._values[recipe], {**self._values, **more}, ""
        while command != before:
            before = command
            command = re.sub(r"\{([^{}]+)\}", lambda word: known.get(word[1], ""), command)
        result = subprocess.run(shlex.split(command), capture_output=True, text=True)
        assert result.returncode == 0, result.stderr


def _lines(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")


def _part(values: dict[str, str], prefix: str) -> dict[str, str]:
    """Return the values whose names begin with a prefix, without the prefix."""
    start = f"{prefix}."
    return {name[len(start) :]: value for name, value in values.items() if name.startswith(start)}
