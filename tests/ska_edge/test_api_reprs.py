"""A prompt or a notebook shows an object as one short line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ska_edge
from firmware_gen.project import Project

X = np.arange(80.0).reshape(20, 4) % 7
Y = np.array(["cat", "dog"])[np.arange(20) % 2]


@pytest.fixture(scope="module")
def trained() -> ska_edge.Trained:
    return ska_edge.train((X, Y), hidden=3, epochs=1)


def test_a_model_is_its_sizes_rule_and_precision(trained: ska_edge.Trained) -> None:
    assert repr(trained.model) == "Model(4-3-2, local, w16a8)"


def test_a_training_is_its_data_model_and_accuracy(trained: ska_edge.Trained) -> None:
    accuracy = {"train": 0.5, "test": 0.75}
    found = replace(trained, accuracy={"fixed": accuracy, "float": {**accuracy, "test": None}})
    assert repr(found) == "Trained(arrays, Model(4-3-2, local, w16a8), test fixed 75.0%)"
    found = replace(found, accuracy={"fixed": accuracy, "float": accuracy})
    assert repr(found).endswith(", test fixed 75.0%, test float 75.0%)")
    nothing = replace(found, test=found.test.take([]))
    assert repr(nothing).endswith(", train fixed 50.0%, train float 50.0%)")


def test_a_training_without_labels_has_no_accuracy() -> None:
    found = ska_edge.train((X, Y), rule="published", hidden=3, steps=2)
    assert repr(found) == "Trained(arrays, Model(4-3-2, published, w16a8))"


def test_data_are_their_name_and_sizes() -> None:
    dataset = ska_edge.load_data((X, Y))
    assert repr(dataset) == "Dataset(arrays, 20 rows, 4 features, 2 classes)"
    grouped = replace(dataset, group=np.arange(20) % 3)
    assert repr(grouped) == "Dataset(arrays, 20 rows, 4 features, 2 classes, 3 groups)"
    assert repr(grouped.take([0])).startswith("Dataset(arrays, 1 row, ")


def test_a_project_is_its_folder_board_and_digest() -> None:
    project = Project(Path("fw"), "host", "0123456789abcdef", {"src/ska.c": "00" * 32})
    assert repr(project) == "Project(fw, host, 0123456789abcdef)"
    edited = replace(project, kept=("board/board.toml",))
    assert repr(edited) == "Project(fw, host, 0123456789abcdef, kept board/board.toml)"
