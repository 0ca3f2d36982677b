"""Shows what was written for a project, and builds it to show its memory use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from firmware_gen.build import BuildReport
from firmware_gen.build import build as build_project
from firmware_gen.project import load_project
from ska_edge.cli.screen.console import Output
from ska_edge.errors import CheckError


def say_kept(folder: Path, kept: Sequence[str], out: Output) -> None:
    """Name the edited files of a folder that were not overwritten."""
    for name in kept:
        out.note(f"kept {folder / name}, which was edited since it was generated")


def forms_sentence(forms: Mapping[str, int], board: str) -> str:
    """Return a sentence with the bytes of RAM of each form, which are from `each_form`."""
    sizes = ", ".join(f"{name.replace('_', ' ')} {size:,}" for name, size in forms.items())
    return f"bytes of RAM on {board}, predicted: {sizes}"


def build_and_report(
    folder: Path, out: Output, toolchain: str | None = None, main: Path | None = None
) -> BuildReport:
    """Build a project and show its memory table; `require_fit` checks the result."""
    project = load_project(folder)
    with out.working("compiling"):
        report = build_project(folder, toolchain=toolchain, main=main)
    ram_total = report.ram + (report.stack or 0)

    def share(used: int, size: int | None) -> str:
        return "-" if size is None else f"{used / size:.1%} of {size}"

    out.table(
        f"{project.board}, {report.toolchain}: bytes",
        ["memory", "used", "of the board"],
        [
            [
                "flash (code, tables, initial weights)",
                report.flash,
                share(report.flash, report.flash_size),
            ],
            ["RAM (all state)", report.ram, share(report.ram, report.ram_size)],
            ["stack (worst case)", "-" if report.stack is None else report.stack, ""],
            ["RAM and stack", ram_total, share(ram_total, report.ram_size)],
        ],
    )
    if project.forms:
        out.line(forms_sentence(project.forms, project.board))
    for path in report.images:
        out.note(f"wrote {path}")
    return report


def require_fit(report: BuildReport, folder: Path) -> None:
    """Raise CheckError if a built project does not fit its board."""
    if not report.fits:
        raise CheckError(
            f"{folder} does not fit board {load_project(folder).board}:"
            f" flash {_of(report.flash, report.flash_size)},"
            f" RAM and stack {_of(report.ram + (report.stack or 0), report.ram_size)};"
            " use a smaller network or a larger board"
        )


def _of(used: int, size: int | None) -> str:
    return f"{used} of {size} bytes"
