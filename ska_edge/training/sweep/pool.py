"""Runs the trainings of a sweep on all cores of this computer, or on a Dask cluster.

The packages joblib and distributed are imported only when they are needed.
"""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError, ToolError
from ska_edge.extras import package
from ska_edge.training.options import Options
from ska_edge.training.sweep.experiment import PACKAGE, Record, run, version

CONNECT_SECONDS = 5  # seconds for a Dask scheduler to answer, and again to get a worker

Records = Generator[Record, None, None]
Work = Callable[[Dataset, Sequence[Options]], Records]


def on_cores(dataset: Dataset, options: Sequence[Options], jobs: int | None = None) -> Records:
    """Train with joblib in ``jobs`` processes (None: one per core); yield records as runs finish.

    Every process has one BLAS thread, because the bits of floats depend on the number of threads.
    Raises ToolError if joblib is missing, and InputError if the system ended a process.
    """
    joblib = package("joblib", "sweep", "a sweep")
    jobs = jobs or joblib.cpu_count()
    # With one process, joblib would train in this process, which has many BLAS threads. So start at
    # least two processes, but run at most `jobs` trainings at a time. Do not use memory maps: they
    # are files, which a stop would leave on the disk.
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
        for record in records:  # noqa: UP028 - `yield from` would close `records` before `finally`
            yield record
    except BrokenProcessPool as error:
        raise InputError(
            "the system ended a process of the sweep, most likely for lack of memory;"
            " start the sweep again with a smaller --jobs, and it continues"
        ) from error
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib warns about unfinished work after a stop
            records.close()


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Make processes that start in this block ignore Ctrl-C, which a terminal sends to all.

    Otherwise each process would print a traceback. The parent process stops them instead.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can set signal handlers and get signals
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def on_dask(dataset: Dataset, options: Sequence[Options], address: str) -> Records:
    """Train on the workers of a Dask scheduler; yield records as runs finish.

    The workers need ska-edge; workers started by `dask worker` have one BLAS thread each. Raises
    InputError if no scheduler is at the address, if the scheduler has no workers, or if the
    scheduler or its workers end during the sweep. Raises ToolError if the package distributed is
    missing on this computer, or if a worker lacks this version of ska-edge.
    """
    distributed = package("distributed", "dask", "a sweep")
    try:
        # Check the address first, because a client with an invalid address takes long to close.
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
                f"the Dask scheduler at {address} went away; start again, and the sweep continues"
            ) from error
        except distributed.KilledWorker as error:
            raise InputError(
                f"workers of the Dask scheduler at {address} die during training, most likely for"
                " lack of memory; give them more, and start the sweep again, and it continues"
            ) from error


def _check_versions(client: Any, address: str) -> None:
    """Raise ToolError unless every worker has this version of ska-edge.

    Call this before the work, because a worker with another version fails with an unclear error.
    """
    here = version()
    try:
        versions = client.run(metadata.version, PACKAGE)
    except ModuleNotFoundError as error:
        raise ToolError(
            f"a worker of the Dask scheduler at {address} has no ska-edge; install {here} there,"
            " which is installed here"
        ) from error
    for worker, there in versions.items():
        if there != here:
            raise ToolError(
                f"the Dask worker at {worker} has ska-edge {there}; install {here} there,"
                " which is installed here"
            )
