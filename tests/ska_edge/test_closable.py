"""A `with` block closes a `Closable` at its end, also after an error."""

from __future__ import annotations

import pytest

from ska_edge.closable import Closable


class Door(Closable):
    """Counts how many times it is closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


def test_the_block_gets_it_and_closes_it() -> None:
    door = Door()
    with door as given:
        assert given is door
        assert door.closed == 0
    assert door.closed == 1


def test_an_error_closes_it_and_is_raised() -> None:
    door = Door()
    with pytest.raises(ZeroDivisionError), door:
        _ = 1 / 0
    assert door.closed == 1


class Opening(Closable):
    """Lacks the method `close`."""


def test_a_class_without_close_cannot_be_used_at_all() -> None:
    with pytest.raises(TypeError, match="close"):
        Opening()
