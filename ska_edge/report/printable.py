r"""Escapes text from outside, so that a device, a file or a log cannot control the terminal.

A board's name may contain an escape sequence that clears the screen, a line end that forges a
second line, or a mark that reverses the direction of the following text. These three characters are
printed as `\x1b`, `\n` and `\u202e`.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """Escape the control characters, line ends, direction marks and unusual spaces of a line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_lines(text: str) -> str:
    """Escape the characters that `printable` escapes, except the line ends between lines."""
    return "\n".join(map(printable, text.split("\n")))
