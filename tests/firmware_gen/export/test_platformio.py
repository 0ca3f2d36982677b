"""The PlatformIO project has the Arduino library's sources, and a manifest that is valid."""

from __future__ import annotations

import ast
import configparser
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_gen.emit.names.prefix import DEFAULT
from tests.firmware_gen.export.learning import export


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return export("platformio", tmp_path / "SkaThings").folder


def test_the_manifest_names_the_library(folder: Path) -> None:
    library = folder / "lib" / "SkaThings"
    manifest = json.loads((library / "library.json").read_text(encoding="utf-8"))
    assert manifest["name"] == "SkaThings"
    assert (library / "src" / manifest["headers"]).is_file()


def test_the_default_environment_is_described(folder: Path) -> None:
    config = configparser.ConfigParser()
    config.read(folder / "platformio.ini", encoding="utf-8")
    assert f"env:{config['platformio']['default_envs']}" in config.sections()


def test_the_manifest_fits_the_schema(folder: Path) -> None:
    """PlatformIO checks a license against an online list, so the test removes the license."""
    parser = pytest.importorskip("platformio.package.manifest.parser")
    schema = pytest.importorskip("platformio.package.manifest.schema")
    path = folder / "lib" / "SkaThings" / "library.json"
    manifest = parser.ManifestParserFactory.new_from_file(str(path)).as_dict()
    assert manifest.pop("license") == "Apache-2.0"
    assert schema.ManifestSchema().load_manifest(manifest)["name"] == "SkaThings"
    manifest["version"] = 3
    with pytest.raises(Exception, match="Invalid manifest fields"):
        schema.ManifestSchema().load_manifest(manifest)


def lint(folder: Path, core: Path) -> object:
    """Return what PlatformIO finds in the configuration of a project."""
    command = [sys.executable, "-m", "platformio", "project", "config", "--lint", "--json-output"]
    environment = {**os.environ, "PLATFORMIO_CORE_DIR": str(core)}
    result = subprocess.run(
        [*command, "-d", folder], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return ast.literal_eval(result.stdout)  # despite --json-output, it is a Python literal


def test_the_project_has_no_unknown_option(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("platformio")
    clean = {"errors": [], "warnings": []}
    assert lint(folder, tmp_path / "core") == clean
    with (folder / "platformio.ini").open("a", encoding="utf-8") as config:
        config.write("bord = uno\n")
    assert lint(folder, tmp_path / "core") != clean


def test_the_sources_are_those_of_the_arduino_library(folder: Path, tmp_path: Path) -> None:
    check_sources(folder, tmp_path)


def check_sources(folder: Path, scratch: Path, prefix: str = DEFAULT) -> None:
    """Check that the sources are those of the Arduino library, which test_arduino.py compiles and
    runs.
    """
    (scratch / "arduino").mkdir()
    arduino = export("arduino", scratch / "arduino" / "SkaThings", prefix).folder
    pairs = {
        "src/main.cpp": "examples/Learn/Learn.ino",
        "src/sensor.h": "examples/Learn/sensor.h",
        "examples/serve/main.cpp": "examples/Serve/Serve.ino",
        **{
            f"lib/SkaThings/src/{path.name}": f"src/{path.name}"
            for path in (arduino / "src").iterdir()
        },
    }
    for ours, theirs in pairs.items():
        assert (folder / ours).read_bytes() == (arduino / theirs).read_bytes()
    count = len(list((folder / "lib" / "SkaThings" / "src").iterdir()))
    assert count == len(pairs) - 3
