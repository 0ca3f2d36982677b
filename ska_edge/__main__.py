"""The program: `ska-edge`, or `python -m ska_edge`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C counts from the first import on."""
    try:
        from ska_edge.cli.main import main as commands
    except KeyboardInterrupt:
        sys.exit(130)
    commands()


if __name__ == "__main__":
    main()
