"""Streams and logs stay right when restarts and lost answers come at the worst moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.device.link import Link
from ska_edge.device.sample import Sample
from ska_edge.device.stream import Reconnection, Stream
from ska_edge.errors import ContactLost, InputError
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.log.line import Interruption, RowNotice, SessionEnd
from ska_edge.monitor.monitor import Monitor
from ska_edge.monitor.replay import rebuild
from ska_edge.monitor.sinks.log import Log
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.frame import Frame
from ska_edge.wire.protocol import BY_NAME, Status, Want
from tests.fake_device import CLASSES, DIGEST, INPUTS, FakeDevice
from tests.trainer_device import TrainerDevice

ROWS = 25
NOTHING = Want(0)
INPUT = np.arange(ROWS * INPUTS).reshape(ROWS, INPUTS) % 128
LABELS = np.arange(ROWS) % CLASSES
PLAN = make_plan((INPUTS, 5, CLASSES))
FLASHED = State(PLAN, np.random.default_rng(1).integers(-3000, 3000, PLAN.parameter_count))
MODEL = Model(PLAN, FLASHED, Scaling(np.zeros(INPUTS), np.ones(INPUTS)))


@pytest.fixture
def trainer() -> Iterator[TrainerDevice]:
    with TrainerDevice(FLASHED) as device:
        yield device


def opened(device: FakeDevice, digest: str = DIGEST, **options: Any) -> Stream:
    def connect() -> Link:
        return Link(device.port, timeout=0.2, stop=options.get("stop"))

    return Stream(connect, digest, want=NOTHING, **{"patience": 20, **options})


# --- a device that starts again and again ---------------------------------------------------------


def never_keeps_its_token(device: FakeDevice) -> None:
    """Restart the device now, and again after every token that it receives."""

    def respond(frame: Frame) -> bytes:
        answer = device.answer(frame)
        if frame.code == BY_NAME["SET_TOKEN"].code:
            device.restart(samples=device.samples)
        return answer

    device.respond = respond
    device.restart(samples=device.samples)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_request_ends_even_if_the_device_restarts_again_and_again(
    device: FakeDevice, stopped: bool
) -> None:
    """Retries end when the patience, here 0 s, is over, or when the stop event is set."""
    stop = threading.Event()
    stream = opened(device, patience=10**9 if stopped else 0, stop=stop)
    list(stream.learn(INPUT, LABELS))
    never_keeps_its_token(device)
    if stopped:
        stop.set()
    with pytest.raises(ContactLost):
        assert len(list(islice(stream.ask(Link.hello), 100))) < 100, "there is no end"
    stream.close()


@pytest.mark.parametrize("learning", [False, True])
def test_a_stream_pauses_between_two_tries(device: FakeDevice, learning: bool) -> None:
    """The device refuses each request, or forgets its token. The patience limits the tries."""
    stream = opened(device, patience=3 * Stream.PAUSE)
    found = []
    events: Iterator[Sample | Reconnection]
    if learning:
        device.respond = lambda frame: (
            device.refuse(frame, Status.NUMBER, 7)
            if frame.code == BY_NAME["SAMPLE"].code
            else device.answer(frame)
        )
        events = stream.learn(INPUT, LABELS)
    else:
        never_keeps_its_token(device)
        events = stream.ask(Link.hello)
    with pytest.raises(ContactLost):
        for event in events:
            found.append(event)
            assert len(found) <= 4
    stream.close()


def test_patience_begins_with_the_first_token(device: FakeDevice) -> None:
    """The device restarts after the first HELLO, before it gets a token."""
    started: list[Frame] = []

    def respond(frame: Frame) -> bytes:
        if frame.code == BY_NAME["SET_TOKEN"].code and not started:
            started.append(frame)
            device.restart(samples=3)
        return device.answer(frame)

    device.respond = respond
    stream = opened(device)
    assert started
    assert (stream.samples, stream.link.info.token) == (3, device.token)
    assert len(list(stream.learn(INPUT, LABELS))) == ROWS
    stream.close()


@pytest.mark.parametrize("meet", [Link.hello, Link.reset])
def test_a_restart_between_two_calls_of_a_stream_is_reported(
    device: FakeDevice, meet: Callable[[Link], object]
) -> None:
    stream = opened(device)
    list(stream.learn(INPUT, LABELS))
    device.restart(samples=ROWS)
    stream.link.hello()
    meet(stream.link)
    first, *others = stream.learn(INPUT, LABELS)
    stream.close()
    assert isinstance(first, Reconnection)
    assert first.fell_back
    assert [type(event) for event in others] == [Sample] * ROWS


# --- a restart between two copies of HELLO --------------------------------------------------------


def restarts_behind_hello(trainer: TrainerDevice) -> list[Frame]:
    """Make the device restart after its next HELLO, and let a copy of that HELLO open the new
    session. The returned list gets the HELLO when it comes.
    """
    done: list[Frame] = []

    def respond(frame: Frame) -> bytes:
        answer = trainer.answer(frame)
        if frame.code == BY_NAME["HELLO"].code and not done:
            done.append(frame)
            trainer.restart()
            answer += trainer.answer(frame)
        return answer

    trainer.respond = respond
    return done


@pytest.mark.parametrize("saved", [4, 9])
def test_a_restart_between_two_copies_of_hello_is_noticed(
    trainer: TrainerDevice, saved: int
) -> None:
    def taught(count: int) -> State:
        teacher = FixedTrainer(FLASHED.copy(), check=False)
        for row in range(count):
            teacher.learn_one(INPUT[row], int(LABELS[row]))
        return teacher.state

    trainer.saved = taught(saved).to_bytes()
    trainer.network = taught(9)
    trainer.network.halve_rate(2)
    restarts_behind_hello(trainer)
    stream = opened(trainer, PLAN.digest)
    assert (stream.samples, stream.link.info.halvings) == (saved, 0)
    assert [type(event) for event in stream.learn(INPUT, LABELS)] == [Sample] * ROWS
    stream.close()
    assert trainer.network.samples == saved + ROWS


# --- logs -----------------------------------------------------------------------------------------


def monitored(
    device: TrainerDevice,
    path: Path,
    then: Callable[[dict[str, Any], Stream], None],
    **options: Any,
) -> None:
    stream = opened(device, PLAN.digest)
    with Log(path, stream.link.info) as log:
        for line in Monitor(stream, PLAN).run(INPUT, LABELS, **options):
            log.write(line)
            then(line.as_dict(), stream)
    stream.close()


def test_rows_of_another_monitor_are_not_taken_for_rows_in_flight(
    trainer: TrainerDevice, tmp_path: Path
) -> None:
    """The first monitor announced three rows and was killed before it sent them; another monitor
    taught the device three other rows.
    """
    stream = opened(trainer, PLAN.digest)
    with Log(tmp_path / "log", stream.link.info) as log:
        for line in Monitor(stream, PLAN).run(INPUT[:20], LABELS[:20]):
            if not isinstance(line, SessionEnd):
                log.write(line)
        for row in range(20, 23):
            x, label = tuple(INPUT[row].tolist()), int(LABELS[row])
            log.write(RowNotice(row + 1, stream.link.info.token, label, x))
    before = (tmp_path / "log").read_bytes()
    stream.close()
    stream = opened(trainer, PLAN.digest)
    list(Monitor(stream, PLAN).run(INPUT[:3], LABELS[:3]))
    with pytest.raises(InputError, match="ends at sample 20, but the device has learned 23"):
        Log(tmp_path / "log", stream.link.info)
    stream.close()
    assert (tmp_path / "log").read_bytes() == before


def test_a_token_whose_answer_was_lost_does_no_harm(trainer: TrainerDevice, tmp_path: Path) -> None:
    """Another program gave a token before; the device keeps its state and gets the new token."""
    opened(trainer, PLAN.digest).close()
    stream = opened(trainer, PLAN.digest)
    lost = trainer.lose_answers("SET_TOKEN", 3)
    found_again: list[bool] = []
    with Log(tmp_path / "log", stream.link.info) as log:
        for line in Monitor(stream, PLAN).run(INPUT, LABELS):
            log.write(line)
            if isinstance(line, Interruption):
                found_again.append(line.fell_back)
    stream.close()
    assert found_again == [False]
    assert len(lost) == 3
    assert trainer.network.samples == ROWS
    found = rebuild(tmp_path / "log", MODEL)
    assert found.checked
    assert found.state.to_bytes() == trainer.network.to_bytes()


def test_a_rate_whose_answer_was_lost_is_replayed(trainer: TrainerDevice, tmp_path: Path) -> None:
    """The device did not restart, so it still has the rate when contact is restored."""
    lost = trainer.lose_answers("SET_RATE", 3)
    monitored(trainer, tmp_path / "log", lambda *_: None, halvings=1)
    assert len(lost) == 3
    found = rebuild(tmp_path / "log", MODEL)
    assert found.state.to_bytes() == trainer.network.to_bytes()


def test_a_rate_is_not_lost_between_two_copies_of_hello(
    trainer: TrainerDevice, tmp_path: Path
) -> None:
    """Contact is lost after the rate change; the device restarts after the next WELCOME."""
    restarted: list[list[Frame]] = []

    def then(line: dict[str, Any], stream: Stream) -> None:
        if "rate" in line and trainer.respond == trainer.answer:
            restarted.append(restarts_behind_hello(trainer))
            stream.link.close()

    monitored(trainer, tmp_path / "log", then, halvings=2)
    assert len(restarted) == len(restarted[0]) == 1
    found = rebuild(tmp_path / "log", MODEL)
    assert found.state.to_bytes() == trainer.network.to_bytes()


def test_the_last_save_is_made_though_another_state_has_as_many_samples(
    trainer: TrainerDevice, tmp_path: Path
) -> None:
    """The device saves at sample 20. Then a pushed state and other rows give it 20 samples
    again.
    """
    pushed = FixedTrainer(FLASHED.copy(), check=False)

    def then(line: dict[str, Any], stream: Stream) -> None:
        if line.get("sample") == 23 and not pushed.state.samples:
            stream.link.close()
            for row in range(20 - (ROWS - 23)):
                pushed.learn_one(INPUT[row], int(LABELS[row]))
            with Link(trainer.port) as other:
                other.push(pushed.state.to_bytes(), PLAN.digest)

    monitored(trainer, tmp_path / "log", then, save=True, save_every=20)
    assert trainer.network.samples == 20
    assert trainer.saved == trainer.network.to_bytes()
