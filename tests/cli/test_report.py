"""`report` writes one page whose numbers are those of the other commands."""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from ska_edge.model.model_file import Model
from ska_edge.monitor.log.line import Interruption, LogRow
from ska_edge.monitor.log.value import Mark
from ska_edge.report.course import MEASURED, CourseReader
from tests.logbook import Logbook

VOID = {"meta", "img", "br", "link"}
EVIL = '<script>alert("1")</script>'


class Page(HTMLParser):
    """Collects the elements of a page, and checks that they are closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self._open == []
        assert len(self.ids) == len(set(self.ids))
        assert {link.removeprefix("#") for link in self.links} <= set(self.ids)
        assert all(each.startswith("data:image/svg+xml;base64,") for each in self.loads)
        assert "script" not in self.tags

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self._open.append(tag)
        for key, value in attributes:
            assert not key.startswith("on")
            if key == "id":
                self.ids.append(str(value))
            elif key == "href":
                self.links.append(str(value))
            elif key in ("src", "srcset", "poster", "action"):
                self.loads.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def pictures(self) -> list[str]:
        return [base64.b64decode(each.split(",")[1]).decode() for each in self.loads]


def test_a_model_has_a_page_of_its_training(ska_edge, iris_file: Path) -> None:
    outcome = ska_edge("report", iris_file, "-o", "page.html", "--json")
    assert outcome.code == 0
    document, shown = outcome.document(), ska_edge("inspect", iris_file, "--json").document()
    assert document["digest"] == shown["digest"]
    assert document["sections"] == ["training", "formats"]
    page = Page(Path("page.html"))
    assert set(document["sections"]) <= set(page.ids)
    assert len(page.pictures) == len(document["figures"]) == 2
    for tensor in shown["tensors"]:
        assert f"{tensor['layer']} {tensor['tensor']}" in page.text
    weights = [each for each in shown["tensors"] if each["tensor"] == "weight"]
    for tensor in weights:
        chart = document["figures"][f"weights-{tensor['layer']}"]
        assert sum(chart["counts"]["weights"]) == tensor["shape"][0] * tensor["shape"][1]
        assert chart["format"] == tensor["format"]


def test_the_results_are_those_of_eval(ska_edge, iris_file: Path) -> None:
    outcome = ska_edge("report", iris_file, "iris", "-o", "page.html", "--json")
    document = outcome.document()
    found = ska_edge("eval", iris_file, "iris", "--json").document()
    assert document["sections"] == ["results", "training", "formats"]
    assert document["figures"]["confusion"]["counts"] == found["confusion"]
    assert document["figures"]["recall"]["bars"] == found["evaluation"]["test"]["recall"]
    text = Page(Path("page.html")).text
    assert f"{found['accuracy']['fixed']['test']:.2%}" in text
    assert f"{found['accuracy']['float']['test']:.2%}" in text


def test_a_log_shows_what_the_device_learned(ska_edge, iris_file: Path, book: Logbook) -> None:
    log = book.write(Path("steps.jsonl"))
    outcome = ska_edge("report", log, "--model", iris_file, "-o", "page.html", "--json")
    assert outcome.code == 0
    document = outcome.document()
    assert document["sections"] == ["device", "comparison", "training", "formats"]
    assert (document["rows"], document["equal"], document["warnings"]) == (
        45,
        True,
        ['the "device"'],
    )
    rows = [line for line in book.lines if "sample" in line]
    right = [row["predicted"] == row["label"] for row in rows]
    curve = document["figures"]["learning-curve"]["lines"]
    assert curve[1]["y"][-1] == pytest.approx(sum(right) / len(right))
    assert curve[1]["x"][-1] == len(rows)
    entropy = document["figures"]["entropy"]["lines"][0]
    assert set(entropy["y"]) == {0.5}
    assert document["figures"]["rate"]["lines"][0]["y"][1] == pytest.approx(
        document["figures"]["rate"]["lines"][0]["y"][0] / 2
    )
    replayed = ska_edge("replay", log, iris_file, "--json").document()
    page = Page(Path("page.html"))
    assert f"CRC {replayed['crc']:08x}" in page.text
    assert "the device has saved its state" in page.text


def test_a_wrong_device_gets_a_page_and_exit_code_1(ska_edge, iris_file, book: Logbook) -> None:
    rows = [line for line in book.lines if "sample" in line]
    rows[7]["decisions"][0] ^= 1
    log = book.write(Path("steps.jsonl"))
    outcome = ska_edge("report", log, "--model", iris_file, "-o", "page.html", "--json")
    assert outcome.code == 1
    document = outcome.document()
    assert document["equal"] is False
    assert "line 9: decisions[0]" in document["first_difference"]
    assert document["first_difference"] in outcome.err
    assert "line 9: decisions[0]" in Page(Path("page.html")).text


def test_a_gap_is_not_a_difference(ska_edge, iris_file: Path, book: Logbook) -> None:
    del book.lines[5]
    log = book.write(Path("steps.jsonl"))
    outcome = ska_edge("report", log, "--model", iris_file, "-o", "page.html", "--json")
    assert outcome.code == 0
    assert outcome.document()["equal"] is None
    assert "lines are missing" in Page(Path("page.html")).text


def test_with_data_a_log_has_the_results_after_learning(ska_edge, iris_file, book: Logbook) -> None:
    log = book.write(Path("steps.jsonl"))
    assert ska_edge("replay", log, iris_file, "-o", "after.ska").code == 0
    outcome = ska_edge("report", log, "iris", "--model", iris_file, "-o", "page.html", "--json")
    found = ska_edge("eval", "after.ska", "iris", "--json").document()
    assert outcome.document()["figures"]["confusion"]["counts"] == found["confusion"]
    assert "before" in Page(Path("page.html")).text


def test_the_page_of_a_regression_has_its_r2(ska_edge) -> None:
    lines = ["a,b,y", *(f"{i % 7},{i % 5},{i % 7 + 2 * (i % 5)}" for i in range(60))]
    Path("line.csv").write_text("\n".join(lines) + "\n")
    options = ("--task", "regression", "--hidden", "4", "--epochs", "2")
    assert ska_edge("train", "line.csv", *options, "-o", "line.ska").code == 0
    outcome = ska_edge("report", "line.ska", "line.csv", "-o", "page.html", "--json")
    assert outcome.code == 0
    found = ska_edge("eval", "line.ska", "line.csv", "--json").document()
    assert f"{found['r2']['fixed']['test']['y']:.3f}" in Page(Path("page.html")).text


def test_text_from_files_is_escaped(ska_edge, iris: Model, book: Logbook) -> None:
    notes = {**iris.notes, "data": EVIL, "features": [EVIL, "b", "c", "\x1b[2J\u202e"]}
    replace(iris, notes=notes).save(Path("evil.ska"))
    book.lines[-1:-1] = [{"warning": {"sign": "x", "layer": 0, "text": EVIL}}]
    book.lines[0]["device"]["board"] = EVIL
    log = book.write(Path("<b>.jsonl"))
    outcome = ska_edge("report", log, "--model", "evil.ska", "-o", "page.html")
    assert outcome.code == 0, outcome.err
    page = Page(Path("page.html"))  # fails if there is a script
    assert page.text.count(EVIL) >= 3
    assert "\x1b" not in page.text and "\u202e" not in page.text


def test_the_same_input_gives_the_same_bytes(ska_edge, iris_file: Path) -> None:
    for name in ("one.html", "two.html"):
        assert ska_edge("report", iris_file, "iris", "-o", name).code == 0
    assert Path("one.html").read_bytes() == Path("two.html").read_bytes()


def test_a_board_without_data_has_its_memory(ska_edge, iris_file: Path) -> None:
    outcome = ska_edge("report", iris_file, "-o", "p.html", "--board", "virtual-m4", "--json")
    document = outcome.document()
    assert document["sections"][-1] == "board"
    assert document["bench"] is None
    ram = ska_edge("inspect", iris_file, "--json").document()["ram"]["bytes"]
    assert f"{ram} of" in Page(Path("p.html")).text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("none.ska",), "there is no log or model none.ska"),
        ((".",), "cannot read ."),
        (("text.ska",), "text.ska is not a ska-edge model, or it is damaged"),
        (("steps.jsonl",), "name the device's model when it began, with --model MODEL"),
        (("MODEL", "--model", "MODEL"), "is a model, so leave --model out"),
        (("text.ska", "--model", "MODEL"), "text.ska is neither a log nor a model"),
        (("steps.jsonl", "--model", "none.ska"), "there is no model file none.ska"),
        (("broken.jsonl", "--model", "MODEL"), "broken.jsonl, line 1: not a line of a monitor's"),
        (("empty.jsonl", "--model", "MODEL"), "empty.jsonl names no device"),
        (("MODEL", "--board", "none"), "none"),
        (("MODEL", "none.csv"), "none.csv"),
    ],
)
def test_bad_input_is_refused_without_a_page(
    arguments: tuple[str, ...], sentence: str, ska_edge, iris_file: Path, book: Logbook
) -> None:
    book.write(Path("steps.jsonl"))
    Path("broken.jsonl").write_text("{\n{}\n")
    Path("empty.jsonl").write_text("")
    Path("text.ska").write_text("no model")
    given = [iris_file if each == "MODEL" else each for each in arguments]
    outcome = ska_edge("report", *given, "-o", "page.html")
    assert outcome.code == 2
    assert sentence in outcome.refusal(2)
    assert not Path("page.html").exists()


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ([{"entropy": "x"}, {}], "its 'entropy' is not a number"),
        ([{"entropy": 10**400}, {}], "its 'entropy' is too large"),
        ([{}], "the metrics of 1 layer, but the model has 2"),
        ([1, 2], "are not the metrics of layers"),
    ],
)
def test_false_metrics_are_reported(layers: Any, sentence: str, ska_edge, iris_file, book) -> None:
    next(line for line in book.lines if "sample" in line)["layers"] = layers
    log = book.write(Path("steps.jsonl"))
    outcome = ska_edge("report", log, "--model", iris_file, "-o", "page.html")
    assert outcome.code == 2
    assert "steps.jsonl, line 2: " in outcome.refusal(2)
    assert sentence in outcome.refusal(2)
    assert not Path("page.html").exists()


def test_a_page_that_cannot_be_written(ska_edge, iris_file: Path) -> None:
    outcome = ska_edge("report", iris_file, "-o", "none/page.html")
    assert outcome.code == 2
    assert "there is no folder none" in outcome.refusal(2)
    outcome = ska_edge("report", iris_file, "-o", iris_file)
    assert outcome.code == 2
    assert "is read by this command" in outcome.refusal(2)


@pytest.mark.parametrize("name", ["jinja2", "matplotlib"])
def test_a_missing_package_is_named(ska_edge, iris_file: Path, monkeypatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"{name}.figure", raising=False)
    outcome = ska_edge("report", iris_file, "-o", "page.html")
    assert outcome.code == 2
    assert f"a report needs {name}" in outcome.refusal(2)
    assert "pip install '.[report]' in the clone" in outcome.refusal(2)
    assert not Path("page.html").exists()


def test_the_document_is_json(ska_edge, iris_file: Path) -> None:
    outcome = ska_edge("report", iris_file, "iris", "-o", "page.html", "--json")
    json.loads(outcome.out, parse_constant=pytest.fail)


def test_a_row_without_an_update_is_no_update_in_an_older_log(iris: Model) -> None:
    reader = CourseReader(iris)
    zeros = [dict.fromkeys(MEASURED, 0.0) for _ in iris.plan.layers]
    row = LogRow(
        sample=1, label=0, x=(0,) * 4, step=1, predicted=0, decisions=(1, 0, 0), layers=zeros
    )
    reader.take(row)
    reader.take(replace(row, sample=2))  # the step is that of the row before
    reader.take(replace(row, sample=3, step=2))
    reader.take(Interruption("lost", True, Mark(step=1, samples=1, crc=0, halvings=0)))
    reader.take(replace(row, sample=2, step=2))  # again, after a loss of what was learned
    assert [*reader.course.updates] == [1, 3, 4]
    assert [len(layer["entropy"]) for layer in reader.course.layers] == [3] * len(iris.plan.layers)
