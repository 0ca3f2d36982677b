"""`ska-edge build`: compile a project, and report its use of memory or write a shared library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from firmware_gen.build import BuildReport, LibraryReport, build_library
from firmware_gen.project import load_project
from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.trust import require_trust, trust_option
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.cli.screen.project import build_and_report, require_fit
from ska_edge.errors import InputError


def build_document(report: BuildReport, folder: Path) -> dict[str, Any]:
    """Return the keys of `build --json` for the project in a folder."""
    return {
        "flash": report.flash,
        "ram": report.ram,
        "forms": dict(load_project(folder).forms),
        "stack": report.stack,
        "fits": report.fits,
        "flash_size": report.flash_size,
        "ram_size": report.ram_size,
        "toolchain": report.toolchain,
        "elf": str(report.elf),
        "images": [str(path) for path in report.images],
    }


def library_document(report: LibraryReport) -> dict[str, Any]:
    """Return the keys of `build --as shared-library --json`."""
    return {
        "library": str(report.library),
        "toolchain": report.toolchain,
        "headers": [str(folder) for folder in report.headers],
    }


@click.command(epilog="Example:  ska-edge build firmware")
@click.argument("folder", type=PATH)
@click.option("--toolchain", help="Compiler to use [default: the board's first installed one].")
@click.option(
    "--as",
    "form",
    type=click.Choice(["firmware", "shared-library"]),
    default="firmware",
    show_default=True,
    help="What to build; a shared library needs a project of the board host.",
)
@click.option(
    "--main",
    type=PATH,
    help="C file with your own main function, in place of the project's.",
)
@trust_option
@json_option
def build(
    folder: Path,
    toolchain: str | None,
    form: str,
    main: Path | None,
    trust: bool,
    as_json: bool,
) -> None:
    """Compile the project in FOLDER; exit 1 if it does not fit the board."""
    out = Output(as_json)
    load_project(folder)  # first, because this reports a folder that is not a project
    require_trust(folder, trust)
    if form == "shared-library":
        if main is not None:
            raise InputError("a shared library has no main function; leave --main out")
        library = build_library(folder, toolchain)
        headers = " and ".join(str(path) for path in library.headers)
        out.line(f"wrote {library.library}; its headers are in {headers}")
        out.document(library_document(library))
        return
    report = build_and_report(folder, out, toolchain, main)
    out.document(build_document(report, folder))
    require_fit(report, folder)
