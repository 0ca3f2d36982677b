"""Generate the table of training options in docs/LEARNING.md from the options' descriptions."""

from __future__ import annotations

import re
from pathlib import Path

from ska_edge.training.option import AUTO, Kind, Option, Scope
from ska_edge.training.options import OPTIONS, default_words, flag

PAGE = Path(__file__).parents[2] / "docs" / "LEARNING.md"
BLOCK = re.compile(r"(<!-- options -->\n).*?(<!-- end -->)", re.DOTALL)

HEAD = "| command line | Python | what it does | values | default | rules | kept by `--from` |"


def emit_options(page: str) -> str:
    """Return the page with a new table of options."""
    lines = [HEAD, "|---" * HEAD.count(" | ") + "|---|", *map(_row, OPTIONS)]
    table = "".join(f"{line}\n" for line in lines)
    return BLOCK.sub(lambda found: f"{found[1]}{table}{found[2]}", page)


def _row(name: str) -> str:
    each = OPTIONS[name]
    rules = "all" if each.scope is Scope.ALL else each.scope.value
    kept = "" if each.keep is None else "yes"
    cells = (f"`{flag(name)}`", f"`{name}`", each.help, _values(each), default_words(name), rules)
    return f"| {' | '.join((*cells, kept))} |"


def _values(each: Option) -> str:
    """Return the values that an option accepts, in words."""
    if each.kind is Kind.WORD:
        return ", ".join(f"`{choice}`" for choice in each.choices)
    if each.kind is Kind.WIDTHS:
        return f"whole numbers with commas, each {each.bounds()}"
    unit = f" ({each.unit})" if each.unit else ""
    values = ", ".join(filter(None, (each.kind.value.removeprefix("a "), each.bounds()))) + unit
    return values + f", or `{AUTO}`" * each.auto
