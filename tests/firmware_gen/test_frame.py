"""Frames and the main loop in C: equal to Python on good bytes, unharmed by bad ones.

The firmware under test is ska_main.c with the real ska.h, a network that only counts, and a board
that is standard input and output, compiled with the address and undefined-behavior sanitizers.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cobs import cobs  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from firmware_gen.emit_messages import emit
from ska_edge.protocol import (
    BY_NAME,
    CHUNK_MAX,
    MESSAGES,
    PAYLOAD_MAX,
    PROTOCOL_VERSION,
    Codec,
    Frame,
    FrameDecoder,
    Status,
    Values,
    crc16,
    encode_frame,
)
from ska_edge.rule import METRICS

RUNTIME = Path(__file__).parents[2] / "firmware_gen" / "runtime"
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow"]
WARNINGS += ["-pedantic", "-Werror"]
SANITIZERS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

INPUTS, CLASSES, LAYERS, PARAMETER_BYTES = 5, 3, 2, 300
DIGEST = "0123456789abcdef"
REQUEST_MAX = 3 + INPUTS  # SAMPLE is the largest
PLAN = f"""
#ifndef SKA_PLAN_H
#define SKA_PLAN_H
#include <stdint.h>
#define SKA_PLAN_DIGEST {{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}}
#define SKA_INPUTS {INPUTS}
#define SKA_INPUT_BYTES {INPUTS}
#define SKA_SIGNAL_BYTES 1
typedef int8_t ska_signal_t;
typedef int16_t ska_weight_t;
typedef int16_t ska_knowledge_t;
#define SKA_RAW_INPUT 0
#define SKA_REPLAY_SLOTS 0
#define SKA_CLASSES {CLASSES}
#define SKA_LAYERS {LAYERS}
#define SKA_NEURONS 7
#define SKA_PARAMETER_COUNT {PARAMETER_BYTES // 2}
#define SKA_PARAMETER_BYTES {PARAMETER_BYTES}
#define SKA_SUPERVISED 1
#endif
"""

# A network that counts: what it returns shows which calls were made.
NETWORK = """
#include "ska.h"
#include "ska_messages.h"
static uint32_t steps;
static int16_t decisions[SKA_CLASSES];
void ska_init(ska_t *ska) { (void)ska; steps = 0; }
static void forward(const ska_signal_t x[SKA_INPUTS]) {
    for (int i = 0; i < SKA_CLASSES; i++) decisions[i] = (int16_t)(256 * x[i]);
}
uint16_t ska_infer(ska_t *ska, const ska_signal_t x[SKA_INPUTS]) {
    forward(x);
    return ska_predicted(ska);
}
/* Counts a step even when it refuses (first input 99), to show that it was called. */
ska_status_t ska_learn(ska_t *ska, const ska_signal_t x[SKA_INPUTS], uint16_t label) {
    (void)ska; (void)label;
    steps++;
    forward(x);
    return x[0] == 99 ? SKA_ERROR_LABEL : SKA_OK;
}
uint16_t ska_predicted(const ska_t *ska) {
    uint16_t best = 0;
    (void)ska;
    for (uint16_t i = 1; i < SKA_CLASSES; i++) best = decisions[i] > decisions[best] ? i : best;
    return best;
}
const int16_t *ska_decisions(const ska_t *ska) { (void)ska; return decisions; }
uint32_t ska_step(const ska_t *ska) { (void)ska; return steps; }
void ska_metrics(const ska_t *ska, uint8_t layer, ska_metrics_t *metrics) {
    int64_t value = -((int64_t)steps << 40) - layer;
    (void)ska;
#define FILL(name) metrics->name = value++;
    SKA_METRICS_EACH(FILL)
}
void ska_parameters_read(const ska_t *ska, uint32_t offset, uint8_t *bytes, uint8_t count) {
    (void)ska;
    for (uint8_t i = 0; i < count; i++) bytes[i] = (uint8_t)((offset + i) * 7u);
}
"""
BOARD = """
#include <stdio.h>
#include "ska_board.h"
const char ska_board_name[16] = "stdio";
void ska_board_init(void) {}
int16_t ska_board_read(void) { return (int16_t)getchar(); }
void ska_board_write(uint8_t byte) { putchar(byte); }
"""

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
        if (ska_decoder_feed(&decoder, bytes[i], &frame)) {
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

codec = Codec({"input_bytes": INPUTS, "classes": CLASSES})
Firmware = Callable[[bytes], list[Frame]]


def tool(name: str) -> str:
    """A compiler; a machine without it skips by name, unless it is the machine that must not."""
    found = shutil.which(name)
    if found is None:
        assert not os.environ.get("CI"), f"no {name} in CI"
        pytest.skip(f"no {name}")
    return found


def compiled(folder: Path, command: Sequence[str]) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the compilers need; a quoted include searches there first."""
    folder = tmp_path_factory.mktemp("frame")
    for name in (
        "ska.h",
        "ska_target.h",
        "ska_frame.h",
        "ska_frame.c",
        "ska_main.c",
        "ska_board.h",
    ):
        shutil.copy(RUNTIME / name, folder)
    folder.joinpath("ska_plan.h").write_text(PLAN)
    folder.joinpath("ska_messages.h").write_text(emit())
    folder.joinpath("network.c").write_text(NETWORK)
    folder.joinpath("board.c").write_text(BOARD)
    folder.joinpath("frames.c").write_text(FRAMES)
    return folder


@pytest.fixture(scope="module")
def library(sources: Path) -> ctypes.CDLL:
    """ska_frame.c, to be called from here."""
    files = ["ska_frame.c", "frames.c"]
    compiled(sources, [tool("cc"), *WARNINGS, "-shared", "-fPIC", "-O1", "-o", "frames.so", *files])
    library = ctypes.CDLL(str(sources / "frames.so"))
    library.decode.restype = ctypes.c_size_t
    return library


@pytest.fixture(scope="module")
def firmware(sources: Path) -> Firmware:
    """Runs the firmware on the bytes of one session; fails when a sanitizer speaks."""
    files = ["ska_main.c", "ska_frame.c", "network.c", "board.c"]
    compiled(sources, [tool("cc"), "-std=c99", *SANITIZERS, "-o", "firmware", *files])

    def run(received: bytes) -> list[Frame]:
        done = subprocess.run(
            [str(sources / "firmware")], input=received, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        decoder = FrameDecoder()
        frames = decoder.feed(done.stdout)
        assert decoder.bad == 0
        return frames

    return run


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
def test_the_runtime_compiles_without_a_warning(sources: Path, command: list[str]) -> None:
    files = ["ska_frame.c", "ska_main.c"]
    compiled(sources, [tool(command[0]), *command[1:], *WARNINGS, "-O2", "-c", *files])


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
def test_c_reads_what_python_writes_up_to_its_buffer(
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


def test_no_flipped_bit_comes_through(library: ctypes.CDLL) -> None:
    good = encode_frame(2, 7, bytes(range(1, REQUEST_MAX)) + b"\0")
    for i in range(len(good) - 1):
        for bit in range(8):
            assert decoded(library, good[:i] + bytes([good[i] ^ (1 << bit)]) + good[i + 1 :]) == []


def with_crc(content: bytes) -> bytes:
    return content + crc16(content).to_bytes(2, "little")


def test_a_good_frame_with_more_behind_it_is_not_cut_to_fit(library: ctypes.CDLL) -> None:
    full = with_crc(bytes([2, 7]) + bytes(range(1, REQUEST_MAX + 1)))
    assert len(decoded(library, cobs.encode(full) + b"\0")) == 1
    assert decoded(library, cobs.encode(full + b"more") + b"\0") == []


@pytest.mark.parametrize("content", [b"", b"\x02"])
def test_a_good_crc_over_too_little_is_no_frame(library: ctypes.CDLL, content: bytes) -> None:
    assert decoded(library, cobs.encode(with_crc(content)) + b"\0") == []


# --- the main loop --------------------------------------------------------------------------------


def request(seq: int, name: str, **values: object) -> bytes:
    return encode_frame(BY_NAME[name].code, seq, codec.pack(name, values))


def hello(seq: int = 0) -> bytes:
    return request(seq, "HELLO", protocol=PROTOCOL_VERSION)


def sample(seq: int, first: int = 1, *, label: int = 0, metrics: int = 0) -> bytes:
    return request(seq, "SAMPLE", label=label, metrics=metrics, x=bytes([first % 256, 2, 0, 0, 0]))


def said(frames: Sequence[Frame]) -> list[tuple[int, str, Values]]:
    """Sequence number, name and values of replies."""
    return [(frame.seq, *codec.unpack(frame.code, frame.payload)) for frame in frames]


def statuses(frames: Sequence[Frame]) -> list[tuple[int, Status, int]]:
    """Sequence number, code and detail of every STATUS."""
    return [
        (seq, Status(values["code"]), values["detail"])
        for seq, name, values in said(frames)
        if name == "STATUS"
    ]


def steps(frames: Sequence[Frame]) -> list[tuple[int, int]]:
    """Sequence number and step of every RESULT."""
    return [(seq, values["step"]) for seq, name, values in said(frames) if name == "RESULT"]


def test_hello_is_answered_by_welcome(firmware: Firmware) -> None:
    assert said(firmware(hello(7))) == [
        (
            7,
            "WELCOME",
            {
                "protocol": PROTOCOL_VERSION,
                "digest": bytes.fromhex(DIGEST),
                "step": 0,
                "inputs": INPUTS,
                "input_width": 1,
                "classes": CLASSES,
                "layers": LAYERS,
                "parameter_bytes": PARAMETER_BYTES,
                "capabilities": 7,
                "board": b"stdio".ljust(16, b"\0"),
            },
        )
    ]


def test_hello_of_another_version_is_answered_too(firmware: Firmware) -> None:
    ((_, name, values),) = said(firmware(request(0, "HELLO", protocol=99)))
    assert (name, values["protocol"]) == ("WELCOME", PROTOCOL_VERSION)


def test_a_sample_is_answered_by_the_sums_of_each_layer_and_the_result(firmware: Firmware) -> None:
    replies = said(firmware(hello() + sample(1, -128, metrics=1)))[1:]
    sums = [
        {name: -(1 << 40) - layer + i for i, name in enumerate(METRICS)} for layer in range(LAYERS)
    ]
    assert replies == [
        (1, "METRICS", {"layer": 0, "step": 1, **sums[0]}),
        (1, "METRICS", {"layer": 1, "step": 1, **sums[1]}),
        (1, "RESULT", {"step": 1, "predicted": 1, "decisions": (-32768, 512, 0)}),
    ]


def test_inference_learns_nothing(firmware: Firmware) -> None:
    replies = firmware(hello() + request(1, "INFER", x=bytes([1, 2, 127, 255, 0])))
    assert said(replies)[1:] == [
        (1, "RESULT", {"step": 0, "predicted": 2, "decisions": (256, 512, 32512)})
    ]


def test_a_repeated_request_is_answered_alike_and_not_executed(firmware: Firmware) -> None:
    stream = hello() + 3 * sample(1, metrics=1) + 2 * sample(2) + sample(3)
    replies = firmware(stream)
    assert steps(replies) == [(1, 1), (1, 1), (1, 1), (2, 2), (2, 2), (3, 3)]
    assert replies[1:4] == replies[4:7] == replies[7:10]


def test_a_repeated_refusal_of_the_network_is_not_executed(firmware: Firmware) -> None:
    replies = firmware(hello() + 3 * sample(1, 99) + sample(2))
    assert statuses(replies) == 3 * [(1, Status.LEARN, 1)]
    assert steps(replies) == [(2, 2)]  # the refused call counted one step, its repetitions none


def test_sequence_numbers_wrap(firmware: Firmware) -> None:
    stream = hello(250) + b"".join(sample((251 + i) % 256) for i in range(300))
    assert steps(firmware(stream)) == [((251 + i) % 256, i + 1) for i in range(300)]


def test_a_request_out_of_turn_changes_nothing(firmware: Firmware) -> None:
    stream = hello() + sample(1) + sample(2) + sample(1) + sample(4) + sample(3) + sample(0)
    replies = firmware(stream)
    assert steps(replies) == [(1, 1), (2, 2), (3, 3)]
    assert statuses(replies) == [
        (1, Status.SEQUENCE, 2),
        (4, Status.SEQUENCE, 2),
        (0, Status.SEQUENCE, 3),
    ]


def test_the_same_number_with_another_type_is_out_of_turn(firmware: Firmware) -> None:
    replies = firmware(hello() + sample(1) + request(1, "RESET") + sample(2))
    assert steps(replies) == [(1, 1), (2, 2)]
    assert statuses(replies) == [(1, Status.SEQUENCE, 1)]


def test_nothing_is_done_before_hello(firmware: Firmware) -> None:
    replies = firmware(sample(0) + sample(1) + hello(0) + sample(1))
    assert statuses(replies) == [
        (0, Status.SEQUENCE, 0xFFFF),
        (1, Status.SEQUENCE, 0xFFFF),
    ]
    assert steps(replies) == [(1, 1)]


def test_a_second_hello_opens_a_session_and_keeps_the_network(firmware: Firmware) -> None:
    replies = firmware(hello(0) + sample(1) + hello(77) + hello(77) + sample(78))
    assert steps(replies) == [(1, 1), (78, 2)]
    assert [values["step"] for _, name, values in said(replies) if name == "WELCOME"] == [0, 1, 1]


def test_reset_starts_over(firmware: Firmware) -> None:
    replies = firmware(hello() + sample(1) + 2 * request(2, "RESET") + sample(3))
    assert statuses(replies) == 2 * [(2, Status.OK, 0)]
    assert steps(replies) == [(1, 1), (3, 1)]


def test_pull_gives_every_byte(firmware: Firmware) -> None:
    offsets = [0, CHUNK_MAX, 2 * CHUNK_MAX, PARAMETER_BYTES - 1]
    pulls = [request(i + 1, "PULL", region=0, offset=o) for i, o in enumerate(offsets)]
    chunks = said(firmware(hello() + b"".join(pulls)))[1:]
    everything = bytes(i * 7 % 256 for i in range(PARAMETER_BYTES))
    for (_, name, values), offset in zip(chunks, offsets, strict=True):
        data = everything[offset : offset + CHUNK_MAX]
        assert (name, values) == ("CHUNK", {"region": 0, "offset": offset, "data": data})


@pytest.mark.parametrize(
    ("stream", "status", "detail"),
    [
        (request(1, "PULL", region=1, offset=0), Status.REGION, 1),
        (request(1, "PULL", region=0, offset=PARAMETER_BYTES), Status.OFFSET, PARAMETER_BYTES),
        (request(1, "PULL", region=0, offset=2**32 - 1), Status.OFFSET, 0xFFFF),
        (sample(1, label=CLASSES), Status.LABEL, CLASSES),
        (sample(1, label=65535), Status.LABEL, 65535),
        (encode_frame(0x33, 1, b""), Status.TYPE, 0x33),
        (encode_frame(BY_NAME["WELCOME"].code, 1, bytes(3)), Status.TYPE, 0x81),
    ],
)
def test_what_cannot_be_done_is_refused_each_time(
    firmware: Firmware, stream: bytes, status: Status, detail: int
) -> None:
    replies = firmware(hello() + 2 * stream + sample(2))
    assert statuses(replies) == 2 * [(1, status, detail)]
    assert steps(replies) == [(2, 1)]


@pytest.mark.parametrize(
    ("name", "size"), [("HELLO", 1), ("SAMPLE", 8), ("INFER", 5), ("PULL", 5), ("RESET", 0)]
)
def test_a_payload_of_another_length_is_refused(firmware: Firmware, name: str, size: int) -> None:
    lengths = [length for length in range(REQUEST_MAX + 1) if length != size]
    code = BY_NAME[name].code
    stream = b"".join(hello() + encode_frame(code, 1, bytes(length)) for length in lengths)
    assert statuses(firmware(stream)) == [(1, Status.LENGTH, length) for length in lengths]


def test_every_request_has_its_case_above() -> None:
    names = {"HELLO", "SAMPLE", "INFER", "PULL", "RESET"}
    assert names == {message.name for message in MESSAGES if message.direction == "request"}


def test_bad_frames_are_dropped_in_silence_and_cost_nothing_else(firmware: Firmware) -> None:
    good = sample(1)
    bad = [good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :] for i in range(len(good) - 1)]
    bad += [good[:i] + b"\0" for i in range(1, len(good) - 1)]
    bad += [b"\xff" * 5000 + b"\0", b"\x01" * 5000 + b"\0", encode_frame(2, 1, bytes(5000))]
    replies = firmware(hello() + b"".join(bad) + good + sample(2))
    assert steps(replies) == [(1, 1), (2, 2)]
    assert len(replies) == 3


@pytest.mark.parametrize("seed", range(3))
def test_no_bytes_harm_the_firmware(firmware: Firmware, seed: int) -> None:
    """Random bytes, random frames and spoiled ones; it still works after them."""
    source = random.Random(seed)
    codes = [message.code for message in MESSAGES]
    stream = bytearray()
    for number in range(3000):
        # Small numbers now and then: labels, regions and offsets that exist.
        size = source.choice([0, 1, 3, 5, 5, 8, 8, 9, 40, 300])
        small = bytes(source.choices([0, 0, 0, 1], k=size))
        payload = source.choice([small, source.randbytes(size)])
        frame = bytearray(encode_frame(source.choice(codes), number % 256, payload))
        if source.random() < 0.2:
            frame[source.randrange(len(frame))] ^= 1 << source.randrange(8)
        if source.random() < 0.05:
            frame = bytearray(source.randbytes(source.randrange(400)))
        if source.random() < 0.5:  # or else the spoiled ones bring all others out of turn
            stream += hello((number - 1) % 256)
        stream += frame
    frames = firmware(bytes(stream) + b"\0" + hello(200) + sample(201))
    replies = said(frames)
    assert {name for _, name, _ in replies} == {"WELCOME", "RESULT", "METRICS", "CHUNK", "STATUS"}
    # Everything was reached, but for what the counting network refuses.
    assert {status for _, status, _ in statuses(frames)} >= set(Status) - {Status.LEARN}
    assert (replies[-1][:2], replies[-2][:2]) == ((201, "RESULT"), (200, "WELCOME"))
