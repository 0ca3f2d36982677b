"""Reads the key of a device from a file, for commands that generate firmware or change a device."""

from __future__ import annotations

from pathlib import Path

from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.shared import shared_option
from ska_edge.wire.tag import read_key

KEY_FILE = PATH

key_option = shared_option(
    "--key",
    type=KEY_FILE,
    help="File with the device's key, as given to `firmware --key`.",
)


def key_in(path: Path | None) -> bytes | None:
    """Return the key in a file; None without a file. Raises InputError if the file has no key."""
    return None if path is None else read_key(path)
