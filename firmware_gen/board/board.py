"""Reads the description of a board, for the build, the emulators and the command line.

A board is a folder with a `board.toml`, in `boards/` or anywhere else. Files that several boards
share are in the folder that the key `family` names. Files for boards of every family are in
`freestanding`. `Board.copy_to` copies a board and the shared files that it uses into a generated
project, where `read_board` reads the board again.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cattrs

from firmware_gen import toolchains
from firmware_gen.board.counter import Counter
from firmware_gen.board.flasher import Flasher
from firmware_gen.board.memory import Memory, Storage
from firmware_gen.board.power import Power
from firmware_gen.board.start import Start
from firmware_gen.board.toml_file import read_toml
from firmware_gen.program import find_program
from ska_edge.errors import InputError, ToolError, no_terminals
from ska_edge.spelling import did_you_mean

BOARDS_FOLDER = Path(__file__).resolve().parents[1] / "boards"
BOARD_FILE = "board.toml"
FREESTANDING = "freestanding"
"""Folder of the files that boards of any family share."""
RING = "ska_ring.h"
"""The file among a board's sources that keeps received bytes in RAM."""
SENSOR = "sensor.c"
"""The file that reads a device's own sensor, for firmware that uses it."""
LARGEST_BUFFER = 256
FASTEST_BAUD = 921_600
RENAMED = {"sim-atmega328p": "uno", "sim-atmega2560": "mega2560"}
"""Earlier names of boards, which are still understood."""
NAME_LIMIT = 15
"""Maximum characters of a name: `ska_board_name` has 16, including the zero at its end."""


@dataclass(frozen=True)
class Uart:
    """The UART of the board.

    `buffer` is the number of bytes that it can receive while the firmware computes. `baud` is the
    speed of the line in bits per second. `base` is the address of its registers, and `rx_interrupt`
    the number of its receive interrupt. `base` and `rx_interrupt` are None if the compiler's
    headers define them, or if they do not exist.
    """

    buffer: int
    baud: int = 115_200
    base: int | None = None
    rx_interrupt: int | None = None


@dataclass(frozen=True)
class Lines:
    """What a host does with the control lines of the board's serial port when it opens the port.

    "keep" leaves a line alone, for a board that resets when the line changes.
    """

    dtr: Literal["on", "off", "keep"] = "on"
    rts: Literal["on", "off", "keep"] = "on"


@dataclass(frozen=True)
class Compiler:
    """A toolchain that can build for this board, and the flags that select its core.

    With `float_flags`, the compiler emits floating-point instructions; the program itself must turn
    the floating-point unit on. Our own images do not use it, but other programs in a benchmark do.
    """

    name: str
    flags: tuple[str, ...] = ()
    float_flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bench:
    """The default workload for measuring a board: the data set and the hidden widths."""

    data: str
    hidden: tuple[int, ...]


@dataclass(frozen=True)
class Need:
    """A requirement for starting the board, and how to install it.

    `package` is a Python package, `program` is a command, `header` is a C header of this computer.
    """

    install: str
    package: str | None = None
    program: str | None = None
    header: str | None = None

    def missing(self) -> str | None:
        """Return a clause that names what is missing, or None."""
        if self.package is not None and importlib.util.find_spec(self.package) is None:
            return f"needs the Python package {self.package}: {self.install}"
        if self.program is not None and find_program(self.program) is None:
            return f"needs the program {self.program}: {self.install}"
        if self.header is not None and not toolchains.has_header(self.header):
            return f"needs the C header {self.header}: {self.install}"
        return None


@dataclass(frozen=True)
class Board:
    """One board, as its board.toml describes it.

    `status` is "emulated" if the tests run the firmware on this board, and "compiled" if they only
    build it. `memory` is None for boards without memory limits (the host); `clock` is in hertz.
    `kernel` is the kernel that the core uses (runtime/ska_target.h); the predicted RAM depends on
    it. `sources` are the files that the build needs, without those that other keys name; `.c` and
    `.S` files are compiled. `sensor` are the files that sensor.c includes. `counter` is None if
    nothing can be measured; `storage` is None if the board cannot save its state; `power` is None
    if board.toml does not give the core's current; `bench` is the default workload for measuring.
    `hidden` are the default widths of the hidden layers for `run`, on a board that is too small for
    the usual widths; None means the usual widths. `flashers` write an image to a real device, in
    order of preference; a board that exists only in an emulator has none. `uf2` is the number of
    the chip's family in a UF2 file, and `esp` the number of the chip in an image for the ROM of an
    ESP chip; None if the board does not take such a file. `lines` are the control lines of the
    board's serial port; a host finds this port by the USB numbers of the flashers.
    """

    name: str
    title: str
    core: str
    status: Literal["emulated", "compiled"]
    sources: tuple[str, ...]
    toolchains: tuple[Compiler, ...]
    folder: Path
    sensor: tuple[str, ...] = ()
    family: str | None = None
    kernel: Literal["portable", "dsp", "mve", "thumb", "avr"] = "portable"
    clock: int | None = None
    linker_script: str | None = None
    memory: Memory | None = None
    uart: Uart | None = None
    start: Start | None = None
    counter: Counter | None = None
    power: Power | None = None
    storage: Storage | None = None
    bench: Bench | None = None
    hidden: tuple[int, ...] | None = None
    needs: tuple[Need, ...] = field(default=())
    flashers: tuple[Flasher, ...] = field(default=())
    uf2: int | None = None
    esp: int | None = None
    lines: Lines = Lines()

    def at_usb(self, number: str | None) -> bool:
        """Tell whether a USB device with these numbers may be this board."""
        return any(number in flasher.usb for flasher in self.flashers)

    def file(self, name: str) -> Path:
        """Return the path of a file in the board's own folder, its family's folder, or the shared
        folder.

        Raises:
            InputError: none of these folders has it.
        """
        folders = [shared for shared in (self.family, FREESTANDING) if shared is not None]
        places = [self.folder / name, *(self.folder.parent / shared / name for shared in folders)]
        for place in places:
            if place.is_file():
                return place
        raise InputError(
            f"board {self.name} names the file {name}, but {places[0]} does not exist; "
            f"restore it, correct {BOARD_FILE}, or generate the firmware again"
        )

    def files(self) -> tuple[Path, ...]:
        """Return all files of the board, board.toml first."""
        names = [BOARD_FILE, *self.sources]
        if self.linker_script is not None:
            names.append(self.linker_script)
        if self.storage is not None:
            names.append(self.storage.source)
        if self.counter is not None:
            names.append(self.counter.source)
        return tuple(self.file(name) for name in names)

    def sensor_files(self) -> tuple[Path, ...]:
        """Return the files that read the board's own sensor; `files` does not have them."""
        return tuple(self.file(name) for name in (SENSOR, *self.sensor))

    def copy_to(self, folder: Path) -> None:
        """Copy all files of the board into `folder`, without subfolders; create it if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        for path in self.files():
            shutil.copyfile(path, folder / path.name)

    def defines(self) -> dict[str, str]:
        """Return the C macros that pass the values of board.toml to the board's sources."""
        macros = {"SKA_BOARD_NAME": f'"{self.name}"'}
        if self.clock is not None:
            macros["SKA_CLOCK"] = f"{self.clock}u"
        if self.uart is not None:
            macros["SKA_UART_BUFFER"] = f"{self.uart.buffer}u"
            macros["SKA_UART_BAUD"] = f"{self.uart.baud}u"
            if self.uart.base is not None:
                macros["SKA_UART_BASE"] = f"0x{self.uart.base:08X}u"
                macros["SKA_UART_RX_INTERRUPT"] = f"{self.uart.rx_interrupt}u"
        if self.storage is not None:
            for name in ("size", "page", "unit", "wear"):
                macros[f"SKA_STORAGE_{name.upper()}"] = f"{getattr(self.storage, name)}u"
            if self.storage.origin is not None:
                macros["SKA_STORAGE_ORIGIN"] = f"0x{self.storage.origin:08X}u"
            macros["SKA_SAVE_BUDGET"] = f"{self.storage.save_budget}u"
            macros["SKA_SAVE_INTERVAL"] = f"{self.storage.save_interval}u"
        return macros

    def check_startable(self) -> None:
        """Check that a built firmware of this board can be started here.

        Raises:
            InputError: the board is real hardware, so there is nothing to start.
            ToolError: its emulator is missing, or this system has no pseudo terminals; the sentence
                says what to do.
        """
        if self.start is None:
            raise InputError(
                f"board {self.name} is hardware and cannot be started as a process; its board.toml"
                " has no [start]"
            )
        if not hasattr(os, "openpty"):
            raise no_terminals()
        for need in self.needs:
            missing = need.missing()
            if missing is not None:
                raise ToolError(f"board {self.name} {missing}")

    def available(self) -> str | None:
        """Say in one sentence what this computer needs first, to build firmware for the board or to
        start its emulator; return None if it needs nothing.
        """
        try:
            if self.start is not None:
                self.check_startable()
            toolchains.choose([compiler.name for compiler in self.toolchains])
        except ToolError as error:
            return str(error)
        return None


def board_names() -> tuple[str, ...]:
    """Return the sorted names of all boards that come with the package."""
    return tuple(sorted(path.parent.name for path in BOARDS_FOLDER.glob(f"*/{BOARD_FILE}")))


def load_board(name: str) -> Board:
    """Load a board: one of the package by its name, or another one by the path of its folder.

    A path has a slash or begins with a dot, as in `./my-board`.

    Raises:
        InputError: there is no such board; the sentence lists the existing boards, or says how to
            start a new one. For errors of a board.toml, see `read_board`.
    """
    folder, names = Path(name), board_names()
    if name.startswith(".") or "/" in name or os.sep in name:
        if not (folder / BOARD_FILE).is_file():
            raise InputError(
                f"{folder} is not a folder with a {BOARD_FILE}; start one with `ska-edge board new`"
            )
        return read_board(folder)
    name = RENAMED.get(name, name)
    if name not in names:
        if name and (folder / BOARD_FILE).is_file():
            raise InputError(f"there is no board {name!r}; for the folder {name}, write ./{name}")
        raise InputError(
            f"there is no board {name!r}{did_you_mean(name, names)}; choose one of"
            f" {', '.join(names)}"
        )
    return read_board(BOARDS_FOLDER / name)


def read_board(folder: Path) -> Board:
    """Read the board whose board.toml is in `folder`, such as in a generated project.

    Raises:
        InputError: the file is missing, is not TOML, or does not describe a board.
    """
    path = folder.resolve() / BOARD_FILE
    if not path.is_file():
        raise InputError(
            f"{folder} has no {BOARD_FILE}; generate the firmware again with ska-edge firmware"
        )
    return _board(path, read_toml(path))


def check_name(name: str, where: str = "") -> None:
    """Raise InputError unless a board can have this name; the sentence begins with `where`."""
    if not re.fullmatch(rf"[a-z0-9-]{{1,{NAME_LIMIT}}}", name):
        raise InputError(
            f"{where}name {name!r} must be 1 to {NAME_LIMIT} small letters, digits and '-'"
        )


@functools.cache
def _converter() -> cattrs.Converter:
    """Return the converter of boards. It is made once, because it compiles code for each class."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook(Path, lambda value, _: Path(value))
    return converter


def _board(path: Path, content: dict[str, Any]) -> Board:
    try:
        board = _converter().structure({**content, "folder": path.parent}, Board)
    except Exception as error:  # an exception group, or any exception of a constructor
        reason = cattrs.transform_error(error, path=path.name)[0]
        reason = reason.replace(f"required field missing @ {path.name}.", "it needs the key ")
        raise InputError(f"{path} does not describe a board: {reason}") from None
    check_name(board.name, f"{path}: ")
    for compiler in board.toolchains:
        if compiler.name not in toolchains.NAMES:
            known = ", ".join(toolchains.NAMES)
            raise InputError(f"{path}: toolchain {compiler.name!r} is none of {known}")
    if board.uart is not None:
        _check_uart(path, board.uart)
    faults = [
        None if board.storage is None else board.storage.fault(board.memory),
        None if board.power is None else board.power.fault(),
        None if board.counter is None else board.counter.fault(),
        None if board.start is None else board.start.fault(),
        *(flasher.fault(board.uf2, board.esp) for flasher in board.flashers),
    ]
    for fault in filter(None, faults):
        raise InputError(f"{path}: {fault}")
    return board


def _check_uart(path: Path, uart: Uart) -> None:
    """Check the values of [uart]; the C sources check that the clock can make the baud rate."""
    sizes = [2**exponent for exponent in range(LARGEST_BUFFER.bit_length())]
    if uart.buffer not in sizes:
        raise InputError(
            f"{path}: buffer of [uart] is {uart.buffer}; make it a power of two up to "
            f"{LARGEST_BUFFER}"
        )
    if not 1 <= uart.baud <= FASTEST_BAUD:
        raise InputError(f"{path}: baud of [uart] is {uart.baud}; make it 1 to {FASTEST_BAUD}")
    if (uart.base is None) != (uart.rx_interrupt is None):
        raise InputError(
            f"{path}: [uart] has only one of base and rx_interrupt; give both or neither"
        )
