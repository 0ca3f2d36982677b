"""Measure the tables of docs/LEARNING.md: each rule on each data set, in float and fixed point.

`make results` runs it, and docs/PERFORMANCE.md has its time. It writes the tables between the
markers of the page. All seeds of a row use the same options, so no option is tuned for one seed.
The file is long, because it has one function for each table of the page.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ska_edge.data.load import load
from ska_edge.data.split.plain import split
from ska_edge.model.scaling import Scaling
from ska_edge.network.measures.diagnosis import participation_ratio
from ska_edge.rules.reference import Reference, initial_parameters
from ska_edge.training.defaults import default_rate
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench import (
    activations,
    adaptation,
    convolution,
    few_rows,
    keel,
    new_class,
    open_questions,
    streams,
    unknown,
)
from tests.bench.baseline import CONSTANT
from tests.bench.drift import FROZEN, STREAMS, stream_accuracy
from tests.bench.markdown import percent, table
from tests.bench.regimes import REGIMES
from tests.bench.regressions import scores, tables
from tests.bench.rival import mlp, opened
from tests.bench.uci import UCI, VARIABLE, wheel

PAGE = Path(__file__).parent.parent.parent / "docs" / "LEARNING.md"
SEEDS = range(5)
PIXELS: dict[str, Any] = {"scale": "global", "rate": 2**-6, "epochs": 10, "decay": 2}
WATCH: dict[str, Any] = {"rate": 2**-5}
STREAM: dict[str, Any] = {"epochs": 1, "stream_order": "blocked"}
REPLAY: dict[str, Any] = {**STREAM, "stored": 10, "relearned": 10, "rate": 2**-4}

# Data, hidden widths, rule, and the options that differ from `CONSTANT`.
RUNS: tuple[tuple[str, tuple[int, ...], str, dict[str, Any]], ...] = (
    ("digits", (64,), "local", {}),
    ("digits", (64,), "feedback", {}),
    ("digits", (64,), "code", {}),
    ("digits", (64,), "local", {"precision": "w32a16"}),
    ("digits", (64, 32), "local", {}),
    ("digits", (64, 32), "feedback", {}),
    ("digits", (64,) * 4, "local", {}),
    ("mnist5k", (128,), "local", PIXELS),
    ("mnist5k", (128,), "feedback", PIXELS),
    ("watch", (64,), "local", WATCH),
    ("watch", (64,), "feedback", WATCH),
    ("watch", (64,), "code", WATCH),
    ("vowels", (64,), "local", {}),
    ("vowels", (64,), "feedback", {}),
    ("digits", (64,), "feedback", STREAM),
    ("digits", (64,), "feedback", REPLAY),
)
# Data and options of the trainings that are compared with and without a margin. A model for
# "watch_turned" is trained without a margin; then, with the margin, it learns 3 windows of every
# exercise.
MARGINS = (0.01, 0.02, 0.05, 0.1, 0.2)
MARGIN_RUNS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("digits", {}),
    ("vowels", {}),
    ("watch", WATCH),
    ("watch_turned", {}),
)
# The defaults are compared with `CONSTANT` and with another learner on other seeds than `SEEDS`.
NEW_SEEDS = range(5, 10)
STREAM_SEEDS = range(5, 8)
SETTING_SEEDS = {"watch": range(5, 25)}  # its few people differ much, so it needs more splits
SETTING_DATA = ("digits", "mnist5k", "vowels", "watch", *REGIMES)
ORDINAL, ORDINAL_HIDDEN = "ordinal", ((64,), (100,), (64, 32))
TWO_LAYERS: dict[str, Any] = {"hidden": (64, 32)}
GUARDED_DATA = ("digits", "vowels", "watch", *[*REGIMES][:4])
DECAY: dict[str, Any] = {**CONSTANT, "hidden": (64,), "decay": 4}
# Each guard against drift: its name, the training options, and how many times the device halves its
# rate; `FROZEN` means that the device does not learn.
GUARDED: dict[str, Any] = {**DECAY, "normalized_step": True}
RUNNING: dict[str, Any] = {"running_normalization": True}
LAST_ROWS: dict[str, Any] = {"stored": 20, "relearned": 4, "buffer": "fifo"}
GUARDS: tuple[tuple[str, dict[str, Any], int], ...] = (
    ("frozen", DECAY, FROZEN),
    ("learning", DECAY, 0),
    ("rate / 4", DECAY, 2),
    ("normalized step", GUARDED, 0),
    ("and a FIFO", {**GUARDED, **LAST_ROWS}, 0),
    ("running normalization", {**DECAY, **RUNNING}, 0),
    ("both", {**GUARDED, **RUNNING}, 0),
    ("both and a FIFO", {**GUARDED, **RUNNING, **LAST_ROWS}, 0),
)
# Networks of the same sizes in scikit-learn, for comparison.
RIVALS = (("digits", (64,), {}), ("mnist5k", (128,), PIXELS), ("watch", (64,), {}))
FIDELITY = ("entropy", "cosine", "z_norm", "w_norm", "tensor_net", "flow", "lagrangian")


def constant(options: dict[str, Any]) -> dict[str, Any]:
    """Return `CONSTANT`, with these options in place of its own."""
    return {**CONSTANT, **options}


def accuracies(work: tuple[str, tuple[int, ...], str, dict[str, Any], int]) -> tuple[float, float]:
    """Return the test accuracies (fixed, float) of one run."""
    name, hidden, rule, options, seed = work
    trained = train(load(name), Options(rule=rule, hidden=hidden, seed=seed, **constant(options)))
    fixed, real = trained.accuracy["fixed"]["test"], trained.accuracy["float"]["test"]
    assert fixed is not None
    assert real is not None
    return fixed, real


def rivals(work: tuple[str, tuple[int, ...], dict[str, Any], int]) -> tuple[float, float]:
    """Return the test accuracies (MLP with Adam, logistic regression) on the split of the seed."""
    name, hidden, options, seed = work
    fit, test = split(load(name), 0.2, seed)
    scaling = Scaling.fit(fit.x, options.get("scale", "standardize"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some runs stop before they converge
        mlp = MLPClassifier(hidden, random_state=seed, max_iter=60).fit(scaling.apply(fit.x), fit.y)
        linear = LogisticRegression(max_iter=500).fit(scaling.apply(fit.x), fit.y)
    x = scaling.apply(test.x)
    return float(mlp.score(x, test.y)), float(linear.score(x, test.y))


def with_margin(work: tuple[str, dict[str, Any], float, int]) -> list[tuple[float, float]]:
    """Return the accuracy in fixed point and the fraction of samples that were skipped, for one
    run, or for each unseen person.
    """
    name, options, margin, seed = work
    if name == "watch_turned":
        return [
            (person[1], person[3])
            for person in adaptation.adaptation(("local", False, margin, seed))
        ]
    whole = {**constant(options), "hidden": (64,), "margin": margin}
    trained = train(load(name), Options(seed=seed, **whole))
    return [(float(trained.accuracy["fixed"]["test"] or 0.0), trained.skipped or 0.0)]


def setting(work: tuple[str, dict[str, Any] | None, int]) -> float:
    """Return the test accuracy in fixed point of one run: with these options and a constant rate of
    about 8 / inputs, or with all defaults.
    """
    name, options, seed = work
    dataset, kind = opened(name, seed)
    if options is not None:
        options = {**CONSTANT, "rate": default_rate(dataset.x.shape[1]), **options}
    trained = train(dataset, Options(seed=seed, split=kind, **(options or {})))
    return float(trained.accuracy["fixed"]["test"] or 0.0)


def default_with(work: tuple[str, tuple[int, ...], int]) -> float:
    """Return the test accuracy in fixed point of one run with other hidden layers and otherwise all
    defaults.
    """
    name, hidden, seed = work
    dataset, kind = opened(name, seed)
    trained = train(dataset, Options(hidden=hidden, seed=seed, split=kind))
    return float(trained.accuracy["fixed"]["test"] or 0.0)


def series(options: dict[str, Any]) -> list[list[dict[str, float]]]:
    """Return the published rule's series of 50 steps on digits."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "steps.jsonl"
        train(
            load("digits"),
            Options(rule="published", hidden=(64, 32, 16), batch=500, log=log, **options),
        )
        return [json.loads(line)["layers"] for line in log.read_text().splitlines()]


def fidelity() -> Iterable[tuple[str, list[str]]]:
    """Yield each precision with the largest relative error of each series."""
    real = series({"arithmetic": "float"})
    for precision in ("w32a16", "w16a8"):
        fixed = series({"arithmetic": "fixed", "precision": precision})
        cells = []
        for name in FIDELITY:
            gaps = []
            for layer in range(len(real[0])):
                a = np.array([step[layer][name] for step in real])
                b = np.array([step[layer][name] for step in fixed])
                gaps.append(np.abs(a - b).max() / np.abs(a).max())
            cells.append(f"{100 * max(gaps):.1f} %")
        yield precision, cells


def described(options: dict[str, Any]) -> str:
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in options.items()) or "-"


def rules_table(pool: ProcessPoolExecutor) -> str:
    rows = []
    for name, hidden, rule, options in RUNS:
        work = [(name, hidden, rule, options, seed) for seed in SEEDS]
        fixed, real = zip(*pool.map(accuracies, work), strict=True)
        gap = 100 * (np.mean(fixed) - np.mean(real))
        sizes = ",".join(map(str, hidden))
        rows.append(
            [name, sizes, rule, described(options), percent(fixed), percent(real), f"{gap:+.2f}"]
        )
        print(*rows[-1], sep="  ", flush=True)
    head = ["data", "hidden", "rule", "options", "fixed, %", "float twin, %", "gap of means"]
    return table(head, rows)


def rivals_table(pool: ProcessPoolExecutor) -> str:
    rows = []
    for name, hidden, options in RIVALS:
        work = [(name, hidden, options, seed) for seed in SEEDS]
        mlp, linear = zip(*pool.map(rivals, work), strict=True)
        rows.append([name, ",".join(map(str, hidden)), percent(mlp), percent(linear)])
    return table(["data", "hidden", "MLP, Adam, backprop, %", "logistic regression, %"], rows)


def margin_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of the points that a margin costs, and of the samples that it skips."""
    rows = []
    for name, options in MARGIN_RUNS:
        means = []
        for margin in (0.0, *MARGINS):
            work = [(name, options, margin, seed) for seed in SEEDS]
            pairs = [pair for seed in pool.map(with_margin, work) for pair in seed]
            means.append(100 * np.mean(pairs, axis=0))
        exact = means[0][0]
        cells = [f"{accuracy - exact:+.1f} ({share:.0f} %)" for accuracy, share in means[1:]]
        rows.append([name, f"{exact:.1f} %", *cells])
        print(*rows[-1], sep="  ", flush=True)
    return table(["data", "no margin", *map(str, MARGINS)], rows)


def settings_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of the accuracies with the defaults, for built-in and generated data."""
    return compared(pool, SETTING_DATA)


def uci_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of `settings_table` for data sets of the UCI repository."""
    return compared(pool, UCI)


def compared(pool: ProcessPoolExecutor, names: Iterable[str]) -> str:
    """Return the table of `setting` for data sets, with the paired difference to the MLP."""
    rows = []
    for name in names:
        seeds = SETTING_SEEDS.get(name, NEW_SEEDS)
        work = [(name, options, seed) for options in (TWO_LAYERS, None) for seed in seeds]
        plain, default = np.reshape([*pool.map(setting, work)], (2, -1))
        rival = np.array([*pool.map(mlp, [(name, (64,), seed) for seed in seeds])])
        gaps = 100 * (default - rival)
        error = np.std(gaps, ddof=1) / np.sqrt(len(gaps))
        cells = map(percent, (plain, default, rival))
        rows.append([name, *cells, f"{np.mean(gaps):+.1f} ± {error:.1f}"])
        print(*rows[-1], sep="  ", flush=True)
    head = ["data", "64,32, constant rate, %", "defaults, %", "MLP, Adam, %", "difference"]
    return table(head, rows)


def ordinal_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of the accuracies of larger networks on the data set `ordinal`."""
    rows = []
    for hidden in ORDINAL_HIDDEN:
        own = [*pool.map(default_with, [(ORDINAL, hidden, seed) for seed in NEW_SEEDS])]
        rival = [*pool.map(mlp, [(ORDINAL, hidden, seed) for seed in NEW_SEEDS])]
        rows.append([",".join(map(str, hidden)), percent(own), percent(rival)])
        print(*rows[-1], sep="  ", flush=True)
    return table(["hidden", "defaults, %", "MLP, Adam, %"], rows)


def drift_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of the accuracy on each stream with each of `GUARDS`."""
    rows = []
    for name in STREAMS:
        work = [(name, *guard, seed) for _, *guard in GUARDS for seed in NEW_SEEDS]
        found = np.reshape([*pool.map(stream_accuracy, work)], (len(GUARDS), -1))
        rows.append([name, *map(percent, found)])
        print(*rows[-1], sep="  ", flush=True)
    return table(["data", *(name for name, *_ in GUARDS)], rows)


def guards_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of what the guards cost on data without drift."""
    rows = []
    for name in GUARDED_DATA:
        wide = {"hidden": (64,), "decay": 4, "spread": "auto"}
        if name == "100 classes":
            wide["hidden_halvings"] = 3
        pair = (wide, {**wide, "normalized_step": True})
        work = [(name, options, seed) for options in pair for seed in NEW_SEEDS]
        before, after = np.reshape([*pool.map(setting, work)], (2, -1))
        change = 100 * (np.mean(after) - np.mean(before))
        rows.append([name, percent(before), percent(after), f"{change:+.1f}"])
        print(*rows[-1], sep="  ", flush=True)
    return table(["data", "without", "normalized step", "change, points"], rows)


def unknown_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of how well each score tells samples of an unknown class from the others."""
    rows = []
    for name in unknown.NAMES:
        work = [(name, seed) for seed in NEW_SEEDS]
        figures = np.array([row for seed in pool.map(unknown.left_out, work) for row in seed])
        rows.append([name, *map(percent, figures.T / 100)])
        print(*rows[-1], sep="  ", flush=True)
    areas = ["AUC of the confidence, %", "of the largest decision, %", "of the distance, %"]
    found = ["unknown rows found, %", "accuracy of accepted rows, %"]
    return table(["data", *areas, *found], rows)


def streams_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of accuracies on streams, each row tested before it was learned."""
    rows = []
    for name in streams.NAMES:
        work = [(name, seed, kind) for kind in streams.OURS for seed in STREAM_SEEDS]
        found = np.reshape([*pool.map(streams.ours, work)], (len(streams.OURS), -1, 2))
        others = [(name, seed, kind) for kind in streams.RIVALS for seed in STREAM_SEEDS]
        rivals = np.reshape([*pool.map(streams.rival, others)], (len(streams.RIVALS), -1))
        plain = found[[*streams.OURS].index("64"), :, 1]
        rows.append([name, *map(percent, [*found[:, :, 0], plain, *rivals])])
        print(*rows[-1], sep="  ", flush=True)
    learners = [*streams.OURS, "64, not learning", *(f"river, {kind}" for kind in streams.RIVALS)]
    return table(["stream", *learners], rows)


def new_class_table(pool: ProcessPoolExecutor) -> str:
    return table(new_class.HEAD, [*new_class.rows_of_table(pool)])


def fidelity_table(_pool: ProcessPoolExecutor) -> str:
    rows = [[precision, *cells] for precision, cells in fidelity()]
    return table(["precision", *FIDELITY], rows)


def collapse(seed: int) -> list[tuple[float, float]]:
    """Return figures before and after 50 float steps of the published rule on digits, as pairs.

    The figures are the participation ratio of every hidden layer's decisions, then the
    accuracy of a readout on the top hidden layer.
    """
    fit, test = split(load("digits"), 0.2, seed)
    parameters = initial_parameters((64, 64, 32, 16, 10), "published", seed)
    reference = Reference(parameters, "published", 0.01)
    found = []
    for steps in (0, 50):
        if steps:
            reference.learn_steps(fit.x[:500], steps)
        hidden = [1 / (1 + np.exp(-z)) for z in reference.knowledge(fit.x)[:-1]]
        top = 1 / (1 + np.exp(-reference.knowledge(test.x)[-2]))
        readout = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        readout.fit(hidden[-1], fit.y)
        found.append([*map(participation_ratio, hidden), 100 * readout.score(top, test.y)])
    return list(zip(*found, strict=True))


def collapse_table(pool: ProcessPoolExecutor) -> str:
    values = np.array(list(pool.map(collapse, SEEDS)))  # axes: seeds, figures, before and after
    names = [*(f"participation ratio of layer {i}" for i in range(values.shape[1] - 1))]
    names.append("readout on the top hidden layer, %")
    rows = [
        [name, *(f"{v.mean():.2f} ± {v.std():.2f}" for v in values[:, row].T)]
        for row, name in enumerate(names)
    ]
    return table(["digits, 64-32-16-10", "before", "after 50 steps"], rows)


def regression_table(pool: ProcessPoolExecutor) -> str:
    rows = []
    for name in tables():
        values = np.array(list(pool.map(scores, [(name, seed) for seed in range(5, 10)])))
        rows.append([name, *(f"{v.mean():.3f} ± {v.std():.3f}" for v in values.T)])
    head = ["data", "float", "fixed", "MLPRegressor", "linear"]
    return table(head, rows)


SECTIONS: dict[str, Callable[[ProcessPoolExecutor], str]] = {
    "rules": rules_table,
    "rivals": rivals_table,
    **adaptation.SECTIONS,
    "new_class": new_class_table,
    "margin": margin_table,
    "settings": settings_table,
    "ordinal": ordinal_table,
    "relu": activations.relu_table,
    "drift": drift_table,
    "guards": guards_table,
    **few_rows.SECTIONS,
    "regression": regression_table,
    "unknown": unknown_table,
    "streams": streams_table,
    "uci": uci_table,
    "collapse": collapse_table,
    "fidelity": fidelity_table,
    **open_questions.SECTIONS,
    **convolution.SECTIONS,
}


EXTRA = {"unknown": keel.available, "streams": streams.available}
"""The sections that need the extra `streams`; each function tells whether it is installed."""


def main() -> None:
    """Run the named measurements, or all, and write them to the page."""
    with ProcessPoolExecutor() as pool:
        for name in sys.argv[1:] or SECTIONS:
            if name in EXTRA and not EXTRA[name]():
                print(
                    f"{name} is left out: it needs pip install '.[streams]' in the clone",
                    flush=True,
                )
                continue
            if name == "uci" and wheel() is None:
                print(f"uci is left out: {VARIABLE} has no path of a wheel (tests/bench/uci.py)")
                continue
            content = SECTIONS[name](pool)
            print(content, flush=True)
            text = PAGE.read_text(encoding="utf-8")
            marked = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
            text, found = re.subn(
                marked, lambda m, c=content: f"{m[1]}{c}\n{m[2]}", text, flags=re.S
            )
            assert found == 1, f"{PAGE} has no place for {name}"
            PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
