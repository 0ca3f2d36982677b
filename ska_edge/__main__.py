"""Runs the program: `ska-edge`, or `python -m ska_edge`."""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """Run the command line. Ctrl-C ends it with one line of text, even during imports."""
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeded:
        signal.signal(signal.SIGINT, _stop)
    from ska_edge.cli.main import main as commands

    if heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    commands()


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Exit without an exception, because an import may catch or replace a KeyboardInterrupt."""
    os.write(2, b"ska-edge: stopped\n")
    os._exit(130)


if __name__ == "__main__":
    main()
