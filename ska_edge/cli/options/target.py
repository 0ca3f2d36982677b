"""Gives a model a replay buffer if the board that it is trained for has room for one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from firmware_gen.board.board import Board, load_board
from firmware_gen.memory.footprint import ram
from firmware_gen.memory.room import buffer_for, cost
from ska_edge.cli.options.shared import shared_option
from ska_edge.cli.screen.console import Output
from ska_edge.data.dataset import Dataset
from ska_edge.network.measures.warning import general_warning
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plural import counted
from ska_edge.training.defaults import HIDDEN, TWO_HIDDEN
from ska_edge.training.opening import open_session
from ska_edge.training.options import Options, flag

target_option = shared_option(
    "--for",
    "target",
    metavar="BOARD",
    help="Board on which the model shall go on learning: the model gets a replay buffer if the"
    " board has room for one, unless --stored gives the size of the buffer.",
)


class Target:
    """The board that a model is trained for; without a board, nothing changes."""

    def __init__(self, name: str | None) -> None:
        self._board: Board | None = None if name is None else load_board(name)
        self._too_small = False

    def fitted(self, options: Options, dataset: Dataset) -> Options:
        """Return the options with a replay buffer that the board has room for.

        The options stay as they are without a board, or if they continue a model, which has its own
        buffer and layers. A given size of the buffer stays. If a second hidden layer would make the
        largest buffer smaller, or if there is no buffer, the options exclude this layer.
        """
        if self._board is None or options.start is not None:
            return options
        # `buffer` and `relearned` are refused without `stored`.
        without = replace(options, stored=None, relearned=None, buffer=None)
        found = self._buffer(without, dataset)
        if options.hidden is None:
            deeper = self._buffer(replace(without, hidden=TWO_HIDDEN), dataset)
            if deeper.per_class < max(found.per_class, 1):
                options, without = (replace(each, hidden=HIDDEN) for each in (options, without))
        if options.stored is not None:
            return options
        if not found.per_class:
            plan = open_session(dataset, without.untried()).plan
            self._too_small = plan.rule_definition.supervised and plan.batch == 1
            return without
        return replace(
            options, stored=found.per_class, relearned=options.relearned or found.per_sample
        )

    def _buffer(self, options: Options, dataset: Dataset) -> Replay:
        assert self._board is not None
        return buffer_for(open_session(dataset, options.untried()).plan, self._board)

    def report(self, plan: Plan, out: Output) -> None:
        """Print the warnings, and what the replay buffer of a plan costs."""
        board, replay = self._board, plan.replay
        for warning in self.warnings(plan):
            out.warning(warning["text"])
        if board is None or not replay.per_class:
            return
        size = "" if board.memory is None else f" of {board.memory.ram.size}"
        out.line(
            f"replay buffer for {board.name}: {counted(replay.per_class, 'sample')} per class,"
            f" {replay.kind}, {replay.per_sample} of them learned again with each new sample;"
            f" {cost(plan, board)}{size} bytes of RAM ({flag('stored')} 0 leaves it out)"
        )

    def warnings(self, plan: Plan) -> list[dict[str, Any]]:
        """Return a list with a warning if the network, or a replay buffer, does not fit the board.

        Without such a problem, the list is empty.
        """
        board = self._board
        if board is None:
            return []
        need, memory = ram(plan, board), board.memory
        if memory is not None and need > memory.ram.size:
            stored = " and its replay buffer do" if plan.replay.per_class else " does"
            sign, text = (
                "too large",
                f"this network{stored} not fit {board.name}: the firmware needs {need} bytes of RAM"
                f" without the stack, and the board has {memory.ram.size}; give a smaller"
                f" {flag('stored' if plan.replay.per_class else 'hidden')}, or another board",
            )
        elif self._too_small:
            sign, text = (
                "no replay buffer",
                f"{board.name} has no room for a replay buffer beside this network, so it forgets"
                " classes that it no longer sees",
            )
        else:
            return []
        return [general_warning(sign, text)]

    def document(self, plan: Plan) -> dict[str, Any] | None:
        """Return the entry of `--json` about the replay buffer; None without a board."""
        if self._board is None:
            return None
        return {
            "board": self._board.name,
            "stored": plan.replay.per_class,
            "relearned": plan.replay.per_sample,
            "buffer": plan.replay.kind,
            "bytes": cost(plan, self._board),
        }
