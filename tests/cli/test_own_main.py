"""`build --main` compiles the user's main function in place of the project's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import Board
from firmware_gen.emulators.flash import start
from tests.cli.conftest import Run

MAIN = """\
#include "ska_board.h"
int main(void) {
    ska_board_init();
    while (ska_board_read() >= 0) {
    }
    return 0;
}
"""


@pytest.mark.parametrize("name", ["ska", "pump"])
def test_the_own_main_takes_the_place_of_the_projects(
    name: str, ska_edge: Run, iris_file: Path, require_board: Callable[[str], Board]
) -> None:
    require_board("virtual-m4")
    named = () if name == "ska" else ("--name", name)
    assert ska_edge("firmware", iris_file, "-o", "fw", *named).code == 0
    Path("own.c").write_text(MAIN.replace("ska_", f"{name}_"))
    whole = ska_edge("build", "fw", "--json").document()
    own = ska_edge("build", "fw", "--main", "own.c", "--json").document()
    assert own["flash"] < whole["flash"]
    assert ska_edge("build", "fw", "--json").document()["flash"] == whole["flash"]


def test_an_own_main_is_refused_in_one_sentence(ska_edge: Run, iris_file: Path) -> None:
    assert ska_edge("firmware", iris_file, "--board", "host", "-o", "fw").code == 0
    missing = ska_edge("build", "fw", "--main", "own.c").refusal(2)
    assert missing == "ska-edge: there is no file own.c; give the C file with your main function"
    library = ("--as", "shared-library", "--main", "own.c")
    assert ska_edge("build", "fw", *library).refusal(2) == (
        "ska-edge: a shared library has no main function; leave --main out"
    )


def test_a_sensor_without_its_file_ends_the_board_with_an_error(
    ska_edge: Run,
    iris_file: Path,
    require_board: Callable[[str], Board],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_board("virtual-m4")
    assert ska_edge("firmware", iris_file, "-o", "fw").code == 0
    assert ska_edge("build", "fw").code == 0
    monkeypatch.setenv("SKA_SENSOR", "none")
    with pytest.raises(Exception, match="cannot read none"), start(Path("fw")):
        pass
