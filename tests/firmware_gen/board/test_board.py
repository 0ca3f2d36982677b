"""A board is a folder; its files are read, checked and copied."""

from __future__ import annotations

import dataclasses
import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen import toolchains
from firmware_gen.board import board as boards
from firmware_gen.board.board import Board, board_names, load_board, read_board
from firmware_gen.board.memory import Region, Storage
from firmware_gen.build import build
from ska_edge.device.port.port import list_ports
from ska_edge.errors import CheckError, InputError, ToolError
from ska_edge.plan.resolve import make_plan
from tests.documented_board import NAME, add_documented_board

NAMES = board_names()


def install_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, path=None: None)


def test_the_boards_are_the_folders_with_a_board_toml() -> None:
    assert {"host", "qemu-m3", "qemu-rv32", "uno", "virtual-m4"} <= set(NAMES)
    assert not {"avr", "cortex-m", "freestanding", "riscv"} & set(NAMES)  # folders of shared files
    assert list(NAMES) == sorted(NAMES)


def test_a_board_is_still_found_by_its_earlier_name() -> None:
    assert load_board("sim-atmega328p").name == "uno"
    assert load_board("sim-atmega2560").name == "mega2560"
    assert not {"sim-atmega328p", "sim-atmega2560"} & set(NAMES)


@pytest.mark.parametrize(("name", "inputs", "classes"), [("uno", 16, 4), ("mega2560", 64, 10)])
def test_two_states_with_the_default_widths_of_a_small_board_fit_its_eeprom(
    name: str, inputs: int, classes: int
) -> None:
    board = load_board(name)
    assert board.hidden is not None and board.storage is not None
    assert board.storage.holds(make_plan((inputs, *board.hidden, classes)).state_bytes)
    assert not board.storage.holds(make_plan((inputs, 64, 32, classes)).state_bytes)


def test_the_module_wins_over_the_data_folder_of_the_same_name() -> None:
    assert boards.__file__ is not None
    assert Path(boards.__file__).name == "board.py"


@pytest.mark.parametrize("name", NAMES)
def test_a_board_is_named_like_its_folder_and_has_all_its_files(name: str) -> None:
    board = load_board(name)
    assert board.name == name == board.folder.name
    assert board.files()[0].name == "board.toml"
    assert all(path.is_file() for path in board.files())


@pytest.mark.parametrize("name", NAMES)
def test_a_copied_board_reads_the_same_without_its_family(name: str, tmp_path: Path) -> None:
    board = load_board(name)
    board.copy_to(tmp_path / "project" / "board")
    copy = read_board(tmp_path / "project" / "board")
    assert dataclasses.replace(copy, folder=board.folder) == board
    assert {path.parent for path in copy.files()} == {copy.folder}
    assert [path.read_bytes() for path in copy.files()] == [
        path.read_bytes() for path in board.files()
    ]


def test_a_board_is_added_by_adding_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "boards"
    shutil.copytree(boards.BOARDS_FOLDER, folder)
    shutil.copytree(folder / "qemu-m3", folder / "my-board")
    text = (folder / "my-board" / "board.toml").read_text(encoding="utf-8")
    (folder / "my-board" / "board.toml").write_text(text.replace('"qemu-m3"', '"my-board"'))
    monkeypatch.setattr(boards, "BOARDS_FOLDER", folder)

    assert board_names() == tuple(sorted((*NAMES, "my-board")))
    assert load_board(NAME).defines()["SKA_BOARD_NAME"] == '"my-board"'


@pytest.mark.parametrize("name", ["virtual-m5", "", "cortex-m"])
def test_an_unknown_board_is_answered_with_the_list(name: str) -> None:
    with pytest.raises(InputError, match=f"choose one of {', '.join(NAMES)}$"):
        load_board(name)


def refusal(name: str, old: str, new: str, folder: Path) -> str:
    """Return the error sentence for a board with one part of its board.toml replaced."""
    load_board(name).copy_to(folder)
    path = folder / "board.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_board(folder)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('name = "virtual-m4"', 'name = "virtual-m4', "cannot be read"),
        ('name = "virtual-m4"', "", "name"),
        ('name = "virtual-m4"', 'name = "a-name-too-long-for-c"', "1 to 15 small letters"),
        ('name = "virtual-m4"', 'name = "Virtual"', "1 to 15 small letters"),
        ("clock = 25_000_000", "clok = 25_000_000", "clok"),
        ("clock = 25_000_000", 'clock = "fast"', "clock"),
        ('status = "emulated"', 'status = "perhaps"', "status"),
        ('name = "zig"', 'name = "tcc"', "toolchain 'tcc' is none of"),
        ("base = 0x4000_4000", "", "[uart] has only one of base and rx_interrupt; give both"),
        ("rx_interrupt = 0", "", "[uart] has only one of base and rx_interrupt; give both"),
        ("buffer = 256", "", "buffer"),
        ("buffer = 256", "buffer = 255", "make it a power of two up to 256"),
        ("buffer = 256", "buffer = 512", "make it a power of two up to 256"),
        ("buffer = 256", "buffer = 0", "make it a power of two up to 256"),
        ("buffer = 256", "buffer = 256\nbaud = 0", "make it 1 to 921600"),
        ("buffer = 256", "buffer = 256\nbaud = 1_000_000", "make it 1 to 921600"),
        (", size = 0x0002_0000", "", "ram"),
    ],
)
def test_a_damaged_board_file_is_refused_with_the_reason(
    old: str, new: str, reason: str, tmp_path: Path
) -> None:
    assert reason in refusal("virtual-m4", old, new, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("bits = 24", "bits = 33", "8 to 32 bits"),
        ("per_tick = [40, 128]", "per_tick = [40, 0]", "two numbers above 0"),
        ("per_tick = [40, 128]", "per_tick = [40]", "per_tick"),
        ('unit = "instructions"', 'unit = "seconds"', "unit"),
    ],
)
def test_a_damaged_counter_is_refused_with_the_reason(
    old: str, new: str, reason: str, tmp_path: Path
) -> None:
    assert reason in refusal("qemu-m4", old, new, tmp_path)


def test_the_counter_is_in_images_that_measure_only(
    write_firmware: Callable[..., Path], require_toolchain: Callable[[str], str]
) -> None:
    main = "int main(void) { return 0; }\n"
    counting = '#include "ska_board.h"\nint main(void) { return (int)ska_board_counter(); }\n'
    board, compiler = load_board("qemu-m4"), require_toolchain("arm-none-eabi-gcc")
    plain = build(write_firmware(board, main, "plain"), toolchain=compiler)
    project = write_firmware(board, counting, "counting")
    with pytest.raises(CheckError, match="ska_board_counter"):
        build(project, toolchain=compiler)
    assert build(project, toolchain=compiler, measuring=True).flash > plain.flash


def test_a_folder_without_a_board_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no board\.toml"):
        read_board(tmp_path)


def test_a_missing_file_of_a_board_is_named(tmp_path: Path) -> None:
    load_board("virtual-m4").copy_to(tmp_path)
    (tmp_path / "startup.c").unlink()
    with pytest.raises(InputError, match=r"names the file startup\.c"):
        read_board(tmp_path).files()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("unit = 4", "unit = 3", "unit must be one of 1, 2, 4, 8, 16, 32"),
        ("page = 1024", "page = 1022", "page must be a multiple of its unit"),
        ("page = 1024", "page = 0", "page must be a multiple of its unit"),
        ("page = 1024", "page = 0x8000", "size must be a whole number of pages"),
        ("size = 0x0000_8000", "size = 0x0000_8100", "two or more"),
        ("wear = 20_000", "wear = 0", "wear must be 1 erase or more"),
        ("wear = 20_000", "wear = 0x1_0000_0000", "fit 32 bits"),
        ("origin = 0x0003_8000", "origin = 0x0003_7C00", "overlaps flash of [memory]"),
        ("origin = 0x0003_8000", "origin = 0x1FFF_8400", "overlaps ram of [memory]"),
        ("origin = 0x0003_8000", 'origin = "end"', "storage.origin"),
        ('source = "storage_nrf.c"', "", "storage.source"),
    ],
)
def test_a_damaged_storage_is_refused_with_the_reason(
    old: str, new: str, reason: str, tmp_path: Path
) -> None:
    assert reason in refusal("qemu-m0", old, new, tmp_path)


def test_the_sources_get_the_geometry_of_the_storage() -> None:
    defines = load_board("qemu-m0").defines()
    assert {name: defines[name] for name in defines if "STORAGE" in name} == {
        "SKA_STORAGE_SIZE": "32768u",
        "SKA_STORAGE_PAGE": "1024u",
        "SKA_STORAGE_UNIT": "4u",
        "SKA_STORAGE_WEAR": "20000u",
        "SKA_STORAGE_ORIGIN": "0x00038000u",
    }
    board = dataclasses.replace(load_board("qemu-m0"), storage=None)
    assert not [name for name in board.defines() if "STORAGE" in name]
    assert "storage_nrf.c" not in {path.name for path in board.files()}


def test_a_storage_holds_two_saves_from_whole_pages_on() -> None:
    storage = Storage("x.c", size=5 * 1024, page=1024, unit=4, wear=1)
    assert storage.holds(2 * 1024 - 36)
    assert not storage.holds(2 * 1024 - 35)  # half of the memory has only two whole pages


@pytest.mark.parametrize("name", NAMES)
def test_a_board_without_its_tools_says_how_to_install_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_nothing(monkeypatch)
    missing = load_board(name).available()
    assert missing is not None
    assert " install " in missing
    assert "\n" not in missing


@pytest.mark.parametrize("name", [name for name in NAMES if load_board(name).needs])
def test_a_board_with_a_compiler_but_no_emulator_is_not_available(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_nothing(monkeypatch)
    monkeypatch.setattr(toolchains, "find", lambda name: toolchains.Toolchain(name, (name,)))
    monkeypatch.setattr(toolchains, "has_header", lambda name: False)
    board = load_board(name)
    missing = board.available()
    assert missing is not None
    assert board.needs[0].install in missing
    with pytest.raises(ToolError) as caught:
        board.check_startable()
    assert str(caught.value) == missing


@pytest.mark.parametrize("name", NAMES)
def test_a_board_with_all_its_tools_is_available(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/bin/{name}")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(toolchains, "has_header", lambda name: True)
    assert load_board(name).available() is None


def test_a_missing_header_is_named_and_how_to_install_it(
    require_toolchain: Callable[[str], str],
) -> None:
    require_toolchain("cc")
    assert boards.Need("apt-get install it", header="stdio.h").missing() is None
    assert boards.Need("apt-get install it", header="no/such.h").missing() == (
        "needs the C header no/such.h: apt-get install it"
    )


def test_without_a_compiler_of_this_computer_no_header_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install_nothing(monkeypatch)
    assert not toolchains.has_header("stdio.h")


def test_hardware_is_never_started_as_a_process() -> None:
    board = dataclasses.replace(load_board("virtual-m4"), start=None)
    with pytest.raises(InputError, match="hardware"):
        board.check_startable()


@pytest.mark.parametrize("name", NAMES)
def test_every_board_has_a_receive_buffer_and_a_baud_rate(name: str) -> None:
    macros = load_board(name).defines()
    assert macros["SKA_UART_BUFFER"] == ("128u" if name in ("uno", "esp32-c3") else "256u")
    assert macros["SKA_UART_BAUD"] == "115200u"


def test_a_region_holds_addresses_and_ranges_within_it() -> None:
    region = Region(origin=0x100, size=0x10)
    assert region.holds(0x100)
    assert region.holds(0x10F)
    assert region.holds(0x100, 0x10)
    assert not region.holds(0xFF)
    assert not region.holds(0x110)
    assert not region.holds(0x101, 0x10)


@pytest.mark.parametrize("name", NAMES)
def test_in_ci_a_missing_tool_fails_the_test_instead_of_skipping_it(
    name: str, require_board: Callable[[str], Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    install_nothing(monkeypatch)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="install"):
        require_board(name)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI must have everything"):
        require_board(name)


def test_the_example_in_the_documentation_is_a_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_documented_board(tmp_path / "boards", monkeypatch)
    assert len(load_board(NAME).files()) == 11
    assert (
        load_board(NAME).defines().items()
        >= {
            "SKA_UART_BASE": "0x40004000u",
            "SKA_UART_RX_INTERRUPT": "0u",
            "SKA_UART_BUFFER": "256u",
            "SKA_UART_BAUD": "115200u",
        }.items()
    )


def test_the_documentation_lists_every_board() -> None:
    page = (Path(__file__).parents[3] / "docs" / "BOARDS.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"| `{name}`" in page


def test_a_system_without_terminals_is_named_by_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("os.openpty")
    with pytest.raises(ToolError) as board:
        load_board("host").check_startable()
    monkeypatch.setitem(sys.modules, "serial.tools", None)
    with pytest.raises(ToolError) as port:
        list_ports()
    assert str(board.value) == str(port.value)
    assert str(port.value).startswith("serial ports need POSIX terminals")
