"""Chooses a replay buffer that a board has room for, and says what it costs."""

from __future__ import annotations

from dataclasses import replace

from firmware_gen.board.board import Board
from firmware_gen.memory.footprint import ram
from firmware_gen.memory.residence import frozen, saved_bytes
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay

# Five samples are stored per class. Two of all stored samples are learned again with each new
# sample. With these numbers, a network keeps most of what it knows of the data sets digits, vowels
# and iris, even if their rows come class after class.
STORED, RELEARNED = 5, 2

# The share of RAM for variables; the rest is for the stack and the program around the network.
SHARE = 0.75


def cost(plan: Plan, board: Board) -> int:
    """Return the bytes of RAM that the plan's replay buffer takes on a board."""
    return ram(plan, board) - ram(replace(plan, replay=Replay()), board)


def buffer_for(plan: Plan, board: Board) -> Replay:
    """Return the largest replay buffer, of at most `STORED` samples per class, that a board holds.

    The buffer is empty if the board lacks the memory, if the board could save the plan's state
    without a buffer but not with one, if the plan's rule needs no labels, or if the plan learns
    several samples at once.
    """
    if not plan.rule_definition.supervised or plan.batch != 1:
        return Replay()
    for stored in range(STORED, 0, -1):
        replay = Replay(stored, RELEARNED)
        if _fits(plan, replace(plan, replay=replay), board):
            return replay
    return Replay()


def _fits(plan: Plan, larger: Plan, board: Board) -> bool:
    """Tell whether RAM has room for `larger`, and the memory for saves, if it can hold the state
    of `plan`, also holds that of `larger`.
    """
    memory, storage = board.memory, board.storage
    if memory is not None and ram(larger, board) > SHARE * memory.ram.size:
        return False
    if storage is None or not storage.holds(saved_bytes(plan, frozen(plan))):
        return True
    return storage.holds(saved_bytes(larger, frozen(larger)))
