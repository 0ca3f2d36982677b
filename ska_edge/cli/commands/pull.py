"""`ska-edge pull`: read a device's state into a model file."""

from __future__ import annotations

from pathlib import Path

import click

from ska_edge.api.device import Device
from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.paths import check_file
from ska_edge.cli.options.port import Line, find_port, line_options, port_option, say_if_untaught
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.model.open import open_model
from ska_edge.plural import counted


@click.command(epilog="Example:  ska-edge pull digits.ska -o worn.ska")
@click.argument("model", type=PATH)
@click.option("-o", "--output", type=PATH, required=True)
@port_option
@line_options
@json_option
def pull(model: Path, output: Path, port: str | None, line: Line, as_json: bool) -> None:
    """Read the weights, counters, rate and stored samples of a device into a model file.

    MODEL is the model that was flashed, or its integer ONNX file. Plan, scaling and labels come
    from it. --port may be omitted if there is only one device.
    """
    out, loaded = Output(as_json), open_model(model)
    check_file(output, model)
    with line.open(find_port(port)) as link:
        info = link.hello()
        link.expect_plan(loaded.plan)
        worn = Device(link, loaded).pull()
    state = worn.state
    worn.save(output, private=True)
    say_if_untaught(info, link.port, out)
    out.line(
        f"{info.board} at {link.port}: {counted(state.samples, 'sample')},"
        f" {counted(state.step, 'update')}, wrote {output}"
    )
    out.document(
        {
            "board": info.board,
            "port": link.port,
            "digest": loaded.plan.digest,
            "samples": state.samples,
            "step": state.step,
            "halvings": state.halvings,
            "crc": state.crc,
            "output": str(output),
        }
    )
