"""Text from outside cannot end the C comment that contains it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_gen.emit.comment import LONGEST, in_comment, input_names


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("ax", "ax"),
        ("m/s", "m/s"),
        ("*/ int evil; /*", "* / int evil; / *"),
        ("a//b", "a/ /b"),
        ("*/*", "* / *"),
        ("what??/", "what? ?/"),
        ("größe\n", "gr\\xf6\\xdfe\\n"),
        ("x" * 100, "x" * 77 + "..."),
    ],
)
def test_a_name_in_a_comment(text: str, comment: str) -> None:
    assert in_comment(text) == comment


@given(st.text())
def test_no_name_ends_or_nests_a_comment(text: str) -> None:
    comment = in_comment(text)
    assert comment.isascii() and (comment.isprintable() or not comment)
    assert not any(pair in comment for pair in ("*/", "/*", "//", "??"))
    assert len(comment) < 2 * LONGEST


def test_every_input_has_a_line() -> None:
    assert input_names(("a", "b\\")).splitlines() == [
        " *",
        " * The inputs, in order:",
        " *   x[0] 'a'",
        " *   x[1] 'b\\\\'",
    ]
