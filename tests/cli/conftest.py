"""Fixtures for the command line: a function that runs it, a small model, boards that run the model,
a port.
"""

from __future__ import annotations

import json
import os
import shutil
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators import flash
from firmware_gen.project import write_project
from ska_edge.cli.main import main
from ska_edge.data.load import load
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.browser import Browser, browsing, chromium
from tests.compiled_once import compiled_once  # noqa: F401, a fixture of all tests here
from tests.conftest import without
from tests.logbook import Logbook


@dataclass(frozen=True)
class Outcome:
    code: object
    out: str
    err: str

    def document(self) -> dict[str, Any]:
        content = json.loads(self.out)
        assert isinstance(content, dict)
        return content

    def refusal(self, code: int) -> str:
        """Check that an error has this code and is one sentence; return the sentence."""
        assert self.code == code, self
        assert "Traceback" not in self.err + self.out
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("ska-edge: "), self.err
        assert "defect of ska-edge" not in self.err
        return lines[0]

    def usage(self) -> str:
        """Return the last line of click's error message about the command line."""
        assert self.code == 2, self
        lines = self.err.splitlines()
        assert lines[0].startswith("Usage: ska-edge "), self.err
        assert lines[-1].startswith("Error: "), self.err
        assert "Traceback" not in self.err + self.out
        return lines[-1]


Run = Callable[..., Outcome]
Start = Callable[..., str]


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a fresh folder, with a registry of boards that no other test sees."""
    place, registry = tmp_path / "work", tmp_path / "runtime"
    place.mkdir()
    registry.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(registry))
    monkeypatch.setenv("CI", "true")  # suppresses progress lines, which depend on time


@pytest.fixture
def ska_edge(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Outcome(ended.value.code, out, err)

    return run


@pytest.fixture(scope="session")
def iris_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small model of iris with layers 4-4-3; return its file."""
    pytest.importorskip("sklearn")
    path = tmp_path_factory.mktemp("model") / "iris.ska"
    train(load("iris"), Options(hidden=(4,), epochs=2)).model.save(path)
    return path


@pytest.fixture
def iris(iris_file: Path) -> Model:
    return open_model(iris_file)


@pytest.fixture
def write_host_project(require_board: Callable[[str], Board]) -> Callable[[Model, Path], Path]:
    def write(model: Model, folder: Path) -> Path:
        require_board("host")
        memory = model.memory()
        write_project(model.plan, model.state.parameters, "host", folder, memory=memory)
        build(folder)
        return folder

    return write


@pytest.fixture
def built(require_board: Callable[[str], Board], iris: Model) -> Callable[[str, str], Path]:
    """Return a function that gives a folder with the model `iris`, built for a board."""
    first: dict[str, Path] = {}

    def give(name: str, folder: str) -> Path:
        if name not in first:
            require_board(name)
            first[name] = Path(f"built-{name}")
            write_project(iris.plan, iris.state.parameters, name, first[name])
            build(first[name])
        if not Path(folder).exists():
            shutil.copytree(first[name], folder)
        return Path(folder)

    return give


@pytest.fixture
def start_board(built: Callable[[str, str], Path]) -> Iterator[Start]:
    """Return a function that starts a folder's board with the model `iris` and returns its port."""
    with ExitStack() as stack:
        yield lambda name, folder: stack.enter_context(flash.start(built(name, folder))).port


@pytest.fixture
def launched() -> Iterator[Callable[[Path], str]]:
    """Return a function that starts a project's board until the test ends and returns its port."""
    projects: list[Path] = []

    def launch(project: Path) -> str:
        projects.append(project)
        return flash.launch(project).port

    yield launch
    for project in projects:
        flash.stop(project)


@pytest.fixture
def silent_port() -> Iterator[str]:
    with _terminal() as port:
        yield port


@contextmanager
def _terminal() -> Iterator[str]:
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        yield os.ttyname(slave)
    finally:
        os.close(slave)
        os.close(master)


@pytest.fixture
def book(iris: Model) -> Logbook:
    """A log with rows, a new rate, a warning, a save, a restart and an end."""
    book = Logbook(iris)
    book.learn(30)
    book.rate(1)
    book.warn()
    book.save()
    book.learn(10)
    book.fall_back()
    book.learn(5)
    book.end()
    return book


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless browser; skips the test if there is none."""
    program = chromium()
    if program is None:
        without("chromium is not installed")
    assert program is not None
    with browsing(program, tmp_path_factory.mktemp("profile")) as found:
        yield found
