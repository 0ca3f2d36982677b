"""Kconfiglib and ESP-IDF's component manager accept the exports for Zephyr and for ESP-IDF."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.firmware_gen.export.learning import PLAN, export

SYMBOL = "SKA_SKA_THINGS"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    return export("zephyr", tmp_path / "Ska-Things").folder


@pytest.fixture
def component(tmp_path: Path) -> Path:
    return export("esp-idf", tmp_path / "SkaThings").folder


def test_the_kconfig_file_defines_the_symbols_that_the_module_uses(module: Path) -> None:
    kconfiglib = pytest.importorskip("kconfiglib")
    kconfig = kconfiglib.Kconfig(str(module / "zephyr" / "Kconfig"))
    assert kconfig.warnings == []
    on, buffer = kconfig.syms[SYMBOL], kconfig.syms[f"{SYMBOL}_UART_BUFFER"]
    assert (on.str_value, buffer.str_value) == ("n", "")  # the buffer depends on the other symbol
    on.set_value("y")
    assert buffer.str_value == "256"
    buffer.set_value("300")
    assert buffer.str_value == "256"  # out of range
    files = [path.read_text(encoding="utf-8") for path in module.rglob("*") if path.is_file()]
    used = {name for text in files for name in re.findall(rf"CONFIG_({SYMBOL}\w*)", text)}
    assert used == {SYMBOL, f"{SYMBOL}_UART_BUFFER"}


def test_the_sample_turns_on_only_what_a_kconfig_file_can_parse(module: Path) -> None:
    """Zephyr's own symbols are not known here, so only the line for this module is checked."""
    kconfiglib = pytest.importorskip("kconfiglib")
    kconfig = kconfiglib.Kconfig(str(module / "zephyr" / "Kconfig"))
    kconfig.warn_assign_undef = False
    kconfig.load_config(str(module / "examples" / "prj.conf"))
    assert kconfig.syms[SYMBOL].str_value == "y"
    assert kconfig.warnings == []


def test_the_module_names_the_folder_with_its_build_files(module: Path) -> None:
    yaml = pytest.importorskip("ruamel.yaml").YAML(typ="safe")
    described = yaml.load(module / "zephyr" / "module.yml")
    assert described["name"] == "Ska-Things"
    assert (module / described["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (module / described["build"]["kconfig"]).is_file()


def pack(component: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Let ESP-IDF's component manager check the component and make an archive."""
    code = "from idf_component_manager.cli import safe_cli; safe_cli()"  # the program `compote`
    command = [sys.executable, "-c", code, "component", "pack", "--name", component.name]
    command += ["--project-dir", str(component), "--dest-dir", str(folder)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_component_manager_packs_the_component(component: Path, tmp_path: Path) -> None:
    pytest.importorskip("idf_component_manager")
    done = pack(component, tmp_path / "dist")
    assert done.returncode == 0, done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    with tarfile.open(tmp_path / "dist" / "skathings_1.0.0.tgz") as archive:
        names = set(archive.getnames())
    assert {"./idf_component.yml", "./src/ska.c", "./LICENSE", "./README.md"} <= names
    assert "./examples/sensor/main/serve.c" in names


def test_the_component_manager_finds_a_fault(component: Path, tmp_path: Path) -> None:
    pytest.importorskip("idf_component_manager")
    manifest = component / "idf_component.yml"
    text = manifest.read_text(encoding="utf-8")
    assert PLAN.digest in text
    manifest.write_text(text.replace('"1.0.0"', '"one"'), encoding="utf-8")
    done = pack(component, tmp_path / "dist")
    assert done.returncode != 0
    assert "version" in done.stdout + done.stderr
