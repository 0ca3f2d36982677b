"""Figures are valid SVG, the same for the same chart, and load nothing."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from ska_edge.report.chart import Bars, Chart, Histogram, Line, Lines, Matrix
from ska_edge.report.figures import draw

NAMES = ("<script>alert(1)</script>", "$x$ & _y", "_hidden", "字\x1b[2J", "\u202eabc")
COUNTS = tuple(map(tuple, np.arange(25).reshape(5, 5).tolist()))
X = (1.0, 2.0, 3.0)
CHARTS: dict[str, Chart] = {
    "lines": Lines(
        "l", "t", "n", "x", "y", tuple(Line(name, X, (0.1, None, 0.9)) for name in NAMES)
    ),
    "kinds": Lines(
        "k",
        "t",
        "n",
        "x",
        "y, %",
        (
            Line("path", X, X, path=True),
            Line("steps", X, X, steps=True),
            Line("points", X, X, points=True),
            Line("one", X[:1], X[:1]),
        ),
        share=True,
    ),
    "unknown": Lines("u", "t", "n", "x", "y", (Line("a", X, (None, None, None)),)),
    "bars": Bars("b", "t", "n", "recall, %", dict(zip(NAMES, (0.1, None, 1, 0, 0.5), strict=True))),
    "matrix": Matrix("m", "t", "n", NAMES, COUNTS),
    "large matrix": Matrix(
        "m", "t", "n", tuple(f"c{i}" for i in range(130)), tuple(((1,) * 130,) * 130)
    ),
    "histogram": Histogram(
        "h", "t", "n", "w", (-1.0, 0.0, 1.0), {"a": (0, 9), "b": (2, 0)}, (-1.0, 0.99), "Q0.7"
    ),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_figure_is_svg_that_loads_nothing(name: str) -> None:
    content = draw(CHARTS[name])
    root = ElementTree.fromstring(content)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    tags = {element.tag.split("}")[-1] for element in root.iter()}
    assert not tags & {"script", "foreignObject", "a"}
    for element in root.iter():
        for key, value in element.attrib.items():
            assert not key.lower().startswith("on")
            if key.endswith("href"):
                assert value.startswith(("#", "data:image/png;base64,"))  # the cells of a matrix


@pytest.mark.parametrize("name", CHARTS)
def test_the_same_chart_gives_the_same_bytes(name: str) -> None:
    assert draw(CHARTS[name]) == draw(CHARTS[name])


def test_a_setting_of_matplotlib_changes_nothing() -> None:
    import matplotlib

    expected = draw(CHARTS["bars"])
    with matplotlib.rc_context({"font.size": 30.0, "axes.grid": False}):
        assert draw(CHARTS["bars"]) == expected
        assert matplotlib.rcParams["font.size"] == 30.0


@pytest.mark.parametrize("name", ["lines", "bars", "matrix"])
def test_names_are_escaped_text(name: str) -> None:
    text = "".join(ElementTree.fromstring(draw(CHARTS[name])).itertext())
    assert "\x1b" not in text and "\u202e" not in text
    assert ("<script>" in text) == (name == "lines")  # at an axis, the name is shortened
    assert "$x$ & _y" in text
    assert "字" in text


def test_names_that_matplotlib_would_hide_are_in_the_legend() -> None:
    text = "".join(ElementTree.fromstring(draw(CHARTS["lines"])).itertext())
    assert "_hidden" in text
