"""The sources of a project compile without a warning at every level, as C99 and as C++11."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import board_names, load_board
from firmware_gen.emit.plan import emit_plan
from firmware_gen.project import RUNTIME, write_project
from ska_edge.errors import InputError
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput
from tests.agreement.test_front import FRONTS, plan_with

PLANS = {
    "one-layer": make_plan((5, 3)),
    "digits": make_plan((64, 32, 10)),
    "readouts": make_plan((6, 5, 4, 3)),
    "wide": make_plan((700, 4, 2)),
    "feedback": make_plan(
        (3, 5, 40),
        rule="feedback",
        replay=Replay(3, 2),
        raw=RawInput((5, 70_000, 300), (-9, 2**40, 7), 11),
    ),
    "code": make_plan((5, 4, 4, 3), rule="code", precision="w32a16"),
    "wide-readouts": make_plan((5, 4, 4, 3), precision="w32a16"),
    "output-only": make_plan((5, 4, 3), output_only=True),
    "published": make_plan((5, 4, 3), rule="published", batch=4, steps=3, rate=0.5),
}
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-pedantic")
C99 = ("-std=c99", *WARNINGS, "-Werror", "-c", "-o", "/dev/null")
CXX11 = ("-x", "c++", "-std=c++11", *WARNINGS, "-Werror", "-c", "-o", "/dev/null")
LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os")
SIXTEEN_BIT_INT = ("--target=msp430", "-ffreestanding")


@pytest.fixture(scope="module", params=PLANS)
def sources(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    plan = PLANS[request.param]
    folder = tmp_path_factory.mktemp("project") / "p"
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), "host", folder)
    return folder / "src"


def warnings(sources: Path, *command: str, file: str = "ska.c") -> str:
    done = subprocess.run(
        [*command, file], cwd=sources, capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == (done.stderr == "")
    return done.stderr


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("standard", [C99, CXX11], ids=["c99", "c++11"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_library_compiles_without_a_warning(
    sources: Path,
    compiler: str,
    standard: tuple[str, ...],
    level: str,
    require_toolchain: Callable[[str], str],
) -> None:
    assert warnings(sources, require_toolchain(compiler), *standard, level) == ""


@pytest.mark.parametrize("saves", [True, False], ids=["with-saves", "without-saves"])
@pytest.mark.parametrize("standard", [C99, CXX11], ids=["c99", "c++11"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_every_source_of_the_runtime_is_c99_and_cxx11(
    sources: Path,
    compiler: str,
    standard: tuple[str, ...],
    saves: bool,
    require_toolchain: Callable[[str], str],
) -> None:
    macros = load_board("host").defines()
    flags = [
        f"-D{name}={value}" for name, value in macros.items() if saves or "STORAGE" not in name
    ]
    command = [require_toolchain(compiler), *standard[:-3], *flags, "-fsyntax-only"]
    files = sorted(path.name for path in sources.glob("*.c"))
    assert {"ska.c", "ska_main.c", "ska_journal.c", "ska_frame.c", "ska_crc.c"} <= set(files)
    done = subprocess.run(
        [*command, *files], cwd=sources, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_library_compiles_where_int_has_16_bits(
    sources: Path, require_toolchain: Callable[[str], str]
) -> None:
    assert warnings(sources, require_toolchain("clang"), *C99, "-O2", *SIXTEEN_BIT_INT) == ""


@pytest.mark.parametrize(
    "command",
    [("gcc", *C99), ("gcc", *CXX11), ("clang", *C99), ("clang", *C99, *SIXTEEN_BIT_INT)],
    ids=["gcc", "c++11", "clang", "16-bit-int"],
)
@pytest.mark.parametrize("name", ["half", "spectrum", "image", "digit", "kernels", "echo"])
def test_a_front_end_compiles_without_a_warning(
    name: str, command: tuple[str, ...], require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    plan, project = plan_with(FRONTS[name]), tmp_path / "p"
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), "host", project)
    compiler = require_toolchain(command[0])
    for file in ("ska_front.c", "ska_front_part.c"):
        assert warnings(project / "src", compiler, *command[1:], "-O2", file=file) == ""


@pytest.mark.parametrize("standard", [C99, CXX11], ids=["c99", "c++11"])
def test_the_sources_of_a_sensor_compile_without_a_warning(
    standard: tuple[str, ...], require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    plan, project = plan_with(FRONTS["kernels"]), tmp_path / "p"
    parameters = np.zeros(plan.parameter_count, dtype=np.int64)
    write_project(plan, parameters, "host", project, sensor=True)
    flags = [f"-D{name}={value}" for name, value in load_board("host").defines().items()]
    for path in (project / "src").glob("*.c"):
        command = (require_toolchain("gcc"), *flags, *standard)
        assert warnings(project / "src", *command, file=path.name) == ""


def test_a_planted_warning_is_found(
    tmp_path: Path, require_toolchain: Callable[[str], str]
) -> None:
    plan = PLANS["readouts"]
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), "host", tmp_path / "p")
    with (tmp_path / "p" / "src" / "ska.c").open("a") as file:
        file.write("int8_t planted(int32_t x);\nint8_t planted(int32_t x) { return x; }\n")
    assert "conversion" in warnings(tmp_path / "p" / "src", require_toolchain("gcc"), *C99)


def test_a_new_project_replaces_the_old_one(tmp_path: Path) -> None:
    plan, folder = PLANS["readouts"], tmp_path / "p"
    zeros = np.zeros(plan.parameter_count, dtype=np.int64)
    write_project(plan, zeros, "virtual-m4", folder)
    (folder / "build").mkdir()
    (folder / "build" / "firmware.elf").write_bytes(b"an image of the old plan")
    (folder / "src" / "mine.c").write_text("/* mine */\n")
    write_project(plan, zeros, "host", folder)
    assert not (folder / "build" / "firmware.elf").exists()
    assert not (folder / "board" / "startup.c").exists()
    assert (folder / "src" / "mine.c").exists()


def test_a_folder_with_foreign_files_is_refused(tmp_path: Path) -> None:
    plan = PLANS["readouts"]
    zeros = np.zeros(plan.parameter_count, dtype=np.int64)
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="not empty"):
        write_project(plan, zeros, "host", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_plan_with_labels_and_batches_is_refused(tmp_path: Path) -> None:
    plan = make_plan((5, 3), batch=4)
    with pytest.raises(InputError, match="batch 4"):
        write_project(plan, np.zeros(plan.parameter_count), "host", tmp_path / "p")
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    "core",
    [
        # This core has DSP instructions, but its LDRD loads only an even register and the next one.
        ("-mcpu=cortex-a7", "-marm"),
        ("-mcpu=arm7tdmi", "-mthumb"),  # Thumb, but no Cortex-M
        ("-mcpu=cortex-m4", "-mthumb", "-mbig-endian"),  # the halves of a word are swapped
    ],
    ids=" ".join,
)
def test_cores_other_than_cortex_m_get_the_portable_kernels(
    core: tuple[str, ...], require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    compiler, plan = require_toolchain("arm-none-eabi-gcc"), PLANS["digits"]
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), "host", tmp_path / "p")
    command = [compiler, *core, "-std=c99", "-O2", "-ffreestanding", "-g0", "-c", "ska.c", "-o"]
    objects = []
    for name, flags in (("own.o", ()), ("portable.o", ("-DSKA_PORTABLE",))):
        subprocess.run([*command, name, *flags], cwd=tmp_path / "p" / "src", check=True)
        objects.append((tmp_path / "p" / "src" / name).read_bytes())
    assert objects[0] == objects[1]


@pytest.mark.parametrize("precision", ["w16a8", "w32a16"])
@pytest.mark.parametrize("name", board_names())
def test_a_board_names_the_kernel_that_its_core_gets(
    name: str, precision: str, require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    board, plan = load_board(name), make_plan((64, 32, 10), precision=precision)
    compiler, folder = board.toolchains[0], tmp_path / "p"
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), name, folder)
    command = [require_toolchain(compiler.name), "-O2", *compiler.flags, "-ffreestanding"]
    target = folder / "src" / "ska_target.h"
    done = subprocess.run(
        [*command, "-E", "-dM", str(target)], capture_output=True, text=True, check=True
    )
    found = re.findall(r"^#define SKA_KERNEL_(\w+) 1$", done.stdout, re.M)
    # Only the portable kernel reads 32-bit weights.
    kernel = board.kernel if precision == "w16a8" else "portable"
    assert found == ([] if kernel == "portable" else [kernel.upper()])


@pytest.mark.parametrize(
    ("sizes", "even"),
    [
        ((64, 32, 10), True),
        ((5, 4, 2), False),  # an odd width: the second row begins at an odd place
        ((4, 3, 2), False),  # three biases put the next matrix at an odd place
        ((4, 6, 2), True),
    ],
)
def test_rows_are_even_where_each_begins_at_an_even_place(
    sizes: tuple[int, ...], even: bool
) -> None:
    assert f"#define SKA_EVEN_ROWS {int(even)} " in emit_plan(make_plan(sizes))


@pytest.mark.parametrize("name", board_names())
def test_a_board_has_every_function_of_its_interface(name: str) -> None:
    """The firmware does not call ska_board_has_byte, so a build succeeds without it."""
    interface = (RUNTIME / "ska_board.h").read_text(encoding="utf-8")
    functions = set(re.findall(r"\b(ska_board_\w+)\(", interface)) - {"ska_board_counter"}
    assert len(functions) == 4
    sources = [path for path in load_board(name).files() if path.suffix == ".c"]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    defined = set(re.findall(r"^\w[\w ]* (ska_board_\w+)\([^;]*?\) \{", text, re.M))
    assert functions <= defined
