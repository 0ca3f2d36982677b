"""The model of the STM32L476 is strict: each mistake of a driver ends the run and is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import Board
from firmware_gen.emulators.cells import Cells
from firmware_gen.emulators.chips.stm32l4 import Stm32l476
from firmware_gen.emulators.fault import FirmwareFault
from tests.firmware_gen.emulators.machine import (
    ANSWERS,
    DATA,
    Mistake,
    chunks,
    core_with,
    plant,
    require_notice,
    run,
)
from tests.firmware_gen.test_storage import DRIVER_MAIN

WriteFirmware = Callable[..., Path]
UART, CHIP, STORAGE = "uart_stm32.c", "uart_chip.h", "storage_stm32l4.c"
CHUNKS = chunks(page=2048)
# The main program masks interrupts at each erase, for more time than two bytes take, so the bytes
# after the last erase cause an overrun.
LATE = DRIVER_MAIN.replace(
    "        if (command == 'E') {\n",
    "        if (command == 'E') {\n"
    '            __asm__ volatile("cpsid i" ::: "memory");\n'
    "            for (volatile uint32_t i = 0; i < 2000u; i++) {\n            }\n"
    '            __asm__ volatile("cpsie i\\n\\tisb" ::: "memory");\n',
)

MISTAKES = [
    Mistake(
        "the oscillator is off",
        CHIP,
        "    RCC_CR |= RCC_CR_HSION; /* after reset, the core runs on MSI at 4 MHz */\n",
        "",
        "it waits for ever for HSI16; set HSION in RCC_CR",
    ),
    Mistake(
        "no wait for the oscillator",
        CHIP,
        "    while ((RCC_CR & RCC_CR_HSIRDY) == 0u) {\n    }\n",
        "",
        "it selects HSI16 while HSIRDY of RCC_CR is 0; wait for HSIRDY",
    ),
    Mistake(
        "the core stays on MSI",
        CHIP,
        "    RCC_CFGR = (RCC_CFGR & ~RCC_CFGR_SW) | RCC_CFGR_SW_HSI16;\n"
        "    while ((RCC_CFGR & RCC_CFGR_SWS) != RCC_CFGR_SWS_HSI16) {\n    }\n",
        "",
        "USART2 runs at 28777 baud, but the line at 115200; at its clock of 4000000 Hz USART2_BRR"
        " must be 35, not 139",
    ),
    Mistake(
        "no clock of the port",
        CHIP,
        "    RCC_AHB2ENR |= RCC_AHB2ENR_GPIOAEN;\n",
        "",
        "it uses GPIOA while its clock is off; set GPIOAEN in RCC_AHB2ENR first",
    ),
    Mistake(
        "no clock of the USART",
        CHIP,
        "    RCC_APB1ENR1 |= RCC_APB1ENR1_USART2EN;\n",
        "",
        "it uses USART2 while its clock is off; set USART2EN in RCC_APB1ENR1 first",
    ),
    Mistake(
        "the pins stay analog",
        UART,
        "    GPIOA_MODER = (GPIOA_MODER & ~0xF0u) | 0xA0u;   /* PA2, PA3: alternate function */\n",
        "",
        "PA3 is not a pin of USART2: it needs mode 2 in GPIOA_MODER and function 7 in GPIOA_AFRL,"
        " but has mode 3 and function 7",
    ),
    Mistake(
        "the speed after the USART is on",
        UART,
        "    USART_BRR = DIVIDER;\n    USART_CR1 = CR1_UE | CR1_TE | CR1_RE | CR1_RXNEIE;\n",
        "    USART_CR1 = CR1_UE | CR1_TE | CR1_RE | CR1_RXNEIE;\n    USART_BRR = DIVIDER;\n",
        "it writes USART2_BRR while UE of USART2_CR1 is 1; set UE last",
    ),
    Mistake(
        "no interrupt of the USART",
        UART,
        " | CR1_RE | CR1_RXNEIE;",
        " | CR1_RE;",
        "it sleeps, but no byte can wake it: set RXNEIE in USART2_CR1",
    ),
    Mistake(
        "an overrun is not cleared",
        CHIP,
        "        USART_ICR = ICR_ORECF;\n",
        "",
        "the interrupt handler leaves ORE of USART2 set, so the interrupt comes again for ever",
    ),
    Mistake(
        "no unlock",
        STORAGE,
        "        FLASH_KEYR = KEY_1;\n        FLASH_KEYR = KEY_2;\n",
        "",
        "it uses flash while LOCK of FLASH_CR is 1; write the two keys to FLASH_KEYR first",
    ),
    Mistake(
        "errors are not cleared",
        STORAGE,
        "    FLASH_SR = SR_ERRORS;\n",
        "",
        "it uses flash while FLASH_SR has an error of an earlier program; clear all errors",
    ),
    Mistake(
        "the data cache is on",
        STORAGE,
        "    FLASH_ACR = access & ~ACR_DCEN;\n    if",
        "    if",
        "it changes flash while the data cache is on, which a read of the other bank can corrupt",
    ),
    Mistake(
        "no flush of the cache",
        STORAGE,
        "    FLASH_ACR = (access & ~ACR_DCEN) | ACR_DCRST;\n",
        "",
        "it reads what the data cache held before the erase; flush the cache after an erase",
    ),
    Mistake(
        "no program bit",
        STORAGE,
        "flash_begin(CR_PG)",
        "flash_begin(0u)",
        "it stores to flash without PG in FLASH_CR; set PG, and clear PER",
    ),
    Mistake(
        "a single word",
        STORAGE,
        "        flash[1] = both.words[1];\n",
        "",
        "it stores half of a double word to flash",
    ),
    Mistake(
        "the upper word first",
        STORAGE,
        "        flash[0] = both.words[0];\n        flash[1] = both.words[1];\n",
        "        flash[1] = both.words[1];\n        flash[0] = both.words[0];\n",
        "it stores half of a double word to flash; store the two words of 4 bytes, the lower one",
    ),
    Mistake(
        "no erase",
        STORAGE,
        "    FLASH_CR = control | CR_STRT;\n",
        "",
        "it writes a double word that is not erased, at 0x080e0000; erase the page first",
    ),
    Mistake(
        "the wrong bank",
        STORAGE,
        "CR_PER | CR_BKER |",
        "CR_PER |",
        "it erases the page at 0x08060800, which is not in [storage] of board.toml",
    ),
    Mistake(
        "no wait for flash",
        STORAGE,
        "    while ((FLASH_SR & SR_BSY) != 0u) {\n    }\n",
        "",
        "it uses flash while BSY of FLASH_SR is 1; wait until BSY is 0",
    ),
]


@pytest.mark.parametrize("main", [DRIVER_MAIN, LATE], ids=["in time", "late"])
def test_the_drivers_make_no_mistake(
    main: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("nucleo-l476rg"), main)
    assert run(project, core_with(Stm32l476), CHUNKS) == ANSWERS


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_of_a_driver_is_noticed(
    mistake: Mistake, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("nucleo-l476rg"), LATE)
    require_notice(project, core_with(Stm32l476), CHUNKS, mistake)


# --- an error that cannot be corrected ------------------------------------------------------------


def read_half_written(project: Path) -> bytes:
    """Run a project that reads a half written double word of flash; return what it sends."""
    cells = Cells(0x2_0000)
    cells.broken = set(range(8))
    return run(project, core_with(Stm32l476), CHUNKS[1:2], cells)


def test_a_half_written_double_word_does_not_stop_the_device(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("nucleo-l476rg"), DRIVER_MAIN)
    assert len(read_half_written(project)) == len(DATA)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "    FLASH_ECCR = ECCR_ECCD;\n",
            "",
            "the interrupt handler leaves ECCD of FLASH_ECCR set, so the interrupt comes again",
        ),
        (
            "#define ECCR_BK_ECC 0x80000u",
            "#define ECCR_BK_ECC 0x100000u",
            "it sleeps in the handler of an exception, which nothing ends",
        ),
    ],
    ids=["not cleared", "not expected"],
)
def test_an_error_that_the_driver_does_not_handle_is_noticed(
    old: str,
    new: str,
    sentence: str,
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
) -> None:
    project = write_firmware(require_board("nucleo-l476rg"), DRIVER_MAIN)
    plant(project, Mistake("", STORAGE, old, new, ""))
    with pytest.raises(FirmwareFault, match=re.escape(sentence)):
        read_half_written(project)
