"""The simulated ATmegas are strict: each mistake of a driver ends the run and is named."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators.simavr import compile_simulator
from tests.firmware_gen.emulators.machine import DATA, Mistake, plant
from tests.firmware_gen.test_storage import DRIVER_MAIN

WriteFirmware = Callable[..., Path]
UART, STORAGE = "uart_usart0.c", "storage_eeprom.c"
LIMIT = 60  # seconds after which a simulator counts as stuck
WRITE = b"W" + bytes(4) + len(DATA).to_bytes(4, "little") + DATA
READ = b"R" + bytes(4) + len(DATA).to_bytes(4, "little")

UPDATE = "    eeprom_update_block(bytes, EEPROM(offset), count);\n"
BY_HAND = "    (void)count;\n    EEAR = (uint16_t)offset;\n    EEDR = bytes[0];\n"

MISTAKES = [
    Mistake(
        "wrong baud",
        UART,
        "(uint16_t)(BAUD_STEPS - 1ul)",
        "(uint16_t)(BAUD_STEPS / 2ul)",
        "USART0 runs at 222222 baud, but the line at 115200; at its clock of 16000000 Hz and with"
        " U2X0 = 1, UBRR0 must be 16, not 8",
    ),
    Mistake(
        "single speed",
        UART,
        "    UCSR0A = _BV(U2X0);\n",
        "",
        "USART0 runs at 58824 baud, but the line at 115200; at its clock of 16000000 Hz and with"
        " U2X0 = 0, UBRR0 must be 8, not 16",
    ),
    Mistake(
        "seven data bits",
        UART,
        "_BV(UCSZ01) | _BV(UCSZ00)",
        "_BV(UCSZ01)",
        "USART0 has another format than 8 data bits, no parity, 1 stop bit",
    ),
    Mistake(
        "two stop bits",
        UART,
        "_BV(UCSZ01) | _BV(UCSZ00)",
        "_BV(USBS0) | _BV(UCSZ01) | _BV(UCSZ00)",
        "USART0 has another format than 8 data bits, no parity, 1 stop bit",
    ),
    Mistake(
        "the USART has no clock",
        UART,
        "    SMCR = _BV(SE);",
        "    *(volatile uint8_t *)0x64u = 2u;\n    SMCR = _BV(SE);",
        "it uses USART0 while PRUSART0 turns it off; clear this bit of PRR first",
    ),
    Mistake(
        "the transmitter is off",
        UART,
        "_BV(RXEN0) | _BV(TXEN0) |",
        "_BV(RXEN0) |",
        "it sends a byte while TXEN0 of UCSR0B is 0",
    ),
    Mistake(
        "the receiver is off",
        UART,
        "_BV(RXEN0) | _BV(TXEN0) |",
        "_BV(TXEN0) |",
        "it sleeps, but no byte can wake it: set RXEN0 in UCSR0B",
    ),
    Mistake(
        "no receive interrupt",
        UART,
        "_BV(TXEN0) | _BV(RXCIE0)",
        "_BV(TXEN0)",
        "it sleeps, but no byte can wake it: set RXCIE0 in UCSR0B",
    ),
    Mistake(
        "interrupts are off",
        UART,
        "        sei();\n        sleep_cpu();\n",
        "        sleep_cpu();\n",
        "it sleeps with interrupts off, so no byte can wake it",
    ),
    Mistake(
        "sleep is not enabled",
        UART,
        "    SMCR = _BV(SE);",
        "    SMCR = 0;",
        "it executes SLEEP while SE of SMCR is 0, so it does not sleep",
    ),
    Mistake(
        "too deep a sleep",
        UART,
        "    SMCR = _BV(SE);",
        "    SMCR = _BV(SM1) | _BV(SE);",
        "it sleeps in a mode that stops USART0; SM of SMCR must be 0",
    ),
    Mistake(
        "no wait for the transmitter",
        UART,
        "    while ((UCSR0A & _BV(UDRE0)) == 0) {\n    }\n",
        "",
        "it sends a byte before UDR0 is free; wait for UDRE0",
    ),
    Mistake(
        "the handler does not take the byte",
        UART,
        "ska_ring_put(&received, UDR0)",
        "ska_ring_put(&received, 1u)",
        "the interrupt handler leaves the byte in UDR0, so the interrupt comes again for ever",
    ),
    Mistake(
        "the handler takes two bytes",
        UART,
        "ska_ring_put(&received, UDR0)",
        "ska_ring_put(&received, (uint8_t)(UDR0 + UDR0))",
        "it reads UDR0 although no byte has arrived; wait for RXC0",
    ),
    Mistake(
        "no unlock",
        STORAGE,
        UPDATE,
        BY_HAND + "    EECR |= _BV(EEPE);\n",
        "it sets EEPE of EECR, but not within four cycles after EEMPE, so the chip ignores the"
        " write",
    ),
    Mistake(
        "the unlock is too long ago",
        STORAGE,
        UPDATE,
        BY_HAND + "    EECR |= _BV(EEMPE);\n    EEDR = bytes[1];\n    EECR |= _BV(EEPE);\n",
        "it sets EEPE of EECR, but not within four cycles after EEMPE, so the chip ignores the"
        " write",
    ),
    Mistake(
        "interrupts within the unlock",
        STORAGE,
        UPDATE,
        BY_HAND + "    EECR |= _BV(EEMPE);\n    EECR |= _BV(EEPE);\n",
        "it sets EEMPE and EEPE with interrupts on, and an interrupt between them would prevent the"
        " write; clear I of SREG first",
    ),
    Mistake(
        "no wait for the write before",
        STORAGE,
        UPDATE,
        UPDATE + "    EEAR = 0;\n",
        "it changes EEAR while the EEPROM is being written; wait until EEPE of EECR is 0",
    ),
    Mistake(
        "a read within a write",
        STORAGE,
        UPDATE,
        UPDATE + "    EECR |= _BV(EERE);\n",
        "it reads while the EEPROM is being written; wait until EEPE of EECR is 0",
    ),
    Mistake(
        "an address after the end",
        STORAGE,
        "SKA_STORAGE_ORIGIN + (offset)",
        "SKA_STORAGE_ORIGIN + SKA_STORAGE_SIZE + (offset)",
        "it uses the EEPROM at 0x{place:04x}, but its last address is 0x{last:04x}",
    ),
]


@pytest.fixture(scope="module")
def simulator(
    tmp_path_factory: pytest.TempPathFactory, require_board: Callable[[str], Board]
) -> Path:
    require_board("uno")
    return compile_simulator(tmp_path_factory.mktemp("simulator"))


def last_words(simulator: Path, image: Path, board: Board) -> str:
    """Run an image, write and read its memory for saves; return the line that ends the run."""
    command = [simulator, image, board.core, str(board.clock), "115200"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = next(line for line in process.stdout if line.startswith("/dev/")).strip()
            # The run may end before the firmware has read all bytes; then the port closes, too.
            with contextlib.suppress(OSError), open(port, "r+b", buffering=0) as wire:
                wire.write(WRITE + READ)
                process.wait(LIMIT)
            _, errors = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
    assert process.returncode == 1
    return str(errors.splitlines()[-1])


@pytest.mark.parametrize("name", ["uno", "mega2560"])
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_of_a_driver_is_noticed(
    mistake: Mistake,
    name: str,
    simulator: Path,
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
) -> None:
    board = require_board(name)
    assert board.storage is not None
    project = write_firmware(board, DRIVER_MAIN)
    plant(project, mistake)
    last = board.storage.size - 1
    # avr-libc writes a block from its last byte to its first.
    sentence = mistake.sentence.format(place=last + len(DATA), last=last)
    words = last_words(simulator, build(project, bounded=False).elf, board)
    assert re.match(r"firmware\.elf: the firmware failed at \w+\+0x[0-9a-f]+ \(0x\w+\): ", words)
    assert words.endswith(f": {sentence}")
