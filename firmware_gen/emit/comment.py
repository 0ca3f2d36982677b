"""Puts text from outside, such as the names of inputs, into comments of C."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST = 80  # maximum characters of a name in a comment
# The places between two characters that are each * or /, and between two question marks.
_PAIRS = re.compile(r"(?<=[*/])(?=[*/])|(?<=\?)(?=\?)")


def in_comment(text: str) -> str:
    """Return text for a comment of C: printable ASCII that neither ends nor nests the comment."""
    plain = text.encode("unicode_escape").decode("ascii")
    if len(plain) > LONGEST:
        plain = f"{plain[: LONGEST - 3]}..."
    return _PAIRS.sub(" ", plain)


def input_names(names: Sequence[str]) -> str:
    """Return the lines of a comment that name the inputs, x[0] first."""
    lines = [f" *   x[{index}] '{in_comment(name)}'" for index, name in enumerate(names)]
    return "\n".join([" *", " * The inputs, in order:", *lines])
