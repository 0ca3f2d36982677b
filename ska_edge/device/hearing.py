"""Collects the samples that a device has learned by itself and announces."""

from __future__ import annotations

import struct

from ska_edge.device import claims
from ska_edge.device.info import DeviceInfo
from ska_edge.device.sample import Sample, truth_in
from ska_edge.errors import DeviceError
from ska_edge.wire.codec import Codec
from ska_edge.wire.frame import Frame
from ska_edge.wire.protocol import BY_NAME

LEARNED, METRICS = BY_NAME["LEARNED"].code, BY_NAME["METRICS"].code
RESULT, WELCOME = BY_NAME["RESULT"].code, BY_NAME["WELCOME"].code


class Hearing:
    """The announcements of one device.

    An announcement is LEARNED, then METRICS and RESULT with the same sequence number.

    A lost LEARNED leaves a gap in the sample counts. A sample whose RESULT is lost has no result.

    Args:
        info: the device's report.
        codec: decodes its messages.
        inputs: decodes an input.
    """

    def __init__(self, info: DeviceInfo, codec: Codec, inputs: struct.Struct) -> None:
        self._info, self._codec, self._inputs = info, codec, inputs
        self._open: Sample | None = None  # a sample without its result
        self._seq = 0  # the sequence number of this sample
        self._metrics: list[Frame] = []
        self._samples: list[Sample] = []
        self._rows = 0

    def take(self, frames: list[Frame]) -> None:
        """Keep the announcements among some frames; raise DeviceError for impossible contents."""
        for frame in frames:
            if frame.code in (LEARNED, WELCOME):
                self._close()  # its RESULT would have come before this frame
            if frame.code == LEARNED:
                self._begin(frame)
            elif self._open is not None and frame.seq == self._seq:
                if frame.code == METRICS:
                    self._metrics.append(frame)
                elif frame.code == RESULT:
                    self._end(self._open, frame)

    def samples(self) -> list[Sample]:
        """Return the samples since the last call, in order; `row` counts them from 0."""
        found, self._samples = self._samples, []
        return found

    def _begin(self, frame: Frame) -> None:
        _, values = self._codec.unpack(frame.code, frame.payload)
        label = truth_in(values)
        if isinstance(label, int) and label >= self._info.classes:
            raise DeviceError(
                f"the device says that it learned class {label}, but it has"
                f" {self._info.classes} classes; flash it again"
            )
        x = tuple(self._inputs.unpack(values["x"]))
        self._open = Sample(self._rows, x, label, values["samples"])
        self._seq, self._metrics = frame.seq, []
        self._rows += 1

    def _end(self, sample: Sample, frame: Frame) -> None:
        reply = self._codec.unpack(frame.code, frame.payload)
        if reply[1]["samples"] == sample.samples:
            sums = self._sums(reply[1]["step"])
            sample.result = claims.result_of([*sums, reply], self._info.layers)
            self._close()

    def _close(self) -> None:
        if self._open is not None:
            self._samples.append(self._open)
            self._open = None

    def _sums(self, step: int) -> list[claims.Reply]:
        """Return the METRICS of an announcement, sorted by layer; none if one of them is lost."""
        layers: dict[int, claims.Reply] = {}
        for frame in self._metrics:
            reply = self._codec.unpack(frame.code, frame.payload)
            if reply[1]["step"] == step:
                layers[reply[1]["layer"]] = reply
        whole = len(layers) == self._info.layers
        return [layers[layer] for layer in sorted(layers)] if whole else []
