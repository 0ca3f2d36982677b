"""Imports follow tables of arrows. tests/architecture has the other rules of the layout.

Every check is a function from source text to findings. A test also applies it to an invented source
that breaks the rule.
"""

from __future__ import annotations

import sys

import pytest

from tests.architecture.sources import MODULES, imports, roots

# This table says which packages each package may import. A package may also import whatever the
# packages at the ends of its arrows may import. A package that is not listed may import nothing.
# The modules in EVERYWHERE lie beside the packages, and every package may import them.
ARROWS: dict[str, set[str]] = {
    "arithmetic": set(),
    "rules": {"arithmetic"},
    "frontend": {"arithmetic"},
    "plan": {"frontend", "rules"},
    "wire": {"rules"},
    "data": {"frontend"},  # the rows of recordings may be features of a front end
    "network": {"plan"},
    "model": {"network", "data"},  # a model can be evaluated on data
    "device": {"wire"},
    "training": {"model", "data"},
    "monitor": {"device", "model"},
    "recorder": {"device", "data"},
    "report": {"training", "monitor"},
    "dashboard": {"report", "recorder"},  # one page shows devices, and another one records
    "api": {"training", "monitor"},
}
# The same table for the parts of cli. A part that is not in the table may import every other part.
CLI_ARROWS: dict[str, set[str]] = {
    "screen": set(),
    "options": {"screen"},
    "device": {"options", "screen"},
}
# The same table for the packages and modules of firmware_gen.
FIRMWARE_ARROWS: dict[str, set[str]] = {
    "folder": set(),
    "program": set(),
    "toolchains": {"folder", "program"},
    "formats": set(),
    "board": {"toolchains", "formats"},
    "flashing": {"board"},
    "memory": {"board"},
    "emit": {"memory"},
    "library": {"emit"},
    "build": {"emit"},
    "emulators": {"build"},
    "project": {"emulators", "library"},
    "export": {"project"},
    "bench": {"project"},
}
# The generator may know only what host and device share, not how a host trains or monitors.
FIRMWARE_MAY_IMPORT = {
    "arithmetic",
    "frontend",
    "rules",
    "plan",
    "wire",
    "errors",
    "files",
    "spelling",
}
# The reference is an independent check, so its modules import only each other and numpy.
REFERENCE = "ska_edge.rules.reference."
# Only these modules and the commands use the generator; each entry says what for.
GENERATOR_USERS = {
    "ska_edge.model.model_file": "Model.firmware writes a project",
    "ska_edge.network.engine.choice": "the native engine is the generated C",
}
EVERYWHERE = {
    "closable",
    "errors",
    "extras",
    "files",
    "json_lines",
    "npz",
    "plural",
    "progress",
    "spelling",
}


def reachable(package: str, arrows: dict[str, set[str]]) -> set[str]:
    """Return the packages that a package may import, over one arrow or several."""
    below = set(arrows.get(package, set()))
    return below.union(*(reachable(name, arrows) for name in below))


def room(name: str) -> str:
    """Return the package or module right below ska_edge or firmware_gen to which a name belongs."""
    return [*name.split("."), ""][1]


def own(names: set[str]) -> set[str]:
    """Return the names that are ska_edge or one of its modules."""
    return {name for name in names if name.split(".")[0] == "ska_edge"}


def wrong_imports(name: str, source: str) -> list[str]:
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
        allowed = {room(name)} | reachable(room(name), ARROWS) | EVERYWHERE
        wrong |= {module for module in own(found) if room(module) not in allowed}
    if in_cli and (own_room := room(rest)) in CLI_ARROWS:
        beside = {module: room(module.removeprefix("ska_edge.")) for module in own(found)}
        allowed = {own_room, *CLI_ARROWS[own_room]}
        wrong |= {
            module
            for module, other in beside.items()
            if module.startswith("ska_edge.cli.") and other not in allowed
        }
    if package == "firmware_gen":
        wrong |= {module for module in own(found) if room(module) not in FIRMWARE_MAY_IMPORT}
        allowed = {room(name), *reachable(room(name), FIRMWARE_ARROWS)}
        beside = {module for module in found if module.startswith("firmware_gen.")}
        wrong |= {module for module in beside if room(module) not in allowed}
    if (name + ".").startswith(REFERENCE):
        beside = {module for module in found if not module.startswith(REFERENCE)}
        wrong |= roots(beside) - sys.stdlib_module_names - {"numpy"}
    if name != "ska_edge.device.port.port":
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
            "from ska_edge.cli.screen.console import Output",
            ["ska_edge.cli.screen.console"],
        ),
        ("ska_edge.data.dataset", "import ska_edge.cli", ["ska_edge.cli"]),
        (
            "ska_edge.training.train",
            "def f():\n    from ska_edge.cli import main",
            ["ska_edge.cli.main"],
        ),
        ("ska_edge.monitor.verify", "from firmware_gen.build import build", ["firmware_gen.build"]),
        (
            "ska_edge.cli.screen.metrics",
            "from ska_edge.cli.options.port import find_port",
            ["ska_edge.cli.options.port"],
        ),
        (
            "ska_edge.cli.device",
            "from ska_edge.cli.commands.build import build",
            ["ska_edge.cli.commands.build"],
        ),
        (
            "firmware_gen.build",
            "from ska_edge.cli.commands import build",
            ["ska_edge.cli.commands.build"],
        ),
        (
            "firmware_gen.project",
            "from ska_edge.network.trainer import LayerTrace",
            ["ska_edge.network.trainer"],
        ),
        ("firmware_gen.project", "from ska_edge.model import scaling", ["ska_edge.model.scaling"]),
        (
            "firmware_gen.board.flasher",
            "from firmware_gen.flashing.run import run_flasher",
            ["firmware_gen.flashing.run"],
        ),
        ("firmware_gen.build", "from firmware_gen import project", ["firmware_gen.project"]),
        (
            "ska_edge.rules.reference",
            "from ska_edge.errors import InputError",
            ["ska_edge"],
        ),
        ("ska_edge.rules.reference.model", "import scipy.special", ["scipy"]),
        (
            "ska_edge.rules.reference.model",
            "from ska_edge.rules.neuron import relu_shift",
            ["ska_edge"],
        ),
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
            "from ska_edge.model.onnx.export import export",
            ["ska_edge.model.onnx.export"],
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
        (
            "ska_edge.cli.commands.run",
            "from ska_edge.cli.commands.train import train\nimport firmware_gen.build",
        ),
        ("firmware_gen.emulators.flash", "from firmware_gen.board.board import Board"),
        ("ska_edge.cli.options.paths", "from ska_edge.cli.screen.console import Output"),
        ("ska_edge.device.port.port", "import serial"),
        ("ska_edge.model.model_file", "from firmware_gen.project import write_project"),
        ("ska_edge.rules.reference.model", "import math\nfrom numpy.typing import NDArray"),
        ("ska_edge.rules.reference.model", "from ska_edge.rules.reference.arrays import norm"),
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
    generator = {room(name) for name in MODULES if name.startswith("firmware_gen.")}
    assert generator == set(FIRMWARE_ARROWS)
