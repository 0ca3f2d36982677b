"""Finds the programs of other packages, such as compilers and flashers."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def find_program(name: str) -> str | None:
    """Return the path of a program; None if it is not installed.

    It is on the PATH, or beside the running Python: a virtual environment that is not active has
    its programs there.
    """
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
