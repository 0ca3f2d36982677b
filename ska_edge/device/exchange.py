"""A request to a device: its bytes, the frames that come for it, and what they say."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from ska_edge.device.info import Result
from ska_edge.errors import DeviceError
from ska_edge.rules.metric_sums import METRICS as METRIC_NAMES
from ska_edge.rules.metric_sums import SIGNED_METRICS
from ska_edge.wire.frame import Frame
from ska_edge.wire.protocol import BY_NAME, Codec, Message, peek

METRICS, RESULT, STATUS = BY_NAME["METRICS"], BY_NAME["RESULT"], BY_NAME["STATUS"]

Reply = tuple[str, dict[str, Any]]
"""Name of a message, and its values by field."""


@dataclass(slots=True)
class Request:
    """A request under way: the bytes that are sent, once or more often, and what came for it.

    `arrived` keeps frames from one try to the next: a repeated request is answered by equal frames,
    so the pieces of both answers fit together. `metrics` is how many METRICS the answer has,
    `samples` what its RESULT counts; None where that is not known.
    """

    message: Message
    seq: int
    data: bytes
    metrics: int
    samples: int | None = None
    arrived: list[Frame] = field(default_factory=list)

    @property
    def closing(self) -> set[int]:
        """Codes of the replies that end the answer."""
        return {BY_NAME[self.message.answer].code, STATUS.code}

    def take(self, frame: Frame) -> bool:
        """Keep a frame if it belongs to the answer; True when it ends it."""
        wanted = self.closing | ({METRICS.code} if self.metrics else set())
        if frame.seq != self.seq or frame.code not in wanted or self._counts_other(frame):
            return False  # a late answer to an earlier request, or our own echo
        ends = frame.code in self.closing
        ended = any(earlier.code in self.closing for earlier in self.arrived)
        if frame not in self.arrived and not (ends and ended):  # an answer has one end
            self.arrived.append(frame)
        return ends

    def _counts_other(self, frame: Frame) -> bool:
        """Whether a RESULT is that of another sample, of an earlier session with the same seq."""
        if frame.code != RESULT.code or self.samples is None:
            return False
        return peek(frame.code, frame.payload, "samples") not in (self.samples, None)

    def replies(self, codec: Codec) -> list[Reply] | None:
        """The replies, METRICS sorted by layer, the closing one last; None where some lack."""
        self.arrived.sort(key=lambda frame: (frame.code in self.closing, frame.payload[:1]))
        replies = [codec.unpack(frame.code, frame.payload) for frame in self.arrived]
        if not replies or self.arrived[-1].code not in self.closing:
            return None
        *metrics, closing = replies
        if closing[0] == STATUS.name:
            return [closing]
        # METRICS of another step have come late, as a RESULT that counts another sample.
        replies = [*(m for m in metrics if m[1]["step"] == closing[1].get("step")), closing]
        return replies if len(replies) == self.metrics + 1 else None


def result_of(replies: list[Reply]) -> Result:
    """What the replies to a SAMPLE or INFER say; DeviceError for what no device can mean."""
    *metrics, (_, values) = replies
    sums = tuple({name: layer[name] for name in METRIC_NAMES} for _, layer in metrics)
    for layer, name in itertools.product(sums, METRIC_NAMES):
        if layer[name] < 0 and name not in SIGNED_METRICS:
            raise DeviceError(f"the device says {layer[name]} for {name}, which is never negative")
    return Result(**values, metrics=sums)
