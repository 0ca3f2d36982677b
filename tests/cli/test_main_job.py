"""The commands lead from data to a device that is proven to learn; a planted fault
fails the proof.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board, load_board
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.plan.layer import Tensor
from tests.cli.iris_log import lines_of

Write = Callable[[Model, Path], Path]
Launch = Callable[[Path], str]


@pytest.mark.parametrize("name", ["host", "virtual-m4"])
def test_run_trains_builds_and_verifies(
    name: str, ska_edge, require_board: Callable[[str], Board]
) -> None:
    pytest.importorskip("sklearn")
    require_board(name)
    options = ("--hidden", "6", "--epochs", "3", "--samples", "20")
    outcome = ska_edge("run", "iris", "--board", name, "-o", "out", *options, "--json")
    document = outcome.document()
    assert outcome.code == 0, outcome.err
    assert document["board"] == name
    assert document["parameters"] == 4 * 6 + 6 + 6 * 3 + 3
    assert all(parts["test"] >= 0.6 for parts in document["accuracy"].values())
    assert document["onnx"] == {"rows": 30, "mismatches": 0, "output": "out/model.onnx"}
    assert document["build"]["fits"] is True
    assert {"flash", "ram", "stack"} <= set(document["build"])
    proof = document["verify"]
    assert (proof["samples"], proof["equal"], proof["first_difference"]) == (20, True, None)
    assert (proof["parameters"], proof["correct"] >= 10) == (51, True)
    assert open_model(Path("out/model.ska")).plan.digest == document["digest"]
    for path in ("model.onnx", "firmware/src/ska_weights.h", "firmware/build/firmware.elf"):
        assert Path("out", path).stat().st_size > 0
    assert "everything was written to out" in outcome.err
    assert ska_edge("ports", "--json").code == 0
    assert not any("emulated" in port["what"] for port in ports(ska_edge))


def test_an_untrained_device_gets_better(ska_edge, require_board: Callable[[str], Board]) -> None:
    pytest.importorskip("sklearn")
    require_board("host")
    options = ("--hidden", "6", "--epochs", "3", "--untrained", "--samples", "100")
    run = ("run", "iris", "--board", "host", "-o", "out", *options)
    outcome = ska_edge(*run, "--json")
    assert outcome.code == 0, outcome.err
    document = outcome.document()
    assert document["verify"]["equal"] is True
    points = document["curve"]
    assert [point["samples"] for point in points] == list(range(0, 101, 10))
    assert {point["rows"] for point in points} == {30}
    assert points[-1]["right"] >= points[0]["right"] + 9
    assert points[0]["right"] == round(30 * document["accuracy"]["fixed"]["test"])
    shown = ska_edge(*run).out
    assert "w16a8, untrained" in shown and "recall of each class" not in shown
    assert "what the device knows of 30 held-out rows" in shown


def test_an_untrained_regression_gets_better(
    ska_edge, require_board: Callable[[str], Board]
) -> None:
    require_board("host")
    rows = np.random.default_rng(0).normal(5, 2, (120, 2))
    lines = [f"{a},{b},{30 * a - 10 * b}" for a, b in rows.tolist()]
    Path("data.csv").write_text("\n".join(["a,b,power", *lines]) + "\n")
    options = ("--task", "regression", "--hidden", "", "--epochs", "3", "--untrained")
    outcome = ska_edge("run", "data.csv", "--board", "host", "-o", "out", *options, "--json")
    assert outcome.code == 0, outcome.err
    points = outcome.document()["curve"]
    assert len(points) == 11 and {point["rows"] for point in points} == {24}
    assert points[0]["r2"] < 0.5 < points[-1]["r2"] <= 1
    assert "what the device knows of 24 held-out rows" in outcome.err
    assert f"{points[-1]['r2']:.3f}" in outcome.err


def test_a_device_that_only_classifies_does_not_start_untrained(ska_edge) -> None:
    outcome = ska_edge("run", "iris", "--board", "host", "--untrained", "--inference-only")
    assert "leave --untrained or --inference-only out" in outcome.refusal(2)


def test_run_refuses_a_board_that_cannot_be_started_before_it_trains(ska_edge) -> None:
    load_board("qemu-m4").copy_to(Path("hardware"))
    described = Path("hardware/board.toml")
    head, start = described.read_text(encoding="utf-8").split("[start]\n")
    described.write_text(head + start[start.index("\n[") :], encoding="utf-8")
    sentence = ska_edge("run", "iris", "--board", "./hardware", "-o", "out").refusal(2)
    assert sentence.endswith(
        "hardware and cannot be started as a process; its board.toml has no [start]"
    )
    assert not Path("out").exists()


def ports(ska_edge) -> list[dict[str, str]]:
    found: list[dict[str, str]] = ska_edge("ports", "--json").document()["ports"]
    return found


# --- one wrong bit --------------------------------------------------------------------------------


def flip_weight_bit(elf: Path, place: int, bit: int) -> None:
    """Flip one bit of one initial parameter in an image; `place` is its index in the flat array."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as stream:
        image = ELFFile(stream)
        (symbol,) = image.get_section_by_name(".symtab").get_symbol_by_name(
            "ska_initial_parameters"
        )
        section = image.get_section(symbol["st_shndx"])
        start = symbol["st_value"] - section["sh_addr"] + section["sh_offset"]
        assert 2 * place < symbol["st_size"]
    content = bytearray(elf.read_bytes())
    content[start + 2 * place + bit // 8] ^= 1 << bit % 8
    elf.write_bytes(content)


def tensor_of(model: Model, layer: int, name: str) -> Tensor:
    return next(t for t in model.plan.tensors() if (t.layer, t.name) == (layer, name))


@pytest.mark.parametrize(
    ("layer", "name", "index", "bit"),
    [
        (0, "weight", (0, 0), 0),
        (0, "weight", (2, 3), 15),
        (1, "weight", (1, 2), 7),
        (1, "bias", (2,), 8),
    ],
)
def test_verify_names_the_one_bit_that_differs(
    layer: int,
    name: str,
    index: tuple[int, ...],
    bit: int,
    ska_edge,
    iris_file: Path,
    iris: Model,
    write_host_project: Write,
    launched: Launch,
    require_toolchain: Callable[[str], str],
) -> None:
    pytest.importorskip("elftools")
    # Not zig: it may compile the end of the array of initial parameters into the code as constants,
    # and then a change of the array in the image has no effect.
    require_toolchain("gcc")
    project = write_host_project(iris, Path("fw"))
    tensor = tensor_of(iris, layer, name)
    row_first = index[0] if len(index) == 1 else index[0] * tensor.shape[1] + index[1]
    flip_weight_bit(project / "build/firmware.elf", tensor.offset + row_first, bit)
    port = launched(project)

    outcome = ska_edge("verify", iris_file, "iris", "--port", port, "--samples", "5", "--json")
    document = outcome.document()
    assert outcome.code == 1
    assert (document["samples"], document["equal"]) == (0, False)
    difference = document["first_difference"]
    assert (difference["layer"], difference["tensor"]) == (layer, name)
    assert (tuple(difference["index"]), difference["step"]) == (index, 0)
    host = int(iris.state.tensor(layer, name)[index])
    assert difference["host"] == host
    assert (difference["device"] ^ host) & 0xFFFF == 1 << bit
    place = ", ".join(str(number) for number in index)
    sentence = outcome.err.splitlines()[-1]
    assert sentence.startswith("ska-edge: device and host differ at step 0, ")
    assert f"layer {layer}, {name}[{place}]: host {host}, device {difference['device']}" in sentence
    assert sentence.endswith("; give the flashed model, or flash the device again")


def test_verify_notices_a_wrong_rule_in_the_step_where_it_acts(
    ska_edge, iris_file: Path, iris: Model, write_host_project: Write, launched: Launch
) -> None:
    from firmware_gen.build import build

    project = write_host_project(iris, Path("fw"))
    header = project / "src/ska_plan.h"
    text = header.read_text()
    shift = f"#define SKA_RATE_SHIFT {iris.plan.rate.shift}\n"
    assert shift in text
    header.write_text(text.replace(shift, f"#define SKA_RATE_SHIFT {iris.plan.rate.shift + 1}\n"))
    build(project)
    port = launched(project)
    outcome = ska_edge("verify", iris_file, "iris", "--port", port, "--samples", "5", "--json")
    document = outcome.document()
    assert outcome.code == 1
    assert document["samples"] == 1  # `verify` stops: the first update is half of the host's
    assert document["first_difference"]["step"] == 1
    last = outcome.err.splitlines()[-1]
    assert last.startswith("ska-edge: device and host differ at step 1, layer ")


# --- step by step ---------------------------------------------------------------------------------


def test_flash_ports_monitor_verify_stop(
    ska_edge, iris_file: Path, iris: Model, require_board: Callable[[str], Board], launched: Launch
) -> None:
    require_board("host")
    assert ska_edge("firmware", iris_file, "--board", "host", "-o", "fw").code == 0
    assert ska_edge("build", "fw").code == 0
    try:
        flashed = ska_edge("flash", "fw", "--json").document()
        assert (flashed["board"], flashed["digest"]) == ("host", iris.plan.digest)
        port = flashed["port"]
        assert {"port": port, "what": "host (emulated)", "serial_number": None} in ports(ska_edge)

        # Without --port, the command takes the only board that runs.
        arguments = (iris_file, "iris", "--samples", "7", "--log", "steps.jsonl", "--json")
        watched = ska_edge("monitor", *arguments)
        assert watched.code == 0, watched.err
        document = watched.document()
        assert (document["board"], document["port"]) == ("host", port)
        assert (document["digest"], document["step"], document["samples"]) == (
            iris.plan.digest,
            7,
            7,
        )
        first, *records = lines_of("steps.jsonl")
        assert first["device"] == {"board": "host", "port": port, "digest": iris.plan.digest}
        assert (first["step"], first["samples"], first["halvings"]) == (0, 0, 0)
        assert records.pop()["end"]["samples"] == 7
        assert [record["step"] for record in records] == list(range(1, 8))
        assert all(len(record["layers"]) == 2 and len(record["x"]) == 4 for record in records)
        assert document["correct"] == sum(r["predicted"] == r["label"] for r in records)

        # The device continues from its present state; monitor without data only reads the device.
        assert ska_edge("monitor", *arguments).document()["step"] == 14
        seen = ska_edge("monitor", "--port", port, "--json").document()
        assert (seen["step"], seen["samples"]) == (14, 0)

        # verify starts again from the flashed weights.
        verified = ska_edge("verify", iris_file, "iris", "--port", port, "--samples", "9", "--json")
        assert verified.code == 0, verified.err
        assert verified.document()["equal"] is True
        assert ska_edge("monitor", "--json").document()["step"] == 9
        plain = ska_edge("verify", iris_file, "iris", "--samples", "3")
        assert plain.code == 0 and "all 35 parameters after 3 samples" in plain.out
        assert "3/3 samples" in plain.err and plain.err.endswith("\n")
    finally:
        stopped = ska_edge("flash", "fw", "--stop", "--json")
    assert stopped.document() == {"board": "host", "stopped": True}
    assert all(found["port"] != port for found in ports(ska_edge))
    assert "was not running" in ska_edge("flash", "fw", "--stop").out


def test_flash_again_replaces_the_running_board(
    ska_edge, iris: Model, write_host_project: Write, launched: Launch
) -> None:
    project = write_host_project(iris, Path("fw"))
    launched(project)
    again = ska_edge("flash", project, "--json").document()
    running = [found for found in ports(ska_edge) if "emulated" in found["what"]]
    assert [found["port"] for found in running] == [again["port"]]


def test_flash_refuses_a_port_for_an_emulated_board(
    ska_edge, iris: Model, write_host_project: Write
) -> None:
    project = write_host_project(iris, Path("fw"))
    assert "leave --port out" in ska_edge("flash", project, "--port", "/dev/none").refusal(2)


def test_a_board_stops_after_its_folder_is_gone(
    ska_edge, iris: Model, write_host_project: Write
) -> None:
    project = write_host_project(iris, Path("fw"))
    assert ska_edge("flash", project).code == 0
    project.rename("moved")
    try:
        assert ska_edge("flash", project, "--stop", "--json").document()["stopped"] is True
    finally:
        Path("moved").rename(project)
        ska_edge("flash", project, "--stop")


def test_a_verification_without_updates_proves_nothing(
    ska_edge, require_board: Callable[[str], Board]
) -> None:
    require_board("host")
    options = ("--rule", "published", "--hidden", "3", "--batch", "8", "--steps", "3")
    assert ska_edge("train", "iris", "-o", "p.ska", *options).code == 0
    few = ska_edge("verify", "p.ska", "iris", "--board", "host", "--samples", "5")
    assert "no update was made: the rule collects 8 samples" in few.out
    enough = ska_edge("verify", "p.ska", "iris", "--board", "host", "--samples", "9")
    assert "device and host are equal" in enough.out
    # The ninth sample makes no update, so the table has the metrics of the eighth.
    (layer,) = [line for line in enough.err.splitlines() if "0 (3)" in line]
    assert float(layer.split("│")[5]) > 0  # |W|


def test_a_project_describes_its_inputs_and_labels(ska_edge, iris_file: Path, iris: Model) -> None:
    assert ska_edge("firmware", iris_file, "-o", "fw").code == 0
    described = json.loads(Path("fw/ska-project.json").read_text())
    assert described["labels"] == list(iris.plan.labels)
    assert described["input"]["mean"] == iris.scaling.mean.tolist()
    assert described["input"]["scale"] == iris.scaling.scale.tolist()
    frac = f"#define SKA_INPUT_FRAC {iris.plan.layers[0].input.frac} "
    assert frac in Path("fw/src/ska_plan.h").read_text()
    inspected = ska_edge("inspect", iris_file, "--json").document()
    assert inspected["scaling"] == iris.scaling.as_dict()


def test_an_edited_board_file_is_kept_and_named(ska_edge, iris_file: Path) -> None:
    assert ska_edge("firmware", iris_file, "-o", "fw").err == ""
    with Path("fw/board/board.toml").open("a") as file:
        file.write("# mine\n")
    outcome = ska_edge("firmware", iris_file, "-o", "fw")
    assert outcome.code == 0
    assert outcome.err == "kept fw/board/board.toml, which was edited since it was generated\n"
    refused = ska_edge("firmware", iris_file, "--board", "host", "-o", "fw").refusal(2)
    assert "edited and would be lost: board/board.toml; move them away" in refused
