"""Renders a report as one HTML page that loads nothing else.

The figures are SVG images in the page itself. jinja2 escapes all text, and the page forbids the
browser to run scripts and to load anything.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ska_edge.extras import package
from ska_edge.report.chart import Chart, Matrix
from ska_edge.report.figures import EXTRA, draw, require_figures
from ska_edge.report.printable import printable
from ska_edge.report.section import Contents
from ska_edge.report.table import Table

TEMPLATE = "page.html"
HIGH = 25  # a table with more rows is folded
WIDE = 14  # a matrix of more classes takes the whole width of the page


def require_page() -> None:
    """Raise ToolError if a package that a page needs is missing."""
    package("jinja2", EXTRA, "a report")
    require_figures()


def render(contents: Contents, version: str) -> bytes:
    """Return the HTML of a page, encoded as UTF-8; the same contents give the same bytes.

    `version` is the version of ska-edge, for the footer of the page. Raises ToolError if jinja2 or
    matplotlib is missing.
    """
    jinja2: Any = package("jinja2", EXTRA, "a report")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    page: str = environment.get_template(TEMPLATE).render(
        contents=contents,
        sections=[section for section in contents.sections if section.parts],
        kind=_kind,
        image=_image,
        wide=lambda part: isinstance(part, Matrix) and len(part.labels) > WIDE,
        high=HIGH,
        version=version,
    )
    return page.encode("utf-8")


def _kind(part: object) -> str:
    """Return the kind of a part, for the template: text, table or chart."""
    if isinstance(part, str):
        return "text"
    return "table" if isinstance(part, Table) else "chart"


def _image(chart: Chart) -> str:
    """Return the figure of a chart as the address of an image."""
    return "data:image/svg+xml;base64," + base64.b64encode(draw(chart)).decode()
