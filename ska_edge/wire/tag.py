"""Makes tags, which prove that the sender of a request has the device's key.

The tag of a request is the keyed BLAKE2s (RFC 7693) of four values: the device's nonce, the number
of the request since this nonce, the type, and the payload. `firmware_gen/runtime/ska_mac.c`
computes the same. A replayed request fails if the nonce or the number has changed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ska_edge.errors import InputError
from ska_edge.files import refusal
from ska_edge.wire.message import Message
from ska_edge.wire.protocol import KEY_BYTES, TAG_BYTES

OF_REQUEST = b"\x01"  # first hashed byte; the hash for nonces begins with another byte
LONGEST_KEY_FILE = 1000  # bytes; a key takes 64 digits


def request_tag(key: bytes, nonce: bytes, number: int, code: int, payload: bytes) -> bytes:
    """Return the tag of a request, `TAG_BYTES` long.

    Args:
        key: the device's key, `KEY_BYTES` long.
        nonce: the device's answer to CHALLENGE.
        number: number of the request since the nonce, from 1.
        code: type byte of the request.
        payload: the payload without the tag.
    """
    message = OF_REQUEST + nonce + number.to_bytes(4, "little") + bytes([code]) + payload
    return hashlib.blake2s(message, key=key, digest_size=TAG_BYTES).digest()


class Tagger:
    """Adds the tags to the requests of one session, and counts the requests as the device does.

    Args:
        key: the device's key, `KEY_BYTES` long.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._nonce: bytes | None = None
        self._number = 0

    def begin(self, nonce: bytes) -> None:
        """Use a new nonce from the device; the next request has the number 1."""
        self._nonce, self._number = nonce, 0

    def tagged(self, message: Message, payload: bytes) -> bytes:
        """Return the payload of the next request, with its tag if the request needs one."""
        self._number += 1
        if self._nonce is None or not message.changes:
            return payload
        tag = request_tag(self._key, self._nonce, self._number, message.code, payload)
        return payload + tag


def read_key(path: Path) -> bytes:
    """Read the key from a file of 64 hexadecimal digits; raise InputError for any other file."""
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_KEY_FILE).decode("ascii").strip()
    except FileNotFoundError as error:
        raise InputError(
            f"there is no key file {path}; make one with `openssl rand -hex {KEY_BYTES} > {path}`"
        ) from error
    except OSError as error:
        raise refusal("read", path, error) from error
    except UnicodeDecodeError:
        text = ""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise InputError(f"{path} is no key: it needs {2 * KEY_BYTES} hexadecimal digits")
    return key
