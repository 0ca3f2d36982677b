"""Predicts the RAM of a firmware before any compiler runs.

The RAM holds `ska_t` (see members.py), the buffers of the serial line, and what the front end and
the saves need. Tests compare the sum with the compiler's result for every board except `host`,
whose memory is not predicted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from firmware_gen.board.board import RING, Board
from firmware_gen.memory.members import members
from firmware_gen.memory.residence import can_read, in_flash, only_infers, saved_bytes
from ska_edge.frontend.front import SAMPLE, Front
from ska_edge.frontend.frontends import front_bytes
from ska_edge.plan.plan import Plan
from ska_edge.wire.frame import OVERHEAD
from ska_edge.wire.message import Field
from ska_edge.wire.protocol import MESSAGES

Arrays = tuple[tuple[int, int], ...]

# On AVR, constants are in RAM unless special instructions read them. These are the bytes of the
# constants in RAM: a row of ska_layers, its element of ska_first_neuron (which a single layer does
# not need), a row of ska_readouts, the board's name, the digest, and ska_sensor_runs with a byte of
# padding.
AVR_LAYER, AVR_FIRST, AVR_READOUT, AVR_NAME, AVR_DIGEST, AVR_RUNS = 18, 2, 18, 16, 8, 2
WORD = 4  # bytes to which cores of 32 bits align a struct, and the end of the RAM


@dataclass(frozen=True)
class Part:
    """A part of the RAM: its purpose, and its arrays as (number of elements, bytes per element)."""

    name: str
    arrays: Arrays

    @property
    def size(self) -> int:
        """Return the bytes of the part, without the padding before the next part."""
        return sum(count * width for count, width in self.arrays)


@dataclass(frozen=True)
class Form:
    """A form of a firmware: which layers learn."""

    name: str
    readout_only: bool = False
    inference_only: bool = False

    def of(self, plan: Plan) -> Plan:
        """Return the plan in which the layers of this form learn."""
        return replace(plan, first_learned=plan.hidden if self.readout_only else 0)


LEARNING, READOUT_ONLY = Form("learning"), Form("readout_only", readout_only=True)
INFERENCE_ONLY = Form("inference_only", inference_only=True)
FORMS = (LEARNING, READOUT_ONLY, INFERENCE_ONLY)


def each_form(plan: Plan, board: Board, sensor: bool = False) -> dict[str, int]:
    """Return the bytes of RAM without the stack for each form that a plan can have, by name.

    Without a hidden layer, or without labels, there is no form in which only the readout learns. If
    the core cannot read the weights in flash, there is no form with such weights. `sensor` tells
    whether the device has a sensor of its own.
    """
    if not can_read(plan, board.kernel):
        return {LEARNING.name: ram(LEARNING.of(plan), board, sensor=sensor)}
    can_freeze = plan.hidden > 0 and plan.rule_definition.supervised
    return {
        form.name: ram(
            form.of(plan),
            board,
            inference_only=form.inference_only,
            sensor=sensor,
        )
        for form in FORMS
        if can_freeze or not form.readout_only
    }


def parts(
    plan: Plan, board: Board, *, inference_only: bool = False, sensor: bool = False
) -> tuple[Part, ...]:
    """Return the parts of a firmware's RAM with this plan on this board, in memory order."""
    flash = in_flash(plan, inference_only)
    return (*_device(plan, board, flash, sensor), *_others(plan, board, flash, sensor))


def ram(plan: Plan, board: Board, *, inference_only: bool = False, sensor: bool = False) -> int:
    """Return the bytes of RAM without the stack; 32-bit cores align each element to its size."""
    flash, place = in_flash(plan, inference_only), 0
    for some in (_device(plan, board, flash, sensor), _others(plan, board, flash, sensor)):
        largest = WORD
        for count, width in (array for part in some for array in part.arrays):
            if count and board.kernel != "avr":
                place = -(-place // width) * width
                largest = max(largest, width)
            place += count * width
        place = place if board.kernel == "avr" else -(-place // largest) * largest
    return place


def _device(plan: Plan, board: Board, flash: int, sensor: bool) -> Iterator[Part]:
    """Return the parts of ska_device_t."""
    yield from _pushed(plan, board, flash)  # after the token, but alignment is the same
    yield _line(plan)
    yield from _front(plan, board)
    if sensor:
        yield _window(plan, learns=flash < plan.parameter_count)
    yield from _network(plan, board, flash)


def _others(plan: Plan, board: Board, flash: int, sensor: bool) -> Iterator[Part]:
    """Return the parts outside of ska_device_t."""
    if board.kernel == "avr":
        yield _constants(plan, flash, sensor)
    yield from _received(board)
    yield from _saves(plan, board, flash)


def _network(plan: Plan, board: Board, flash: int) -> Iterator[Part]:
    for name, group in groupby(members(plan, board.kernel, flash), lambda member: member.part):
        yield Part(name, tuple((member.field.count, member.field.width) for member in group))


def _front(plan: Plan, board: Board) -> Iterator[Part]:
    """Return the members of ska_front_t, if any; elsewhere than on AVR, a byte pads it."""
    if plan.front is not None:
        width = _widest(plan.front)
        ring, padding = front_bytes(plan.front), 0 if board.kernel == "avr" else 1
        if plan.front.image and board.kernel == "avr":  # no byte pads an odd number of pixels
            ring -= plan.front.length * plan.front.axes % 2
        yield Part(
            "front end", ((ring // width, width), (ring % width, 1), (3, 2), (1 + padding, 1))
        )


def _widest(front: Front) -> int:
    """Return the bytes of the largest member of ska_front_part_t."""
    if front.has_samples:
        return SAMPLE.bits // 8
    return 4 if front.echo is not None else 8


def _window(plan: Plan, learns: bool) -> Part:
    """Return the members of ska_window_t, the newest window of a device's own sensor.

    A regression that learns keeps the targets of the window beside its values.
    """
    signal = plan.layers[0].input.bits // 8
    kept = int(plan.front is not None and plan.front.has_samples)
    numbers = ((1 + 2 * kept, 4), (2 + kept, 2))
    values = 2 if plan.regression and learns else 1
    members = (*numbers, (values * plan.classes, 2), (1, 1), (plan.inputs, signal))
    return Part("window of the sensor", members)


def _received(board: Board) -> Iterator[Part]:
    """Return the ring that the receive interrupt fills (boards/freestanding/ska_ring.h), if any."""
    if board.uart is not None and RING in board.sources:
        yield Part("receive ring", ((board.uart.buffer, 1), (1, 2), (2, 1)))


def _line(plan: Plan) -> Part:
    """Return the members of ska_device_t that every device has before the network."""
    signal = plan.layers[0].input.bits // 8
    request = max(
        sum(field.size * _elements(field, plan) for field in message.of(plan.regression).fields)
        for message in MESSAGES
        if message.direction == "request" and (plan.front is not None or message.name != "RAW")
    )
    # The first four bytes of a session count as one element, because a struct begins aligned.
    session, token, tag = ((1, 4), (1, 1), (1, 4), (1, 1), (1, 4)), (1, 4), (1, 1)
    decoder, follow = ((2, 2), (4, 1), (request + OVERHEAD, 1)), (1, 1)
    x = (plan.inputs if signal > 1 else 0, signal)
    return Part("serial line", (*session, token, *decoder, tag, follow, x))


def _constants(plan: Plan, flash: int, sensor: bool) -> Part:
    """Return the constants in RAM of an AVR."""
    arrays = [(AVR_NAME + AVR_DIGEST, 1), (_copied(plan, flash), 1), (AVR_RUNS * sensor, 1)]
    if not only_infers(plan, flash):  # otherwise the compiler knows the layer of each access
        layers = len(plan.layers)
        arrays.append((AVR_LAYER * layers + AVR_FIRST * layers * (layers > 1), 1))
    if not flash:
        readouts = sum(layer.readout is not None for layer in plan.layers)
        arrays.append((AVR_READOUT * readouts, 1))
    return Part("constants", tuple(arrays))


def _copied(plan: Plan, flash: int) -> int:
    """Return the bytes of the variables `copy` and `zero` of ska.c on AVR; each takes two."""
    return 2 * (flash > 0) + 2 * only_infers(plan, flash)


def _elements(field: Field, plan: Plan) -> int:
    if isinstance(field.count, int):
        return field.count
    signal = plan.layers[0].input.bits // 8
    return {
        "input_bytes": plan.inputs * signal,
        "classes": plan.classes,
        "target_bytes": 2 * plan.classes,
        "rest": field.most,
    }[field.count]


def _pushed(plan: Plan, board: Board, flash: int) -> Iterator[Part]:
    """Return the members of ska_push_t, for a pushed state."""
    if _has_saves(plan, board, flash):
        yield Part("pushed state", ((1, 1), (3, 4), (_limit(board), 4)))


def _saves(plan: Plan, board: Board, flash: int) -> Iterator[Part]:
    """Return the memory of ska_journal.c, of the limit on saves, and of the driver."""
    if _has_saves(plan, board, flash):
        assert board.storage is not None
        yield Part("saves", ((2, 1), (2, 4), (board.storage.unit, 1), (_limit(board), 1)))
        yield Part("driver of the saves", ((board.storage.ram, 1),))


def _limit(board: Board) -> int:
    """Return 1 for a board with a limit on saves, otherwise 0."""
    return int(board.storage is not None and board.storage.save_budget > 0)


def _has_saves(plan: Plan, board: Board, flash: int) -> bool:
    fits = board.storage is not None and board.storage.holds(saved_bytes(plan, flash))
    return fits and not only_infers(plan, flash)
