"""A front end is chosen by cross validation on the rows to learn, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ska_edge import load_data
from ska_edge.data.arrays import from_arrays
from ska_edge.data.dataset import Dataset
from ska_edge.data.image_rows import to_choose
from ska_edge.errors import InputError, OptionError
from ska_edge.frontend.frontends import FRONTENDS
from ska_edge.training.opening import open_session
from ska_edge.training.options import Options
from ska_edge.training.session import Session
from ska_edge.training.train import train
from ska_edge.training.trials import front as front_trials
from ska_edge.training.trials.front import FrontChoice, FrontTrial, _folds, with_front
from tests.recordings import recording

FAST = Options(hidden=(4,), epochs=2, rate=0.1, seed=5)
ACTIVITIES = {"walk": 1, "run": 4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return recordings whose classes differ in the frequency of a sine, not in its energy."""
    found = tmp_path_factory.mktemp("rec")
    head, *lines = recording("run", "a").splitlines()
    for person in "abcd":
        rng = np.random.default_rng(ord(person))
        for activity, cycles in ACTIVITIES.items():
            turn = 2 * np.pi * cycles * np.arange(len(lines)) / 32 + rng.uniform(0, 6)
            x = np.rint(300 * np.stack([np.sin(turn), np.cos(turn)], axis=1)).astype(int)
            rows = [f"{at / 50:.3f},{a},{b},{activity},{person}" for at, (a, b) in enumerate(x)]
            text = "\n".join([head, *rows]) + "\n"
            (found / f"{person}-{activity}.csv").write_text(text, encoding="utf-8")
    return found


def windows(folder: Path, frontend: str = "auto", window: int = 16) -> Dataset:
    return load_data(folder, window=window, group_column="person", frontend=frontend)


def images(rows: int = 60) -> Dataset:
    """Return images of 6x6 pixels, in which one of two corners is bright."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 99, (rows, 36)), np.arange(rows) % 2
    x[np.arange(rows), y * 35] = 255
    return Dataset("corners", x.astype(np.float64), y, ("no", "yes"))


def choice(dataset: Dataset, options: Options = FAST) -> FrontChoice:
    found = with_front(dataset, options)[1]
    assert found is not None
    return found


def test_every_front_end_that_suits_the_windows_is_tried(folder: Path) -> None:
    found = choice(windows(folder))
    kinds = [kind for kind in FRONTENDS if kind != "patches"]
    assert [trial.frontend for trial in found.trials] == ["none", *kinds]
    best = max(found.trials, key=lambda trial: trial.accuracy)
    assert found.frontend == best.frontend and not found.reason
    assert "spectrum" not in {t.frontend for t in choice(windows(folder, window=20)).trials}


def test_a_chosen_front_end_gives_the_model_of_a_named_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("none", "statistics", "kernels"):
        monkeypatch.setattr(
            front_trials, "accuracy_of_trial", lambda each, kind=kind: float(_kind(each) == kind)
        )
        found, named = train(windows(folder), FAST), train(windows(folder, kind), FAST)
        assert found.front_choice is not None and found.front_choice.frontend == kind
        assert named.front_choice is None
        assert found.model.plan.digest == named.model.plan.digest
        assert (found.model.state.parameters == named.model.state.parameters).all()
        assert found.model.notes == named.model.notes


def _kind(session: Session) -> str:
    front = session.dataset.front
    return "none" if front is None else front.kind


def test_of_equally_good_front_ends_the_first_one_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_trials, "accuracy_of_trial", lambda _: 0.5)
    assert choice(windows(folder)).frontend == "none"


def test_a_front_end_without_an_accuracy_is_not_chosen(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        front_trials,
        "accuracy_of_trial",
        lambda session: 0.5 if _kind(session) == "kernels" else float("nan"),
    )
    assert choice(windows(folder)).trials == (FrontTrial("kernels", 0.5),)
    monkeypatch.setattr(front_trials, "accuracy_of_trial", lambda _: float("nan"))
    with pytest.raises(OptionError, match=r"are not numbers; give a smaller rate"):
        choice(windows(folder))


def test_held_out_rows_do_not_change_the_choice(folder: Path) -> None:
    data = windows(folder)
    named = windows(folder, "none")
    test = open_session(named, FAST).division.test
    assert test.places is not None and data.windows is not None
    changed = data.windows.copy()
    changed[test.places] = 7
    other = replace(data, windows=changed, x=changed.reshape(data.x.shape))
    assert choice(other) == choice(data)


def test_a_fold_has_whole_groups(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[set[int], set[int]]] = []

    def judged(session: Session) -> float:
        learned, held = session.division.train.group, session.division.test.group
        assert learned is not None and held is not None
        seen.append(({*learned.tolist()}, {*held.tolist()}))
        return 0.5

    monkeypatch.setattr(front_trials, "accuracy_of_trial", judged)
    trials = choice(windows(folder)).trials
    assert len(seen) == 3 * len(trials)
    assert all(len(held) == 1 and not held & learned for learned, held in seen)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("own", ["group", "file"])
def test_a_fold_is_judged_by_a_network_that_has_learned_its_classes(
    folder: Path, own: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(session: Session) -> float:
        assert {*session.division.test.y} <= {*session.division.train.y}
        return 0.5

    monkeypatch.setattr(front_trials, "accuracy_of_trial", judged)
    data = windows(folder)
    assert data.file is not None
    # The class of the first file has no other file.
    kept = data.take((data.y != data.y[0]) | (data.file == data.file[0]))
    if own == "file":
        kept = replace(kept, group=None)
    assert choice(kept, replace(FAST, seed=seed)).trials


def test_each_of_many_classes_is_in_folds_of_several_files() -> None:
    file = np.repeat(np.arange(60), 3)
    rows = from_arrays(np.zeros((180, 1)), file // 2)
    fold = _folds(replace(rows, file=file, file_names=tuple(map(str, range(60)))), 0)
    assert all(len(np.unique(fold[file == each])) == 1 for each in range(60))
    assert all(len(np.unique(fold[rows.y == each])) == 2 for each in range(30))


def test_windows_without_groups_are_judged_in_blocks(folder: Path) -> None:
    data = replace(windows(folder), group=None, file=None, file_names=())
    assert data.layout is not None
    found = choice(replace(data, layout=replace(data.layout, hop=8)))
    assert found.trials


def test_images_are_tried_with_patches() -> None:
    assert [trial.frontend for trial in choice(to_choose(images())).trials] == ["none", "patches"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (replace(images(), x=images().x - 0.5), "nor square images of pixels"),
        (images(6), "fewer than 3 rows to learn"),
    ],
)
def test_rows_that_cannot_be_tried_get_no_front_end(rows: Dataset, reason: str) -> None:
    found = choice(to_choose(rows))
    assert found.frontend == "none" and not found.trials and reason in found.reason


def test_windows_that_suit_no_front_end_get_none(folder: Path) -> None:
    found = choice(windows(folder, window=1))
    assert found == FrontChoice("none", reason=found.reason)
    assert "no front end suits windows of 1 sample" in found.reason


def test_progress_counts_the_trainings(folder: Path) -> None:
    reports: list[tuple[int, int]] = []
    _, found = with_front(windows(folder), FAST, lambda *each: reports.append(each))
    assert found is not None
    total = 3 * len(found.trials)
    assert reports == [(done, total) for done in range(1, total + 1)]


def test_data_that_ask_for_nothing_are_unchanged() -> None:
    data = images()
    assert with_front(data, FAST) == (data, None)


def test_rules_without_labels_and_continued_networks_have_no_choice(folder: Path) -> None:
    data, found = with_front(windows(folder), replace(FAST, start=Path("net.onnx")))
    assert found is None and data.candidates is None and data.front is None
    with pytest.raises(OptionError, match="for rules with labels, not for published"):
        with_front(windows(folder), Options(rule="published"))


def test_options_that_suit_no_front_end_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="batch"):
        with_front(windows(folder), replace(FAST, batch=5000))


def test_a_front_end_that_cannot_learn_is_left_out(folder: Path) -> None:
    found = choice(windows(folder), replace(FAST, raw="float32"))
    assert found.trials == (FrontTrial("none", found.trials[0].accuracy),)
