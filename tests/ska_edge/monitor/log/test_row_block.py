"""Rows give the same result whether they are read and learned in blocks or one by one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ska_edge.errors import SkaError
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.log import row_block
from ska_edge.monitor.log.file import LogFile
from ska_edge.monitor.log.line import parse
from ska_edge.monitor.log.row_block import RowBlock, RowReader
from ska_edge.monitor.replay import _Replay, rebuild
from ska_edge.network.state import State
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from tests.logbook import Logbook

PLAN = make_plan((3, 4, 2))
REPLAYING = make_plan((3, 4, 2), replay=Replay(2, 2))


def model_of(plan: Plan = PLAN) -> Model:
    parameters = np.random.default_rng(1).integers(-4096, 4096, plan.parameter_count)
    return Model(plan, State(plan, parameters), Scaling(np.zeros(3), np.ones(3)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "steps.jsonl"


def announced(book: Logbook, token: int = 7) -> None:
    """Add the announcement of every row before the row."""
    lines = []
    for line in book.lines:
        if "sample" in line:
            sent = {"sent": line["sample"], "token": token}
            lines.append({**sent, "label": line["label"], "x": line["x"]})
        lines.append(line)
    book.lines = lines


@cache
def long_book(plan: Plan) -> Logbook:
    """Return a log of rows, a warning, saves, rates, interruptions and rollbacks."""
    book = Logbook(model_of(plan))
    book.learn(7)
    book.warn()
    book.learn(5)
    book.lines[-1]["halvings"] = 0
    book.save()
    book.learn(2)
    book.rate(1)
    book.learn(3)
    book.lines[-1]["halvings"] = 1
    book.interrupt(2)
    book.learn(3)
    book.fall_back()
    book.learn(4)
    book.end()
    book.start()
    book.learn(3)
    book.end()
    announced(book)
    return book


def blocks_of(path: Path, model: Model) -> list[RowBlock]:
    reader = RowReader(model.plan)
    return [piece for piece in LogFile(path).pieces(reader) if isinstance(piece, RowBlock)]


# --- reading --------------------------------------------------------------------------------------


def test_rows_are_read_together(path: Path) -> None:
    model = model_of()
    book = Logbook(model)
    book.learn(5)
    book.lines[3]["halvings"] = 0
    announced(book)
    (block,) = blocks_of(book.write(path), model)
    rows = [line for line in book.lines if "sample" in line]
    assert block.numbers == [3, 5, 7, 9, 11]
    assert block.texts == [json.dumps(row).encode() + b"\n" for row in rows]
    names = {"samples": "sample", "steps": "step", "labels": "label"}
    for name in ("samples", "steps", "labels", "predicted", "x", "decisions"):
        found = getattr(block, name)
        assert found.dtype == np.int64
        assert found.tolist() == [row[names.get(name, name)] for row in rows]
    assert block.halvings.tolist() == [0]
    assert [number for number, _ in block.entries()] == block.numbers


def test_a_block_ends_before_another_line_and_when_it_is_full(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_block, "MOST_ROWS", 4)
    model = model_of()
    book = Logbook(model)
    book.learn(9)
    book.warn()
    book.learn(1)
    assert [block.numbers for block in blocks_of(book.write(path), model)] == [
        [2, 3, 4, 5],
        [6, 7, 8, 9],
        [10],
        [12],
    ]


ROW = (
    '{"sample": 1, "step": 1, "label": 0, "x": [1, -2, 0], "predicted": 1,'
    ' "decisions": [7, -8], "layers": [{"entropy": 0.5, "flow": -1e-05}, {"z_norm": 2}]}\n'
)
NOTICE = '{"sent": 1, "token": 4000000000, "label": 0, "x": [1, -2, 0]}\n'


@pytest.mark.parametrize("text", [ROW, NOTICE, ROW.replace("}]}", '}], "halvings": 9}')])
def test_a_usual_line_is_recognized(text: str) -> None:
    assert RowReader(PLAN).take(1, text.encode())


@pytest.mark.parametrize("text", [ROW, NOTICE])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n", ""),
        ("\n", "\r\n"),
        ("1,", "01,"),
        ("1,", "+1,"),
        ("1,", "1 ,"),
        ("-2", "- 2"),
        ("-2", "-02"),
        ("-2", "2.0"),
        ("[1, -2, 0]", "[1, -2]"),
        ("[1, -2, 0]", "[1, -2, 0, 0]"),
        ("label", "lapel"),
        ('"label": 0', '"label": 4294967296'),
        ('"label": 0', '"label": null'),
        ('"label": 0, ', ""),
        ("{", " {"),
        ("0.5", "9" * 5000),
        ("0.5", "5e400"),
        ("0.5", "00.5"),
        ("0.5", ".5"),
        ("0.5", "5."),
        ("0.5", "0.5.5"),
        ("0.5", "NaN"),
        ("-1e-05", "-1e"),
        ("-1e-05", "--1"),
        ("}, {", "}{"),
        ("}]", "},]"),
        ('"layers"', '"x": [], "layers"'),
    ],
)
def test_any_other_line_is_left_to_the_parser(text: str, old: str, new: str) -> None:
    changed = text.replace(old, new)
    if changed != text:
        assert not RowReader(PLAN).take(1, changed.encode())


@given(
    st.binary(max_size=3), st.integers(0, 2**16), st.integers(0, 3), st.sampled_from([ROW, NOTICE])
)
def test_no_line_is_taken_that_the_parser_refuses(
    noise: bytes, place: int, cut: int, text: str
) -> None:
    content = text.encode()
    place %= len(content)
    content = content[:place] + noise + content[place + cut :]
    reader = RowReader(PLAN)
    if reader.take(1, content):
        line = parse(json.loads(content.decode("utf-8")))
        if reader.rows:
            ((_, same),) = reader.block().entries()
            assert same == line


# --- replaying ------------------------------------------------------------------------------------


Verdict = tuple[Any, ...]


def verdict(path: Path, model: Model, at: int | None) -> Verdict:
    try:
        found = rebuild(path, model, at)
    except SkaError as error:
        return type(error), str(error)
    return found.state.to_bytes(), found.state.step, found.rows, found.checked, found.cut


def both_verdicts(path: Path, model: Model, at: int | None = None) -> tuple[Verdict, Verdict]:
    """Return the results with rows in blocks and one by one."""
    together = verdict(path, model, at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RowReader, "take", lambda *_: False)
        return together, verdict(path, model, at)


@pytest.mark.parametrize("plan", [PLAN, REPLAYING])
def test_most_rows_are_learned_together(path: Path, plan: Plan) -> None:
    model = model_of(plan)
    book = long_book(plan)
    replay = _Replay(book.write(path), model, None)
    replay.look_ahead()
    together = 0
    for piece in LogFile(path).pieces(RowReader(plan)):
        if isinstance(piece, RowBlock) and replay.learn_together(piece):
            together += len(piece.numbers)
            continue
        for number, line in piece.entries() if isinstance(piece, RowBlock) else (piece,):
            replay.take(number, line)
    assert replay.rebuilt().state.to_bytes() == book.state.to_bytes()
    assert together >= 15


@pytest.mark.parametrize("plan", [PLAN, REPLAYING])
def test_every_step_is_the_same(path: Path, plan: Plan) -> None:
    model = model_of(plan)
    book = long_book(plan)
    book.write(path)
    for at in range(0, book.state.step + 2, 3):
        together, alone = both_verdicts(path, model, at)
        assert together == alone


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([PLAN, REPLAYING]),
    st.lists(
        st.tuples(
            st.sampled_from(["digit", "byte", "drop", "double", "swap", "cut"]),
            st.integers(0, 2**20),
            st.integers(0, 255),
        ),
        max_size=3,
    ),
    st.one_of(st.none(), st.integers(0, 40)),
    st.integers(1, 8),
)
def test_a_damaged_log_gets_the_same_verdict(
    path: Path, plan: Plan, damages: list[tuple[str, int, int]], at: int | None, most: int
) -> None:
    model = model_of(plan)
    content = long_book(plan).write(path).read_bytes()
    for kind, place, value in damages:
        content = damaged(content, kind, place, value)
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_block, "MOST_ROWS", most)
        together, alone = both_verdicts(path, model, at)
    assert together == alone


def damaged(content: bytes, kind: str, place: int, value: int) -> bytes:
    if not content:
        return content
    if kind in ("digit", "byte"):
        places = [i for i, byte in enumerate(content) if kind == "byte" or 48 <= byte <= 57]
        if not places:
            return content
        at = places[place % len(places)]
        new = value if kind == "byte" else 48 + value % 10
        return content[:at] + bytes([new]) + content[at + 1 :]
    if kind == "cut":
        return content[: place % len(content)]
    lines = content.splitlines(keepends=True)
    first, second = place % len(lines), value % len(lines)
    if kind == "drop":
        del lines[first]
    elif kind == "double":
        lines.insert(second, lines[first])
    else:
        lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


def test_a_wrong_row_is_reported_before_a_later_damaged_line(path: Path) -> None:
    model = model_of()
    book = Logbook(model)
    book.learn(8)
    book.lines[3]["predicted"] = 1 - book.lines[3]["predicted"]
    content = book.write(path).read_bytes().splitlines(keepends=True)
    content[6] = b"rubbish\n"
    path.write_bytes(b"".join(content))
    together, alone = both_verdicts(path, model)
    assert together == alone
    assert "line 4: predicted is" in str(together[1])


def test_a_missing_log_is_named(path: Path) -> None:
    kind, sentence = verdict(path, model_of(), None)
    assert issubclass(kind, SkaError) and f"there is no log {path}" in sentence
