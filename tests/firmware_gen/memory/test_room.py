"""A board gets the largest replay buffer that leaves room for the stack, and for its saves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_gen.board.board import load_board
from firmware_gen.memory.footprint import ram
from firmware_gen.memory.room import RELEARNED, SHARE, STORED, buffer_for, cost
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan

BOARDS = ("virtual-m4", "qemu-m0", "uno", "mega2560")
SIZES = ((4, 8, 3), (16, 12, 4), (16, 16, 10), (32, 16, 10), (64, 32, 10), (784, 32, 10))


@pytest.mark.parametrize("name", BOARDS)
def test_the_largest_buffer_that_fits(name: str) -> None:
    board, found = load_board(name), set()
    assert board.memory is not None
    limit = SHARE * board.memory.ram.size
    for sizes in SIZES:
        plan = make_plan(sizes)
        buffer = buffer_for(plan, board)
        found.add(buffer.per_class)
        with_it = replace(plan, replay=buffer)
        assert ram(with_it, board) <= limit or buffer == Replay()
        saves = board.storage is not None and board.storage.holds(plan.state_bytes)
        if buffer.per_class:
            assert buffer.per_sample == RELEARNED
            assert ram(with_it, board) == ram(plan, board) + cost(with_it, board)
            assert not saves or (board.storage and board.storage.holds(with_it.state_bytes))
        if buffer.per_class < STORED:
            more = replace(plan, replay=Replay(buffer.per_class + 1, RELEARNED))
            kept = not saves or (board.storage and board.storage.holds(more.state_bytes))
            assert ram(more, board) > limit or not kept
    assert STORED in found


def test_the_host_has_no_limit() -> None:
    assert buffer_for(make_plan((784, 32, 10)), load_board("host")) == Replay(STORED, RELEARNED)


def test_a_plan_that_learns_batches_gets_no_replay_buffer() -> None:
    board = load_board("host")
    assert buffer_for(make_plan((4, 3), batch=2), board) == Replay()
    assert buffer_for(make_plan((4, 3), rule="published"), board) == Replay()
