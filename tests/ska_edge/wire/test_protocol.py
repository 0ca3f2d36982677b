"""A packed message is unpacked to the same values; values that do not fit are refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_gen.emit.protocol_page import emit_protocol
from ska_edge.errors import DeviceError, InputError
from ska_edge.rules.metric_sums import METRICS
from ska_edge.wire import protocol
from ska_edge.wire.codec import Codec
from ska_edge.wire.frame import FrameDecoder, crc16
from ska_edge.wire.message import Field, Message
from ska_edge.wire.protocol import BY_NAME, MESSAGES

DOCUMENT = Path(__file__).parents[3] / "docs" / "PROTOCOL.md"
DIMENSIONS = {"input_bytes": 5, "classes": 3}
SIZES = {**DIMENSIONS, "target_bytes": 6}
# Each message with the dimensions of a classifier. A message that differs in a regression is also
# here with the dimensions of a regression.
SHAPES = [
    pytest.param(message.of(values), SIZES if values else DIMENSIONS, id=f"{message.name}-{values}")
    for message in MESSAGES
    for values in (False, True)
    if message.differs or not values
]


def numbers(field: Field) -> st.SearchStrategy[int]:
    bits = 8 * field.size
    if field.kind[0] == "u":
        return st.integers(0, 2**bits - 1)
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def values_of(message: Message) -> st.SearchStrategy[dict[str, Any]]:
    def value(field: Field) -> st.SearchStrategy[Any]:
        if field.count == 1:
            return numbers(field)
        if field.count == "rest":
            return st.binary(max_size=field.most)
        count = SIZES[field.count] if isinstance(field.count, str) else field.count
        elements = st.lists(numbers(field), min_size=count, max_size=count)
        return elements.map(bytes if field.kind == "u8" else tuple)

    return st.fixed_dictionaries({field.name: value(field) for field in message.fields})


# --- the table ------------------------------------------------------------------------------------


def test_every_message_has_its_own_name_and_code_and_its_side() -> None:
    assert len(protocol.BY_NAME) == len(protocol.BY_CODE) == len(MESSAGES)
    for message in MESSAGES:
        assert (message.code >= 0x80) == (message.direction == "reply")
        assert 0 < message.code <= 0xFF


def test_every_request_names_the_reply_that_closes_it() -> None:
    for message in MESSAGES:
        if message.direction == "request":
            assert BY_NAME[message.answer].direction == "reply"
        else:
            assert message.answer == ""


def test_metrics_carries_the_sums_of_the_rule() -> None:
    assert [field.name for field in BY_NAME["METRICS"].fields] == ["layer", "step", *METRICS]


def test_codes_inside_messages_are_explained() -> None:
    assert set(protocol.STATUS_PURPOSE) == set(protocol.Status)
    assert set(protocol.CAPABILITY_PURPOSE) == set(protocol.Capability)
    assert set(protocol.WANT_PURPOSE) == set(protocol.Want)
    assert set(protocol.WINDOW_PURPOSE) == set(protocol.WindowDetail)


# --- messages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("message", "sizes"), SHAPES)
@given(data=st.data())
def test_a_packed_message_is_unpacked_to_the_same_values(
    message: Message, sizes: dict[str, int], data: st.DataObject
) -> None:
    values = data.draw(values_of(message))
    codec = Codec(sizes)
    assert codec.unpack(message.code, codec.pack(message.name, values)) == (message.name, values)


def test_a_payload_is_little_endian_without_padding() -> None:
    payload = Codec({"input_bytes": 2}).pack(
        "SAMPLE", {"number": 0x0A0B0C0D, "label": 0x0102, "want": 1, "x": b"\xff\3"}
    )
    assert payload.hex(" ") == "0d 0c 0b 0a 02 01 01 ff 03"


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("HELLO", {}, "HELLO needs a value for its field 'protocol'"),
        ("HELLO", {"protocol": 1, "speed": 2}, "HELLO has no field 'speed'"),
        ("HELLO", {"protocol": 256}, "field 'protocol'.*type u8"),
        ("INFER", {"x": (1, 2, 3, 4)}, "field 'x': 4 value.*5 integer"),
        ("INFER", {"x": (1, 2, 3, 4, 256)}, "field 'x'.*type u8"),
        ("INFER", {"x": (1, 2, 3, 4, 0.5)}, "field 'x'.*type u8"),
        ("CHUNK", {"offset": 0, "data": bytes(129)}, "'data': 129.*at most 128"),
        ("PUSH", {"offset": 0, "data": bytes(65)}, "'data': 65.*at most 64"),
    ],
)
def test_values_that_do_not_fit_are_refused(name: str, values: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Codec(DIMENSIONS).pack(name, values)


def test_a_message_of_unknown_dimensions_is_refused() -> None:
    with pytest.raises(InputError, match="RESULT needs the plan's number of classes"):
        Codec({}).unpack(BY_NAME["RESULT"].code, bytes(16))


@pytest.mark.parametrize(("message", "sizes"), SHAPES)
def test_a_payload_of_another_length_is_refused(message: Message, sizes: dict[str, int]) -> None:
    codec = Codec(sizes)
    fixed = [field for field in message.fields if field.count != "rest"]
    size = sum(
        field.size * (SIZES[field.count] if isinstance(field.count, str) else field.count)
        for field in fixed
    )
    most = size + sum(field.most for field in message.fields)
    for length in range(most + 10):
        payload = bytes(length)
        if size <= length <= most:
            assert codec.pack(*codec.unpack(message.code, payload)) == payload
        else:
            with pytest.raises(DeviceError, match=f"{message.name} of {length} bytes"):
                codec.unpack(message.code, payload)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(DeviceError, match="unknown type 0x7f"):
        Codec({}).unpack(0x7F, b"")


# --- the documentation ----------------------------------------------------------------------------


def test_the_page_has_the_contents_of_the_table() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert emit_protocol(text) == text, "the table has changed; run `make golden`"
    for message in MESSAGES:
        assert f"| `{message.name}` | 0x{message.code:02x} |" in text
        for field in message.fields:
            assert field.purpose in text
    for purposes in (protocol.STATUS_PURPOSE, protocol.CAPABILITY_PURPOSE, protocol.WANT_PURPOSE):
        for code, purpose in purposes.items():  # type: ignore[attr-defined]
            assert f"| {code:d} | `{code.name}` | {purpose} |" in text


def test_a_block_that_nobody_writes_is_refused() -> None:
    with pytest.raises(InputError, match="no block 'nonsense'"):
        emit_protocol("<!-- nonsense -->\nold\n<!-- end -->\n")


def test_the_documented_frame_decodes_to_the_documented_message() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    encoded = re.search(r"on the wire:\n\n    ([0-9a-f ]+)\n", text)
    parts = re.findall(r"^    ((?:[0-9a-f]{2} )+) +(\w.*)$", text, re.M)
    assert encoded is not None
    (frame,) = FrameDecoder().feed(bytes.fromhex(encoded[1]))
    name, values = Codec({"input_bytes": 4}).unpack(frame.code, frame.payload)
    assert (name, frame.seq) == ("SAMPLE", 5)
    assert values == {"number": 1000, "label": 3, "want": 1, "x": bytes([0, 64, 128, 1])}
    # The page lists the frame's bytes field by field, each with its name and value.
    content = bytes([frame.code, frame.seq]) + frame.payload
    assert b"".join(bytes.fromhex(part) for part, _ in parts[:-1]) == content
    assert [text for _, text in parts] == [
        "type SAMPLE",
        "seq 5",
        "number 1000",
        "label 3",
        "want 1",
        "x (0, 64, 128, 1)",
        f"CRC, 0x{crc16(content):04x}",
    ]
