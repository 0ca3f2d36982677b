"""Gives all commands text output, the --json option and progress bars."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, TypeVar

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.segment import Segment
from rich.table import Table as Drawn
from rich.text import Text

from ska_edge.cli.screen.origin import origin
from ska_edge.cli.screen.pulse import Pulse, wanted
from ska_edge.progress import Progress
from ska_edge.report.printable import printable, printable_lines
from ska_edge.report.table import Table

UNLIMITED = 10**6  # columns of a screen on which every table fits

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout, all else on stderr."
)


class _Console(Console):
    """A console that passes errors to the entry point and prints no control characters."""

    def on_broken_pipe(self) -> None:
        """Raise an error instead of ending the program with the exit code of a failed check."""
        raise BrokenPipeError

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; if that fails, the error names the stream."""
        with _written_to("standard error" if self.stderr else "standard output"):
            super().print(*objects, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render without control characters, even in tables and live views; line ends stay."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)


@contextmanager
def _written_to(name: str) -> Iterator[None]:
    """Add the name of the stream to an OSError other than BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from error


def encode_anything() -> None:
    """Make the standard streams escape characters that their encoding lacks, instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def complain(sentence: str) -> None:
    """Print an error or a warning on stderr, in one line; do nothing if stderr is closed."""
    with contextlib.suppress(OSError):
        click.echo(f"ska-edge: {printable(sentence)}", err=True)


def print_error(sentence: str) -> None:
    """Print the JSON document of a command that failed."""
    with _written_to("standard output"):
        click.echo(json.dumps({"error": sentence}, indent=1))


class Output:
    """Readable text on stdout, or on stderr if stdout is for a JSON document or for other data.

    `plain` prints lines in place of bars and live views, also on a terminal. `wrap` breaks long
    lines between words on a terminal; it is not for lines that a person copies, such as commands.
    """

    def __init__(
        self, as_json: bool, data: bool = False, plain: bool = False, wrap: bool = False
    ) -> None:
        self.as_json = as_json
        self._wrap = wrap
        self.console = _Console(
            stderr=as_json or data, highlight=False, soft_wrap=True, markup=False, emoji=False
        )
        self.progress_console = _Console(
            stderr=True,
            highlight=False,
            markup=False,
            emoji=False,
            force_terminal=False if plain else None,
        )
        self._documented = False
        self._pulse: Pulse | None = None
        context = click.get_current_context(silent=True)
        if context is None:
            return
        context.find_root().obj = self  # the entry point reports errors through it
        taken = origin(context)
        if taken:
            self._plain_note(taken)
        if not self.progress_console.is_terminal and wanted():
            name = str(context.info_name)
            self._pulse = context.with_resource(Pulse(name, self._plain_note))

    def line(self, text: str) -> None:
        """Print one line of readable text, without markup."""
        self._print_line(self.console, text)
        self._printed()

    def note(self, text: str) -> None:
        """Print one line on stderr."""
        self._plain_note(text)
        self._printed()

    def _plain_note(self, text: str) -> None:
        self._print_line(self.progress_console, text)

    def _print_line(self, console: Console, text: str) -> None:
        text = printable(text)
        if self._wrap and console.is_terminal:
            # A word that is longer than the terminal stays whole, so that a path can be copied.
            text = textwrap.fill(
                text, console.width, break_long_words=False, break_on_hyphens=False
            )
        console.print(text, soft_wrap=True)

    def _printed(self) -> None:
        if self._pulse is not None:
            self._pulse.printed()

    def warning(self, text: str) -> None:
        """Print one line with a warning on stderr."""
        self.note(f"warning: {text}")

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table whose columns need no explanation."""
        self.show(Table.of(title, columns, rows))

    def show(self, table: Table) -> None:
        """Print a table; columns of numbers are aligned right.

        Markup is not interpreted, because names come from files.
        """
        drawn = _drawn(table)
        drawn.title = Text(printable(table.title))
        self.console.print(drawn)
        self._printed()

    def fits(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bool:
        """Tell whether a table fits the width of the screen with every cell on one line."""
        unlimited = self.console.options.update(width=UNLIMITED)
        wanted = self.console.measure(_drawn(Table.of("", columns, rows)), options=unlimited)
        return wanted.maximum <= self.console.width

    def lines(self, text: str) -> None:
        """Print whole lines for another program on stdout."""
        with _written_to("standard output"):
            click.echo(printable_lines(text), nl=False)

    def document(self, content: dict[str, Any]) -> None:
        """Print the machine-readable result if --json was given."""
        if self.as_json:
            self._documented = True
            with _written_to("standard output"):
                click.echo(json.dumps(content, indent=1))

    def failed(self, sentence: str) -> None:
        """Print a document with an error, if --json was given and no document was printed."""
        if self.as_json and not self._documented:
            self._documented = True
            print_error(sentence)

    @contextmanager
    def progress(self, text: str, unit: str) -> Iterator[Progress]:
        """Show a progress bar on stderr until the end of the block; yield `update(done, total)`.

        `unit` is the plural noun for what `done` and `total` count. Without a terminal, the pulse
        prints both numbers now and then.
        """
        with (
            self._work(text) as say,
            Bar(
                SpinnerColumn("line"),  # shows that work goes on while nothing is counted
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn(unit, markup=False),
                TimeRemainingColumn(),
                console=self.progress_console,
                transient=True,
                disable=not self.progress_console.is_terminal,  # else it prints an empty line
            ) as bar,
        ):
            task = bar.add_task(printable(text), total=None)

            def update(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)
                say(f"{text}, {done} of {total} {unit} ({done / max(total, 1):.0%})")

            yield update

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show on stderr that work without a count, such as compiling, is in progress."""
        if not self.progress_console.is_terminal:
            with self._work(text):
                yield
            return
        with self.progress_console.status(Text(printable(text))):
            yield

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Print no lines about the time during a block, which only waits for a person."""
        with self._work(""):
            yield

    @contextmanager
    def live(
        self, work: str = "learning"
    ) -> Iterator[Callable[[RenderableType | None, str], None]]:
        """Show a live table on stderr; yield `update(table, line)`; the table may be None.

        `line` says the same as the table in one line; `work` names the work until the first update.
        Without a terminal, the pulse prints the line now and then, and the last table is printed at
        the end, unless an error ends the work.
        """
        if self.progress_console.is_terminal:
            view = Live(console=self.progress_console, refresh_per_second=8)
            with ExitStack() as stack:

                def draw(table: RenderableType | None, _line: str) -> None:
                    if table is not None:
                        view.update(table)
                        if not view.is_started:  # without a table, it would print an empty line
                            stack.callback(view.stop)  # first, because Ctrl-C may end `start`
                            view.start(refresh=True)

                yield draw
            return
        shown: list[RenderableType] = []
        try:
            with self._work(work) as say:

                def update(table: RenderableType | None, line: str) -> None:
                    shown[:] = [] if table is None else [table]
                    say(line)

                yield update
        except KeyboardInterrupt:
            with contextlib.suppress(OSError):  # stderr may be closed
                self._print_last(shown)
            raise
        self._print_last(shown)

    def _print_last(self, tables: Sequence[RenderableType]) -> None:
        for table in tables:
            self.progress_console.print(table)
            self._printed()

    def _work(self, text: str) -> AbstractContextManager[Callable[[str], None]]:
        """Name the work of a block for the pulse, if there is a pulse."""
        if self._pulse is None:
            return nullcontext(lambda _: None)
        return self._pulse.work(text)


def _drawn(table: Table) -> Drawn:
    """Return a table as rich draws it."""
    drawn = Drawn(title_justify="left", title_style="bold")
    for number, head in enumerate(table.heads):
        # A long word continues on the next line, because an ellipsis would hide its end.
        drawn.add_column(
            Text(printable(head), overflow="fold"),
            justify="right" if table.is_numeric(number) else "left",
            overflow="fold",
        )
    for row in table.rows:
        drawn.add_row(*(Text(printable(str(cell))) for cell in row))
    return drawn
