"""The key of a device, in a file: an option of the commands that make or change a device."""

from __future__ import annotations

from pathlib import Path

import click

from ska_edge.wire.tag import read_key


def read_key_option(
    _context: click.Context, _option: click.Parameter, value: Path | None
) -> bytes | None:
    """A callback: the key in the file that was named."""
    return None if value is None else read_key(value)


key_option = click.option(
    "--key",
    type=click.Path(path_type=Path),
    callback=read_key_option,
    help="File with the device's key, as given to `firmware --key`.",
)
