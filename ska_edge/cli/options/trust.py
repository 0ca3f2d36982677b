"""Asks the user once whether to trust a project that was not generated here."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from firmware_gen.folder.trust import DESCRIPTION, is_trusted, remember
from ska_edge.errors import InputError
from ska_edge.report.printable import printable

trust_option = click.option(
    "--trust", is_flag=True, help="Build and start a project that came from elsewhere."
)


def require_trust(folder: Path, trust: bool) -> None:
    """Raise InputError unless a project was generated here or the user trusts it.

    If the user trusts the project, this is remembered.
    """
    if is_trusted(folder):
        return
    told = (
        f"{folder} was not generated here, and building or starting it runs the commands in its"
        " board/board.toml and compiles its sources"
    )
    asked = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    if not trust and asked:
        trust = click.confirm(f"{printable(told)}. Do you trust it?", err=True)
    if not trust:
        raise InputError(f"{told}; look at them, then give --trust")
    remember(folder, (folder / DESCRIPTION).read_bytes())
