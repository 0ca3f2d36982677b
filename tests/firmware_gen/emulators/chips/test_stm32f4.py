"""The model of the STM32F401 is strict: each mistake of a driver ends the run and is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import Board
from firmware_gen.emulators.chips.stm32f4 import Stm32f401
from tests.firmware_gen.emulators.machine import (
    ANSWERS,
    Mistake,
    chunks,
    core_with,
    require_notice,
    run,
)
from tests.firmware_gen.test_storage import DRIVER_MAIN

WriteFirmware = Callable[..., Path]
UART, CHIP, STORAGE = "uart_stm32.c", "uart_chip.h", "storage_stm32f4.c"

CHUNKS = chunks(page=16384)
# The main program turns the data cache on, as the start-up code of many projects does.
CACHED = DRIVER_MAIN.replace(
    "    ska_board_init();\n",
    "    ska_board_init();\n    *(volatile uint32_t *)0x40023C00u = 0x700u;\n",
)

MISTAKES = [
    Mistake(
        "no clock of the port",
        CHIP,
        "    RCC_AHB1ENR |= RCC_AHB1ENR_GPIOAEN;\n",
        "",
        "it uses GPIOA while its clock is off; set GPIOAEN in RCC_AHB1ENR first",
    ),
    Mistake(
        "no clock of the USART",
        CHIP,
        "    RCC_APB1ENR |= RCC_APB1ENR_USART2EN;\n",
        "",
        "it uses USART2 while its clock is off; set USART2EN in RCC_APB1ENR first",
    ),
    Mistake(
        "no wait for the clock",
        CHIP,
        "    RCC_APB1ENR |= RCC_APB1ENR_USART2EN;\n    (void)RCC_APB1ENR; /* a new clock runs after"
        " two cycles (RM0368, 6.3.9) */\n",
        "    RCC_APB1ENR = RCC_APB1ENR_USART2EN;\n",
        "it uses GPIOA within two cycles of setting GPIOAEN; read RCC_AHB1ENR back first",
    ),
    Mistake(
        "wrong function of a pin",
        UART,
        "0x7700u",
        "0x8700u",
        "PA3 is not a pin of USART2: it needs mode 2 in GPIOA_MODER and function 7 in GPIOA_AFRL,"
        " but has mode 2 and function 8",
    ),
    Mistake(
        "a pin is an output",
        UART,
        "| 0xA0u",
        "| 0x90u",
        "PA2 is not a pin of USART2: it needs mode 2 in GPIOA_MODER and function 7 in GPIOA_AFRL,"
        " but has mode 1 and function 7",
    ),
    Mistake(
        "the debugger's pins are taken",
        UART,
        "(GPIOA_MODER & ~0xF0u) | 0xA0u",
        "0xA0u",
        "it takes PA13 and PA14 from the debugger",
    ),
    Mistake(
        "wrong baud",
        UART,
        "USART_BRR = DIVIDER",
        "USART_BRR = DIVIDER / 2u",
        "USART2 runs at 231884 baud, but the line at 115200; at its clock of 16000000 Hz USART2_BRR"
        " must be 139, not 69",
    ),
    Mistake(
        "parity",
        UART,
        "USART_CR1 = CR1_UE",
        "USART_CR1 = 0x400u | CR1_UE",
        "USART2 has another format than 8 data bits, no parity, 1 stop bit",
    ),
    Mistake(
        "the transmitter is off",
        UART,
        "CR1_UE | CR1_TE | CR1_RE",
        "CR1_UE | CR1_RE",
        "it sends a byte while TE of USART2_CR1 is 0",
    ),
    Mistake(
        "the receiver is off",
        UART,
        "CR1_UE | CR1_TE | CR1_RE |",
        "CR1_UE | CR1_TE |",
        "it sleeps, but no byte can wake it: set RE in USART2_CR1",
    ),
    Mistake(
        "no interrupt of the USART",
        UART,
        " | CR1_RE | CR1_RXNEIE;",
        " | CR1_RE;",
        "it sleeps, but no byte can wake it: set RXNEIE in USART2_CR1",
    ),
    Mistake(
        "no interrupt of the core",
        UART,
        "    NVIC_ENABLE = NVIC_UART_RX;\n",
        "",
        "it sleeps, but interrupt 38 of the UART is not enabled; set bit 6 of NVIC_ISER1",
    ),
    Mistake(
        "no wait for the transmitter",
        UART,
        "    while ((USART_STATUS & STATUS_TXE) == 0u) {\n    }\n",
        "",
        "it sends a byte before the previous one is sent; wait for TXE",
    ),
    Mistake(
        "an overrun is not cleared",
        CHIP,
        "if ((status & (STATUS_RXNE | STATUS_ORE)) != 0u)",
        "if ((status & STATUS_RXNE) != 0u)",
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
        "the keys in the wrong order",
        STORAGE,
        "        FLASH_KEYR = KEY_1;\n        FLASH_KEYR = KEY_2;\n",
        "        FLASH_KEYR = KEY_2;\n        FLASH_KEYR = KEY_1;\n",
        "it writes 0xCDEF89AB to FLASH_KEYR, which locks flash until the next reset",
    ),
    Mistake(
        "the keys while flash is not locked",
        STORAGE,
        "    FLASH_CR = CR_LOCK;\n",
        "    FLASH_KEYR = KEY_1;\n",
        "it writes 0x45670123 to FLASH_KEYR, which locks flash until the next reset",
    ),
    Mistake(
        "no program bit",
        STORAGE,
        "flash_begin(CR_PG | CR_PSIZE_WORD)",
        "flash_begin(CR_PSIZE_WORD)",
        "it stores to flash without PG in FLASH_CR; set PG, and clear SER",
    ),
    Mistake(
        "wrong program size",
        STORAGE,
        "flash_begin(CR_PG | CR_PSIZE_WORD)",
        "flash_begin(CR_PG)",
        "it stores 4 bytes to flash while PSIZE of FLASH_CR says 1",
    ),
    Mistake(
        "a size that needs another supply",
        STORAGE,
        "#define CR_PSIZE_WORD 0x200u",
        "#define CR_PSIZE_WORD 0x300u",
        "PSIZE of FLASH_CR is 3, which needs 8 V to 9 V at VPP",
    ),
    Mistake(
        "no erase",
        STORAGE,
        "    FLASH_CR = control | CR_STRT;\n",
        "",
        "it programs bytes of flash that are not erased, at 0x08004000; erase the sector first",
    ),
    Mistake(
        "the sector of the vector table",
        STORAGE,
        "SECTOR(offset) * CR_SNB",
        "(SECTOR(offset) - 1u) * CR_SNB",
        "it erases sector 0, which is not a page of [storage] in board.toml",
    ),
    Mistake(
        "no wait for flash",
        STORAGE,
        "    while ((FLASH_SR & SR_BSY) != 0u) {\n    }\n",
        "",
        "it uses flash while BSY of FLASH_SR is 1; wait until BSY is 0",
    ),
    Mistake(
        "no flush of the cache",
        STORAGE,
        "    flash_flush_cache();\n",
        "    (void)flash_flush_cache;\n",
        "it reads what the data cache held before the erase; flush the cache after an erase",
    ),
    Mistake(
        "a flush of a cache that is on",
        STORAGE,
        "        FLASH_ACR = (control & ~ACR_DCEN) | ACR_DCRST;\n",
        "        FLASH_ACR = control | ACR_DCRST;\n",
        "it flushes the data cache while it is on; clear DCEN in FLASH_ACR first",
    ),
    Mistake(
        "no barrier after the interrupts are unmasked",
        "uart_receive.h",
        "wfi\\n\\tcpsie i\\n\\tisb\\n\\tcpsid i",
        "wfi\\n\\tcpsie i\\n\\tcpsid i",
        "it masks interrupts directly after unmasking them",
    ),
]


@pytest.mark.parametrize("main", [DRIVER_MAIN, CACHED], ids=["cache off", "cache on"])
def test_the_drivers_make_no_mistake(
    main: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("nucleo-f401re"), main)
    assert run(project, core_with(Stm32f401), CHUNKS) == ANSWERS


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_of_a_driver_is_noticed(
    mistake: Mistake, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("nucleo-f401re"), CACHED)
    require_notice(project, core_with(Stm32f401), CHUNKS, mistake)
