"""Checks the arguments of `monitor`, alone and in combination."""

from __future__ import annotations

import math
import os
from pathlib import Path

import click
from click.core import ParameterSource

from ska_edge.cli.options.paths import check_output
from ska_edge.errors import InputError
from ska_edge.frontend.front import HAVE_SAMPLES, Front
from ska_edge.monitor.sinks.mqtt import parse_address, topic_level

LOOKING = ("ports", "baud", "dtr", "rts", "as_json")  # the parameters that need no MODEL
# The parameters that need no DATA.
FOLLOWING = (
    *("model", "key", "samples", "log", "overwrite", "patience", "broker", "ca", "names"),
    *("plain", "raw"),
    *("sources", "host", "http_port", "control", "until_end"),  # of `dashboard`
    *LOOKING,
)


def check(
    model: Path | None,
    data: str | None,
    *,
    ports: tuple[str, ...],
    log: Path | None,
    overwrite: bool,
    patience: float,
    broker: str | None,
    ca: Path | None,
    names: tuple[str, ...],
    raw: bool,
    **_others: object,
) -> None:
    """Raise InputError for invalid arguments or combinations; `_others` are not checked."""
    if model is None:
        _check_looking(click.get_current_context())
    elif data is None:
        _check_following(click.get_current_context())
    if overwrite and log is None:
        raise InputError("--overwrite replaces logs: name one by --log, or leave it out")
    if not math.isfinite(patience):
        raise InputError(f"--patience is {patience}: give a number of seconds")
    for path in log_paths(log, max(len(ports), 1)):
        if path is not None:
            check_output(path, data, model)
    _check_ports(ports)
    if broker is not None:
        parse_address(broker)
    elif ca is not None:
        raise InputError("--mqtt-ca is for MQTT: give --mqtt, too, or leave it out")
    if raw and data is not None:
        raise InputError("--raw is for windows of a device's sensor: leave DATA out, or --raw")
    if names and broker is None:
        raise InputError("--name is for MQTT: give --mqtt, too, or leave it out")
    for name in names:
        if not name or topic_level(name) != name:
            raise InputError(
                f"--name is '{name}': give a name for MQTT without blanks and without + # /"
            )
    if names and (len(names) != max(len(ports), 1) or len(set(names)) != len(names)):
        raise InputError("give --name once for each --port, in the same order, and no name twice")


def check_raw(path: Path, front: Front | None) -> None:
    """Raise InputError unless `--raw` suits the front end of the model in `path`."""
    if front is None:
        raise InputError(
            f"--raw is for windows of raw samples, but {path} has no front end: leave --raw out"
        )
    if not front.has_samples:
        raise InputError(
            f"--raw reads the samples of a window, but {path} has the front end {front.kind}, whose"
            " devices keep no samples: leave --raw out, or train with one of the front ends"
            f" {', '.join(HAVE_SAMPLES)}"
        )


def _check_looking(context: click.Context) -> None:
    """Raise InputError for an option that has no effect without MODEL, or without DATA, too."""
    for option in context.command.params:
        source = context.get_parameter_source(str(option.name))
        if option.name not in LOOKING and source is ParameterSource.COMMANDLINE:
            needs = "MODEL: name it" if option.name in FOLLOWING else "MODEL and DATA: name both"
            other = ", or use `ska-edge save`" if option.name == "save" else ""
            raise InputError(f"{option.opts[0]} does nothing without {needs}{other}")


def _check_following(context: click.Context) -> None:
    """Raise InputError for an option that has no effect without DATA."""
    for option in context.command.params:
        source = context.get_parameter_source(str(option.name))
        if option.name not in FOLLOWING and source is ParameterSource.COMMANDLINE:
            raise InputError(
                f"{option.opts[0]} does nothing without DATA, because the devices then learn by"
                f" themselves: name DATA, or leave {option.opts[0]} out"
            )


def log_paths(log: Path | None, count: int) -> list[Path | None]:
    """Return the paths of the logs of `count` devices; several logs get numbers."""
    if log is None or count == 1:
        return [log] * count
    return [log.with_name(f"{log.stem}-{number + 1}{log.suffix}") for number in range(count)]


def _check_ports(ports: tuple[str, ...]) -> None:
    """Raise InputError if two ports are the same device."""
    known: dict[str, str] = {}
    for port in ports:
        place = os.path.realpath(port)  # one device may have several paths
        if place in known:
            other = f", also as {known[place]}" if known[place] != port else ""
            raise InputError(
                f"--port {port} is given twice{other}; a device learns for one monitor only"
            )
        known[place] = port
