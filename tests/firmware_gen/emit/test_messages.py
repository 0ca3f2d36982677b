"""The generated header agrees with the Python table in every value and every byte."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_gen.emit.messages import emit
from ska_edge.errors import DeviceError, InputError
from ska_edge.rules.metric_sums import METRICS
from ska_edge.wire import protocol
from ska_edge.wire.codec import Codec
from ska_edge.wire.message import Field, Message
from ska_edge.wire.protocol import CHUNK_MAX, MESSAGES

WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow"]
WARNINGS += ["-pedantic", "-Werror"]
DIMENSIONS = {"input_bytes": 5, "classes": 3}
KNOWN = "".join(
    f"#define SKA_{name} 1\n" for name in ("SPARES", "FRONT_AXES", "SENSOR", "SENSOR_KEEPS")
)
PLAN = f"#define SKA_INPUT_BYTES 5\n#define SKA_CLASSES 3\n#define SKA_REGRESSION 0\n{KNOWN}"
CANARY = 0xA5

# A table with features that no present message uses.
EXTRA = (
    Message(
        "WRITE",
        0x70,
        "request",
        (Field("offset", "i32"), Field("data", "u8", "rest", most=CHUNK_MAX)),
        "a request of open length",
    ),
    Message(
        "TUNE",
        0x71,
        "request",
        (Field("x", "i8", "input_bytes"), Field("a", "i8"), Field("b", "i16"), Field("c", "i64")),
        "numbers behind an array",
    ),
    Message(
        "WIDE",
        0xF0,
        "reply",
        (
            Field("x", "i64", "input_bytes"),
            Field("a", "u16", "classes"),
            Field("b", "i8", "rest", most=CHUNK_MAX),
        ),
        "arrays behind arrays",
    ),
)
TABLE = (*MESSAGES, *EXTRA)
CLASSES = [message.of(values=False) for message in TABLE]
REQUESTS = [m for m in CLASSES if m.direction == "request" and m.fields]
REPLIES = [m for m in CLASSES if m.direction == "reply"]


def compiler() -> str:
    """Return `cc`, or skip the test if it is missing; in CI a missing `cc` fails."""
    found = shutil.which("cc")
    if found is None:
        assert not os.environ.get("CI"), "no C compiler (cc) in CI"
        pytest.skip("no C compiler (cc)")
    return found


def wrapper(message: Message) -> str:
    """Return a C function that converts a message between bytes and a flat array of int64 values.

    `request_NAME(payload, length, values)` returns the number of values or -1;
    `reply_NAME(values, open_count, payload)` returns the number of bytes.
    """
    name = f"ska_message_{message.name.lower()}"
    lines = []
    for field in message.fields:
        kind = f"{'u' if field.kind[0] == 'u' else ''}int{8 * field.size}_t"
        is_open = field.count == "rest"
        count = f"message.{field.name}_count" if is_open else str(count_of(field))
        if message.direction == "request":
            element = f"message.{field.name}" + ("" if field.count == 1 else "[i]")
            lines.append(f"for (int i = 0; i < {count}; i++) values[n++] = (int64_t){element};")
        elif field.count == 1:
            lines.append(f"message.{field.name} = ({kind})values[n++];")
        else:
            if is_open:
                lines.append(f"{count} = (uint8_t)open_count;")
            lines.append(
                f"static {kind} {field.name}[{CHUNK_MAX}]; message.{field.name} = {field.name};"
            )
            element = f"{field.name}[i] = ({kind})values[n++];"
            lines.append(f"for (int i = 0; i < {count}; i++) {element}")
    body = "\n    ".join(lines)
    if message.direction == "request":
        return f"""
int request_{message.name}(const uint8_t *payload, uint16_t length, int64_t *values) {{
    {name}_t message;
    int n = 0;
    if (!{name}_unpack(payload, length, &message)) return -1;
    {body}
    return n;
}}
"""
    return f"""
int reply_{message.name}(const int64_t *values, int open_count, uint8_t *payload) {{
    {name}_t message;
    int n = 0;
    (void)open_count;
    {body}
    return {name}_pack(&message, payload);
}}
"""


def count_of(field: Field) -> int:
    return DIMENSIONS[field.count] if isinstance(field.count, str) else field.count


def compile_library(folder: Path, table: tuple[Message, ...] = TABLE) -> Path:
    folder.joinpath("ska_plan.h").write_text(PLAN)
    folder.joinpath("ska_messages.h").write_text(emit(table))
    code = '#include "ska_messages.h"\n' + "".join(
        wrapper(m.of(values=False)) for m in table if m.fields
    )
    code += "int request_max(void) { return (int)SKA_REQUEST_MAX; }\n"
    folder.joinpath("wrapper.c").write_text(code)
    library = folder / "wrapper.so"
    command = [compiler(), *WARNINGS, "-shared", "-fPIC", "-O1", "-o", str(library), "wrapper.c"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return library


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return ctypes.CDLL(str(compile_library(tmp_path_factory.mktemp("messages"))))


def numbers(field: Field) -> st.SearchStrategy[int]:
    bits = 8 * field.size
    if field.kind[0] == "u":
        return st.integers(0, 2**bits - 1)
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def values_of(message: Message) -> st.SearchStrategy[dict[str, list[int]]]:
    """Return values as lists; a single value becomes a list of one."""
    return st.fixed_dictionaries(
        {
            field.name: st.lists(numbers(field), max_size=field.most)
            if field.count == "rest"
            else st.lists(numbers(field), min_size=count_of(field), max_size=count_of(field))
            for field in message.fields
        }
    )


def flat(message: Message, values: Mapping[str, list[int]]) -> list[int]:
    return [number for field in message.fields for number in values[field.name]]


def packed(message: Message, values: Mapping[str, list[int]]) -> bytes:
    single = {field.name for field in message.fields if field.count == 1}
    given = {name: each[0] if name in single else each for name, each in values.items()}
    return Codec(DIMENSIONS, TABLE).pack(message.name, given)


@pytest.mark.parametrize("message", REQUESTS, ids=lambda message: message.name)
@given(data=st.data())
def test_c_unpacks_what_python_packs(
    library: ctypes.CDLL, message: Message, data: st.DataObject
) -> None:
    values = data.draw(values_of(message))
    payload = packed(message, values)
    out = (ctypes.c_int64 * 200)()
    count = library[f"request_{message.name}"](payload, len(payload), out)
    assert list(out[:count]) == flat(message, values)


@pytest.mark.parametrize("message", REQUESTS, ids=lambda message: message.name)
def test_c_refuses_what_python_refuses(library: ctypes.CDLL, message: Message) -> None:
    codec = Codec(DIMENSIONS, TABLE)
    accepted = 0
    for length in range(200):
        out = (ctypes.c_int64 * 200)()
        fits = library[f"request_{message.name}"](bytes(length), length, out) >= 0
        try:
            codec.unpack(message.code, bytes(length))
        except DeviceError:
            assert not fits
        else:
            assert fits
            accepted += 1
    assert accepted == 1 + message.fields[-1].most


@pytest.mark.parametrize("message", REPLIES, ids=lambda message: message.name)
@given(data=st.data())
def test_c_packs_what_python_packs(
    library: ctypes.CDLL, message: Message, data: st.DataObject
) -> None:
    values = data.draw(values_of(message))
    expected = packed(message, values)
    elements = flat(message, values)
    rest = len(values[message.fields[-1].name]) if message.fields[-1].count == "rest" else 0
    payload = (ctypes.c_uint8 * 300)(*[CANARY] * 300)
    source = (ctypes.c_int64 * max(1, len(elements)))(*elements)
    length = library[f"reply_{message.name}"](source, rest, payload)
    assert bytes(payload[:length]) == expected
    assert set(payload[length:]) == {CANARY}


def test_the_receive_buffer_holds_the_largest_request(library: ctypes.CDLL) -> None:
    largest = max(
        len(packed(message, {f.name: [0] * (f.most or count_of(f)) for f in message.fields}))
        for message in REQUESTS
    )
    assert library.request_max() == largest == 4 + CHUNK_MAX


# --- the text -------------------------------------------------------------------------------------


def test_the_text_depends_on_the_table_alone() -> None:
    assert emit() == emit(MESSAGES)
    assert emit() != emit(TABLE)


def test_every_message_and_every_field_is_explained() -> None:
    text = emit()
    for message in MESSAGES:
        assert f"/* {message.name}: {message.purpose} */" in text
        assert all(field.purpose in text for field in message.fields)
        assert all(field.purpose for field in message.fields)


def test_codes_and_sums_have_names_in_c() -> None:
    text = emit()
    assert f"#define SKA_PROTOCOL_VERSION {protocol.PROTOCOL_VERSION}u\n" in text
    for message in MESSAGES:
        assert f"#define SKA_MESSAGE_{message.name} 0x{message.code:02x}u\n" in text
    for status in protocol.Status:
        assert f"#define SKA_STATUS_{status.name} {status:d}u\n" in text
    assert [line.split()[0] for line in text.splitlines() if line.startswith("    X(")] == [
        f"X({name})" for name in METRICS
    ]


def test_no_line_is_longer_than_100_columns() -> None:
    assert max(map(len, emit().splitlines())) <= 100


def test_a_plan_too_large_for_a_frame_does_not_compile(tmp_path: Path) -> None:
    tmp_path.joinpath("ska_messages.h").write_text(emit())
    for inputs, fits in ((65524, True), (65525, False)):
        plan = f"#define SKA_INPUT_BYTES {inputs}\n#define SKA_CLASSES 3\n"
        tmp_path.joinpath("ska_plan.h").write_text(plan)
        command = [compiler(), *WARNINGS, "-fsyntax-only", "-x", "c", "-include", "ska_messages.h"]
        done = subprocess.run(
            [*command, "-I.", "-"],
            cwd=tmp_path,
            input="extern int x;",
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == fits, done.stderr
        assert fits or "SAMPLE does not fit a frame" in done.stderr


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ((Field("x", "i16", "input_bytes"),), "field 'x'.*no arrays of i16"),
        ((Field("x", "u32", "rest"),), "field 'x'.*no arrays of u32"),
        ((Field("x", "u8", "rest"), Field("y", "u8")), "'x' must be its last field"),
    ],
)
def test_a_row_that_c_cannot_take_is_refused(fields: tuple[Field, ...], words: str) -> None:
    with pytest.raises(InputError, match=f"BAD.*{words}"):
        emit((*MESSAGES, Message("BAD", 0x60, "request", fields, "bad")))
