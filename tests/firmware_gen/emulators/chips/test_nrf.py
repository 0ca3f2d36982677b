"""The models of nRF51 and nRF52 are strict: each mistake of a driver ends the run and is named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import Board
from firmware_gen.emulators.chips.nrf51 import Nrf51822
from firmware_gen.emulators.chips.nrf52 import Nrf52833
from ska_edge.errors import InputError
from tests.firmware_gen.emulators.machine import (
    ANSWERS,
    MakeMachine,
    Mistake,
    chunks,
    core_with,
    require_notice,
    run,
)
from tests.firmware_gen.test_storage import DRIVER_MAIN

WriteFirmware = Callable[..., Path]
UART, PINS, STORAGE = "uart_nrf.c", "uart_pins.h", "storage_nrf.c"

COMMON = [
    Mistake(
        "no crystal",
        UART,
        "    CLOCK_START_CRYSTAL = 1u;\n    while (CLOCK_CRYSTAL_STARTED == 0u) {\n    }\n",
        "",
        "it uses the UART on the internal oscillator",
    ),
    Mistake(
        "no wait for the crystal",
        UART,
        "    while (CLOCK_CRYSTAL_STARTED == 0u) {\n    }\n",
        "",
        "it uses the UART on the internal oscillator",
    ),
    Mistake(
        "the idle level of the line",
        UART,
        "    GPIO_OUTPUT_SET = GPIO_TX; /* an idle line is high */\n",
        "",
        "it enables the UART while P0.06 is not an output with a high level",
    ),
    Mistake(
        "the direction of the pin",
        UART,
        "    GPIO_DIRECTION_SET = GPIO_TX;\n",
        "",
        "it enables the UART while P0.06 is not an output with a high level",
    ),
    Mistake(
        "a pin after the UART is enabled",
        UART,
        "    UART_PIN_RX = PIN_RX;\n    UART_BAUD = UART_BAUD_STEPS * 4096u;\n"
        "    UART_ENABLE = UART_ENABLED;\n",
        "    UART_BAUD = UART_BAUD_STEPS * 4096u;\n    UART_ENABLE = UART_ENABLED;\n"
        "    UART_PIN_RX = PIN_RX;\n",
        "it writes UART at 0x514 while the UART is enabled",
    ),
    Mistake(
        "wrong baud",
        UART,
        "UART_BAUD_STEPS * 4096u",
        "UART_BAUD_STEPS * 2048u",
        "UART runs at 57602 baud, but the line at 115200",
    ),
    Mistake(
        "the UART is not enabled",
        UART,
        "    UART_ENABLE = UART_ENABLED;\n",
        "",
        "it starts the UART while ENABLE is 0; write 4 to ENABLE first",
    ),
    Mistake(
        "the value of the UART with DMA",
        UART,
        "#define UART_ENABLED 0x4u",
        "#define UART_ENABLED 0x8u",
        "it writes 8 to ENABLE of UART; 4 enables the UART",
    ),
    Mistake(
        "the transmitter is not started",
        UART,
        "    UART_START_TX = 1u;\n",
        "",
        "it sends a byte before the task STARTTX of UART; trigger it first",
    ),
    Mistake(
        "the receiver is not started",
        UART,
        "    UART_START_RX = 1u;\n",
        "",
        "it sleeps, but no byte can wake it: trigger the task STARTRX of UART",
    ),
    Mistake(
        "no interrupt of the UART",
        UART,
        "    UART_INTERRUPT_SET = UART_INTERRUPT_RX_READY;\n",
        "",
        "it sleeps, but no byte can wake it: set RXDRDY in INTENSET of UART",
    ),
    Mistake(
        "no interrupt of the core",
        UART,
        "    NVIC_ENABLE = NVIC_UART_RX;\n",
        "",
        "it sleeps, but interrupt 2 of the UART is not enabled; set bit 2 of NVIC_ISER0",
    ),
    Mistake(
        "the event is not cleared before a byte is sent",
        UART,
        "    UART_TX_READY = 0u;\n",
        "",
        "it sends a byte before the previous one is sent; clear TXDRDY, send, and wait",
    ),
    Mistake(
        "the event of a received byte is not cleared",
        UART,
        "        UART_RX_READY = 0u;\n",
        "",
        "the interrupt handler leaves RXDRDY of UART set, so the interrupt comes again for ever",
    ),
    Mistake(
        "the event is cleared after the read",
        UART,
        "        UART_RX_READY = 0u;\n        ska_ring_put(&received, (uint8_t)(UART_RX_DATA &"
        " 0xFFu));\n",
        "        ska_ring_put(&received, (uint8_t)(UART_RX_DATA & 0xFFu));\n        UART_RX_READY ="
        " 0u;\n",
        "clear RXDRDY before reading RXD",
    ),
    Mistake(
        "no permission to write",
        STORAGE,
        "    NVMC_CONFIG = CONFIG_WRITE;\n",
        "",
        "it stores to flash while CONFIG of NVMC is not 1; write 1 to it",
    ),
    Mistake(
        "no permission to erase",
        STORAGE,
        "    NVMC_CONFIG = CONFIG_ERASE;\n",
        "",
        "it erases a page while CONFIG of NVMC is not 2; write 2 to it",
    ),
    Mistake(
        "no erase",
        STORAGE,
        "    NVMC_ERASE_PAGE = FLASH(offset);\n",
        "    (void)offset;\n",
        "it programs bytes of flash that are not erased, at 0x00060000; erase the page first",
    ),
    Mistake(
        "a page of the image",
        STORAGE,
        "    NVMC_ERASE_PAGE = FLASH(offset);\n",
        "    NVMC_ERASE_PAGE = offset;\n",
        "which is not the start of a page of [storage] in board.toml",
    ),
    Mistake(
        "a store of bytes",
        STORAGE,
        "        *flash = word.whole;\n",
        "        *(volatile uint8_t *)flash = word.bytes[0];\n",
        "it stores 1 bytes to flash at",
    ),
    Mistake(
        "a word is programmed three times",
        STORAGE,
        "        *flash = word.whole;\n",
        "        *flash = word.whole;\n        nvmc_wait();\n        *flash = word.whole;\n"
        "        nvmc_wait();\n        *flash = word.whole;\n",
        "it programs the word at 0x00060000 more than twice; erase the page first",
    ),
    Mistake(
        "no wait for flash",
        STORAGE,
        "    while (NVMC_READY == 0u) {\n    }\n",
        "",
        "it uses flash while READY of NVMC is 0; wait until READY is 1",
    ),
]


def for_the_v1(mistake: Mistake) -> Mistake:
    """Return a mistake with the sentence of the first micro:bit, which has other addresses."""
    sentence = mistake.sentence.replace("P0.06", "P0.24").replace("0x00060000", "0x00038000")
    return dataclasses.replace(mistake, sentence=sentence)


# Both boards have the same drivers and models, so these mistakes suffice for the first micro:bit.
FOR_THE_V1 = {
    "no wait for the crystal",
    "the direction of the pin",
    "wrong baud",
    "the receiver is not started",
    "no interrupt of the core",
    "the event of a received byte is not cleared",
    "no permission to write",
    "no erase",
    "a word is programmed three times",
    "no wait for flash",
}
MISTAKES_V1 = [
    *(for_the_v1(mistake) for mistake in COMMON if mistake.name in FOR_THE_V1),
    Mistake(
        "the wrong pin to send",
        PINS,
        "#define PIN_TX 24u",
        "#define PIN_TX 23u",
        "PSEL.TXD of UART is not P0.24, where the line is; write 24 to it",
    ),
    Mistake(
        "the wrong pin to receive",
        PINS,
        "#define PIN_RX 25u",
        "#define PIN_RX 26u",
        "PSEL.RXD of UART is not P0.25, where the line is; write 25 to it",
    ),
]
MISTAKES_V2 = [
    *COMMON,
    Mistake(
        "the wrong pin to send",
        PINS,
        "#define PIN_TX 6u",
        "#define PIN_TX 8u",
        "PSEL.TXD of UART is not P0.06, where the line is; write 6 to it",
    ),
    Mistake(
        "the wrong port of the pin to receive",
        PINS,
        "#define PIN_RX 40u",
        "#define PIN_RX 8u",
        "PSEL.RXD of UART is not P1.08, where the line is; write 40 to it",
    ),
]
CHIPS: dict[str, tuple[MakeMachine, list[bytes]]] = {
    "microbit-v1": (core_with(Nrf51822), chunks(page=1024)),
    "microbit-v2": (core_with(Nrf52833), chunks(page=4096)),
}
PLANTED = [
    *(("microbit-v1", mistake) for mistake in MISTAKES_V1),
    *(("microbit-v2", mistake) for mistake in MISTAKES_V2),
]


@pytest.mark.parametrize("name", CHIPS)
def test_the_drivers_make_no_mistake(
    name: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    machine, commands = CHIPS[name]
    project = write_firmware(require_board(name), DRIVER_MAIN)
    assert run(project, machine, commands) == ANSWERS


@pytest.mark.parametrize(
    ("name", "mistake"), PLANTED, ids=[f"{name}, {mistake.name}" for name, mistake in PLANTED]
)
def test_a_mistake_of_a_driver_is_noticed(
    name: str,
    mistake: Mistake,
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
) -> None:
    machine, commands = CHIPS[name]
    project = write_firmware(require_board(name), DRIVER_MAIN)
    require_notice(project, machine, commands, mistake)


def test_an_image_for_another_core_is_refused(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("microbit-v1"), DRIVER_MAIN)
    path = project / "board" / "board.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("-mcpu=cortex-m0", "-mcpu=cortex-m4"), encoding="utf-8")
    machine, commands = CHIPS["microbit-v1"]
    with pytest.raises(InputError, match="that a Cortex-M0 lacks; build it with -mcpu=cortex-m0"):
        run(project, machine, commands)
