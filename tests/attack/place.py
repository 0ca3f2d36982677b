"""Keep a folder with one good file of each kind; restore it after every attempt that changed it."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import pandas
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from serial.tools import list_ports  # type: ignore[import-untyped]

from firmware_gen.project import write_project
from ska_edge.data.dataset import Dataset, save
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from tests.attack.attempt import Attempt, destroyed, run, snapshot

FIXTURES = Path(__file__).parents[1] / "fixtures"
DEVICES = ("/dev/null", "/dev/full")


class Place:
    """The folder in which commands run; `enter` makes it the current folder.

    Attributes:
        folder: its path.
        model: the content of `m.ska`: 4 inputs, 3 classes.
    """

    def __init__(self, base: Path) -> None:
        self.folder, self._good = base / "work", base / "good"
        _fill(self._good)
        shutil.copytree(self._good, self.folder, symlinks=True)
        self._content = snapshot(self.folder)
        self.model: Model = open_model(self._good / "m.ska")

    @contextlib.contextmanager
    def enter(self) -> Iterator[None]:
        """Work in the folder, with a separate registry of boards and no real ports."""
        before, runtime = Path.cwd(), os.environ.get("XDG_RUNTIME_DIR")
        real, list_ports.comports = list_ports.comports, list
        registry = self.folder.parent / "runtime"
        registry.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(registry)
        os.chdir(self.folder)
        try:
            yield
        finally:
            os.chdir(before)
            list_ports.comports = real
            os.environ.pop("XDG_RUNTIME_DIR")
            if runtime is not None:
                os.environ["XDG_RUNTIME_DIR"] = runtime

    def attempt(self, arguments: Sequence[str], **files: bytes) -> tuple[Attempt, list[str]]:
        """Run a command after replacing some files; return the attempt and all of its faults."""
        content = dict(self._content)
        for name, replaced in files.items():
            Path(name).write_bytes(replaced)
            content[name] = replaced
        attempt = run(arguments)
        after = snapshot(self.folder)
        found = attempt.faults() + destroyed(attempt, content, after)
        for device in DEVICES:
            if not stat.S_ISCHR(os.stat(device).st_mode):
                found.append(f"{device} is no device any more")
        if after != self._content:
            self.restore()
        return attempt, found

    def restore(self) -> None:
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        shutil.copytree(self._good, self.folder, symlinks=True, dirs_exist_ok=True)


def _foreign(weights: Mapping[str, NDArray[np.float64]]) -> onnx.ModelProto:
    """Return a network 4-4-3 with these weights, as another program might export it."""
    nodes, value = [], "x"
    for layer, activation in enumerate(("Sigmoid", "Softmax")):
        names = [value, f"W{layer}", f"b{layer}"]
        nodes.append(helper.make_node("Gemm", names, [f"z{layer}"], transB=1))
        value = f"d{layer}"
        nodes.append(helper.make_node(activation, [f"z{layer}"], [value]))
    ends = [
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, size])]
        for name, size in (("x", 4), (value, 3))
    ]
    tensors = [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()]
    model = helper.make_model(helper.make_graph(nodes, "mlp", *ends, tensors))
    helper.set_model_props(model, {"author": "another program"})
    return model


def _tables(folder: Path, names: list[str], rows: list[list[str]]) -> None:
    """Write rows as ARFF, .ts and Parquet; the last column has the labels."""
    labels = ",".join(sorted({row[-1] for row in rows}))
    heads = [*(f"@attribute {name} numeric" for name in names[:-1])]
    heads += [f"@attribute {names[-1]} {{{labels}}}", "@data"]
    arff = ["@relation rows", *heads, *(",".join(row) for row in rows)]
    (folder / "rows.arff").write_text("\n".join(arff) + "\n")
    classes = labels.replace(",", " ")
    heads = ["@problemName rows", "@univariate true", f"@classLabel true {classes}", "@data"]
    series = [f"{','.join(row[:-1])}:{row[-1]}" for row in rows]
    (folder / "rows.ts").write_text("\n".join([*heads, *series]) + "\n")
    columns = {name: [float(row[at]) for row in rows] for at, name in enumerate(names[:-1])}
    table = pandas.DataFrame({**columns, names[-1]: [row[-1] for row in rows]})
    table.to_parquet(folder / "rows.parquet")


def _fill(folder: Path) -> None:
    """Write one small good file of each kind, and links, one of which points to itself."""
    folder.mkdir()
    for name, source in (
        ("m.ska", "version_3.ska"),
        ("m.onnx", "version_3.onnx"),
        ("rows.csv", "data.csv"),
        ("steps.jsonl", "monitor.jsonl"),
    ):
        shutil.copyfile(FIXTURES / source, folder / name)
    model = open_model(folder / "m.ska")
    random = np.random.default_rng(0)
    x = random.integers(0, 255, (24, model.plan.inputs)).astype(float)
    save(Dataset("rows", x, np.arange(24) % 3, model.plan.labels), folder / "rows.npz")
    sizes = [4, 4, 3]
    weights = {
        f"{name}{layer}": random.normal(size=shape)
        for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes))
        for name, shape in (("W", (fan_out, fan_in)), ("b", (fan_out,)))
    }
    np.savez(folder / "weights.npz", **weights)
    onnx.save(_foreign(weights), folder / "foreign.onnx")
    images = random.integers(0, 256, (12, 2, 2)).astype(np.uint8).tobytes()
    header = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (12, 2, 2))
    (folder / "digits-images-idx3-ubyte").write_bytes(header + images)
    labels = b"\0\0\x08\x01" + (12).to_bytes(4, "big") + bytes(n % 3 for n in range(12))
    (folder / "digits-labels-idx1-ubyte").write_bytes(labels)
    header, *rows = (folder / "rows.csv").read_text().splitlines()
    wide = [f"t,who,{header}", *(f"{number},{number % 2},{row}" for number, row in enumerate(rows))]
    (folder / "wide.csv").write_text("\n".join(wide) + "\n")
    _tables(folder, header.split(","), [row.split(",") for row in rows])
    (folder / "text").write_text("nothing of ska-edge\n")
    (folder / "device.key").write_text("0f" * 32 + "\n")
    (folder / "empty").touch()
    for name, target in (("link", "text"), ("dangling", "nowhere"), ("loop", "loop")):
        (folder / name).symlink_to(target)
    write_project(
        model.plan, model.state.parameters, "host", folder / "project", model.scaling.as_dict()
    )
