"""Many trainings over lists of options: on all cores or on a Dask cluster, kept line by line.

The packages for it (joblib, distributed, matplotlib) are imported when they are needed.
"""

from __future__ import annotations

import importlib
import io
import itertools
import json
import math
import signal
import statistics
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError, ToolError
from ska_edge.files import write_file
from ska_edge.training.options import Options
from ska_edge.training.train import Progress, train

KINDS = ("fixed", "float")
# The options that make two runs on the same data different runs: first those that a row of the
# table is for, then what all rows have alike, then what a row sums up.
COLUMNS = ("rule", "hidden", "rate", "precision", "batch", "decay")
KEY = (*COLUMNS, "epochs", "seed")
CONNECT_SECONDS = 5  # for a Dask scheduler to answer, and to have a worker
PLOTTED_ROWS = 100  # more would make a picture that nobody looks at to its end
LINE_START = b'{"data_digest": '

PACKAGE = "ska-edge"

Record = dict[str, Any]
Records = Generator[Record, None, None]
Work = Callable[[Dataset, Sequence[Options]], Records]


@dataclass(frozen=True, slots=True)
class Grid:
    """Values of the options that a sweep combines; one training each, and each with every seed.

    Attributes are those of `options.Options`; ``seeds`` is a count, for the seeds from 0 on.
    """

    rules: Sequence[str] = ("local",)
    hidden: Sequence[tuple[int, ...]] = ((64, 32),)
    rates: Sequence[float] = (0.125,)
    precisions: Sequence[str] = ("w16a8",)
    batches: Sequence[int] = (1,)
    decays: Sequence[int] = (0,)
    seeds: int = 5
    epochs: int = 20

    def options(self) -> list[Options]:
        """The options of every training, none twice, the seeds of a combination side by side.

        InputError: a rate is no finite number above 0.
        """
        for rate in self.rates:
            if not (math.isfinite(rate) and rate > 0):
                raise InputError(f"a rate is a finite number above 0, not {rate}")
        lists = (self.rules, self.hidden, self.rates, self.precisions, self.batches, self.decays)
        combinations: list[dict[str, Any]] = [
            dict(zip(COLUMNS, values, strict=True))
            for values in itertools.product(*map(dict.fromkeys, lists))
        ]
        return [
            Options(**combination, epochs=self.epochs, seed=seed)
            for combination in combinations
            for seed in range(self.seeds)
        ]


def run(dataset: Dataset, options: Options) -> Record:
    """Train once; what is kept of it, ready for JSON.

    Always ``data_digest``, ``data`` (its name), ``options`` (those of `KEY`) and ``version`` (of
    ska-edge). When it worked ``accuracy`` as in `training.Trained`, ``parameters`` and ``digest``
    (of the plan); after an InputError its sentence as ``error``.
    """
    record: Record = {
        "data_digest": dataset.digest,
        "data": dataset.name,
        "options": _key_options(options),
        "version": _version(),
    }
    try:
        trained = train(dataset, options)
    except InputError as error:
        return {**record, "error": str(error)}
    plan = trained.model.plan
    return {
        **record,
        "accuracy": trained.accuracy,
        "parameters": plan.parameter_count,
        "digest": plan.digest,
    }


def _version() -> str:
    return metadata.version(PACKAGE)


def _key_options(options: Options) -> dict[str, Any]:
    """The options of `KEY` as JSON gives them back."""
    values = {name: getattr(options, name) for name in KEY}
    return {**values, "hidden": list(values["hidden"])}


def _key(data_digest: str, options: dict[str, Any]) -> str:
    return json.dumps([data_digest, options], sort_keys=True)


# --- where the work is done -----------------------------------------------------------------------


def on_cores(dataset: Dataset, options: Sequence[Options], jobs: int | None = None) -> Records:
    """Train with joblib in ``jobs`` processes (None: one a core); the runs as they finish.

    Every process has one BLAS thread, so that not even a float's last bit depends on how many
    there are. ToolError: joblib is missing. InputError: the system ended a process.
    """
    joblib = _package("joblib", "sweep")
    jobs = jobs or joblib.cpu_count()
    # With one job joblib would train in this process, with as many BLAS threads as it has: so there
    # are always two, and no more than `jobs` trainings handed out at a time. Without a size for
    # memory maps, data leave no files behind.
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        parallel = joblib.Parallel(
            max(jobs, 2),
            return_as="generator_unordered",
            pre_dispatch=jobs,
            batch_size=1,
            max_nbytes=None,
        )
        with _deaf_children():
            records = parallel(joblib.delayed(run)(dataset, each) for each in options)
    try:
        for record in records:  # noqa: UP028 - `yield from` would close them before `finally`
            yield record
    except BrokenProcessPool as error:
        raise InputError(
            "the system ended a process of the sweep, most likely for want of memory;"
            " start again with fewer --jobs to go on"
        ) from error
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that work is not done: it was stopped
            records.close()


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes started in here ignore Ctrl-C, which a terminal sends to all of them.

    This process stops them; left to themselves they would print where they were.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what a signal does, and only it gets them
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def on_dask(dataset: Dataset, options: Sequence[Options], address: str) -> Records:
    """Train on the workers of a Dask scheduler; the runs as they finish.

    The workers need ska-edge; those of `dask worker` have one BLAS thread each.
    InputError: no scheduler at the address, or one without workers. ToolError: distributed is
    missing here, or this version of ska-edge there.
    """
    distributed = _package("distributed", "dask")
    try:
        # A client that is given what cannot be an address waits long when it is thrown away.
        distributed.comm.get_address_host_port(address)
        client = distributed.Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address!r}; start one with `dask scheduler`"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except distributed.TimeoutError as error:
            raise InputError(
                f"the Dask scheduler at {address} has no workers;"
                f" start some with `dask worker {address}`"
            ) from error
        try:
            _check_versions(client, address)
            data = client.scatter(dataset, broadcast=True, hash=False)
            futures = [client.submit(run, data, each, pure=False) for each in options]
            for future in distributed.as_completed(futures):
                yield future.result()
        except (distributed.CancelledError, distributed.comm.CommClosedError) as error:
            raise InputError(
                f"the Dask scheduler at {address} went away; start again to go on"
            ) from error
        except distributed.KilledWorker as error:
            raise InputError(
                f"workers of the Dask scheduler at {address} end when they train, most likely for"
                " want of memory; give them more, and start again to go on"
            ) from error


def _check_versions(client: Any, address: str) -> None:
    """ToolError unless every worker has this ska-edge.

    Asked before there is work: a worker that cannot read what it is sent fails in other words.
    """
    here = _version()
    try:
        versions = client.run(metadata.version, PACKAGE)
    except ModuleNotFoundError as error:
        raise ToolError(
            f"a worker of the Dask scheduler at {address} has no ska-edge; install {here} there,"
            " which is installed here"
        ) from error
    for worker, version in versions.items():
        if version != here:
            raise ToolError(
                f"the Dask worker at {worker} has ska-edge {version}; install {here} there,"
                " which is installed here"
            )


def _package(name: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ToolError(
            f"a sweep needs {name}, which is not installed: pip install 'ska-edge[{extra}]'"
        ) from error


# --- what is kept ---------------------------------------------------------------------------------


class RunLog:
    """A JSONL file with one record of `run` a line; lines are only ever added.

    Attributes:
        dropped: the file ended in a half-written line, which is cut off.

    InputError: the file cannot be read or written, or another line is no record.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dropped = False
        self._records: dict[str, Record] = {}
        try:
            lines = path.read_bytes().split(b"\n") if path.exists() else [b""]
            end = self._read(lines)
            self._file = open(path, "ab", buffering=0)  # noqa: SIM115
            if self.dropped:
                self._file.truncate(end)
            elif lines[-1]:
                self._file.write(b"\n")  # whole but for its end
        except OSError as error:
            raise InputError(f"cannot use {path}: {error.strerror or error}") from error

    def _read(self, lines: list[bytes]) -> int:
        """Take the records; returns where the last line begins."""
        for number, line in enumerate(lines, 1):
            record = _parsed(line)
            if record is not None:
                self._records[_key(record["data_digest"], record["options"])] = record
            elif number == len(lines) and line and _started(line):
                self.dropped = True
            elif line.strip():
                raise InputError(
                    f"{self.path}: line {number} is no run of a sweep; remove it, or name another"
                    " folder"
                )
        return sum(len(line) + 1 for line in lines[:-1])

    def find(self, dataset: Dataset, options: Options) -> Record | None:
        """The record of this training; None where there is none yet."""
        return self._records.get(_key(dataset.digest, _key_options(options)))

    def add(self, record: Record) -> None:
        """Keep a record, in the file at once. InputError: it cannot be written."""
        line = json.dumps(record).encode() + b"\n"
        try:
            while line:  # a disk that gets full takes a part, and complains about the rest
                line = line[self._file.write(line) :]
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror or error}") from error
        self._records[_key(record["data_digest"], record["options"])] = record

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()


def _started(line: bytes) -> bool:
    """Whether a line begins as those of a RunLog do, however little there is of it."""
    return line.startswith(LINE_START) or LINE_START.startswith(line)


def _parsed(line: bytes) -> Record | None:
    """A line as a record; None when it is none."""
    try:
        record = json.loads(line)
        if not isinstance(record["data_digest"], str) or not isinstance(record["options"], dict):
            return None
        if isinstance(record.get("error"), str):
            return dict(record)
        tests = [record["accuracy"][kind]["test"] for kind in KINDS]
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return dict(record) if all(isinstance(test, float) for test in tests) else None


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep left.

    Attributes:
        runs: records of `run`, in the order of `Grid.options`.
        skipped: how many of them were there before.
        dropped: the file ended in a half-written line, whose run was repeated.
    """

    runs: list[Record]
    skipped: int
    dropped: bool


def sweep(dataset: Dataset, grid: Grid, path: Path, work: Work, progress: Progress) -> Swept:
    """Do those trainings of a grid that a file does not hold yet, and keep each at once.

    The file is a `RunLog`; ``work`` is `on_cores`, or `on_dask` with an address. Runs of other data
    or options may stand in the file: they stay there. ``progress(done, total)`` counts runs.
    Raises what ``work`` raises, and InputError for a file that cannot be used.
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
    return Swept([run for run in found if run is not None], skipped, log.dropped)


# --- the table and the plot -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean of a test accuracy over seeds, a fraction, and its standard deviation.

    The deviation is that of a sample (divided by n - 1); None for one seed.
    """

    mean: float
    std: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(statistics.fmean(values), statistics.stdev(values) if values[1:] else None)

    def as_dict(self) -> dict[str, float | None]:
        """For JSON."""
        return {"mean": self.mean, "std": self.std}


@dataclass(frozen=True, slots=True)
class Row:
    """A combination of options over the seeds with which it worked.

    Attributes:
        options: those of `COLUMNS`.
        seeds: how many worked.
        tests: test accuracy by `KINDS`.
        gap: the largest difference between the two for one seed, a fraction.
    """

    options: dict[str, Any]
    seeds: int
    tests: dict[str, Spread]
    gap: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        tests = {kind: spread.as_dict() for kind, spread in self.tests.items()}
        return {**self.options, "seeds": self.seeds, **tests, "gap": self.gap}


def rows(runs: Sequence[Record]) -> list[Row]:
    """One row a combination, the best mean of fixed point first; without runs that failed."""
    combinations: dict[str, list[Record]] = {}
    for record in runs:
        if "error" not in record:
            options = {**record["options"], "seed": None}
            combinations.setdefault(json.dumps(options, sort_keys=True), []).append(record)
    return sorted(map(_row, combinations.values()), key=lambda row: -row.tests["fixed"].mean)


def _row(runs: list[Record]) -> Row:
    tests = {kind: [record["accuracy"][kind]["test"] for record in runs] for kind in KINDS}
    return Row(
        options={name: runs[0]["options"][name] for name in COLUMNS},
        seeds=len(runs),
        tests={kind: Spread.of(values) for kind, values in tests.items()},
        gap=max(abs(a - b) for a, b in zip(*tests.values(), strict=True)),
    )


def differing(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Names of the options in which rows differ, and of those that they share."""
    shared = [n for n in COLUMNS if all(row.options[n] == rows[0].options[n] for row in rows)]
    return [name for name in COLUMNS if name not in shared], shared


def option_text(name: str, value: Any) -> str:
    """An option of a row as people write it: widths with commas, `none` for no hidden layer."""
    if name == "hidden":
        return ",".join(str(width) for width in value) or "none"
    return f"{value:g}" if name == "rate" else str(value)


def options_text(row: Row, names: Sequence[str]) -> str:
    """Options of a row in one line, those with their name that would be a bare number."""
    texts = [(name, option_text(name, row.options[name])) for name in names]
    return ", ".join(
        text if name in ("rule", "precision") else f"{name} {text}" for name, text in texts
    )


def require_plot() -> ModuleType:
    """The package that `plot` needs; ToolError when it is missing, better before the work."""
    return _package("matplotlib.figure", "sweep")


def plot(rows: Sequence[Row], path: Path, title: str) -> None:
    """Write `draw` as a png. ToolError: matplotlib is missing. InputError: it cannot be written."""
    picture = io.BytesIO()
    draw(rows, title).savefig(picture, dpi=120)
    write_file(path, picture.getvalue())


def draw(rows: Sequence[Row], title: str) -> Any:
    """A figure of matplotlib: a line a row, test accuracy in percent, bars of one deviation.

    A label says what its row has of its own; what all rows share is said above. Only the first
    `PLOTTED_ROWS` are drawn. ToolError: matplotlib is missing.
    """
    shown = rows[:PLOTTED_ROWS]
    names, shared = differing(rows)
    labels = [options_text(row, names) for row in shown]
    size = (5.5 + 0.065 * max(map(len, labels)), 1.6 + 0.32 * len(shown))
    figure = require_plot().Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    for kind, offset, marker in (("fixed", -0.14, "o"), ("float", 0.14, "s")):
        spreads = [row.tests[kind] for row in shown]
        axes.errorbar(
            [100 * spread.mean for spread in spreads],
            [number + offset for number in range(len(shown))],
            xerr=[100 * (spread.std or 0.0) for spread in spreads],
            fmt=marker,
            markersize=4,
            capsize=2,
            linewidth=1,
            label=kind,
        )
    axes.set_yticks(range(len(shown)), labels, fontsize=8)
    axes.set_ylim(len(shown) - 0.5, -0.5)  # the best on top
    axes.set_xlabel("test accuracy, %: mean and standard deviation over seeds")
    axes.grid(axis="both", linewidth=0.4, alpha=0.6)
    part = f"the best {len(shown)} of {len(rows)}" if len(shown) < len(rows) else ""
    above = "; ".join(filter(None, (title, options_text(shown[0], shared), part)))
    # The name of a file is no formula, whatever signs it has.
    figure.suptitle(above, x=0.01, horizontalalignment="left", fontsize=9, parse_math=False)
    figure.legend(loc="outside lower right", ncols=2, fontsize=8)
    return figure
