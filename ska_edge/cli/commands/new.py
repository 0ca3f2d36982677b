"""`ska-edge new`: start a project, a folder with ska.toml and a README."""

from __future__ import annotations

import shlex
import textwrap
from pathlib import Path

import click

from ska_edge.cli.commands.run import run
from ska_edge.cli.options.complete import PATH
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.cli.screen.origin import FILE
from ska_edge.cli.settings import keys_of
from ska_edge.errors import InputError
from ska_edge.files import refusal

RECORDINGS = "recordings"
WIDTH = 98  # most characters of a line of a comment, without "# "
SECTIONS: dict[str, tuple[str, ...]] = {
    "Data: a folder, a file or built-in data": (
        f'data = "{RECORDINGS}"',
        '# label-from = "folder"',
        '# group-column = "person"',
    ),
    "Front end: how recordings become features": (
        'window = "2s"',
        'hop = "1s"',
        'frontend = "statistics"',
    ),
    "Network, and how it learns": (
        "hidden = [32]",
        '# rule = "local"',
        '# precision = "w16a8"',
        "# rate = 0.0625",
        "# epochs = 20",
        "# stored = 8",
    ),
    "Board": ('board = "virtual-m4"',),
}
"""Lines of a new ska.toml, by the title of their section; a line that begins with # is inactive."""
HEAD = """\
# The settings of this project. Commands that run in this folder take their options from here; an
# option on the command line wins. `ska-edge run` makes everything anew: it trains, exports, writes
# and builds the firmware, and verifies that the board learns what the host learns.
#
# `ska-edge run --help` lists all options. `--seed 3` is written here as `seed = 3`. A table such
# as [command.monitor] has options of one command.
"""
README = """\
# {name}

A sensor's recordings, and a network that learns them on a microcontroller. `ska.toml` has the
settings; its comments say what each one does.

Record what the board prints, a few times for each label; then look at the recordings:

    cd {place}
    ska-edge record -o recordings --label walk --label run --seconds 10 --group anna
    ska-edge data

Train, build, and let an emulated board learn (`board` in `ska.toml` names another one):

    ska-edge run

Let the board run on, watch it learn, and stop it:

    ska-edge flash run-recordings-virtual-m4/firmware
    ska-edge monitor run-recordings-virtual-m4/model.ska recordings --log steps.jsonl
    ska-edge flash run-recordings-virtual-m4/firmware --stop
"""
IGNORED = """\
run-*/
*.jsonl
.ska-edge-*.part
"""


@click.command(epilog="Example:  ska-edge new watch && cd watch")
@click.argument("name", type=PATH)
@json_option
def new(name: Path, as_json: bool) -> None:
    """Start a project in a new folder NAME.

    It has a folder for recordings, ska.toml with the front end, the network and the board, and a
    README with the next commands.
    """
    out = Output(as_json)
    files = {
        FILE: settings_text(),
        "README.md": README.format(name=name.resolve().name, place=shlex.quote(str(name))),
        ".gitignore": IGNORED,
        f"{RECORDINGS}/.gitkeep": "",  # git keeps no empty folders
    }
    if name == Path():
        raise InputError("name a new folder for the project, such as `ska-edge new watch`")
    if name.exists() or name.is_symlink():
        raise InputError(f"{name} exists already; give the project another name")
    try:
        (name / RECORDINGS).mkdir(parents=True)
        for file, text in files.items():
            (name / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise refusal("write", name, error) from error
    out.line(f"wrote {name}: {', '.join(files)}")
    out.line(f"go on as {name / 'README.md'} says")
    out.document({"folder": str(name), "files": list(files)})


def settings_text() -> str:
    """Return a ska.toml with a comment above each setting, which is the help of its option."""
    helps = {
        key: each.help or ""
        for each in run.params
        if isinstance(each, click.Option)
        for key in keys_of(each)
    }
    lines = [HEAD]
    for title, settings in SECTIONS.items():
        lines.append(f"# --- {title} ---\n")
        for setting in settings:
            help = helps.get(setting.removeprefix("# ").partition(" ")[0], "")
            lines += [f"# {line}" for line in textwrap.wrap(help, WIDTH)]
            lines.append(f"{setting}\n")
    return "\n".join(lines)
