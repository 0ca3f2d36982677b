"""`ska-edge firmware`: write a C project for a board from a model."""

from __future__ import annotations

from pathlib import Path

import click

from firmware_gen.project import write_project
from ska_edge.cli.options.key import KEY_FILE, key_in
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.cli.screen.project import say_kept
from ska_edge.files import check_folder
from ska_edge.model.open import open_model


@click.command(epilog="Example:  ska-edge firmware digits.ska --board virtual-m4 -o firmware")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--board", default="virtual-m4", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option(
    "--key",
    type=KEY_FILE,
    help="File with a key, 64 hexadecimal digits; only its holders can change the device.",
)
@json_option
def firmware(model: Path, board: str, output: Path, key: Path | None, as_json: bool) -> None:
    """Write a C project that infers and learns with MODEL's weights on a board."""
    out, loaded = Output(as_json), open_model(model)
    check_folder(output)
    project = write_project(
        loaded.plan, loaded.state.parameters, board, output, loaded.scaling.as_dict(), key_in(key)
    )
    say_kept(project, out)
    out.line(f"wrote {output} for {project.board}, plan {project.digest}")
    out.document({"output": str(output), "board": project.board, "digest": project.digest})
