"""A program that a test starts obeys a signal even if the tests ignore that signal."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.signals import ENDING, heeded

SHOW = "import signal, sys; print(signal.getsignal(int(sys.argv[1])) is signal.SIG_IGN)"


def ignored_by_a_child(number: signal.Signals) -> bool:
    """Tell whether a program that is started now ignores a signal."""
    command = [sys.executable, "-c", SHOW, str(int(number))]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout == "True\n"


@pytest.mark.parametrize("number", ENDING)
def test_a_child_obeys_signals_that_its_parent_ignores(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        assert ignored_by_a_child(number)
        with heeded():
            if number is not signal.SIGINT:
                signal.raise_signal(number)  # the test process survives it
            assert not ignored_by_a_child(number)
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
