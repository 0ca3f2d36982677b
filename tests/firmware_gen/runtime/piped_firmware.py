"""A firmware that uses standard input and output as its line, and the host's model of its network.

The firmware is a real, generated project under the sanitizers for addresses and undefined behavior.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firmware_gen.board.board import load_board
from firmware_gen.project import write_project
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.codec import Codec
from ska_edge.wire.frame import FrameDecoder, encode_frame
from ska_edge.wire.protocol import (
    BY_NAME,
    CHUNK_MAX,
    PROTOCOL_VERSION,
    Status,
    Want,
)

PLANS = {
    "local": make_plan((5, 4, 4, 3), replay=Replay(2, 1)),
    "wide": make_plan((5, 4, 3), rule="code", precision="w32a16"),
    "published": make_plan((5, 4, 3), rule="published", batch=3, steps=3, rate=0.5),
    "readout": make_plan((5, 4, 3), output_only=True),
}
SANITIZERS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
BOARD = """
#include <stdio.h>
#include "ska_board.h"
const char ska_board_name[16] = "stdio";
void ska_board_init(void) {}
int16_t ska_board_read(void) { return (int16_t)getchar(); }
void ska_board_write(uint8_t byte) { putchar(byte); }
"""
NOTHING = Want(0)
Reply = tuple[int, str, dict[str, Any]]


@dataclass(frozen=True)
class Firmware:
    """A program that reads requests and writes replies, its plan, its first state, and rows to
    learn.
    """

    plan: Plan
    flashed: State
    command: tuple[str, ...]
    codec: Codec
    inputs: np.ndarray
    labels: np.ndarray

    def run(self, *requests: bytes, storage: Path | None = None) -> list[Reply]:
        """Start the program and send it requests; return the sequence number, name and values of
        each reply. The test fails if a sanitizer reports an error. `storage` is the file with the
        saves.
        """
        done = subprocess.run(
            self.command,
            input=b"".join(requests),
            capture_output=True,
            env=None if storage is None else {"SKA_STORAGE": str(storage)},
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        decoder = FrameDecoder()
        frames = decoder.feed(done.stdout)
        assert decoder.bad == 0
        return [(frame.seq, *self.codec.unpack(frame.code, frame.payload)) for frame in frames]

    def request(self, seq: int, name: str, /, **values: object) -> bytes:
        """Return the bytes of a request, by default for a state without a token."""
        if name in ("SET_RATE", "SAVE"):
            values = {"token": 0, **values}
        return encode_frame(BY_NAME[name].code, seq % 256, self.codec.pack(name, values))

    def hello(self, seq: int = 0) -> bytes:
        return self.request(seq, "HELLO", protocol=PROTOCOL_VERSION)

    def x(self, row: int) -> bytes:
        width = self.plan.layers[0].input.bits // 8
        data: bytes = self.inputs[row % len(self.inputs)].astype(f"<i{width}").tobytes()
        return data

    def sample(
        self, seq: int, number: int, *, row: int | None = None, want: Want = NOTHING, **values: int
    ) -> bytes:
        """Return the request to learn a row as sample `number`; by default the row `number`."""
        row = number if row is None else row
        fields = {"label": int(self.labels[row % len(self.labels)]), **values}
        return self.request(seq, "SAMPLE", number=number, want=int(want), x=self.x(row), **fields)

    def pulls(self, seq: int) -> list[bytes]:
        """Return the requests for the whole state."""
        offsets = range(0, self.plan.state_bytes, CHUNK_MAX)
        return [self.request(seq + i, "PULL", offset=at) for i, at in enumerate(offsets)]

    def host(self) -> Host:
        return Host(self)


class Host:
    """Computes the answers that a device must give, with the trainer."""

    def __init__(self, firmware: Firmware) -> None:
        self._firmware = firmware
        self.trainer = FixedTrainer(firmware.flashed.copy())

    @property
    def state(self) -> State:
        return self.trainer.state

    def learn(self, row: int, want: Want = NOTHING) -> dict[str, Any]:
        """Learn a row; return the values of RESULT."""
        f = self._firmware
        decisions = self.trainer.learn_one(f.inputs[row], int(f.labels[row]))
        return self.result(decisions, want)

    def infer(self, row: int) -> dict[str, Any]:
        return self.result(self.trainer.infer(self._firmware.inputs[row][None, :])[0])

    def result(self, decisions: np.ndarray, want: Want = NOTHING) -> dict[str, Any]:
        return {
            "step": self.state.step,
            "samples": self.state.samples,
            "crc": self.state.crc if want & Want.CRC else 0,
            "predicted": int(decisions.argmax()),
            "decisions": tuple(int(d) for d in decisions),
        }

    def metrics(self) -> list[dict[str, Any]]:
        return [
            {"layer": layer, "step": self.state.step, **sums}
            for layer, sums in enumerate(self.trainer.metrics())
        ]


def make(
    plan: Plan,
    folder: Path,
    compiler: str,
    *,
    storing: bool = False,
    flags: Sequence[str] = SANITIZERS,
    emulator: Sequence[str] = (),
    key: bytes | None = None,
    inference_only: bool = False,
) -> Firmware:
    """Write and compile the firmware of a plan with random weights. `storing` gives the firmware
    the memory for saves of the board `host`. `emulator` runs the firmware if this machine cannot.
    """
    rng = np.random.default_rng(11)
    parameters = np.zeros(plan.parameter_count, dtype=np.int64)
    for tensor in plan.tensors():
        reach = tensor.format.maximum // 4
        values = rng.integers(-reach, reach, tensor.size)
        parameters[tensor.offset : tensor.offset + tensor.size] = values
    write_project(
        plan, parameters, "host", folder / "project", key=key, inference_only=inference_only
    )
    sources = folder / "project" / "src"
    (sources / "board.c").write_text(BOARD)
    files = sorted(path.name for path in sources.glob("*.c"))
    command = [compiler, "-std=c99"]
    if storing:
        macros = load_board("host").defines().items()
        command += [f"-D{name}={value}" for name, value in macros if "STORAGE" in name]
        files += ["-I.", "../board/storage_ram.c", "../board/storage_file.c"]
    command += [*flags, "-o", str(folder / "firmware"), *files]
    done = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    entry = plan.layers[0].input
    return Firmware(
        plan=plan,
        flashed=State(plan, parameters),
        command=(*emulator, str(folder / "firmware")),
        codec=Codec({"input_bytes": plan.inputs * entry.bits // 8, "classes": plan.classes}),
        inputs=rng.integers(entry.minimum, entry.maximum + 1, (20, plan.inputs)),
        labels=rng.integers(0, plan.named, 20),
    )


# --- replies --------------------------------------------------------------------------------------


def named(replies: Sequence[Reply], name: str) -> list[tuple[int, dict[str, Any]]]:
    return [(seq, values) for seq, found, values in replies if found == name]


def statuses(replies: Sequence[Reply]) -> list[tuple[int, Status, int]]:
    return [(seq, Status(v["code"]), v["detail"]) for seq, v in named(replies, "STATUS")]


def counts(replies: Sequence[Reply]) -> list[tuple[int, int]]:
    """Return the sequence number of every RESULT, and how many samples were learned by then."""
    return [(seq, values["samples"]) for seq, values in named(replies, "RESULT")]


def pulled(replies: Sequence[Reply]) -> bytes:
    return b"".join(values["data"] for _, values in named(replies, "CHUNK"))
