"""`ska-edge bench` prints the documented keys and refuses bad input."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.bench import model
from firmware_gen.board import board as boards
from firmware_gen.board.board import Board, board_names, load_board
from ska_edge.cli.commands import bench as commands_bench

PROGRAM = Path(__file__).parents[1] / "bench" / "plain_float.c"
KEYS = {"infer", "learn", "flash", "ram", "stack", "ram_with_stack", "code", "right"}
SMALL = ("bench", "iris", "--board", "qemu-m3", "--hidden", "4")


def test_the_document_has_the_measured_figures(
    ska_edge, require_board: Callable[[str], Board]
) -> None:
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


def test_phases_are_measured_after_more_epochs(
    ska_edge, require_board: Callable[[str], Board]
) -> None:
    pytest.importorskip("sklearn")
    require_board("qemu-m3")
    document = ska_edge(*SMALL, "--phases", "--json").document()
    phases = document["phases"]
    assert [phase["epochs"] for phase in phases] == [0, 1, 5, 20]
    for key in ("infer", "learn", "right"):
        assert phases[0][key] == document[key]
    assert phases[3]["right"] > phases[0]["right"]
    assert phases[3]["learn"] < phases[0]["learn"]  # small errors change no weight


def test_a_model_gives_cycles_time_and_energy(
    ska_edge, require_board: Callable[[str], Board]
) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("unicorn")
    require_board("qemu-m0")
    outcome = ska_edge("bench", "iris", "--board", "qemu-m0", "--hidden", "4", "--json")
    document = outcome.document()
    cycles = document["cycles"]
    assert document["model"]["source"].startswith("Cortex-M0 Technical Reference Manual")
    for name in ("infer", "learn"):
        assert document[name] - 6 < cycles[name] < 3 * document[name]
        least, most = cycles[f"{name}_range"]
        assert least == cycles[name] < most  # only the multiplier's cycles are unknown
        # 16 cycles take 1 us, and 3 V times 4.4 mA are 13.2 mW.
        assert document["time_us"][name] == pytest.approx(cycles[name] / 16, abs=0.1)
        assert document["energy_uj"][name] == pytest.approx(cycles[name] / 16 * 0.0132, abs=0.01)


@pytest.mark.parametrize(
    ("real", "emulated"),
    [
        ("microbit-v1", "qemu-m0"),
        ("nucleo-f401re", "qemu-m4"),  # the vector table is not in front of the code
    ],
)
def test_a_chip_model_counts_the_instructions_that_qemu_counts(
    real: str,
    emulated: str,
    ska_edge,
    require_board: Callable[[str], Board],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setattr(commands_bench, "SAMPLES", 5)
    found = {}
    for board in (real, emulated):
        require_board(board)
        outcome = ska_edge("bench", "iris", "--board", board, "--hidden", "2", "--json")
        found[board] = outcome.document()
    assert found[real]["unit"] == "instructions"
    for name in ("infer", "learn"):
        # QEMU's counter has ticks of several instructions.
        assert found[real][name] == pytest.approx(found[emulated][name], abs=8)


def test_the_simulator_counts_cycles(ska_edge, require_board: Callable[[str], Board]) -> None:
    pytest.importorskip("sklearn")
    require_board("uno")
    arguments = ("bench", "iris", "--board", "uno", "--hidden", "4")
    document = ska_edge(*arguments, "--json").document()
    assert document["model"] is None
    assert document["cycles"]["learn_range"] == [document["learn"]] * 2
    # 5 V and 5.2 mA at 8 MHz are 3.25 nJ per cycle, at any clock.
    assert document["time_us"]["learn"] == pytest.approx(document["learn"] / 16, abs=0.1)
    assert document["energy_uj"]["learn"] == pytest.approx(document["learn"] * 3.25e-3, abs=0.01)


def test_the_table_says_that_cycles_are_a_model(
    ska_edge, require_board: Callable[[str], Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("unicorn")
    require_board("qemu-m4")
    arguments = ("bench", "iris", "--board", "qemu-m4", "--hidden", "4")
    shown = ska_edge(*arguments).out
    assert "modelled cycles per learning step" in shown
    assert "cycles are a model, not a measurement" in shown
    assert "uJ" not in shown  # board.toml has no [power]
    monkeypatch.setattr(model, "NEEDED", "unicorn_that_is_not_here")
    without = ska_edge(*arguments).out
    assert "modelled cycles per learning step" not in without
    assert "pip install unicorn" in without


def test_the_table_has_the_measured_figures(
    ska_edge, require_board: Callable[[str], Board]
) -> None:
    pytest.importorskip("sklearn")
    require_board("qemu-m3")
    outcome = ska_edge(*SMALL)
    assert "epochs" not in outcome.out
    assert outcome.code == 0
    assert outcome.err == ""
    assert "instructions per learning step" in outcome.out
    assert "weights equal to the host's" in outcome.out


def test_the_table_names_the_margin_and_a_normalized_step(
    ska_edge, require_board: Callable[[str], Board]
) -> None:
    pytest.importorskip("sklearn")
    require_board("qemu-m3")
    outcome = ska_edge(*SMALL, "--margin", "0.1", "--normalized-step")
    assert ", w16a8, margin 0.1, normalized step, " in outcome.out


@pytest.mark.parametrize("margin", ["nan", "inf", "-1", "0.5", "5"])
def test_a_margin_is_refused_as_by_train(ska_edge, margin: str) -> None:
    refusal = ska_edge(*SMALL, "--margin", margin).refusal(2)
    assert refusal.startswith("ska-edge: a margin is a finite number at least 0 and below 0.5;")
    assert refusal == ska_edge("train", "iris", "--margin", margin, "-o", "m.ska").refusal(2)


def test_an_unknown_board_is_refused(ska_edge) -> None:
    assert "choose one of" in ska_edge("bench", "iris", "--board", "qemu-m99").refusal(2)
    assert "the name is empty" in ska_edge("bench", "iris", "--board", "").usage()


@pytest.mark.parametrize("name", [n for n in board_names() if load_board(n).counter is None])
def test_a_board_without_a_counter_is_refused(ska_edge, name: str) -> None:
    assert "no counter" in ska_edge("bench", "iris", "--board", name).refusal(2)


def test_a_board_must_be_given(ska_edge) -> None:
    assert "--board" in ska_edge("bench", "iris").usage()


def test_data_must_be_given_if_the_board_names_none(
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
def test_what_cannot_be_measured_is_refused(
    ska_edge, require_board, arguments, reason: str
) -> None:
    pytest.importorskip("sklearn")
    require_board("qemu-m3")
    outcome = ska_edge("bench", *arguments, "--board", "qemu-m3", "--hidden", "4")
    assert reason in outcome.refusal(2)
