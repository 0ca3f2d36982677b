"""Compares a device with the host, which learns the rows of the device's log again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ska_edge.errors import CheckError
from ska_edge.model.model_file import Model
from ska_edge.monitor.replay import Gap, rebuild
from ska_edge.network.state import State
from ska_edge.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a replay on the host says about a device.

    Attributes:
        state: the state after the log's last row; None if the replay found a difference or a gap.
        checked: whether the device itself confirmed this state.
        difference: the first difference; "" if there is none.
        gap: why the replay could not reach the end of the log; "" without a gap.
        rows: number of rows learned for `state`.
    """

    state: State | None
    checked: bool = False
    difference: str = ""
    gap: str = ""
    rows: int = 0

    @property
    def equal(self) -> bool | None:
        """Whether device and host are equal; None if this is unknown because of a gap."""
        return None if self.gap else not self.difference

    @property
    def verdict(self) -> str:
        """The result in one or two words."""
        return {True: "equal", False: "different", None: "not comparable"}[self.equal]


def compare(log: Path, model: Model, progress: Progress = silent) -> Comparison:
    """Learn the rows of a log on the host, and compare; see `rebuild` for the arguments.

    Raises InputError if the log is damaged or does not belong to the model. A difference and a gap
    raise nothing.
    """
    try:
        rebuilt = rebuild(log, model, progress=progress)
    except CheckError as error:
        return Comparison(None, difference=str(error))
    except Gap as error:
        return Comparison(None, gap=str(error))
    return Comparison(rebuilt.state, rebuilt.checked, rows=rebuilt.rows)
