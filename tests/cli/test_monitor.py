"""`monitor` with real firmware: several boards at once, boards that go away, Ctrl-C, a broker."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from firmware_gen.boards import Board
from firmware_gen.build import build
from firmware_gen.flash import start
from firmware_gen.project import write_project
from ska_edge import fleet
from ska_edge.cli.main import main
from ska_edge.data import Dataset, load, save
from ska_edge.errors import InputError
from ska_edge.fleet import Job, Member, run
from ska_edge.link import Link
from ska_edge.model_file import Model
from ska_edge.protocol import Want
from ska_edge.replay_log import rebuild
from ska_edge.state import State
from ska_edge.telemetry import Line
from ska_edge.trainer import FixedTrainer
from tests.powered_board import PoweredBoard
from tests.ska_edge.test_mqtt import free_port, start_broker, subscribed

__all__ = ["start_broker"]  # a fixture

ROWS = 40
LIMIT = 120  # seconds after which a program counts as stuck

Start = Callable[..., str]


@pytest.fixture
def built(require_board: Callable[[str], Board], iris: Model) -> Callable[[str, str], Path]:
    """A function that gives a folder with the model `iris`, built for a board."""
    first: dict[str, Path] = {}

    def give(name: str, folder: str) -> Path:
        if name not in first:
            require_board(name)
            first[name] = Path(f"built-{name}")
            write_project(iris.plan, iris.state.parameters, name, first[name])
            build(first[name])
        if not Path(folder).exists():
            shutil.copytree(first[name], folder)
        return Path(folder)

    return give


@pytest.fixture
def start_board(built: Callable[[str, str], Path]) -> Iterator[Start]:
    """A function that starts a board with the model `iris` in a folder and returns its port."""
    with ExitStack() as stack:
        yield lambda name, folder: stack.enter_context(start(built(name, folder))).port


def lines_of(path: str | Path) -> list[Line]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def rows_of(lines: list[Line]) -> list[Line]:
    return [line for line in lines if "sample" in line]


def taught(model: Model, count: int, first: int = 0, step: int = 1) -> State:
    """A device's state after some of the first rows of iris."""
    trainer = FixedTrainer(model.state.flashed())
    data = load("iris")
    inputs = model.quantize(data.x)
    for row in range(first, count, step):
        trainer.learn_one(inputs[row], int(data.y[row]))
    return trainer.state


def logged(model: Model, lines: list[Line]) -> State:
    """The state of a device that learned what a log says, from the flashed weights on."""
    trainer = FixedTrainer(model.state.flashed())
    saved = trainer.state.to_bytes()
    for line in lines:
        if "sample" in line:
            decisions = trainer.learn_one(np.array(line["x"]), line["label"])
            assert trainer.state.samples == line["sample"]
            assert line["decisions"] in (None, decisions.tolist())
        elif "saved" in line:
            assert line["saved"] == trainer.state.samples
            saved = trainer.state.to_bytes()
        elif line.get("fell_back"):
            trainer = FixedTrainer(State.from_bytes(model.plan, saved))
        elif "rate" in line:
            trainer.state.halve_rate(line["rate"])
    return trainer.state


def pulled(model: Model, port: str) -> State:
    with Link(port) as link:
        return State.from_bytes(model.plan, link.pull(model.plan.state_bytes))


# --- several boards -------------------------------------------------------------------------------


def test_eight_boards_learn_at_the_same_time(
    ska_edge, iris_file: Path, iris: Model, start_board: Start
) -> None:
    ports = [start_board("virtual-m4", f"board-{number}") for number in range(8)]
    named = [part for port in ports for part in ("--port", port)]
    outcome = ska_edge(
        "monitor", iris_file, "iris", *named, "--samples", ROWS, "--log", "steps.jsonl", "--json"
    )
    assert outcome.code == 0, outcome.err
    devices = outcome.document()["devices"]
    host = taught(iris, ROWS)
    assert [device["port"] for device in devices] == ports
    for number, (port, device) in enumerate(zip(ports, devices, strict=True), 1):
        assert device["log"] == f"steps-{number}.jsonl"
        assert (device["board"], device["error"]) == ("virtual-m4", None)
        assert (device["step"], device["samples"]) == (ROWS, ROWS)
        first, *rows, end = lines_of(device["log"])
        assert first["device"]["port"] == port
        assert [row["sample"] for row in rows] == list(range(1, ROWS + 1))
        assert device["correct"] == sum(row["predicted"] == row["label"] for row in rows)
        assert end == {"end": {"step": ROWS, "samples": ROWS, "crc": host.crc}}
        assert pulled(iris, port).to_bytes() == host.to_bytes()
        assert f"{port}: {ROWS}/{ROWS} samples" in outcome.err
    assert outcome.err.count(" ended ") == 8  # in the table


def test_rows_are_shared_out(ska_edge, iris_file: Path, iris: Model, start_board: Start) -> None:
    ports = [start_board("host", f"board-{number}") for number in range(3)]
    named = [part for port in ports for part in ("--port", port)]
    outcome = ska_edge("monitor", iris_file, "iris", *named, "--samples", ROWS, "--split", "--json")
    devices = outcome.document()["devices"]
    assert [device["samples"] for device in devices] == [14, 13, 13]
    for number, port in enumerate(ports):
        host = taught(iris, ROWS, number, 3)
        assert pulled(iris, port).to_bytes() == host.to_bytes()


def test_a_device_that_fails_does_not_end_the_others(
    ska_edge, iris_file: Path, iris: Model, start_board: Start
) -> None:
    port = start_board("host", "board")
    arguments = ("monitor", iris_file, "iris", "--port", "/dev/none", "--port", port)
    outcome = ska_edge(*arguments, "--samples", ROWS, "--log", "steps.jsonl", "--json")
    assert outcome.code == 3
    absent, present = outcome.document()["devices"]
    assert "there is no port /dev/none" in absent["error"]
    assert (absent["board"], absent["samples"], absent["log"]) == (None, 0, None)
    assert (present["error"], present["samples"]) == (None, ROWS)
    assert outcome.err.splitlines()[-1] == f"ska-edge: {absent['error']}"
    assert not Path("steps-1.jsonl").exists()
    assert pulled(iris, port).to_bytes() == taught(iris, ROWS).to_bytes()

    looked = ska_edge(*arguments[:1], *arguments[3:], "--json")
    assert looked.code == 3
    assert [device["step"] for device in looked.document()["devices"]] == [None, ROWS]


def test_the_exit_code_is_that_of_the_first_error(
    ska_edge, iris_file: Path, start_board: Start
) -> None:
    ports = [start_board("host", f"board-{number}") for number in range(2)]
    Path("steps-1.jsonl").symlink_to("/dev/full")
    Path("other-2.jsonl").symlink_to("/dev/full")
    learn = ("monitor", iris_file, "iris", "--samples", ROWS)

    named = [part for port in (*ports, "/dev/none") for part in ("--port", port)]
    outcome = ska_edge(*learn, *named, "--log", "steps.jsonl", "--json")
    full, good, absent = [device["error"] for device in outcome.document()["devices"]]
    assert (good, outcome.code) == (None, 2)
    assert "cannot write steps-1.jsonl" in full
    assert outcome.err.splitlines()[-2:] == [f"ska-edge: {full}", f"ska-edge: {absent}"]

    named = ["--port", "/dev/none", "--port", ports[0]]
    assert ska_edge(*learn, *named, "--log", "other.jsonl").code == 3


def test_nobody_learns_when_one_log_cannot_be_continued(
    ska_edge, iris_file: Path, iris: Model, start_board: Start
) -> None:
    ports = [start_board("host", f"board-{number}") for number in range(2)]
    Path("steps-2.jsonl").write_text("my notes\n")
    named = [part for port in ports for part in ("--port", port)]
    arguments = ("monitor", iris_file, "iris", *named, "--samples", ROWS, "--log", "steps.jsonl")
    outcome = ska_edge(*arguments)
    assert outcome.code == 2
    assert "steps-2.jsonl cannot be continued: its last line, 1," in outcome.err.splitlines()[-1]
    assert Path("steps-2.jsonl").read_text() == "my notes\n"
    assert all(pulled(iris, port).samples == 0 for port in ports)
    assert ska_edge(*arguments, "--overwrite").code == 0
    assert lines_of("steps-2.jsonl")[-1]["end"]["samples"] == ROWS


def test_what_does_not_go_together(ska_edge, iris_file: Path) -> None:
    learn = ("monitor", iris_file, "iris")
    for arguments, words in (
        ((*learn, "--port", "/dev/a", "--port", "/dev/a"), "--port /dev/a is given twice"),
        ((*learn, "--port", "/dev/a", "--mqtt", "localhost:x"), "no address of an MQTT broker"),
        ((*learn, "--mqtt", "localhost", "--name", "a", "--name", "b"), "once for each --port"),
        ((*learn, "--port", "/dev/a", "--name", "a"), "--name is for MQTT: give --mqtt"),
        ((*learn, "--overwrite"), "--overwrite replaces logs: name one by --log"),
        ((*learn, "--patience", "nan"), "--patience is nan: give a number of seconds"),
        ((*learn, "--patience", "inf"), "--patience is inf: give a number of seconds"),
        ((*learn, "--port", "/dev/a", "--halve-rate", "200"), "--halve-rate is 200"),
    ):
        assert words in ska_edge(*arguments).refusal(2)
    assert not Path("steps.jsonl").exists()


# Options that say at which devices to look, and how to answer.
LOOKING = {"--port", "--baud", "--json"}


def test_who_only_looks_is_told_what_needs_a_model(ska_edge) -> None:
    tried = set()
    for option in main.commands["monitor"].params:
        if not isinstance(option, click.Option) or option.opts[0] in LOOKING:
            continue
        value = () if option.is_flag else ("30",)  # also where it is the default
        sentence = ska_edge("monitor", "--port", "/dev/a", option.opts[0], *value).refusal(2)
        assert f"{option.opts[0]} does nothing without MODEL and DATA: name both" in sentence
        assert ("ska-edge save" in sentence) == (option.opts[0] == "--save")
        tried.add(option.opts[0])
    assert {"--save", "--samples", "--patience", "--log", "--mqtt", "--name"} <= tried
    assert not Path("30").exists()


# --- logs, rates and saves ------------------------------------------------------------------------


def test_a_log_has_all_that_the_state_follows_from(
    ska_edge, iris_file: Path, iris: Model, start_board: Start
) -> None:
    port = start_board("host", "board")
    arguments = ("monitor", iris_file, "iris", "--port", port, "--log", "steps.jsonl")
    assert ska_edge(*arguments, "--samples", 10).code == 0
    options = ("--samples", 25, "--halve-rate", 1, "--save-every", 10, "--save")
    assert ska_edge(*arguments, *options).code == 0
    lines = lines_of("steps.jsonl")
    kinds = [next(iter(line)) for line in lines if "sample" not in line and "warning" not in line]
    assert kinds == ["device", "end", "device", "rate", "saved", "saved", "saved", "end"]
    assert [line["saved"] for line in lines if "saved" in line] == [20, 30, 35]
    state = logged(iris, lines)
    assert (state.samples, state.halvings) == (35, 1)
    assert pulled(iris, port).to_bytes() == state.to_bytes()
    assert lines[-1]["end"] == {"step": 35, "samples": 35, "crc": state.crc}

    replayed = ska_edge("replay", "steps.jsonl", iris_file, "--json").document()
    assert (replayed["samples"], replayed["checked"]) == (35, True)

    # Somebody teaches the device without the log.
    assert ska_edge(*arguments[:-2], "--samples", 3).code == 0
    sentence = ska_edge(*arguments, "--samples", 3).refusal(2)
    assert "ends at sample 35, and the device has learned 38" in sentence


# --- a board that goes away -----------------------------------------------------------------------


class Relay:
    """Leads from `socket://127.0.0.1:PORT` to a serial port, and hangs up after some bytes.

    Each connection is cut when so many bytes have come from the device; the last of `cuts` is
    followed by connections that stay.
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
        """Pass bytes on until the connection ends; True when the relay is closed meanwhile."""
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


def test_a_line_that_is_cut_is_no_loss(
    ska_edge, iris_file: Path, iris: Model, start_board: Start
) -> None:
    relay = Relay(start_board("host", "board"), [3000, 2000, 5000])
    try:
        outcome = ska_edge(
            "monitor", iris_file, "iris", "--port", relay.port, "--log", "steps.jsonl", "--json"
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
    assert lines[-1] == {"end": {"step": 150, "samples": 150, "crc": host.crc}}
    assert logged(iris, lines).to_bytes() == host.to_bytes()
    assert rebuild(Path("steps.jsonl"), iris).state.to_bytes() == host.to_bytes()
    said = outcome.err.splitlines()
    assert sum("; waiting up to 30 s for it" in line for line in said) == 3
    assert sum("is back; it has learned" in line for line in said) == 3
    assert outcome.document()["samples"] == 150


LosesPower = Callable[..., tuple[Member, list[Line], State]]


@pytest.fixture
def loses_power(
    built: Callable[[str, str], Path], iris: Model, monkeypatch: pytest.MonkeyPatch
) -> LosesPower:
    """A function that lets a board learn rows of iris and takes its power away once, behind the
    first line for which `when` holds; the monitor's member, the log, and the device's last state.

    `prepare` is done before with a link to the board; other arguments are those of `Job`.
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

            def say(member: Member, what: Any) -> None:
                if not isinstance(what, dict):
                    return
                lines.append(what)
                if when(what) and not any("interrupted" in line for line in lines):
                    board.restart()

            with Link(str(port)) as link:
                prepare(link)
            data = load("iris")
            member = Member(str(port), iris.quantize(data.x[:ROWS]), data.y[:ROWS], Path("s.jsonl"))
            job = Job(
                plan=iris.plan,
                baud=115200,
                patience=LIMIT,
                halvings=halvings,
                save=False,
                save_every=save_every,
                overwrite=False,
                broker="",
                say=say,
                warn=pytest.fail,
            )
            run([member], job, lambda: None, lambda: None)
            assert member.error is None
            assert member.monitor is not None
            assert (member.state, member.monitor.learned) == ("ended", ROWS)
            assert lines == lines_of("s.jsonl")
            return member, lines, pulled(iris, str(port))

    return watch


def test_a_board_that_loses_its_power_goes_on_from_its_save(
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
    # What stood in the line when the power went may still have come, as rows or not at all.
    missed = rows_of(lines[: lines.index(fall)])
    assert len(missed) >= 25
    assert state.samples == 20 + ROWS - len(missed)


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_a_save_that_lies_ahead_is_not_taken_for_rows_that_were_learned(
    loses_power: LosesPower, iris: Model, ahead: int
) -> None:
    """The device was reset, and what it had saved before stayed."""
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
    with pytest.raises(InputError, match="a state that it has nowhere before in this log"):
        rebuild(Path("s.jsonl"), iris)


def test_a_restart_behind_the_rate_does_not_lose_it(loses_power: LosesPower, iris: Model) -> None:
    member, lines, device = loses_power(lambda line: "rate" in line, halvings=2)
    assert member.monitor is not None
    assert member.monitor.fell_back == 1
    assert [next(iter(line)) for line in lines[:4]] == ["device", "rate", "interrupted", "rate"]
    assert device.halvings == 2
    assert rebuild(Path("s.jsonl"), iris).state.to_bytes() == device.to_bytes()


def test_a_fall_is_a_warning_in_words_and_as_data(
    ska_edge,
    iris_file: Path,
    iris: Model,
    start_board: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The board is started anew behind the same name, without a save."""
    port = Path("bench: left").absolute()  # a colon is no end of what happened
    port.symlink_to(start_board("host", "board-1"))
    learn = fleet.Monitor.run

    def run_and_restart(self: fleet.Monitor, *arguments: Any, **options: Any) -> Iterator[Line]:
        for line in learn(self, *arguments, **options):
            yield line
            if line.get("sample") == 25 and not self.fell_back:
                port.unlink()
                port.symlink_to(start_board("host", "board-2"))
                self._stream.link.close()  # as if unplugged

    monkeypatch.setattr(fleet.Monitor, "run", run_and_restart)
    outcome = ska_edge("monitor", iris_file, "iris", "--port", port, "--samples", ROWS, "--json")
    assert outcome.code == 0, outcome.err
    (fell,) = [each for each in outcome.document()["warnings"] if each["sign"] == "fell back"]
    assert re.search(r"started again, or was .* has 0 samples, not \d+, and what it", fell["text"])
    assert f"warning: {fell['text']}" in outcome.err.splitlines()
    (note,) = [line for line in outcome.err.splitlines() if "waiting up to" in line]
    assert note.startswith(f"the port {port} is gone (")
    assert note.endswith("); waiting up to 30 s for it")


# --- Ctrl-C ---------------------------------------------------------------------------------------


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A function that starts the program and returns its process."""
    with ExitStack() as stack:

        def begin(*arguments: object) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", "ska_edge", *map(str, arguments)],
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield begin


def read_until(process: subprocess.Popen[str], words: str) -> None:
    """Read a program's messages up to the first line with these words."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            return
    pytest.fail(f"{words!r} is not in {seen}")


def many_rows(model: Model) -> str:
    """A file with 1000 rows like those of iris."""
    data = load("iris")
    rows = np.resize(np.arange(len(data.y)), 1000)
    many = Dataset("many", data.x[rows], data.y[rows], data.labels)
    save(many, Path("many.npz"))
    return "many.npz"


def test_ctrl_c_ends_all_devices_between_two_samples(
    iris_file: Path, iris: Model, start_board: Start, spawn: Callable[..., Any]
) -> None:
    # Pipes in place of the logs hold both devices up, until they are read.
    ports = [start_board("host", f"board-{number}") for number in range(2)]
    pipes = [Path(f"steps-{number}.jsonl") for number in (1, 2)]
    for pipe in pipes:
        os.mkfifo(pipe)
    named = [part for port in ports for part in ("--port", port)]
    process = spawn("monitor", iris_file, many_rows(iris), *named, "--log", "steps.jsonl")
    with ExitStack() as stack:
        opened = [stack.enter_context(pipe.open(encoding="utf-8")) for pipe in pipes]
        texts = [[file.readline(), file.readline()] for file in opened]
        assert [json.loads(text[1])["sample"] for text in texts] == [1, 1]
        process.send_signal(signal.SIGINT)
        read_until(process, "stopping between two samples")
        readers = [
            threading.Thread(target=text.extend, args=(file,))
            for text, file in zip(texts, opened, strict=True)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, err.splitlines()[-1]) == (130, "ska-edge: stopped"), (out, err)
    assert "Traceback" not in err
    for port, text in zip(ports, texts, strict=True):
        lines = [json.loads(line) for line in text]
        rows = rows_of(lines)
        assert 1 <= len(rows) < 1000
        state = logged(iris, lines)
        assert "end" in lines[-1], (lines[-1], err)
        assert lines[-1]["end"] == {"step": len(rows), "samples": len(rows), "crc": state.crc}
        assert pulled(iris, port).to_bytes() == state.to_bytes()


def test_ctrl_c_ends_the_wait_for_a_device(
    iris_file: Path, iris: Model, built: Callable[[str, str], Path], spawn: Callable[..., Any]
) -> None:
    # A pipe holds the device up in mid-stream until its board has gone.
    os.mkfifo("steps")
    project, data = built("host", "board"), many_rows(iris)
    with ExitStack() as powered:
        port = powered.enter_context(start(project)).port
        options = ("--port", port, "--log", "steps", "--patience", 10**6)
        process = spawn("monitor", iris_file, data, *options)
        with Path("steps").open(encoding="utf-8") as steps:
            assert "device" in json.loads(steps.readline())
            powered.close()
            reader = threading.Thread(target=list, args=(steps,))
            reader.start()
            read_until(process, "; waiting up to 1e+06 s")
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=LIMIT)
            reader.join()
    assert process.returncode == 130
    assert err.splitlines()[-1] == "ska-edge: stopped"
    assert "Traceback" not in err


# --- a broker -------------------------------------------------------------------------------------


def test_a_broker_gets_every_line_of_every_device(
    ska_edge, iris_file: Path, start_board: Start, start_broker: Callable
) -> None:
    broker = free_port()
    start_broker(broker)
    ports = [start_board("host", f"board-{number}") for number in range(2)]
    named = [part for port in ports for part in ("--port", port)]
    with subscribed(broker) as subscriber:
        outcome = ska_edge(
            "monitor", iris_file, "iris", *named, "--samples", ROWS, "--log", "s.jsonl",
            "--mqtt", f"127.0.0.1:{broker}", "--name", "left", "--name", "right",
        )  # fmt: skip
        assert outcome.code == 0, outcome.err
        for number, name in enumerate(("left", "right"), 1):
            subscriber.wait_for(f"ska-edge/{name}/status", "ended")
            published = [json.loads(text) for text in subscriber.of(f"ska-edge/{name}/telemetry")]
            assert published == lines_of(f"s-{number}.jsonl")
            assert len(rows_of(published)) == ROWS
            assert subscriber.of(f"ska-edge/{name}/status") == ["learning", "ended"]


def test_a_device_has_a_name_without_being_given_one(
    ska_edge, iris_file: Path, start_board: Start, start_broker: Callable
) -> None:
    broker = free_port()
    start_broker(broker)
    port = start_board("host", "board")
    with subscribed(broker) as subscriber:
        arguments = ("monitor", iris_file, "iris", "--port", port, "--samples", 2)
        assert ska_edge(*arguments, "--mqtt", f"127.0.0.1:{broker}").code == 0
        subscriber.wait_for(f"ska-edge/host-{Path(port).name}/status", "ended")


def test_without_a_broker_devices_learn_all_the_same(
    ska_edge, iris_file: Path, start_board: Start
) -> None:
    pytest.importorskip("paho.mqtt.client")
    port = start_board("host", "board")
    outcome = ska_edge(
        "monitor", iris_file, "iris", "--port", port, "--samples", ROWS, "--json",
        "--mqtt", f"127.0.0.1:{free_port()}",
    )  # fmt: skip
    assert outcome.code == 0
    assert outcome.document()["samples"] == ROWS
    assert (
        sum("does not answer; devices learn on" in line for line in outcome.err.splitlines()) == 1
    )
