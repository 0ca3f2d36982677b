"""ska_device.h works as a library: it takes single bytes, and answers when the caller polls.

The C runs in this process, on a board whose line is an array.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_gen.project import write_project
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.codec import Codec
from ska_edge.wire.frame import FrameDecoder, encode_frame
from ska_edge.wire.message import Values
from ska_edge.wire.protocol import BY_NAME, CHUNK_MAX, PROTOCOL_VERSION, Status, Want

PLANS = {"8 bits": make_plan((5, 20, 3)), "16 bits": make_plan((5, 30, 3), precision="w32a16")}
BOARD = """
#include "ska_board.h"
#include "ska_device.h"
const char ska_board_name[16] = "array";
uint8_t written[65536];
uint32_t count = 0;
const uint32_t device_bytes = sizeof(ska_device_t);
void ska_board_write(uint8_t byte) { written[count++] = byte; }
"""
Reply = tuple[str, dict[str, Any]]


class Device:
    """A `ska_device_t` in memory that had other contents before."""

    def __init__(self, library: ctypes.CDLL, plan: Plan, flashed: State) -> None:
        self.plan, self.flashed = plan, flashed
        self._library = library
        size = ctypes.c_uint32.in_dll(library, "device_bytes").value
        self._memory = ctypes.create_string_buffer(b"\xa5" * size, size)
        width = plan.layers[0].input.bits // 8
        self._input = f"<i{width}"
        dimensions = {"input_bytes": plan.inputs * width, "classes": plan.classes}
        self._codec, self._seq = Codec(dimensions), 0
        library.ska_device_init(self._memory)

    def feed(self, name: str, *, seq: int | None = None, **values: object) -> list[bool]:
        """Feed a request; return what each byte's call returned."""
        self._seq = (self._seq + 1) % 256 if seq is None else seq
        frame = encode_frame(BY_NAME[name].code, self._seq, self._codec.pack(name, values))
        return [self._library.ska_device_feed(self._memory, byte) for byte in b"\0" + frame]

    def poll(self) -> list[Reply]:
        """Return what the device sends now."""
        self._library.ska_device_poll(self._memory)
        return self.sent()

    def ask(self, name: str, *, seq: int | None = None, **values: object) -> list[Reply]:
        self.feed(name, seq=seq, **values)
        return self.poll()

    def hello(self) -> Values:
        ((_, welcome),) = self.ask("HELLO", protocol=PROTOCOL_VERSION)
        return welcome

    def sent(self) -> list[Reply]:
        """Return the replies since the last call."""
        count = ctypes.c_uint32.in_dll(self._library, "count")
        written = (ctypes.c_uint8 * 65536).in_dll(self._library, "written")
        frames = FrameDecoder().feed(bytes(written[: count.value]))
        count.value = 0
        return [self._codec.unpack(frame.code, frame.payload) for frame in frames]

    def learn(self, x: np.ndarray, label: int) -> int:
        octets = x.astype(self._input).tobytes()
        return int(self._library.ska_device_learn(self._memory, octets, label))

    def octets(self, x: np.ndarray) -> bytes:
        return x.astype(self._input).tobytes()

    def says(self, function: str) -> bool:
        return bool(getattr(self._library, function)(self._memory))


@pytest.fixture(scope="module", params=PLANS)
def built(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    require_toolchain: Callable[[str], str],
) -> tuple[ctypes.CDLL, Plan, State]:
    """Compile the library, without ska_main.c, as a user's own firmware does."""
    plan, folder = PLANS[request.param], tmp_path_factory.mktemp("device") / "p"
    parameters = np.random.default_rng(2).integers(-3000, 3000, plan.parameter_count)
    write_project(plan, parameters, "host", folder)
    sources = folder / "src"
    (sources / "array.c").write_text(BOARD)
    files = sorted(path.name for path in sources.glob("*.c") if path.name != "ska_main.c")
    command = [require_toolchain("gcc"), "-std=c99", "-O1", "-shared", "-fPIC", "-o", "device.so"]
    subprocess.run([*command, *files], cwd=sources, check=True)
    library = ctypes.CDLL(str(sources / "device.so"))
    library.ska_device_feed.restype = ctypes.c_bool
    library.ska_device_feed.argtypes = (ctypes.c_void_p, ctypes.c_uint8)
    library.ska_device_learn.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint16)
    for name in ("ska_device_followed", "ska_device_busy"):
        getattr(library, name).restype = ctypes.c_bool
    return library, plan, State(plan, parameters)


@pytest.fixture
def device(built: tuple[ctypes.CDLL, Plan, State]) -> Device:
    return Device(*built)


def test_a_request_waits_for_poll_and_bytes_in_between_are_dropped(device: Device) -> None:
    *before, last = device.feed("HELLO", protocol=PROTOCOL_VERSION)
    assert (any(before), last) == (False, True)
    assert device.sent() == []
    assert all(device.feed("HELLO", seq=9, protocol=PROTOCOL_VERSION))  # all bytes are dropped
    ((name, _),) = device.poll()
    assert name == "WELCOME"
    assert device.poll() == []
    device.hello()


def test_two_devices_share_nothing(built: tuple[ctypes.CDLL, Plan, State]) -> None:
    one, two = Device(*built), Device(*built)
    one.hello()
    x = np.arange(5)
    assert one.learn(x, 1) == 0
    ((_, refused),) = two.ask("RESET")
    assert refused == {"code": Status.SEQUENCE, "detail": 0xFFFF}
    assert (one.hello()["samples"], two.hello()["samples"]) == (1, 0)


@pytest.mark.parametrize("want", [Want(0), Want.METRICS, Want.CRC])
def test_samples_learned_without_a_request_are_announced_to_a_following_host(
    want: Want, device: Device
) -> None:
    trainer = FixedTrainer(device.flashed.copy())
    random = np.random.default_rng(0)
    device.hello()
    for follows in (False, True, False):
        if follows:
            ((name, welcome),) = device.ask("FOLLOW", want=int(want))
            assert (name, welcome["samples"]) == ("WELCOME", trainer.state.samples)
        assert device.says("ska_device_followed") == follows
        for _ in range(3):
            x, label = random.integers(-128, 128, 5), int(random.integers(3))
            decisions = trainer.learn_one(x, label)
            assert device.learn(x, label) == 0
            sent = device.sent()
            if not follows:
                assert sent == []
                continue
            learned, *metrics, result = sent
            samples = trainer.state.samples
            values = {"samples": samples, "label": label, "x": device.octets(x)}
            assert learned == ("LEARNED", values)
            assert result[1] == {
                "step": trainer.state.step,
                "samples": samples,
                "crc": trainer.state.crc if want & Want.CRC else 0,
                "predicted": int(decisions.argmax()),
                "decisions": tuple(decisions.tolist()),
            }
            assert len(metrics) == (len(device.plan.layers) if want & Want.METRICS else 0)
            assert all(values["step"] == trainer.state.step for _, values in metrics)
        assert device.hello()["crc"] == trainer.state.crc  # HELLO also ends FOLLOW


def test_a_class_that_does_not_exist_is_not_learned(device: Device) -> None:
    device.hello()
    device.ask("FOLLOW", want=0)
    assert device.learn(np.zeros(5), 3) != 0
    assert device.sent() == []
    assert device.hello()["samples"] == 0


@pytest.mark.parametrize("name", ["SAMPLE", "INFER"])
def test_an_answer_is_not_repeated_after_the_device_has_learned_something_else(
    name: str, device: Device
) -> None:
    device.hello()
    x = device.octets(np.arange(5))
    values = {"number": 0, "label": 1, "want": 0, "x": x} if name == "SAMPLE" else {"x": x}
    first = device.ask(name, seq=2, **values)
    assert device.ask(name, seq=2, **values) == first
    device.learn(np.arange(5), 2)
    assert device.ask(name, seq=2, **values) == [("STATUS", {"code": Status.SEQUENCE, "detail": 2})]
    assert device.hello()["samples"] == (2 if name == "SAMPLE" else 1)


def test_the_device_is_busy_from_the_first_piece_of_its_state_to_the_last(device: Device) -> None:
    size = device.hello()["state_bytes"]
    assert size > CHUNK_MAX
    assert not device.says("ska_device_busy")
    for offset in range(0, size, CHUNK_MAX):
        device.ask("PULL", offset=offset)
        assert device.says("ska_device_busy") == (offset + CHUNK_MAX < size)
    device.ask("PULL", offset=0)
    device.ask("PULL", offset=size)  # the device refuses this
    assert not device.says("ska_device_busy")


OWN = """
#include <stdbool.h>
#include <stdint.h>
#include "ska.h"
void uart_put(uint8_t byte);
bool uart_has_byte(void);
uint8_t uart_get(void);
bool sensor_read(ska_signal_t *x, uint16_t *label);
"""


@pytest.mark.parametrize("language", [("-std=c99", "c"), ("-std=c++11", "c++")])
def test_the_documented_firmware_compiles(
    language: tuple[str, str], tmp_path: Path, require_toolchain: Callable[[str], str]
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "FIRMWARE.md").read_text(encoding="utf-8")
    section = page.partition("## Your own firmware keeps monitor, pull, push, verify")[2]
    code = section.partition("```c\n")[2].partition("```")[0]
    plan = PLANS["8 bits"]
    write_project(plan, np.zeros(plan.parameter_count), "host", tmp_path / "p")
    command = [require_toolchain("gcc"), language[0], "-Wall", "-Wextra", "-Werror"]
    command += ["-fsyntax-only", f"-I{tmp_path / 'p' / 'src'}", "-x", language[1], "-"]
    done = subprocess.run(command, input=OWN + code, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
