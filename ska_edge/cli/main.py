"""Runs the commands, and turns errors into one sentence and an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
import warnings
from typing import Any, NoReturn, TextIO

import click

from ska_edge import __version__
from ska_edge.cli.groups import GROUPS
from ska_edge.cli.screen.console import Output, complain, encode_anything, print_error
from ska_edge.cli.screen.origin import CommandContext
from ska_edge.cli.settings import settings_for
from ska_edge.cli.signals import CTRL_C, ending, exit_code, interrupt
from ska_edge.data.builtin.catalog import builtin_names
from ska_edge.errors import SkaError
from ska_edge.network.engine import EngineWarning
from ska_edge.report.printable import printable, printable_lines
from ska_edge.training.options import flag

EXPECTED = (SkaError, OSError, MemoryError)
"""Errors that are not defects of the program."""


class ClosedPipe(Exception):
    """The program that read stdout has ended."""


class Commands(click.Group):
    """A group of commands that sets the exit codes.

    0 ok, 1 check failed, 2 bad input, 3 no device, 70 a defect of ska-edge itself, 130 Ctrl-C,
    143 SIGTERM, 129 SIGHUP, 141 closed pipe.
    """

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002, click passes it
        formatter: click.HelpFormatter,
    ) -> None:
        """Show the commands in groups, and the names of built-in data."""
        for title, group in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(str(command.name), phrase) for command, phrase in group])
        with formatter.section("Built-in data"):
            formatter.write_text(", ".join(builtin_names()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, and take its defaults from ska.toml.

        The file is not read for help, or with --no-settings.
        """
        name, command, rest = super().resolve_command(ctx, args)
        helps = set(ctx.help_option_names) & set(rest)
        if name and not (ctx.resilient_parsing or ctx.params["no_settings"] or helps):
            ctx.default_map = {name: settings_for(name, self.commands)}
        return name, command, rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; detect a closed pipe before click treats it as an error.

        If --json was given, print a document about an error, also if the command line is wrong.
        """
        as_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            stopped = interrupt(error)  # Ctrl-C ends both programs of a pipe
            if stopped is not None:
                raise stopped from None
            raise ClosedPipe from error
        except (*EXPECTED, click.ClickException) as error:
            _document(error, ctx.obj, as_json)
            raise

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run a command and exit."""
        kwargs["standalone_mode"] = False
        kwargs["prog_name"] = "ska-edge"  # even if it was started as a module
        arguments = args[0] if args else kwargs.get("args")
        debug = "--debug" in (sys.argv if arguments is None else arguments)
        encode_anything()
        try:
            with ending(), warnings.catch_warnings():
                warnings.showwarning = _show_warning
                result = super().main(*args, **kwargs)
        except (click.Abort, KeyboardInterrupt) as error:
            complain("stopped")
            _give_up_stdout()
            sys.exit(exit_code(error) or CTRL_C)
        except ClosedPipe:
            # Nobody reads stdout any more: end silently, like a program that SIGPIPE ends.
            _give_up_stdout()
            sys.exit(141)
        except Exception as error:
            if isinstance(error, OSError) and (ended := exit_code(error)) is not None:
                _give_up_stdout()
                sys.exit(ended)
            if debug and not isinstance(error, click.ClickException):
                if not isinstance(error, EXPECTED):
                    raise
                _print_traceback(error)
            sys.exit(_explain(error))
        sys.exit(result if isinstance(result, int) else 0)


def _document(error: Exception, out: object, as_json: bool) -> None:
    """Print the document of a failed command, if --json was given.

    `out` is None if the command has not begun, because its options are wrong.
    """
    if isinstance(error, OSError) and exit_code(error) is not None:
        return  # a signal stopped the command
    with contextlib.suppress(OSError):
        if isinstance(out, Output):
            out.failed(_sentence(error))
        elif as_json:
            print_error(_sentence(error))


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001, the module warnings passes it
    line: str | None = None,
) -> None:
    """Print a warning: one sentence if it is for the user, otherwise as Python does."""
    if issubclass(category, EngineWarning):
        complain(f"warning: {message}")
    else:
        click.echo(warnings.formatwarning(message, category, filename, lineno, line), err=True)


def _give_up_stdout() -> None:
    """Discard output that cannot be written; otherwise the interpreter would fail at its exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: Exception) -> int:
    """Print in one sentence why a command failed; return the exit code."""
    if isinstance(error, click.ClickException):
        _show_usage(error)
        return 2
    complain(_sentence(error))
    if isinstance(error, SkaError):
        return error.exit_code
    return 2 if isinstance(error, EXPECTED) else 70


def _sentence(error: Exception) -> str:
    if isinstance(error, SkaError):
        return error.named(flag) + (f" ({error.source})" if error.source else "")
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError):
        where = "a file" if error.filename is None else error.filename
        return f"cannot use {where}: {error.strerror or error}"
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; use a smaller network or fewer rows"
    return (
        f"a defect of ska-edge itself ({type(error).__name__}: {error});"
        " run again with --debug and report what it prints"
    )


def _show_usage(error: click.ClickException) -> None:
    """Print click's help, or click's error with the user's text escaped."""
    helps = isinstance(error, click.exceptions.NoArgsIsHelpError)
    message = (printable_lines if helps else printable)(error.format_message())
    error.format_message = lambda: message  # type: ignore[method-assign]
    with contextlib.suppress(OSError):
        error.show()


def _print_traceback(error: BaseException | None) -> None:
    """Print the traceback of an error; each message stays on one line."""
    text = traceback.format_exc().rstrip("\n")
    while error is not None:
        text = text.replace(str(error), printable(str(error)))
        error = error.__cause__ or error.__context__
    with contextlib.suppress(OSError):
        click.echo(printable_lines(text), err=True)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.option("--no-settings", is_flag=True, help="Do not read ska.toml in this folder.")
def main(debug: bool, no_settings: bool) -> None:
    """Small networks that keep learning on a microcontroller, in integers, provable bit for bit.

    Try it without a board:  ska-edge run digits --board virtual-m4
    """


for group in GROUPS.values():
    for command, phrase in group:
        command.short_help = phrase
        command.context_class = CommandContext
        main.add_command(command)
