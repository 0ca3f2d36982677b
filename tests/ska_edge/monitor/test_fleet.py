"""Whenever Ctrl-C comes, the fleet waits for every task that has started."""

from __future__ import annotations

import threading
from functools import partial
from types import SimpleNamespace

import pytest

from ska_edge.monitor import fleet


@pytest.mark.parametrize("interrupted", ["first", "second"])
def test_ctrl_c_while_threads_start_waits_for_the_started_ones(
    interrupted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C can interrupt `start` after the new thread has begun to run."""
    stop, waited_for = threading.Event(), threading.Event()
    ended: list[str] = []

    class Interrupted(threading.Thread):
        def start(self) -> None:
            super().start()
            if self.name == interrupted:
                raise KeyboardInterrupt

    class Watched(threading.Event):
        """An event that lets the tasks end as soon as the fleet waits for any event."""

        def wait(self, timeout: float | None = None) -> bool:
            waited_for.set()
            return super().wait(timeout)

    def task(name: str) -> None:
        waited_for.wait()
        ended.append(name)

    names = ["first", "second"]
    monkeypatch.setattr(fleet, "threading", SimpleNamespace(Thread=Interrupted, Event=Watched))
    with pytest.raises(KeyboardInterrupt):
        fleet._at_once(names, [partial(task, name) for name in names], stop)
    found = sorted(ended)
    waited_for.set()
    assert stop.is_set()
    assert found == names[: names.index(interrupted) + 1]
