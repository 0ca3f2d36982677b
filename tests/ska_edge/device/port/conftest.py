"""A terminal for the tests of ports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ska_edge.device.port.terminal import Terminal


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.hang_up()
