"""A shell completes commands, options and values, with the lines of README.md and with click's
protocol.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def completions(monkeypatch: pytest.MonkeyPatch, ska_edge, line: str) -> list[str]:
    """Return what bash would complete at the end of a line, as "kind,value"."""
    words = line.split(" ")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    monkeypatch.setenv("_SKA_EDGE_COMPLETE", "bash_complete")
    outcome = ska_edge()
    assert outcome.code == 0
    assert outcome.err == ""
    return outcome.out.splitlines()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("ska-edge che", ["plain,check-onnx"]),
        ("ska-edge train --prec", ["plain,--precision"]),
        ("ska-edge train --rule co", ["plain,code"]),
        ("ska-edge train brea", ["file,brea", "plain,breast_cancer"]),
        ("ska-edge firmware m.ska --board uno", ["dir,uno", "plain,uno"]),
        ("ska-edge firmware m.ska --as ard", ["plain,arduino"]),
        ("ska-edge eval m", ["file,m"]),
    ],
)
def test_a_line_is_completed(monkeypatch, ska_edge, line: str, found: list[str]) -> None:
    assert completions(monkeypatch, ska_edge, line) == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_line_in_the_readme_sets_a_shell_up(monkeypatch, ska_edge, shell: str) -> None:
    lines = README.read_text(encoding="utf-8")
    assert re.search(rf"_SKA_EDGE_COMPLETE={shell}_source ska-edge", lines)
    monkeypatch.setenv("_SKA_EDGE_COMPLETE", f"{shell}_source")
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("click asks bash for its version")
    outcome = ska_edge()
    assert outcome.code == 0
    assert "_SKA_EDGE_COMPLETE" in outcome.out


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is needed")
def test_bash_completes_with_the_line_of_the_readme(tmp_path: Path) -> None:
    page = README.read_text(encoding="utf-8")
    (line,) = re.findall(r"`(eval .*=bash_source ska-edge\)\")`", page)
    (tmp_path / "ska-edge").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m ska_edge "$@"\n', encoding="utf-8"
    )
    (tmp_path / "ska-edge").chmod(0o755)
    script = f"""{line}
COMP_WORDS=(ska-edge exp) COMP_CWORD=1
_ska_edge_completion ska-edge
echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={
            **os.environ,
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(README.parent),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "export\n"
