"""Lists all commands, with their group and one-line description in `ska-edge --help`."""

from __future__ import annotations

import click

from ska_edge.cli.commands.bench import bench
from ska_edge.cli.commands.board import board
from ska_edge.cli.commands.boards import boards, ports
from ska_edge.cli.commands.build import build
from ska_edge.cli.commands.check_onnx import check_onnx
from ska_edge.cli.commands.dashboard import dashboard
from ska_edge.cli.commands.data import data
from ska_edge.cli.commands.doctor import doctor
from ska_edge.cli.commands.evaluate import evaluate
from ska_edge.cli.commands.export import export
from ska_edge.cli.commands.firmware import firmware
from ska_edge.cli.commands.flash import flash
from ska_edge.cli.commands.inspect import inspect
from ska_edge.cli.commands.monitor import monitor
from ska_edge.cli.commands.new import new
from ska_edge.cli.commands.predict import predict
from ska_edge.cli.commands.pull import pull
from ska_edge.cli.commands.push import push
from ska_edge.cli.commands.record import record
from ska_edge.cli.commands.replay import replay
from ska_edge.cli.commands.report import report
from ska_edge.cli.commands.run import run
from ska_edge.cli.commands.save import save
from ska_edge.cli.commands.sweep import sweep
from ska_edge.cli.commands.teach import teach
from ska_edge.cli.commands.train import train
from ska_edge.cli.commands.verify import verify

GROUPS: dict[str, tuple[tuple[click.Command, str], ...]] = {
    "Data": (
        (new, "Start a project: a folder with ska.toml and a README."),
        (record, "Record what a board prints, for training on windows."),
        (data, "Describe a data set, or write it as npz."),
    ),
    "Train": (
        (run, "Do it all: train, export, build, flash, verify."),
        (train, "Train on data, and write a model."),
        (sweep, "Train with every combination of options, and compare."),
        (evaluate, "Show the accuracy and the confusion of a model on data."),
        (predict, "Classify rows, labeled or not, on the host or on a device."),
        (inspect, "Show a model, and the proof that no sum overflows."),
        (report, "Write a page with the figures of a model or a log."),
        (export, "Write a model as ONNX, checked against the trainer."),
        (check_onnx, "Import a network from another program's ONNX file."),
    ),
    "Device": (
        (boards, "List the boards for which firmware can be generated."),
        (board, "Create your own board, or show a board."),
        (firmware, "Write a C project for a board from a model."),
        (build, "Compile a project, and measure flash, RAM and stack."),
        (flash, "Flash a project to its board, or start an emulated board."),
        (ports, "List serial ports, and running emulated boards."),
        (monitor, "Let devices learn rows, with live metrics."),
        (dashboard, "Show devices that learn, live in a browser page."),
        (teach, "Teach a device a new class with a few rows."),
        (verify, "Prove that a device learns what the host learns."),
        (save, "Save a device's state so that it survives a restart."),
        (pull, "Read a device's state into a model file."),
        (push, "Send a model's state to a device."),
        (replay, "Rebuild a device's state from its log."),
    ),
    "Developer": (
        (doctor, "Show which tools are missing here, and how to get them."),
        (bench, "Count instructions, flash, RAM and stack on a board."),
    ),
}
