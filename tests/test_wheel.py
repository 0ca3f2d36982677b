"""`make wheel` gives the same bytes for the same commit, in any folder, at any time, for any user.

The wheel and the source distribution work in an environment of their own, outside the clone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy
import pytest

from firmware_gen.export.table import EXPORTS
from ska_edge import __version__
from tests.conftest import without

ROOT = Path(__file__).parents[1]
BOARDS = ROOT / "firmware_gen" / "boards"
PACKAGES = ("ska_edge", "firmware_gen")


SUFFIXES = {"wheel": "*.whl", "sdist": "*.tar.gz"}


def made(folder: Path, target: str, umask: int = 0o022, **environment: str) -> Path:
    """Make the wheel or the source distribution in a clone of the project; return the file."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None or shutil.which("make") is None:
        without("a git clone, git and make are needed")
    pytest.importorskip("setuptools", minversion="77")
    clone = ["git", "clone", "-q", str(ROOT), str(folder)]
    # With `-o`, make takes demo.stamp as up to date, so it installs nothing.
    make = ["make", "-C", str(folder), target, f"VENV={sys.prefix}", f"-o{sys.prefix}/demo.stamp"]
    for command in [make] if folder.exists() else [clone, make]:
        subprocess.run(
            command,
            env={**os.environ, **environment},
            umask=umask,
            capture_output=True,
            check=True,
        )
    (file,) = (folder / "dist").glob(SUFFIXES[target])
    return file


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    clone = tmp_path_factory.mktemp("made") / "clone"
    return {target: made(clone, target) for target in ("sdist", "wheel")}


@dataclass(frozen=True)
class Place:
    """An environment with the wheel, and a folder outside the clone to work in.

    The environment takes the packages that the wheel needs from the environment of the tests. In
    the environment of the tests, the project is installed by a link; the new environment does not
    follow this link.
    """

    python: Path
    folder: Path

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [str(self.python.parent / command[0]), *command[1:]],
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"CI": "true"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture(scope="module")
def place(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("outside")
    venv.create(folder / "env", symlinks=True)
    python = folder / "env" / "bin" / "python"
    (packages,) = (folder / "env" / "lib").glob("*/site-packages")
    needed = Path(numpy.__file__).parents[1]
    (packages / "needed.pth").write_text(f"{needed}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    install = ["install", "-q", "--no-index", "--no-deps", str(files["wheel"])]
    subprocess.run([*pip, *install], check=True, capture_output=True, cwd=folder)
    return Place(python, folder)


def test_every_file_of_the_packages_is_in_the_wheel(files: dict[str, Path]) -> None:
    listed = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(files["wheel"]) as wheel:
        inside = {name for name in wheel.namelist() if name.split("/")[0] in PACKAGES}
    assert inside == set(listed.stdout.splitlines())


def test_the_source_distribution_gives_the_same_files(files: dict[str, Path]) -> None:
    with zipfile.ZipFile(files["wheel"]) as wheel:
        names = [name for name in wheel.namelist() if name.split("/")[0] in PACKAGES]
        content = {name: wheel.read(name) for name in names}
    found = {}
    with tarfile.open(files["sdist"]) as archive:
        for member in archive.getmembers():
            name = member.name.partition("/")[2]
            assert not name.startswith("tests/")
            file = archive.extractfile(member)
            if name.split("/")[0] in PACKAGES and file is not None:
                found[name] = file.read()
        assert f"ska_edge-{__version__}/README.md" in archive.getnames()
    assert found == content


def test_two_builds_give_one_wheel(files: dict[str, Path], tmp_path: Path) -> None:
    one = files["wheel"]
    two = made(tmp_path / "another" / "folder", "wheel", 0o077, TZ="Asia/Tokyo", LANG="C")
    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()


def test_the_main_job_works_from_the_wheel(place: Place, require_board) -> None:
    require_board("virtual-m4")
    assert place.run("ska-edge", "--version") == f"ska-edge, version {__version__}\n"
    place.run("ska-edge", "train", "iris", "-o", "m.ska", "--hidden", "4", "--epochs", "1")
    # This also writes and builds the firmware, from the sources in the wheel.
    verified = ("ska-edge", "verify", "m.ska", "iris", "--samples", "5", "--json")
    assert json.loads(place.run(*verified, "--board", "virtual-m4"))["equal"] is True


EXPORTING = """
import firmware_gen.board.board, ska_edge
from firmware_gen.export.table import EXPORTS
from firmware_gen.export.write import write_export
from pathlib import Path

trained = ska_edge.train("iris", hidden=4, epochs=1).model
for kind in EXPORTS:
    folder = Path(f"as_{kind}")
    write_export(kind, trained.plan, trained.state.parameters, folder, trained.input_notes())
print(ska_edge.__file__, firmware_gen.__file__, *firmware_gen.board.board.board_names(), sep="\\n")
"""


def test_every_export_and_every_board_is_in_the_wheel(place: Place) -> None:
    one, other, *boards = place.run("python", "-c", EXPORTING).split()
    assert Path(one).is_relative_to(place.folder)
    assert Path(other).is_relative_to(place.folder)
    assert all(list((place.folder / f"as_{kind}").rglob("*.[ch]")) for kind in EXPORTS)
    assert set(boards) == {
        path.parent.name for path in ROOT.glob("firmware_gen/boards/*/board.toml")
    }
