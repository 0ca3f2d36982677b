"""An encoded frame is decoded to the same bytes; a damaged frame is never accepted."""

from __future__ import annotations

import pytest
from cobs import cobs  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.wire.frame import Frame, FrameDecoder, crc16, encode_frame

frames = st.builds(
    Frame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=600) | st.just(bytes(300))
)


def test_crc_is_ccitt_false() -> None:
    assert crc16(b"123456789") == 0x29B1  # the check value of CRC catalogs
    assert crc16(b"") == 0xFFFF


@given(st.lists(frames, max_size=4), st.lists(st.integers(1, 700), max_size=8))
def test_frames_are_decoded_from_any_pieces(sent: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(encode_frame(*frame) for frame in sent)
    decoder = FrameDecoder()
    received = []
    for cut in cuts:
        received += decoder.feed(stream[:cut])
        stream = stream[cut:]
    assert received + decoder.feed(stream) == sent
    assert decoder.bad == 0


@given(frames)
def test_a_frame_has_one_zero_and_it_is_the_last_byte(frame: Frame) -> None:
    encoded = encode_frame(*frame)
    assert encoded.index(0) == len(encoded) - 1


@given(st.binary(max_size=50).map(lambda data: data.replace(b"\0", b"")), frames)
def test_garbage_costs_one_frame_at_most(garbage: bytes, frame: Frame) -> None:
    decoder = FrameDecoder()
    decoder.feed(garbage + encode_frame(*frame))
    assert decoder.feed(b"\0" + encode_frame(*frame)) == [frame]


def test_a_frame_with_a_flipped_bit_or_a_lost_byte_is_dropped() -> None:
    encoded = encode_frame(0x82, 7, bytes(range(40)) + bytes(3))
    damaged = [
        encoded[:i] + bytes([encoded[i] ^ (1 << bit)]) + encoded[i + 1 :]
        for i in range(len(encoded) - 1)
        for bit in range(8)
    ]
    damaged += [encoded[:i] + encoded[i + 1 :] for i in range(len(encoded) - 1)]
    for stream in damaged:
        decoder = FrameDecoder()
        assert decoder.feed(stream) == []
        assert decoder.bad >= 1


@pytest.mark.parametrize("content", [b"", b"\x02"])
def test_too_few_bytes_are_not_a_frame_even_with_a_good_crc(content: bytes) -> None:
    decoder = FrameDecoder()
    piece = content + crc16(content).to_bytes(2, "little")
    assert decoder.feed(cobs.encode(piece) + b"\0") == []
    assert decoder.bad == 1


def test_two_frames_that_lost_the_zero_between_them_are_one_bad_piece() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(encode_frame(1, 2, b"3")[:-1] + encode_frame(1, 3, b"4")) == []
    assert decoder.bad == 1


def test_endless_garbage_is_dropped() -> None:
    decoder = FrameDecoder()
    decoder.feed(b"\x55" * (FrameDecoder.LIMIT + 1))
    assert decoder.bad == 1
    assert decoder.feed(encode_frame(1, 2, b"")) == [Frame(1, 2, b"")]
