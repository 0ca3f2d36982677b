"""The rules of the layout: who imports whom, who prints, where integers are shifted and narrowed.

Every check is a function from source text to findings, and is also applied to a made-up source that
breaks its rule.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ska_edge", "firmware_gen")
BANNED = ("utils", "util", "helper", "helpers", "manager", "common", "misc")


def modules() -> dict[str, str]:
    """Source text of every module of both packages, by dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    return found


MODULES = modules()


def imports(name: str, source: str) -> set[str]:
    """Dotted names of the modules that a source imports, wherever in it, type checking included."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = name.split(".")[: -node.level]
                base = ".".join([*parts, *filter(None, [node.module])])
            # `from package import module` imports the module, too.
            inner = {f"{base}.{alias.name}" for alias in node.names} & set(MODULES)
            found |= inner or {base}
    return found


def roots(names: set[str]) -> set[str]:
    """The packages that names belong to."""
    return {name.split(".")[0] for name in names}


def own(names: set[str]) -> set[str]:
    """Those of the names that are ska_edge or one of its modules."""
    return {name for name in names if name.split(".")[0] == "ska_edge"}


def full(names: set[str]) -> set[str]:
    """Modules of ska_edge with the package's name."""
    return {f"ska_edge.{name}" for name in names}


# --- imports --------------------------------------------------------------------------------------

# What a module of ska_edge may import out of ska_edge. Not listed: anything but the command line.
ARROWS = {
    "errors": set(),
    "plural": set(),
    "reference": set(),
    "fixedpoint": {"errors"},
    "ops_numpy": {"fixedpoint"},
    "ops_onnx": {"fixedpoint"},
    "ops_interval": {"fixedpoint"},
    "rule": {"fixedpoint", "errors"},
    "precision": {"fixedpoint"},
    "draws": set(),
    "plan": {"rule", "fixedpoint", "errors"},
    "range_proof": {"plan", "rule", "fixedpoint", "ops_interval", "errors"},
    "planning": {"plan", "range_proof", "rule", "precision", "fixedpoint", "errors"},
    "replay": {"plan", "draws"},
    "frame": set(),
    "protocol": {"rule", "errors"},
    "state": {"plan", "replay", "fixedpoint", "ops_numpy", "errors"},
    "port_refusal": set(),
    "port": {"port_refusal", "errors"},
    "device": set(),
    "request": {"device", "frame", "protocol", "rule", "errors"},
    "device_refusal": {"protocol", "errors"},
    "link": {"device", "device_refusal", "frame", "port", "protocol", "request", "errors"},
    "window": {"device", "link", "protocol", "request", "errors"},
    "stream": {"device", "link", "window", "protocol", "plural", "errors"},
    "metrics": {"plan", "rule"},
    "log_end": {"device", "log", "plural", "protocol", "errors"},
    "telemetry": {"device", "log_end", "metrics", "errors"},
    "mqtt": {"telemetry", "plural", "errors"},
    "symptoms": {"metrics", "plan", "rule"},
    "trainer": {"rule", "plan", "state", "draws", "fixedpoint", "ops_numpy", "errors"},
    "table": {"errors"},
    "storage": {"errors"},
    "log": {"protocol", "errors"},
    "replay_log": {"log", "protocol", "model_file", "state", "trainer", "plural", "errors"},
    "onnx_import": {
        "onnx_export",
        "model_file",
        "planning",
        "quantize",
        "ranges",
        "state",
        "errors",
    },
    "idx": {"errors"},
    "watch": set(),
    "builtin_data": {"watch", "errors"},
    "data": {"builtin_data", "idx", "table", "storage", "plural", "errors"},
}
FIRMWARE_MAY_IMPORT = {
    "plan",
    "range_proof",
    "precision",
    "rule",
    "draws",
    "replay",
    "frame",
    "protocol",
    "fixedpoint",
    "errors",
}


def wrong_imports(name: str, source: str) -> list[str]:
    """What a module imports and must not."""
    found = imports(name, source)
    wrong = set()
    package, _, rest = name.partition(".")
    in_cli = rest == "cli" or rest.startswith("cli.") or rest == "__main__"
    if not in_cli:
        wrong |= {module for module in found if f"{module}.".startswith("ska_edge.cli.")}
    if package == "ska_edge" and not in_cli and "firmware_gen" in roots(found):
        wrong |= {module for module in found if module.startswith("firmware_gen")}
    if package == "ska_edge" and rest in ARROWS:
        wrong |= own(found) - full(ARROWS[rest])
    if package == "firmware_gen":
        wrong |= own(found) - full(FIRMWARE_MAY_IMPORT)
    if name == "ska_edge.reference":
        wrong |= roots(found) - sys.stdlib_module_names - {"numpy"}
    if name != "ska_edge.port":
        wrong |= {module for module in found if module.split(".")[0] == "serial"}
    return sorted(wrong)


@pytest.mark.parametrize("name", MODULES)
def test_imports_follow_the_arrows(name: str) -> None:
    assert wrong_imports(name, MODULES[name]) == []


@pytest.mark.parametrize(
    ("name", "source", "wrong"),
    [
        ("ska_edge.data", "from ska_edge.cli.console import Output", ["ska_edge.cli.console"]),
        ("ska_edge.data", "import ska_edge.cli", ["ska_edge.cli"]),
        ("ska_edge.training", "def f():\n    from ska_edge.cli import main", ["ska_edge.cli.main"]),
        ("ska_edge.verify", "from firmware_gen.build import build", ["firmware_gen.build"]),
        ("firmware_gen.build", "from ska_edge.cli import build", ["ska_edge.cli.build"]),
        ("firmware_gen.project", "from ska_edge.trainer import LayerTrace", ["ska_edge.trainer"]),
        ("firmware_gen.project", "from ska_edge import model_file", ["ska_edge.model_file"]),
        (
            "ska_edge.reference",
            "from ska_edge.errors import InputError",
            ["ska_edge", "ska_edge.errors"],
        ),
        ("ska_edge.reference", "import scipy.special", ["scipy"]),
        ("ska_edge.fixedpoint", "from ska_edge.rule import RULES", ["ska_edge.rule"]),
        ("ska_edge.fixedpoint", "from .plan import Plan", ["ska_edge.plan"]),
        ("ska_edge.rule", "from . import plan", ["ska_edge.plan"]),
        ("ska_edge.plan", "from ska_edge.trainer import LayerTrace", ["ska_edge.trainer"]),
        ("ska_edge.trainer", "from ska_edge.onnx_export import export", ["ska_edge.onnx_export"]),
        ("ska_edge.link", "import serial", ["serial"]),
        ("ska_edge.monitor", "import serial", ["serial"]),
        ("firmware_gen.flash", "from serial.tools import list_ports", ["serial.tools"]),
    ],
)
def test_a_wrong_import_is_found(name: str, source: str, wrong: list[str]) -> None:
    assert wrong_imports(name, source) == wrong


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("ska_edge.cli.run", "from ska_edge.cli.train import train\nimport firmware_gen.build"),
        ("ska_edge.port", "import serial"),
        ("ska_edge.reference", "import math\nfrom numpy.typing import NDArray"),
    ],
)
def test_a_right_import_is_let_through(name: str, source: str) -> None:
    assert wrong_imports(name, source) == []


def test_the_arrows_name_modules_that_exist() -> None:
    assert full(set(ARROWS)) <= set(MODULES)
    assert full(FIRMWARE_MAY_IMPORT) <= set(MODULES)


# --- names ----------------------------------------------------------------------------------------


def banned_names(names: list[str]) -> list[str]:
    """File names with a part that says nothing."""
    return [name for name in names if set(re.split(r"[._/-]", name.lower())) & set(BANNED)]


def test_no_file_has_a_name_that_says_nothing() -> None:
    kinds = {".py", ".c", ".h", ".S", ".ld", ".toml"}
    names = [
        str(path.relative_to(ROOT))
        for folder in (*PACKAGES, "tests", "examples")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in kinds
    ]
    assert len(names) > 50
    assert banned_names(names) == []


def test_a_banned_name_is_found() -> None:
    names = [
        "ska_edge/utils.py",
        "firmware_gen/board_manager.py",
        "a/common/x.c",
        "ska_edge/rule.py",
    ]
    assert banned_names(names) == names[:3]


# --- printing -------------------------------------------------------------------------------------

# Modules that are programs of their own: their output is what another program reads.
PROGRAMS = {"firmware_gen.emulator", "firmware_gen.simavr"}


def printing(name: str, source: str) -> list[int]:
    """Lines that print, in a module that must not."""
    if name.startswith("ska_edge.cli.") or name in PROGRAMS:
        return []
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            text = ast.unparse(node.func)
            if text in ("print", "pprint", "click.echo", "sys.stdout.write", "sys.stderr.write"):
                lines.append(node.lineno)
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and (
            roots(imports(name, ast.unparse(node))) & {"rich", "click"}
        ):
            lines.append(node.lineno)
    return sorted(lines)


@pytest.mark.parametrize("name", MODULES)
def test_only_the_command_line_prints(name: str) -> None:
    assert printing(name, MODULES[name]) == []


@pytest.mark.parametrize(
    "source",
    ["print('x')", "import sys\n\nsys.stderr.write('x')", "from rich.table import Table"],
)
def test_printing_is_found(source: str) -> None:
    assert printing("ska_edge.trainer", source) == [len(source.split("\n"))]
    assert printing("ska_edge.cli.train", source) == []


# --- arithmetic, in Python ------------------------------------------------------------------------

# The arithmetic itself, and the hash that random words are made with.
ARITHMETIC = re.compile(r"ska_edge\.(fixedpoint|ops_\w+|draws)$")
# Elsewhere no value is shifted to the right or clipped. A power of two may be written as a shift to
# the left; each module that does it says here what for.
POWERS_OF_TWO = {
    "ska_edge.rule": "ends of the table and of intervals, known when the rule is traced",
    "ska_edge.planning": "the ends of a mantissa",
    "ska_edge.range_proof": "half of the last bit, for the bounds",
    "ska_edge.frame": "the limit of the receive buffer",
    "ska_edge.storage": "file mode bits of a zip entry",
    "firmware_gen.ops_c": "the C type that holds an interval",
    "firmware_gen.emulator": "the interrupt's bit in the controller's register",
}
NUMPY_SHIFTS = {"clip", "right_shift", "left_shift", "bitwise_right_shift", "bitwise_left_shift"}


def shifts(name: str, source: str) -> Iterator[str]:
    """Where a module does arithmetic that belongs to fixedpoint.py, as "line: operation"."""
    if ARITHMETIC.match(name):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.BinOp, ast.AugAssign)):
            if isinstance(node.op, ast.RShift):
                yield f"{node.lineno}: >>"
            elif isinstance(node.op, ast.LShift) and name not in POWERS_OF_TWO:
                yield f"{node.lineno}: <<"
        elif isinstance(node, ast.Attribute) and node.attr in NUMPY_SHIFTS:
            yield f"{node.lineno}: {node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "numpy":
            yield from (f"{node.lineno}: {a.name}" for a in node.names if a.name in NUMPY_SHIFTS)


@pytest.mark.parametrize("name", MODULES)
def test_only_the_arithmetic_shifts_and_clips(name: str) -> None:
    assert list(shifts(name, MODULES[name])) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("y = (x + 4) >> 3", ["1: >>"]),
        ("y = x\ny >>= 3", ["2: >>"]),
        ("y = 1 << n", ["1: <<"]),
        ("y = np.clip(x, 0, 1)", ["1: clip"]),
        ("y = x.clip(0, 1)", ["1: clip"]),
        ("y = np.right_shift(x, 3)", ["1: right_shift"]),
        ("from numpy import clip", ["1: clip"]),
        ("text = 'x >> 3'  # a >> b", []),
    ],
)
def test_a_shift_is_found(source: str, found: list[str]) -> None:
    assert list(shifts("ska_edge.trainer", source)) == found
    assert list(shifts("ska_edge.fixedpoint", source)) == []


def test_a_reason_allows_powers_of_two_only() -> None:
    assert list(shifts("ska_edge.planning", "a = 1 << 3\nb = x >> 3")) == ["2: >>"]


@pytest.mark.parametrize("name", POWERS_OF_TWO)
def test_every_reason_is_still_needed(name: str) -> None:
    assert name in MODULES
    assert list(shifts(f"{name}_without_reason", MODULES[name]))


# --- arithmetic, in C -----------------------------------------------------------------------------

# Files that may shift, and what a line must hold for it.
C_SHIFTS: dict[str, tuple[str, str]] = {
    "runtime/ska_fixed.h": ("", "the arithmetic itself"),
    "runtime/ska_fixed_dsp.h": ("", "the same on two numbers at once"),
    "runtime/ska_draw.h": ("word", "the hash that random words are made with"),
    "runtime/ska_frame.c": ("crc", "the CRC, bit by bit"),
    "runtime/ska_crc.c": ("crc", "the other CRC, a byte at a time"),
    "boards/cortex-m/uart_cmsdk.h": ("#define NVIC_", "a bit of a register"),
    "boards/cortex-m/uart_nrf51.c": ("#define ", "a bit of a register"),
    "boards/riscv/uart_16550.c": ("#define PLIC_", "a bit of a register"),
}
COMMENT_OR_TEXT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def c_shifts(name: str, source: str) -> list[str]:
    """Lines of a C file that shift, as "line: text", comments and texts left out."""
    code = COMMENT_OR_TEXT.sub(lambda match: "\n" * match[0].count("\n"), source)
    needed = C_SHIFTS[name][0] if name in C_SHIFTS else None
    return [
        f"{number}: {line.strip()}"
        for number, line in enumerate(code.split("\n"), 1)
        if re.search(r">>|<<", line) and (needed is None or needed not in line)
    ]


def c_sources() -> dict[str, str]:
    """Hand-written C of the runtime, the boards and the benchmark."""
    folder = ROOT / "firmware_gen"
    patterns = ("runtime/*.[ch]", "boards/*/*.[ch]", "bench/*.[ch]")
    paths = [path for pattern in patterns for path in folder.glob(pattern)]
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in sorted(paths)}


C_SOURCES = c_sources()


@pytest.mark.parametrize("name", C_SOURCES)
def test_c_shifts_in_ska_fixed_only(name: str) -> None:
    assert c_shifts(name, C_SOURCES[name]) == []


def test_a_shift_in_c_is_found() -> None:
    source = '/* a >> b\n << */ int y;\ny = x >> 3; // << \nputs("<<");\nz <<= 1;\n'
    assert c_shifts("runtime/ska.c", source) == ["3: y = x >> 3;", "5: z <<= 1;"]
    assert c_shifts("runtime/ska_fixed.h", source) == []
    assert c_shifts("runtime/ska_frame.c", "crc = crc << 1;\ny = x << 1;") == ["2: y = x << 1;"]


@pytest.mark.parametrize("name", C_SHIFTS)
def test_every_exception_in_c_is_still_needed(name: str) -> None:
    assert c_shifts(f"not {name}", C_SOURCES[name])


# --- the runtime keeps to plain C -----------------------------------------------------------------

NOT_IN_THE_RUNTIME = r"\b(malloc|calloc|realloc|free|float|double|printf|stdio\.h|stdlib\.h)\b"


def c_words(source: str) -> list[str]:
    """Words that the runtime must do without, in their order."""
    return re.findall(NOT_IN_THE_RUNTIME, COMMENT_OR_TEXT.sub("", source))


@pytest.mark.parametrize("name", [name for name in C_SOURCES if name.startswith("runtime/")])
def test_the_runtime_has_no_heap_no_floats_and_no_stdio(name: str) -> None:
    assert c_words(C_SOURCES[name]) == []


def test_a_float_in_the_runtime_is_found() -> None:
    source = "#include <stdio.h>\nfloat x; /* a double */ char *p = malloc(3);"
    assert c_words(source) == ["stdio.h", "float", "malloc"]
