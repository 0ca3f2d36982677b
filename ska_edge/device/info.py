"""Holds what a device reports about itself, and its answer to a sample."""

from __future__ import annotations

from dataclasses import dataclass

from ska_edge.wire.protocol import Capability


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """The contents of WELCOME: a device's report about itself.

    Attributes:
        board: board name.
        protocol: protocol version of the device.
        digest: first 8 bytes of the plan's digest, 16 hexadecimal digits.
        step, samples: updates made and samples learned, as the state has them.
        token: identifies the state's history (see `Link.token`); 0 after a start, a reset or a
            push.
        crc: CRC-32 of the state.
        state_bytes: size of the state.
        inputs, classes, layers: dimensions of the plan.
        input_width: bytes of one element of an input.
        halvings: how many times a host has halved the rate; the plan's decay comes on top.
        credit: requests that may be in flight at once.
        capabilities: functions of the firmware, as bits; see `protocol.Capability`.
        saves: number of saves made; if 0, a restart loses what was learned.
        error, error_detail: code and detail of the first refusal since the start, other than
            SEQUENCE, KEY and EARLY; see `protocol.Status`.
        dropped: number of received pieces that were not valid frames.
    """

    board: str
    protocol: int
    digest: str
    step: int
    samples: int
    token: int
    crc: int
    state_bytes: int
    inputs: int
    input_width: int
    classes: int
    layers: int
    halvings: int
    credit: int
    capabilities: int
    saves: int
    error: int
    error_detail: int
    dropped: int

    @property
    def has_values(self) -> bool:
        """Whether it runs a regression, with targets instead of labels."""
        return bool(self.capabilities & Capability.VALUES)

    @property
    def senses(self) -> bool:
        """Whether it classifies windows of its own sensor."""
        return bool(self.capabilities & Capability.SENSOR)

    @property
    def has_raw(self) -> bool:
        """Whether the newest raw samples of its own sensor can be read."""
        return bool(self.capabilities & Capability.READ_RAW)

    @property
    def learns(self) -> bool:
        """Whether the firmware learns; otherwise it only classifies, with weights in flash."""
        return bool(self.capabilities & Capability.LEARN)


@dataclass(frozen=True, slots=True)
class Result:
    """A device's answer to a sample or an inference.

    Attributes:
        step, samples: updates made and samples learned, including a sample just learned.
        predicted: class index, before any update; `UNKNOWN` for a sample of no known class, and 0
            for a regression.
        decisions: integers, one per class, before any update; in Q0.15, or values of a regression
            in the plan's `output` format.
        metrics: per layer, integer sums by the names of `METRICS`; empty if there are none.
        crc: CRC-32 of the state after the update; 0 if not requested.
    """

    step: int
    samples: int
    predicted: int
    decisions: tuple[int, ...]
    metrics: tuple[dict[str, int], ...] = ()
    crc: int = 0
