"""Commands take data as people have them; a table says what each command must print.

The files are in `tests/data/wild`; `wild_arrays.py` makes the npz files. To add a row, add a small
file there and a line to `WILD`.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.data.load import load
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.cli.wild_arrays import ARRAYS

FOLDER = Path(__file__).parents[1] / "data" / "wild"

# Models that a command may name, and the file on which each is trained.
MODELS = {"moves.ska": "moves.csv", "days.ska": "days/tue/log.csv"}
QUICK = "--hidden 4 --epochs 3"

# Each row has a file, a command, and what the command must say. In the command, FILE stands for the
# file. Commands separated by ";" run one after the other; the expectation is for the last one. A
# text must occur in the output; a text that begins with "ska-edge: " must be the error, and the
# exit code must be 2. A dict has values of the JSON document by their place in it: a float is the
# least value that passes, any other value must be equal.
WILD: list[tuple[str, str, str | dict[str, Any]]] = [
    # columns are matched by name
    ("moves-in-another-order.csv", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    (
        "moves-without-ay.csv",
        "monitor moves.ska FILE",
        "ska-edge: moves-without-ay.csv lacks 1 input of the model: ay;",
    ),
    (
        "moves-without-header.csv",
        "eval moves.ska FILE",
        "in the order of the model's inputs because the file names no columns",
    ),
    # columns that are not inputs
    (
        "moves-with-index.csv",
        f"train FILE -o m.ska {QUICK}",
        "warning: column 1 of moves-with-index.csv only rises, like a row number or a time",
    ),
    ("moves-with-index.csv", f"train FILE -o m.ska {QUICK}", {"split.kind": "random"}),
    (
        "moves-with-time.csv",
        f"train FILE -o m.ska {QUICK}",
        "warning: t of moves-with-time.csv only rises",
    ),
    (
        "moves-with-time.csv",
        f"train FILE -o m.ska --drop t {QUICK}",
        "moves-with-time.csv: 2 inputs (ax, ay); labels from label",
    ),
    (
        "moves-with-time.csv",
        f"train FILE -o m.ska --drop t {QUICK}",
        "split: test rows are blocks of neighboring rows, because t rises like a time",
    ),
    (
        "moves-with-last-count.csv",
        "data FILE",
        "moves-with-last-count.csv: 3 inputs (ax, ay, count); labels from label",
    ),
    # numbers are not the names of classes
    (
        "moves-with-numbers.csv",
        "eval moves.ska FILE",
        "ska-edge: 'moves-with-numbers' has the class '0', which the model does not know;"
        " it knows rest, wave; give the names of the classes, not their numbers",
    ),
    # part of the data is enough for a trained model
    ("moves-of-one-class.csv", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    ("moves-of-one-class.csv", "train FILE --from moves.ska -o m.ska", "wrote m.ska"),
    ("moves-of-one-row.csv", "train FILE --from moves.ska -o m.ska", "wrote m.ska"),
    ("moves-of-one-row.csv", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    ("moves-of-one-row.csv", "predict moves.ska FILE", "1 of 1"),
    ("moves-of-one-row.csv", "verify moves.ska FILE --board host", "equal"),
    # CSV files are written in many ways
    ("semicolons.csv", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    (
        "semicolons.csv",
        "data FILE",
        "semicolons.csv: columns separated by semicolons; 3 inputs (ax, ay, az); labels from label",
    ),
    ("excel-german.csv", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    (
        "excel-german.csv",
        "predict moves.ska FILE",
        "excel-german.csv: columns separated by semicolons, decimals with commas; 3 inputs",
    ),
    (
        "excel-german.csv",
        "data FILE --decimal point",
        "ska-edge: excel-german.csv: line 2, column 1 (ax) is '0,35', not a number; if the decimal",
    ),
    (
        "excel-german.csv",
        "data FILE --separator tabs",
        "ska-edge: the separator 'tabs' cannot separate columns; give one character, such as ';',",
    ),
    ("tabs.tsv", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    ("unicode-text-of-excel.tsv", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    ("trailing-separators.csv", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    ("quoted-by-r.csv", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    ("comments.csv", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    ("header-of-numpy.csv", "data FILE", "header-of-numpy.csv: 2 inputs (ax, ay); labels from num"),
    (
        "thousands.csv",
        "data FILE",
        "ska-edge: thousands.csv has the number '1,234', whose comma may separate thousands or"
        " decimals; give --decimal comma, or write the number without the comma",
    ),
    (
        "thousands.csv",
        "data FILE --decimal comma",
        "thousands.csv: decimals with commas; 2 inputs (ax, ay); labels from label",
    ),
    (
        "thousands.csv",
        "data FILE --decimal point",
        "ska-edge: thousands.csv: line 2, column 1 (ax) is '1,234', not a number;",
    ),
    (
        "sep-of-excel.csv",
        "data FILE",
        "sep-of-excel.csv: columns separated by bars; 3 inputs (ax, ay, az); labels from label",
    ),
    ("sep-of-excel.csv", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    (
        "iso-times.csv",
        "data FILE --drop time",
        "columns separated by semicolons, decimals with commas; 3 inputs (ax, ay, az)",
    ),
    (
        "iso-times.csv",
        "data FILE",
        "ska-edge: iso-times.csv: line 2, column 1 (time) is '2026-01-02T10:00:00,5+01:00', not a"
        " number;",
    ),
    ("iso-times.csv", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    # tables of other programs
    (
        "moves.parquet",
        "data FILE --drop when",
        "moves.parquet: 3 inputs (az, ax, ay); labels from label",
    ),
    ("moves.parquet", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    (
        "moves.parquet",
        "data FILE",
        "ska-edge: moves.parquet: row 1, column 1 (when) is '2026-01-02T00:00:00",
    ),
    (
        "moves.parquet",
        f"train FILE -o m.ska --drop when {QUICK}",
        "test rows are blocks of neighboring rows, because when rises like a time",
    ),
    (
        "moves.parquet",
        "data FILE --drop when --decimal comma",
        "ska-edge: moves.parquet has no separator and no decimal sign; only a CSV file has them",
    ),
    ("moves.feather", "predict moves.ska FILE", "moves.feather: 3 inputs (ax, ay, az); labels fr"),
    (
        "moves.arff",
        "data FILE --drop 'the time'",
        "moves.arff: 3 inputs (ax, ay, az); labels from what",
    ),
    ("moves.arff", "eval moves.ska FILE --label what", {"accuracy.fixed.test": 0.9}),
    (
        "sparse.arff",
        "data FILE",
        "ska-edge: sparse.arff: line 6 is a sparse row; write the file with all values of each row",
    ),
    (
        "missing.arff",
        "data FILE",
        "ska-edge: missing.arff: line 7, column 2 (b c) is missing; inputs must be finite numbers;",
    ),
    (
        "undeclared.arff",
        "data FILE",
        "ska-edge: undeclared.arff: line 6, column 2 (class) is 'wawe', but the attribute does not",
    ),
    (
        "gestures.ts",
        "data FILE",
        "gestures.ts: series of 2 channels x 4 steps are rows of 8 inputs; 8 inputs",
    ),
    ("gestures.ts", f"train FILE -o m.ska {QUICK}; eval m.ska FILE", "m.ska on gestures"),
    (
        "unequal.ts",
        "data FILE",
        "ska-edge: unequal.ts: line 8 has a series of length 2, but the first one has length"
        " 3, and a network needs one length; cut or pad them",
    ),
    # npz files of other programs
    ("keras.npz", "data FILE", "keras.npz: rows to learn and test rows as the file has them"),
    (
        "keras.npz",
        f"train FILE -o m.ska {QUICK}",
        "test rows are those that the data hold out",
    ),
    ("sklearn.npz", "data FILE", {"classes": {"a": 2, "b": 2, "c": 2}}),
    ("sklearn.npz", "data FILE", "sklearn.npz: inputs from data; labels from target"),
    ("capitals.npz", "data FILE", "6 rows, 2 features, 3 classes"),
    ("positional.npz", "data FILE", "positional.npz: inputs from arr_0; labels from arr_1"),
    ("images.npz", "data FILE", "images.npz: images of 28 x 28 are rows of 784 inputs"),
    ("half.npz", "data FILE", "6 rows, 2 features, 3 classes"),
    ("fortran.npz", "data FILE", "6 rows, 2 features, 3 classes"),
    ("big-endian.npz", "data FILE", "6 rows, 2 features, 3 classes"),
    ("text-groups.npz", "data FILE", "6 rows, 2 features, 3 classes, 2 groups"),
    (
        "other-names.npz",
        "data FILE",
        "ska-edge: other-names.npz has no array 'x' (it holds signal, state); it needs x and y",
    ),
    # several files are one data set
    ("sessions", "eval moves.ska FILE", {"accuracy.fixed.test": 0.9}),
    (
        "sessions",
        "data FILE --drop who",
        "sessions: 3 files (friday.csv, monday.csv, tuesday.csv); 3 inputs (ax, ay, az)",
    ),
    ("sessions", "data 'FILE/*day.csv' --group-column who", {"rows": 30, "groups": 2}),
    ("sessions", "data FILE/monday.csv,FILE/tuesday.csv --drop who", {"rows": 20}),
    ("sessions", f"train FILE -o m.ska --drop who {QUICK}", "test rows are the file "),
    ("sessions", "eval moves.ska FILE --group-column who --group eva", "rows (15)"),
    (
        "sessions",
        f"train FILE -o m.ska --group-column who --group eva --split random {QUICK};"
        " eval m.ska FILE --group-column who",
        {"split.kind": "random", "evaluation.train.rows": 12},
    ),
    (
        "sessions",
        f"train FILE -o m.ska --group-column who --group ann {QUICK}",
        "ska-edge: 'sessions' has no group ann; its groups are eva (0), tom (1)",
    ),
    (
        "sessions",
        f"data FILE -o all.npz --drop who; train all.npz -o m.ska {QUICK}",
        "test rows are the file ",
    ),
    (
        "moves-with-time.csv",
        f"data FILE -o all.npz --drop t; train all.npz -o m.ska {QUICK}",
        "test rows are blocks of neighboring rows, because t rises like a time",
    ),
    (
        "sessions",
        "data 'FILE/s*.csv'",
        "ska-edge: no file matches 'sessions/s*.csv'",
    ),
    # files with the same name in several folders, and a hidden file
    (
        "days",
        "data 'FILE/*/log.csv'",
        "days/*/log.csv: 2 files (mon/log.csv, tue/log.csv); 2 inputs (ax, ay)",
    ),
    ("days", "eval days.ska FILE/mon/log.csv,FILE/tue/log.csv --group tue/log.csv", "rows (4)"),
    (
        "days",
        f"train FILE/mon/log.csv,FILE/tue/log.csv -o m.ska --group log.csv {QUICK}",
        "ska-edge: 'days' has no group log.csv; its groups are mon/log.csv (0), tue/log.csv (1)",
    ),
    ("days", "data FILE/mon", {"rows": 4}),
    (
        "days",
        f"train FILE/mon/log.csv,FILE/mon/../mon/log.csv -o m.ska {QUICK}",
        "ska-edge: days/mon/../mon/log.csv is the same file as days/mon/log.csv; name each file",
    ),
    # files of a set that are written in different ways
    (
        "mixed",
        "data FILE/header.csv,FILE/semicolons.csv",
        "2 files (header.csv, semicolons.csv); columns separated by semicolons (semicolons.csv); 3",
    ),
    (
        "mixed",
        "predict moves.ska FILE/semicolons.csv,FILE/header.csv",
        "columns separated by semicolons (semicolons.csv); 3 inputs (ax, ay, az); labels from lab",
    ),
    (
        "mixed",
        f"train FILE/header.csv,FILE/bare.csv -o m.ska {QUICK}",
        "ska-edge: mixed/header.csv names its columns, but mixed/bare.csv does not, so the order",
    ),
    ("mixed", "eval moves.ska FILE/bare.csv,FILE/header.csv", "ska-edge: mixed/header.csv names"),
    (
        "mixed",
        "predict moves.ska FILE/bare.csv,FILE/header.csv",
        "ska-edge: mixed/header.csv names its columns, but mixed/bare.csv does not, so the order",
    ),
    (
        "mixed",
        "predict moves.ska FILE/header.csv,FILE/less.csv",
        "ska-edge: mixed/less.csv lacks 1 input of the model: az;",
    ),
    (
        "mixed",
        "predict moves.ska FILE/header.csv,FILE/unlabeled.csv",
        "2 of 2 labeled rows right",
    ),
    # labels of many kinds
    ("labels-from-1.csv", "data FILE", {"classes": {"1": 2, "2": 2, "3": 2}}),
    ("labels-minus-plus.csv", "data FILE", {"classes": {"-1": 2, "1": 2}}),
    ("labels-with-gaps.csv", "data FILE", {"classes": {"2": 2, "7": 2, "70": 2}}),
    ("labels-as-floats.csv", "data FILE", {"classes": {"1": 2, "2": 2}}),
    ("labels-as-booleans.csv", "data FILE", {"classes": {"False": 2, "True": 2}}),
    (
        "labels-beyond-2-53.csv",
        "data FILE",
        {"classes": {"9007199254740992": 2, "9007199254740993": 2}},
    ),
    ("one-hot.npz", "data FILE", {"classes": {"0": 2, "1": 2, "2": 2}}),
    ("column.npz", "data FILE", {"classes": {"0": 2, "1": 2, "2": 2}}),
    ("bytes.npz", "data FILE", {"classes": {"off": 2, "on": 4}}),
    ("booleans.npz", "data FILE", {"classes": {"False": 2, "True": 4}}),
    ("floats.npz", "data FILE", {"classes": {"0": 2, "1": 2, "2": 2}}),
    (
        "half-classes.npz",
        "data FILE",
        "ska-edge: half-classes.npz: y[1] is 0.5; labels are integers or text, none missing",
    ),
    # neighbors in a recording are similar, so a random split gives too high an accuracy
    (
        "log-of-one-person.csv",
        "train FILE -o m.ska --hidden 16 --split random",
        {"accuracy.fixed.test": 1.0, "split.kind": "random"},
    ),
    (
        "log-of-one-person.csv",
        f"train FILE -o m.ska {QUICK} --split random",
        "warning: the labels come in runs, so test rows drawn at random are much like learned ones",
    ),
    (
        "log-of-one-person.csv",
        f"train FILE -o m.ska {QUICK}",
        "split: test rows are blocks of neighboring rows, because the labels come in runs",
    ),
    (
        "log-of-one-person.csv",
        f"train FILE -o m.ska {QUICK}; eval m.ska FILE",
        {"split.kind": "blocked", "evaluation.test.rows": 40, "evaluation.train.rows": 80},
    ),
    # each class is in both parts
    (
        "two-rare-rows.csv",
        f"train FILE -o m.ska {QUICK}",
        "warning: 1 class with fewer than 5 rows: fall (2)",
    ),
    (
        "two-rare-rows.csv",
        f"train FILE -o m.ska {QUICK}; eval m.ska FILE",
        {"split.kind": "random", "evaluation.train.rows": 25, "evaluation.test.rows": 7},
    ),
    # a device standardizes what its sensor gives
    (
        "adc-of-24-bits.csv",
        f"train FILE -o m.ska {QUICK}; firmware m.ska -o fw",
        "ska_standardize takes raw int16 features; _u8, _u16 and _i32 take other types",
    ),
    (
        "moves.csv",
        "firmware moves.ska --name wake -o fw",
        "no wake_standardize: the training data are not integers of at most 32 bits",
    ),
    (
        "moves.csv",
        f"train FILE -o m.ska --raw float32 {QUICK}; firmware m.ska -o fw",
        "ska_standardize_f32 takes raw float features",
    ),
    (
        "moves-in-a-tiny-unit.csv",
        f"train FILE -o m.ska --raw float32 {QUICK}",
        "ska-edge: feature 'ay' varies by ",
    ),
    # the name of a model in C is not that of a header of C
    (
        "moves.csv",
        "firmware moves.ska --name string -o fw",
        "ska-edge: string.h is a header of C, so the model cannot be named string in C;",
    ),
    # each command that learns or tests names the rare classes
    (
        "two-rare-rows.csv",
        f"train FILE -o m.ska {QUICK}; eval m.ska FILE",
        "warning: 1 class with fewer than 5 rows: fall (2)",
    ),
    (
        "two-rare-rows.csv",
        "sweep FILE -o sweep --seeds 1 --hidden 4 --epochs 1 --jobs 1",
        "warning: 1 class with fewer than 5 rows: fall (2)",
    ),
    # a continued model does not test rows that it has learned, or says so
    (
        "moves.csv",
        f"train FILE -o m.ska --test-fraction 0.4 {QUICK}; train FILE -o n.ska --from m.ska"
        " --epochs 1",  # more epochs saturate the small network, with a warning of their own
        {"evaluation.test.rows": 12, "warnings": []},
    ),
    (
        "moves.csv",
        f"train FILE -o m.ska {QUICK}; train FILE -o n.ska --from m.ska --seed 1 --epochs 1",
        "test rows were learned by the continued model, so the accuracy is too high; keep its"
        " split, test fraction and seed",
    ),
    (
        "people.csv",
        f"train FILE -o m.ska --group-column who {QUICK}; train FILE -o n.ska --from m.ska"
        " --group-column who --group ann --epochs 1",
        "so the accuracy is too high; measure it on rows that the model has not learned",
    ),
    # the output of a command is not data of the next command
    (
        "days",
        "predict days.ska FILE/mon -o FILE/mon/out.csv",
        "ska-edge: days/mon/out.csv would be one of the data files of days/mon the next time;",
    ),
    (
        "days",
        "predict days.ska 'FILE/m*/*.csv' -o FILE/mon/out.csv",
        "ska-edge: days/mon/out.csv would be one of the data files of days/m*/*.csv the next time;",
    ),
    (
        "days",
        f"train FILE/mon -o m.ska --log FILE/mon/l.csv {QUICK}",
        "ska-edge: days/mon/l.csv would be one of the data files of days/mon the next time;",
    ),
    (
        "days",
        f"train FILE/mon -o m.ska --checkpoint FILE/mon/m.npz {QUICK}",
        "ska-edge: days/mon/m.npz would be one of the data files of days/mon the next time;",
    ),
    (
        "days",
        "export days.ska --data FILE/mon -o FILE/mon/m.csv",
        "ska-edge: days/mon/m.csv would be one of the data files of days/mon the next time;",
    ),
    (
        "days",
        "monitor days.ska FILE/mon --port p --log FILE/mon/l.csv",
        "ska-edge: days/mon/l.csv would be one of the data files of days/mon the next time;",
    ),
    # with --group, the rows of that group are split like data without groups
    (
        "people.csv",
        f"train FILE -o m.ska --group-column who --group ann {QUICK}",
        {"split.kind": "random"},
    ),
    # a device that forgets
    (
        "moves.csv",
        f"train FILE -o m.ska --for uno {QUICK}",
        {"replay_buffer.stored": 5, "replay_buffer.relearned": 2},
    ),
]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name, data in MODELS.items():
        trained = train(load(FOLDER / data), Options(hidden=(), epochs=5, arithmetic="fixed"))
        trained.model.save(folder / name)
    return folder


@pytest.mark.parametrize(
    ("file", "command", "expected"),
    WILD,
    ids=[f"{file} {command.split()[0]}" for file, command, _ in WILD],
)
def test_a_command_prints_what_the_table_says(
    file: str, command: str, expected: str | dict[str, Any], ska_edge, models
) -> None:
    shutil.copytree(FOLDER, ".", dirs_exist_ok=True)
    if file in ARRAYS:
        np.savez(file, **ARRAYS[file])
    for name in MODELS:
        if name in command:
            shutil.copy(models / name, name)
    *before, last = [shlex.split(part.replace("FILE", file)) for part in command.split(";")]
    for words in before:
        assert ska_edge(*words).code == 0
    if isinstance(expected, dict):
        outcome = ska_edge(*last, "--json")
        assert outcome.code == 0, outcome.err
        for place, value in expected.items():
            found: Any = outcome.document()
            for key in place.split("."):
                found = found[key]
            assert found >= value if isinstance(value, float) else found == value, place
    elif expected.startswith("ska-edge: "):
        assert expected in ska_edge(*last).refusal(2)
    else:
        outcome = ska_edge(*last)
        assert outcome.code == 0, outcome.err
        assert expected in " ".join((outcome.out + outcome.err).split())


def test_every_file_is_in_the_table() -> None:
    named = {file for file, _, _ in WILD} | {data.split("/")[0] for data in MODELS.values()}
    assert named == {path.name for path in FOLDER.iterdir()} | ARRAYS.keys()
