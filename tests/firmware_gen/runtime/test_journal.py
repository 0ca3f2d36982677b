"""If power is cut at any moment of a save, a load then gives the new state or the old one.

journal_power.c runs ska_journal.c on a simulated flash memory, under the sanitizers for addresses
and undefined behavior. It saves the state of a network of 2,410 parameters. These tests compile it
for several kinds of memory and check its counts.
"""

from __future__ import annotations

import ctypes
import subprocess
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_gen.board.board import Board, board_names, load_board
from firmware_gen.board.memory import Storage
from firmware_gen.build import build
from firmware_gen.project import RUNTIME, write_project
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan

HARNESS = Path(__file__).with_name("journal_power.c")
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow")
STRICT = (*WARNINGS, "-pedantic", "-Werror")
SANITIZERS = ("-O2", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
PLAN = make_plan((64, 32, 10))
HEADER, CRC = 32, 4
WEAR = 20
BUDGET = 9
LEFTOVERS = 4  # what a cut leaves of an operation: nothing, one of two parts, or all


@dataclass(frozen=True)
class Geometry:
    """A kind of memory; a page of one byte is EEPROM."""

    page: int
    unit: int
    size: int = 0x4000

    def defines(self) -> list[str]:
        values = {"SIZE": self.size, "PAGE": self.page, "UNIT": self.unit, "WEAR": WEAR}
        return [f"-DSKA_STORAGE_{name}={value}u" for name, value in values.items()]

    @property
    def erases(self) -> int:
        """Return the number of pages that a slot's first save erases; 0 in EEPROM."""
        if self.page == 1:
            return 0
        return -(-(HEADER + PLAN.state_bytes + CRC) // self.page)

    @property
    def storage(self) -> Storage:
        return Storage("any.c", self.size, self.page, self.unit, WEAR)

    @property
    def places(self) -> int:
        """Return the number of saves that fill a slot."""
        return self.storage.saves_per_erase(PLAN.state_bytes)

    @property
    def operations(self) -> int:
        """Return the number of erased pages and written units in a save that begins a slot."""
        return self.erases + HEADER // self.unit + -(-(PLAN.state_bytes + CRC) // self.unit)


GEOMETRIES = {
    "unit 1": Geometry(page=512, unit=1),
    "unit 4": Geometry(page=1024, unit=4),
    "unit 8": Geometry(page=2048, unit=8),
    "sectors": Geometry(page=0x4000, unit=4, size=0xC000),  # of an STM32F401: 3 places in a slot
    "EEPROM": Geometry(page=1, unit=1),
}


def test_the_network_has_the_size_that_is_spoken_of() -> None:
    assert (PLAN.parameter_count, PLAN.state_bytes) == (2410, 4829)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("journal") / "p"
    write_project(PLAN, np.zeros(PLAN.parameter_count, dtype=np.int64), "host", folder)
    return folder / "src"


def compiled(sources: Path, compiler: str, geometry: Geometry, output: Path, *flags: str) -> Path:
    command = [compiler, *STRICT, *SANITIZERS, *geometry.defines(), "-DSKA_INITIAL_CRC=0x1234u"]
    command += [*flags, f"-I{sources}", str(HARNESS), str(sources / "ska_crc.c"), "-o", str(output)]
    subprocess.run(command, check=True)
    return output


@pytest.fixture(scope="module")
def programs(sources: Path, require_toolchain: Callable[[str], str]) -> dict[str, Path]:
    compiler = require_toolchain("gcc")
    return {
        name: compiled(sources, compiler, geometry, sources.parent / f"journal{number}")
        for number, (name, geometry) in enumerate(GEOMETRIES.items())
    }


Run = Callable[[str, str], Mapping[str, int]]


@pytest.fixture(scope="module")
def run(programs: dict[str, Path]) -> Run:
    def counted(name: str, scenario: str) -> Mapping[str, int]:
        done = subprocess.run(
            [str(programs[name]), scenario], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        print(f"{name}, {scenario}: {', '.join(done.stdout.split(chr(10)))}")
        lines = [line.split() for line in done.stdout.splitlines()]
        return {key: int(value) for key, value in lines}

    return counted


memories = pytest.mark.parametrize("memory", GEOMETRIES)

# --- power cuts -----------------------------------------------------------------------------------


@memories
def test_no_cut_loses_the_last_save(memory: str, run: Run) -> None:
    counts = run(memory, "cuts")
    # The save goes once into a slot that was never used, and once over an older slot.
    assert counts["cuts"] == 2 * LEFTOVERS * GEOMETRIES[memory].operations
    assert counts["old"] + counts["new"] == counts["cuts"]
    assert counts["new"] >= 2  # two cuts come after everything was written


@memories
def test_a_cut_first_save_leaves_nothing_or_all(memory: str, run: Run) -> None:
    assert run(memory, "first")["cuts"] == LEFTOVERS * GEOMETRIES[memory].operations


@memories
def test_no_cut_while_a_state_comes_in_pieces_loses_the_last_save(memory: str, run: Run) -> None:
    assert run(memory, "pieces")["cuts"] == LEFTOVERS * GEOMETRIES[memory].operations


@pytest.mark.parametrize("memory", [name for name in GEOMETRIES if GEOMETRIES[name].places > 1])
def test_no_cut_of_an_appended_save_loses_the_last_save(memory: str, run: Run) -> None:
    counts = run(memory, "appended")
    geometry = GEOMETRIES[memory]
    assert counts["cuts"] == 2 * LEFTOVERS * (geometry.operations - geometry.erases)
    assert counts["new"] >= 2


@memories
def test_two_cuts_in_a_row_lose_nothing(memory: str, run: Run) -> None:
    assert run(memory, "twice")["cuts"] >= GEOMETRIES[memory].operations


@memories
def test_an_abandoned_state_in_pieces_is_forgotten(memory: str, run: Run) -> None:
    assert run(memory, "given-up")["times"] > 100


# --- what is not loaded ---------------------------------------------------------------------------


@memories
def test_any_flipped_bit_falls_back_to_the_save_before(memory: str, run: Run) -> None:
    assert run(memory, "flips")["flips"] == 8 * (HEADER + PLAN.state_bytes + CRC)


@memories
def test_a_save_of_another_plan_or_other_initial_weights_is_not_loaded(
    memory: str, run: Run
) -> None:
    assert run(memory, "foreign") == {"done": 1}


@memories
def test_numbers_of_saves_may_wrap(memory: str, run: Run) -> None:
    assert run(memory, "wrap") == {"done": 1}


# --- wear and failures ----------------------------------------------------------------------------


@memories
def test_no_page_is_erased_more_often_than_it_endures(memory: str, run: Run) -> None:
    counts = run(memory, "wear")
    # One erase fewer than both slots endure, because the first erase of the second slot counts
    # twice.
    geometry = GEOMETRIES[memory]
    assert counts["saves"] == geometry.storage.endurance(PLAN.state_bytes)
    assert geometry.places == (3 if memory == "sectors" else 1)
    assert counts["erases"] == WEAR
    # One save succeeds first. Each later attempt is cut after its header. When the slot of the
    # first save is full, each attempt erases the other slot.
    assert counts["attempts"] == WEAR - 1 + geometry.places - 1
    assert counts["attempts_erases"] == WEAR - 1


@memories
def test_a_memory_that_fails_is_reported_and_the_last_save_stays(memory: str, run: Run) -> None:
    # Every operation can fail, except one that writes the value a byte already has.
    assert run(memory, "failures")["failures"] >= GEOMETRIES[memory].operations - CRC


@memories
def test_a_place_that_cannot_be_written_costs_one_save(memory: str, run: Run) -> None:
    assert run(memory, "stuck") == {"done": 1}


@memories
def test_too_few_and_too_many_bytes_are_refused(memory: str, run: Run) -> None:
    assert run(memory, "refused") == {"done": 1}


# --- saves that need no write, and a limit --------------------------------------------------------


@memories
def test_a_save_of_the_saved_bytes_writes_nothing(memory: str, run: Run) -> None:
    """The bytes are compared, not the CRCs: another state with the same CRC is saved."""
    assert run(memory, "same")["writes"] == 1 + (PLAN.state_bytes - 5) // 97


@memories
def test_the_budget_of_saves_survives_restarts_and_cuts(
    memory: str, sources: Path, require_toolchain: Callable[[str], str]
) -> None:
    output = sources.parent / f"limited {memory}"
    budget = f"-DSKA_SAVE_BUDGET={BUDGET}u"
    compiler = require_toolchain("gcc")
    program = compiled(sources, compiler, GEOMETRIES[memory], output, budget)
    done = subprocess.run([str(program), "budget"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines() == [f"saves {BUDGET + 3}", f"attempts {BUDGET - 1}"]


# --- CRC-32 ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crc_library(
    tmp_path_factory: pytest.TempPathFactory, require_toolchain: Callable[[str], str]
) -> ctypes.CDLL:
    made = tmp_path_factory.mktemp("crc") / "crc.so"
    command = [require_toolchain("gcc"), *STRICT, "-O1", "-shared", "-fPIC"]
    subprocess.run([*command, str(RUNTIME / "ska_crc.c"), "-o", str(made)], check=True)
    library = ctypes.CDLL(str(made))
    library.ska_crc32_update.restype = ctypes.c_uint32
    return library


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(0, 2**32 - 1))
def test_the_crc_is_that_of_zlib_in_pieces_too(
    crc_library: ctypes.CDLL, pieces: list[bytes], crc: int
) -> None:
    expected = crc
    for piece in pieces:
        crc = crc_library.ska_crc32_update(ctypes.c_uint32(crc), piece, len(piece))
        expected = zlib.crc32(piece, expected)
        assert crc == expected


# --- where it compiles ----------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["-O0", "-O2", "-Os"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("unit", [1, 2, 4, 8, 16, 32])
def test_the_journal_compiles_without_a_warning(
    compiler: str, level: str, unit: int, sources: Path, require_toolchain: Callable[[str], str]
) -> None:
    command = [require_toolchain(compiler), *STRICT, level, *Geometry(1024, unit).defines()]
    command += ["-c", "-o", "/dev/null"]
    for source in ("ska_journal.c", "ska_crc.c"):
        subprocess.run([*command, source], cwd=sources, check=True)


@pytest.mark.parametrize(("page", "unit"), [(1024, 64), (1024, 12), (100, 8)])
def test_an_impossible_unit_does_not_compile(
    page: int, unit: int, sources: Path, require_toolchain: Callable[[str], str]
) -> None:
    command = [require_toolchain("gcc"), *STRICT, *Geometry(page, unit).defines(), "-c"]
    done = subprocess.run(
        [*command, "ska_journal.c", "-o", "/dev/null"],
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "#error" in done.stderr


STATE_BYTES_1K = 1024 // 2 - HEADER - CRC  # size of the largest state for a memory of 1 KB


@pytest.mark.parametrize(
    ("state_bytes", "size", "persistent"),
    [
        (STATE_BYTES_1K, 1024, 1),
        (STATE_BYTES_1K + 1, 1024, 0),
        (100, None, 0),
        (4829, 0x4000, 1),
        (100_000, 0x4000, 0),
    ],
)
def test_a_network_can_be_saved_if_two_slots_fit(
    state_bytes: int,
    size: int | None,
    persistent: int,
    sources: Path,
    require_toolchain: Callable[[str], str],
) -> None:
    asked = (
        '#include "ska_plan.h"\n#undef SKA_STATE_BYTES\n'
        f'#define SKA_STATE_BYTES {state_bytes}\n#include "ska_journal.h"\nSKA_PERSISTENT\n'
    )
    command = [require_toolchain("gcc"), "-E", "-P", f"-I{sources}", "-"]
    if size is not None:
        command[1:1] = Geometry(1, 1, size).defines()
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == str(persistent)


def image_of(board: Board, plan: Plan, folder: Path) -> set[str]:
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), board.name, folder)
    nm = subprocess.run(["nm", str(build(folder).elf)], capture_output=True, text=True, check=True)
    return {line.split()[-1] for line in nm.stdout.splitlines()}


def test_a_network_too_large_to_save_links_no_journal(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board = require_board("uno")
    small, large = make_plan((16, 8, 4)), make_plan((16, 12, 10))
    assert {"ska_save", "ska_storage_write"} <= image_of(board, small, tmp_path / "small")
    names = image_of(board, large, tmp_path / "large")
    assert {name for name in names if "journal" in name or "storage" in name} == set()
    assert "ska_save" not in names


@pytest.mark.parametrize("name", board_names())
def test_every_emulated_board_can_save(name: str) -> None:
    board = load_board(name)
    assert (board.storage is not None) == (board.status == "emulated")
