"""Finds rows of numbers among the lines that a board prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from ska_edge.errors import OptionError
from ska_edge.plural import counted
from ska_edge.recorder.printed_line import PrintedLine, heading_of, read_line, separator_of

STAMP = "t_ms"  # the name of the timestamps of Teleplot, which are in milliseconds


@dataclass(frozen=True, slots=True)
class Row:
    """A row of numbers as they were printed, and its arrival in seconds of the host's clock."""

    arrived: float
    values: tuple[str, ...]


@dataclass
class Rows:
    """Makes rows from lines; each row has a value for each of the `names`.

    The names are known after two lines of the same form. They are those of `asked`, or else those
    in the lines, or else those in a line of words above, or else x1, x2, ... The line of words has
    commas, tabs or semicolons, as the values have; words with blanks between them, and a single
    word, may be a greeting. A line of Teleplot has a single value. A row then has the values with
    the same timestamp, or, without timestamps, one value of each name.

    Attributes:
        asked: names for the values, in place of those that the board prints.
        names: the names of the values; empty until they are known.
        lines: how many lines there were, without empty lines and words above a table.
        bad: how many of these lines were bad, so that no row could be made of them.
        first_bad: the first bad line, and why it is bad; "" without a bad line.
        last: the last line.
    """

    asked: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    lines: int = 0
    bad: int = 0
    first_bad: str = ""
    last: str = ""
    _own: tuple[str, ...] = ()  # the names in the lines themselves
    _form: tuple[int, tuple[str, ...]] | None = None  # width and names of the line before
    _heading: tuple[str, ...] = ()
    _separator: str = ""  # of the heading
    _row_separator: str = ""
    _parts: Parts = field(default_factory=lambda: Parts())

    def take(self, text: str, arrived: float, whole: bool = True) -> Row | None:
        """Return the row that a line completes, or None.

        A line that is not `whole`, because the port was opened in the middle of the line, may only
        name the values. Raises OptionError if there are more or fewer names in `asked` than values.
        """
        if not text.strip():
            return None
        heading = heading_of(text)
        separator = separator_of(text.strip())
        if not whole or (heading and (not self.names or self._is_repeated(heading, separator))):
            self._heading, self._separator = heading, separator
            self.last = text.strip()
            return None
        self.lines += 1
        self.last = text.strip()
        found = read_line(text)
        if isinstance(found, PrintedLine):
            complete = self._parts.take(found, arrived) if found.teleplot else found
            if complete is None:
                return None
            found = complete
        if isinstance(found, PrintedLine) and not self.names:
            self._learn(found)
            return None
        values = found if isinstance(found, str) else self._ordered(found)
        if isinstance(values, str):
            self._refuse(values)
            return None
        return Row(arrived, values)

    def refuse(self, text: str, why: str) -> None:
        """Count a line of which no row can be made, for a reason as the end of a sentence."""
        self.lines += 1
        self.last = text.strip()
        self._refuse(why)

    def _refuse(self, why: str) -> None:
        self.bad += 1
        self.first_bad = self.first_bad or f"'{self.last[:60]}': {why}"

    def _is_repeated(self, heading: tuple[str, ...], separator: str) -> bool:
        """Tell whether a line of words is above a table whose rows are known."""
        if heading == self._heading:
            return True
        return len(heading) == len(self.names) and separator == self._row_separator != " "

    def _ordered(self, found: PrintedLine) -> tuple[str, ...] | str:
        """Return the values in the order of the names, or the reason why this cannot be done."""
        if len(found.values) != len(self.names):
            return f"it has {counted(len(found.values), 'value')}, not {len(self.names)}"
        if {*found.names} != {*self._own}:
            return f"its values are not {', '.join(self._own or self.names)}"
        by_name = dict(zip(found.names, found.values, strict=True)) if found.names else {}
        return tuple(by_name[name] for name in self._own) or found.values

    def _learn(self, found: PrintedLine) -> None:
        """Set the names after two lines of the same form."""
        form = len(found.values), found.names
        if form != self._form:
            self._form = form
            return
        named, self._row_separator = self._heading, separator_of(self.last)
        if len(named) != len(found.values) or not self._row_separator == self._separator != " ":
            named = ()
        numbered = tuple(f"x{number + 1}" for number in range(len(found.values)))
        if self.asked and len(self.asked) != len(found.values):
            raise OptionError(
                "{axes} names {names}, but the board prints {values}: '{line}'",
                names=counted(len(self.asked), "value"),
                values=len(found.values),
                line=self.last[:60],
            )
        self._own = found.names
        self.names = self.asked or found.names or named or numbered


class Parts:
    """Joins lines of Teleplot, which have a single value each, into rows."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._stamp = ""
        self._cycle: list[tuple[str, float]] = []  # names, and when they came
        self._first = ""  # the name with which a row begins
        self._started = False  # whether the first row has begun
        self._names: tuple[str, ...] = ()

    def take(self, line: PrintedLine, arrived: float) -> PrintedLine | str | None:
        """Return a row when it is complete, a reason if a value is missing, otherwise None."""
        (name,), (value,) = line.names, line.values
        if line.stamp:
            return self._stamped(name, value, line.stamp)
        if not self._started:
            self._find_first(name, arrived)
            self._started = name == self._first
            if not self._started:
                return None
        lost = bool(self._values) and (name == self._first or name in self._values)
        if lost:
            self._values = {}
        if not self._values and name != self._first:
            return "the first value of its row is missing"
        self._values[name] = value
        if {*self._values} == {*self._names}:
            values = tuple(self._values[each] for each in self._names)
            self._values = {}
            return PrintedLine(values, self._names)
        return "the row before it lacks a value" if lost else None

    def _find_first(self, name: str, arrived: float) -> None:
        """Find the name that begins a row: the name after the longest pause."""
        if self._first:
            return
        self._cycle.append((name, arrived))
        names = [each for each, _ in self._cycle]
        if name not in names[:-1]:
            return
        cycle = self._cycle[names.index(name) :]
        pauses = [later - before for (_, before), (_, later) in pairwise(cycle)]
        longest = max(pauses)
        # Without any pause, the first line after the start of the board begins a row.
        at = len(pauses) - 1 if pauses[-1] == longest else pauses.index(longest)
        self._first = cycle[at + 1][0]
        ordered = [each for each, _ in cycle[:-1]]
        start = ordered.index(self._first)
        self._names = tuple(ordered[start:] + ordered[:start])

    def _stamped(self, name: str, value: str, stamp: str) -> PrintedLine | None:
        """Join the values of one timestamp; return them as a row when another timestamp comes."""
        before = self._values
        if stamp == self._stamp:
            before[name] = value
            return None
        self._values, self._stamp = {STAMP: stamp, name: value}, stamp
        return PrintedLine(tuple(before.values()), tuple(before)) if before else None
