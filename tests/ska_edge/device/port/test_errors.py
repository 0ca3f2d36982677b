"""If a port does not open, one sentence says why."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ska_edge.device.port import errors as port_refusal
from ska_edge.device.port.errors import Holder, address_refusal, holders
from ska_edge.device.port.port import Port
from tests.ska_edge.device.port.terminal import Terminal, command, opening


def test_a_path_that_is_not_a_terminal_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert f"{file} is a file, not a serial port" in opening(str(file))
    assert f"{tmp_path} is a directory, not a serial port" in opening(str(tmp_path))
    assert "/dev/null is another kind of device, not a serial port" in opening("/dev/null")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert f"{pipe} is no device, not a serial port" in opening(str(pipe))
    (tmp_path / "link").symlink_to("nowhere")
    assert f"there is no port {tmp_path}/link" in opening(f"{tmp_path}/link")


HOLD = """
import serial, sys
port = serial.Serial(sys.argv[1], exclusive=sys.argv[2] == "lock")
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: str, how: str = "lock") -> Iterator[int]:
    """Start another program that keeps the port open; give its process id."""
    program = [sys.executable, "-c", HOLD, path, how]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "open\n"
            yield process.pid
        finally:
            process.kill()


def test_a_port_that_another_program_has(tmp_path: Path, terminal: Terminal) -> None:
    link = tmp_path / "link"
    link.symlink_to(terminal.path)
    with held(terminal.path) as process:
        has = f"is busy: process {process} ({command(process)}) has it open; close it"
        assert opening(terminal.path) == f"the port {terminal.path} {has}"
        assert opening(str(link)) == f"the port {link} {has}"
    Port(terminal.path).close()


def test_the_program_that_locks_a_port_is_named(terminal: Terminal) -> None:
    with held(terminal.path, "share") as sharer, held(terminal.path) as locker:
        found = {holder.process: holder.locks for holder in holders(terminal.path)}
        assert found == {os.getpid(): False, sharer: False, locker: True}
        sentence = opening(terminal.path)
        assert f"process {locker} " in sentence and str(sharer) not in sentence


def test_a_port_that_this_program_has(terminal: Terminal) -> None:
    with Port(terminal.path):
        assert "is busy: this program already has it open" in opening(terminal.path)
    Port(terminal.path).close()


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    system_open = os.open

    def refusing(path: str, *arguments: Any) -> int:
        if path == "/dev/ttyUSB7":
            raise OSError(number, os.strerror(number))
        return system_open(path, *arguments)

    monkeypatch.setattr(os, "open", refusing)
    monkeypatch.setattr(os.path, "lexists", lambda path: True)


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EAGAIN])
def test_a_port_whose_holders_are_hidden_or_several(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    refuse(monkeypatch, number)
    assert "a program of another user has it open; `sudo fuser -v /dev/ttyUSB7`" in opening(
        "/dev/ttyUSB7"
    )
    several = [Holder(7, "minicom", False), Holder(8, "cat", False), Holder(os.getpid(), "", False)]
    monkeypatch.setattr(port_refusal, "holders", lambda path: several)
    assert "busy: process 7 (minicom), process 8 (cat) have it open; close them" in opening(
        "/dev/ttyUSB7"
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOENT, "there is no port /dev/ttyUSB7"),
        (errno.ENXIO, "nothing is connected to the port /dev/ttyUSB7"),
        (errno.ENODEV, "nothing is connected to the port /dev/ttyUSB7"),
        (errno.EIO, "nothing is connected to the port /dev/ttyUSB7"),
        (errno.EINVAL, "the port /dev/ttyUSB7 does not run at 115200 baud"),
    ],
)
def test_an_error_of_the_system_becomes_a_sentence(
    monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    refuse(monkeypatch, number)
    assert words in opening("/dev/ttyUSB7")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
@pytest.mark.parametrize(
    ("mode", "groups", "members", "words"),
    [
        (0o660, [], [], r"the group uucp; join it with `sudo usermod -aG uucp \$USER` and log in"),
        (0o660, [], ["me"], "you joined its group uucp after this session began; log in again"),
        (0o660, [4321], ["me"], r"\(owner 4320, group uucp, mode crw-rw----\)"),
        (0o600, [], [], r"mode crw-------\): .*`sudo chmod a\+rw /dev/ttyUSB7`"),
        (0o640, [], ["me"], r"mode crw-r-----\)"),
    ],
)
def test_no_permission_names_the_group_and_the_way(
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    mode: int,
    groups: list[int],
    members: list[str],
    words: str,
) -> None:
    refuse(monkeypatch, number)
    status = SimpleNamespace(st_mode=stat.S_IFCHR | mode, st_uid=4320, st_gid=4321)
    names = {os.getuid(): SimpleNamespace(pw_name="me")}
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda path: status)
        patch.setattr(os, "getgroups", lambda: groups)
        patch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_name="uucp", gr_mem=members))
        patch.setattr(pwd, "getpwuid", lambda uid: names[uid])
        sentence = opening("/dev/ttyUSB7")
    assert sentence.startswith("no permission to open /dev/ttyUSB7")
    assert re.search(words, sentence), sentence


@pytest.mark.parametrize(
    "address",
    [
        "socket://host",
        "socket://:5",
        "socket://host:0",
        "socket://host:65536",
        "socket://host:port",
        "socket://[::1",
        "rfc2217://",
        "loop://",
        "http://host:80",
        "://",
    ],
)
def test_an_impossible_address_is_refused(address: str) -> None:
    assert address_refusal(address) == (
        f"{address!r} is no address of a port: write socket://HOST:PORT or rfc2217://HOST:PORT"
    )
    assert opening(address) == address_refusal(address)
