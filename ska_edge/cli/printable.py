r"""Text from outside, made printable: a device, a file or a log cannot act on a terminal.

A board's name may hold an escape sequence that clears the screen, a line end that makes a second,
forged line, or a mark that turns the direction of what follows. They are printed as `\x1b`, `\n`
and `\u202e`.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """One line: every control character, line end, mark of direction and odd space is escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_lines(text: str) -> str:
    """The same for text of our own that has several lines."""
    return "\n".join(map(printable, text.split("\n")))
