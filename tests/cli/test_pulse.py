"""A long command prints a line from time to time if standard error is no terminal."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from ska_edge.cli.main import main
from ska_edge.cli.screen import pulse
from ska_edge.cli.screen.console import Output
from ska_edge.cli.screen.pulse import FIRST, THEN, Pulse

QUICK = ("--hidden", "3", "--epochs", "1")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print lines at once, without waiting for a silence; unset CI, which would suppress them."""
    monkeypatch.delenv("CI")
    monkeypatch.setattr(pulse, "FIRST", 0.0)
    monkeypatch.setattr(pulse, "THEN", 0.001)


class Heard:
    """Collects lines, and waits for a line that contains a text."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._arrived = threading.Condition()

    def say(self, line: str) -> None:
        with self._arrived:
            self.lines.append(line)
            self._arrived.notify_all()

    def wait_for(self, text: str) -> str:
        def found() -> list[str]:
            return [line for line in self.lines if text in line]

        with self._arrived:
            assert self._arrived.wait_for(lambda: bool(found()), 60), (text, self.lines)
            return found()[-1]


def test_a_line_has_the_work_and_the_time(at_once: None) -> None:
    heard = Heard()
    with Pulse("train", heard.say) as beat:
        assert heard.wait_for("train: working").endswith(" s")
        with beat.work("training") as now:
            heard.wait_for("training, 0 s")
            now("training, 5 of 10 (50%)")
            heard.wait_for("training, 5 of 10 (50%), 0 s")
        heard.lines.clear()
        heard.wait_for("train: working")
    count = len(heard.lines)
    assert "pulse" not in {thread.name for thread in threading.enumerate()}
    assert len(heard.lines) == count


def test_lines_wait_for_a_silence() -> None:
    beat = Pulse("train", lambda _: None)
    begun = beat._begun
    assert beat.due(begun) == FIRST <= 2
    assert beat.due(begun + 1.5) == pytest.approx(FIRST - 1.5)
    beat.printed()
    assert beat.due(begun + 1.5) >= FIRST - 1.5
    assert beat.line(begun + 12.3) == "train: working, 12 s"
    assert THEN <= 10


def test_a_closed_standard_error_does_not_end_the_thread(at_once: None) -> None:
    heard, count = Heard(), 0

    def say(line: str) -> None:
        nonlocal count
        count += 1
        if count < 3:
            raise BrokenPipeError
        heard.say(line)

    with Pulse("train", say):
        heard.wait_for("train: working")


@pytest.fixture
def speaking(at_once: None, monkeypatch: pytest.MonkeyPatch) -> Heard:
    heard = Heard()
    monkeypatch.setattr(Output, "_plain_note", lambda _, text: heard.say(text))
    return heard


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_has_a_pulse(name: str, speaking: Heard, ska_edge, monkeypatch) -> None:
    made = Output.__init__

    def patient(self: Output, *arguments: bool, **named: bool) -> None:
        made(self, *arguments, **named)
        speaking.wait_for(f"{name}: working")

    monkeypatch.setattr(Output, "__init__", patient)
    arguments = {
        "bench": ("--board", "none"),
        "board": ("show", "none"),
        "boards": (),
        "doctor": (),
        "ports": (),
        "record": ("--port", "none", "-o", "r"),
        "report": ("none", "-o", "p.html"),
        "save": ("--port", "none"),
        "monitor": ("--port", "none"),
        "data": ("none",),
        "run": ("none",),
        "train": ("none", "-o", "m.ska"),
        "sweep": ("none", "-o", "s"),
    }
    one = {"build", "flash", "inspect", "new"}
    ports = {"push": ("none",), "pull": ("none", "-o", "p")}
    files = {"export": ("none", "-o", "o"), "firmware": ("none", "-o", "f")}
    given = {**arguments, **ports, **files}.get(name, ("none",) if name in one else ("a", "b"))
    assert ska_edge(name, *given).code in (0, 2, 3)
    assert speaking.lines


def test_a_training_prints_its_progress(speaking: Heard, ska_edge, monkeypatch) -> None:
    pytest.importorskip("sklearn")
    progress = Output.progress

    done = "training, 240 of 240 samples"

    def slow(self: Output, text: str, unit: str):
        return _Patient(progress(self, text, unit), lambda: speaking.wait_for(done))

    monkeypatch.setattr(Output, "progress", slow)
    outcome = ska_edge("train", "iris", "-o", "m.ska", *QUICK)
    assert outcome.code == 0
    assert "(100%)" in speaking.wait_for(done)


def test_a_build_says_that_it_compiles(
    speaking: Heard, ska_edge, require_board, iris_file: Path, monkeypatch
) -> None:
    require_board("host")
    assert ska_edge("firmware", iris_file, "--board", "host", "-o", "fw").code == 0
    working = Output.working
    monkeypatch.setattr(
        Output,
        "working",
        lambda self, text: _Patient(working(self, text), lambda: speaking.wait_for("compiling")),
    )
    assert ska_edge("build", "fw").code == 0


class _Patient:
    """A context manager that waits at the end of its block, unless the block fails."""

    def __init__(self, inner, wait) -> None:
        self._inner, self._wait = inner, wait

    def __enter__(self):
        return self._inner.__enter__()

    def __exit__(self, *error: object):
        if error == (None, None, None):
            self._wait()
        return self._inner.__exit__(*error)


def test_a_build_server_gets_no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert not pulse.wanted()
    monkeypatch.setenv("CI", "")
    assert pulse.wanted()


def test_the_error_is_the_last_line(at_once: None, ska_edge) -> None:
    outcome = ska_edge("inspect", "none.ska")
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1] == "ska-edge: there is no model file none.ska"


def test_no_line_is_printed_while_a_page_is_only_served(at_once: None) -> None:
    heard = Heard()
    with Pulse("dashboard", heard.say) as beat:
        heard.wait_for("dashboard: working")
        with beat.work(""):
            heard.lines.clear()
            beat.printed()
        heard.wait_for("dashboard: working")
    assert all(line.startswith("dashboard: working, ") for line in heard.lines)


def test_a_dashboard_says_what_it_follows(speaking: Heard, ska_edge, iris_file, book) -> None:
    pytest.importorskip("starlette")
    log = Path("steps.jsonl")
    ended = book.lines.pop()

    def go_on() -> None:
        speaking.wait_for("following steps.jsonl: 45 rows")
        book.lines.append(ended)
        book.write(log)

    book.write(log)
    thread = threading.Thread(target=go_on)
    thread.start()
    options = ("--model", iris_file, "--http-port", 0, "--until-end")
    assert ska_edge("dashboard", log, *options).code == 0
    thread.join()


def test_a_bar_moves_while_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Output(False)
    out.progress_console = Console(force_terminal=True, file=io.StringIO(), width=60)
    bars: list[Progress] = []
    started = Progress.start
    monkeypatch.setattr(Progress, "start", lambda self: (bars.append(self), started(self))[1])
    with out.progress("sweep", "runs") as update:
        update(1, 6)
        (bar,) = bars
        (task,) = bar.tasks
        now = task.get_time()
        pictures = set()
        for passed in range(8):
            task._get_time = lambda at=now + passed / 4: at
            pictures.add("".join(_text(out.progress_console, bar)))
    assert len(pictures) > 2


def _text(console: Console, bar: Progress) -> list[str]:
    options = console.options
    return [part.text for part in console.render(bar.get_renderable(), options)]
