"""Settings and fixtures of the attack's tests. CI has time for few examples, always the same."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest

from tests.attack.place import Place

CAMPAIGN = hypothesis.settings(
    max_examples=150,
    deadline=None,
    derandomize="CI" in os.environ,
    print_blob=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.fixture(scope="session")
def _place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    pytest.importorskip("sklearn")
    return Place(tmp_path_factory.mktemp("attack"))


@pytest.fixture
def place(_place: Place) -> Iterator[Place]:
    """Return a folder with a good file of each kind, in which commands run."""
    with _place.enter():
        yield _place
