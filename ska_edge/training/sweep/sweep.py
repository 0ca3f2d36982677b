"""Trains over lists of options, and records each training as soon as it is done."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ska_edge.data.dataset import Dataset
from ska_edge.progress import Progress
from ska_edge.training.options import Options
from ska_edge.training.sweep.experiment import COLUMNS, Record
from ska_edge.training.sweep.pool import Work
from ska_edge.training.sweep.run_log import RunLog


@dataclass(frozen=True, slots=True)
class Grid:
    """The values of options that a sweep combines: one training per combination and seed.

    Attributes:
        lists: the values of options in `COLUMNS`, by the name of the option.
        base: the options that all trainings share.
        seeds: number of seeds; they are 0, 1, 2, ...
    """

    lists: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    base: Options = field(default_factory=Options)
    seeds: int = 5

    def options(self) -> list[Options]:
        """Return the options of every training; the trainings of a combination are adjacent.

        Duplicate values are left out.

        Raises OptionError for an invalid value.
        """
        lists = [self.lists.get(name, [getattr(self.base, name)]) for name in COLUMNS]
        return [
            replace(self.base, **dict(zip(COLUMNS, values, strict=True)), seed=seed)
            for values in itertools.product(*map(dict.fromkeys, lists))
            for seed in range(self.seeds)
        ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a sweep.

    Attributes:
        runs: records of `run`, in the order of `Grid.options`.
        skipped: how many of the records existed before.
        dropped: whether the file ended in an incomplete line, whose run was then repeated.
    """

    runs: list[Record]
    skipped: int
    dropped: bool


def sweep(dataset: Dataset, grid: Grid, path: Path, work: Work, progress: Progress) -> Outcome:
    """Run the trainings of a grid that a file does not have yet, and record each when it is done.

    The file is a `RunLog`; ``work`` is `on_cores`, or `on_dask` with an address. Runs of other data
    or options stay in the file. ``progress(done, total)`` counts runs. Raises the errors of
    ``work``, and InputError for a file that cannot be used.
    """
    wanted = grid.options()
    with RunLog(path) as log:
        missing = [options for options in wanted if log.find(dataset, options) is None]
        skipped = len(wanted) - len(missing)
        progress(skipped, len(wanted))
        if missing:
            with closing(work(dataset, missing)) as records:
                for done, record in enumerate(records, skipped + 1):
                    log.add(record)
                    progress(done, len(wanted))
        found = [log.find(dataset, options) for options in wanted]
    return Outcome([run for run in found if run is not None], skipped, log.dropped)
