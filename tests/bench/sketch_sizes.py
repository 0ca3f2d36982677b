"""Measure the flash and RAM that sketches need on an Arduino Uno.

`python -m tests.bench.sketch_sizes` prints the table of docs/FIRMWARE.md, "Exports".
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from firmware_gen.export.write import write_export
from firmware_gen.memory.sections import measure
from ska_edge.data.load import load
from ska_edge.training.beginning import beginning
from ska_edge.training.options import Options
from tests.bench.baseline import CONSTANT
from tests.firmware_gen.export.arduino_core import ArduinoCore

NAME = "SkaThings"
EMPTY = "void setup() {}\nvoid loop() {}\n"
SERIAL = "void setup() { Serial.begin(115200); }\nvoid loop() { Serial.println(1); }\n"
LEARN = f"""\
#include <{NAME}.h>
JOURNAL#include "sensor.h"
static ska_t network;
void setup() {{
  ska_init(&network);
BEGIN}}
void loop() {{
  static ska_signal_t x[SKA_INPUTS];
  const uint16_t label = sensor_read(x);
  if (ska_infer(&network, x) != SKA_OK || ska_learn(&network, x, label) != SKA_OK) {{
    digitalWrite(LED_BUILTIN, HIGH);
  }}
END}}
"""
JOURNAL = '#include "ska_journal.h"\n'
BEGIN = "  (void)ska_load(&network);\n"
END = "  if (ska_samples(&network) % 100 == 0) { (void)ska_save(&network); }\n"
SAVED = ("iris",)
"""Data whose networks the EEPROM can save."""
NETWORKS = {"digits4x4": (12,), "iris": (16,)}


def filled(journal: str, begin: str, end: str) -> str:
    return LEARN.replace("JOURNAL", journal).replace("BEGIN", begin).replace("END", end)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def sizes(core: ArduinoCore, sketch: str, library: Path | None, folder: Path) -> tuple[int, int]:
    place = folder / "Sketch"
    place.mkdir(exist_ok=True)
    (place / "Sketch.ino").write_text(sketch, encoding="utf-8")
    if library is None:
        library = folder / "empty"
        (library / "src").mkdir(parents=True, exist_ok=True)
        (library / "src" / "empty.c").write_text("int empty;\n", encoding="utf-8")
    for header in library.glob("examples/Learn/*.h"):
        (place / header.name).write_bytes(header.read_bytes())
    usage = measure(core.build(place / "Sketch.ino", library), bounded=False)
    return usage.flash, usage.ram


def rows(folder: Path) -> Iterator[tuple[str, str, int, int]]:
    (folder / "core").mkdir()
    core = ArduinoCore("uno", folder / "core")
    yield "", "an empty sketch", *sizes(core, EMPTY, None, folder)
    yield "", "a sketch with `Serial`", *sizes(core, SERIAL, None, folder)
    for data, hidden in NETWORKS.items():
        start = beginning(load(data), Options(hidden=hidden, **CONSTANT), 200)
        plan, state = start.model.plan, start.model.state
        library = write_export("arduino", plan, state.parameters, folder / data / NAME).folder
        examples = library / "examples"
        sketches = {
            "`ska_infer` and `ska_learn`, without `Serial`": filled("", "", ""),
            "example `Learn`": text_of(examples / "Learn" / "Learn.ino"),
            "example `Serve`": text_of(examples / "Serve" / "Serve.ino"),
        }
        if data in SAVED:
            text = filled(JOURNAL, BEGIN, END)
            sketches["the first with `ska_save` and `ska_load`"] = text
        network = "-".join(map(str, plan.sizes))
        for name, text in sketches.items():
            yield f"{data}, {network}", name, *sizes(core, text, library, folder / data)


def main() -> None:
    print("| network | sketch | flash | RAM |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for network, sketch, flash, ram in rows(Path(folder)):
            print(f"| {network} | {sketch} | {flash:,} | {ram:,} |", flush=True)


if __name__ == "__main__":
    main()
