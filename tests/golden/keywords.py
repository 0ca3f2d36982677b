"""Write the training options as keywords of `ska_edge.train` and `ska_edge.Classifier`.

Both list their keywords in plain source, so that editors, type checkers, `help` and scikit-learn
see them. The lists and their lines in the docstrings come from the options' descriptions.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

from ska_edge.rules.rule import RULES
from ska_edge.training.option import AUTO, Kind, Option, Scope
from ska_edge.training.options import OPTIONS, Options

API = Path(__file__).parents[2] / "ska_edge" / "api"
TRAIN, CLASSIFIER = API / "train.py", API / "classifier.py"
ESTIMATOR = API / "estimator.py"

LINE = 100
DEFAULTS = {field.name: field.default for field in dataclasses.fields(Options)}
TYPES = {
    Kind.COUNT: "int",
    Kind.ROWS: 'int | Literal["all"]',
    Kind.REAL: "float",
    Kind.WORD: "str",
    Kind.WIDTHS: "int | Sequence[int]",
    Kind.FILE: "PathLike",
    Kind.FLAG: "bool",
    Kind.GROUP: "int | str",
}


def emit_train(source: str) -> str:
    """Return the source of `ska_edge.train` with the current keywords."""
    described = [_described(name, each, "Default") for name, each in OPTIONS.items()]
    source = _between(source, "    *,\n", "    progress:", map(_parameter, OPTIONS), 4)
    return _between(source, "`ska_edge.load_data`.\n", "        progress:", described, 8)


def emit_classifier(source: str) -> str:
    """Return the source of `ska_edge.Classifier` with descriptions of the current parameters."""
    described = [_described(name, _with_labels(each), "None") for name, each in _parameters()]
    return _between(source, "    Args:\n", "\n    Attributes:", described, 8)


def emit_estimator(source: str) -> str:
    """Return the source of the estimators with the current parameters."""
    names = [name for name, _ in _parameters()]
    source = _between(source, "        *,\n", "    ) -> None:\n", map(_parameter, names), 8)
    kept = [f"self.{name} = {name}" for name in names]
    return _between(source, "    ) -> None:\n", "\n    def _options", kept, 8)


def _parameters() -> list[tuple[str, Option]]:
    return [(name, each) for name, each in OPTIONS.items() if _for_an_estimator(name, each)]


def _for_an_estimator(name: str, each: Option) -> bool:
    """Tell whether an option is for an estimator, which gets rows with labels and uses no file.

    An estimator holds no rows out, and has a task of its own.
    """
    held_out = each.divides or each.held_out or name == "task"
    return not (held_out or each.kind is Kind.FILE or each.scope is Scope.NO_LABELS)


def _with_labels(each: Option) -> Option:
    """Return an option without its words about rules that have no labels."""
    choices = (word for word in each.choices if word not in RULES or RULES[word].supervised)
    words, _, _ = each.words.partition("; published")
    return dataclasses.replace(each, choices=tuple(choices), words=words)


def _between(text: str, start: str, end: str, lines: Iterable[str], indent: int) -> str:
    """Return the text with other lines between the first `start` and the next `end`."""
    before, start, rest = text.partition(start)
    _, end, after = rest.partition(end)
    assert start and end
    block = textwrap.indent("".join(f"{line}\n" for line in lines), " " * indent)
    return f"{before}{start}{block}{end}{after}"


def _parameter(name: str) -> str:
    default = DEFAULTS[name]
    value = f'"{default}"' if isinstance(default, str) else default
    each = OPTIONS[name]
    type = TYPES[each.kind] + f' | Literal["{AUTO}"]' * each.auto
    return f"{name}: {type}{' | None' * (default is None)} = {value},"


def _described(name: str, each: Option, unset: str) -> str:
    """Return the lines of an option in a docstring; `unset` introduces the meaning of None."""
    text = each.python or each.help
    if not text[1].isupper():
        text = text[0].lower() + text[1:]
    if each.choices and not each.python:
        *most, last = (f'"{word}"' for word in each.choices)
        text = f"{text.removesuffix('.')}: {', '.join(most)} or {last}."
    if each.scope is Scope.NO_LABELS:
        text += f" For rules {each.scope.value}."
    if DEFAULTS[name] is None and each.words != "none":
        text += f" {unset}: {_default(each)}."
    return textwrap.fill(f"{name}: {text}", LINE - 8, subsequent_indent="    ")


def _default(each: Option) -> str:
    """Return the words for a default, with values as Python writes them."""
    if each.kind is Kind.WIDTHS:
        return f"({each.words.replace(',', ', ')})" if "," in each.words else each.words
    if each.kind is Kind.FLAG:
        return "False"
    choice = "|".join(map(re.escape, each.choices))
    return re.sub(rf"\b({choice})\b", r'"\1"', each.words) if each.choices else each.words
