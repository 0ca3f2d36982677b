"""`monitor` goes on when a line is cut or a board with real firmware loses its power."""

from __future__ import annotations

import os
import re
import select
import socket
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ska_edge.data.load import load
from ska_edge.device.link import Link
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.monitor import fleet
from ska_edge.monitor.fleet import Job, Member, run
from ska_edge.monitor.log.line import LogLine, LogRow, Notice
from ska_edge.monitor.replay import rebuild
from ska_edge.monitor.sinks.log import LogSink
from ska_edge.network.state import State
from ska_edge.wire.protocol import Want
from tests.cli.conftest import Start
from tests.cli.iris_log import ROWS, Line, lines_of, logged, pulled, rows_of, taught
from tests.powered_board import PoweredBoard

LIMIT = 120  # seconds after which a program counts as stuck


class Relay:
    """Connects `socket://127.0.0.1:PORT` to a serial port, and disconnects after some bytes.

    The relay cuts connection number i after `cuts[i]` bytes from the device. It does not cut later
    connections.
    """

    def __init__(self, device: str, cuts: list[int]) -> None:
        self._device = os.open(device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._device)
        self._cuts = cuts
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        self.connections = 0
        self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        os.write(self._stop[1], b"x")
        self._thread.join()
        self._server.close()
        for number in (*self._stop, self._device):
            os.close(number)

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._server, self._stop[0]], [], [])
            if self._stop[0] in ready:
                return
            connection, _ = self._server.accept()
            self.connections += 1
            with connection:
                if self._serve(connection, self._cuts.pop(0) if self._cuts else None):
                    return

    def _serve(self, connection: socket.socket, left: int | None) -> bool:
        """Pass bytes on until the connection ends; return True if the relay is closed first."""
        while True:
            ready, _, _ = select.select([connection, self._device, self._stop[0]], [], [])
            if self._stop[0] in ready:
                return True
            if connection in ready:
                data = connection.recv(4096)
                if not data:
                    return False
                os.write(self._device, data)
            if self._device in ready:
                data = os.read(self._device, 4096 if left is None else min(4096, left))
                connection.sendall(data)
                left = None if left is None else left - len(data)
                if left == 0:
                    return False


def test_a_line_that_is_cut_loses_no_row(
    ska_edge, iris_file: Path, iris: Model, start_board: Start
) -> None:
    relay = Relay(start_board("host", "board"), [3000, 2000, 5000])
    try:
        outcome = ska_edge(
            *("monitor", iris_file, "iris", "--port", relay.port, "--log", "steps.jsonl"),
            *("--hold-out", 0, "--json"),
        )
    finally:
        relay.close()
    assert outcome.code == 0, outcome.err
    lines = lines_of("steps.jsonl")
    cuts = [line for line in lines if "interrupted" in line]
    assert len(cuts) == 3
    assert not any(line["fell_back"] for line in cuts)
    assert [row["sample"] for row in rows_of(lines)] == list(range(1, 151))
    host = taught(iris, 150)
    place = {**lines[0]["place"], "next": 150}
    assert lines[-1] == {"end": {"step": 150, "samples": 150, "crc": host.crc}, "place": place}
    assert logged(iris, lines).to_bytes() == host.to_bytes()
    assert rebuild(Path("steps.jsonl"), iris).state.to_bytes() == host.to_bytes()
    said = outcome.err.splitlines()
    assert sum("; waiting up to 30 s for it" in line for line in said) == 3
    assert sum("is back; it has learned" in line for line in said) == 3
    assert outcome.document()["samples"] == 150


def test_a_device_that_does_not_come_back_has_a_document_too(
    ska_edge, iris_file: Path, start_board: Start
) -> None:
    relay = Relay(start_board("host", "board"), [6000])
    try:
        lost = ska_edge(
            "monitor", iris_file, "iris", "--port", relay.port, "--patience", 0, "--json"
        )
    finally:
        relay.close()
    never = ska_edge("monitor", iris_file, "iris", "--port", "nowhere", "--json")
    for outcome, least in ((lost, 1), (never, 0)):
        document = outcome.document()
        last = outcome.err.splitlines()[-1]
        assert (outcome.code, last) == (3, f"ska-edge: {document['error']}")
        assert document["samples"] >= least
        assert document["devices"] == [{key: document[key] for key in document["devices"][0]}]


LosesPower = Callable[..., tuple[Member, list[Line], State]]


@pytest.fixture
def loses_power(
    built: Callable[[str, str], Path], iris: Model, monkeypatch: pytest.MonkeyPatch
) -> LosesPower:
    """Return a function that lets a board learn rows of iris and cuts its power once, after the
    first line for which `when` holds. That function returns the monitor's `Member`, the lines of
    the log, and the device's last state.

    `prepare` is called with a link to the board before the monitor starts. The other arguments are
    those of `Job`.
    """
    monkeypatch.setenv("SKA_STORAGE", str(Path("storage").absolute()))

    def watch(
        when: Callable[[Line], bool],
        prepare: Callable[[Link], object] = Link.hello,
        *,
        halvings: int | None = None,
        save_every: int | None = None,
    ) -> tuple[Member, list[Line], State]:
        lines: list[Line] = []
        project, port = built("host", "board"), Path("port").absolute()
        with PoweredBoard(project, port) as board:

            class Watch(LogSink):
                def write(self, line: LogLine) -> None:
                    super().write(line)
                    if isinstance(line, Notice):
                        return
                    lines.append(line.as_dict())
                    if when(lines[-1]) and not any("interrupted" in each for each in lines):
                        board.restart()

            with Link(str(port)) as link:
                prepare(link)
            data = load("iris")
            sink = Watch(Path("s.jsonl"), overwrite=False)
            member = Member(str(port), iris.quantize(data.x[:ROWS]), data.y[:ROWS], [sink])
            job = Job(
                plan=iris.plan,
                baud=115200,
                patience=LIMIT,
                halvings=halvings,
                save=False,
                save_every=save_every,
            )
            run([member], job, lambda: None, lambda: None)
            assert member.error is None
            assert member.monitor is not None
            assert (member.state, member.monitor.learned) == ("ended", ROWS)
            assert lines == lines_of("s.jsonl")
            return member, lines, pulled(iris, str(port))

    return watch


def test_a_board_that_loses_its_power_continues_from_its_save(
    loses_power: LosesPower, iris: Model
) -> None:
    member, lines, device = loses_power(lambda line: line.get("sample") == 25, save_every=10)
    assert member.monitor is not None
    assert member.monitor.fell_back == 1
    state = logged(iris, lines)
    assert lines[-1]["end"] == {"step": state.step, "samples": state.samples, "crc": state.crc}
    assert device.to_bytes() == state.to_bytes()
    assert rebuild(Path("s.jsonl"), iris).state.to_bytes() == state.to_bytes()
    (fall,) = [line for line in lines if "interrupted" in line]
    assert (fall["fell_back"], fall["samples"]) == (True, 20)
    # Answers on the line when the power failed may still arrive as rows, or be lost.
    missed = rows_of(lines[: lines.index(fall)])
    assert len(missed) >= 25
    assert state.samples == 20 + ROWS - len(missed)


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_a_save_that_is_ahead_is_not_taken_for_learned_rows(
    loses_power: LosesPower, iris: Model, ahead: int
) -> None:
    """The device was reset after a save, and the save remains."""
    kept = 5 + ahead

    def prepare(link: Link) -> None:
        assert link.info.credit > ahead
        for _ in range(kept):
            link.learn([1] * iris.plan.inputs, 1, Want(0))
        link.save()
        link.reset()

    _, lines, device = loses_power(lambda line: line.get("sample") == 5, prepare)
    (fall,) = [line for line in lines if "interrupted" in line]
    before, after = (rows_of(part) for part in (lines[: lines.index(fall)], lines))
    assert (fall["fell_back"], fall["samples"]) == (True, kept)
    assert all(row["decisions"] is not None for row in after[len(before) :])
    assert device.samples == kept + ROWS - len(before)
    with pytest.raises(InputError, match="a state that is nowhere before in this log"):
        rebuild(Path("s.jsonl"), iris)


def test_a_restart_after_a_rate_change_does_not_lose_the_rate(
    loses_power: LosesPower, iris: Model
) -> None:
    member, lines, device = loses_power(lambda line: "rate" in line, halvings=2)
    assert member.monitor is not None
    assert member.monitor.fell_back == 1
    assert [next(iter(line)) for line in lines[:4]] == ["device", "rate", "interrupted", "rate"]
    assert device.halvings == 2
    assert rebuild(Path("s.jsonl"), iris).state.to_bytes() == device.to_bytes()


def test_a_rollback_is_a_warning_in_text_and_document(
    ska_edge,
    iris_file: Path,
    iris: Model,
    start_board: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The board starts again under the same port name, without a save."""
    port = Path("bench: left").absolute()  # a colon in the name must not cut the message
    port.symlink_to(start_board("host", "board-1"))
    learn = fleet.Monitor.run

    def run_and_restart(self: fleet.Monitor, *arguments: Any, **options: Any) -> Iterator[LogLine]:
        for line in learn(self, *arguments, **options):
            yield line
            if isinstance(line, LogRow) and line.sample == 25 and not self.fell_back:
                port.unlink()
                port.symlink_to(start_board("host", "board-2"))
                self._stream.link.close()  # as if unplugged

    monkeypatch.setattr(fleet.Monitor, "run", run_and_restart)
    outcome = ska_edge("monitor", iris_file, "iris", "--port", port, "--samples", ROWS, "--json")
    assert outcome.code == 0, outcome.err
    (fell,) = [each for each in outcome.document()["warnings"] if each["sign"] == "fell back"]
    assert re.search(r"restarted, or was .* has 0 samples, not \d+, and what it", fell["text"])
    assert f"warning: {fell['text']}" in outcome.err.splitlines()
    (note,) = [line for line in outcome.err.splitlines() if "waiting up to" in line]
    assert note.startswith(f"the port {port} is gone (")
    assert note.endswith("); waiting up to 30 s for it")
