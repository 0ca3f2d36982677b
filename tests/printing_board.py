"""A serial port at which a board prints lines."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import threading
import tty
from collections.abc import Iterable, Iterator
from itertools import count


class PrintingBoard:
    """A context manager: prints chunks of bytes during the block, as fast as they are read.

    It begins when a program opens the port, because opening drops what was printed before.

    Attributes:
        port: path of the port to open.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._board, self._port = os.openpty()
        tty.setraw(self._port)
        self.port = os.ttyname(self._port)
        os.set_blocking(self._board, False)
        # In packet mode, a read tells what happens at the other end, such as a drop of its input.
        fcntl.ioctl(self._board, termios.TIOCPKT, struct.pack("i", 1))
        self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> PrintingBoard:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._stop[1], b"x")
        self._thread.join()
        for number in (*self._stop, self._board, self._port):
            os.close(number)

    def _run(self) -> None:
        opened = False
        while not opened:
            stopped, _, _ = select.select([self._stop[0]], [], [self._board])
            if stopped:
                return
            opened = bool(os.read(self._board, 1024)[0] & termios.TIOCPKT_FLUSHREAD)
        for chunk in self._chunks:
            rest = chunk
            while rest:
                stopped, _, _ = select.select([self._stop[0]], [self._board], [])
                if stopped:
                    return
                try:
                    rest = rest[os.write(self._board, rest) :]
                except BlockingIOError:
                    continue


def samples(form: str, step: int = 10) -> Iterator[bytes]:
    """Yield the lines of an endless ramp; `form` has the places {t} (ms), {a} and {b}."""
    for number in count():
        values = {"t": number * step, "a": number % 100, "b": -(number % 7)}
        yield (form.format(**values) + "\r\n").encode()
