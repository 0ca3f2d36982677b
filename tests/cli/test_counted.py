"""Every command that prints a count uses the singular for a count of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.network.state import State
from ska_edge.plan.resolve import make_plan
from ska_edge.plural import counted

ONE_OF_MANY = re.compile(r"(?<![\d.,])1 (?:more )?(?:samples|updates|saves|rows|times|features)\b")


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (0, "sample", "0 samples"),
        (1, "sample", "1 sample"),
        (2, "more sample", "2 more samples"),
        (1, "class", "1 class"),
        (21, "class", "21 classes"),
    ],
)
def test_a_noun_after_1_is_singular(number: int, noun: str, words: str) -> None:
    assert counted(number, noun) == words


def test_commands_use_the_singular_for_a_count_of_one(
    ska_edge,
    write_host_project: Callable[[Model, Path], Path],
    launched: Callable[[Path], str],
) -> None:
    plan = make_plan((1, 3, 2), labels=("a", "b"))
    parameters = np.random.default_rng(5).integers(-4000, 4000, plan.parameter_count)
    model = Model(plan, State(plan, parameters), Scaling(np.zeros(1), np.ones(1)))
    model.save(Path("m.ska"))
    Path("two.csv").write_text("x,label\n0.5,a\n-0.5,b\n")
    port = launched(write_host_project(model, Path("project")))
    learn, at = ("m.ska", "two.csv", "--samples", 1), ("--port", port)
    runs: dict[str, tuple[object, ...]] = {
        "monitor": (*learn, *at, "--halve-rate", 1, "--log", "steps.jsonl"),
        "replay": ("steps.jsonl", "m.ska"),
        "save": at,
        "pull": ("m.ska", "-o", "p.ska", *at),
        "inspect": ("p.ska",),
        "eval": ("p.ska", "two.csv"),
        "push": ("p.ska", *at),
        "verify": (*learn, *at),
        "data": ("two.csv",),
    }
    said = {}
    for name, arguments in runs.items():
        outcome = ska_edge(name, *arguments)
        assert outcome.code == 0, outcome
        said[name] = outcome.out + outcome.err
    for name, words in {
        "monitor": "1/1 sample, ",
        "replay": "learned 1 row of steps.jsonl: 1 sample, 1 update, ",
        "save": "keeps its state of 1 sample; it has made 1 save\n",
        "pull": ": 1 sample, 1 update, wrote p.ska",
        "inspect": "learned: 1 sample on a device, 1 update, rate halved 1 time to",
        "eval": "has learned 1 more sample on a device",
        "push": "continues from 1 sample and 1 update\n",
        "verify": "after 1 sample, and every decision",
        "data": "2 rows, 1 feature, 2 classes",
    }.items():
        assert words in said[name], (name, said[name])
        assert not ONE_OF_MANY.search(said[name]), (name, said[name])
