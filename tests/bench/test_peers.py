"""Every program of tests/bench/peers has a library in the table, and each library a program."""

from __future__ import annotations

from pathlib import Path

from tests.bench.peers import HERE, PEERS


def test_every_program_has_a_library_and_every_library_a_program() -> None:
    programs = {path.relative_to(HERE).as_posix() for path in (HERE / "peers").glob("with_*.c")}
    assert {peer.program for peer in PEERS.values()} == programs


def test_no_program_contains_a_library() -> None:
    """A program only includes the library's files, so it is short. It learns at PEER_RATE."""
    for peer in PEERS.values():
        text = (Path(HERE) / peer.program).read_text(encoding="utf-8")
        assert len(text.splitlines()) < 160
        assert "PEER_RATE" in text
