"""The decoder and the encoder in C agree with Python on good bytes and survive bad ones."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cobs import cobs  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from firmware_gen.project import write_project
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.frame import PAYLOAD_MAX, Frame, FrameDecoder, crc16, encode_frame
from ska_edge.wire.message import Message
from ska_edge.wire.protocol import MESSAGES

PLAN = make_plan((5, 4, 3))
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow"]
WARNINGS += ["-pedantic", "-Werror"]


def longest(message: Message) -> int:
    dimensions = {"input_bytes": PLAN.inputs, "classes": PLAN.classes}
    counts = [
        field.most or dimensions.get(str(field.count), field.count) for field in message.fields
    ]
    return sum(int(count) * field.size for count, field in zip(counts, message.fields, strict=True))


REQUEST_MAX = max(
    longest(message.of(values=False))
    for message in MESSAGES
    if message.direction == "request" and message.name != "RAW"  # the plan has no front end
)

FRAMES = """
#include <stddef.h>
#include "ska_board.h"
#include "ska_frame.h"
/* Collects what ska_frame_write sends. */
extern uint8_t written[0x20000];
extern size_t written_count;
uint8_t written[0x20000];
size_t written_count;
void start_writing(void);
void start_writing(void) { written_count = 0; }
void ska_board_write(uint8_t byte) { written[written_count++] = byte; }
/* Feeds bytes to one decoder; writes type, seq, length (2) and payload of each frame to out. */
size_t decode(const uint8_t *bytes, size_t count, uint8_t *out);
size_t decode(const uint8_t *bytes, size_t count, uint8_t *out) {
    ska_decoder_t decoder;
    size_t n = 0;
    ska_decoder_init(&decoder);
    for (size_t i = 0; i < count; i++) {
        ska_frame_t frame;
        if (ska_decoder_feed(&decoder, bytes[i])) {
            ska_decoder_frame(&decoder, &frame);
            out[n++] = frame.type;
            out[n++] = frame.seq;
            out[n++] = (uint8_t)(frame.length & 0xFFu);
            out[n++] = (uint8_t)(frame.length >> 8);
            for (uint16_t k = 0; k < frame.length; k++) out[n++] = frame.payload[k];
        }
    }
    return n;
}
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("frame") / "project"
    write_project(PLAN, np.zeros(PLAN.parameter_count, dtype=np.int64), "host", project)
    (project / "src" / "frames.c").write_text(FRAMES)
    return project / "src"


def compiled(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def library(sources: Path, require_toolchain: Callable[[str], str]) -> ctypes.CDLL:
    files = ["ska_frame.c", "frames.c"]
    flags = [*WARNINGS, "-shared", "-fPIC", "-O1", "-o", "frames.so"]
    compiled(sources, require_toolchain("gcc"), *flags, *files)
    library = ctypes.CDLL(str(sources / "frames.so"))
    library.decode.restype = ctypes.c_size_t
    return library


# --- it compiles everywhere -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ["gcc"],
        ["clang"],
        ["arm-none-eabi-gcc", "-mcpu=cortex-m4"],
        ["arm-none-eabi-gcc", "-mcpu=cortex-m0"],
        ["clang", "--target=msp430", "-ffreestanding"],  # here an int has 16 bits
    ],
    ids=" ".join,
)
def test_the_runtime_compiles_without_a_warning(
    sources: Path, command: list[str], require_toolchain: Callable[[str], str]
) -> None:
    require_toolchain(command[0])
    files = ("ska_frame.c", "ska_device.c", "ska_request.c", "ska_main.c")
    compiled(sources, *command, *WARNINGS, "-O2", "-c", *files)


# --- frames ---------------------------------------------------------------------------------------


def encoded(library: ctypes.CDLL, frame: Frame) -> bytes:
    library.start_writing()
    library.ska_frame_write(frame.code, frame.seq, frame.payload, len(frame.payload))
    written = (ctypes.c_uint8 * 0x20000).in_dll(library, "written")
    return bytes(written[: ctypes.c_size_t.in_dll(library, "written_count").value])


def decoded(library: ctypes.CDLL, stream: bytes) -> list[Frame]:
    out = (ctypes.c_uint8 * (2 * len(stream) + 4))()
    left = bytes(out[: library.decode(stream, len(stream), out)])
    frames = []
    while left:
        end = 4 + int.from_bytes(left[2:4], "little")
        frames.append(Frame(left[0], left[1], left[4:end]))
        left = left[end:]
    return frames


frames = st.builds(
    Frame,
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=2 * REQUEST_MAX) | st.binary(min_size=REQUEST_MAX, max_size=REQUEST_MAX),
)


@given(frames)
def test_c_and_python_write_the_same_frame(library: ctypes.CDLL, frame: Frame) -> None:
    assert encoded(library, frame) == encode_frame(*frame)


@pytest.mark.parametrize("byte", [b"\x00", b"\x01", b"\xff"])
@pytest.mark.parametrize("length", [*range(249, 259), *range(503, 513), PAYLOAD_MAX])
def test_long_runs_are_split_the_same(library: ctypes.CDLL, length: int, byte: bytes) -> None:
    for payload in (byte * length, byte * (length - 1) + b"\x00", b"\x00" + byte * (length - 1)):
        frame = Frame(0x84, 9, payload)
        assert encoded(library, frame) == encode_frame(*frame)


@given(st.lists(frames, max_size=5))
def test_c_reads_the_frames_of_python_that_fit_its_buffer(
    library: ctypes.CDLL, sent: list[Frame]
) -> None:
    stream = b"".join(encode_frame(*frame) for frame in sent)
    assert decoded(library, stream) == [f for f in sent if len(f.payload) <= REQUEST_MAX]


pieces = st.one_of(
    st.binary(max_size=40),
    st.lists(st.sampled_from([0, 0, 1, 2, 3, 254, 255]), max_size=40).map(bytes),
    st.builds(lambda frame: encode_frame(*frame), frames),
    st.builds(lambda frame, cut: encode_frame(*frame)[:cut], frames, st.integers(0, 20)),
)


@given(st.lists(pieces, max_size=8).map(b"".join))
def test_c_and_python_find_the_same_frames_in_anything(library: ctypes.CDLL, stream: bytes) -> None:
    expected = [f for f in FrameDecoder().feed(stream) if len(f.payload) <= REQUEST_MAX]
    assert decoded(library, stream) == expected


def test_a_frame_with_a_flipped_bit_is_dropped(library: ctypes.CDLL) -> None:
    good = encode_frame(2, 7, bytes(range(1, REQUEST_MAX)) + b"\0")
    for i in range(len(good) - 1):
        for bit in range(8):
            assert decoded(library, good[:i] + bytes([good[i] ^ (1 << bit)]) + good[i + 1 :]) == []


def with_crc(content: bytes) -> bytes:
    return content + crc16(content).to_bytes(2, "little")


def test_a_frame_beyond_the_buffer_is_not_cut_to_fit(library: ctypes.CDLL) -> None:
    full = with_crc(bytes([2, 7]) + bytes(range(1, REQUEST_MAX + 1)))
    assert len(decoded(library, cobs.encode(full) + b"\0")) == 1
    assert decoded(library, cobs.encode(full + b"more") + b"\0") == []


@pytest.mark.parametrize("content", [b"", b"\x02"])
def test_too_few_bytes_are_not_a_frame_even_with_a_good_crc(
    library: ctypes.CDLL, content: bytes
) -> None:
    assert decoded(library, cobs.encode(with_crc(content)) + b"\0") == []
