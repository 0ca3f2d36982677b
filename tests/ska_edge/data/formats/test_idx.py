"""MNIST's idx files are read with their labels; other and damaged files are refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.formats.idx import is_idx
from ska_edge.data.load import load
from ska_edge.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 3, 2), dtype=np.uint8)
LABELS = np.array([2, 0, 1, 1, 0], dtype=np.uint8)


def content_of(values: np.ndarray) -> bytes:
    """Return the bytes of an idx file, as the format's page describes it."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


def written(
    folder: Path,
    images: bytes,
    labels: bytes | None,
    names: tuple[str, str] = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
) -> str:
    """Write both files, gzipped if the name says so; return the path of the images."""
    for name, content in zip(names, (images, labels), strict=True):
        if content is not None:
            zipped = name.endswith(".gz")
            (folder / name).write_bytes(gzip.compress(content, mtime=0) if zipped else content)
    return str(folder / names[0])


@pytest.mark.parametrize(
    "names",
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("my-images-of-images-idx3-ubyte", "my-images-of-labels-idx1-ubyte"),
    ],
)
def test_images_and_their_labels(tmp_path: Path, names: tuple[str, str]) -> None:
    loaded = load(written(tmp_path, content_of(PIXELS), content_of(LABELS), names))
    assert loaded.name == names[0].removesuffix(".gz")
    assert loaded.x.dtype == np.uint8 and loaded.x.tolist() == PIXELS.reshape(5, 6).tolist()
    assert loaded.y.dtype == np.int64 and loaded.y.tolist() == LABELS.tolist()
    assert loaded.labels == ("0", "1", "2")
    assert loaded.group is None


@pytest.mark.parametrize(
    "name", ["samples.csv", "train-images-idx3", "images-idx1-ubyte", "x-images-idx3-ubyte.npz"]
)
def test_files_with_other_names_are_not_idx_files(name: str) -> None:
    assert not is_idx(Path(name))


IMAGES_FILE, LABELS_FILE = content_of(PIXELS), content_of(LABELS)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES_FILE, None, "images-idx3-ubyte needs its labels .* no train-labels-idx1-ubyte$"),
        (IMAGES_FILE[:-1], LABELS_FILE, "images-idx3-ubyte is cut short: 45 bytes of 46"),
        (IMAGES_FILE[:9], LABELS_FILE, "images-idx3-ubyte is cut short: 9 bytes"),
        (IMAGES_FILE[:3], LABELS_FILE, "images-idx3-ubyte starts with 000008, not with 00000803"),
        (b"", LABELS_FILE, "images-idx3-ubyte starts with nothing"),
        (IMAGES_FILE + b"x", LABELS_FILE, "images-idx3-ubyte is too long: 47 bytes instead of 46"),
        (IMAGES_FILE, LABELS_FILE[:-1], "labels-idx1-ubyte is cut short: 12 bytes of 13"),
        (IMAGES_FILE, content_of(LABELS[:4]), "5 images, but train-labels-idx1-ubyte has 4 labels"),
        (LABELS_FILE, LABELS_FILE, "starts with 00000801, not with 00000803"),
        (IMAGES_FILE, IMAGES_FILE, "starts with 00000803, not with 00000801"),
        (b"\0\0\x0d\3" + IMAGES_FILE[4:], LABELS_FILE, "starts with 00000d03"),
        (gzip.compress(IMAGES_FILE, mtime=0), LABELS_FILE, "starts with 1f8b"),
        (b"\0\0\x08\3" + b"\xff" * 12, LABELS_FILE, "is cut short: 16 bytes of"),
        (content_of(PIXELS[:0]), content_of(LABELS[:0]), r"is empty: .* \(0, 3, 2\)"),
        (content_of(PIXELS[:, :0]), LABELS_FILE, r"is empty: .* \(5, 0, 2\)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_files_that_cannot_be_used(
    tmp_path: Path, images: bytes, labels: bytes | None, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load(written(tmp_path, images, labels))
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("factor", "names"), [(2, ("0", "2", "4")), (0, ("0",))])
def test_labels_may_have_gaps(tmp_path: Path, factor: int, names: tuple[str, ...]) -> None:
    loaded = load(written(tmp_path, IMAGES_FILE, content_of(LABELS * factor)))
    assert loaded.labels == names
    assert [loaded.labels[index] for index in loaded.y] == [str(n * factor) for n in LABELS]


@pytest.mark.parametrize(
    "content", [b"", b"text", gzip.compress(IMAGES_FILE, mtime=0)[:-5], IMAGES_FILE]
)
def test_a_damaged_gzip_file_is_refused(tmp_path: Path, content: bytes) -> None:
    names = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")
    path = Path(written(tmp_path, IMAGES_FILE, LABELS_FILE, names))
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"idx3-ubyte\.gz (is damaged|starts with nothing)"):
        load(str(path))


def test_a_gzip_file_damaged_at_any_byte_is_refused_or_reads_the_same(tmp_path: Path) -> None:
    names = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")
    path = Path(written(tmp_path, IMAGES_FILE, LABELS_FILE, names))
    good = path.read_bytes()
    refused = 0
    for position in range(len(good)):
        path.write_bytes(good[:position] + bytes([good[position] ^ 0x41]) + good[position + 1 :])
        try:
            loaded = load(str(path))
        except InputError:
            refused += 1
        else:
            assert loaded.x.tolist() == PIXELS.reshape(5, 6).tolist()
    assert refused >= len(good) - 10  # damage to the date and flags of the header may pass


def test_labels_without_images_are_refused(tmp_path: Path) -> None:
    written(tmp_path, IMAGES_FILE, LABELS_FILE)
    with pytest.raises(InputError, match="does not hold images; give the file of the images"):
        load(str(tmp_path / "train-labels-idx1-ubyte"))
