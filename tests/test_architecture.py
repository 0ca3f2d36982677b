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


# --- imports --------------------------------------------------------------------------------------

# Which package may import which: an arrow leads on to everything that its end may import.
# `errors` and `files` stand beside the packages; whatever is not listed here may import nothing.
ARROWS: dict[str, set[str]] = {
    "arithmetic": set(),
    "rules": {"arithmetic"},
    "plan": {"rules"},
    "wire": {"rules"},
    "data": set(),
    "network": {"plan"},
    "model": {"network", "data"},  # a model is evaluated on data
    "device": {"wire"},
    "training": {"model", "data"},
    "monitor": {"device", "model"},
    "api": {"training", "monitor"},
}
# The generator knows what host and device share, and nothing of how a host trains or listens.
FIRMWARE_MAY_IMPORT = {"arithmetic", "rules", "plan", "wire", "errors", "files"}
# The one way from a model to its firmware that is no command.
GENERATOR_USERS = {"ska_edge.model.model_file": "Model.firmware writes a project"}
EVERYWHERE = {"errors", "files", "json_lines", "plural"}


def reachable(package: str) -> set[str]:
    """The packages that a package may import, by one arrow or several."""
    below = set(ARROWS.get(package, set()))
    return below.union(*(reachable(name) for name in below))


def room(name: str) -> str:
    """The package or module right below ska_edge that a dotted name belongs to."""
    return [*name.split("."), ""][1]


def wrong_imports(name: str, source: str) -> list[str]:
    """What a module imports and must not."""
    found = imports(name, source)
    wrong = set()
    package, _, rest = name.partition(".")
    in_cli = rest == "cli" or rest.startswith("cli.") or rest == "__main__"
    if not in_cli:
        wrong |= {module for module in found if f"{module}.".startswith("ska_edge.cli.")}
    generates = in_cli or name in GENERATOR_USERS
    if package == "ska_edge" and not generates and "firmware_gen" in roots(found):
        wrong |= {module for module in found if module.startswith("firmware_gen")}
    if package == "ska_edge" and not in_cli and rest:
        allowed = {room(name)} | reachable(room(name)) | EVERYWHERE
        wrong |= {module for module in own(found) if room(module) not in allowed}
    if package == "firmware_gen":
        wrong |= {module for module in own(found) if room(module) not in FIRMWARE_MAY_IMPORT}
    if name == "ska_edge.rules.reference":
        wrong |= roots(found) - sys.stdlib_module_names - {"numpy"}
    if name != "ska_edge.device.port":
        wrong |= {module for module in found if module.split(".")[0] == "serial"}
    return sorted(wrong)


@pytest.mark.parametrize("name", MODULES)
def test_imports_follow_the_arrows(name: str) -> None:
    assert wrong_imports(name, MODULES[name]) == []


@pytest.mark.parametrize(
    ("name", "source", "wrong"),
    [
        (
            "ska_edge.data.dataset",
            "from ska_edge.cli.console import Output",
            ["ska_edge.cli.console"],
        ),
        ("ska_edge.data.dataset", "import ska_edge.cli", ["ska_edge.cli"]),
        (
            "ska_edge.training.train",
            "def f():\n    from ska_edge.cli import main",
            ["ska_edge.cli.main"],
        ),
        ("ska_edge.monitor.verify", "from firmware_gen.build import build", ["firmware_gen.build"]),
        ("firmware_gen.build", "from ska_edge.cli import build", ["ska_edge.cli.build"]),
        (
            "firmware_gen.project",
            "from ska_edge.network.trainer import LayerTrace",
            ["ska_edge.network.trainer"],
        ),
        ("firmware_gen.project", "from ska_edge.model import scaling", ["ska_edge.model.scaling"]),
        (
            "ska_edge.rules.reference",
            "from ska_edge.errors import InputError",
            ["ska_edge"],
        ),
        ("ska_edge.rules.reference", "import scipy.special", ["scipy"]),
        (
            "ska_edge.arithmetic.fixedpoint",
            "from ska_edge.rules.rule import RULES",
            ["ska_edge.rules.rule"],
        ),
        ("ska_edge.arithmetic.fixedpoint", "from ..plan.plan import Plan", ["ska_edge.plan.plan"]),
        ("ska_edge.rules.rule", "from ..plan import plan", ["ska_edge.plan.plan"]),
        (
            "ska_edge.plan.plan",
            "from ska_edge.network.trainer import LayerTrace",
            ["ska_edge.network.trainer"],
        ),
        (
            "ska_edge.network.trainer",
            "from ska_edge.model.onnx_export import export",
            ["ska_edge.model.onnx_export"],
        ),
        ("ska_edge.device.link", "import serial", ["serial"]),
        ("ska_edge.monitor.monitor", "import serial", ["serial"]),
        ("firmware_gen.emulators.flash", "from serial.tools import list_ports", ["serial.tools"]),
    ],
)
def test_a_wrong_import_is_found(name: str, source: str, wrong: list[str]) -> None:
    assert wrong_imports(name, source) == wrong


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("ska_edge.cli.run", "from ska_edge.cli.train import train\nimport firmware_gen.build"),
        ("ska_edge.device.port", "import serial"),
        ("ska_edge.model.model_file", "from firmware_gen.project import write_project"),
        ("ska_edge.rules.reference", "import math\nfrom numpy.typing import NDArray"),
    ],
)
def test_a_right_import_is_let_through(name: str, source: str) -> None:
    assert wrong_imports(name, source) == []


@pytest.mark.parametrize("name", GENERATOR_USERS)
def test_every_reason_to_generate_is_still_needed(name: str) -> None:
    assert "firmware_gen" in roots(imports(name, MODULES[name]))


def test_the_arrows_name_every_package() -> None:
    found = {room(name) for name in MODULES if name.startswith("ska_edge.")}
    assert found == set(ARROWS) | EVERYWHERE | {"cli", "__main__"}
    assert found >= FIRMWARE_MAY_IMPORT


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
        "ska_edge/rules/rule.py",
    ]
    assert banned_names(names) == names[:3]


# --- printing -------------------------------------------------------------------------------------

# Modules that are programs of their own: their output is what another program reads.
PROGRAMS = {"firmware_gen.emulators.cortex_m4", "firmware_gen.emulators.simavr"}


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
    assert printing("ska_edge.network.trainer", source) == [len(source.split("\n"))]
    assert printing("ska_edge.cli.train", source) == []


# --- arithmetic, in Python ------------------------------------------------------------------------

# The arithmetic itself, and the hash that random words are made with.
ARITHMETIC = re.compile(r"ska_edge\.(arithmetic\.\w+|model\.onnx_ops)$")
# Elsewhere no value is shifted to the right or clipped. A power of two may be written as a shift to
# the left; each module that does it says here what for.
POWERS_OF_TWO = {
    "ska_edge.rules.neuron": "ends of the table and of intervals, known when the rule is traced",
    "ska_edge.rules.functions": "the ends of a mantissa",
    "ska_edge.plan.check": "the ends of a mantissa",
    "ska_edge.plan.range_proof": "half of the last bit, for the bounds",
    "ska_edge.wire.frame": "the limit of the receive buffer",
    "ska_edge.files": "file mode bits of a zip entry",
    "firmware_gen.emit.c_ops": "the C type that holds an interval",
    "firmware_gen.emulators.cortex_m4": "the interrupt's bit in the controller's register",
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
    assert list(shifts("ska_edge.network.trainer", source)) == found
    assert list(shifts("ska_edge.arithmetic.fixedpoint", source)) == []


def test_a_reason_allows_powers_of_two_only() -> None:
    assert list(shifts("ska_edge.plan.check", "a = 1 << 3\nb = x >> 3")) == ["2: >>"]


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
