"""`ska-edge bench` prints the documented keys and refuses bad input."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen import board as boards
from firmware_gen.board import Board, board_names, load_board

PROGRAM = Path(__file__).parents[1] / "bench" / "plain_float.c"
KEYS = {"infer", "learn", "flash", "ram", "stack", "ram_with_stack", "code", "right"}
SMALL = ("bench", "iris", "--board", "qemu-m3", "--hidden", "4")


def test_the_document(ska_edge, require_board: Callable[[str], Board]) -> None:
    pytest.importorskip("sklearn")
    require_board("qemu-m3")
    outcome = ska_edge(*SMALL, "--compare", PROGRAM, "--optimize", "-O2", "--json")
    assert outcome.code == 0, outcome.err
    document = outcome.document()
    assert document["board"] == "qemu-m3"
    assert document["unit"] == "instructions"
    assert document["sizes"] == [4, 4, 3]
    assert document["samples"] == 200
    assert document["optimize"] == "-O2"
    assert document["compiler"].startswith(("arm-none-eabi-gcc", "clang"))
    for figures in (document, document["compare"]):
        assert set(figures) >= KEYS
        assert 0 < figures["infer"] < figures["learn"]
        assert figures["ram_with_stack"] == figures["ram"] + figures["stack"]
        assert 100 < figures["right"] <= 200  # both programs learn iris
    # The float program is slower, because this core has no floating-point unit.
    assert document["learn"] < document["compare"]["learn"]


def test_phases(ska_edge, require_board: Callable[[str], Board]) -> None:
    pytest.importorskip("sklearn")
    require_board("qemu-m3")
    document = ska_edge(*SMALL, "--phases", "--json").document()
    phases = document["phases"]
    assert [phase["epochs"] for phase in phases] == [0, 1, 5, 20]
    for key in ("infer", "learn", "right"):
        assert phases[0][key] == document[key]
    assert phases[3]["right"] > phases[0]["right"]
    assert phases[3]["learn"] < phases[0]["learn"]  # small errors change no weight


def test_the_table(ska_edge, require_board: Callable[[str], Board]) -> None:
    pytest.importorskip("sklearn")
    require_board("qemu-m3")
    outcome = ska_edge(*SMALL)
    assert "epochs" not in outcome.out
    assert outcome.code == 0
    assert outcome.err == ""
    assert "instructions per learning step" in outcome.out
    assert "weights equal to the host's" in outcome.out


@pytest.mark.parametrize("name", ["qemu-m99", ""])
def test_an_unknown_board(ska_edge, name: str) -> None:
    assert "choose one of" in ska_edge("bench", "iris", "--board", name).refusal(2)


@pytest.mark.parametrize("name", [n for n in board_names() if load_board(n).counter is None])
def test_a_board_without_a_counter(ska_edge, name: str) -> None:
    assert "no counter" in ska_edge("bench", "iris", "--board", name).refusal(2)


def test_no_board(ska_edge) -> None:
    assert "--board" in ska_edge("bench", "iris").usage()


def test_no_data_and_a_board_that_names_none(
    ska_edge, require_board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_board("qemu-m3")
    folder = tmp_path / "boards"
    shutil.copytree(boards.BOARDS_FOLDER, folder)
    path = folder / "qemu-m3" / "board.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('[bench]\ndata = "digits"\nhidden = [32]\n', ""))
    monkeypatch.setattr(boards, "BOARDS_FOLDER", folder)
    assert "give DATA" in ska_edge("bench", "--board", "qemu-m3").refusal(2)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("nothing.csv",), "nothing.csv"),
        (("iris", "--rule", "published"), "learns from a held batch"),
        (("iris", "--toolchain", "tcc"), "no toolchain 'tcc'"),
        (("iris", "--compare", "missing.c"), "no file missing.c"),
        (("iris", "--compare", PROGRAM, "--library", "missing"), "no folder missing"),
        (("iris", "--library", "somewhere"), "--library needs --compare"),
    ],
)
def test_what_cannot_be_measured(ska_edge, require_board, arguments, reason: str) -> None:
    pytest.importorskip("sklearn")
    require_board("qemu-m3")
    outcome = ska_edge("bench", *arguments, "--board", "qemu-m3", "--hidden", "4")
    assert reason in outcome.refusal(2)
