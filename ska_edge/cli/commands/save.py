"""`ska-edge save`: save a device's state so that it survives a restart."""

from __future__ import annotations

from pathlib import Path

import click

from ska_edge.cli.device import device_document
from ska_edge.cli.options.key import key_in, key_option
from ska_edge.cli.options.port import Line, find_port, line_options, port_option, say_if_untaught
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.plural import counted


@click.command(epilog="Example:  ska-edge save --port /dev/ttyACM0")
@port_option
@line_options
@key_option
@json_option
def save(port: str | None, line: Line, key: Path | None, as_json: bool) -> None:
    """Save a device's state on the device; after a restart it continues from there.

    If power fails during the save, the last complete save stays. --port may be omitted if there is
    only one device.
    """
    out = Output(as_json)
    with (
        line.open(find_port(port), key_in(key)) as link,
        # A device that has saved too often delays the save by up to a minute.
        out.working("saving (a device limits how often it saves)"),
    ):
        link.save()
        info = link.hello()
    say_if_untaught(info, link.port, out)
    out.line(
        f"{info.board} at {link.port} keeps its state of {counted(info.samples, 'sample')};"
        f" it has made {counted(info.saves, 'save')}"
    )
    out.document(device_document(info, link.port))
