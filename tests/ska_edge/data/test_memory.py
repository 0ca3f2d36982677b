"""Data that would fill the memory are refused before they take it, even if their header lies."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.formats import csv_table
from ska_edge.data.load import load
from ska_edge.data.memory import MAX_MEMORY, check_memory
from ska_edge.errors import InputError
from ska_edge.network.twin import read_parameters

ZEROS = 16 * 2**20  # a bomb unpacks to this many bytes; packed it has 16 KB
LITTLE = 4 * 2**20  # a refusal may take this many bytes of memory


def idx_bomb(folder: Path, promised: int, packed: int = ZEROS) -> Path:
    """Write gzipped files whose headers promise images of 1024 pixels, and a label for each."""
    for kind, sizes in (("images.idx3", (promised, 32, 32)), ("labels.idx1", (promised,))):
        header = bytes([0, 0, 8, len(sizes)]) + np.array(sizes, dtype=">u4").tobytes()
        name = kind.replace(".", "-") + "-ubyte.gz"
        (folder / name).write_bytes(gzip.compress(header + bytes(packed), mtime=0))
    return folder / "images-idx3-ubyte.gz"


def npz_bomb(folder: Path, shape: tuple[int, ...], promised: int | None = None) -> Path:
    """Write an npz file of zeros as x and W0, with labels y; x and W0 may promise too few rows."""
    member, path = io.BytesIO(), folder / "bomb.npz"
    np.save(member, np.zeros(shape, dtype=np.uint8))
    content = member.getvalue()
    if promised is not None:
        less = f"({promised}, {shape[1]})".ljust(len(str(shape)))
        content = content.replace(str(shape).encode(), less.encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", content)
        archive.writestr("W0.npy", content)
        labels = io.BytesIO()
        np.save(labels, np.arange(shape[0]) % 2)
        archive.writestr("y.npy", labels.getvalue())
    return path


def csv_bomb(folder: Path, rows: int) -> Path:
    path = folder / "bomb.csv"
    path.write_text("a,b,y\n" + "1,2,x\n1,3,y\n" * (rows // 2))
    return path


def refusal(read: Callable[[], object]) -> str:
    """Check that a refusal takes little memory; return its one sentence."""
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            read()
        assert tracemalloc.get_traced_memory()[1] < LITTLE
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_idx_images_that_promise_more_than_is_allowed(tmp_path: Path) -> None:
    path = idx_bomb(tmp_path, 2**16)
    assert path.stat().st_size < 100_000
    sentence = refusal(lambda: load(path, max_memory=500))
    assert sentence == (
        f"{path} takes 576 MB of memory, but 500 MB are allowed; allow more with --max-memory"
        " (max_memory in Python), or take fewer rows"
    )


def test_idx_images_that_hold_more_than_they_promise(tmp_path: Path) -> None:
    path = idx_bomb(tmp_path, 2)
    assert "is too long: it goes on after its 2064 bytes" in refusal(lambda: load(path))


def test_npz_arrays_that_are_larger_than_is_allowed(tmp_path: Path) -> None:
    path = npz_bomb(tmp_path, (2**14, 2**10))
    assert path.stat().st_size < 300_000
    sentence = refusal(lambda: load(path, max_memory=100))
    assert "takes 145 MB of memory, but 100 MB are allowed" in sentence


def test_npz_arrays_that_hold_more_than_they_promise(tmp_path: Path) -> None:
    path = npz_bomb(tmp_path, (2**14, 2**10), promised=2**5)
    assert "is not as long as its header says" in refusal(lambda: load(path))


def test_initial_weights_of_another_size_are_not_unpacked(tmp_path: Path) -> None:
    path = npz_bomb(tmp_path, (2**14, 2**10))
    sentence = refusal(lambda: read_parameters(path, (4, 3)))
    assert f"{path}: W0 of shape (3, 4) is missing" in sentence


def test_a_table_that_is_larger_than_is_allowed(tmp_path: Path) -> None:
    path = csv_bomb(tmp_path, 20_000)
    assert "takes 2 MB of memory, but 1 MB are allowed" in refusal(lambda: load(path, max_memory=1))
    assert load(path, max_memory=4).x.shape == (20_000, 2)


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_line_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(csv_table, "LONGEST_LINE", 1000)
    path = tmp_path / "long.csv"
    path.write_text("7,8,a\n3,4,b\n" + "5," * 600 + "c" + end)
    assert "has a line of more than 1000 characters" in refusal(lambda: load(path))
    path.write_text("7,8,a\n3,4,b\n")
    assert load(path).x.tolist() == [[7, 8], [3, 4]]


def test_data_that_just_fit_are_read(tmp_path: Path) -> None:
    check_memory(tmp_path, MAX_MEMORY * 2**20, MAX_MEMORY)
    with pytest.raises(InputError, match="takes 1025 MB of memory, but 1024 MB are allowed"):
        check_memory(tmp_path, MAX_MEMORY * 2**20 + 1, MAX_MEMORY)
