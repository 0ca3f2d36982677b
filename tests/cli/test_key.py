"""On the command line, a device with a key works like any other if the key file is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ska_edge as api
from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators import flash
from ska_edge.errors import DeviceError, InputError
from ska_edge.model.model_file import Model
from ska_edge.wire.protocol import KEY_BYTES
from ska_edge.wire.tag import read_key
from tests.cli.conftest import Run

KEY = bytes(range(100, 100 + KEY_BYTES))


@pytest.fixture(autouse=True)
def key_files() -> None:
    Path("right.key").write_text(KEY.hex() + "\n")
    Path("wrong.key").write_text(bytes(KEY_BYTES).hex())


@pytest.fixture
def port(ska_edge: Run, iris_file: Path, require_board: Callable[[str], Board]) -> Iterator[str]:
    require_board("host")
    made = ska_edge("firmware", iris_file, "--board", "host", "-o", "keyed", "--key", "right.key")
    assert made.code == 0, made.err
    build(Path("keyed"))
    with flash.start(Path("keyed")) as running:
        yield running.port


def test_with_its_key_it_learns_and_the_log_rebuilds_it(
    ska_edge: Run, iris_file: Path, port: str
) -> None:
    key = ("--port", port, "--key", "right.key")
    learn = ("monitor", iris_file, "iris", "--hold-out", 0, "--log", "s.jsonl", "--save")
    assert ska_edge(*learn, *key).code == 0
    assert ska_edge("replay", "s.jsonl", iris_file, "-o", "rebuilt.ska").code == 0
    assert ska_edge("pull", iris_file, "-o", "pulled.ska", "--port", port).code == 0
    rebuilt, pulled = api.load("rebuilt.ska"), api.load("pulled.ska")
    assert rebuilt.state.to_bytes() == pulled.state.to_bytes()
    assert pulled.state.samples == 150
    assert ska_edge("push", iris_file, "--fresh", *key).code == 0
    assert ska_edge("verify", iris_file, "iris", "--samples", 5, *key).code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("monitor", "MODEL", "iris", "--samples", "3"),
        ("save",),
        ("push", "MODEL"),
        ("verify", "MODEL", "iris", "--samples", "3"),
    ],
)
@pytest.mark.parametrize("key", [None, "wrong.key"])
def test_without_its_key_it_stays_as_it_is(
    ska_edge: Run, iris_file: Path, port: str, command: tuple[str, ...], key: str | None
) -> None:
    words = [iris_file if word == "MODEL" else word for word in command]
    extra = [] if key is None else ["--key", key]
    outcome = ska_edge(*words, "--port", port, *extra)
    assert outcome.code == 3
    last = outcome.err.splitlines()[-1]
    assert last.endswith("can be changed only with its key: give it with --key")
    with api.connect(port, iris_file) as device:
        assert (device.info().samples, device.info().saves) == (0, 0)


def test_a_key_for_a_device_without_a_key_is_refused(
    ska_edge: Run, start_board: Callable[..., str]
) -> None:
    port = start_board("host", "plain")
    sentence = ska_edge("save", "--port", port, "--key", "right.key").refusal(3)
    assert f"the device at {port} has no key: leave --key out" in sentence


def test_a_started_board_has_no_key(ska_edge: Run, iris_file: Path) -> None:
    words = ("verify", iris_file, "iris", "--board", "host", "--key", "right.key")
    assert "give --board or --key, not both" in ska_edge(*words).refusal(2)


@pytest.mark.parametrize(
    "content", [b"", b"00", b"zz" * 32, bytes(range(256)), b"00" * 33, b"0" * 10**6]
)
def test_a_file_that_is_not_a_key_is_refused(ska_edge: Run, content: bytes) -> None:
    Path("bad.key").write_bytes(content)
    sentence = ska_edge("save", "--port", "nowhere", "--key", "bad.key").refusal(2)
    assert sentence == "ska-edge: bad.key is no key: it needs 64 hexadecimal digits"


def test_a_missing_key_file_is_an_error(ska_edge: Run) -> None:
    sentence = ska_edge("save", "--port", "nowhere", "--key", "no.key").refusal(2)
    assert "make one with `openssl rand -hex 32 > no.key`" in sentence


def test_python_uses_a_key_too(port: str, iris: Model, iris_file: Path) -> None:
    with api.connect(port, iris_file, key=read_key(Path("right.key"))) as device:
        device.save()
        assert device.info().saves == 1
    with api.connect(port, iris_file) as device, pytest.raises(DeviceError, match="its key"):
        device.save()
    with pytest.raises(InputError):
        read_key(Path("."))
