"""The Pico boots from the ROM of its chip; each mistake of a driver ends the run and is named."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import Board, load_board, read_board
from firmware_gen.build import build
from firmware_gen.emulators.cells import Cells
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.rp2040.machine import Machine
from firmware_gen.formats.elf import read_image
from tests.firmware_gen.emulators.machine import (
    ANSWERS,
    Mistake,
    Script,
    chunks,
    plant,
    require_notice,
    run,
)
from tests.firmware_gen.test_storage import DRIVER_MAIN

WriteFirmware = Callable[..., Path]
UART, STORAGE = "uart_rp2040.c", "storage_rp2040.c"
CHUNKS = chunks(page=4096)

MISTAKES = [
    Mistake(
        "a block stays in reset",
        UART,
        "#define RESETS_USED 0x00401120u",
        "#define RESETS_USED 0x00001120u",
        "it uses UART0 while it is in reset; clear bit 22 of RESETS_RESET first",
    ),
    Mistake(
        "no wait for the reset",
        UART,
        "    while ((RESETS_DONE & RESETS_USED) != RESETS_USED) {\n    }\n",
        "    (void)RESETS_DONE;\n",
        "it uses PLL_SYS before it has left reset; wait for bit 12 of RESETS_RESET_DONE",
    ),
    Mistake(
        "no time for the crystal",
        UART,
        "    XOSC_STARTUP = XOSC_STARTUP_1MS;\n",
        "    XOSC_STARTUP = XOSC_STARTUP_1MS / 8u;\n",
        "it turns the crystal on with a delay of 5; write 47 or more to XOSC_STARTUP first",
    ),
    Mistake(
        "no wait for the crystal",
        UART,
        "    while ((XOSC_STATUS & XOSC_STABLE) == 0u) {\n    }\n",
        "    (void)XOSC_STATUS;\n",
        "it uses the crystal before it is stable; wait for STABLE of XOSC_STATUS",
    ),
    Mistake(
        "no wait for the PLL",
        UART,
        "    while ((PLL_CS & PLL_LOCK) == 0u) {\n    }\n",
        "",
        "it uses PLL_SYS before it has locked; wait for LOCK of PLL_SYS_CS",
    ),
    Mistake(
        "the dividers of the PLL are off",
        UART,
        "    CLEAR(PLL_PWR) = PLL_PD_POSTDIV;\n",
        "",
        "it uses PLL_SYS while its dividers are off; clear POSTDIVPD of PLL_SYS_PWR first",
    ),
    Mistake(
        "the PLL is too fast",
        UART,
        "    PLL_FBDIV = PLL_TIMES_125;\n",
        "    PLL_FBDIV = 2u * PLL_TIMES_125;\n",
        "the oscillator of PLL_SYS would run at 3000000000 Hz",
    ),
    Mistake(
        "no clock of the peripherals",
        UART,
        "    CLK_PERI_CTRL = CLK_PERI_ON;\n",
        "",
        "it uses UART0 while clk_peri is off; set ENABLE in CLK_PERI_CTRL first",
    ),
    Mistake(
        "the core stays on the crystal",
        UART,
        "    CLK_SYS_CTRL = CLK_SYS_PLL;\n"
        "    while ((CLK_SYS_SELECTED & CLK_SYS_IS_PLL) == 0u) {\n    }\n",
        "",
        "UART0 runs at 11060 baud, but the line at 115200; at its clock of 12000000 Hz, UARTIBRD"
        " must be 6 and UARTFBRD 33",
    ),
    Mistake(
        "wrong baud",
        UART,
        "UART_IBRD = DIVISOR / 64u",
        "UART_IBRD = DIVISOR / 32u",
        "UART0 runs at 57524 baud, but the line at 115200",
    ),
    Mistake(
        "the divisor after the format",
        UART,
        "    UART_LCR_H = LCR_H_8_BITS | LCR_H_FEN; /* this write also takes over the divisor */\n",
        "",
        "UARTLCR_H is 0x00; write 0x70: 8 data bits, no parity, 1 stop bit, FIFOs on",
    ),
    Mistake(
        "wrong format",
        UART,
        "LCR_H_8_BITS | LCR_H_FEN",
        "LCR_H_8_BITS | 0x2u | LCR_H_FEN",
        "UARTLCR_H is 0x72; write 0x70",
    ),
    Mistake(
        "wrong function of a pin",
        UART,
        "    GPIO0_CTRL = GPIO_UART;\n",
        "    GPIO0_CTRL = 5u;\n",
        "GP0 is not a pin of UART0: it has function 5; write 2 to GPIO0_CTRL",
    ),
    Mistake(
        "the receiver's pin is low",
        UART,
        "    PAD_GPIO1 = PAD_INPUT_PULLED_UP; /* a low line would be an endless break */\n",
        "",
        "GP1 is low if nothing drives it, which UART0 takes for a break",
    ),
    Mistake(
        "the receiver is off",
        UART,
        "CR_UARTEN | CR_TXE | CR_RXE",
        "CR_UARTEN | CR_TXE",
        "it sleeps, but no byte can wake it: set RXE in UARTCR",
    ),
    Mistake(
        "no interrupt for the last bytes",
        UART,
        "IMSC_RXIM | IMSC_RTIM;",
        "IMSC_RXIM;",
        "it sleeps, but no byte can wake it: set RTIM in UARTIMSC",
    ),
    Mistake(
        "no interrupt of the core",
        UART,
        "    NVIC_ENABLE = NVIC_UART_RX;\n",
        "",
        "it sleeps, but interrupt 20 of the UART is not enabled; set bit 20 of NVIC_ISER",
    ),
    Mistake(
        "the handler reads nothing",
        UART,
        "    while ((UART_FR & FR_RXFE) == 0u) {\n"
        "        ska_ring_put(&received, (uint8_t)(UART_DR & 0xFFu));\n    }\n",
        "    (void)UART_FR;\n    (void)received;\n",
        "the interrupt handler leaves RXRIS of UART0 set, so the interrupt comes again for ever",
    ),
    Mistake(
        "no wait for the transmitter",
        UART,
        "    while ((UART_FR & FR_TXFF) != 0u) {\n    }\n    UART_DR = byte;\n",
        "    for (uint8_t i = 0; i < 33u; i++) {\n        UART_DR = byte;\n    }\n",
        "it sends a byte while the FIFO is full; wait until TXFF of UARTFR is 0",
    ),
    Mistake(
        "flash works in flash",
        STORAGE,
        '__attribute__((section(".data.ska_flash_work"), noinline)) void',
        "__attribute__((noinline)) void",
        "which is flash, while commands are sent to flash; keep code and data in RAM",
    ),
    Mistake(
        "interrupts while flash works",
        STORAGE,
        "mrs %0, primask\\n\\tcpsid i",
        "mrs %0, primask",
        "which is flash, while commands are sent to flash; keep code and data in RAM",
    ),
    Mistake(
        "flash stays in command mode",
        STORAGE,
        "    rom.flash_enter_cmd_xip();\n",
        "",
        "which is flash, while commands are sent to flash; keep code and data in RAM",
    ),
    Mistake(
        "no flush of the cache",
        STORAGE,
        "    rom.flash_flush_cache();\n",
        "",
        "it reads flash after an erase or a write, but the cache still has the old bytes",
    ),
    Mistake(
        "no erase",
        STORAGE,
        "        rom.flash_range_erase(at, SECTOR_BYTES, NO_BLOCK, NO_COMMAND);\n",
        "        at++;\n",
        "it programs bytes of flash that are not erased, in the page at 0x101e0000; erase the"
        " sector first",
    ),
    Mistake(
        "the address counts from the begin of memory",
        STORAGE,
        "work(SKA_STORAGE_ORIGIN - FLASH_BEGIN + offset, bytes)",
        "work(offset, bytes)",
        "it programs 256 bytes at 0x10000000, outside [storage] in board.toml",
    ),
    Mistake(
        "a page from the middle",
        STORAGE,
        "(offset + done) / PAGE_BYTES * PAGE_BYTES",
        "offset + done + 128u",
        "which is not within a page of 256 bytes; start at a multiple of 256",
    ),
    Mistake(
        "more than a sector is erased",
        STORAGE,
        "rom.flash_range_erase(at, SECTOR_BYTES,",
        "rom.flash_range_erase(at - at % 0x10000u - 0x1000u, 0x11000u,",
        "it erases the sector at 0x101df000, which is not the start of a page of [storage]",
    ),
    Mistake(
        "a store to flash",
        STORAGE,
        "        flash_work(start, page);\n",
        "        ((volatile uint8_t *)SKA_STORAGE_ORIGIN)[offset] = page[0];\n"
        "        (void)flash_work;\n        (void)start;\n",
        "it stores to 0x101e0000, which is flash",
    ),
]


def test_the_drivers_make_no_mistake(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("pico"), DRIVER_MAIN)
    assert run(project, Machine, CHUNKS) == ANSWERS


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_of_a_driver_is_noticed(
    mistake: Mistake, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("pico"), DRIVER_MAIN)
    require_notice(project, Machine, CHUNKS, mistake)


class Watched(Machine):
    """Measures the stack that the ROM's routines use, in bytes."""

    deepest = 0

    def _step(self) -> bool:
        core, entry = self.core, 0
        while not core.waiting:
            inside, stack = self.in_rom(), core.sp
            core.execute_instruction()
            if self.in_rom():
                entry = entry if inside else stack
                self.deepest = max(self.deepest, entry - core.sp)
        return self._sleep()


def test_the_driver_declares_the_stack_that_the_rom_uses(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("pico"), DRIVER_MAIN)
    board = read_board(project / "board")
    assert board.storage is not None
    elf = build(project).elf
    machine = Watched(elf, board, Script(*CHUNKS), Cells(board.storage.size))
    machine.run()
    declared = re.search(r'define ROM_STACK "(\d+)"', (project / "board" / STORAGE).read_text())
    assert declared is not None
    assert 0 < machine.deepest <= int(declared[1])


def test_the_rom_refuses_a_second_stage_with_another_checksum(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("pico"))
    plant(project, Mistake("", "boot2.S", "    movs r0, #6\n", "    movs r0, #8\n", ""))
    sentence = "the ROM does not start the image, because the CRC-32 of the first 256 bytes"
    with pytest.raises(FirmwareFault, match=sentence):
        run(project, Machine, [])


def crc32(content: bytes) -> int:
    """Return the CRC-32 as the data sheet defines it: polynomial 0x04C11DB7, not reflected."""
    crc = 0xFFFF_FFFF
    for byte in content:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C1_1DB7 if crc >> 31 else 0)) & 0xFFFF_FFFF
    return crc


@pytest.mark.parametrize("toolchain", [compiler.name for compiler in load_board("pico").toolchains])
def test_the_second_stage_has_its_checksum(
    toolchain: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("pico"))
    image = read_image(build(project, toolchain=toolchain).elf)
    address, content = min(image.segments)
    assert address == 0x1000_0000
    assert struct.unpack("<I", content[252:256]) == (crc32(content[:252]),)
