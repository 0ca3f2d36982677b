"""Runs the program: `ska-edge`, or `python -m ska_edge`."""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """Run the command line; Ctrl-C also ends it in one line while modules are imported."""
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeded:
        signal.signal(signal.SIGINT, _stop)
    from ska_edge.cli.main import main as commands

    if heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    commands()


def _stop(_number: int, _frame: FrameType | None) -> None:
    """End at once: an import may catch a KeyboardInterrupt, or turn it into an ImportError."""
    os.write(2, b"ska-edge: stopped\n")
    os._exit(130)


if __name__ == "__main__":
    main()
