"""The model of the ESP32-C3 is strict: each mistake of a driver ends the run and is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators.esp32c3.machine import STACK_BYTES, Machine
from tests.firmware_gen.emulators.machine import (
    ANSWERS,
    Mistake,
    chunks,
    plant,
    require_notice,
    run,
)
from tests.firmware_gen.test_storage import DRIVER_MAIN

WriteFirmware = Callable[..., Path]
UART, STORAGE = "uart_esp32c3.c", "storage_esp32c3.c"
CHUNKS = chunks(page=4096)

MISTAKES = [
    Mistake(
        "the RTC watchdog stays on",
        UART,
        "    RTC_WDT_CONFIG = 0u;\n",
        "",
        "it waits for a byte while the RTC watchdog runs, which resets the chip after 2.9 s",
    ),
    Mistake(
        "no key for the RTC watchdog",
        UART,
        "    RTC_WDT_PROTECT = WDT_KEY;\n",
        "",
        "it writes RTC_CNTL_WDTCONFIG0 while the register is locked; write 0x50D83AA1",
    ),
    Mistake(
        "the key of another watchdog",
        UART,
        "    SUPER_WDT_PROTECT = SUPER_WDT_KEY;\n",
        "    SUPER_WDT_PROTECT = WDT_KEY;\n",
        "it writes 0x50d83aa1 to RTC_CNTL_SWD_WPROTECT; 0x8F1D312A unlocks the watchdog",
    ),
    Mistake(
        "the super watchdog is not fed",
        UART,
        "    SUPER_WDT_CONFIG |= SUPER_WDT_AUTO_FEED;\n",
        "",
        "it waits for a byte while the super watchdog runs, which resets the chip after 1.0 s; set"
        " SWD_AUTO_FEED_EN in RTC_CNTL_SWD_CONF",
    ),
    Mistake(
        "the watchdog of timer group 0 stays on",
        UART,
        "    TIMG0_WDT_CONFIG = TIMG0_WDT_UPDATE;\n",
        "",
        "it waits for a byte while the watchdog of timer group 0 runs",
    ),
    Mistake(
        "no update of the watchdog of timer group 0",
        UART,
        "    TIMG0_WDT_CONFIG = TIMG0_WDT_UPDATE;\n",
        "    TIMG0_WDT_CONFIG = 0u;\n",
        "set WDT_CONF_UPDATE_EN",
    ),
    Mistake(
        "a watchdog runs out while the firmware computes",
        UART,
        "void ska_board_init(void) {\n    watchdogs_off();\n",
        "void ska_board_init(void) {\n"
        "    for (volatile uint32_t i = 0; i < 20000000u; i++) {\n    }\n    watchdogs_off();\n",
        "the super watchdog was not fed for 1.0 s",
    ),
    Mistake(
        "no wait for the text of the ROM",
        UART,
        "    while ((UART_STATUS & STATUS_TXFIFO_CNT) != 0u) {\n    }\n"
        "    while ((UART_FSM_STATUS & FSM_STATUS_ST_UTX_OUT) != 0u) {\n    }\n",
        "",
        "it writes UART_CLK_CONF while the UART sends, which spoils the bytes",
    ),
    Mistake(
        "no wait for the last byte of the text",
        UART,
        "    while ((UART_FSM_STATUS & FSM_STATUS_ST_UTX_OUT) != 0u) {\n    }\n",
        "",
        "ST_UTX_OUT of UART_FSM_STATUS are 0",
    ),
    Mistake(
        "no clock for the UART",
        UART,
        "#define CLK_CONF_XTAL 0x3700000u",
        "#define CLK_CONF_XTAL 0x3300000u",
        "it uses UART0 without a clock; set UART_SCLK_EN in UART_CLK_CONF",
    ),
    Mistake(
        "no clock for the sender",
        UART,
        "#define CLK_CONF_XTAL 0x3700000u",
        "#define CLK_CONF_XTAL 0x2700000u",
        "it uses UART0 without a clock; set UART_TX_SCLK_EN in UART_CLK_CONF",
    ),
    Mistake(
        "no clock for the receiver",
        UART,
        "#define CLK_CONF_XTAL 0x3700000u",
        "#define CLK_CONF_XTAL 0x1700000u",
        "it uses UART0 without a clock; set UART_RX_SCLK_EN in UART_CLK_CONF",
    ),
    Mistake(
        "no clock for the FIFO",
        UART,
        "#define CONF0_8N1 0x1000001Cu",
        "#define CONF0_8N1 0x1Cu",
        "it uses the FIFO of UART0 without a clock; set UART_MEM_CLK_EN in UART_CONF0",
    ),
    Mistake(
        "the internal oscillator",
        UART,
        "#define CLK_CONF_XTAL 0x3700000u",
        "#define CLK_CONF_XTAL 0x3600000u",
        "it uses UART0 on the internal oscillator",
    ),
    Mistake(
        "the clock of the bus",
        UART,
        "#define CLK_CONF_XTAL 0x3700000u",
        "#define CLK_CONF_XTAL 0x3500000u",
        "UART0 runs at 57595 baud, but the line at 115200",
    ),
    Mistake(
        "the UART is in reset",
        UART,
        "#define CLK_CONF_XTAL 0x3700000u",
        "#define CLK_CONF_XTAL 0x3F00000u",
        "it uses UART0 in reset; clear the reset bits of UART_CLK_CONF first",
    ),
    Mistake(
        "wrong baud",
        UART,
        "(16u * XTAL_HZ +",
        "(8u * XTAL_HZ +",
        "UART0 runs at 230382 baud, but the line at 115200",
    ),
    Mistake(
        "a parity bit",
        UART,
        "#define CONF0_8N1 0x1000001Cu",
        "#define CONF0_8N1 0x1000001Eu",
        "UART_CONF0 is 0x1000001e, but the line has 8 data bits, no parity and 1 stop bit",
    ),
    Mistake(
        "the wrong function of the pin to send",
        UART,
        "#define PIN_OUTPUT 0x800u",
        "#define PIN_OUTPUT 0x1800u",
        "pin GPIO21 has function 1 instead of 0, the UART",
    ),
    Mistake(
        "the pin to receive is no input",
        UART,
        "#define PIN_INPUT 0x300u",
        "#define PIN_INPUT 0x100u",
        "pin GPIO20 is not an input; set FUN_IE of IO_MUX_GPIO20",
    ),
    Mistake(
        "no wait for room to send",
        UART,
        "    while ((UART_STATUS & STATUS_TXFIFO_CNT) >= (FIFO_BYTES - 1u) * STATUS_TXFIFO_ONE) {\n"
        "    }\n    UART_FIFO = byte;\n",
        "    for (uint16_t i = 0; i < 200u; i++) {\n        UART_FIFO = byte;\n    }\n",
        "it writes a byte to the full FIFO of UART0",
    ),
    Mistake(
        "no wait for a received byte",
        UART,
        "int16_t ska_board_read(void) {\n"
        "    while ((UART_STATUS & STATUS_RXFIFO_CNT) == 0u) {\n    }\n",
        "int16_t ska_board_read(void) {\n",
        "it reads UART_FIFO without a byte; wait until RXFIFO_CNT of UART_STATUS is not 0",
    ),
    Mistake(
        "a byte of a register",
        UART,
        "    UART_FIFO = byte;\n",
        "    *(volatile uint8_t *)SKA_UART_BASE = byte;\n",
        "it writes 1 bytes at 0x60000000; a register takes 4 bytes",
    ),
    Mistake(
        "sleep without an interrupt",
        UART,
        "int16_t ska_board_read(void) {\n",
        'int16_t ska_board_read(void) {\n    __asm__ volatile("wfi");\n',
        "it sleeps in WFI, but no interrupt of this model ends the sleep",
    ),
    Mistake(
        "no size of the flash",
        STORAGE,
        "esp_rom_spiflash_config_param(0u, FLASH_BYTES, BLOCK_BYTES, SECTOR_BYTES,\n"
        "                                                PAGE_BYTES, STATUS_MASK);\n",
        "0;\n",
        "it uses flash before the ROM knows its size; call esp_rom_spiflash_config_param first",
    ),
    Mistake(
        "too small a flash",
        STORAGE,
        "(SKA_STORAGE_ORIGIN + SKA_STORAGE_SIZE)",
        "SKA_STORAGE_ORIGIN",
        "it uses flash at 0x00100000, but told the ROM that flash has 0x100000 bytes",
    ),
    Mistake(
        "blocks and sectors are exchanged",
        STORAGE,
        "BLOCK_BYTES, SECTOR_BYTES,\n",
        "SECTOR_BYTES, BLOCK_BYTES,\n",
        "it tells the ROM blocks, sectors, pages and a mask of 0x1000, 0x10000, 0x100, 0xffff, but"
        " the flash has 0x10000, 0x1000, 0x100, 0xffff",
    ),
    Mistake(
        "no unlock",
        STORAGE,
        "        if (failure != 0 || esp_rom_spiflash_unlock() != 0) {\n",
        "        if (failure != 0) {\n",
        "it programs flash that may be protected; call esp_rom_spiflash_unlock first",
    ),
    Mistake(
        "no erase",
        STORAGE,
        "        failure = esp_rom_spiflash_erase_sector(at / SECTOR_BYTES);\n",
        "        failure = 0;\n",
        "it programs bytes of flash that are not erased, at 0x00100000; erase the sector first",
    ),
    Mistake(
        "an address instead of a sector",
        STORAGE,
        "esp_rom_spiflash_erase_sector(at / SECTOR_BYTES)",
        "esp_rom_spiflash_erase_sector(at)",
        "it erases sector 1052672 of flash, which is not in [storage] of board.toml",
    ),
    Mistake(
        "the start of flash, where the image is",
        STORAGE,
        "good = ska_flash_work(WRITE, SKA_STORAGE_ORIGIN + offset + done, part);",
        "good = ska_flash_work(WRITE, offset + done, part);",
        "it programs 16 bytes of flash at 0x00000000, outside [storage] of board.toml",
    ),
    Mistake(
        "parts of words",
        STORAGE,
        "SKA_STORAGE_ORIGIN + offset + done - first, sizeof piece);",
        "SKA_STORAGE_ORIGIN + offset + done - first, part - 1u);",
        "it reads 15 bytes of flash at 0x00100000",
    ),
    Mistake(
        "words at an odd address",
        STORAGE,
        "esp_rom_spiflash_write(at, piece.words, (int32_t)bytes)",
        "esp_rom_spiflash_write(at, (const uint32_t *)((uintptr_t)piece.bytes + 1u),"
        " (int32_t)bytes)",
        "the routine of the ROM takes whole words, at multiples of 4",
    ),
    Mistake(
        "flash through the cache, which nothing has set up",
        STORAGE,
        "            bytes[done + i] = good ? piece.bytes[first + i] : 0xFFu;\n",
        "            bytes[done + i] = good ? *(volatile uint8_t *)(0x3C100000u + i) : 0xFFu;\n",
        "it reads from 0x3c100000, where there is nothing",
    ),
    Mistake(
        "another routine of the ROM",
        STORAGE,
        "int32_t esp_rom_spiflash_unlock(void);\n",
        "#define esp_rom_spiflash_unlock ((int32_t(*)(void))0x40000120u)\n",
        "it calls the routine at 0x40000120 of the ROM, which is not modeled",
    ),
]


def test_the_drivers_make_no_mistake(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("esp32-c3"), DRIVER_MAIN)
    text, entry, answers = run(project, Machine, CHUNKS).partition(b"entry 0x40380000\r\n")
    assert text.startswith(b"ESP-ROM:esp32c3") and entry
    assert answers == ANSWERS


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_of_a_driver_is_noticed(
    mistake: Mistake, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("esp32-c3"), DRIVER_MAIN)
    require_notice(project, Machine, CHUNKS, mistake)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "(void)*(volatile uint32_t *)0x40380000u;",
            "it reads from 0x40380000, on the bus of instructions",
        ),
        ("*(volatile uint32_t *)0x3FC80000u = 0u;", "it writes to 0x3fc80000, which is the image"),
        ("*(volatile uint32_t *)0x3FCDFFF0u = 0u;", "it writes to 0x3fcdfff0, where there is"),
        ("*(volatile uint32_t *)0x60004004u = 1u;", "it writes to 0x60004004, where there is"),
        ('__asm__ volatile(".word 0xFFFFFFFF");', "it raises an exception: illegal instruction"),
    ],
)
def test_accesses_that_the_chip_does_not_support_are_noticed(
    statement: str,
    sentence: str,
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
) -> None:
    begin = "void ska_board_init(void) {\n"
    project = write_firmware(require_board("esp32-c3"), DRIVER_MAIN)
    mistake = Mistake("", UART, begin, f"{begin}    {statement}\n", sentence)
    require_notice(project, Machine, CHUNKS, mistake)


def test_a_trap_handler_that_the_core_does_not_find_is_noticed(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("esp32-c3"), DRIVER_MAIN)
    sentence = "align the handler to 256 bytes"
    mistake = Mistake("", "link_sram.ld", ". = ALIGN(256);", ". = ALIGN(4);", sentence)
    require_notice(project, Machine, CHUNKS, mistake)


def test_the_stack_has_room_for_the_routines_of_the_rom(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("esp32-c3"), DRIVER_MAIN)
    declared = f'#define ROM_STACK "{STACK_BYTES}"\n'
    before = build(project).stack
    plant(project, Mistake("", STORAGE, declared, f'#define ROM_STACK "{STACK_BYTES + 64}"\n', ""))
    after = build(project).stack
    assert before is not None and before > STACK_BYTES
    assert after == before + 64
