"""Two models with different names in one program learn to their trainers' states, bit for bit.

They run in one image on boards, and in one program of C or C++ on this computer, as two static
libraries. The models differ in sizes, rule and precision, so a mix-up would change their memory.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import serial

import ska_edge
from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from firmware_gen.export.write import write_export
from firmware_gen.project import write_project
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan

ROWS = 30
PLANS = {
    "wake": make_plan((7, 6, 3), input_format=QFormat(8, 5), replay=Replay(2, 1)),
    "gest": make_plan((12, 5, 5, 4), rule="feedback", precision="w32a16", seed=3),
}
# The board defines the functions that model wake calls. The host selects a model by its letter,
# after more zero bytes than there are between two frames.
IMAGE = """\
#include "wake_board.h"
#include "wake_device.h"
#include "gest_board.h"
#include "gest_device.h"

static wake_device_t wake;
static gest_device_t gest;

const char gest_board_name[16] = "the same board";
void gest_board_write(uint8_t byte) { wake_board_write(byte); }

int main(void) {
    uint8_t zeros = 0;
    bool is_gest = false;
    wake_board_init();
    wake_device_init(&wake);
    gest_device_init(&gest);
    for (;;) {
        const int16_t byte = wake_board_read();
        if (byte < 0) {
            return 0;
        }
        if (zeros >= 8 && byte != 0) {
            is_gest = byte == 'g';
            zeros = 0;
            continue;
        }
        zeros = byte == 0 ? (uint8_t)(zeros + 1u) : 0u;
        if (is_gest && gest_device_feed(&gest, (uint8_t)byte)) {
            gest_device_poll(&gest);
        } else if (!is_gest && wake_device_feed(&wake, (uint8_t)byte)) {
            wake_device_poll(&wake);
        }
    }
}
"""
# The samples are ramps, so that they need no file.
PROGRAM = """\
#include <stdio.h>
#include "wake.h"
#include "wake_crc.h"
#include "gest.h"
#include "gest_crc.h"

static wake_t wake;
static gest_t gest;

int main(void) {
    wake_signal_t x[WAKE_INPUTS];
    gest_signal_t y[GEST_INPUTS];
    wake_init(&wake);
    gest_init(&gest);
    for (int row = 0; row < 30; row++) {
        for (int i = 0; i < WAKE_INPUTS; i++) {
            x[i] = (wake_signal_t)((row * 37 + i * 11) % 256 - 128);
        }
        for (int i = 0; i < GEST_INPUTS; i++) {
            y[i] = (gest_signal_t)((row * 37 + i * 11) % 256 - 128);
        }
        if (wake_learn(&wake, x, (uint16_t)(row % WAKE_CLASSES)) != WAKE_OK ||
            gest_learn(&gest, y, (uint16_t)(row % GEST_CLASSES)) != GEST_OK) {
            return 1;
        }
    }
    printf("%08lx %08lx\\n",
           (unsigned long)wake_crc32_update(0, wake_state(&wake, 0), WAKE_STATE_BYTES),
           (unsigned long)gest_crc32_update(0, gest_state(&gest, 0), GEST_STATE_BYTES));
    return 0;
}
"""
FLAGS = ("-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined")


def initial(plan: Plan) -> np.ndarray:
    return np.random.default_rng(plan.inputs).integers(-300, 300, plan.parameter_count)


def write(name: str, board: str, folder: Path, called: str | None = None) -> Path:
    plan = PLANS[name]
    write_project(plan, initial(plan), board, folder, name=name if called is None else called)
    return folder


def select(port: str, name: str) -> None:
    with serial.Serial(port) as line:
        line.write(bytes(9) + name[:1].encode())
        line.flush()


@pytest.mark.parametrize("name", ["virtual-m4", "sim-atmega2560"])
def test_two_models_in_one_image_learn_their_own_bits(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board = require_board(name)
    project = write("wake", board.name, tmp_path / "wake")
    other = write("gest", board.name, tmp_path / "gest")
    (other / "src" / "gest_main.c").unlink()
    for path in (other / "src").iterdir():
        shutil.copyfile(path, project / "src" / path.name)
    (project / "src" / "wake_main.c").write_text(IMAGE)
    assert build(project).fits
    learned = {}
    with start(project) as running:
        for model_name, plan in PLANS.items():
            state = State(plan, initial(plan))
            model = Model(plan, state, Scaling(np.zeros(plan.inputs), np.ones(plan.inputs)))
            rng = np.random.default_rng(5)
            x, y = rng.normal(size=(ROWS, plan.inputs)), rng.integers(0, plan.classes, ROWS)
            trainer = FixedTrainer(State(plan, initial(plan)))
            for row, label in zip(model.quantize(x), y, strict=True):
                trainer.learn_one(row, int(label))
            learned[model_name] = (model, trainer.state.to_bytes())
            select(running.port, model_name)
            with ska_edge.connect(running.port, model) as device:
                assert device.verify((x, y)).samples == ROWS
        for model_name, (model, state_bytes) in learned.items():
            select(running.port, model_name)
            with ska_edge.connect(running.port, model) as device:
                assert device.pull().state.to_bytes() == state_bytes


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def library(project: Path, compiler: str, flags: tuple[str, ...] = FLAGS) -> Path:
    sources = [path for path in (project / "src").glob("*.c") if "_main" not in path.name]
    for source in sources:
        done = run(compiler, "-std=c99", *flags, "-c", source, "-o", source.with_suffix(".o"))
        assert done.returncode == 0, done.stderr
    objects = [source.with_suffix(".o") for source in sources]
    assert run("ar", "rcs", project / "model.a", *objects).returncode == 0
    return project / "model.a"


@pytest.mark.parametrize(("compiler", "main"), [("gcc", "main.c"), ("g++", "main.cpp")])
def test_two_libraries_in_one_program_learn_their_own_bits(
    compiler: str, main: str, require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    require_toolchain("gcc")
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    libraries = [library(write(name, "host", tmp_path / name), "gcc") for name in PLANS]
    (tmp_path / main).write_text(PROGRAM)
    folders = [f"-I{tmp_path / name / 'src'}" for name in PLANS]
    program = tmp_path / "program"
    done = run(compiler, *FLAGS, *folders, tmp_path / main, *libraries, "-o", program)
    assert done.returncode == 0, done.stderr
    expected = []
    for plan in PLANS.values():
        trainer = FixedTrainer(State(plan, initial(plan)))
        for row in range(ROWS):
            x = (row * 37 + np.arange(plan.inputs) * 11) % 256 - 128
            trainer.learn_one(x, row % plan.classes)
        expected.append(f"{trainer.state.crc:08x}")
    assert run(program).stdout.split() == expected


@pytest.mark.parametrize("linking", ["-Wl,--no-gc-sections", "-Wl,--gc-sections"])
def test_objects_of_two_models_do_not_link(
    linking: str, require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    """If they did link, one model would learn with the other's sizes and write beyond its own
    memory.
    """
    require_toolchain("gcc")
    one, two = (write(name, "host", tmp_path / name, "ska") for name in PLANS)
    archive = library(one, "gcc", ())
    main = tmp_path / "main.c"
    main.write_text('#include "ska.h"\nint main(void) { static ska_t s; ska_init(&s); return 0; }')
    good = run("gcc", linking, f"-I{one / 'src'}", main, archive, "-o", tmp_path / "good")
    assert good.returncode == 0, good.stderr
    mixed = run("gcc", linking, f"-I{two / 'src'}", main, archive, "-o", tmp_path / "mixed")
    assert mixed.returncode != 0
    assert f"ska_all_objects_have_model_{PLANS['gest'].digest}_" in mixed.stderr


@pytest.mark.parametrize("plans", [("wake", "gest"), ("wake", "wake")], ids=["plans", "weights"])
def test_the_headers_of_two_models_without_names_are_an_error(
    plans: tuple[str, str], require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    require_toolchain("gcc")
    for number, name in enumerate(plans):
        plan = PLANS[name]
        write_project(plan, initial(plan) + number, "host", tmp_path / f"model{number}")
    main = tmp_path / "main.c"
    main.write_text('#include "model0/src/ska.h"\n#include "model1/src/ska.h"\n')
    done = run("gcc", "-fsyntax-only", main)
    assert done.returncode != 0
    assert (
        "two models have the prefix ska_ here; write the firmware of one with another name"
        in done.stderr
    )
    main.write_text('#include "model0/src/ska.h"\n#include "model0/src/ska.h"\n')
    assert run("gcc", "-fsyntax-only", main).returncode == 0


def test_two_models_must_share_the_eeprom_of_an_avr(
    require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    compiler = require_toolchain("avr-gcc")
    for name, plan in PLANS.items():
        write_export("arduino", plan, initial(plan), tmp_path / name, prefix=name)
    command = [compiler, "-mmcu=atmega2560", "-fsyntax-only", tmp_path / "main.c"]
    (tmp_path / "main.c").write_text('#include "wake/src/wake.h"\n#include "gest/src/gest.h"\n')
    done = run(*command)
    assert "two models save in the whole EEPROM; define GEST_EEPROM_SIZE and GEST_" in done.stderr
    wake = ["-DWAKE_EEPROM_SIZE=1024u", "-DWAKE_STORAGE_ORIGIN=0u"]
    gest = ["-DGEST_EEPROM_SIZE=3072u", "-DGEST_STORAGE_ORIGIN=1024u"]
    assert run(*command, *wake, *gest).returncode == 0
