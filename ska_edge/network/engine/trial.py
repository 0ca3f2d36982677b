"""Tests a new library in a separate process, because wrong code may crash or hang.

The process reads the plan as JSON from stdin; `null` means the float trainer's library.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ska_edge.errors import CheckError, ToolError
from ska_edge.network.engine.binding import Library
from ska_edge.network.engine.float_native import FloatLibrary, check_float_library
from ska_edge.network.engine.native import check_library
from ska_edge.plan.check import plan_from_json
from ska_edge.plan.plan import Plan

TIME_LIMIT_S = 60
UNUSABLE = 3  # the exit code for a library that cannot be loaded
PACKAGES = Path(__file__).parents[3]


def trial(path: Path, plan: Plan | None) -> None:
    """Test a library of a plan, or that of the float trainer.

    Raises:
        CheckError: the library computes something wrong, crashes or hangs.
        OSError: the library cannot be loaded.
        ToolError: no process can be started.
    """
    if not sys.executable:  # an embedded Python has no program to start
        _test(path, plan)
        return
    known = os.environ.get("PYTHONPATH")
    paths = os.pathsep.join([str(PACKAGES), *([known] if known else [])])
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(path)],
            input=json.dumps(None if plan is None else plan.to_json()),
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CheckError(f"it hangs: no result within {TIME_LIMIT_S} s") from None
    except OSError as error:
        raise ToolError(f"a compiled network cannot be tested: {error}") from None
    if done.returncode < 0:
        raise CheckError(f"it crashes with signal {-done.returncode}")
    if done.returncode > 0:
        said = done.stderr.strip().splitlines()
        reason = said[-1] if said else f"its test exits with {done.returncode}"
        raise OSError(reason) if done.returncode == UNUSABLE else CheckError(reason)


def _test(path: Path, plan: Plan | None) -> None:
    """Test a library in this process."""
    if plan is None:
        check_float_library(FloatLibrary(path))
    else:
        check_library(Library(path, plan))


if __name__ == "__main__":
    given = json.load(sys.stdin)
    try:
        _test(Path(sys.argv[1]), None if given is None else plan_from_json(given))
    except CheckError as error:
        sys.exit(str(error))
    except (OSError, AttributeError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(UNUSABLE)
