"""Ctrl-C ends `monitor` with real firmware between two samples or during a wait."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_gen.emulators.flash import start
from ska_edge.data.dataset import Dataset, save
from ska_edge.data.load import load
from ska_edge.model.model_file import Model
from ska_edge.monitor.replay import rebuild
from tests.cli.conftest import Start
from tests.cli.iris_log import Line, lines_of, logged, pulled, rows_of
from tests.signals import heeded

LIMIT = 120  # seconds after which a program counts as stuck


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts the program with normal signals and returns its process."""
    with heeded(), ExitStack() as stack:

        def begin(
            *arguments: object, terminal: int = subprocess.PIPE, out: int | None = None
        ) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", "ska_edge", *map(str, arguments)],
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
                stdout=terminal if out is None else out,
                stderr=terminal,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield begin


def read_until(process: subprocess.Popen[str], words: str) -> None:
    """Read a program's messages up to the first line that contains these words."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            return
    pytest.fail(f"{words!r} is not in {seen}")


def last_words(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for a program's end; return its stdout and stderr since `read_until`."""
    # Popen.communicate does not see the bytes that read_until left in the buffer.
    assert process.stdout is not None and process.stderr is not None
    err, out = process.stderr.read(), process.stdout.read()
    process.wait(timeout=LIMIT)
    return out, err


ALL = ("--hold-out", "0")  # learn all rows


def many_rows(model: Model) -> str:
    """Write a file with 1000 rows, the rows of iris repeated; return its name."""
    data = load("iris")
    rows = np.resize(np.arange(len(data.y)), 1000)
    many = Dataset("many", data.x[rows], data.y[rows], data.labels)
    save(many, Path("many.npz"))
    return "many.npz"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_ctrl_c_ends_all_devices_between_two_samples(
    number: signal.Signals,
    code: int,
    iris_file: Path,
    iris: Model,
    start_board: Start,
    spawn: Callable[..., Any],
) -> None:
    # The logs are pipes, which block both devices until somebody reads them.
    ports = [start_board("host", f"board-{number}") for number in range(2)]
    pipes = [Path(f"steps-{number}.jsonl") for number in (1, 2)]
    for pipe in pipes:
        os.mkfifo(pipe)
    named = [part for port in ports for part in ("--port", port)]
    process = spawn(
        "monitor", iris_file, many_rows(iris), *ALL, *named, "--log", "steps.jsonl", "--json"
    )
    with ExitStack() as stack:
        opened = [stack.enter_context(pipe.open(encoding="utf-8")) for pipe in pipes]
        texts = [[file.readline(), file.readline()] for file in opened]
        assert [json.loads(text[1])["sent"] for text in texts] == [1, 1]
        process.send_signal(number)
        read_until(process, "stopping between two samples")
        readers = [
            threading.Thread(target=text.extend, args=(file,))
            for text, file in zip(texts, opened, strict=True)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        out, err = last_words(process)
    assert (process.returncode, err.splitlines()[-1]) == (code, "ska-edge: stopped"), (out, err)
    assert "Traceback" not in err
    assert err.index("samples/s") < err.index(": stopped at step")  # the table comes first
    for port, text in zip(ports, texts, strict=True):
        lines = [json.loads(line) for line in text]
        rows = rows_of(lines)
        assert 1 <= len(rows) < 1000
        state = logged(iris, lines)
        assert "end" in lines[-1], (lines[-1], err)
        assert lines[-1]["end"] == {"step": len(rows), "samples": len(rows), "crc": state.crc}
        assert pulled(iris, port).to_bytes() == state.to_bytes()
        assert f" {len(rows)}/1000 " in err
        (entry,) = [each for each in json.loads(out)["devices"] if each["port"] == port]
        assert (entry["step"], entry["samples"], entry["error"]) == (len(rows), len(rows), None)


def test_the_table_in_a_terminal_has_the_last_row_after_ctrl_c(
    iris_file: Path, iris: Model, start_board: Start, spawn: Callable[..., Any]
) -> None:
    port, log = start_board("host", "board"), Path("steps.jsonl")
    master, slave = os.openpty()
    process = spawn(
        "monitor", iris_file, many_rows(iris), *ALL, "--port", port, "--log", log, terminal=slave
    )
    os.close(slave)
    while not log.exists() or len(rows_of(written_lines(log))) < 25:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    shown = screen(master)
    assert process.wait(timeout=LIMIT) == 130
    table, _, after = shown.rpartition("layer")
    count = len(rows_of(lines_of(log)))
    assert re.findall(r"(\d+)/1000 samples", table)[-1] == str(count)
    assert re.findall(r"stopped at step \d+", after) == [f"stopped at step {count}"]


def test_a_terminal_gets_no_table_before_the_first_row(
    iris_file: Path, spawn: Callable[..., Any]
) -> None:
    master, slave = os.openpty()
    process = spawn("monitor", iris_file, "iris", "--port", "/dev/none", terminal=slave)
    os.close(slave)
    (line,) = screen(master).splitlines()
    assert line.startswith("ska-edge: ")
    assert process.wait(timeout=LIMIT) == 3


def screen(master: int) -> str:
    """Return all that a program writes to its terminal until it ends."""
    shown = b""
    with contextlib.suppress(OSError):  # a read at the end of a terminal is an error
        while found := os.read(master, 4096):
            shown += found
    os.close(master)
    return shown.decode()


def test_a_document_is_printed_although_the_terminal_hung_up(
    iris_file: Path, iris: Model, start_board: Start, spawn: Callable[..., Any]
) -> None:
    """Only stderr is the terminal; the document goes to another program."""
    port, log = start_board("host", "board"), Path("steps.jsonl")
    master, slave = os.openpty()
    arguments = (
        "monitor",
        iris_file,
        many_rows(iris),
        *ALL,
        "--port",
        port,
        "--log",
        log,
        "--json",
    )
    process = spawn(*arguments, "--save-every", 3, terminal=slave, out=subprocess.PIPE)
    os.close(slave)
    while not log.exists() or len(rows_of(written_lines(log))) < 25:
        assert process.poll() is None
    os.close(master)
    process.send_signal(signal.SIGHUP)
    assert process.stdout is not None
    document = json.loads(process.stdout.read())
    assert process.wait(timeout=LIMIT) == 129
    assert document["samples"] == len(rows_of(lines_of(log)))


def test_a_monitor_writes_its_log_after_its_terminal_hung_up(
    iris_file: Path, iris: Model, start_board: Start, spawn: Callable[..., Any]
) -> None:
    port, log = start_board("host", "board"), Path("steps.jsonl")
    master, slave = os.openpty()
    arguments = ("monitor", iris_file, many_rows(iris), *ALL, "--port", port, "--log", log)
    process = spawn(*arguments, "--save-every", 3, terminal=slave)
    os.close(slave)
    while not log.exists() or len(rows_of(written_lines(log))) < 25:
        assert process.poll() is None
    os.close(master)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=LIMIT) == 129
    assert "end" in lines_of(log)[-1]
    assert rebuild(log, iris).state.to_bytes() == pulled(iris, port).to_bytes()


def test_a_monitor_that_is_killed_loses_nothing(
    ska_edge, iris_file: Path, iris: Model, start_board: Start, spawn: Callable[..., Any]
) -> None:
    """The monitor is killed several times while rows are learned. The next run continues the log,
    which still rebuilds the device's state.
    """
    port, log = start_board("host", "board"), Path("steps.jsonl")
    arguments = ("monitor", iris_file, many_rows(iris), *ALL, "--port", port, "--log", log)
    known = 0
    for _ in range(5):
        process = spawn(*arguments, "--save-every", 10)
        while not log.exists() or len(rows_of(written_lines(log))) < known + 25:
            assert process.poll() is None, process.stderr.read()
        process.kill()
        process.wait()
        known = len(rows_of(written_lines(log)))
    assert ska_edge(*arguments, "--samples", 10).code == 0
    found, device = rebuild(log, iris), pulled(iris, port)
    assert found.checked
    assert found.state.to_bytes() == device.to_bytes()
    assert device.samples == len(rows_of(lines_of(log))) >= known + 10


def written_lines(log: Path) -> list[Line]:
    """Return the complete lines of a log that is still being written."""
    text = log.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def test_ctrl_c_ends_the_wait_for_a_device(
    iris_file: Path, iris: Model, built: Callable[[str, str], Path], spawn: Callable[..., Any]
) -> None:
    # The log is a pipe, which blocks the stream until the board is gone.
    os.mkfifo("steps")
    project, data = built("host", "board"), many_rows(iris)
    with ExitStack() as powered:
        port = powered.enter_context(start(project)).port
        options = ("--port", port, "--log", "steps", "--patience", 10**6)
        process = spawn("monitor", iris_file, data, *options)
        with Path("steps").open(encoding="utf-8") as steps:
            assert "device" in json.loads(steps.readline())
            powered.close()
            reader = threading.Thread(target=list, args=(steps,))
            reader.start()
            read_until(process, "; waiting up to 1e+06 s")
            process.send_signal(signal.SIGINT)
            _, err = last_words(process)
            reader.join()
    assert process.returncode == 130
    assert err.splitlines()[-1] == "ska-edge: stopped"
    assert "Traceback" not in err
