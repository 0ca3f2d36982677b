"""A fake of the boot loader in an STM32's ROM (AN3155) on a pseudo terminal, with the chip's flash.

It answers what a flashing program asks of an STM32F401xE, and refuses what the ROM refuses: a wrong
checksum, an unknown command, and a write to bytes that are not erased.
"""

from __future__ import annotations

import os
import threading
import tty

ACK, NACK = b"\x79", b"\x1f"
INIT, GET, VERSION, ID, READ, GO, WRITE, ERASE = 0x7F, 0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44
ORIGIN, SIZE = 0x0800_0000, 512 * 1024
SECTORS = [16, 16, 16, 16, 64, 128, 128, 128]  # size of each sector in KB
DEVICE = (0x0433).to_bytes(2, "big")  # AN2606: the STM32F401xD and xE


class RomLoader:
    """A context manager; the loader answers during the block.

    `port` is the path of its port. `flash` is the contents of the flash, and `erased` are the
    sectors that were erased.
    """

    def __init__(self, contents: int = 0xFF) -> None:
        self.flash = bytearray([contents]) * SIZE
        self.erased: list[int] = []
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> RomLoader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._slave)  # the read of the thread ends with an error
        self._thread.join(5)
        os.close(self._master)

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += os.read(self._master, count - len(data))
        return data

    def _say(self, data: bytes) -> None:
        os.write(self._master, data)

    def _serve(self) -> None:
        commands = {
            GET: self._get,
            VERSION: lambda: self._say(ACK + b"\x31\x00\x00" + ACK),
            ID: lambda: self._say(ACK + b"\x01" + DEVICE + ACK),
            READ: self._read_memory,
            GO: self._go,
            WRITE: self._write_memory,
            ERASE: self._erase,
        }
        try:
            while True:
                command = self._read(1)[0]
                if command == INIT:
                    self._say(ACK)
                elif self._read(1)[0] != command ^ 0xFF or command not in commands:
                    self._say(NACK)
                else:
                    commands[command]()
        except OSError:
            return

    def _get(self) -> None:
        known = bytes([GET, VERSION, ID, READ, GO, WRITE, ERASE])
        self._say(ACK + bytes([len(known)]) + b"\x31" + known + ACK)

    def _address(self) -> int | None:
        """Receive an address; answer ACK and return the offset in flash, or answer NACK and return
        None.
        """
        self._say(ACK)
        *address, check = self._read(5)
        offset = int.from_bytes(bytes(address), "big") - ORIGIN
        good = check == checksum(address, 0) and 0 <= offset < SIZE
        self._say(ACK if good else NACK)
        return offset if good else None

    def _read_memory(self) -> None:
        offset = self._address()
        if offset is not None:
            count, check = self._read(2)
            self._say(ACK + bytes(self.flash[offset : offset + count + 1]))
            assert check == count ^ 0xFF

    def _go(self) -> None:
        self._address()

    def _write_memory(self) -> None:
        offset = self._address()
        if offset is None:
            return
        count = self._read(1)[0] + 1
        *data, check = self._read(count + 1)
        blank = all(byte == 0xFF for byte in self.flash[offset : offset + count])
        good = blank and check == checksum(data, count - 1) and count % 4 == 0
        if good:
            self.flash[offset : offset + count] = bytes(data)
        self._say(ACK if good else NACK)

    def _erase(self) -> None:
        self._say(ACK)
        count = int.from_bytes(head := self._read(2), "big")
        if count >= 0xFFF0:  # such a count erases all of the flash
            self._read(1)
            sectors = list(range(len(SECTORS)))
        else:
            body = self._read(2 * (count + 1))
            assert self._read(1)[0] == checksum(head + body, 0)
            sectors = [int.from_bytes(body[i : i + 2], "big") for i in range(0, len(body), 2)]
        for sector in sectors:
            start, size = 1024 * sum(SECTORS[:sector]), 1024 * SECTORS[sector]
            self.flash[start : start + size] = b"\xff" * size
            self.erased.append(sector)
        self._say(ACK)


def checksum(data: bytes | list[int], first: int) -> int:
    """Return the XOR of `first` and all bytes."""
    for byte in data:
        first ^= byte
    return first
