"""The host's end of the serial line: requests, retries, and one-sentence errors.

A request is sent again with the same sequence number until its answer arrives whole; the device
executes it once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from ska_edge.errors import DeviceError, InputError
from ska_edge.port import Port
from ska_edge.protocol import (
    BY_NAME,
    PROTOCOL_VERSION,
    STATUS_PURPOSE,
    Codec,
    Frame,
    FrameDecoder,
    Message,
    Region,
    Status,
    Values,
    encode_frame,
)
from ska_edge.rule import METRICS as METRIC_NAMES

METRICS, STATUS, WELCOME = (BY_NAME[name] for name in ("METRICS", "STATUS", "WELCOME"))

Reply = tuple[str, dict[str, Any]]

HELLO_PERIODS = 16  # tries of HELLO, a quarter of a timeout apart: the device may be booting


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device says about itself in WELCOME.

    Attributes:
        board: board name.
        protocol: protocol version of the device.
        digest: first 8 bytes of the plan's digest, 16 hexadecimal digits.
        step: learning steps since the plan's weights.
        inputs, classes, layers: dimensions of the plan.
        input_width: bytes of one element of an input.
        parameter_bytes: size of the region of parameters.
        capabilities: bits, see `protocol.Capability`.
    """

    board: str
    protocol: int
    digest: str
    step: int
    inputs: int
    input_width: int
    classes: int
    layers: int
    parameter_bytes: int
    capabilities: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a device answers to a sample or an inference.

    Attributes:
        step: learning steps of the device, this one included.
        predicted: class index, before any update.
        decisions: Q0.15 integers, one per class, before any update.
        metrics: per layer, integer sums by the names of `rule.METRICS`; empty when not asked for.
    """

    step: int
    predicted: int
    decisions: tuple[int, ...]
    metrics: tuple[dict[str, int], ...] = ()


class Link:
    """An open serial line to one device; a context manager.

    Args:
        port: a name that `port.resolve` understands.
        baud: bits per second; emulated devices ignore it.
        timeout: seconds to wait for the answer to one try.
        tries: how often a request is sent before the device counts as silent. HELLO is sent
            `HELLO_PERIODS` times, a quarter of a timeout apart.

    Raises DeviceError when the port cannot be opened.
    """

    def __init__(
        self, port: str, *, baud: int = 115200, timeout: float = 2.0, tries: int = 3
    ) -> None:
        self.baud = baud
        self._timeout = timeout
        self._tries = tries
        self._info: DeviceInfo | None = None
        self._codec = Codec({})
        self._decoder = FrameDecoder()
        # A random start: answers that an earlier program left on the line must not look like ours.
        self._seq = os.urandom(1)[0]
        self._received = 0  # bytes of the port ahead of the last request
        self._port = Port(port, baud=baud, write_timeout=timeout)
        self.port = self._port.path

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
        self._port.close()

    # --- what a device can be asked ---------------------------------------------------------------

    def hello(self) -> DeviceInfo:
        """Opens a session and says which device this is; every other request does it when needed.

        Raises DeviceError when nothing answers, when what answers is no ska-edge device, and when
        it speaks another protocol version.
        """
        ((_, welcome),) = self.request("HELLO", {"protocol": PROTOCOL_VERSION})
        fields = dict(welcome)
        fields["board"] = fields["board"].rstrip(b"\0").decode("ascii", "replace")
        fields["digest"] = fields["digest"].hex()
        self._info = DeviceInfo(**fields)
        self._codec = Codec(
            {
                "input_bytes": self._info.inputs * self._info.input_width,
                "classes": self._info.classes,
            }
        )
        return self._info

    @property
    def info(self) -> DeviceInfo:
        """What the device said in its last WELCOME; asks when contact was lost since."""
        return self._info or self.hello()

    def expect_digest(self, digest: str) -> None:
        """Raises DeviceError unless the device runs the plan with this digest.

        Args:
            digest: hexadecimal digits of the plan's digest; the device knows the first 16 of them.
        """
        device = self.info.digest
        if digest[: len(device)].lower() != device:
            raise DeviceError(
                f"the device at {self.port} runs the plan {device}, not {digest[: len(device)]}: "
                "build and flash the firmware of this model, or name the model that was flashed"
            )

    def learn(self, x: Iterable[int], label: int, *, metrics: bool = True) -> Result:
        """One learning step on the device.

        Args:
            x: (inputs,) integers in the plan's input format.
            label: class index.
            metrics: also ask for the sums of every layer.
        """
        values = {"label": label, "metrics": int(metrics), "x": self._bytes(x)}
        replies = self.request("SAMPLE", values)
        return _result(replies)

    def infer(self, x: Iterable[int]) -> Result:
        """Classifies one input, (inputs,) integers; the device learns nothing."""
        return _result(self.request("INFER", {"x": self._bytes(x)}))

    def _bytes(self, x: Iterable[int]) -> bytes:
        """An input as it goes over the line; InputError where an element does not fit."""
        width, values = self.info.input_width, list(x)
        try:
            return b"".join(int(v).to_bytes(width, "little", signed=True) for v in values)
        except OverflowError:
            raise InputError(
                f"an input of this device has {8 * width}-bit integers, {min(values)} to"
                f" {max(values)} were given"
            ) from None

    def pull(self) -> bytes:
        """All parameters, `info.parameter_bytes` bytes, little-endian, in plan order."""
        total = self.info.parameter_bytes
        data = b""
        while len(data) < total:
            where = {"region": int(Region.PARAMETERS), "offset": len(data)}
            ((_, chunk),) = self.request("PULL", where)
            piece = chunk.pop("data")
            if chunk != where or not piece or len(data) + len(piece) > total:
                raise DeviceError(
                    f"the device at {self.port} answers with other bytes than asked for at offset "
                    f"{len(data)} of its parameters; flash it again"
                )
            data += piece
        return data

    def reset(self) -> None:
        """Puts the device back to the plan's weights, step 0."""
        self.request("RESET")

    def request(self, name: str, values: Values | None = None) -> list[Reply]:
        """Sends one request until it is answered and returns the replies, the closing one last.

        Each reply is (message name, values by field); METRICS come sorted by layer. Raises
        InputError when the values do not fit the message, DeviceError when the device refuses or
        stays silent.
        """
        message, values = BY_NAME[name], values or {}
        opening = name == "HELLO"
        layers = 0 if opening else self.info.layers  # `info` opens a session when there is none
        metrics = layers if name == "SAMPLE" and values.get("metrics") else 0
        payload = self._codec.pack(name, values)
        self._seq = (self._seq + 1) & 0xFF
        # The zero byte ends whatever rubbish the line has left in the device's decoder.
        data = b"\0" + encode_frame(message.code, self._seq, payload)
        wait, tries = self._timeout, self._tries
        if opening:
            wait, tries = wait / 4, HELLO_PERIODS
        info, self._info = self._info, None  # without an answer, the next request opens a session
        self._received = self._port.received
        arrived: list[Frame] = []
        for _ in range(tries):
            self._port.write(data)
            replies = self._answer(message, metrics, arrived, wait)
            if replies:
                self._info = info
                return self._accepted(message, replies)
        raise self._silence(opening)

    # --- one request ------------------------------------------------------------------------------

    def _answer(
        self, message: Message, metrics: int, arrived: list[Frame], wait: float
    ) -> list[Reply] | None:
        """The whole answer, or None when it is time to ask again.

        `arrived` keeps frames from one try to the next: a repeated request is answered by equal
        frames, so the pieces of both answers fit together.
        """
        closing = {BY_NAME[message.answer].code, STATUS.code}
        wanted = closing | ({METRICS.code} if metrics else set())
        deadline = time.monotonic() + wait
        while True:
            closed = False
            for frame in self._decoder.feed(self._port.read()):
                if frame.seq != self._seq or frame.code not in wanted:
                    continue  # a late answer to an earlier request, or our own echo
                self._check_version(frame)
                if frame not in arrived:
                    arrived.append(frame)
                closed = closed or frame.code in closing
            if closed:
                arrived.sort(key=lambda frame: (frame.code in closing, frame.payload[:1]))
                replies = [self._codec.unpack(frame.code, frame.payload) for frame in arrived]
                refused = replies[-1][0] == STATUS.name
                return replies if refused or len(replies) == metrics + 1 else None
            if time.monotonic() >= deadline:
                return None

    def _accepted(self, message: Message, replies: list[Reply]) -> list[Reply]:
        """The replies, unless the device refused the request."""
        name, values = replies[-1]
        if name != STATUS.name or (name == message.answer and values["code"] == Status.OK):
            return replies
        code, detail = values["code"], values["detail"]
        if code == Status.SEQUENCE:
            self._info = None
            raise DeviceError(
                f"the device at {self.port} lost the session (did it restart?): connect "
                "again and compare its step, since what it learned may be gone"
            )
        reason = (
            STATUS_PURPOSE[Status(code)]
            if code in set(Status)
            else "no reason known to this ska-edge"
        )
        raise DeviceError(
            f"the device at {self.port} refused {message.name}: {reason} "
            f"(code {code}, detail {detail})"
        )

    def _check_version(self, frame: Frame) -> None:
        if frame.code == WELCOME.code and frame.payload[:1] != bytes([PROTOCOL_VERSION]):
            version = frame.payload[0] if frame.payload else "?"
            raise DeviceError(
                f"the device at {self.port} speaks protocol version {version}, this ska-edge "
                f"speaks {PROTOCOL_VERSION}: generate, build and flash its firmware again"
            )

    def _silence(self, opening: bool) -> DeviceError:
        if not opening:
            return DeviceError(
                f"the device at {self.port} stopped answering ({self._tries} tries of "
                f"{self._timeout:g} s): check cable and power, then connect again"
            )
        received = self._port.received - self._received
        if received:
            return DeviceError(
                f"what answers at {self.port} is not a ska-edge device ({received} bytes "
                f"came, no frames at {self.baud} baud): check the port and its speed, or flash it"
            )
        return DeviceError(
            f"the device at {self.port} does not answer: check that it has power and runs ska-edge "
            "firmware, and that this is its port (`ska-edge ports` lists them)"
        )


def _result(replies: list[Reply]) -> Result:
    *metrics, (_, result) = replies
    sums = tuple({name: values[name] for name in METRIC_NAMES} for _, values in metrics)
    return Result(result["step"], result["predicted"], result["decisions"], sums)
