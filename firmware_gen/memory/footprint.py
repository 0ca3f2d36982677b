"""Predicts the RAM of a firmware before any compiler runs.

Nearly all of it is `ska_t`; the rest is the buffers of the serial line, for requests and for
received bytes. The members are listed here again, in the order of runtime/ska.h; tests compare the
sum with the result of every board's compiler. The memory of the board `host` is not predicted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from firmware_gen.board import RING, Board
from ska_edge.plan.plan import Plan
from ska_edge.plan.range_proof import accumulator_width, update_width
from ska_edge.rules.rule import READOUT
from ska_edge.wire.frame import OVERHEAD
from ska_edge.wire.protocol import MESSAGES, Field

Arrays = tuple[tuple[int, int], ...]

QUAD = 4  # inputs that the DSP kernel reads at once
# On AVR, constants are in RAM unless special instructions read them. These constants are in RAM: a
# row of ska_layers with its first neuron, a row of ska_readouts, the board's name, the digest.
AVR_LAYER, AVR_READOUT, AVR_NAME, AVR_DIGEST = 20, 18, 16, 8


@dataclass(frozen=True)
class Part:
    """A part of the RAM: its purpose, and its arrays as (number of elements, bytes per element)."""

    name: str
    arrays: Arrays

    @property
    def size(self) -> int:
        """Bytes, without the padding before the next part."""
        return sum(count * width for count, width in self.arrays)


def parts(plan: Plan, board: Board) -> tuple[Part, ...]:
    """The RAM of a firmware with this plan on this board, in memory order."""
    line = (_line(plan, board), *_received(board))
    return (*_network(plan, board), *line, *_saves(plan, board))


def ram(plan: Plan, board: Board) -> int:
    """Bytes of RAM without the stack; on 32-bit cores each element is aligned to its size."""
    place = 0
    for part in parts(plan, board):
        for count, width in part.arrays:
            if count and board.kernel != "avr":
                place = -(-place // width) * width
            place += count * width
    return place if board.kernel == "avr" else -(-place // 4) * 4


def _network(plan: Plan, board: Board) -> Iterator[Part]:
    """The members of ska_t."""
    signal = plan.layers[0].input.bits // 8
    neurons = sum(layer.outputs for layer in plan.layers)
    widest = max(layer.inputs for layer in plan.layers)
    knowledge = 2 if plan.formats.knowledge.bits <= 16 else 4
    kernel = _kernel(plan, board)
    fields = [
        (field.size // int(field.kind[-1]), int(field.kind[-1])) for field in plan.state_fields()
    ]
    yield Part("state", tuple(fields))
    lanes = {"dsp": -(-widest // QUAD) * QUAD, "thumb": widest}.get(kernel, 0)
    align = 4 - plan.state_bytes % 4 if lanes else 0
    yield Part("inputs of a layer", ((align, 1), (lanes, 2)))
    beyond = QUAD - 1 if kernel == "dsp" else 0
    yield Part("input and activations", ((plan.inputs + neurons + beyond, signal),))
    yield Part("knowledge and decisions", ((neurons, knowledge), (neurons, 2)))
    if plan.rule_definition.supervised:
        readout = plan.classes if plan.rule_definition.teacher == READOUT else 0
        readouts = plan.classes if any(layer.readout for layer in plan.layers) else 0
        yield Part("shifts and errors", ((neurons, 2), (readout, 2), (readouts, 2)))
    else:
        passes, below = 2 * plan.batch * neurons, plan.batch * widest
        yield Part(
            "passes of a batch",
            ((1, 1), (passes, knowledge), (below, signal), (plan.batch, 2)),
        )


def _kernel(plan: Plan, board: Board) -> str:
    """The kernel that the plan uses on the board's core; see runtime/ska_target.h."""
    if plan.formats.weight_bits == 16 and plan.layers[0].input.bits == 8:
        if board.kernel == "dsp":
            return "dsp"
        narrow = accumulator_width(plan) == update_width(plan) == 32
        if board.kernel == "thumb" and narrow and plan.formats.forward_bits == 16:
            return "thumb"
    return "portable"


def _received(board: Board) -> Iterator[Part]:
    """The ring that the receive interrupt fills (boards/freestanding/ska_ring.h), if any."""
    if board.uart is not None and RING in board.sources:
        yield Part("receive ring", ((board.uart.buffer, 1), (1, 2), (2, 1)))


def _line(plan: Plan, board: Board) -> Part:
    """The variables of ska_main.c and ska_frame.c, and on AVR the constants that are in RAM."""
    signal = plan.layers[0].input.bits // 8
    request = max(
        sum(field.size * _elements(field, plan) for field in message.fields)
        for message in MESSAGES
        if message.direction == "request"
    )
    decoder = ((request + OVERHEAD, 1), (1, 2), (3, 1), (1, 2))
    session, first_error, token = ((5, 1), (1, 4)), ((1, 1), (1, 4)), (1, 4)
    arrays = [*decoder, *session, *first_error, token]
    if signal > 1:
        arrays.append((plan.inputs, signal))
    if board.kernel == "avr":
        readouts = sum(layer.readout is not None for layer in plan.layers)
        arrays += [
            (AVR_LAYER * len(plan.layers) + AVR_READOUT * readouts, 1),
            (AVR_NAME + AVR_DIGEST, 1),
        ]
    return Part("serial line", tuple(arrays))


def _elements(field: Field, plan: Plan) -> int:
    """The maximum number of elements of a field."""
    if isinstance(field.count, int):
        return field.count
    signal = plan.layers[0].input.bits // 8
    return {
        "input_bytes": plan.inputs * signal,
        "classes": plan.classes,
        "rest": field.most,
    }[field.count]


def _saves(plan: Plan, board: Board) -> Iterator[Part]:
    """Variables of ska_journal.c for a save, and of ska_main.c for a pushed state."""
    if board.storage is not None and board.storage.holds(plan.state_bytes):
        digest = AVR_DIGEST if board.kernel == "avr" else 0
        yield Part("saves", ((2, 1), (2, 4), (board.storage.unit, 1), (1, 1), (3, 4), (digest, 1)))
