"""Every export is deterministic and complete, and a folder with something else stays as it is."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.export.table import EXPORTS
from firmware_gen.export.write import write_export
from ska_edge.errors import InputError
from ska_edge.plan.resolve import make_plan
from tests.firmware_gen.export.learning import PLAN, WEIGHTS, export

ROOT = Path(__file__).resolve().parents[3]
Tree = dict[str, bytes]


def tree(folder: Path) -> Tree:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize("kind", EXPORTS)
def test_the_same_network_gives_the_same_files(kind: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one" / "Things", tmp_path / "two" / "Things"
    for folder in (one, two):
        folder.parent.mkdir()
        export(kind, folder)
    files = tree(one)
    assert files == tree(two)
    assert not [name for name in files if "@" in name]
    words = rb"@[A-Z]+@|" + str(tmp_path).encode()
    assert not [name for name, content in files.items() if re.search(words, content)]


@pytest.mark.parametrize("kind", EXPORTS)
def test_an_export_has_a_readme_a_license_and_an_example(kind: str, tmp_path: Path) -> None:
    folder = export(kind, tmp_path / "Things").folder
    row = EXPORTS[kind]
    library = folder / row.library.replace("@NAME@", "Things")
    assert (library / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert "Things" in (folder / "README.md").read_text(encoding="utf-8")
    sensors = [folder / place for place, source in row.shared.items() if source == "sensor.h"]
    (sensor, *_) = [*sensors, folder / "examples" / "sensor.py"]
    assert re.search(r"sensor_read\(|def read\(", sensor.read_text(encoding="utf-8"))
    assert (library / "src" / "Things.h").is_file()


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_header_takes_the_values_of_the_board(kind: str, tmp_path: Path) -> None:
    """A header that does not include ska_config.h could use other sizes than the sources."""
    folder = export(kind, tmp_path / "Things").folder
    headers = {path.name: path.read_text(encoding="utf-8") for path in folder.rglob("ska*.h")}
    assert {"ska_plan.h", "ska_board.h", "ska_storage.h"} <= set(headers)
    for name in set(headers) - {"ska_config.h"}:
        (first, *_) = re.findall(r'#include [<"](.*)[>"]', headers[name])
        assert first == "ska_config.h", name


def test_a_new_export_replaces_the_old_one_and_keeps_other_files(tmp_path: Path) -> None:
    folder = export("arduino", tmp_path / "Things").folder
    (folder / "mine.txt").write_text("mine")
    write_export("arduino", PLAN, WEIGHTS + 1, folder)
    assert (folder / "mine.txt").read_text() == "mine"
    fresh = write_export("arduino", PLAN, WEIGHTS + 1, tmp_path / "again" / "Things").folder
    assert tree(folder) == {**tree(fresh), "mine.txt": b"mine"}


def test_obsolete_files_of_an_earlier_export_are_removed(tmp_path: Path) -> None:
    folder = export("arduino", tmp_path / "Things").folder
    description = folder / "ska-export.json"
    text = description.read_text(encoding="utf-8")
    (folder / "src" / "old.c").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    description.write_text(text.replace('"files": {', f'"files": {{"src/old.c": "{empty}",'))
    export("arduino", folder)
    assert not (folder / "src" / "old.c").exists()


def test_edits_of_the_sensor_and_of_the_configuration_are_kept(tmp_path: Path) -> None:
    folder = export("arduino", tmp_path / "Things").folder
    names = ("examples/Learn/sensor.h", "src/ska_config.h")
    for name in names:
        (folder / name).write_text("/* mine */\n")
    written = write_export("arduino", PLAN, WEIGHTS + 1, folder)
    assert written.kept == names
    assert {(folder / name).read_text() for name in names} == {"/* mine */\n"}
    assert export("arduino", folder).kept == names


@pytest.mark.parametrize("name", ["src/ska.c", "src/Things.h", "src/ska_weights.h"])
def test_an_edit_of_generated_c_is_not_overwritten(name: str, tmp_path: Path) -> None:
    folder = export("arduino", tmp_path / "Things").folder
    (folder / name).write_text("/* mine */\n")
    before = tree(folder)
    with pytest.raises(InputError, match=f"edited and would be lost: {name};"):
        export("arduino", folder)
    assert tree(folder) == before


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("2things", "cannot be named '2things'"),
        ("my things", "cannot be named 'my things'"),
        ("t" * 64, "at most 63 letters"),
        ("SKA", "SKA.h is a header of every library"),
        ("ska_plan", "ska_plan.h is a header of every library"),
    ],
)
def test_a_folder_that_cannot_name_a_library_is_refused(
    name: str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        export("arduino", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "names", "use"),
    [
        ("arduino", "stdint String math strings", "{name}.h is a header of C"),
        ("cmake", "stdint String math strings", "{name}.h is a header of C"),
        ("platformio", "stdint String math strings", "{name}.h is a header of C"),
        ("arduino", "Arduino EEPROM wire SPI", "{name}.h is a header of Arduino"),
        ("platformio", "Arduino EEPROM wire SPI", "{name}.h is a header of Arduino"),
        ("platformio", "sensor", "{name}.h is a header of the examples"),
        ("zephyr", "sensor line", "{name}.h is a header of the examples"),
        ("zephyr", "app Kernel", "{name} is a library of Zephyr"),
        ("esp-idf", "driver freertos", "{name} is a component of ESP-IDF"),
        ("stm32cube", "main usart", "{name}.h is a header of CubeMX"),
        ("cmake", "learn serve Learn", "{name} is a program of the examples"),
        ("cmake", "all install test help clean ALL_BUILD", "{name} is a target of CMake"),
        ("cmake", "STATIC INTERFACE TARGETS FILE", "{name} is a keyword of CMake"),
    ],
)
def test_a_name_that_is_taken_is_refused(kind: str, names: str, use: str, tmp_path: Path) -> None:
    for name in names.split():
        with pytest.raises(InputError) as caught:
            export(kind, tmp_path / name)
        assert str(caught.value) == (
            f"the folder gives the library its name, but {use.format(name=name)};"
            " give a folder with another name"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [("cmake", "Wire"), ("cmake", "library"), ("arduino", "install"), ("platformio", "learn")],
)
def test_a_name_that_only_another_export_refuses(kind: str, name: str, tmp_path: Path) -> None:
    assert export(kind, tmp_path / name).name == name


@pytest.mark.parametrize(
    ("description", "sentence"),
    [
        (None, "is not empty and holds no ska-edge export"),
        ("{", "is damaged"),
        ('{"files": 3}', "is damaged"),
        ('{"files": {"../x": "00"}}', "is damaged"),
        ('{"files": {"x": null}}', "is damaged"),
    ],
)
def test_a_folder_with_foreign_files_is_not_replaced(
    description: str | None, sentence: str, tmp_path: Path
) -> None:
    folder = tmp_path / "Things"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    if description is not None:
        (folder / "ska-export.json").write_text(description)
    before = tree(folder)
    with pytest.raises(InputError, match=sentence):
        export("arduino", folder)
    assert tree(folder) == before


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Things").write_text("mine")
    with pytest.raises(InputError, match="Things is a file; give a folder for the export"):
        export("arduino", tmp_path / "Things")


def test_an_export_of_a_plan_with_batches_is_refused(tmp_path: Path) -> None:
    plan = make_plan((4, 2), batch=8)
    with pytest.raises(InputError, match="a device learns one sample at a time"):
        write_export("arduino", plan, np.zeros(plan.parameter_count), tmp_path / "Things")
