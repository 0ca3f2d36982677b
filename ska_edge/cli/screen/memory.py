"""Shows the RAM that a plan needs on a board, and how many saves the board's memory endures."""

from __future__ import annotations

from typing import Any

from firmware_gen.board.board import Board
from firmware_gen.memory.footprint import each_form, parts, ram
from firmware_gen.memory.residence import frozen, saved_bytes
from ska_edge.plan.plan import Plan
from ska_edge.report.table import Table


def memory_document(plan: Plan, board: Board) -> dict[str, Any] | None:
    """Return the RAM of a plan on a board, by part and by form.

    `sensor` is how much more RAM a device with a sensor of its own needs, if the plan allows one.
    Returns None for a board without memory of a known size, such as the host.
    """
    if board.memory is None:
        return None
    sizes = {part.name: part.size for part in parts(plan, board)}
    whole = ram(plan, board)
    alignment = whole - sum(sizes.values())
    senses = plan.front is not None and not plan.regression
    more = {"sensor": ram(plan, board, sensor=True) - whole} if senses else {}
    return {
        "board": board.name,
        "bytes": whole,
        "parts": {**sizes, "alignment": alignment} if alignment else sizes,
        "forms": each_form(plan, board),
        **more,
    }


def memory_table(document: dict[str, Any], board: Board) -> Table:
    """Return the table of a `memory_document`."""
    assert board.memory is not None
    title = (
        f"RAM on {board.name} without the stack: {document['bytes']} of"
        f" {board.memory.ram.size} bytes"
    )
    return Table.of(title, ["part", "bytes"], list(document["parts"].items()))


def saves_document(plan: Plan, board: Board) -> dict[str, int] | None:
    """Return how many saves the board's memory endures; None if the board cannot save the state."""
    storage, size = board.storage, saved_bytes(plan, frozen(plan))
    if storage is None or not storage.holds(size):
        return None
    return {"per_erase": storage.saves_per_erase(size), "endurance": storage.endurance(size)}


def saves_sentence(saves: dict[str, int], board: Board) -> str:
    """Return a `saves_document` in words."""
    return (
        f"saves on {board.name}: {saves['per_erase']} between two erases,"
        f" {saves['endurance']} in all before the memory is worn out"
    )
