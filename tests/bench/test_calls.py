"""One row of `monitor` takes few calls and rarely crosses between modules."""

from __future__ import annotations

from tests.bench.calls import COUNTED, walk


def test_a_row_takes_half_of_the_calls_that_it_once_took() -> None:
    """A row took 187 calls and 46 changes of module before a sample became a single object."""
    found = walk()
    assert 20 < sum(found.calls.values()) / COUNTED <= 93
    assert 5 < found.changes / COUNTED <= 23
