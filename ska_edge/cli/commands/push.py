"""`ska-edge push`: send the state of a model to a device."""

from __future__ import annotations

from pathlib import Path

import click

from ska_edge.api.device import Device
from ska_edge.cli.device import device_document
from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.key import key_in, key_option
from ska_edge.cli.options.port import Line, find_port, line_options, port_option
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.model.open import open_model
from ska_edge.plural import counted


@click.command(epilog="Example:  ska-edge push worn.ska")
@click.argument("model", type=PATH)
@port_option
@line_options
@key_option
@click.option(
    "--fresh", is_flag=True, help="Leave out counters, halvings of the rate and stored samples."
)
@json_option
def push(
    model: Path, port: str | None, line: Line, key: Path | None, fresh: bool, as_json: bool
) -> None:
    """Send the state of MODEL, a model file or an integer ONNX file, to a device.

    The device must run MODEL's plan. It gets MODEL's weights, added classes, running averages,
    counters, rate and stored samples, and saves its new state. With --fresh, the counters are 0,
    the rate is the plan's, and no samples are stored. Until the whole state has arrived, it
    keeps its old state.
    """
    out, loaded = Output(as_json), open_model(model)
    if fresh:
        loaded.state = loaded.state.flashed()
    with (
        line.open(find_port(port), key_in(key)) as link,
        out.working("sending the state (a device limits how often it saves)"),
    ):
        info = Device(link, loaded).push()
    out.line(
        f"{info.board} at {link.port} continues from {counted(info.samples, 'sample')}"
        f" and {counted(info.step, 'update')}"
    )
    out.document({**device_document(info, link.port), "halvings": info.halvings})
