"""Holds the session with one device: sends a request, with retries, and reads its answer.

A retry has the same sequence number, and the device executes a repeated request only once. `link`
has the requests that a host makes; `port` opens ports.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ska_edge.closable import Closable
from ska_edge.device import claims, device_errors
from ska_edge.device.claims import Reply
from ska_edge.device.device_errors import TooManySavesError
from ska_edge.device.exchange import Request
from ska_edge.device.hearing import Hearing
from ska_edge.device.info import DeviceInfo, Result
from ska_edge.device.port.control import BOTH_ON, Control
from ska_edge.device.port.port import Port
from ska_edge.device.sample import Sample, Truth
from ska_edge.errors import ContactLost, InputError
from ska_edge.wire.codec import Codec, peek
from ska_edge.wire.frame import Frame, FrameDecoder, encode_frame
from ska_edge.wire.message import Message, Values
from ska_edge.wire.protocol import BY_NAME, COUNTED, PROTOCOL_VERSION, Capability, Status, Want
from ska_edge.wire.tag import Tagger

STATUS, WELCOME = BY_NAME["STATUS"], BY_NAME["WELCOME"]

HELLO_WAITS = (*[0.25] * 3, 3.0, *[0.25] * 4)
"""How many timeouts to wait after each try of HELLO, because a device may be booting.

The boot loader of an Arduino Mega takes every byte as its own, and starts the firmware only after
four seconds of silence, so one wait is long.
"""
NOTHING_NEW = {"WINDOW"}  # requests that STATUS with OK may answer, if there is nothing to send
STORING = {"SAVE", "OFFER", "PUSH"}  # requests that may erase and write a device's flash
LEAST_WRITE_TIMEOUT = 1.0  # seconds; a busy computer may need them to see that a write has ended
STORING_PATIENCE = 5  # timeouts to wait for the answer to a request of STORING
SAVE_PATIENCE = 60  # seconds, at most, to send bytes to a device that delays a save


class Session(Closable):
    """An open serial line to one device; a context manager.

    Args:
        port: a name that `port.resolve` understands.
        baud: bits per second; emulated devices ignore it.
        timeout: seconds to wait for the answer to one try. Other times hold for HELLO
            (`HELLO_WAITS`) and for the requests of `STORING`.
        tries: how many times a request is sent before the device counts as silent; HELLO is sent
            as often as `HELLO_WAITS` says.
        key: the device's key, 32 bytes; None for a device without one.
        stop: while this event is set, HELLO has as few tries as other requests.
        control: what to do with DTR and RTS when the port opens.

    Attributes:
        port: path of the port.
        timeout: the given timeout.
        samples, step: the known progress of the device; a caller that sends samples updates them.
        retries: how many times a request was sent again, also in the earlier sessions that this
            one follows.
        sensor_ended: whether the answer to the last WINDOW says that the source of the device's
            sensor has no more samples.

    Raises DeviceError when the port cannot be opened, and ToolError on a system without POSIX
    terminals.
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
        control: Control = BOTH_ON,
    ) -> None:
        self.baud = baud
        self._tagger = None if key is None else Tagger(key)
        self._stop = stop or threading.Event()
        self.timeout = timeout
        self._tries = tries
        self._info: DeviceInfo | None = None
        self.samples = self.step = self.retries = 0
        self.sensor_ended = False
        self._met = False  # whether a device has ever answered
        self._plan: claims.PlanShape | None = None  # the plan that the device must run
        self._codec, self._input = Codec({}), struct.Struct("")
        self._decoder = FrameDecoder()
        self._hearing: Hearing | None = None  # None before `listen`
        # A random start, so that a late answer to an earlier program rarely matches a request.
        self._seq = os.urandom(1)[0]
        patience = max(timeout, LEAST_WRITE_TIMEOUT)
        self._line = Port(port, baud=baud, write_timeout=patience, control=control)
        self.port = self._line.path

    def close(self) -> None:
        """Close the port; a second call does nothing."""
        self._line.close()

    # --- the session ------------------------------------------------------------------------------

    def hello(self) -> DeviceInfo:
        """Open a session and identify the device. A request without a session calls this first.

        Raises DeviceError if no ska-edge device answers, if the device has another protocol version
        or lacks the key, or if its report is impossible or contradicts the expected plan.
        """
        fields = self._greet()
        if fields["seq"] != self._seq:  # the device took this HELLO for a copy of an earlier one
            fields = self._greet()
        info = self._report(fields)
        self._challenge(info)
        return info

    def listen(self, want: Want = Want.METRICS) -> DeviceInfo:
        """Make the device announce the samples that it learns by itself; see `announced`.

        The announcements continue the sample count of the returned report. The next `hello` ends
        them. Raises DeviceError if the device does not answer, or refuses the request.
        """
        if self._hearing is None:
            self._hearing = Hearing(self.info, self._codec, self._input)
        ((_, welcome),) = self.request("FOLLOW", {"want": int(want)})
        return self._report(dict(welcome))

    def announced(self) -> list[Sample]:
        """Return the announced samples that `frames` has received since the last call."""
        return [] if self._hearing is None else self._hearing.samples()

    def _report(self, fields: dict[str, Any]) -> DeviceInfo:
        """Check the values of WELCOME, keep them, and return them as the device's report."""
        self._seq = fields.pop("seq")
        fields["board"] = fields["board"].rstrip(b"\0").decode("ascii", "replace")
        fields["digest"] = fields["digest"].hex()
        info, self._met = DeviceInfo(**fields), True
        claims.check_info(info, self._plan, self.port)
        dimensions = {"input_bytes": info.inputs * info.input_width, "classes": info.classes}
        if info.has_values:
            dimensions["target_bytes"] = 2 * info.classes
        self._codec = Codec(dimensions)
        self._input = struct.Struct(f"<{info.inputs}{'b' if info.input_width == 1 else 'h'}")
        self._info, self.samples, self.step = info, info.samples, info.step
        return info

    def _challenge(self, info: DeviceInfo) -> None:
        """If there is a key, start tagging requests; raise DeviceError if the device has no key."""
        if self._tagger is None:
            return
        if not info.capabilities & Capability.KEY:
            raise device_errors.keyless(self.port)
        ((_, answer),) = self.request("CHALLENGE")
        self._tagger.begin(answer["nonce"])

    def _greet(self) -> dict[str, Any]:
        ((_, welcome),) = self.request("HELLO", {"protocol": PROTOCOL_VERSION})
        return dict(welcome)

    @property
    def info(self) -> DeviceInfo:
        """The device's last report, with the current progress.

        If there is no report yet, this opens a session.

        Raises DeviceError as `hello` does.
        """
        info = self._info or self.hello()
        if (info.samples, info.step) != (self.samples, self.step):
            info = self._info = replace(info, samples=self.samples, step=self.step)
        return info

    @property
    def may_change(self) -> bool:
        """Whether the device takes requests that change it: it has no key, or the key was given.

        Raises DeviceError as `hello` does.
        """
        return self._tagger is not None or not self.info.capabilities & Capability.KEY

    # --- requests of a stream, where several wait for their answers at the same time --------------

    def silent(self, failures: int) -> bool:
        """Tell whether a device that did not answer this number of tries counts as silent."""
        return failures >= self._tries

    def sample(self, samples: int, x: Iterable[int], label: Truth, want: Want) -> Request:
        """Return a SAMPLE, not yet sent; the device has learned `samples` samples before it."""
        info = self.info
        number = (info.token + samples) % COUNTED
        values: dict[str, Any] = {"number": number, "want": int(want), "x": self._bytes(x)}
        request = self._prepare("SAMPLE", values | self._truth(label))
        request.metrics = info.layers if want & Want.METRICS else 0
        request.samples = (samples + 1) % COUNTED
        return request

    @staticmethod
    def _truth(truth: Truth) -> dict[str, int | bytes]:
        """Return the field of a message for a label, or for targets: int16, little-endian."""
        if isinstance(truth, int):
            return {"label": truth}
        return {"targets": struct.pack(f"<{len(truth)}h", *truth)}

    def teach(self, samples: int, x: Iterable[int], label: Truth, want: Want) -> Request:
        """Send the SAMPLE of a row for the first time, and return it."""
        request = self.sample(samples, x, label, want)
        self._line.write(request.data)
        return request

    def follow(self, earlier: Session) -> None:
        """Continue the sequence numbers of an earlier session with the device.

        A late answer to a request of that session then does not match the next requests.
        """
        self._seq, self.retries = earlier._seq, earlier.retries

    def resend(self, request: Request) -> None:
        """Send a request without waiting for the answer, and count it as a retry."""
        self.retries += 1
        self._line.write(request.data)

    def frames(self) -> list[Frame]:
        """Return the valid frames that have arrived; wait a moment for the first byte."""
        frames = self._decoder.feed(self._line.read())
        if self._hearing is not None:
            self._hearing.take(frames)
        return frames

    def whole(self, request: Request) -> list[Reply] | None:
        """Return the replies to a request, the closing one last; None while some are missing.

        Raises DeviceError if the device has refused the request, or has sent an invalid answer.
        """
        end = request.end
        if end is not None and end.code == WELCOME.code:  # first, as fields depend on the version
            version = peek(end.code, end.payload, "protocol")
            if version != PROTOCOL_VERSION:
                raise device_errors.other_version(self.port, version)
        if request.error is not None:
            raise request.error
        if request.replies is not None and request.replies[-1][0] == STATUS.name:
            self._accept(request.message, request.replies[-1][1])
        return request.replies

    def silence(self, tries: int | None = None, wait: float | None = None) -> ContactLost:
        """Return the error for a device that did not answer `tries` tries of `wait` seconds.

        The defaults are the link's `tries` and `timeout`.
        """
        self._info = None
        return device_errors.silent(self.port, tries or self._tries, wait or self.timeout)

    def _note(self, **changes: Any) -> None:
        if self._info is not None:
            self._info = replace(self._info, **changes)

    def _prepare(self, name: str, values: Values) -> Request:
        if self._info is None and name != "HELLO":
            self.hello()
        message, payload = BY_NAME[name], self._codec.pack(name, values)
        if self._tagger is not None:
            payload = self._tagger.tagged(message, payload)
        self._seq = (self._seq + 1) % 256
        # The zero byte ends any garbage in the device's decoder.
        data = b"\0" + encode_frame(message.code, self._seq, payload)
        return Request(message, self._seq, data, self._codec)

    def _result(self, request: Request) -> Result:
        self._ask(request)
        assert request.result is not None
        return request.result

    def _bytes(self, x: Iterable[int]) -> bytes:
        """Return an input as bytes for the line; raise InputError if an element does not fit."""
        info, values = self.info, [int(value) for value in x]
        try:
            return self._input.pack(*values)
        except struct.error:
            if len(values) != info.inputs:
                raise InputError(
                    f"the field 'x' of this device has {info.inputs} values, but got {len(values)}"
                ) from None
            raise InputError(
                f"an input of this device has {8 * info.input_width}-bit integers, but got"
                f" {min(values)} to {max(values)}"
            ) from None

    # --- one request after the other --------------------------------------------------------------

    def request(self, name: str, values: Values | None = None) -> list[Reply]:
        """Send a request, with retries, and return the replies, the closing one last.

        Each reply is (message name, values by field); METRICS are sorted by layer. A device that
        waits for bytes before its next save gets them for up to a minute. Raises InputError if the
        values do not fit the message, and DeviceError if the device refuses or stays silent.
        """
        second = max(self.baud // 10, 2)  # bytes per second; a byte takes ten bits
        most = second * SAVE_PATIENCE
        while True:
            try:
                return self._ask(self._prepare(name, values or {}))
            except TooManySavesError as early:
                if early.bytes_left > most:
                    raise
                idle = min(early.bytes_left, second // 2)
                most = early.bytes_left - idle // 2 - 1  # becomes smaller, so the loop ends
                self._line.write(bytes(idle))  # the device ignores zeros between frames

    def _ask(self, request: Request) -> list[Reply]:
        patience = STORING_PATIENCE if request.message.name in STORING else 1
        waits = HELLO_WAITS if request.message.name == "HELLO" else [patience] * self._tries
        info, self._info = self._info, None  # if unanswered, the next request opens a session
        received = self._line.received
        made = 0
        for wait in waits:
            if self._stop.is_set() and made >= self._tries:
                break
            self.retries += made > 0
            made += 1
            self._line.write(request.data)
            if self._answered(request, wait * self.timeout):
                self._info = info  # an answer, even a refusal, shows that the session is valid
                replies = self.whole(request)
                if replies is not None:
                    return replies
                self._info = None
        if self._met:
            raise self.silence(made, sum(waits[:made]) * self.timeout / made)
        raise device_errors.stranger(self.port, self.baud, self._line.received - received)

    def _answered(self, request: Request, wait: float) -> bool:
        """Wait for an answer; return False at the timeout."""
        deadline = time.monotonic() + wait
        while True:
            if sum(request.take(frame) for frame in self.frames()):  # any() would skip later frames
                return True
            if time.monotonic() >= deadline:
                return False

    def _accept(self, message: Message, status: Values) -> None:
        """Raise DeviceError unless STATUS is the normal answer to the request."""
        normal = message.answer == STATUS.name or message.name in NOTHING_NEW
        if normal and status["code"] == Status.OK:
            return
        error = device_errors.refused(self.port, message.name, status["code"], status["detail"])
        if isinstance(error, ContactLost):
            self._info = None
        raise error
