"""Measures front ends on time series: `python -m tests.bench.series FOLDER [NAME ...]`.

FOLDER has the .ts files that the package aeon brings along: after `pip install aeon==1.6.0`, it is
site-packages/aeon/datasets/data. Each NAME is a folder in it. An output layer on the features of
`kernels` or `echo` learns the file _TRAIN in fixed point, and classifies the file _TEST. The
program prints a table with means and standard deviations over the seeds 5 to 9. If aeon can be
imported, the table also has its MiniRocket, with the ridge classifier of aeon, for the same seeds.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.data.recordings.layout import Layout
from ska_edge.data.source import load_data
from ska_edge.frontend.front import SAMPLE
from ska_edge.frontend.request import FrontRequest
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench.markdown import percent, table

NAMES = ("BasicMotions", "ItalyPowerDemand", "ACSF1", "GunPoint", "JapaneseVowels", "UnitTest")
SEEDS = range(5, 10)
LARGEST = SAMPLE.maximum // 2  # of a sample to learn; samples to test may be larger
FRONTENDS = ("kernels:count=512", "kernels:count=512,levels=0", "echo")


def path_of(folder: Path, name: str, part: str) -> Path:
    """Return a file of a data set; prefer series that are padded to equal length."""
    same = folder / name / f"{name}_eq_{part}.ts"
    return same if same.is_file() else folder / name / f"{name}_{part}.ts"


def series(folder: Path, name: str) -> Dataset:
    """Return both files of a data set as windows of integers, whose samples are the features."""
    parts = [load_data(path_of(folder, name, part)) for part in ("TRAIN", "TEST")]
    text = path_of(folder, name, "TRAIN").read_text(encoding="utf-8").splitlines()
    axes = text[[line.strip().lower() for line in text].index("@data") + 1].count(":")
    assert parts[0].labels == parts[1].labels
    x = np.concatenate([part.x for part in parts])
    windows = x.reshape(len(x), axes, -1).transpose(0, 2, 1)
    step = np.abs(parts[0].x).max() / LARGEST
    samples = SAMPLE.quantize(windows / step).astype(np.int16)
    names = tuple(f"axis {number}" for number in range(axes))
    length = samples.shape[1]
    return Dataset(
        name,
        samples.reshape(len(samples), -1),
        np.concatenate([part.y for part in parts]),
        parts[0].labels,
        tested=np.repeat([False, True], [len(part.x) for part in parts]),
        layout=Layout(length, length, names),
        windows=samples,
    )


def ours(data: Dataset, frontend: str) -> list[float]:
    """Return the test accuracy of each seed with a front end."""
    assert data.layout is not None
    length, names = data.layout.length, data.layout.axes
    front = FrontRequest.parse(frontend).of_windows(length, length, names)
    data = replace(data, front=front)
    found = [train(data, Options(hidden=(), seed=seed)) for seed in SEEDS]
    assert data.tested is not None
    assert all(len(each.division.test.y) == data.tested.sum() for each in found)
    return [float(each.accuracy["fixed"]["test"] or 0.0) for each in found]


def rival(data: Dataset) -> list[float]:
    """Return the test accuracy of aeon's MiniRocket on the same windows for each seed."""
    from aeon.classification.convolution_based import MiniRocketClassifier

    assert data.windows is not None and data.tested is not None
    x = data.windows.transpose(0, 2, 1).astype(np.float32) / LARGEST
    found = []
    for seed in SEEDS:
        model = MiniRocketClassifier(random_state=seed).fit(x[~data.tested], data.y[~data.tested])
        found.append(float(model.score(x[data.tested], data.y[data.tested])))
    return found


def has_aeon() -> bool:
    try:
        import aeon  # noqa: F401
    except ImportError:
        return False
    return True


def main() -> None:
    folder, names, rivals = Path(sys.argv[1]), sys.argv[2:] or NAMES, has_aeon()
    rows = []
    for name in names:
        data = series(folder, name)
        assert data.tested is not None
        cells = [percent(ours(data, frontend)) for frontend in FRONTENDS]
        if rivals:
            cells.append(percent(rival(data)))
        counts = f"{(~data.tested).sum()} / {data.tested.sum()}"
        rows.append([name, counts, *cells])
        print(*rows[-1], file=sys.stderr, flush=True)
    head = ["data", "rows to learn / test", *(f"`{frontend}`" for frontend in FRONTENDS)]
    print(table([*head, *(["MiniRocket, ridge"] if rivals else [])], rows))


if __name__ == "__main__":
    main()
