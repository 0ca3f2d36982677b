"""Bad input gives one sentence on stderr, the right exit code, and no half-written file."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ska_edge.cli import device
from ska_edge.cli.options import port
from ska_edge.data.dataset import Dataset, save
from ska_edge.device import session
from ska_edge.device.link import Link
from ska_edge.device.port.port import PortInfo
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor import fleet
from ska_edge.network.state import State
from ska_edge.plan.resolve import make_plan
from tests.signals import heeded

QUICK = ("--hidden", "4", "--epochs", "1")


def left_behind() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*"))


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Write a good CSV file: 20 rows, 2 features, classes 0 and 1."""
    path = tmp_path / "rows.csv"
    lines = [f"{n},{n % 3 - n},{n % 2}" for n in range(20)]
    path.write_text("a,b,label\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "HELLO_WAITS", (0.25, 0.25))
    quick = functools.partial(Link, timeout=0.05, tries=2)
    monkeypatch.setattr(device, "Link", quick)
    monkeypatch.setattr(port, "Link", quick)
    monkeypatch.setattr(fleet, "Link", quick)


# --- data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("data", "none.csv", "-o", "new.npz"),
        ("train", "none.csv", "-o", "new.ska"),
        ("run", "none.csv", "--board", "host"),
    ],
)
def test_data_that_do_not_exist_are_refused(arguments: tuple[str, ...], ska_edge) -> None:
    assert "'none.csv' is neither a file nor built-in data" in ska_edge(*arguments).refusal(2)
    assert left_behind() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("eval", "", "iris"),
        ("eval", "MODEL", ""),
        ("train", "iris", "-o", ""),
        ("train", "", "-o", "new.ska"),
        ("build", ""),
    ],
)
def test_an_empty_name_does_not_stand_for_the_folder(
    arguments: tuple[str, ...], ska_edge, iris_file: Path
) -> None:
    given = {"MODEL": iris_file}
    sentence = ska_edge(*(given.get(text, text) for text in arguments)).usage()
    assert sentence.endswith("the name is empty: give a name")
    assert left_behind() == []


def test_text_in_a_number_column_names_line_and_column(ska_edge) -> None:
    Path("t.csv").write_text("a,b,label\n1,2,0\n3,4,1\n5,oops,1\n")
    sentence = ska_edge("train", "t.csv", "-o", "new.ska", *QUICK).refusal(2)
    assert "t.csv: line 4, column 2 (b) is 'oops', not a number" in sentence
    assert left_behind() == ["t.csv"]


def test_labels_may_have_gaps(ska_edge) -> None:
    Path("g.csv").write_text("a,b,label\n" + "1,2,0\n3,4,1\n5,6,3\n" * 3)
    assert ska_edge("train", "g.csv", "-o", "new.ska", *QUICK).code == 0
    assert ska_edge("eval", "new.ska", "g.csv", "--json").document()["confusion"][2] is not None
    assert open_model(Path("new.ska")).plan.labels == ("0", "1", "3")


@pytest.mark.parametrize("content", ["", "\n\n", "a,b,label\n"])
def test_a_csv_file_without_samples_is_refused(content: str, ska_edge) -> None:
    Path("empty.csv").write_text(content)
    sentence = ska_edge("train", "empty.csv", "-o", "new.ska", *QUICK).refusal(2)
    assert "empty.csv is empty" in sentence or "has a header but no samples" in sentence
    assert left_behind() == ["empty.csv"]


COMMANDS_WITH_DATA = [
    ("eval", "MODEL", "rows"),
    ("export", "MODEL", "-o", "new.onnx", "--data", "rows"),
    ("verify", "MODEL", "rows", "--board", "host"),
]


@pytest.mark.parametrize("arguments", COMMANDS_WITH_DATA)
def test_data_with_another_number_of_features_are_refused(
    arguments: tuple[str, ...], ska_edge, iris_file: Path, rows: Path
) -> None:
    given = {"MODEL": iris_file, "rows": rows}
    sentence = ska_edge(*(given.get(text, text) for text in arguments)).refusal(2)
    assert "rows has 2 features, but the model has 4 inputs" in sentence
    assert left_behind() == []


def test_data_with_more_classes_are_refused(ska_edge, iris_file: Path) -> None:
    y = np.arange(8) % 4
    names = ("setosa", "versicolor", "virginica", "weed")
    save(Dataset("four", np.zeros((8, 4)), y, names), "four.npz")
    assert "'four' has the class 'weed', which the model does not know" in ska_edge(
        "eval", iris_file, "four.npz"
    ).refusal(2)


def test_data_are_matched_by_the_names_of_their_classes(ska_edge, iris_file: Path) -> None:
    # Without the model, the two classes of this file would be 0 and 1; in the model they are 2 and
    # 1.
    lines = [f"{n}.5,1,2,3,{('virginica', 'versicolor')[n % 2]}" for n in range(6)]
    Path("two.csv").write_text("\n".join(lines) + "\n")
    confusion = ska_edge("eval", iris_file, "two.csv", "--json").document()["confusion"]
    assert [sum(row) for row in confusion] == [0, 3, 3]
    Path("two.csv").write_text("\n".join(lines).replace("virginica", "rosa") + "\n")
    sentence = ska_edge("eval", iris_file, "two.csv").refusal(2)
    assert "'two' has the class 'rosa', which the model does not know" in sentence
    numbered = [line.replace("versicolor", "0").replace("virginica", "1") for line in lines]
    Path("two.csv").write_text("\n".join(numbered) + "\n")
    sentence = ska_edge("eval", iris_file, "two.csv").refusal(2)
    assert "setosa, versicolor, virginica; give the names of the classes" in sentence


# --- model files ----------------------------------------------------------------------------------


def test_a_model_that_does_not_exist_is_refused(ska_edge) -> None:
    assert "there is no model file none.ska" in ska_edge("inspect", "none.ska").refusal(2)
    assert ska_edge("firmware", "none.ska", "-o", "fw").refusal(2)
    assert left_behind() == []


def damaged(content: bytes, how: str) -> bytes:
    if how == "text":
        return b"not a model at all\n"
    if how == "empty":
        return b""
    if how == "truncated":
        return content[: len(content) // 2]
    at = len(content) // 3 if how == "flipped early" else 2 * len(content) // 3
    return content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]


@pytest.mark.parametrize("how", ["text", "empty", "truncated", "flipped early", "flipped late"])
def test_a_foreign_or_damaged_model_file_is_refused(how: str, ska_edge, iris_file: Path) -> None:
    Path("m.ska").write_bytes(damaged(iris_file.read_bytes(), how))
    for arguments in (("inspect", "m.ska"), ("firmware", "m.ska", "-o", "fw")):
        sentence = ska_edge(*arguments).refusal(2)
        assert "m.ska" in sentence
        assert "not a ska-edge model" in sentence or "damaged" in sentence
    assert left_behind() == ["m.ska"]


def test_a_data_file_in_place_of_a_model_is_refused(ska_edge, rows: Path) -> None:
    assert ska_edge("data", rows, "-o", "d.npz").code == 0
    assert "d.npz is not a ska-edge model" in ska_edge("inspect", "d.npz").refusal(2)


# --- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", ["0", "-0.5", "nan", "inf", "8", "1e9", "1e300", "1e-300"])
def test_a_rate_out_of_range_is_refused(rate: str, ska_edge, rows: Path) -> None:
    sentence = ska_edge("train", rows, "-o", "new.ska", *QUICK, "--rate", rate).refusal(2)
    assert "rate" in sentence
    assert left_behind() == []


@pytest.mark.parametrize("hidden", ["0", "4,0,4", "-3", "4,x", "4.5"])
def test_hidden_that_is_not_a_list_of_widths_is_refused(hidden: str, ska_edge, rows: Path) -> None:
    outcome = ska_edge("train", rows, "-o", "new.ska", "--epochs", "1", "--hidden", hidden)
    assert "'--hidden'" in outcome.usage()
    assert left_behind() == []


@pytest.mark.parametrize(
    "option",
    [
        ("--epochs", "0"),
        ("--seed", "-1"),
        ("--batch", "0"),
        ("--batch", "many"),
        ("--steps", "0"),
        ("--rule", "other"),
        ("--precision", "w1a1"),
    ],
)
def test_an_impossible_option_is_refused(option: tuple[str, str], ska_edge, rows: Path) -> None:
    assert option[0] in ska_edge("train", rows, "-o", "new.ska", *option).usage()
    assert left_behind() == []


@pytest.mark.parametrize("fraction", ["-0.1", "1", "0.99"])
def test_a_test_fraction_that_leaves_no_rows_is_refused(
    fraction: str, ska_edge, rows: Path
) -> None:
    outcome = ska_edge("train", rows, "-o", "new.ska", *QUICK, "--test-fraction", fraction)
    assert "test fraction" in outcome.refusal(2)


def test_log_of_float_steps_is_refused_before_it_is_opened(ska_edge, rows: Path) -> None:
    options = (*QUICK, "--arithmetic", "float", "--log", "steps.jsonl")
    assert "--log" in ska_edge("train", rows, "-o", "new.ska", *options).refusal(2)
    assert left_behind() == []


def test_initial_weights_that_do_not_exist_are_refused(ska_edge, rows: Path) -> None:
    outcome = ska_edge("train", rows, "-o", "new.ska", *QUICK, "--init", "none.npz")
    assert "there is no file none.npz" in outcome.refusal(2)
    assert left_behind() == []


def test_run_refuses_what_a_device_cannot_learn_before_it_trains(ska_edge, rows: Path) -> None:
    run = functools.partial(ska_edge, "run", rows, "--board", "host", *QUICK)
    assert "one sample at a time" in run("--batch", "4").refusal(2)
    assert "'--samples'" in run("--samples", "0").usage()
    assert run("--test-fraction", "0").code == 2
    assert left_behind() == []


def test_more_samples_than_rows_are_refused(ska_edge, iris_file: Path) -> None:
    outcome = ska_edge("verify", iris_file, "iris", "--board", "host", "--samples", "151")
    assert "--samples is 151, but iris has 150 rows" in outcome.refusal(2)


# --- places to write to ---------------------------------------------------------------------------


def test_an_output_in_a_missing_folder_is_refused(ska_edge, iris_file: Path, rows: Path) -> None:
    for arguments in (
        ("train", rows, "-o", "none/m.ska", *QUICK),
        ("data", rows, "-o", "none/d.npz"),
        ("export", iris_file, "-o", "none/m.onnx"),
        ("train", rows, "-o", "m.ska", *QUICK, "--log", "none/steps.jsonl"),
        ("run", rows, "--board", "host", "-o", "none/run", *QUICK),
    ):
        assert "none" in ska_edge(*arguments).refusal(2)
    assert left_behind() == []


def test_an_output_that_is_a_folder_is_refused(ska_edge, iris_file: Path, rows: Path) -> None:
    Path("d.npz").mkdir()
    assert "d.npz" in ska_edge("train", rows, "-o", "d.npz", *QUICK).refusal(2)
    assert "d.npz" in ska_edge("data", rows, "-o", "d.npz").refusal(2)
    assert "d.npz" in ska_edge("export", iris_file, "-o", "d.npz").refusal(2)
    assert left_behind() == ["d.npz"]


def test_a_folder_without_permission_is_refused(
    ska_edge, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The superuser may write everywhere, so the test fakes the system's answer.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "no permission" in ska_edge("train", rows, "-o", "m.ska", *QUICK).refusal(2)
    assert left_behind() == []


def test_a_project_in_place_of_a_file_is_refused(ska_edge, iris_file: Path, rows: Path) -> None:
    Path("file").write_text("mine")
    assert "file is a file" in ska_edge("firmware", iris_file, "-o", "file").refusal(2)
    assert "file" in ska_edge("firmware", iris_file, "-o", "file/fw").refusal(2)
    assert "file is a file" in ska_edge("run", rows, "--board", "host", "-o", "file").refusal(2)
    assert (left_behind(), Path("file").read_text()) == (["file"], "mine")


def test_a_project_in_a_folder_with_other_files_is_refused(ska_edge, iris_file: Path) -> None:
    Path("home").mkdir()
    Path("home/diary.txt").write_text("mine")
    assert "home is not empty" in ska_edge("firmware", iris_file, "-o", "home").refusal(2)
    assert left_behind() == ["home", "home/diary.txt"]


@pytest.mark.parametrize("command", [("build",), ("flash",), ("flash", "--stop")])
def test_a_folder_with_no_project_is_refused(command: tuple[str, ...], ska_edge) -> None:
    Path("empty").mkdir()
    for folder in ("empty", "none"):
        sentence = ska_edge(*command, folder).refusal(2)
        assert f"{folder} holds no ska-edge project" in sentence
    assert left_behind() == ["empty"]


def test_flash_before_build_is_refused(ska_edge, iris_file: Path) -> None:
    assert ska_edge("firmware", iris_file, "--board", "host", "-o", "fw").code == 0
    assert "run ska-edge build fw" in ska_edge("flash", "fw").refusal(2)


# --- boards and ports -----------------------------------------------------------------------------


def test_an_unknown_board_is_answered_with_the_known_ones(
    ska_edge, iris_file: Path, rows: Path
) -> None:
    for arguments in (
        ("firmware", iris_file, "--board", "z80", "-o", "fw"),
        ("verify", iris_file, "iris", "--board", "z80"),
        ("run", rows, "--board", "z80", *QUICK),
    ):
        sentence = ska_edge(*arguments).refusal(2)
        assert "there is no board 'z80'; choose one of esp32-c3, host" in sentence
    assert left_behind() == []


def test_an_unknown_toolchain_is_refused(ska_edge, iris_file: Path) -> None:
    assert ska_edge("firmware", iris_file, "--board", "host", "-o", "fw").code == 0
    assert "no toolchain 'turbo'" in ska_edge("build", "fw", "--toolchain", "turbo").refusal(2)


def test_a_board_and_a_port_at_once_are_refused(ska_edge, iris_file: Path) -> None:
    outcome = ska_edge("verify", iris_file, "iris", "--board", "host", "--port", "/dev/none")
    assert "--board or --port, not both" in outcome.refusal(2)


def test_a_port_that_does_not_exist_is_an_error(ska_edge, iris_file: Path) -> None:
    for arguments in (("verify", iris_file, "iris"), ("monitor",), ("monitor", iris_file, "iris")):
        sentence = ska_edge(*arguments, "--port", "/dev/none").refusal(3)
        assert "there is no port /dev/none" in sentence


def test_a_file_in_place_of_a_port_is_an_error(ska_edge) -> None:
    Path("file").write_text("mine")
    assert "file is a file, not a serial port" in ska_edge("monitor", "--port", "file").refusal(3)


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("", "there is no port ''"),
        ("/dev", "/dev is a directory, not a serial port"),
        ("/dev/null", "another kind of device, not a serial port"),
        ("/dev/none*", "no port matches '/dev/none*'"),
        ("usb:NONE", "no USB port has the serial number 'NONE'"),
        ("socket://localhost", "'socket://localhost' is no address of a port"),
        ("telnet://localhost:1", "write socket://HOST:PORT or rfc2217://HOST:PORT"),
        ("socket://127.0.0.1:1", "127.0.0.1:1 refused the connection"),
        ("rfc2217://127.0.0.1:1", "127.0.0.1:1 refused the connection"),
    ],
)
def test_a_port_with_an_impossible_name_is_refused(ska_edge, port: str, words: str) -> None:
    assert words in ska_edge("monitor", "--port", port).refusal(3)


@pytest.mark.parametrize("baud", ["0", "-9600", "1199", "921601", "fast", "115200.0", "1e6"])
def test_an_impossible_speed_is_refused(ska_edge, baud: str) -> None:
    assert "'--baud'" in ska_edge("monitor", "--port", "/dev/none", "--baud", baud).usage()


@pytest.mark.parametrize("baud", ["1200", "76800", "250000", "500000", "921600"])
def test_a_speed_of_some_uart_is_accepted(ska_edge, baud: str) -> None:
    assert "no port" in ska_edge("monitor", "--port", "/dev/none", "--baud", baud).refusal(3)


def test_a_port_that_does_not_answer_is_an_error(
    ska_edge, iris_file: Path, silent_port: str, impatient: None
) -> None:
    for arguments in (("verify", iris_file, "iris"), ("monitor",)):
        sentence = ska_edge(*arguments, "--port", silent_port).refusal(3)
        assert f"the device at {silent_port} does not answer" in sentence


def test_no_port_or_several_ports_are_an_error(ska_edge, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [PortInfo("/dev/unused", "n/a", False)]
    monkeypatch.setattr(port, "list_ports", lambda: ports)
    assert "no device" in ska_edge("monitor").refusal(3)
    ports += [PortInfo(f"/dev/{name}", "", True) for name in ("one", "two")]
    assert "2 ports (/dev/one, /dev/two)" in ska_edge("monitor").refusal(3)


@pytest.mark.parametrize("option", ["--split", "--save", "--halve-rate=1", "--save-every=5"])
def test_a_model_without_data_is_refused(ska_edge, iris_file: Path, option: str) -> None:
    name = option.partition("=")[0]
    assert f"{name} does nothing without DATA" in ska_edge("monitor", iris_file, option).refusal(2)


def test_verify_and_monitor_refuse_a_device_with_another_plan(
    ska_edge,
    iris_file: Path,
    iris: Model,
    write_host_project: Callable[[Model, Path], Path],
    launched: Callable[[Path], str],
) -> None:
    plan = make_plan((4, 5, 3))
    other = Model(plan, State(plan), Scaling(np.zeros(4), np.ones(4)))
    port = launched(write_host_project(other, Path("fw")))
    for command in (("verify",), ("monitor", "--log", "steps.jsonl")):
        sentence = ska_edge(*command, iris_file, "iris", "--port", port).refusal(3)
        assert f"runs the plan {plan.digest}, not {iris.plan.digest}" in sentence
    assert not Path("steps.jsonl").exists()


# --- Ctrl-C ---------------------------------------------------------------------------------------


def test_ctrl_c_ends_with_130_and_writes_no_model(rows: Path) -> None:
    # A pipe takes the place of the log. The log is far longer than the pipe's buffer, so the
    # training waits until the test reads it. This avoids a race.
    os.mkfifo("steps")
    options = ("-o", "m.ska", "--log", "steps", "--epochs", "1000")
    with heeded():
        process = subprocess.Popen(
            [sys.executable, "-m", "ska_edge", "train", rows, *options],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    with open("steps", encoding="utf-8") as steps:
        assert steps.readline().startswith('{"step": 1,')
        process.send_signal(signal.SIGINT)
        for _ in steps:
            pass
    out, err = process.communicate(timeout=30)
    # The empty line before the message ends the line with the terminal's "^C".
    assert (process.returncode, out) == (130, "")
    assert [line for line in err.splitlines() if line] == [
        "nothing of this training was kept; --checkpoint FILE would keep it",
        "ska-edge: stopped",
    ]
    assert left_behind() == ["steps"]


# --- outputs that would destroy inputs -----------------------------------------------------------


def test_an_output_never_overwrites_a_file_of_a_data_set(
    ska_edge, iris_file: Path, rows: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "sess"
    folder.mkdir()
    one, two = folder / "s0.csv", folder / "s1.csv"
    for file in (one, two):
        file.write_bytes(rows.read_bytes())
    images, labels = tmp_path / "a-images-idx3-ubyte", tmp_path / "a-labels-idx1-ubyte"
    images.write_bytes(b"")
    labels.write_bytes(b"")
    for arguments in (
        ("train", folder, "-o", two),
        ("train", folder, "-o", "m.ska", "--log", two),
        ("train", folder, "-o", "m.ska", "--checkpoint", two),
        ("run", folder, "--log", two),
        ("predict", iris_file, f"{one},{two}", "-o", two),
        ("export", iris_file, "-o", two, "--data", f"{folder}/*.csv"),
        ("export", iris_file, "-o", two, "--data", f"{tmp_path}/s*"),  # a folder in a pattern
        ("data", folder, "-o", two),
        ("monitor", iris_file, folder, "--log", two, "--overwrite"),
        ("train", images, "-o", labels),
    ):
        assert "is read by this command" in ska_edge(*arguments).refusal(2)
    assert one.read_bytes() == two.read_bytes() == rows.read_bytes()


def test_an_output_never_overwrites_an_input(ska_edge, iris_file: Path, rows: Path) -> None:
    data, model = rows.read_bytes(), iris_file.read_bytes()
    for arguments in (
        ("train", rows, "-o", rows),
        ("train", rows, "-o", "m.ska", "--log", rows),
        ("export", iris_file, "-o", iris_file),
        ("export", iris_file, "-o", rows, "--data", rows),
        ("data", rows, "-o", rows),
        ("monitor", iris_file, rows, "--log", iris_file),
    ):
        assert "is read by this command" in ska_edge(*arguments).refusal(2)
    assert "written twice" in ska_edge("train", rows, "-o", "m", "--log", "m").refusal(2)
    assert (rows.read_bytes(), iris_file.read_bytes()) == (data, model)


@pytest.mark.parametrize("command", ["export", "train"])
def test_a_folder_is_refused_as_an_output_file(ska_edge, iris_file: Path, command: str) -> None:
    source = iris_file if command == "export" else "iris"
    assert ". is a folder" in ska_edge(command, source, "-o", ".").refusal(2)


# --- where files are written ----------------------------------------------------------------------


def test_an_output_that_is_a_link_stays_a_link(ska_edge, rows: Path) -> None:
    Path("target").mkdir()
    Path("model.ska").symlink_to("target/kept.ska")
    for _ in range(2):
        assert ska_edge("train", rows, "-o", "model.ska", *QUICK).code == 0
        assert Path("model.ska").is_symlink()
        Path("target/kept.ska").chmod(0o600)
    assert Path("target/kept.ska").stat().st_mode & 0o777 == 0o600
    assert left_behind() == ["model.ska", "target", "target/kept.ska"]


def test_an_output_that_is_a_pipe_or_a_device_is_written_to(ska_edge, rows: Path) -> None:
    before = os.stat(os.devnull).st_rdev
    Path("null").symlink_to(os.devnull)
    assert ska_edge("train", rows, "-o", "null", *QUICK).code == 0
    assert os.stat(os.devnull).st_rdev == before
    outcome = ska_edge("train", rows, "-o", "/dev/full", *QUICK)
    assert outcome.code == 2
    assert outcome.err == "ska-edge: cannot write /dev/full: No space left on device\n"
    assert left_behind() == ["null"]


def test_an_output_in_a_circle_of_links_is_refused_before_the_work(ska_edge, rows: Path) -> None:
    Path("model.ska").symlink_to("model.ska")
    sentence = ska_edge("train", rows, "-o", "model.ska", *QUICK).refusal(2)
    assert sentence.startswith("ska-edge: cannot write model.ska: ")
