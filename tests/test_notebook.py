"""The notebook in examples/ is committed without outputs and runs from top to bottom."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "examples" / "first_steps" / "first_steps.ipynb"
# The notebook runs in a separate process, because Jupyter's own warnings would fail the test.
RUN = """\
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
NotebookClient(notebook, timeout=200, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


def test_it_is_committed_without_outputs() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) >= 8
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


def test_it_runs_from_top_to_bottom(tmp_path: Path, require_board: Any) -> None:
    for package in ("nbformat", "nbclient", "ipykernel", "matplotlib", "sklearn"):
        pytest.importorskip(package)
    require_board("virtual-m4")
    done = tmp_path / "done.ipynb"
    outcome = subprocess.run(
        [sys.executable, "-c", RUN, str(NOTEBOOK), str(done)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 0, outcome.stderr[-2000:]
    outputs = [
        output
        for cell in json.loads(done.read_text(encoding="utf-8"))["cells"]
        for output in cell.get("outputs", [])
    ]
    printed = "".join("".join(output.get("text", "")) for output in outputs)
    assert "(1797, 64) rows and features" in printed
    assert "equal decisions: True" in printed
    assert "equal: True, 2410 parameters after 100 rows" in printed
    assert "it learned 100 rows" in printed
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    assert not [output for output in outputs if output["output_type"] == "error"]
