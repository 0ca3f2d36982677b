"""Settings of Sphinx for the site that `make docs` writes.

The pages are the Markdown files of the repository, where they are, and the pages in api/, which
are made from docstrings. The links between the pages are relative, so they also work on a code
host.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

project = "ska-edge"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "README"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/*.md",
    "docs/site/api/*.rst",
    "examples/*/README.md",
]

# The navigation: every page is in one of these groups.
GROUPS = {
    "Start": [
        "Tutorial <docs/TUTORIAL>",
        "A project in one file <docs/PROJECT>",
        "Errors and warnings <docs/TROUBLESHOOTING>",
    ],
    "Data and learning": [
        "Data <docs/DATA>",
        "Recordings <docs/RECORDINGS>",
        "Front ends <docs/FRONTENDS>",
        "Learning <docs/LEARNING>",
        "ONNX <docs/ONNX>",
        "Reports <docs/REPORT>",
    ],
    "Devices": [
        "Devices in use <docs/DEVICE>",
        "Dashboard <docs/DASHBOARD>",
        "Boards <docs/BOARDS>",
        "Security <docs/SECURITY>",
    ],
    "Firmware": [
        "The C code <docs/FIRMWARE>",
        "Performance <docs/PERFORMANCE>",
    ],
    "Reference": [
        "Arithmetic <docs/ARITHMETIC>",
        "Serial protocol <docs/PROTOCOL>",
        "Python: guide <docs/PYTHON>",
        "Python: data and training <docs/site/api/training>",
        "Python: models <docs/site/api/models>",
        "Python: devices <docs/site/api/devices>",
        "Python: estimators <docs/site/api/estimators>",
        "Python: errors <docs/site/api/errors>",
    ],
    "Examples": [
        "First steps <examples/first_steps/README>",
        "Firmware of your own <examples/own_firmware/README>",
        "Figures of the paper <examples/paper_figures/README>",
        "Sigmoid from entropy <examples/sigmoid_from_entropy/README>",
        "Two hidden layers <examples/two_layers_vs_backprop/README>",
        "Steps, rate and batch <examples/step_budget/README>",
        "From 2 to 12 layers <examples/depth/README>",
        "Vibration of a bearing <examples/vibration/README>",
        "Handwritten digits <examples/handwriting/README>",
        "Movements of a new person <examples/activity/README>",
        "Spoken words <examples/keyword/README>",
    ],
    "Project": [
        "Contributing <CONTRIBUTING>",
        "Changelog <CHANGELOG>",
    ],
}

myst_heading_anchors = 4  # the anchors that a code host gives to headings
highlight_language = "none"  # an indented block is a command or its output
default_role = "code"  # `name` in a docstring
smartquotes = False  # a quote in a formula and the hyphens of an option stay as they are
python_maximum_signature_line_length = 80
napoleon_use_ivar = True  # attributes are a short list
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_type_aliases = {name: name for name in ("ArrayLike", "PathLike", "Source")}

html_theme = "furo"  # it loads nothing from another host
html_title = "ska-edge"
html_copy_source = False
html_show_search_summary = False  # a summary needs a web server; titles are found without one
html_show_copyright = False
html_show_sphinx = False


def add_navigation(_app: Sphinx, name: str, source: list[str]) -> None:
    """Add the navigation to the first page. A code host would show it as text."""
    if name == root_doc:
        for caption, pages in GROUPS.items():
            options = f":hidden:\n:caption: {caption}\n\n"
            source[0] += "\n```{toctree}\n" + options + "\n".join(pages) + "\n```\n"


def escape_bars(*event: Any) -> None:
    """Keep vertical bars in docstrings as they are: |x| is a norm, not a substitution."""
    lines: list[str] = event[-1]
    lines[:] = [line.replace("|", r"\|") for line in lines]


def copy_index(app: Sphinx, error: Exception | None) -> None:
    """Let a web server, which looks for index.html, find the first page."""
    if error is None and app.builder.format == "html":
        shutil.copy(Path(app.outdir, f"{root_doc}.html"), Path(app.outdir, "index.html"))


def setup(app: Sphinx) -> None:
    """Connect the functions of this file to Sphinx."""
    app.connect("source-read", add_navigation)
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("build-finished", copy_index)
