"""Chooses a replay buffer that a board has room for, and says what it costs."""

from __future__ import annotations

from dataclasses import replace

from firmware_gen.board import Board
from firmware_gen.memory.footprint import ram
from ska_edge.plan.plan import Plan, Replay

# Two of five stored samples per class, learned again with each new sample, keep most of what a
# network knows of digits, vowels and iris, even if their rows come class after class.
STORED, RELEARNED = 5, 2

# The rest of the RAM is for the stack and for the program around the network.
SHARE = 0.75


def cost(plan: Plan, board: Board) -> int:
    """Return the bytes of RAM that the plan's replay buffer takes on a board."""
    return ram(plan, board) - ram(replace(plan, replay=Replay()), board)


def buffer_for(plan: Plan, board: Board) -> Replay:
    """Return the largest replay buffer, of at most `STORED` samples per class, that a board holds.

    It is empty if the board has no room, if the board could then save no state of the plan any
    more, or if the plan learns several samples at once.
    """
    if not plan.rule_definition.supervised or plan.batch != 1:
        return Replay()
    for stored in range(STORED, 0, -1):
        replay = Replay(stored, RELEARNED)
        if _fits(plan, replace(plan, replay=replay), board):
            return replay
    return Replay()


def _fits(plan: Plan, larger: Plan, board: Board) -> bool:
    """Tell whether a board has room for a larger plan, and saves it if it saves the plan."""
    memory, storage = board.memory, board.storage
    if memory is not None and ram(larger, board) > SHARE * memory.ram.size:
        return False
    saves = storage is not None and storage.holds(plan.state_bytes)
    return not saves or (storage is not None and storage.holds(larger.state_bytes))
