"""The tags of ska_mac.c equal Python's BLAKE2s and the test vectors of the RFC's author."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_gen.emit.key import emit_key
from firmware_gen.project import RUNTIME
from ska_edge.wire.protocol import KEY_BYTES, TAG_BYTES

Tag = Callable[[bytes, list[bytes]], bytes]


@pytest.fixture(scope="module")
def library(
    tmp_path_factory: pytest.TempPathFactory, require_toolchain: Callable[[str], str]
) -> ctypes.CDLL:
    made = tmp_path_factory.mktemp("mac") / "mac.so"
    (made.parent / "ska_key.h").write_text(emit_key(None))
    command = [require_toolchain("gcc"), "-std=c99", "-Wall", "-Wextra", "-Werror", "-shared"]
    command += [
        "-fPIC",
        "-fsanitize=undefined",
        "-fsanitize-undefined-trap-on-error",
        f"-I{made.parent}",
    ]
    subprocess.run([*command, str(RUNTIME / "ska_mac.c"), "-o", str(made)], check=True)
    return ctypes.CDLL(str(made))


def begun(library: ctypes.CDLL, key: bytes, pieces: list[bytes]) -> ctypes.Array[ctypes.c_char]:
    mac = ctypes.create_string_buffer(256)  # larger than a ska_mac_t
    library.ska_mac_init(mac, key)
    for piece in pieces:
        library.ska_mac_update(mac, piece, ctypes.c_uint16(len(piece)))
    return mac


def tag(library: ctypes.CDLL, key: bytes, pieces: list[bytes]) -> bytes:
    found = ctypes.create_string_buffer(TAG_BYTES)
    library.ska_mac_tag(begun(library, key, pieces), found)
    return found.raw


@settings(deadline=None)
@given(
    st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES), st.lists(st.binary(max_size=150), max_size=6)
)
def test_a_tag_is_pythons(library: ctypes.CDLL, key: bytes, pieces: list[bytes]) -> None:
    expected = hashlib.blake2s(b"".join(pieces), key=key, digest_size=TAG_BYTES).digest()
    assert tag(library, key, pieces) == expected


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 127, 128, 129, 1000])
def test_messages_that_end_at_a_block(library: ctypes.CDLL, length: int) -> None:
    message = bytes(range(256)) * 4
    key = bytes(range(KEY_BYTES))
    expected = hashlib.blake2s(message[:length], key=key, digest_size=TAG_BYTES).digest()
    assert tag(library, key, [message[:length]]) == expected


@given(st.integers(0, 8 * TAG_BYTES - 1))
@settings(deadline=None)
def test_one_wrong_bit_is_seen(library: ctypes.CDLL, bit: int) -> None:
    key, message = bytes(KEY_BYTES), [b"a request"]
    right = int.from_bytes(tag(library, key, message), "little")
    wrong = (right ^ (1 << bit)).to_bytes(TAG_BYTES, "little")
    library.ska_mac_equal.restype = ctypes.c_bool
    assert not library.ska_mac_equal(begun(library, key, message), wrong)
    assert library.ska_mac_equal(begun(library, key, message), right.to_bytes(TAG_BYTES, "little"))
