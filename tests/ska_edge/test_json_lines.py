"""Files with one JSON object per line are read from both ends and repaired by the next writer."""

from __future__ import annotations

import errno
import os
import re
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ska_edge import json_lines
from ska_edge.errors import InputError
from ska_edge.json_lines import JsonLines

FIRST, SECOND = b'{"a": 1}\n', b'{"b": [2]}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lines.jsonl"


def appended(path: Path, content: dict[str, Any], **options: Any) -> bytes:
    with JsonLines(path) as file:
        file.open(**options)
        file.append(content)
    return path.read_bytes()


def test_a_line_is_in_the_file_when_append_returns(path: Path) -> None:
    with JsonLines(path) as file:
        file.open()
        for count in range(1, 4):
            file.append({"count": count})
            assert [line.content() for line in file.lines()] == [
                {"count": number} for number in range(1, count + 1)
            ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=9)), st.integers(1, 8))
def test_lines_are_the_same_from_both_ends(path: Path, pieces: list[bytes], block: int) -> None:
    path.write_bytes(b"\n".join(pieces))
    file = JsonLines(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_lines, "BLOCK", block)
        backwards = list(file.lines_from_end())
    lines = list(file.lines())
    assert backwards[::-1] == lines
    assert b"".join(line.text for line in lines) == path.read_bytes()
    assert [line.start for line in lines[1:]] == [line.end for line in lines[:-1]]


@pytest.mark.parametrize("length", range(len(SECOND) + 1))
def test_a_last_line_that_was_cut_anywhere_is_removed_or_ended(path: Path, length: int) -> None:
    path.write_bytes(FIRST + SECOND[:length])
    whole = SECOND if length >= len(SECOND) - 1 else b""
    assert appended(path, {"c": 3}) == FIRST + whole + b'{"c": 3}\n'


@pytest.mark.parametrize("rest", [b"notes", b"\0\0", b"[1", b'"a"'])
def test_a_foreign_last_line_is_kept_and_refused(path: Path, rest: bytes) -> None:
    path.write_bytes(FIRST + rest)
    with pytest.raises(InputError, match="ends in a line that is damaged"):
        appended(path, {"c": 3})
    assert path.read_bytes() == FIRST + rest


@pytest.mark.parametrize(("rest", "torn"), [(b'{"a"', True), (b'{"a": ', True), (b'{"b', False)])
def test_a_cut_line_has_the_beginning_of_its_kind(path: Path, rest: bytes, torn: bool) -> None:
    path.write_bytes(FIRST + rest)
    file = JsonLines(path, b'{"a": ')
    assert file.is_torn(next(file.lines_from_end())) == torn


def test_nothing_changes_before_the_first_line(path: Path) -> None:
    path.write_bytes(FIRST + b'{"b')
    for overwrite in (False, True):
        with JsonLines(path) as file:
            file.open(overwrite=overwrite)
        assert path.read_bytes() == FIRST + b'{"b'


def test_a_file_that_gets_no_line_is_removed(path: Path) -> None:
    with JsonLines(path) as file:
        file.open()
        assert path.exists()
    assert not path.exists()


def test_a_file_is_replaced_by_its_first_line(path: Path) -> None:
    path.write_bytes(b"notes")
    with JsonLines(path) as file:
        file.open(overwrite=True)
        file.append({"a": 1})
        file.append({"b": [2]})
    assert path.read_bytes() == FIRST + SECOND


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_disk_that_gets_full_within_a_line_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    path.write_bytes(FIRST)

    class Full(FileIO):
        """A file that accepts only five bytes."""

        def write(self, data: Any) -> int:
            if self.tell() == len(FIRST):
                return super().write(data[:5])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def full(*_: object) -> None:
        raise InputError(f"cannot write {path}: {os.strerror(errno.ENOSPC)}")

    monkeypatch.setattr(json_lines, "FileIO", Full)
    monkeypatch.setattr(json_lines, "write_file", full)
    with pytest.raises(InputError, match=r"cannot write .*lines\.jsonl: No space left"):
        appended(path, {"b": [2]}, overwrite=overwrite)
    assert path.read_bytes() == FIRST


def test_an_endless_line_is_refused_from_both_ends(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "LONGEST_LINE", 1000)
    path.write_bytes(FIRST + b"[" * 2000)
    with pytest.raises(InputError, match="line 2: a line is longer than 1000 bytes"):
        list(JsonLines(path).lines())
    with pytest.raises(InputError, match="longer than 1000 bytes"):
        list(JsonLines(path).lines_from_end())


def test_lines_before_an_endless_one_are_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "LONGEST_LINE", 1000)
    path.write_bytes(FIRST * 300 + b"[" * 1000 + b"\n" + FIRST)
    lines = JsonLines(path).lines()
    assert [next(lines).text for _ in range(300)] == [FIRST] * 300
    with pytest.raises(InputError, match="line 301: a line is longer than 1000 bytes"):
        next(lines)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text("ab\r", max_size=9)), st.booleans(), st.integers(1, 30))
def test_blocks_hold_all_lines_in_order(
    path: Path, texts: list[str], complete: bool, read: int
) -> None:
    content = "\n".join(texts).encode() + b"\n" * complete
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_lines, "READ", read)
        blocks = list(JsonLines(path).blocks())
    assert b"".join(block.text for block in blocks) == content
    number = start = 0
    for block in blocks:
        assert (block.number, block.start) == (number + 1, start)
        assert block.texts() == re.findall(rb".*\n|.+", block.text)
        number, start = number + len(block.texts()), start + len(block.text)
    assert number == len(re.findall(rb"\n|[^\n]\Z", content))


def test_only_the_end_is_read_from_the_end(path: Path) -> None:
    """A hole of a terabyte lies before the last lines."""
    with path.open("wb") as file:
        file.seek(2**40)
        file.write(b"\n" + FIRST + SECOND)
    lines = JsonLines(path).lines_from_end()
    assert [next(lines).text, next(lines).text] == [SECOND, FIRST]


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        list(JsonLines(tmp_path).lines())
    with pytest.raises(InputError, match=r"cannot write .*none"):
        JsonLines(tmp_path / "none" / "lines.jsonl").open()
