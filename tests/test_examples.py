"""Run every example as a script with its smallest settings."""

from __future__ import annotations

import re
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board
from tests.conftest import without

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
FIGURES = (
    "1_entropy.png",
    "2_cosine.png",
    "3_output_decisions.png",
    "4_knowledge_norm.png",
    "5_entropy_over_norm.png",
    "6_entropy_map.png",
    "7_cosine_map.png",
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """Return a function that runs an example in an empty folder and returns its output."""
    monkeypatch.chdir(tmp_path)

    def printed(name: str, *arguments: str) -> str:
        script = EXAMPLES / name / "example.py"
        monkeypatch.setattr(sys, "argv", [str(script), *arguments])
        monkeypatch.syspath_prepend(script.parent)
        runpy.run_path(str(script), run_name="__main__")
        return capsys.readouterr().out

    return printed


def is_picture(path: Path) -> bool:
    """Tell whether a file is a picture with more than ten colors."""
    from matplotlib.image import imread

    return len(np.unique(imread(path)[..., :3].reshape(-1, 3), axis=0)) > 10


def cells(text: str, start: str) -> list[float]:
    """Return the numbers after `start` in the first line that begins with `start`."""
    line = next(line for line in text.splitlines() if line.strip().startswith(start))
    found = []
    for word in line.removeprefix(start).replace("%", "").split():
        try:
            found.append(float(word))
        except ValueError:
            continue
    return found


def test_own_firmware_serves_what_it_learned_by_itself(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    require_board: Callable[[str], Board],
) -> None:
    require_board("virtual-m4")
    monkeypatch.setenv("SKA_SENSOR", "")  # the example sets it; monkeypatch restores it
    runpy.run_path(str(EXAMPLES / "own_firmware" / "serve.py"), run_name="__main__")
    text = capsys.readouterr().out
    assert "200 samples" in text
    assert "learned 200 rows of " in text
    assert "the device's own CRC confirms it" in text
    assert "replay and device have the same bits: True" in text
    assert "device and host are equal: all 83 parameters after 200 samples" in text


def test_paper_figures_draws_seven_pictures_of_digits(run, tmp_path: Path) -> None:
    text = run("paper_figures", "--quick", "-o", "figures")
    assert "60 samples, 64-32-16-10, 12 steps" in text
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == list(FIGURES)
    assert all(is_picture(tmp_path / "figures" / name) for name in FIGURES)
    assert {path.name for path in tmp_path.iterdir()} == {"figures"}


@pytest.mark.parametrize("name", ["x", "X"])
def test_paper_figures_takes_a_file(run, tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (20, 9))
    np.savez(tmp_path / "images.npz", **{name: pixels, "y": np.arange(20) % 4})
    text = run("paper_figures", "--quick", "--data", "images.npz", "--hidden", "6,5", "-o", "out")
    assert "20 samples, 9-6-5-4, 12 steps" in text
    assert len(list((tmp_path / "out").iterdir())) == 7


def test_the_mean_decisions_are_those_of_every_pass() -> None:
    example = runpy.run_path(str(EXAMPLES / "paper_figures" / "example.py"))
    x = np.random.default_rng(1).random((7, 5))
    start = example["initial_parameters"]([5, 4, 3], "published", 2)
    weights = [array.copy() for array in start.weights]
    _, means = example["run"](x, start, 0.05, 6)
    # The same rule in the notation of the papers.
    biases, before, expected = [np.zeros(4), np.zeros(3)], None, []
    for _ in range(6):
        knowledge, decisions = [], [x]
        for w, b in zip(weights, biases, strict=True):
            knowledge.append(decisions[-1] @ w.T + b)
            decisions.append(1 / (1 + np.exp(-knowledge[-1])))
        expected.append(decisions[-1].mean(axis=0))
        if before is not None:
            for layer, z in enumerate(knowledge):
                new, old = decisions[layer + 1], before[layer + 1]
                delta = z * new * (1 - new) + new - old
                weights[layer] += 0.05 / np.log(2) / 7 * delta.T @ before[layer]
                biases[layer] += 0.05 / np.log(2) * delta.mean(axis=0)
        before = decisions
    np.testing.assert_allclose(means, expected, rtol=1e-12)


def test_the_entropy_of_one_neuron_converges(run) -> None:
    text = run("sigmoid_from_entropy", "--quick")
    orders = {}
    for part in text.split("z at ")[1:]:
        place, *rows = part.strip().splitlines()
        orders[place] = float(rows[-1].split()[-1])
    assert orders == pytest.approx({"left": 1.0, "right": 1.0, "midpoint": 2.0}, abs=0.02)


def test_the_entropy_of_one_neuron_is_shannons(run) -> None:
    text = run("sigmoid_from_entropy", "--start", "0", "--end", "40")
    assert "H(D) changes by -1.0000000000 bits" in text


def test_two_layers_are_compared_with_backprop(run) -> None:
    text = run("two_layers_vs_backprop", "--quick")
    methods = [f"{rule}, {a}" for rule in ("local", "feedback", "code") for a in ("float", "fixed")]
    for method in (*methods, "backprop (Adam)", "logistic regression"):
        found = cells(text, method)
        assert len(found) == 6  # mean and standard deviation on three data sets
        assert found[0] > 40 and all(0 <= value <= 100 for value in found)
    assert cells(text, "local, fixed")[0] > 75  # the first data set is moons


def test_step_budget_shows_that_runs_with_one_budget_converge(run, tmp_path: Path) -> None:
    text = run("step_budget", "--quick", "-o", "out")
    same, exact = text.split("eta * K = 0.5")[1], text.split("eta * (K - 1) = 0.5")[1]
    for part in (same.split("eta * (K")[0], exact.split("eta 0.01, other K")[0]):
        away = [float(line.split()[-1][:-1]) for line in part.splitlines() if line[:2] == "K "]
        assert len(away) == 4
        assert away == sorted(away, reverse=True) and away[-1] == 0
    assert is_picture(tmp_path / "out" / "step_budget.png")


def test_depth_trains_all_rules(run, tmp_path: Path) -> None:
    text = run("depth", "--quick", "-o", "out")
    for rule in ("local", "feedback", "code"):
        for arithmetic in ("fixed", "float"):
            assert all(mean > 70 for mean in cells(text, f"{rule}, {arithmetic}")[::2])
    assert is_picture(tmp_path / "out" / "depth.png")


def test_a_spectrum_tells_faults_of_a_bearing_apart(run, tmp_path: Path) -> None:
    text = run("vibration", "--quick", "-o", "out")
    assert len(list((tmp_path / "out").iterdir())) == 5 * 4
    assert cells(text, "spectrum ")[1] > 40  # one machine to test, and four classes


def test_patches_give_a_higher_accuracy_than_pixels(run) -> None:
    text = run("handwriting", "--quick", "--data", "digits")
    pixels, filters = (cells(text, name) for name in ("pixels", "patches"))
    assert (pixels[0], filters[0]) == (64, 256)
    assert 70 < pixels[-2] < filters[-2] <= 100


def test_a_device_learns_the_movements_of_new_people(run, tmp_path: Path) -> None:
    text = run("activity", "--quick", "-o", "out")
    before, _, after, _, share = cells(text, "movements")
    assert 20 < before < after <= 100 and share > 0
    assert len(list((tmp_path / "out" / "movements").iterdir())) == 4 * 6


def test_frames_of_a_spectrum_tell_words_apart(run, tmp_path: Path) -> None:
    if shutil.which("espeak-ng") is None:
        without("espeak-ng is not installed")
    text = run("keyword", "--quick", "-o", "out")
    assert len(list((tmp_path / "out").glob("*/*.csv"))) == 3 * 9
    assert cells(text, "spectrum:frames=16,bands=16,spacing=mel")[1] > 40  # of nine classes


def test_the_words_need_espeak_ng(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="needs the program espeak-ng; install its package"):
        run("keyword", "--quick")


@pytest.mark.parametrize(
    "folder", sorted(path.parent.name for path in EXAMPLES.glob("*/README.md"))
)
def test_every_page_says_how_to_run(folder: str) -> None:
    page = (EXAMPLES / folder / "README.md").read_text(encoding="utf-8")
    programs = [*(EXAMPLES / folder).glob("*.py"), *(EXAMPLES / folder).glob("*.ipynb")]
    assert programs
    for program in programs:
        assert f"examples/{folder}/{program.name}" in page


def test_every_example_has_a_page() -> None:
    folders = {
        path.parent for pattern in ("*/*.py", "*/*.ipynb") for path in EXAMPLES.glob(pattern)
    }
    assert [folder.name for folder in folders if not (folder / "README.md").is_file()] == []


def test_own_firmware_learns_with_a_model_file(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if not any(shutil.which(name) for name in ("cc", "gcc", "clang")):
        pytest.importorskip("ziglang")
    script = EXAMPLES / "own_firmware" / "example.py"
    example = runpy.run_path(str(script))
    example["make_model"](tmp_path / "sensor.ska")
    for arguments in ([], [str(tmp_path / "sensor.ska")]):
        example["main"](arguments)
        said = capfd.readouterr().out
        counts = re.findall(r"(\d+) of the (?:first|last) 200", said)
        assert [int(count) > 180 for count in counts] == [True, True], said
