"""A fake of the boot loader in the ROM of an ESP32-C3 on a pseudo terminal, with the serial flash.

It follows esptool's documentation, page "Serial Protocol". A program that is loaded to RAM and
started must be esptool's stub; from then on, the fake answers as the stub does. It refuses what the
ROM and the stub refuse: a wrong checksum, a wrong order of the blocks, a block of the wrong size. A
write can clear bits of the flash; only an erase can set them.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import tty
import zlib
from collections.abc import Callable, Iterator

END, ESCAPE = b"\xc0", b"\xdb"
FLASH_BEGIN, FLASH_DATA, FLASH_END = 0x02, 0x03, 0x04
MEM_BEGIN, MEM_END, MEM_DATA, SYNC = 0x05, 0x06, 0x07, 0x08
WRITE_REG, READ_REG, SET_PARAMS, ATTACH, CHANGE_BAUD = 0x09, 0x0A, 0x0B, 0x0D, 0x0F
DEFLATE_BEGIN, DEFLATE_DATA, DEFLATE_END = 0x10, 0x11, 0x12
FLASH_MD5, SECURITY = 0x13, 0x14
CHIP = 5
REGISTERS = {0x4000_1000: 0x1B31_506F, 0x6000_2058: 0x16_40EF}
"""The number of the chip's kind, and the identification of a flash of 4 MB in the SPI's buffer."""
ROM_SYNC = 0x2012_0707
"""The value with which the ROM answers SYNC; the stub answers 0."""
SECTOR = 0x1000
BAD_CHECKSUM, BAD_ORDER = 0x07, 0x06


class EspRom:
    """A context manager; the boot loader answers during the block.

    `port` is the path of its port. `flash` is the contents of the flash. `asked` has the codes of
    the received commands.
    """

    def __init__(self, contents: int = 0xFF) -> None:
        self.flash = bytearray([contents]) * (4 << 20)
        self.asked: set[int] = set()
        self._stub = False
        self._place = self._block = self._count = self._next = 0
        self._inflate = zlib.decompressobj()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._commands: dict[int, Callable[[bytes], tuple[int, bytes] | int | None]] = {
            FLASH_BEGIN: self._begin,
            FLASH_DATA: lambda data: self._take(data, lambda block: block),
            FLASH_END: lambda _: None,
            MEM_BEGIN: self._begin_memory,
            MEM_DATA: lambda data: self._take(data, lambda _: b""),
            MEM_END: lambda _: None,
            WRITE_REG: lambda _: None,
            READ_REG: self._register,
            SET_PARAMS: lambda _: None,
            ATTACH: lambda _: None,
            CHANGE_BAUD: lambda _: None,
            DEFLATE_BEGIN: self._begin,
            DEFLATE_DATA: lambda data: self._take(
                data, lambda block: self._inflate.decompress(block)
            ),
            DEFLATE_END: lambda _: None,
            FLASH_MD5: self._md5,
            SECURITY: lambda _: (0, struct.pack("<IB7sII", 0, 0, bytes(7), CHIP, 0)),
        }

    def __enter__(self) -> EspRom:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._slave)  # so the thread's read fails, and the thread ends
        self._thread.join(5)
        os.close(self._master)

    def _frames(self) -> Iterator[bytes]:
        data = b""
        while True:
            data += os.read(self._master, 4096)
            *frames, data = data.split(END)
            for frame in filter(None, frames):
                yield frame.replace(ESCAPE + b"\xdc", END).replace(ESCAPE + b"\xdd", ESCAPE)

    def _send(self, frame: bytes) -> None:
        frame = frame.replace(ESCAPE, ESCAPE + b"\xdd").replace(END, ESCAPE + b"\xdc")
        os.write(self._master, END + frame + END)

    def _serve(self) -> None:
        try:
            for frame in self._frames():
                direction, command, size, checksum = struct.unpack_from("<BBHI", frame)
                assert direction == 0 and len(frame) == 8 + size
                self.asked.add(command)
                self._answer(command, frame[8:], checksum)
        except OSError:
            return

    def _answer(self, command: int, data: bytes, checksum: int) -> None:
        if command == SYNC:
            for _ in range(8):
                self._reply(command, 0 if self._stub else ROM_SYNC, b"", 0)
            return
        if command not in self._commands:
            self._reply(command, 0, b"", 5)
            return
        if command in (FLASH_DATA, MEM_DATA, DEFLATE_DATA) and checksum != xor(data[16:]):
            self._reply(command, 0, b"", BAD_CHECKSUM)
            return
        result = self._commands[command](data)
        value, body = result if isinstance(result, tuple) else (0, b"")
        self._reply(command, value, body, result if isinstance(result, int) else 0)
        if command == MEM_END:
            self._stub = True
            self._send(b"OHAI")

    def _reply(self, command: int, value: int, data: bytes, error: int) -> None:
        status = bytes([error != 0, error]) + bytes(0 if self._stub else 2)
        self._send(struct.pack("<BBHI", 1, command, len(data + status), value) + data + status)

    def _begin(self, data: bytes) -> None:
        """Erase the sectors that the announced image will take."""
        size, self._count, self._block, self._place = struct.unpack_from("<4I", data)
        self._next, self._inflate = 0, zlib.decompressobj()
        first = self._place // SECTOR * SECTOR
        last = -(-(self._place + size) // SECTOR) * SECTOR
        self.flash[first:last] = b"\xff" * (last - first)

    def _begin_memory(self, data: bytes) -> None:
        _, self._count, self._block, _ = struct.unpack_from("<4I", data)
        self._next = 0

    def _take(self, data: bytes, decode: Callable[[bytes], bytes]) -> int | None:
        """Program a block; return the number of an error, or None."""
        size, number = struct.unpack_from("<2I", data)
        block = data[16:]
        if number != self._next or number >= self._count or not len(block) == size <= self._block:
            return BAD_ORDER
        self._next += 1
        content = decode(block)
        old = self.flash[self._place : self._place + len(content)]
        self.flash[self._place : self._place + len(content)] = bytes(
            before & after for before, after in zip(old, content, strict=True)
        )
        self._place += len(content)
        return None

    def _register(self, data: bytes) -> tuple[int, bytes]:
        (address,) = struct.unpack("<I", data)
        return REGISTERS.get(address, 0), b""

    def _md5(self, data: bytes) -> tuple[int, bytes]:
        place, size = struct.unpack_from("<2I", data)
        digest = hashlib.md5(self.flash[place : place + size])
        return 0, digest.digest() if self._stub else digest.hexdigest().encode()


def xor(data: bytes) -> int:
    checksum = 0xEF
    for byte in data:
        checksum ^= byte
    return checksum
