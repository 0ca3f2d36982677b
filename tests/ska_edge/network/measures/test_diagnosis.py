"""Each sign of failure is found just beyond its threshold, and not just before it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from ska_edge.data.dataset import Dataset
from ska_edge.network.measures.diagnosis import POINTS, SIGNS, Symptom, Watch, participation_ratio
from ska_edge.network.measures.metrics import LayerMetrics
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from ska_edge.training.options import Options
from ska_edge.training.train import Trained, train

# A value over the course of a training, from time 0 to time 1.
Course = Callable[[float], float]

SIZES = (6, 5, 4, 3)
PUBLISHED = make_plan(SIZES, rule="published", batch=10, steps=50)
LOCAL = make_plan(SIZES, rule="local")
SICK = 1  # the index of the layer with the unhealthy series


def always(value: float) -> Course:
    return lambda _: value


def metrics(plan: Plan, layer: int, at: float, courses: dict[str, Course]) -> LayerMetrics:
    """Return a layer's metrics at one time; `knowledge` and `shift` are root mean squares."""
    root = math.sqrt(plan.layers[layer].outputs * plan.batch)
    value = {name: course(at) for name, course in courses.items()}
    return LayerMetrics(
        entropy=value["entropy"],
        cosine=-0.5,
        z_norm=value["knowledge"] * root,
        shift_norm=value["shift"] * root,
        w_norm=1.0,
        tensor_net=0.0,
        flow=0.0,
        lagrangian=0.0,
        z_saturated=value["z_saturated"],
        w_saturated=value["w_saturated"],
        zero_updates=value["zero_updates"],
    )


HEALTHY: dict[str, Course] = {
    "entropy": lambda t: -math.exp(-4 * t),
    "knowledge": lambda t: 1 + t,
    "shift": lambda t: 0.5 * math.exp(-4 * t),
    "z_saturated": always(0.0),
    "w_saturated": always(0.0),
    "zero_updates": always(0.5),
}


def watched(plan: Plan, layers: dict[int, dict[str, Course]], steps: int = 240) -> Watch:
    """Return a watch that saw a training that is healthy except for the given courses."""
    watch = Watch(plan)
    courses = [{**HEALTHY, **layers.get(index, {})} for index in range(len(plan.layers))]
    for step in range(steps):
        at = step / (steps - 1)
        watch.add(step, [metrics(plan, i, at, course) for i, course in enumerate(courses)])
    return watch


def signs(watch: Watch) -> list[tuple[str, int]]:
    return [(symptom.sign, symptom.layer) for symptom in watch.symptoms()]


# The shift of an output layer that learns nothing. It is just below the shift of guessing among 3
# classes (0.471).
GUESSING: dict[str, Course] = {"shift": always(0.47)}


@pytest.mark.parametrize("plan", [PUBLISHED, LOCAL], ids=["published", "local"])
def test_a_healthy_training_shows_nothing(plan: Plan) -> None:
    assert signs(watched(plan, {})) == []


# --- exploding knowledge --------------------------------------------------------------------------


def growing(first: float, last: float) -> Course:
    return lambda t: first * (last / first) ** t


@pytest.mark.parametrize(
    ("knowledge", "seen"),
    [
        (always(8.1), True),
        (always(7.9), False),
        (growing(0.1, 7.9), True),
        (growing(0.1, 4.0), False),  # it ends in the middle of the decision table
        (growing(0.8, 7.9), False),  # it ends below ten times its start
        (lambda t: min(0.1 + 12 * t, 7.0), False),  # it no longer grows
    ],
)
def test_exploding_knowledge_is_found(knowledge: Course, seen: bool) -> None:
    found = signs(watched(PUBLISHED, {SICK: {"knowledge": knowledge}}))
    assert found == [("exploding knowledge", SICK)] * seen


def test_the_decision_table_says_where_knowledge_is_too_large() -> None:
    wide = make_plan(SIZES, rule="published", precision="w32a16", batch=10, steps=50)
    assert signs(watched(wide, {SICK: {"knowledge": always(15.9)}})) == []
    assert signs(watched(wide, {SICK: {"knowledge": always(16.1)}})) == [(SIGNS[0], SICK)]


def test_large_knowledge_of_a_network_that_has_learned_is_sure() -> None:
    large: dict[str, Course] = {"knowledge": always(12.0)}
    assert signs(watched(LOCAL, {2: large})) == []
    assert ("exploding knowledge", 2) in signs(watched(LOCAL, {2: {**large, **GUESSING}}))


# --- saturation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", [PUBLISHED, LOCAL], ids=["published", "local"])
def test_saturated_weights_are_found(plan: Plan) -> None:
    for share, seen in ((0.011, True), (0.009, False)):
        found = watched(plan, {SICK: {"w_saturated": always(share)}})
        assert signs(found) == [("saturation", SICK)] * seen


def test_saturation_that_is_over_does_not_count() -> None:
    early = watched(PUBLISHED, {SICK: {"w_saturated": lambda t: float(t < 0.6)}})
    assert signs(early) == []


@pytest.mark.parametrize(
    ("plan", "output", "limit"),
    [(PUBLISHED, {}, 0.01), (LOCAL, GUESSING, 0.01), (LOCAL, {}, 0.5)],
    ids=["published", "labels, not learned", "labels, learned"],
)
def test_saturated_knowledge_is_found(plan: Plan, output: dict[str, Course], limit: float) -> None:
    for share, seen in ((limit * 1.1, True), (limit * 0.9, False)):
        found = signs(watched(plan, {SICK: {"z_saturated": always(share)}, 2: output}))
        assert (("saturation", SICK) in found) == seen


def test_an_output_that_is_always_right_may_saturate() -> None:
    saturated: dict[str, Course] = {"z_saturated": always(1.0)}
    assert signs(watched(LOCAL, {2: saturated})) == []
    wrong = {**saturated, "shift": always(0.2)}  # its square is 18 % of the labels' variance
    assert signs(watched(LOCAL, {2: wrong})) == [("saturation", 2)]


# --- vanishing updates ----------------------------------------------------------------------------


def test_vanishing_updates_are_found() -> None:
    for share, seen in ((0.991, True), (0.989, False)):
        sick: dict[str, Course] = {"zero_updates": always(share), "shift": always(0.1)}
        for plan, output in ((PUBLISHED, {}), (LOCAL, GUESSING)):
            found = signs(watched(plan, {SICK: sick, 2: output}))
            assert (("vanishing updates", SICK) in found) == seen


def test_updates_may_vanish_where_nothing_is_left_to_learn() -> None:
    vanished: dict[str, Course] = {"zero_updates": always(1.0)}
    assert signs(watched(LOCAL, {SICK: vanished, 2: vanished})) == []
    assert signs(watched(PUBLISHED, {SICK: vanished})) == []  # its shift becomes small by design


def test_a_frozen_layer_makes_no_updates() -> None:
    frozen = make_plan(SIZES, rule="local", output_only=True)
    rests: dict[str, Course] = {"zero_updates": always(1.0), "shift": always(0.0)}
    found = signs(watched(frozen, {0: rests, 1: rests, 2: GUESSING}))
    assert [sign for sign in found if sign[1] < 2] == []


# --- plateau --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entropy", "shift", "seen"),
    [
        (lambda t: -1 + 0.10 * t, always(0.1), True),  # the means of its halves differ by 1.7 %
        (lambda t: -1 + 0.14 * t, always(0.1), False),  # they differ by 2.3 %
        (always(-1.0), lambda t: 0.1 if t < 0.16 else 0.055, True),  # the shift falls to 55 %
        (always(-1.0), lambda t: 0.1 if t < 0.16 else 0.045, False),  # the shift falls to 45 %
        (always(-1.0), lambda t: 0.1 - 0.010 * t, False),  # means of the squares: 6.8 % apart
        (always(-1.0), lambda t: 0.1 - 0.006 * t, True),  # means of the squares: 4.1 % apart
    ],
)
def test_a_plateau_is_found(entropy: Course, shift: Course, seen: bool) -> None:
    found = signs(watched(PUBLISHED, {SICK: {"entropy": entropy, "shift": shift}}))
    assert found == [("plateau", SICK)] * seen


def test_a_network_that_has_learned_is_not_on_a_plateau() -> None:
    still: dict[str, Course] = {"entropy": always(-1.0), "shift": always(0.1)}
    assert signs(watched(LOCAL, {SICK: still})) == []
    assert ("plateau", SICK) in signs(watched(LOCAL, {SICK: still, 2: GUESSING}))
    falls: dict[str, Course] = {"shift": lambda t: 0.47 - 0.1 * t}
    assert signs(watched(LOCAL, {SICK: still, 2: falls})) == []


# --- layers out of step ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("above", "seen"),
    [
        (lambda t: -t, True),
        (lambda t: t, False),  # all layers move in the same direction
        (lambda t: -t if t < 0.4 else 0.6 * t - 0.64, False),  # it moves apart only at first
        (lambda t: -min(5 * t, 1) - 0.2 * t, False),  # its move against the others is small
        (lambda t: math.cos(9 * t) - t, False),  # it moves back and forth
    ],
)
def test_layers_out_of_step_are_found(above: Course, seen: bool) -> None:
    layers = {SICK: {"entropy": lambda t: t - 2}, SICK + 1: {"entropy": above}}
    layers[0] = {"entropy": lambda t: t - 2}
    found = watched(PUBLISHED, layers)
    assert signs(found) == [("out of step", SICK)] * seen
    if seen:
        (symptom,) = found.symptoms()
        assert "its entropy rises while that of layer 2 falls" in symptom.sentence()


def test_noise_alone_is_not_out_of_step() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        noisy = {i: {"entropy": lambda _: float(rng.normal())} for i in range(3)}  # noqa: B023
        assert "out of step" not in {sign for sign, _ in signs(watched(PUBLISHED, noisy))}


# --- collapse -------------------------------------------------------------------------------------


def crossed(second: float, width: int = 4) -> np.ndarray:
    """Return rows in two directions; `second` is the variance of the second, relative to the
    first.
    """
    rows = np.zeros((4, width))
    rows[:2, 0] = 1, -1
    rows[2:, 1] = math.sqrt(second), -math.sqrt(second)
    return rows


INPUTS = np.eye(8)
LABELS = np.arange(8) % 3


def test_participation_ratio_counts_directions() -> None:
    assert participation_ratio(crossed(1.0)) == pytest.approx(2)
    assert participation_ratio(crossed(0.0)) == pytest.approx(1)
    assert participation_ratio(np.full((9, 3), 32767)) == 0
    rng = np.random.default_rng(0)
    for shape in ((50, 6), (6, 50)):
        rows = rng.normal(size=shape)
        values = np.linalg.eigvalsh(np.cov(rows.T))
        assert participation_ratio(rows) == pytest.approx(values.sum() ** 2 / (values**2).sum())
    assert participation_ratio((rows * 1000).astype(np.int16)) == pytest.approx(
        participation_ratio(rows), rel=1e-3
    )


def test_a_collapse_is_found() -> None:
    for second, seen in ((0.26, True), (0.28, False)):  # participation ratios of 1.49 and 1.52
        watch = Watch(PUBLISHED)
        watch.decisions(SICK, crossed(second), INPUTS[:4], LABELS[:4])
        assert signs(watch) == [("collapse", SICK)] * seen
    watch.decisions(SICK, np.full((4, 4), 7), INPUTS[:4], LABELS[:4])
    (symptom,) = watch.symptoms()
    assert "makes the same decisions for all inputs" in symptom.sentence()


def test_collapse_needs_rows_and_neurons() -> None:
    watch = Watch(PUBLISHED)
    watch.decisions(0, crossed(0.0)[:3], INPUTS[:3], LABELS[:3])
    watch.decisions(1, crossed(0.0)[:, :1], INPUTS[:4], LABELS[:4])
    assert signs(watch) == []


def test_collapse_is_measured_relative_to_the_inputs() -> None:
    rows = crossed(0.15)  # a participation ratio of 1.29
    for second, seen in ((0.4, True), (0.2, False)):  # the inputs' ratios are 1.69 and 1.38
        watch = Watch(PUBLISHED)
        watch.decisions(SICK, rows, crossed(second), LABELS[:4])
        assert signs(watch) == [("collapse", SICK)] * seen


def test_two_classes_lie_on_a_line() -> None:
    two = make_plan((6, 5, 2), rule="local")
    line = np.outer(np.arange(8) % 2, (1, -1)) + 1e-3 * np.eye(8)[:, :2]
    watch = watched(two, {1: {"shift": always(0.5)}})
    before = signs(watch)
    watch.decisions(1, line, INPUTS, np.arange(8) % 2)
    assert signs(watch) == before
    watch.decisions(0, np.outer(np.arange(8), np.ones(5)), INPUTS, np.arange(8) % 2)
    assert set(signs(watch)) - set(before) == {("collapse", 0)}


def test_a_network_that_has_learned_has_not_collapsed() -> None:
    for output, seen in ((HEALTHY, False), (GUESSING, True)):
        watch = watched(LOCAL, {2: output})
        watch.decisions(SICK, np.outer(np.arange(8), np.ones(4)), INPUTS, LABELS)
        assert (("collapse", SICK) in signs(watch)) == seen


# --- what a watch keeps ---------------------------------------------------------------------------


def test_too_few_updates_show_no_symptom() -> None:
    sick: dict[int, dict[str, Course]] = {SICK: {"w_saturated": always(1.0)}}
    assert signs(watched(PUBLISHED, sick, steps=19)) == []
    assert signs(watched(PUBLISHED, sick, steps=20)) == [("saturation", SICK)]


def test_trends_of_single_samples_need_more_of_them() -> None:
    still: dict[str, Course] = {"entropy": always(-1.0), "shift": always(0.47)}
    assert ("plateau", 2) not in signs(watched(LOCAL, {2: still}, steps=199))
    assert ("plateau", 2) in signs(watched(LOCAL, {2: still}, steps=200))


def test_an_update_counts_once() -> None:
    watch = Watch(PUBLISHED)
    layer = [metrics(PUBLISHED, i, 0.5, {**HEALTHY, "w_saturated": always(1.0)}) for i in range(3)]
    for _ in range(100):
        watch.add(7, layer)
        watch.add(7, [])
    assert (watch.points, signs(watch)) == (1, [])


def test_a_long_training_is_kept_as_means() -> None:
    for late, seen in ((0.983, True), (0.979, False)):  # 99.15 and 98.95 % on average
        share = {"zero_updates": lambda t: 1.0 if t < 0.5 else late}  # noqa: B023
        watch = watched(LOCAL, {SICK: share, 2: GUESSING}, steps=5000)
        assert POINTS <= watch.points < 2 * POINTS
        assert (("vanishing updates", SICK) in signs(watch)) == seen


def test_the_worst_symptom_comes_first_and_each_is_one_line() -> None:
    sick: dict[str, Course] = {
        "knowledge": always(20.0),
        "w_saturated": always(1.0),
        "z_saturated": always(1.0),
        "zero_updates": always(1.0),
        "shift": always(0.4),
        "entropy": always(-1.0),
    }
    watch = watched(PUBLISHED, {0: sick, 1: sick})
    watch.decisions(1, crossed(0.0), INPUTS[:4], LABELS[:4])
    found = signs(watch)
    assert [sign for sign, _ in found] == sorted((sign for sign, _ in found), key=SIGNS.index)
    assert len(set(found)) == len(found)
    assert set(found) == {
        ("collapse", 1),
        *((sign, layer) for sign in SIGNS[:5] if sign != "collapse" for layer in (0, 1)),
    }
    for symptom in watch.symptoms():
        assert "\n" not in symptom.sentence()
        assert f"{symptom.sign} in layer {symptom.layer}: " in symptom.sentence()


def test_a_symptom_as_data() -> None:
    symptom = Symptom("plateau", 3, "it rests", "wake it")
    assert symptom.as_dict() == {
        "sign": "plateau",
        "layer": 3,
        "text": "plateau in layer 3: it rests; wake it",
    }


# --- trainings ------------------------------------------------------------------------------------


def blobs(spread: float = 0.6) -> Dataset:
    """Return three clouds in eight dimensions, 50 rows each."""
    rng = np.random.default_rng(5)
    y = np.arange(150) % 3
    centers = rng.normal(size=(3, 8))
    return Dataset("blobs", centers[y] + spread * rng.normal(size=(150, 8)), y, ("a", "b", "c"))


def found_in(trained: Trained) -> set[tuple[str, int]]:
    return {(symptom.sign, symptom.layer) for symptom in trained.symptoms}


@pytest.mark.parametrize("rule", ["local", "feedback", "code"])
def test_trainings_with_default_options_show_nothing(rule: str) -> None:
    trained = train(blobs(), Options(rule=rule, hidden=(16, 8), epochs=10))
    assert trained.accuracy["fixed"]["test"] is not None
    assert trained.accuracy["fixed"]["test"] > 0.9
    assert trained.symptoms == ()


def test_a_rate_too_large_saturates() -> None:
    trained = train(blobs(), Options(hidden=(16, 8), epochs=5, rate=4.0))
    assert {("saturation", 0), ("saturation", 1)} <= found_in(trained)


def test_a_rate_too_small_changes_nothing() -> None:
    trained = train(blobs(), Options(hidden=(16, 8), epochs=5, rate=0.00001))
    # The lower layers depend on the readout of the last hidden layer, which stays 0.
    assert ("vanishing updates", 2) in found_in(trained)
    assert not {sign for sign, _ in found_in(trained)} & {"exploding knowledge", "saturation"}
    assert not {sign for sign, _ in found_in(trained)} & {"collapse"}  # no weight changed


def test_published_collapses() -> None:
    collapsed = {
        ("collapse", 0),
        ("collapse", 1),
    }  # random layers of three neurons are close to collapse
    for rate, steps, seen in ((0.5, 50, collapsed), (0.01, 20, set())):
        options = Options(rule="published", hidden=(16, 12), rate=rate, steps=steps, batch=100)
        assert found_in(train(blobs(), options)) & collapsed == seen


def test_nothing_to_learn_from_is_a_plateau() -> None:
    rng = np.random.default_rng(0)
    noise = Dataset("noise", rng.normal(size=(400, 6)), rng.integers(0, 4, 400), tuple("abcd"))
    trained = train(noise, Options(hidden=(4,), epochs=5, rate=0.01))
    assert "plateau" in {sign for sign, _ in found_in(trained)}


def test_float_alone_has_decisions_but_no_series() -> None:
    published = Options(rule="published", hidden=(8, 6), rate=0.5, batch=100, arithmetic="float")
    assert {sign for sign, _ in found_in(train(blobs(), published))} == {"collapse"}
    vanishing = Options(hidden=(4,), epochs=2, rate=0.00001, arithmetic="float")
    assert train(blobs(), vanishing).symptoms == ()


def test_a_log_of_every_step_does_not_change_the_symptoms(tmp_path) -> None:
    options = Options(hidden=(6,), epochs=5, rate=4.0)
    with_log = Options(hidden=(6,), epochs=5, rate=4.0, log=tmp_path / "steps.jsonl")
    plain = train(blobs(), options).symptoms
    assert plain
    assert train(blobs(), with_log).symptoms == plain
