"""What a device says about itself, and what it answers to a sample."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device says about itself in WELCOME.

    Attributes:
        board: board name.
        protocol: protocol version of the device.
        digest: first 8 bytes of the plan's digest, 16 hexadecimal digits.
        step, samples: updates, and samples learned, since the plan's weights.
        token: names how the state has come about, see `Link.token`; 0 behind a start, a reset or a
            push.
        crc: CRC-32 of the state.
        state_bytes: size of the state.
        inputs, classes, layers: dimensions of the plan.
        input_width: bytes of one element of an input.
        halvings: how often the plan's rate is halved.
        credit: requests that may be under way at once.
        capabilities: bits, see `protocol.Capability`.
        saves: saves made so far; 0 when nothing is kept over a restart.
        error, error_detail: the first request that was refused since the start, see
            `protocol.Status`.
        dropped: pieces received that were no good frame.
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


@dataclass(frozen=True, slots=True)
class Result:
    """What a device answers to a sample or an inference.

    Attributes:
        step, samples: updates, and samples learned, by the device, this one included.
        predicted: class index, before any update.
        decisions: Q0.15 integers, one per class, before any update.
        metrics: per layer, integer sums by the names of `METRICS`; empty when not asked for.
        crc: CRC-32 of the state after the update; 0 when not asked for.
    """

    step: int
    samples: int
    predicted: int
    decisions: tuple[int, ...]
    metrics: tuple[dict[str, int], ...] = ()
    crc: int = 0
