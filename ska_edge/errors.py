"""Defines the errors of ska-edge: one root class, one-sentence messages, and exit codes."""

from __future__ import annotations

from collections.abc import Callable
from string import Formatter


class SkaError(Exception):
    """Root of every error that ska-edge raises on purpose.

    The message is one sentence. It says what is wrong and, if known, where (file, line, column,
    layer) and what to do.
    """

    exit_code = 2
    source = ""
    """Where an option in the message comes from, if not from the command line; for the end."""

    def named(self, call: Callable[[str], str]) -> str:  # noqa: ARG002, for `Named`
        """Return the message with the names that `call` gives to the options in it."""
        return str(self)


def with_names(sentence: str, call: Callable[[str], str], **values: object) -> str:
    """Replace each name in braces by its value, or, if it names an option, by `call(name)`."""
    names = {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}
    options = {name: call(name) for name in names - values.keys()}
    return sentence.format(**options, **values)


class Named(SkaError):
    """An error that names options, as Python or as the command line spells them.

    Args:
        sentence: the message, with the names of options and of `values` in braces.
        values: values to insert into the sentence.
    """

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence)
        self._values = values

    def __str__(self) -> str:
        """Return the message with the Python names of the options."""
        return self.named(str)

    def named(self, call: Callable[[str], str]) -> str:
        """Return the message with the names that `call` gives to the options."""
        return with_names(str(self.args[0]), call, **self._values)


class InputError(SkaError):
    """A file, an option or a value given by the user cannot be used."""


class OptionError(Named, InputError):
    """An option has an invalid value, or two options contradict each other."""


def require_flag(name: str, value: object) -> None:
    """Raise OptionError unless `value`, given for the option `name`, is True or False.

    The type is known by its name, because this module does not import numpy.
    """
    if type(value).__name__ not in ("bool", "bool_"):
        raise OptionError(f"{{{name}}} is True or False, not {{value!r}}", value=value)


class ToolError(SkaError):
    """A compiler, an emulator, a package or a part of the system is missing or unusable."""


def no_terminals() -> ToolError:
    """Return the error of a system that can neither open a port nor start a board."""
    return ToolError(
        "serial ports need POSIX terminals, and this system has none: use Linux, macOS or WSL"
    )


class CheckError(SkaError):
    """A check failed: a mismatch, or an exceeded budget."""

    exit_code = 1


class DeviceError(SkaError):
    """A device or its port cannot be used, or the device gives a wrong answer."""

    exit_code = 3


class DeviceOptionError(Named, DeviceError):
    """An option does not suit the device or its port."""


class ContactLost(DeviceError):
    """A connected device has disappeared, is silent, or has restarted.

    It may come back, perhaps at another port.
    """
