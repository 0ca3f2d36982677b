"""Make random command lines of every command, with the command's parameters and values of every
kind.

Slow work is left out: the numbers of rounds are small, no board is started, and no other computer
is contacted.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import click

from ska_edge.cli.main import main

NUMBERS = ["1", "0", "2", "3", "-1", "1.5", "1e3", "x", "", " ", "٣", "1_0", "0x10", "+1", "nan"]
HUGE = ["255", "256", "65536", "2147483648", "4294967296", "9" * 30, "-" + "9" * 25]
REALS = ["0.5", "0.125", "1e-400", "5e-324", "1e308", "1e400", "inf", "-inf", "-0", "0,5", "1/0"]
WORDS = ["", " ", "x", "-", "é", "😀", "\x1b[31mred", "a\nb", "‮rtl", "a" * 3000, "%s%n", "{nope}"]
PATHS = [
    "m.ska", "m.onnx", "foreign.onnx", "rows.csv", "rows.npz", "digits-images-idx3-ubyte",
    "steps.jsonl", "project", "runs", "text", "empty", "weights.npz", "link", "dangling", "loop",
    "missing", "missing/x", ".", "/", "", "/dev/null", "/dev/full", "rows.csv/x", "a" * 300,
    "\udcff.ska", "new.ska", "new", "-", "~", "rows.npz/rows.npz", "m.ska:0", "*.ska",
]  # fmt: skip
OUTPUTS = ["new", "new.ska", "/dev/null", "/dev/full", "link", "dangling", "loop", *PATHS]
DATA = ["iris", "iris", "rows.csv", "rows.npz", "iris:0", "IRIS", *PATHS]
LABELS = ["label", "-1", "a", "0", "2", "-1", "99", "9" * 20, *WORDS]
PORTS = [
    "/dev/null", "x", "", "*", "[", "usb:", "usb:1", "socket://", "socket://127.0.0.1:1",
    "rfc2217://127.0.0.1:1", "socket://127.0.0.1:99999", "socket://[", "spy://x", "loop://",
    ".", "m.ska", "?.ska", "a" * 300,
]  # fmt: skip
SIZES = ["4,3", "4", "2,2,2", "0", "-1", ",", "1,,2", "65536", "3x", "1e3", " 4 , 3 ", "9" * 20, ""]

# Values by parameter name, for parameters whose type does not tell their purpose.
BY_NAME = {
    "data": DATA,
    "name": DATA + WORDS,
    "file": ["foreign.onnx", "foreign.onnx", *PATHS],
    "model": ["m.ska", "m.ska", "m.onnx", *PATHS],
    "log": ["steps.jsonl", "new", *PATHS],
    "output": OUTPUTS,
    "source": ["m.ska", "m.onnx", *PATHS],
    "hidden": SIZES,
    "batch": ["all", "1", "2", "1000", *NUMBERS],
    "rate": REALS + NUMBERS,
    "rule": ["local", "published", "code,feedback", "LOCAL", *WORDS],
    "precision": ["w16a8", "w16a8,w32a16", *WORDS],
    "decay": ["0", "1,2", *NUMBERS],
    "label_column": LABELS,
    "group_column": LABELS,
    "features": ["1,2", "2,1,1", "9", *LABELS],
    "drop": ["1", "1,2", "9", *LABELS],
    "separator": [",", ";", "tab", "space", "x", "", "1", "..", *WORDS],
    "decimal": [",", ".", "comma", "point", *WORDS],
    "port": PORTS,
    "order": ["shuffled", "as-is", *WORDS],
    "dtr": ["on", "off", "keep", *WORDS],
    "rts": ["on", "off", "keep", *WORDS],
    "board": WORDS,
    "toolchain": ["gcc", "zig", *WORDS],
    "mqtt": ["", ":", "127.0.0.1:1", "127.0.0.1:99999", "mqtt://", "a" * 300],
    "dask": ["", "://", "x://y", "tcp://127.0.0.1:99999"],
}
# A large number is valid for these parameters, but takes long or much memory.
ROUNDS = {
    "epochs",
    "steps",
    "seeds",
    "relearned",
    "stored",
    "samples",
    "jobs",
    "patience",
    "save_every",
}
# The relative frequency of each command; the default is 4. `boards` and `ports` have hardly any
# option, `train` has the most options, and `sweep` is slow.
WEIGHTS = {"boards": 1, "ports": 1, "train": 16, "sweep": 1}
# `build` and `flash` never get the complete project, because they would build it or start its
# board.
NO_PROJECT = ["new", "runs", *(path for path in PATHS if path != "project")]


def line(random: Random) -> list[str]:
    """Make a command line, without the program's name."""
    names = sorted(main.commands)
    name = random.choices(names, [WEIGHTS.get(name, 4) for name in names])[0]
    command = main.commands[name]
    arguments: list[str] = [name]
    wild = random.choice([0.05, 0.3, 1.0])  # the probability that a value may be invalid
    for parameter in command.params:
        arguments += _given(random, name, parameter, wild)
    if random.random() < 0.1:
        arguments.insert(
            random.randrange(len(arguments) + 1), random.choice(["-x", "--nope", *WORDS])
        )
    return arguments


def _given(random: Random, command: str, parameter: click.Parameter, wild: float) -> list[str]:
    values = _values(command, parameter)
    if isinstance(parameter, click.Argument):
        return [_one(random, values, wild)] if random.random() < 0.95 else []
    assert isinstance(parameter, click.Option)
    wanted = parameter.required or (command, parameter.name) == ("monitor", "port")
    likely = 0.95 if wanted else 0.2
    if parameter.name == "epochs":
        likely = 1.0  # always given, because the default is a large number
    if random.random() >= likely:
        return []
    option = random.choice(parameter.opts)
    if parameter.is_flag:
        return [option]
    times = random.choice([1, 1, 2]) if parameter.multiple else 1
    return [part for _ in range(times) for part in (option, _one(random, values, wild))]


def _one(random: Random, values: Sequence[str], wild: float) -> str:
    """Return any of the values with probability `wild`, otherwise one of the first two values,
    which are often valid.
    """
    return random.choice(values if random.random() < wild else values[:2])


def _values(command: str, parameter: click.Parameter) -> list[str]:
    name = parameter.name or ""
    if command in ("build", "flash") and name == "folder":
        return NO_PROJECT
    if command == "run" and name == "data":
        return ["weights.npz", *PATHS[5:]]
    if command in ("firmware", "inspect") and name == "board":
        return ["host", "virtual-m4", "uno", *WORDS]
    if isinstance(parameter.type, click.Choice):
        return [*map(str, parameter.type.choices), *map(str, parameter.type.choices), "X", ""]
    if name in ROUNDS:
        return [*NUMBERS, "1", "1", "1"] if name != "patience" else ["0", "-1", "nan", "x"]
    if name in BY_NAME:
        return BY_NAME[name]
    if isinstance(parameter.type, click.types.FloatParamType):
        return REALS + NUMBERS
    if isinstance(parameter.type, click.types.IntParamType):
        return NUMBERS + HUGE
    return PATHS
