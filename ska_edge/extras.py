"""Lists the extras of ska-edge that a user may need, and imports their packages."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType

from ska_edge.errors import ToolError

DISTRIBUTION = "ska-edge"
# Matches a requirement of an extra, for example: aeon>=1.0; extra == "datasets"
REQUIREMENT = re.compile(r"""(?P<package>[\w.-]+)[^;]*;\s*extra\s*==\s*["'](?P<extra>[\w-]+)["']""")
DEVELOPMENT = ("bench", "demo", "dev", "docs")  # extras that a user does not need


@dataclass(frozen=True, slots=True)
class Extra:
    """An extra of ska-edge, its packages, and the packages that are not installed."""

    name: str
    packages: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def install(self) -> str:
        """The command that installs the packages; it runs in the clone."""
        return _command(self.name)


def extras() -> list[Extra]:
    """Return the extras that a user may need, sorted by name; [] if ska-edge is not installed."""
    try:
        lines = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []
    packages: dict[str, list[str]] = {}
    for found in filter(None, map(REQUIREMENT.fullmatch, lines)):
        if found["extra"] not in DEVELOPMENT and found["package"] != DISTRIBUTION:
            packages.setdefault(found["extra"], []).append(found["package"])
    return [
        Extra(name, tuple(names), tuple(each for each in names if not _installed(each)))
        for name, names in sorted(packages.items())
    ]


def how_to_install(extra: str) -> str:
    """Return the command that installs an extra, and where it runs, in words."""
    return f"{_command(extra)} in the clone"


def _command(extra: str) -> str:
    """Return the command that installs an extra from the clone: PyPI does not have ska-edge."""
    return f"pip install '.[{extra}]'"


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def package(name: str, extra: str, user: str) -> ModuleType:
    """Import a package of an extra.

    Raises ToolError if the package is missing; the error names `user`, which needs the package.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ToolError(
            f"{user} needs {name}, which is not installed: {how_to_install(extra)}"
        ) from error
