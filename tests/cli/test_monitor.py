"""`monitor` lets several real firmwares learn at once; their logs, rates and saves are right."""

from __future__ import annotations

from pathlib import Path

import click

from firmware_gen.emulators import flash
from ska_edge.cli.main import main
from ska_edge.model.model_file import Model
from tests.cli.conftest import Start
from tests.cli.iris_log import ROWS, lines_of, logged, pulled, taught

# --- several boards -------------------------------------------------------------------------------


def test_eight_boards_learn_at_the_same_time(
    ska_edge, iris_file: Path, iris: Model, start_board: Start
) -> None:
    ports = [start_board("virtual-m4", f"board-{number}") for number in range(8)]
    named = [part for port in ports for part in ("--port", port)]
    outcome = ska_edge(
        "monitor", iris_file, "iris", *named, "--samples", ROWS, "--log", "steps.jsonl", "--json"
    )
    assert outcome.code == 0, outcome.err
    devices = outcome.document()["devices"]
    host = taught(iris, ROWS)
    assert [device["port"] for device in devices] == ports
    for number, (port, device) in enumerate(zip(ports, devices, strict=True), 1):
        assert device["log"] == f"steps-{number}.jsonl"
        assert (device["board"], device["error"]) == ("virtual-m4", None)
        assert (device["step"], device["samples"]) == (ROWS, ROWS)
        first, *rows, end = lines_of(device["log"])
        assert first["device"]["port"] == port
        rows = [row for row in rows if "warning" not in row]
        assert [row["sample"] for row in rows] == list(range(1, ROWS + 1))
        assert device["correct"] == sum(row["predicted"] == row["label"] for row in rows)
        place = {**first["place"], "next": ROWS}
        assert end == {"end": {"step": ROWS, "samples": ROWS, "crc": host.crc}, "place": place}
        assert pulled(iris, port).to_bytes() == host.to_bytes()
        assert f"{port}: {ROWS}/{ROWS} samples" in outcome.err
    assert outcome.err.count(" ended ") == 8  # once for each row of the table


def test_a_missing_device_without_a_model_has_a_document_too(ska_edge) -> None:
    outcome = ska_edge("monitor", "--port", "/dev/none", "--json")
    document = outcome.document()
    assert outcome.code == 3
    assert outcome.err.splitlines() == [f"ska-edge: {document['error']}"]
    assert document["devices"] == [{key: document[key] for key in document["devices"][0]}]


def test_rows_are_shared_out(ska_edge, iris_file: Path, iris: Model, start_board: Start) -> None:
    ports = [start_board("host", f"board-{number}") for number in range(3)]
    named = [part for port in ports for part in ("--port", port)]
    outcome = ska_edge("monitor", iris_file, "iris", *named, "--samples", ROWS, "--split", "--json")
    devices = outcome.document()["devices"]
    assert [device["samples"] for device in devices] == [14, 13, 13]
    for number, port in enumerate(ports):
        host = taught(iris, ROWS, number, 3)
        assert pulled(iris, port).to_bytes() == host.to_bytes()


def test_a_device_that_fails_does_not_end_the_others(
    ska_edge, iris_file: Path, iris: Model, start_board: Start
) -> None:
    port = start_board("host", "board")
    arguments = ("monitor", iris_file, "iris", "--port", "/dev/none", "--port", port)
    outcome = ska_edge(*arguments, "--samples", ROWS, "--log", "steps.jsonl", "--json")
    assert outcome.code == 3
    absent, present = outcome.document()["devices"]
    assert "there is no port /dev/none" in absent["error"]
    assert (absent["board"], absent["samples"], absent["log"]) == (None, 0, None)
    assert (present["error"], present["samples"]) == (None, ROWS)
    assert outcome.err.splitlines()[-1] == f"ska-edge: {absent['error']}"
    assert not Path("steps-1.jsonl").exists()
    assert pulled(iris, port).to_bytes() == taught(iris, ROWS).to_bytes()

    looked = ska_edge(*arguments[:1], *arguments[3:], "--json")
    assert looked.code == 3
    assert [device["step"] for device in looked.document()["devices"]] == [None, ROWS]


def test_the_exit_code_is_that_of_the_first_error(
    ska_edge, iris_file: Path, start_board: Start
) -> None:
    ports = [start_board("host", f"board-{number}") for number in range(2)]
    Path("steps-1.jsonl").symlink_to("/dev/full")
    Path("other-2.jsonl").symlink_to("/dev/full")
    learn = ("monitor", iris_file, "iris", "--samples", ROWS)

    named = [part for port in (*ports, "/dev/none") for part in ("--port", port)]
    outcome = ska_edge(*learn, *named, "--log", "steps.jsonl", "--json")
    full, good, absent = [device["error"] for device in outcome.document()["devices"]]
    assert (good, outcome.code) == (None, 2)
    assert "cannot write steps-1.jsonl" in full
    assert outcome.err.splitlines()[-2:] == [f"ska-edge: {full}", f"ska-edge: {absent}"]

    named = ["--port", "/dev/none", "--port", ports[0]]
    assert ska_edge(*learn, *named, "--log", "other.jsonl").code == 3


def test_nobody_learns_when_one_log_cannot_be_continued(
    ska_edge, iris_file: Path, iris: Model, start_board: Start
) -> None:
    ports = [start_board("host", f"board-{number}") for number in range(2)]
    Path("steps-2.jsonl").write_text("my notes\n")
    named = [part for port in ports for part in ("--port", port)]
    arguments = ("monitor", iris_file, "iris", *named, "--samples", ROWS, "--log", "steps.jsonl")
    outcome = ska_edge(*arguments)
    assert outcome.code == 2
    assert "steps-2.jsonl cannot be continued: its last line, 1," in outcome.err.splitlines()[-1]
    assert Path("steps-2.jsonl").read_text() == "my notes\n"
    assert all(pulled(iris, port).samples == 0 for port in ports)
    assert ska_edge(*arguments, "--overwrite").code == 0
    assert lines_of("steps-2.jsonl")[-1]["end"]["samples"] == ROWS


def test_options_that_do_not_fit_together_are_refused(ska_edge, iris_file: Path) -> None:
    learn = ("monitor", iris_file, "iris")
    for arguments, words in (
        ((*learn, "--port", "/dev/a", "--port", "/dev/a"), "--port /dev/a is given twice;"),
        ((*learn, "--port", "/dev/a", "--port", "/dev/./a"), "given twice, also as /dev/a;"),
        ((*learn, "--mqtt", "localhost", "--name", "a/b"), "--name is 'a/b': give a name"),
        ((*learn, "--mqtt", "localhost", "--name", ""), "--name is '': give a name"),
        ((*learn, "--port", "/dev/a", "--mqtt", "localhost:x"), "no address of an MQTT broker"),
        ((*learn, "--mqtt", "localhost", "--name", "a", "--name", "b"), "once for each --port"),
        ((*learn, "--port", "/dev/a", "--name", "a"), "--name is for MQTT: give --mqtt"),
        ((*learn, "--overwrite"), "--overwrite replaces logs: name one by --log"),
        ((*learn, "--patience", "nan"), "--patience is nan: give a number of seconds"),
        ((*learn, "--patience", "inf"), "--patience is inf: give a number of seconds"),
        ((*learn, "--port", "/dev/a", "--halve-rate", "200"), "--halve-rate is 200"),
    ):
        assert words in ska_edge(*arguments).refusal(2)
    assert not Path("steps.jsonl").exists()


# Options that work without a model: for the devices, their lines, or the form of the output.
LOOKING = {"--port", "--baud", "--dtr", "--rts", "--json"}
# Options that need a model, but no rows to learn.
WATCHING = {
    *("--key", "--samples", "--log", "--overwrite", "--patience", "--mqtt", "--mqtt-ca", "--name"),
    *("--plain", "--raw"),
}


def test_options_that_need_a_model_are_refused_without_one(ska_edge) -> None:
    words = {
        "order": "shuffled",
        "label_from": "column",
        "group_from": "file",
        "frontend": "statistics",
    }
    tried = set()
    for option in main.commands["monitor"].params:
        if not isinstance(option, click.Option) or option.opts[0] in LOOKING:
            continue
        default = words.get(str(option.name), "30")
        value = () if option.is_flag else (default,)  # an option is refused even with its default
        sentence = ska_edge("monitor", "--port", "/dev/a", option.opts[0], *value).refusal(2)
        needs = "MODEL: name it" if option.opts[0] in WATCHING else "MODEL and DATA: name both"
        assert f"{option.opts[0]} does nothing without {needs}" in sentence
        assert ("ska-edge save" in sentence) == (option.opts[0] == "--save")
        tried.add(option.opts[0])
    assert {"--save", "--samples", "--patience", "--log", "--mqtt", "--name"} <= tried
    assert not Path("30").exists()


# --- logs, rates and saves ------------------------------------------------------------------------


def test_a_log_has_all_that_the_state_follows_from(
    ska_edge, iris_file: Path, iris: Model, start_board: Start
) -> None:
    port = start_board("host", "board")
    arguments = ("monitor", iris_file, "iris", "--port", port, "--log", "steps.jsonl")
    assert ska_edge(*arguments, "--samples", 10).code == 0
    options = ("--samples", 25, "--halve-rate", 1, "--save-every", 10, "--save")
    assert ska_edge(*arguments, *options).code == 0
    lines = lines_of("steps.jsonl")
    kinds = [next(iter(line)) for line in lines if "sample" not in line and "warning" not in line]
    assert kinds == ["device", "end", "device", "rate", "saved", "saved", "saved", "end"]
    assert [line["saved"] for line in lines if "saved" in line] == [20, 30, 35]
    state = logged(iris, lines)
    assert (state.samples, state.halvings) == (35, 1)
    assert pulled(iris, port).to_bytes() == state.to_bytes()
    assert lines[-1]["end"] == {"step": 35, "samples": 35, "crc": state.crc}

    replayed = ska_edge("replay", "steps.jsonl", iris_file, "--json").document()
    assert (replayed["samples"], replayed["checked"]) == (35, True)

    # Another monitor sends rows to the device, and writes nothing into this log.
    assert ska_edge(*arguments[:-2], "--samples", 3).code == 0
    sentence = ska_edge(*arguments, "--samples", 3).refusal(2)
    assert "ends at sample 35, but the device has learned 38" in sentence


def test_a_board_is_started_for_the_session(ska_edge, iris_file: Path, require_board) -> None:
    require_board("host")
    options = ("--board", "host", "--hold-out", 0, "--json")
    found = ska_edge("monitor", iris_file, "iris", "--samples", 1000, *options)
    assert found.code == 0, found.err
    assert (found.document()["board"], found.document()["samples"]) == ("host", 150)
    assert "iris has 150 rows, fewer than --samples 1000" in found.err
    said = ska_edge("monitor", iris_file, "iris", "--board", "host", "--port", "p").refusal(2)
    assert "give --board or --port, not both" in said
    assert not flash.running()
