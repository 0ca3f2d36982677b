"""The fuzzers run briefly and find every planted defect; `make fuzz` runs them for longer."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ska_edge.wire.frame import FrameDecoder
from ska_edge.wire.protocol import BY_CODE, MESSAGES
from tests.conftest import without
from tests.fuzz.corpus import FOLDER, PLANS, seeds
from tests.fuzz.programs import compile_program, write_sources
from tests.fuzz.run import campaign, fuzzer

RANDOM_BYTES, MUTATED_FRAMES, FUZZER_RUNS = 30_000, 40_000, 3_000
TIME_LIMIT_S = 300  # a run takes a second; the limit only ends a run that hangs


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False
    )


def figures(text: str) -> list[dict[str, int]]:
    """Return the counts of the two parts of a campaign."""
    parts = re.split(r"^\d+ .*\n", text, flags=re.M)[1:]
    return [
        {name: int(count) for name, count in re.findall(r"^  (\S.*?) {2,}(\d+)$", part, re.M)}
        for part in parts
    ]


@pytest.fixture(scope="module")
def with_libfuzzer(
    tmp_path_factory: pytest.TempPathFactory, require_toolchain: Callable[[str], str]
) -> str:
    """Return the name of clang, or skip the test if it lacks libFuzzer."""
    clang, folder = require_toolchain("clang"), tmp_path_factory.mktemp("libfuzzer")
    (folder / "one.c").write_text("int LLVMFuzzerTestOneInput(void) { return 0; }\n")
    command = [clang, "-fsanitize=fuzzer", "one.c", "-o", "one"]
    if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0:
        without("clang has no libFuzzer here (apt-get install libclang-rt-14-dev)")
    return clang


# --- the corpus -----------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS)
def test_the_corpus_is_that_of_the_table(plan: str) -> None:
    """After a change of the protocol or of a plan, run `python -m tests.fuzz.corpus`."""
    found = {path.name: path.read_bytes() for path in (FOLDER / plan).iterdir()}
    assert found == seeds(PLANS[plan])
    last = [FrameDecoder().feed(found[message.name.lower()])[-1] for message in MESSAGES]
    assert [BY_CODE[frame.code] for frame in last] == list(MESSAGES)


# --- the campaign ---------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS)
def test_a_campaign_breaks_nothing_and_is_the_same_each_time(
    plan: str, require_toolchain: Callable[[str], str], images: Path, tmp_path: Path
) -> None:
    sources, texts = write_sources(plan, tmp_path), []
    for compiler in ("gcc", "clang"):
        program = compile_program("campaign", sources, require_toolchain(compiler), images)
        done = run(campaign(program, plan, RANDOM_BYTES, MUTATED_FRAMES))
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        texts.append(done.stdout)
    assert texts[0] == texts[1]
    noise, mutated = figures(texts[0])
    for counts in (noise, mutated):
        assert counts["changes by bad frames"] == counts["promises broken"] == 0
    assert noise["bytes received"] > RANDOM_BYTES
    assert noise["frames"] > RANDOM_BYTES / 100
    # A campaign in which no frame or every frame is accepted would show little.
    assert MUTATED_FRAMES / 4 < mutated["frames with a good CRC"] < mutated["frames"]
    handled = ("executed", "answered again", "out of turn", "refused in turn")
    for what in handled:
        assert mutated[f"requests {what}"] > MUTATED_FRAMES / 20
    assert mutated["states pushed"] > 0
    assert mutated["states saved"] > 0
    assert sum(mutated[f"requests {what}"] for what in handled) == mutated["frames with a good CRC"]


# Each defect comes with the message that it must cause.
PLANTS = {
    "no end of the buffer": (
        "ska_frame.c",
        "if (decoder->length >= SKA_FRAME_MAX) {",
        "if (decoder->length > 2u * SKA_FRAME_MAX) {",
        "runtime error: index",
    ),
    "no CRC": (
        "ska_frame.c",
        "return ska_bytes_get_u16(&content[end]) == crc_of(SKA_CRC_START, content, end);",
        "(void)content[end];\n    return true;",
        r"changes by bad frames +[1-9]",
    ),
    "half a CRC": (
        "ska_frame.c",
        "return ska_bytes_get_u16(&content[end]) == crc_of(SKA_CRC_START, content, end);",
        "return content[end] == (crc_of(SKA_CRC_START, content, end) & 255u);",
        r"changes by bad frames +[1-9]",
    ),
    "lost until the next start": (
        "ska_frame.c",
        "    decoder->broken = false;\n",
        "",
        "a device answers and learns after all that came|what is no good frame is counted",
    ),
    "learned again": (
        "ska_device.c",
        "    if (!repeated) {\n",
        "    if (!repeated || device->session.open) {\n",
        "a repeated request is answered as before",
    ),
    "turned back": (
        "ska_session.c",
        "return session->open && frame->seq == session->hello ?",
        "return false ?",
        "what is out of turn is refused",
    ),
    "any number": (
        "ska_request.c",
        "if (sample.number != next) {",
        "if (false) {",
        "a request changes what it is for, and only when it fits",
    ),
    "any token": (
        "ska_request.c",
        "if (rate.token != device->token) {",
        "if (false) {",
        "a request changes what it is for, and only when it fits",
    ),
    "a class of another state": (
        "ska_request.c",
        "if (added.token != device->token) {",
        "if (false) {",
        "a request changes what it is for, and only when it fits",
    ),
    "a token for another state": (
        "ska_request.c",
        "if (given.crc != ska_state_crc(&device->network)) {",
        "if (false) {",
        "a request changes what it is for, and only when it fits",
    ),
    "a token that stays": (
        "ska_request.c",
        "    ska_init(&device->network);\n    device->token = 0;\n",
        "    ska_init(&device->network);\n",
        "a token lasts as long as the state learns on",
    ),
    "any label": (
        "ska.c",
        "if (label >= SKA_CLASSES) {",
        "if (0) {",
        "runtime error: index|AddressSanitizer",
    ),
    "any offset": (
        "ska_request.c",
        "pull.offset < SKA_STATE_BYTES",
        "true",
        "runtime error|AddressSanitizer",
    ),
    "any length": (
        "ska_request.c",
        "if (frame->length != SKA_MESSAGE_RESET_SIZE) {",
        "if (false) {",
        "a request changes what it is for, and only when it fits",
    ),
    "half a sample": (
        "ska_request.c",
        "raw.data_count % (2u * SKA_FRONT_AXES) != 0u",
        "false",
        "a request changes what it is for, and only when it fits|AddressSanitizer",
    ),
    "any offset of a window": (
        "ska_request.c",
        "features.offset < SKA_FRONT_BYTES",
        "true",
        "runtime error|AddressSanitizer",
    ),
    "a window that is learned twice": (
        "ska_window.c",
        "if (!is_open(window) || given.window != window->number) {",
        "if (given.window != window->number) {",
        "a request changes what it is for, and only when it fits",
    ),
    "a refusal that learns": (
        "ska_request.c",
        "return ska_outcome(SKA_STATUS_LABEL, sample.label);",
        "device->network.samples++; return ska_outcome(SKA_STATUS_LABEL, sample.label);",
        "a refused request changes nothing",
    ),
    "any counter": (
        "ska.c",
        "if (ska->rate_halvings > SKA_RATE_HALVINGS_MAX) {",
        "if (0) {",
        "the counters of a network stay in their range|runtime error",
    ),
    "one piece is enough": (
        "ska_push.c",
        "return push->offset == SKA_STATE_BYTES ? push_end(push, network)\n",
        "network->samples = push->offset;\n"
        "return push->offset > SKA_STATE_BYTES ? push_end(push, network)\n",
        "a request changes what it is for, and only when it fits",
    ),
    "written without an erase": (
        "ska_journal.c",
        "if ((erase && !slot_erase(slot)) ||",
        "if ((erase && slot > 1u && !slot_erase(slot)) ||",
        "memory is erased before it is written",
    ),
    "two answers": (
        "ska_device.c",
        "    ska_request_answer(device, frame);\n",
        "    ska_request_answer(device, frame);\n    ska_request_answer(device, frame);\n",
        "a good frame is answered once",
    ),
    "a bit of a bad frame": (
        "ska_main.c",
        "        if (ska_device_feed(",
        "        device.network.parameters[0] ^= device.decoder.dropped > 40u;\n"
        "        if (ska_device_feed(",
        r"changes by bad frames +[1-9]",
    ),
}


@pytest.mark.parametrize("defect", PLANTS)
def test_a_campaign_finds_a_planted_defect(
    defect: str, require_toolchain: Callable[[str], str], images: Path, tmp_path: Path
) -> None:
    file, good, bad, said = PLANTS[defect]
    sources = write_sources("local", tmp_path)
    text = (sources / file).read_text()
    assert good in text
    (sources / file).write_text(text.replace(good, bad))
    program = compile_program("campaign", sources, require_toolchain("clang"), images)
    done = run(campaign(program, "local", RANDOM_BYTES, MUTATED_FRAMES))
    assert done.returncode != 0
    assert re.search(said, done.stdout + done.stderr), done.stdout + done.stderr


# --- libFuzzer ------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", ["fuzz_firmware", "fuzz_frame"])
@pytest.mark.parametrize("plan", PLANS)
def test_libfuzzer_finds_nothing(
    plan: str, program: str, with_libfuzzer: str, images: Path, tmp_path: Path
) -> None:
    made = compile_program(program, write_sources(plan, tmp_path), with_libfuzzer, images)
    done = run(fuzzer(made, plan, FUZZER_RUNS, tmp_path / "found"))
    assert done.returncode == 0, done.stderr
    assert f"Done {FUZZER_RUNS} runs" in done.stderr
    assert list((tmp_path / "found").iterdir())  # libFuzzer found new paths through the code


@pytest.mark.parametrize(
    ("program", "defect"),
    [("fuzz_firmware", "any offset"), ("fuzz_firmware", "no CRC"), ("fuzz_frame", "half a CRC")],
)
def test_libfuzzer_finds_a_planted_defect(
    program: str, defect: str, with_libfuzzer: str, images: Path, tmp_path: Path
) -> None:
    file, good, bad, _ = PLANTS[defect]
    sources = write_sources("local", tmp_path)
    (sources / file).write_text((sources / file).read_text().replace(good, bad))
    made = compile_program(program, sources, with_libfuzzer, images)
    done = run(fuzzer(made, "local", 100 * FUZZER_RUNS, tmp_path / "found"))
    assert done.returncode != 0
    assert list((tmp_path / "found").glob("crash-*"))
