"""Finds the programs of other packages, such as compilers and flashers."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def find_program(name: str) -> str | None:
    """Return the path of a program; None if it is not installed.

    The program is on the PATH, or beside the running Python. A virtual environment that is not
    active has its programs beside its Python.
    """
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
