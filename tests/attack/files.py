"""Damage files at random or by their format, and choose commands that read them."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx

from ska_edge.files import npz_bytes

SEAL = 64  # hexadecimal digits at the end of a model file: the SHA-256 of the bytes before them
NASTY: list[Any] = [
    0, 1, -1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31, 2**32, 2**53, 2**63, 10**12,
    -(2**31), 10**30, 0.5, -0.0, 1e308, 5e-324, float("nan"), float("inf"), True, False, None, "",
    "x", "é\x1b[0m\n", "{nope}", "9" * 30, [], [0], [[]], [1, 2, 3, 4, 5], {}, {"x": 1},
]  # fmt: skip
NUMBER = re.compile(rb"-?\d+(\.\d+)?")
TEXT_NUMBERS = [b"", b"0", b"-1", b"1e400", b"nan", b"inf", b"9" * 40, b"0x10", b"1,2", b'"', b"x"]
ROUGH = ["--epochs", "1", "--hidden", "3"]

Damage = Callable[[Random, bytes], bytes]


def any_bytes(random: Random, content: bytes) -> bytes:
    """Change, cut, repeat, insert or remove bytes at up to four places."""
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, len(content))
        end = min(len(content), at + random.choice([1, 1, 4, 64, 1000]))
        piece = content[at:end]
        middle = random.choice([*_middles(piece), random.randbytes(len(piece) or 1)])
        content = content[:at] + middle + content[end:]
    return content[: random.randint(0, len(content))] if random.random() < 0.1 else content


def _middles(piece: bytes) -> list[bytes]:
    like = [piece * 2, bytes(len(piece)), b"\xff" * len(piece), piece[::-1]]
    return [b"", *like, b"\n", b"\r\n", b"\0", b"\xef\xbb\xbf"]


def any_number(random: Random, content: bytes) -> bytes:
    """Replace one or two of the numbers in a text, or remove, repeat, cut or replace a line."""
    if random.random() < 0.3:
        lines = content.splitlines(keepends=True) or [b""]
        at = random.randrange(len(lines))
        lines[at : at + 1] = random.choice(
            [[], [lines[at]] * 2, [lines[at][:-3]], lines[:2], [b","]]
        )
        content = b"".join(lines)
    for _ in range(random.randint(1, 2)):
        found = list(NUMBER.finditer(content))
        if found:
            place = random.choice(found)
            content = (
                content[: place.start()] + random.choice(TEXT_NUMBERS) + content[place.end() :]
            )
    return content


def any_value(random: Random, content: bytes) -> bytes:
    """Change, remove or add values in a JSON document or a file of JSON lines."""
    lines = (
        [json.loads(line) for line in content.decode().splitlines()] if b"}\n{" in content else None
    )
    document: Any = json.loads(content) if lines is None else random.choice(lines)
    for _ in range(random.randint(1, 2)):
        _change(random, document)
    if lines is None:
        return json.dumps(document).encode()
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()


def _change(random: Random, document: Any) -> None:
    places = [(inner, key) for inner in _containers(document) for key in _keys(inner)]
    if not places:
        return
    inner, key = random.choice(places)
    if random.random() < 0.1:
        del inner[key]
    elif random.random() < 0.1 and isinstance(inner, dict):
        inner[random.choice(["x", "", "é", str(key) + "_"])] = random.choice(NASTY)
    elif random.random() < 0.3 and isinstance(inner[key], (int, float)):
        inner[key] += random.choice([1, -1, 2, 8, -8, 1000])
    else:
        inner[key] = random.choice(NASTY)


def _containers(document: Any) -> list[Any]:
    if isinstance(document, dict):
        return [document, *(each for value in document.values() for each in _containers(value))]
    if isinstance(document, list):
        return [document, *(each for value in document for each in _containers(value))]
    return []


def _keys(container: Any) -> list[Any]:
    return list(container) if isinstance(container, dict) else list(range(len(container)))


def any_array(random: Random, content: bytes) -> bytes:
    """Change or remove an array in an npz file; sometimes add or replace another one."""
    arrays = _arrays(content)
    name = random.choice(sorted(arrays))
    array = arrays[name]
    with np.errstate(all="ignore"):
        changes: list[Callable[[], Any]] = [
            lambda: array[:-1] if array.ndim else array,
            lambda: array.reshape(-1),
            lambda: array[None],
            lambda: array[..., None],
            lambda: np.empty((0, *array.shape[1:]), array.dtype),
            lambda: np.zeros((), array.dtype),
            lambda: array.astype(random.choice(["u1", "i8", "f2", "f8", "c16", "S3", "U2", "?"])),
            lambda: np.full_like(array, random.choice([0, 1])),
            lambda: _with(
                random, array, random.choice([np.nan, np.inf, -np.inf, 1e308, 2.0**63, -1])
            ),
            lambda: np.concatenate([array, array]) if array.ndim else array,
        ]
        if random.random() < 0.1:
            del arrays[name]
        else:
            arrays[name] = random.choice(changes)()
        if random.random() < 0.1:
            arrays[random.choice(["x", "group", "labels", "new"])] = array
    return npz_bytes(arrays)


def _with(random: Random, array: Any, value: float) -> Any:
    """Return the array with one value replaced, if its type can hold the value."""
    if not array.size or array.dtype.kind not in "fiu":
        return array
    changed = array.astype("f8")
    changed.flat[random.randrange(array.size)] = value
    return changed


def _arrays(content: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def any_model(random: Random, content: bytes) -> bytes:
    """Change the header or the arrays of a model file, and seal it again."""
    if random.random() < 0.7:
        arrays = _arrays(content)
        header = any_value(random, arrays["header"].tobytes())
        arrays["header"] = np.frombuffer(header, dtype=np.uint8)
        changed = npz_bytes(arrays, bytes(SEAL))
    else:
        arrays = _arrays(any_array(random, content))
        changed = npz_bytes(arrays, bytes(SEAL))
    body = changed[:-SEAL]
    return body + hashlib.sha256(body).hexdigest().encode()


def any_graph(random: Random, content: bytes) -> bytes:
    """Change a node, a tensor, a shape or an entry of the metadata of an ONNX file."""
    model = onnx.load_from_string(content)
    node = random.choice(model.graph.node)
    tensor = random.choice(model.graph.initializer)
    word = random.choice(model.metadata_props)
    what = random.randrange(8)
    if what == 0:
        node.op_type = random.choice(["Add", "Sub", "MatMul", "Cast", "ArgMin", "Nope", ""])
    elif what == 1 and node.input:
        node.input[0] = random.choice([*node.output, "", "nope"])
    elif what == 2 and node.attribute:
        random.choice(node.attribute).i = random.choice([0, 1, 7, 2**40, -1])
    elif what == 3:
        tensor.raw_data = any_bytes(random, tensor.raw_data)
    elif what == 4:
        del tensor.dims[:]
        tensor.dims.extend(random.choice([[], [0], [1, 1], [2**40], [-1], [3, 3, 3]]))
    elif what == 5:
        tensor.data_type = random.choice([0, 1, 2, 5, 7, 99])
    elif what == 6:
        try:
            word.value = any_value(random, word.value.encode()).decode()
        except ValueError:
            word.value = random.choice(["", "x", "9" * 30, "{}", "[]", "null"])
    else:
        del model.graph.node[-1]
    return bytes(model.SerializeToString())


# For each file, KINDS has the ways to damage it and the commands that read it. In a command, {} is
# the file, and {port} is the port of a device without altered answers.
Reader = list[str]
MODEL: list[Reader] = [
    ["inspect", "{}"],
    ["inspect", "{}", "--json", "--board", "qemu-m4"],
    ["eval", "{}", "rows.csv"],
    ["export", "{}", "-o", "new.onnx"],
    ["export", "{}", "-o", "new.onnx", "--form", "float"],
    ["firmware", "{}", "--board", "host", "-o", "new"],
    ["train", "rows.csv", "--from", "{}", "-o", "new.ska", "--epochs", "1"],
    ["replay", "steps.jsonl", "{}"],
    ["predict", "{}", "rows.csv"],
    ["pull", "{}", "-o", "new.ska", "--port", "{port}"],
    ["push", "{}", "--port", "{port}"],
    ["teach", "{}", "calm", "--port", "{port}"],
    ["verify", "{}", "rows.csv", "--samples", "2", "--port", "{port}"],
    ["monitor", "{}", "rows.csv", "--samples", "2", "--patience", "0", "--port", "{port}"],
    ["report", "{}", "-o", "new.html"],
    ["report", "steps.jsonl", "--model", "{}", "-o", "new.html"],
    ["dashboard", "steps.jsonl", "--model", "{}", "--until-end", "--json"],
]
DATA: list[Reader] = [
    ["data", "{}", "-o", "new.npz"],
    ["train", "{}", "-o", "new.ska", *ROUGH],
    ["train", "{}", "-o", "new.ska", "--arithmetic", "float", "--scale", "global", *ROUGH],
    ["check-onnx", "foreign.onnx", "{}"],
    ["firmware", "foreign.onnx", "--data", "{}", "--board", "host", "-o", "new"],
    ["eval", "m.ska", "{}"],
    ["predict", "m.ska", "{}"],
    ["export", "m.ska", "-o", "new.onnx", "--data", "{}"],
    ["sweep", "{}", "-o", "new", "--seeds", "1", "--jobs", "1", *ROUGH],
    ["teach", "m.ska", "calm", "--data", "{}", "--passes", "1", "--port", "{port}"],
    ["verify", "m.ska", "{}", "--samples", "2", "--port", "{port}"],
    ["monitor", "m.ska", "{}", "--samples", "2", "--patience", "0", "--port", "{port}"],
]
# The classes of m.ska have names, so it refuses the numbers of idx files as labels.
IMAGES = [line for line in DATA if "m.ska" not in line or line[0] == "predict"]
KINDS: dict[str, tuple[list[Damage], list[Reader]]] = {
    "m.ska": ([any_model, any_model, any_model, any_bytes, any_array], MODEL),
    "m.onnx": ([any_graph, any_graph, any_bytes], MODEL),
    "foreign.onnx": (
        [any_graph, any_graph, any_bytes],
        [
            ["check-onnx", "{}"],
            ["check-onnx", "{}", "rows.csv", "-o", "new.ska"],
            ["firmware", "{}", "--data", "rows.csv", "--board", "host", "-o", "new"],
            ["train", "rows.csv", "--from", "{}", "-o", "new.ska", "--epochs", "1"],
        ],
    ),
    "rows.csv": (
        [any_number, any_number, any_bytes],
        [*DATA, ["report", "m.ska", "{}", "-o", "new.html"]],
    ),
    "rows.arff": ([any_number, any_number, any_bytes], DATA),
    "rows.ts": ([any_number, any_number, any_bytes], DATA),
    "rows.parquet": ([any_bytes], DATA),
    "rows.npz": ([any_array, any_array, any_bytes], DATA),
    "digits-images-idx3-ubyte": ([any_bytes], IMAGES),
    "digits-labels-idx1-ubyte": (
        [any_bytes],
        [["data", "digits-images-idx3-ubyte", "-o", "n.npz"]],
    ),
    "steps.jsonl": (
        [any_value, any_value, any_number, any_bytes],
        [
            ["replay", "{}", "m.ska"],
            ["replay", "{}", "m.ska", "-o", "new.ska", "--at", "3"],
            ["report", "{}", "--model", "m.ska", "-o", "new.html"],
            ["dashboard", "{}", "--model", "m.ska", "--until-end"],
        ],
    ),
    "weights.npz": (
        [any_array, any_bytes],
        [["train", "rows.csv", "-o", "new.ska", "--init", "{}", "--epochs", "1", "--hidden", "4"]],
    ),
    "device.key": (
        [any_bytes],
        [
            ["firmware", "m.ska", "--board", "host", "-o", "new", "--key", "{}"],
            ["save", "--key", "{}", "--port", "{port}"],
            ["push", "m.ska", "--key", "{}", "--port", "{port}"],
            ["teach", "m.ska", "calm", "--key", "{}", "--port", "{port}"],
            ["verify", "m.ska", "rows.csv", "--samples", "2", "--key", "{}", "--port", "{port}"],
            ["monitor", "m.ska", "rows.csv", "--samples", "2", "--key", "{}", "--port", "{port}"],
        ],
    ),
    "project/ska-project.json": (
        [any_value, any_number, any_bytes],
        [
            ["build", "project"],
            ["flash", "project", "--stop"],
            ["firmware", "m.ska", "--board", "host", "-o", "project"],
        ],
    ),
    "project/board/board.toml": (
        [any_number, any_bytes],
        # This command starts no board, but it reads the board's files.
        [["firmware", "m.ska", "--board", "host", "-o", "project"]],
    ),
}


def damaged(random: Random, folder: Path) -> tuple[str, bytes, list[str]]:
    """Return the name of a file, its damaged content, and a command line that reads it."""
    name = random.choice(sorted(KINDS))
    damages, readers = KINDS[name]
    content = random.choice(damages)(random, (folder / name).read_bytes())
    return name, content, line_of(random.choice(readers), name)


def line_of(reader: Reader, name: str) -> list[str]:
    return [name if part == "{}" else part for part in reader]
