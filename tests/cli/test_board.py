"""`board new` starts a board outside the package, and commands take the path of its folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from firmware_gen.board.board import Board
from tests.cli.conftest import Run

LIKE = "virtual-m4"


def test_a_new_board_builds_at_once_and_runs_where_its_model_runs(
    ska_edge: Run, iris_file: Path, require_board: Callable[[str], Board]
) -> None:
    require_board(LIKE)
    outcome = ska_edge("board", "new", "my-board", "--like", LIKE)
    assert outcome.out == (
        "wrote my-board, a copy of virtual-m4; its README.md says what to change\n"
        "try it:  ska-edge run iris --board ./my-board\n"
    )
    own = ("--board", "./my-board")
    proof = ska_edge("verify", iris_file, "iris", *own, "--samples", "5")
    assert proof.code == 0
    assert "my-board at " in proof.out
    assert ska_edge("firmware", iris_file, *own, "-o", "fw", "--json").document()["board"] == (
        "my-board"
    )
    assert ska_edge("build", "fw", "--json").document()["fits"]
    inspected = ska_edge("inspect", iris_file, *own, "--json").document()
    assert inspected["ram"]["board"] == "my-board"


def test_run_names_its_folder_after_the_board(
    ska_edge: Run, require_board: Callable[[str], Board]
) -> None:
    require_board("host")
    assert ska_edge("board", "new", "boards/mine", "--like", "host").code == 0
    arguments = ("iris", "--hidden", "4", "--epochs", "1", "--samples", "5")
    outcome = ska_edge("run", *arguments, "--board", "boards/mine", "--json")
    assert outcome.document()["board"] == "mine"
    assert Path("run-iris-mine/firmware/board/board.toml").is_file()


def test_bench_takes_the_files_of_the_folder(
    ska_edge: Run, require_board: Callable[[str], Board]
) -> None:
    require_board("qemu-m4")
    assert ska_edge("board", "new", "mine", "--like", "qemu-m4").code == 0
    Path("mine/startup.c").unlink()
    outcome = ska_edge("bench", "iris", "--hidden", "2", "--board", "./mine")
    assert "board mine names the file startup.c, but " in outcome.refusal(2)


def test_show_describes_a_board_and_finds_its_faults(ska_edge: Run) -> None:
    document = ska_edge("board", "show", "nucleo-f401re", "--json").document()
    assert document["core"] == "cortex-m4"
    assert document["flash"] == {"origin": 0x0801_0000, "size": 0x7_0000}
    assert document["flash_tools"] == ["openocd", "st-flash", "pyocd", "stm32flash", "gdb"]
    text = ska_edge("board", "show", "nucleo-f401re").out
    assert "458,752 at 0x08010000" in text
    assert ska_edge("board", "new", "mine", "--like", "qemu-m4").code == 0
    Path("mine/uart_cmsdk.c").unlink()
    assert "board mine names the file uart_cmsdk.c" in (
        ska_edge("board", "show", "./mine").refusal(2)
    )


def test_a_board_command_is_refused_in_one_sentence(ska_edge: Run, iris_file: Path) -> None:
    assert "'list' is not one of 'new', 'show'" in ska_edge("board", "list", "x").usage()
    assert "needs --like" in ska_edge("board", "new", "mine").refusal(2)
    shown = ska_edge("board", "show", "host", "--like", "host")
    assert shown.refusal(2) == "ska-edge: --like is for `board new`; leave it out"
    assert "none is not a folder with a board.toml; start one with `ska-edge board new`" in (
        ska_edge("firmware", iris_file, "--board", "./none", "-o", "fw").refusal(2)
    )
