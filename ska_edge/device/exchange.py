"""Holds a request to a device: its bytes, the frames of its answer, and their contents."""

from __future__ import annotations

from dataclasses import dataclass, field

from ska_edge.device import claims
from ska_edge.device.claims import Reply
from ska_edge.device.info import Result
from ska_edge.errors import DeviceError
from ska_edge.wire.codec import Codec, place
from ska_edge.wire.frame import Frame
from ska_edge.wire.message import Message
from ska_edge.wire.protocol import BY_NAME

METRICS, RESULT, STATUS = BY_NAME["METRICS"], BY_NAME["RESULT"], BY_NAME["STATUS"]

# The codes of the replies that can end the answer to a request, by the name of the request.
CLOSING = {
    name: frozenset((BY_NAME[message.answer].code, STATUS.code))
    for name, message in BY_NAME.items()
    if message.answer
}


COUNT = place(RESULT.code, "samples")  # position of the sample count in a RESULT


@dataclass(slots=True)
class Request:
    """A request in flight: its bytes, which may be sent repeatedly, and the answer so far.

    The answer to a repeated request has the same frames, so the frames of several tries can be
    combined into one answer.

    Attributes:
        message, seq, data: the request.
        codec: decodes the answer.
        metrics: the expected number of METRICS in the answer.
        samples: the sample count that a RESULT must have to be taken; None takes any count.
        window: for a LABEL, the number of its window. The answer of another window has no METRICS.
        end: the frame that ends the answer, after it has arrived.
        replies: METRICS sorted by layer, and the closing reply; None while some are missing.
        result: the contents of `replies`, if the request is a sample or an inference.
        error: the error for impossible replies; None if there is none.
    """

    message: Message
    seq: int
    data: bytes
    codec: Codec
    metrics: int = 0
    samples: int | None = None
    window: int = 0
    end: Frame | None = None
    replies: list[Reply] | None = None
    result: Result | None = None
    error: DeviceError | None = None
    _metrics: list[Frame] = field(default_factory=list)

    def take(self, frame: Frame) -> bool:
        """Keep a frame if it belongs to the answer; return True if it ends the answer."""
        if frame.seq != self.seq:
            return False  # a late answer to an earlier request
        if frame.code == METRICS.code and self.metrics and frame not in self._metrics:
            self._metrics.append(frame)
        if frame.code not in CLOSING[self.message.name] or self._counts_other(frame):
            return False
        self.end = self.end or frame  # a retry may bring the closing frame again
        try:
            self._read(self.end)
        except DeviceError as error:
            self.error = error
        return True

    def _counts_other(self, frame: Frame) -> bool:
        """Tell whether a frame is a RESULT with another count, as of an earlier session."""
        if frame.code != RESULT.code or self.samples is None:
            return False
        said = frame.payload[COUNT]
        return len(said) == 4 and int.from_bytes(said, "little") != self.samples

    def _read(self, end: Frame) -> None:
        """Read the frames of the answer; raise DeviceError for impossible contents."""
        closing = self.codec.unpack(end.code, end.payload)
        if closing[0] == STATUS.name:
            self.replies = [closing]
            return
        layers: dict[int, Reply] = {}
        for frame in self._metrics:
            reply = self.codec.unpack(frame.code, frame.payload)
            # Ignore METRICS of another step: they are late frames of an earlier session.
            if reply[1]["step"] == closing[1].get("step"):
                layers[reply[1]["layer"]] = reply
        if len(layers) < self.metrics and closing[1].get("number", self.window) == self.window:
            return
        self.replies = [*map(layers.__getitem__, sorted(layers)), closing]
        if closing[0] == RESULT.name:
            self.result = claims.result_of(self.replies, self.metrics)
