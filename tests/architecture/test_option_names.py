"""Sentences of the library spell out no flag, because the caller may use Python or a shell.

Users of the command line know `--rate`, users of Python know `rate`; `errors.Named` has both.
"""

from __future__ import annotations

import ast
import re

from tests.architecture.sources import MODULES

FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
# The modules that may spell out a flag, for one of three reasons: only a command reaches the
# module, the sentence also has other words for the option, or the flag belongs to another program.
SPELLED = {
    "ska_edge.data.builtin.catalog": {"--upgrade"},  # a flag of pip
    "ska_edge.data.memory": {"--max-memory"},  # the sentence also has the option's name in Python
    # the flags are in parentheses, after plain words
    "ska_edge.data.recordings.overview": {"--time-column", "--drop"},
    "ska_edge.data.split.division": {"--split"},
    "ska_edge.model.onnx.read": {"--form"},
    "ska_edge.monitor.replay": {"--at"},
    "ska_edge.monitor.sinks.log": {"--overwrite"},
    "ska_edge.monitor.sinks.mqtt": {"--name"},
    "ska_edge.training.sweep.pool": {"--jobs"},
    "firmware_gen.toolchains": {"--version", "--defsym", "--gc-sections"},  # flags of compilers
}


def spelled(source: str) -> set[str]:
    """Return the flags in the text constants of a module, docstrings left out."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return {
        flag
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in docstrings
        for flag in FLAG.findall(node.value)
    }


def test_the_library_spells_out_no_flag() -> None:
    library = [name for name in MODULES if not name.startswith("ska_edge.cli.")]
    found = {name: spelled(MODULES[name]) for name in library}
    assert {name: flags for name, flags in found.items() if flags} == SPELLED


def test_a_flag_is_found() -> None:
    assert spelled('x = f"lower --rate to {y}"') == {"--rate"}
    assert spelled('def f():\n    """Like --rate."""\n    return "-- a-b--c"') == set()
