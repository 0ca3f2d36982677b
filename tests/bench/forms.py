"""Measure the memory of each form of a firmware: learning, readout only, inference only.

`python -m tests.bench.forms` builds the firmware of two networks for three boards in each form, and
prints the table of docs/PERFORMANCE.md.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from firmware_gen.board.board import load_board
from firmware_gen.build import BuildReport, build
from firmware_gen.memory.footprint import FORMS, Form
from firmware_gen.project import write_project
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan

NETWORKS = ((64, 8, 10), (64, 32, 10))
BOARDS = ("virtual-m4", "qemu-m0", "uno")


def measured(plan: Plan, form: Form, board: str) -> BuildReport:
    plan = form.of(plan)
    parameters = np.random.default_rng(1).integers(-999, 999, plan.parameter_count)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        write_project(plan, parameters, board, project, inference_only=form.inference_only)
        return build(project)


def rows() -> Iterator[str]:
    for sizes in NETWORKS:
        for name in BOARDS:
            board = load_board(name)
            for form in FORMS:
                found = measured(make_plan(sizes), form, name)
                assert board.memory is not None
                fits = "" if found.fits else " (does not fit)"
                form_name = form.name.replace("_", " ")
                yield (
                    f"| {'-'.join(map(str, sizes))} | `{name}` | {form_name} | {found.flash:,} |"
                    f" {found.ram:,} | {found.stack}{fits} |"
                )


if __name__ == "__main__":
    print("| network | board | form | flash | RAM | stack |\n|---|---|---|---|---|---|")
    for row in rows():
        print(row)
