"""The host's end of the line to one device: a session, its requests, and one-sentence errors.

A request is sent again with the same sequence number until its answer arrives whole; the device
executes it once. How ports are opened stands in `port`; samples in a stream, in `stream`.
"""

from __future__ import annotations

import os
import struct
import threading
import time
import zlib
from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Any

from ska_edge.device import claims, device_errors
from ska_edge.device.claims import Reply
from ska_edge.device.exchange import Request
from ska_edge.device.info import DeviceInfo, Result
from ska_edge.device.port import Port
from ska_edge.errors import ContactLost, DeviceError, InputError
from ska_edge.wire.codec import Codec, peek
from ska_edge.wire.frame import Frame, FrameDecoder, encode_frame
from ska_edge.wire.protocol import (
    BY_NAME,
    CHUNK_MAX,
    COUNTED,
    PROTOCOL_VERSION,
    PUSH_MAX,
    Capability,
    Message,
    Status,
    Values,
    Want,
)
from ska_edge.wire.tag import Tagger

STATUS, WELCOME = BY_NAME["STATUS"], BY_NAME["WELCOME"]

HELLO_PERIODS = 16  # tries of HELLO, a quarter of a timeout apart: the device may be booting
STORING = {"SAVE", "OFFER", "PUSH"}  # requests for which a device may erase and write its flash
STORING_PATIENCE = 5  # how many timeouts each of their tries may take


class Link:
    """An open serial line to one device; a context manager.

    Args:
        port: a name that `port.resolve` understands.
        baud: bits per second; emulated devices ignore it.
        timeout: seconds to wait for the answer to one try.
        tries: how often a request is sent before the device counts as silent. HELLO is sent
            `HELLO_PERIODS` times, a quarter of a timeout apart.
        key: the device's, 32 bytes; None for a device that has none.
        stop: once it is set, HELLO is sent no more often than other requests: nobody waits for a
            device to boot.

    Attributes:
        port: path of the port.
        timeout: seconds to wait for the answer to one try.
        samples, step: how far the device is, as far as is known; who teaches it keeps them so.

    Raises DeviceError when the port cannot be opened.
    """

    def __init__(
        self,
        port: str,
        *,
        baud: int = 115200,
        timeout: float = 2.0,
        tries: int = 3,
        key: bytes | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.baud = baud
        self._tagger = None if key is None else Tagger(key)
        self._stop = stop or threading.Event()
        self.timeout = timeout
        self._tries = tries
        self._info: DeviceInfo | None = None
        self.samples = self.step = 0
        self._met = False  # a device has answered, ever
        self._plan: claims.PlanShape | None = None  # that the device must run
        self._codec, self._input = Codec({}), struct.Struct("")
        self._decoder = FrameDecoder()
        # A random start: answers that an earlier program left on the line must not look like ours.
        self._seq = os.urandom(1)[0]
        self._line = Port(port, baud=baud, write_timeout=timeout)
        self.port = self._line.path

    def __enter__(self) -> Link:
        """The link itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the port."""
        self.close()

    def close(self) -> None:
        """Closes the port; a second time does nothing."""
        self._line.close()

    # --- the session ------------------------------------------------------------------------------

    def hello(self) -> DeviceInfo:
        """Opens a session and says which device this is; every other request does it when needed.

        Raises DeviceError when nothing answers, when what answers is no ska-edge device, when it
        speaks another protocol version, and when it says what no device says, or none of the plan
        that is expected.
        """
        fields = self._greet()
        if fields["seq"] != self._seq:  # it looked like the HELLO that opened the session before
            fields = self._greet()
        self._seq = fields.pop("seq")
        fields["board"] = fields["board"].rstrip(b"\0").decode("ascii", "replace")
        fields["digest"] = fields["digest"].hex()
        info, self._met = DeviceInfo(**fields), True
        claims.check_info(info, self._plan, self.port)
        dimensions = {"input_bytes": info.inputs * info.input_width, "classes": info.classes}
        self._codec = Codec(dimensions)
        self._input = struct.Struct(f"<{info.inputs}{'b' if info.input_width == 1 else 'h'}")
        self._info, self.samples, self.step = info, info.samples, info.step
        self._challenge(info)
        return info

    def _challenge(self, info: DeviceInfo) -> None:
        """Begins to tag requests, with a key. DeviceError: the device has none."""
        if self._tagger is None:
            return
        if not info.capabilities & Capability.KEY:
            raise device_errors.keyless(self.port)
        ((_, answer),) = self.request("CHALLENGE")
        self._tagger.begin(answer["nonce"])

    def _greet(self) -> dict[str, Any]:
        """The values of the WELCOME that answers a HELLO."""
        ((_, welcome),) = self.request("HELLO", {"protocol": PROTOCOL_VERSION})
        return dict(welcome)

    @property
    def info(self) -> DeviceInfo:
        """What the device said in its last WELCOME; asks when contact was lost since."""
        info = self._info or self.hello()
        if (info.samples, info.step) != (self.samples, self.step):
            info = self._info = replace(info, samples=self.samples, step=self.step)
        return info

    def expect_digest(self, digest: str) -> None:
        """Raises DeviceError unless the device runs the plan with this digest.

        Args:
            digest: hexadecimal digits of the plan's digest; the device knows the first 16 of them.
        """
        claims.check_digest(self.info, digest, self.port)

    def expect_plan(self, plan: claims.PlanShape) -> None:
        """Raises DeviceError unless the device runs this plan, by all that it says of it, now and
        whenever it says it again.
        """
        claims.check_info(self.info, plan, self.port)
        self._plan = plan

    def expect_capability(self, capability: Capability, what: str) -> None:
        """Raises DeviceError, "... cannot {what}", unless the device has a capability."""
        if not self.info.capabilities & capability:
            raise DeviceError(
                f"the device at {self.port} cannot {what}: its board has no memory for two saves"
                " of this plan; choose a smaller network or another board"
            )

    # --- what a device can be asked ---------------------------------------------------------------

    def learn(self, x: Iterable[int], label: int, want: Want = Want.METRICS) -> Result:
        """One learning step on the device; many at once go faster by `stream.Stream`.

        Args:
            x: (inputs,) integers in the plan's input format.
            label: class index.
            want: what else to ask for.
        """
        request = self.sample(self.info.samples, x, label, want)
        request.samples = None  # a device that counts wrong shall be seen, not taken for silent
        result = self._result(request)
        self.samples, self.step = result.samples, result.step
        return result

    def infer(self, x: Iterable[int]) -> Result:
        """Classifies one input, (inputs,) integers; the device learns nothing."""
        return self._result(self._prepare("INFER", {"x": self._bytes(x)}))

    def halve_rate(self, times: int) -> None:
        """Lets the device learn on with the plan's rate times 2**-times."""
        self.request("SET_RATE", {"halvings": times, "token": self.info.token})
        self._note(halvings=times)

    def token(self) -> int:
        """The token of the device's state, not 0: a state that has none is given one.

        It stays the same as long as the state comes about by learning (and SET_RATE) alone. From
        here on samples, rates and saves are for this state; raises ContactLost when the device has
        another by now.
        """
        info = self.info if self.info.token else self.hello()
        return info.token or self.renew_token()

    def renew_token(self) -> int:
        """Gives the state that the last WELCOME told of another token; raises as `token`."""
        token = int.from_bytes(os.urandom(4), "little") or 1
        self.request("SET_TOKEN", {"token": token, "crc": self.info.crc})
        self._note(token=token)
        return token

    def pull(self, size: int) -> bytes:
        """The state; see `State.from_bytes`.

        Args:
            size: its bytes, by the plan. A device that says another size is not asked for any.
        """
        crc, total = self.hello().crc, self.info.state_bytes
        if total != size:
            raise DeviceError(
                f"the device at {self.port} has {total} bytes of state, its plan {size}; flash it"
                " again"
            )
        data = b""
        while len(data) < total:
            ((_, chunk),) = self.request("PULL", {"offset": len(data)})
            piece = chunk["data"]
            if chunk["offset"] != len(data) or len(piece) != min(CHUNK_MAX, total - len(data)):
                raise DeviceError(
                    f"the device at {self.port} answers with other bytes than asked for at offset "
                    f"{len(data)} of its state; flash it again"
                )
            data += piece
        if zlib.crc32(data) != crc:
            raise DeviceError(
                f"the state of the device at {self.port} changed while it was read: let nobody"
                " else use the device, and pull again"
            )
        return data

    def push(self, data: bytes, digest: str) -> None:
        """Gives the device a state of the plan with this digest; it stores it, then uses it.

        A transfer that was cut before goes on where it stopped. Until its last byte has come the
        device has its old state, and keeps it over a restart.
        """
        self.expect_digest(digest)
        self.expect_capability(Capability.PUSH, "take a state")
        offer = {"digest": bytes.fromhex(digest[:16]), "crc": zlib.crc32(data)}
        before, offset = -1, self._status("OFFER", offer)
        while before < offset < len(data):
            piece = {"offset": offset, "data": data[offset : offset + PUSH_MAX]}
            before, offset = offset, self._status("PUSH", piece)
        if before < 0 or offset != len(data):
            raise DeviceError(
                f"the device at {self.port} goes on at offset {offset} of the {len(data)} bytes of"
                " its state, where it cannot be; flash it again"
            )
        self._info = None  # step, samples, token and CRC are others now

    def save(self) -> None:
        """Lets the device keep its state over a restart."""
        self.expect_capability(Capability.SAVE, "keep its state")
        self.request("SAVE", {"token": self.info.token})

    def reset(self) -> None:
        """Puts the device back to the plan's weights, step 0; what it has saved stays."""
        self.request("RESET")
        self._note(token=0, halvings=0)
        self.samples = self.step = 0

    # --- parts of a request, for requests in a stream ---------------------------------------------

    def silent(self, failures: int) -> bool:
        """Whether the device counts as silent after so many tries without an answer."""
        return failures >= self._tries

    def sample(self, samples: int, x: Iterable[int], label: int, want: Want) -> Request:
        """A SAMPLE, ready to be sent, for a device that has learned so many before it."""
        info = self.info
        number = (info.token + samples) % COUNTED
        values = {"number": number, "label": label, "want": int(want), "x": self._bytes(x)}
        request = self._prepare("SAMPLE", values)
        request.metrics = info.layers if want & Want.METRICS else 0
        request.samples = (samples + 1) % COUNTED
        return request

    def teach(self, samples: int, x: Iterable[int], label: int, want: Want) -> Request:
        """Sends such a SAMPLE for the first time."""
        request = self.sample(samples, x, label, want)
        self._line.write(request.data)
        return request

    def follow(self, earlier: Link) -> None:
        """Numbers requests on from those of another link to the device: an answer to one of them
        that comes late is none to a request of this link.
        """
        self._seq = earlier._seq

    def send(self, request: Request) -> None:
        """Sends a request, for the first time or again."""
        self._line.write(request.data)

    def frames(self) -> list[Frame]:
        """The good frames that have arrived by now; waits a moment for the first byte."""
        return self._decoder.feed(self._line.read())

    def whole(self, request: Request) -> list[Reply] | None:
        """The replies to a request, the closing one last; None while some lack.

        Raises DeviceError when the device has refused it.
        """
        end = request.end
        if end is not None and end.code == WELCOME.code:  # before the rest of it, which may differ
            version = peek(end.code, end.payload, "protocol")
            if version != PROTOCOL_VERSION:
                raise device_errors.other_version(self.port, version)
        if request.error is not None:
            raise request.error
        if request.replies is not None and request.replies[-1][0] == STATUS.name:
            self._accept(request.message, request.replies[-1][1])
        return request.replies

    def silence(self, tries: int | None = None, wait: float | None = None) -> ContactLost:
        """The error to raise when a device that was there does not answer any more, in so many
        tries of so many seconds; `tries` and `timeout` unless told.
        """
        self._info = None
        return device_errors.silent(self.port, tries or self._tries, wait or self.timeout)

    def _note(self, **changes: Any) -> None:
        """What is known of the device after a request that changed it."""
        if self._info is not None:
            self._info = replace(self._info, **changes)

    def _prepare(self, name: str, values: Values) -> Request:
        if self._info is None and name != "HELLO":
            self.hello()
        message, payload = BY_NAME[name], self._codec.pack(name, values)
        if self._tagger is not None:
            payload = self._tagger.tagged(message, payload)
        self._seq = (self._seq + 1) % 256
        # The zero byte ends whatever rubbish the line has left in the device's decoder.
        data = b"\0" + encode_frame(message.code, self._seq, payload)
        return Request(message, self._seq, data, self._codec)

    def _result(self, request: Request) -> Result:
        """What a request for a RESULT is answered."""
        self._ask(request)
        assert request.result is not None
        return request.result

    def _status(self, name: str, values: Values) -> int:
        """The detail of the STATUS that answers a request."""
        ((_, status),) = self.request(name, values)
        return int(status["detail"])

    def _bytes(self, x: Iterable[int]) -> bytes:
        """An input as it goes over the line; InputError where an element does not fit."""
        info, values = self.info, [int(value) for value in x]
        try:
            return self._input.pack(*values)
        except struct.error:
            if len(values) != info.inputs:
                raise InputError(
                    f"an input of this device has {info.inputs} values, its field 'x' was given"
                    f" {len(values)}"
                ) from None
            raise InputError(
                f"an input of this device has {8 * info.input_width}-bit integers, {min(values)} to"
                f" {max(values)} were given"
            ) from None

    # --- one request after the other --------------------------------------------------------------

    def request(self, name: str, values: Values | None = None) -> list[Reply]:
        """Sends one request until it is answered and returns the replies, the closing one last.

        Each reply is (message name, values by field); METRICS come sorted by layer. Raises
        InputError when the values do not fit the message, DeviceError when the device refuses or
        stays silent.
        """
        return self._ask(self._prepare(name, values or {}))

    def _ask(self, request: Request) -> list[Reply]:
        wait, tries = self.timeout, self._tries
        if request.message.name == "HELLO":
            wait, tries = wait / 4, HELLO_PERIODS
        elif request.message.name in STORING:
            wait *= STORING_PATIENCE
        info, self._info = self._info, None  # without an answer, the next request opens a session
        received = self._line.received
        made = 0
        while made < (self._tries if self._stop.is_set() else tries):
            made += 1
            self.send(request)
            if self._answered(request, wait):
                self._info = info  # also when the device refuses
                replies = self.whole(request)
                if replies is not None:
                    return replies
                self._info = None
        if self._met:
            raise self.silence(made, wait)
        raise device_errors.stranger(self.port, self.baud, self._line.received - received)

    def _answered(self, request: Request, wait: float) -> bool:
        """Whether an answer has come; False when it is time to ask again."""
        deadline = time.monotonic() + wait
        while True:
            if sum(request.take(frame) for frame in self.frames()):  # not any(): take all of them
                return True
            if time.monotonic() >= deadline:
                return False

    def _accept(self, message: Message, status: Values) -> None:
        """Raises DeviceError unless a STATUS is the answer that a request asks for."""
        if message.answer == STATUS.name and status["code"] == Status.OK:
            return
        error = device_errors.refused(self.port, message.name, status["code"], status["detail"])
        if isinstance(error, ContactLost):
            self._info = None
        raise error
