"""Commands at a port with a wrong device or no device end with one sentence and exit code 3.

The commands send nothing that could change the wrong device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ska_edge.device import session
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.wire.frame import Frame, encode_frame
from ska_edge.wire.protocol import BY_CODE, BY_NAME, PROTOCOL_VERSION, Capability
from tests.fake_device import FakeDevice

COMMANDS = {
    "monitor": ("monitor", "{model}", "iris", "--patience", "0"),
    "verify": ("verify", "{model}", "iris", "--samples", "3"),
    "pull": ("pull", "{model}", "-o", "pulled.ska"),
    "push": ("push", "{model}"),
}
READS = {"HELLO", "PULL"}  # requests that change nothing


@pytest.fixture
def device() -> Iterator[FakeDevice]:
    device = FakeDevice()
    yield device
    device.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "HELLO_WAITS", (0.25, 0.25))
    monkeypatch.setitem(Link.__init__.__kwdefaults__, "timeout", 0.2)


@pytest.fixture(params=COMMANDS)
def refused(
    request: pytest.FixtureRequest, ska_edge, device: FakeDevice, iris_file: Path
) -> Callable[[], str]:
    """Return a function that runs a command against the device and returns its error sentence."""
    arguments = [part.format(model=iris_file) for part in COMMANDS[request.param]]

    def run() -> str:
        sentence = ska_edge(*arguments, "--port", device.port).refusal(3)
        assert {BY_CODE[frame.code].name for frame in device.requests} <= READS
        assert not Path("pulled.ska").exists()
        assert device.port in sentence
        return sentence

    return run


def test_a_device_with_the_plan_of_another_model(
    refused: Callable[[], str], device: FakeDevice, iris: Model
) -> None:
    sentence = refused()
    assert f"runs the plan 0123456789abcdef, not {iris.plan.digest}: build and flash" in sentence


@pytest.mark.parametrize("length", [1, 30, 200])
def test_a_device_with_another_protocol(
    refused: Callable[[], str], device: FakeDevice, length: int
) -> None:
    payload = bytes([PROTOCOL_VERSION + 1]).ljust(length, b"\x11")
    device.respond = lambda frame: encode_frame(BY_NAME["WELCOME"].code, frame.seq, payload)
    assert f"speaks protocol version {PROTOCOL_VERSION + 1}" in refused()


@pytest.mark.parametrize(
    "garbage",
    [b"AT\r\nERROR\r\n", bytes(range(1, 256)), b"\xff" * 300, b"\x03\x01\x02\x00" * 20],
    ids=["modem", "bytes", "ones", "short frames"],
)
@pytest.mark.usefixtures("impatient")
def test_something_that_answers_garbage(
    refused: Callable[[], str], device: FakeDevice, garbage: bytes
) -> None:
    device.respond = lambda _: garbage
    assert "is not a ska-edge device" in refused()


@pytest.mark.usefixtures("impatient")
def test_something_that_answers_nothing(refused: Callable[[], str], device: FakeDevice) -> None:
    device.respond = lambda _: b""
    assert "does not answer" in refused()


def test_a_cut_welcome_in_a_good_frame_is_refused(
    refused: Callable[[], str], device: FakeDevice
) -> None:
    """The device sends a WELCOME of the right version, but cuts it short."""
    payload = bytes([PROTOCOL_VERSION, 1, 2, 3])
    device.respond = lambda frame: encode_frame(BY_NAME["WELCOME"].code, frame.seq, payload)
    # `refused` fails: the sentence lacks the port.
    with pytest.raises(AssertionError, match="WELCOME of 4 bytes"):
        refused()


@pytest.mark.parametrize("command", ["push", "save"])
def test_a_device_that_cannot_keep_anything(
    command: str, ska_edge, device: FakeDevice, iris_file: Path, iris: Model
) -> None:
    device.capabilities &= ~int(Capability.PUSH | Capability.SAVE)
    digest = bytes.fromhex(iris.plan.digest)

    def respond(frame: Frame) -> bytes:
        if frame.code == BY_NAME["HELLO"].code:
            device._last = frame
            planned = {"digest": digest, "state_bytes": iris.plan.state_bytes}
            return device.reply(frame.seq, "WELCOME", {**device.welcome(), **planned})
        return device.answer(frame)

    device.respond = respond
    arguments = [command, iris_file] if command == "push" else [command]
    sentence = ska_edge(*arguments, "--port", device.port).refusal(3)
    assert "has no memory for two saves" in sentence
    assert set(device.names()) <= READS
