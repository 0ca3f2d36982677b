"""Training options are checked, have defaults, and pass from a model to the next training."""

from __future__ import annotations

import json
import pickle
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.errors import OptionError
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.training.option import Kind
from ska_edge.training.options import OPTIONS, Options, default_words, flag
from ska_edge.training.settling import changes, settled


def test_every_field_is_described() -> None:
    assert list(OPTIONS) == [field.name for field in fields(Options)]
    for name, each in OPTIONS.items():
        assert each.help.endswith("."), name
        assert default_words(name) not in ("", "None"), name
        assert bool(each.choices) == (each.kind is Kind.WORD), name
        if each.kind in (Kind.COUNT, Kind.ROWS):
            assert each.least is not None and each.most is not None, name


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"epochs": 0}, "{epochs} is at least 1 and at most 4294967295, not 0"),
        ({"epochs": 10**22}, f"{{epochs}} is at least 1 and at most 4294967295, not {10**22}"),
        ({"epochs": "5"}, "{epochs} is a whole number, not '5'"),
        ({"epochs": 2.5}, "{epochs} is a whole number, not 2.5"),
        ({"group": ""}, "{group} is the name or number of a group, not ''"),
        ({"group": 2.5}, "{group} is the name or number of a group, not 2.5"),
        ({"steps": None}, "{steps} is a whole number, not None"),
        ({"seed": 2**32}, "{seed} is at least 0 and at most 4294967295, not 4294967296"),
        ({"seed": 10**400}, f"{{seed}} is at least 0 and at most 4294967295, not {10**400}"),
        ({"batch": 0}, "{batch} is at least 1 and at most 4294967295, not 0"),
        ({"batch": "many"}, "{batch} is a whole number or 'all', not 'many'"),
        ({"rate": -1.0}, "a rate is a finite number above 0; {rate} is -1.0"),
        ({"rate": float("nan")}, "a rate is a finite number above 0; {rate} is nan"),
        ({"rate": "fast"}, "{rate} is a finite number or 'auto', not 'fast'"),
        (
            {"test_fraction": 1},
            "a test fraction is a finite number at least 0 and below 1; {test_fraction} is 1.0",
        ),
        (
            {"rule": "magic"},
            "no rule 'magic': {rule} is one of local, feedback, code, published",
        ),
        (
            {"stream_order": "{seed}"},
            "no stream order '{{seed}}': {stream_order} is one of iid, as-is, blocked",
        ),
        ({"hidden": (4, 0)}, "{hidden} is (4, 0); give a width from 1 on, or several"),
        ({"hidden": "64"}, "{hidden} is '64'; give a width from 1 on, or several"),
        ({"log": 7}, "{log} is 7; give the path of a file"),
    ],
)
def test_an_impossible_value_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OptionError) as raised:
        Options(**values)
    names = {name: name for name in OPTIONS}
    assert str(raised.value) == sentence.format(**names)
    assert raised.value.named(flag) == sentence.format(**{name: flag(name) for name in names})


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"decay": 3, "epochs": 3}, "{decay} is at least 0, and less than {epochs}"),
        (
            {"untrained": True, "checkpoint": Path("a.ska")},
            "{untrained} keeps the initial weights; leave {checkpoint} out",
        ),
        (
            {"relearned": 2},
            "{relearned} says how many stored samples are learned again; give {stored}",
        ),
        (
            {"arithmetic": "float", "log": "x"},
            "with {arithmetic} float, {log} needs {rule} published",
        ),
        ({"start": "a", "init": "b"}, "give {start} or {init}, not both"),
        ({"steps": 9}, "{steps} is for rules without labels, not for local; leave it out"),
        ({"rule": "published", "steps": 1}, "{steps} is at least 2: the first step only records"),
        (
            {"rule": "published", "epochs": 5},
            "{epochs} is for rules with labels, not for published",
        ),
        (
            {"rule": "published", "stored": 5},
            "{stored} is for rules with labels, not for published",
        ),
        ({"hidden": (), "hidden_halvings": 1}, "{hidden_halvings} is for hidden layers that learn"),
        ({"readout_only": True, "hidden_halvings": 1}, "{hidden_halvings} is for hidden layers"),
        ({"spread": 2, "start": "a"}, "{spread} is for new random weights; leave it out"),
        ({"spread": 2, "init": "a"}, "{spread} is for new random weights; leave it out"),
        ({"spread": 2, "hidden": ()}, "{spread} is for hidden layers, and there are none"),
        ({"rule": "published", "spread": 2}, "{spread} is for rules with labels"),
        (
            {"prequential": 9, "task": "regression"},
            "{prequential} tests the class of each row, and",
        ),
        ({"prequential": 9, "split": "random"}, "give {prequential} or {split}, not both"),
        (
            {"rule": "published", "start": "a"},
            "{start} continues with labels, but {rule} published has",
        ),
    ],
)
def test_options_that_do_not_go_together(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OptionError) as raised:
        settled(Options(**values), 4, 3)
    assert str(raised.value).startswith(sentence.format(**{name: name for name in OPTIONS}))
    assert raised.value.named(flag).startswith(
        sentence.format(**{name: flag(name) for name in OPTIONS})
    )


def test_an_error_of_an_option_survives_another_process() -> None:
    error = OptionError("{seed} is {value!r}", value="{rate}")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "seed is '{rate}'"
    assert again.named(flag) == "--seed is '{rate}'"


@pytest.mark.parametrize(
    ("inputs", "spread"), [(1, 3.0), (2, 3.0), (25, 2.0), (100, 1.0), (784, 1.0)]
)
def test_few_inputs_get_a_wider_first_layer(inputs: int, spread: float) -> None:
    assert settled(Options(spread="auto"), inputs, 3).spread == spread
    assert settled(Options(spread=2), inputs, 3).spread == 2.0


@pytest.mark.parametrize(
    ("classes", "halvings"), [(2, 0), (7, 0), (8, 1), (15, 1), (16, 2), (100, 4)]
)
def test_hidden_layers_learn_more_slowly_with_more_classes(classes: int, halvings: int) -> None:
    assert settled(Options(), 4, classes).hidden_halvings == halvings
    for values in ({"hidden": ()}, {"readout_only": True}, {"hidden_halvings": 0}):
        assert settled(Options(**values), 4, classes).hidden_halvings == 0  # type: ignore[arg-type]


def test_the_rate_of_a_new_model_for_a_fixed_set_falls() -> None:
    assert [settled(Options(epochs=epochs), 4, 3).decay for epochs in (20, 5, 4, 1)] == [4, 4, 3, 0]
    for values in ({"stream_order": "as-is"}, {"stream_order": "blocked"}, {"start": "m.ska"}):
        options = Options(**values)  # type: ignore[arg-type]
        assert settled(options, 4, 3).decay == 0 and not options.may_try
    assert not Options(task="regression").may_try
    assert Options().may_try and not Options(epochs=1).may_try
    assert not Options(rate=0.5).may_try and not Options(rule="published").may_try


@pytest.mark.parametrize(("task", "epochs"), [("classification", 20), ("regression", 40)])
def test_a_regression_has_more_passes(task: str, epochs: int) -> None:
    whole = settled(Options(task=task), 4, 1)
    assert (whole.epochs, whole.decay) == (epochs, 4)
    assert settled(Options(task=task, epochs=3), 4, 1).decay == 2
    base = make_plan((4, 5, 1), output=QFormat(16, 12)) if task == "regression" else BASE
    continued = settled(Options(start=Path("m.ska")), 4, 3, base)
    assert (continued.epochs, continued.decay) == (epochs, 0)


def test_a_layer_has_a_spread_only_if_its_weights_are_drawn() -> None:
    for values in ({"hidden": ()}, {"init": "w.npz"}, {"start": "m.ska"}):
        assert settled(Options(**values), 4, 3).spread is None  # type: ignore[arg-type]
        assert settled(Options(spread=0, **values), 4, 3).spread == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["rate", "spread"])
def test_auto_is_the_only_word_that_is_a_value(name: str) -> None:
    assert getattr(Options(**{name: "auto"}), name) == "auto"
    with pytest.raises(OptionError, match=f"{name} is a finite number or 'auto', not 'Auto'"):
        Options(**{name: "Auto"})


def test_values_are_kept_in_one_form() -> None:
    options = Options(hidden=np.array([4, 3]), epochs=np.int64(3), rate=1, log="a")  # type: ignore[arg-type]
    assert options == Options(hidden=(4, 3), epochs=3, rate=1.0, log=Path("a"))
    assert Options(hidden=5).hidden == (5,)  # type: ignore[arg-type]
    assert json.dumps(options.notes())


def test_defaults_are_in_their_place() -> None:
    labeled, held = (settled(Options(rule=rule), 512, 10) for rule in ("local", "published"))
    assert (labeled.rule, labeled.precision, labeled.hidden) == ("local", "w16a8", (64,))
    assert (labeled.decay, labeled.hidden_halvings, labeled.spread) == (4, 1, 1.0)
    assert (held.decay, held.hidden_halvings, held.spread) == (0, 0, None)
    assert (labeled.rate, labeled.batch, labeled.seed) == (0.015625, 1, 0)
    assert (labeled.test_fraction, labeled.scale, labeled.relearned) == (0.2, "standardize", 1)
    assert (held.rate, held.batch, held.test_fraction, held.scale) == (0.01, "all", 0.0, "none")
    unnamed = {name for name in OPTIONS if getattr(labeled, name) is None}
    assert unnamed == {
        "group",
        "per_class",
        "prequential",
        "split",
        "start",
        "init",
        "checkpoint",
        "decay_samples",
        "log",
    }


BASE = make_plan(
    (4, 5, 3), rule="feedback", rate=0.03, batch=1, seed=7, replay=Replay(4, 2), output_only=True
)


def test_a_continued_model_keeps_all_that_is_its_own() -> None:
    options = settled(Options(start=Path("m.ska")), 4, 3, BASE)
    assert (options.rule, options.hidden, options.seed) == ("feedback", (5,), 7)
    assert (options.stored, options.relearned, options.readout_only) == (4, 2, True)
    assert make_plan((4, 5, 3), rate=options.rate or 0).rate == BASE.rate
    assert changes(options, BASE) == {}


def test_a_continued_model_whose_hidden_layers_stop_has_no_rate_for_them() -> None:
    base = make_plan((4, 5, 3), hidden_halvings=2)
    options = Options(start=Path("m.ska"), readout_only=True)
    whole = settled(options, 4, 3, base)
    assert whole.hidden_halvings == 0
    assert changes(whole, base) == {"hidden_halvings": (2, 0), "readout_only": (False, True)}
    with pytest.raises(OptionError, match="hidden_halvings is for hidden layers that learn"):
        settled(replace(options, hidden_halvings=1), 4, 3, base)


def test_a_given_option_replaces_the_one_of_the_model() -> None:
    named = Options(start=Path("m.ska"), seed=0, stored=0, readout_only=False, rule="local")
    options = settled(named, 4, 3, BASE)
    assert changes(options, BASE) == {
        "rule": ("feedback", "local"),
        "seed": (7, 0),
        "stored": (4, 0),
        "relearned": (2, 1),
        "readout_only": (True, False),
    }
    batch = replace(BASE, batch=8, rate=make_plan((4, 5, 3), rate=0.5, batch=8).rate)
    assert settled(Options(), 4, 3, batch).rate == pytest.approx(0.5, rel=1e-4)


def test_a_rule_without_labels_leaves_neither_rate_nor_batch() -> None:
    base = make_plan((4, 5, 3), rule="published", batch=8, steps=3, rate=0.02)
    options = settled(Options(rule="local"), 4, 3, base)
    assert (options.rate, options.batch) == (0.125, 1)


@pytest.mark.parametrize("hidden", [10**30, 10**9, 65_533, (65_000, 533)])
def test_more_neurons_than_a_device_counts_are_refused_before_any_weight_is_drawn(
    hidden: Any,
) -> None:
    with pytest.raises(OptionError, match="there are at most 65504 neurons"):
        Options(hidden=hidden)
