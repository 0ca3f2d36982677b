"""Describes a training option: its text, its bounds, its default and its names."""

from __future__ import annotations

import dataclasses
import enum
import math
import operator
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ska_edge.data.dataset import is_whole
from ska_edge.errors import OptionError, require_flag
from ska_edge.plan.plan import Plan
from ska_edge.spelling import did_you_mean

ALL_ROWS = "all"
AUTO = "auto"
KEY = "option"  # key in the metadata of a dataclass field
MOST_COUNT = 2**32 - 1  # the largest whole number that an option takes if nothing else limits it


class Kind(enum.Enum):
    """The kinds of values of options."""

    COUNT = "a whole number"
    ROWS = "a whole number or 'all'"
    REAL = "a finite number"
    WORD = "a word"
    WIDTHS = "widths"
    FILE = "a file"
    FLAG = "yes or no"
    GROUP = "the name or number of a group"


class Scope(enum.Enum):
    """The rules to which an option applies."""

    ALL = "all"
    LABELS = "with labels"
    NO_LABELS = "without labels"


@dataclass(frozen=True, slots=True)
class Situation:
    """The facts that a default may depend on.

    Attributes:
        labeled: whether the rule has labels.
        inputs: number of features per row.
        classes: number of classes; 0 for a regression.
        epochs: number of passes over the data.
        rectified: number of hidden layers with ReLU.
        hidden: number of hidden layers that learn.
        drawn: whether a hidden layer starts with random weights.
        repeated: whether a new model learns a fixed set, in a new order in every epoch.
    """

    labeled: bool
    inputs: int
    classes: int
    epochs: int
    rectified: int
    hidden: int
    drawn: bool
    repeated: bool


@dataclass(frozen=True, slots=True)
class Option:
    """One option. The command line, the checks, the notes in models and the docs follow from it.

    Attributes:
        help: description of the option, one phrase.
        kind: kind of the values.
        choices: the allowed words, if the values are words.
        noun: name of the option in error sentences, if it differs from the field's name.
        least, above, below: bounds of a number, or of each width.
        most: the largest number, or the largest sum of widths.
        unit: unit of a number.
        scope: the rules to which the option applies.
        words: the default in words, if the default is not a constant.
        settle: computes the default, if the default is not a constant.
        keep: reads the value from the plan of a continued model.
        noted: whether a model's notes record the value, because it affects what is learned.
        listed: whether a sweep accepts a list of values.
        spelled: name of the option on the command line, if it differs from the field's name.
        python: description for Python, if it differs from `help`.
        auto: whether the word "auto" is a value, too.
        divides: whether the option only determines which rows are learned, and which are held out.
        held_out: whether the option needs held-out rows.
    """

    help: str
    kind: Kind
    choices: tuple[str, ...] = ()
    noun: str = ""
    least: int | None = None
    most: int | None = None
    above: float | None = None
    below: float | None = None
    unit: str = ""
    scope: Scope = Scope.ALL
    words: str = ""
    settle: Callable[[Situation], Any] | None = None
    keep: Callable[[Plan], Any] | None = None
    noted: bool = True
    listed: bool = False
    spelled: str = ""
    python: str = ""
    auto: bool = False
    divides: bool = False
    held_out: bool = False

    def default(self, at: Situation) -> Any:
        """Return the computed default; None if the default is a constant, or if there is none."""
        return None if self.settle is None else self.settle(at)

    def flag(self, name: str) -> str:
        """Return the name of the option on the command line."""
        return "--" + (self.spelled or name).replace("_", "-")

    def bounds(self) -> str:
        """Return the bounds in words; "" if there are none."""
        found = [
            f"at least {self.least}" if self.least is not None else "",
            f"at most {self.most}" if self.most is not None else "",
            f"above {self.above:g}" if self.above is not None else "",
            f"below {self.below:g}" if self.below is not None else "",
        ]
        return " and ".join(filter(None, found))

    def within(self, value: float) -> bool:
        """Tell whether a number is finite and inside the bounds."""
        return (
            (isinstance(value, int) or math.isfinite(value))
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def checked(self, name: str, value: Any) -> Any:
        """Check and convert a value; also accept numpy integers, lists, and paths given as text.

        Raises OptionError, with `name` in its sentence, for an invalid value.
        """
        if self.kind is Kind.WORD:
            return self._word(name, value)
        if self.kind is Kind.WIDTHS:
            return self._widths(name, value)
        if self.kind is Kind.FILE:
            return self._path(name, value)
        if self.kind is Kind.ROWS and isinstance(value, str) and value == ALL_ROWS:
            return value
        if self.auto and isinstance(value, str) and value == AUTO:
            return value
        if self.kind is Kind.FLAG:
            return self._flag(name, value)
        if self.kind is Kind.GROUP:
            return self._group(name, value)
        return self._number(name, value)

    def _flag(self, name: str, value: Any) -> bool:
        require_flag(name, value)
        return bool(value)

    def _group(self, name: str, value: Any) -> int | str:
        """Check a group; convert the text of a number, so that notes have only one form of it."""
        if not isinstance(value, str):
            return int(self._number(name, value))
        if not value:
            raise OptionError(f"{{{name}}} is {self.kind.value}, not {{value!r}}", value=value)
        return int(value) if is_whole(value) else value

    def _word(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise OptionError(
                f"no {self.noun or name.replace('_', ' ')} {{value!r}}{{hint}}:"
                f" {{{name}}} is one of {', '.join(self.choices)}",
                value=value,
                hint=did_you_mean(value, self.choices),
            )
        return str(value)

    def _number(self, name: str, value: Any) -> int | float:
        whole = self.kind is not Kind.REAL
        try:
            number = operator.index(value) if whole else float(value)
            if isinstance(value, str) or _is_flag(value):
                raise TypeError
        except (TypeError, ValueError, OverflowError):
            words = self.kind.value + (f" or '{AUTO}'" if self.auto else "")
            raise OptionError(f"{{{name}}} is {words}, not {{value!r}}", value=value) from None
        if self.within(number):
            return number
        if whole:
            raise OptionError(f"{{{name}}} is {self.bounds()}, not {{value}}", value=number)
        raise OptionError(
            f"a {self.noun or name} is {self.kind.value} {self.bounds()}; {{{name}}} is {{value}}",
            value=number,
        )

    def _widths(self, name: str, value: Any) -> tuple[int, ...]:
        try:
            given = value if not isinstance(value, str) and hasattr(value, "__iter__") else [value]
            widths = tuple(0 if _is_flag(width) else operator.index(width) for width in given)
        except TypeError:
            widths = (0,)
        if self.most is not None and sum(widths) > self.most:
            raise OptionError(
                f"{{{name}}} is {{value!r}}; there are at most {self.most} neurons", value=value
            )
        if not all(map(self.within, widths)):
            raise OptionError(
                f"{{{name}}} is {{value!r}}; give a width from 1 on, or several", value=value
            )
        return widths

    def _path(self, name: str, value: Any) -> Path:
        if not isinstance(value, str | os.PathLike) or "\0" in os.fspath(value):
            raise OptionError(f"{{{name}}} is {{value!r}}; give the path of a file", value=value)
        return Path(value)


def _is_flag(value: Any) -> bool:
    """Tell whether a value is True or False, which Python also accepts as the numbers 1 and 0."""
    return isinstance(value, bool | np.bool_)


def option(default: Any = None, **described: Any) -> Any:
    """Return a dataclass field with an `Option`; `described` has the option's attributes."""
    return dataclasses.field(default=default, metadata={KEY: Option(**described)})


def widths_text(widths: Iterable[int]) -> str:
    """Return the widths of hidden layers as a person gives them, such as "64,32"."""
    return ",".join(map(str, widths)) or "none"


def described(owner: type[Any]) -> dict[str, Option]:
    """Return the option of every field of a dataclass, by name."""
    return {field.name: field.metadata[KEY] for field in dataclasses.fields(owner)}
