"""An array in an npz archive is read as numpy wrote it; a read opens the archive's member once."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from ska_edge.npz import Archive

ARRAYS = {
    "plain": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6, dtype="<i4").reshape(2, 3)),
    "scalar": np.array(7, dtype="<i8"),
    "empty": np.zeros((0, 3)),
    "text": np.array(["cat", "dog"]),
}


@pytest.fixture
def file() -> io.BytesIO:
    file = io.BytesIO()
    np.savez(file, **ARRAYS)  # type: ignore[arg-type, unused-ignore]
    return file


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_is_read_as_numpy_wrote_it(file: io.BytesIO, name: str) -> None:
    archive, wanted = Archive(file), ARRAYS[name]
    header, found = archive.header(name), archive.read(name)
    assert (header.shape, header.dtype, header.size) == (wanted.shape, wanted.dtype, wanted.nbytes)
    assert found.dtype == wanted.dtype
    assert found.tolist() == wanted.tolist()


def test_a_member_is_opened_once_to_read_it(
    file: io.BytesIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    plain = zipfile.ZipFile.open

    def counted(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> object:
        opened.append(info.filename)
        return plain(archive, info)

    monkeypatch.setattr(zipfile.ZipFile, "open", counted)
    Archive(file).read("plain")
    assert opened == ["plain.npy"]
