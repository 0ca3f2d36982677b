"""A write leaves the old or the new content, never a part; links, pipes and devices stay."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ska_edge import files
from ska_edge.errors import InputError
from ska_edge.files import part_name, write_file

OLD, NEW = b"old" * 1000, b"the new one" * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Write a file with old content, alone in a folder."""
    file = tmp_path / "folder" / "model.ska"
    file.parent.mkdir()
    file.write_bytes(OLD)
    return file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def alone(path: Path) -> bool:
    """Tell whether no other file is left in the folder."""
    return [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_new_file_has_the_mode_that_the_umask_leaves(path: Path) -> None:
    path.unlink()
    old = os.umask(0o027)
    try:
        write_file(path, NEW)
    finally:
        os.umask(old)
    assert (path.read_bytes(), mode(path), alone(path)) == (NEW, 0o640, True)


@pytest.mark.parametrize("given", [0o600, 0o444, 0o664])
def test_the_mode_of_an_old_file_is_kept(given: int, path: Path) -> None:
    path.chmod(given)
    write_file(path, NEW)
    assert (path.read_bytes(), mode(path), alone(path)) == (NEW, given, True)


@pytest.mark.parametrize("there", [True, False])
def test_a_private_file_is_its_owners_alone(there: bool, path: Path) -> None:
    path.chmod(0o644)
    if not there:
        path.unlink()
    write_file(path, NEW, private=True)
    assert (path.read_bytes(), mode(path)) == (NEW, 0o600)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may chown")
def test_a_file_that_root_rewrites_keeps_its_owner(path: Path) -> None:
    os.chown(path, 12345, 12346)
    write_file(path, NEW)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


def test_a_link_stays_and_its_target_is_replaced(path: Path, tmp_path: Path) -> None:
    chain = [tmp_path / "first", tmp_path / "second"]
    chain[0].symlink_to("second")
    chain[1].symlink_to(path)
    write_file(chain[0], NEW)
    assert path.read_bytes() == NEW
    assert all(link.is_symlink() for link in chain)
    assert alone(path)


def test_a_link_to_nothing_yet_makes_its_target(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    path.unlink()
    write_file(link, NEW)
    assert (path.read_bytes(), link.is_symlink()) == (NEW, True)


def test_links_in_a_circle_are_one_sentence(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(link)
    with pytest.raises(InputError, match=f"cannot write {link}: "):
        write_file(link, NEW)


def test_a_link_planted_where_others_would_write_first_is_not_followed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.with_name("model.ska.part").symlink_to(path.with_name("victim"))
    path.with_name("victim").write_bytes(OLD)
    write_file(path, NEW)
    assert path.with_name("victim").read_bytes() == OLD
    # The link is not followed even if an attacker knows the random name.
    monkeypatch.setattr(files, "part_name", lambda: "known")
    path.with_name("known").symlink_to(path.with_name("victim"))
    with pytest.raises(InputError, match="File exists"):
        write_file(path, OLD)
    assert path.with_name("victim").read_bytes() == OLD
    assert path.read_bytes() == NEW


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_file(pipe, NEW)
    reader.join(10)
    assert read == [NEW]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_standard_output_is_written_to() -> None:
    code = "from pathlib import Path; from ska_edge.files import write_file\n"
    code += "write_file(Path('/dev/stdout'), b'x' * 200_000)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert done.stdout == b"x" * 200_000


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(os.devnull)
    write_file(link, NEW)
    assert link.is_symlink()
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    with pytest.raises(InputError, match="cannot write /dev/full: No space left on device"):
        write_file(Path("/dev/full"), NEW)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_socket_and_a_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket has a short limit
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(InputError, match="socket is a device or a socket, not a file"):
            write_file(Path("socket"), NEW)
    with pytest.raises(InputError, match="is a folder; name the file"):
        write_file(tmp_path, NEW)
    assert [entry.name for entry in tmp_path.iterdir()] == ["socket"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root makes disks")
def test_a_disk_is_refused(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    try:
        os.mknod(disk, 0o600 | stat.S_IFBLK, os.makedev(259, 65535))
    except PermissionError:
        pytest.skip("this container makes no devices")
    with pytest.raises(InputError, match="disk is a device or a socket, not a file"):
        write_file(disk, NEW)
    assert stat.S_ISBLK(disk.stat().st_mode)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_alone(
    call: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*((os, "fsync") if call == "fsync" else (Path, "replace")), full)
    with pytest.raises(InputError, match=f"cannot write {path}: No space left on device"):
        write_file(path, NEW)
    assert (path.read_bytes(), alone(path)) == (OLD, True)


def test_a_stopped_writer_leaves_the_old_file_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_number: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_file(path, NEW)
    assert (path.read_bytes(), alone(path)) == (OLD, True)


def test_file_and_folder_are_on_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[bool, bytes]] = []

    def record(number: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(number).st_mode)
        synced.append((is_folder, path.read_bytes()))

    monkeypatch.setattr(os, "fsync", record)
    write_file(path, NEW)
    assert synced == [(False, OLD), (True, NEW)]  # the file is synced before it gets the name


def test_a_system_without_these_flags_writes_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "NEW_FILE", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "fchown"):
        monkeypatch.delattr(os, name)
    path.chmod(0o640)
    write_file(path, NEW)
    assert (path.read_bytes(), mode(path), alone(path)) == (NEW, 0o640, True)


def test_a_name_as_long_as_names_can_be(path: Path) -> None:
    long = path.with_name("m" * 255)
    write_file(long, NEW)
    assert long.read_bytes() == NEW
    assert len(part_name()) < 40


WRITER = """\
import sys
from pathlib import Path
from ska_edge.files import write_file
path, byte = Path(sys.argv[1]), sys.argv[2].encode()
print("ready", flush=True)
sys.stdin.read(1)
for _ in range(int(sys.argv[3])):
    write_file(path, byte * 100_000)
"""


def writer(path: Path, byte: str, times: int) -> subprocess.Popen[str]:
    """Start a process that writes a file again and again once it is told to begin."""
    command = [sys.executable, "-c", WRITER, str(path), byte, str(times)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_reader_beside_two_writers_never_sees_a_damaged_file(path: Path) -> None:
    path.write_bytes(b"a" * 100_000)
    whole = {byte * 100_000 for byte in (b"a", b"b")}
    writers = [writer(path, byte, 60) for byte in "ab"]
    for process in writers:
        begin(process)
    reads = [path.read_bytes()]
    while any(process.poll() is None for process in writers):
        reads.append(path.read_bytes())
    assert [process.communicate(timeout=60) and process.returncode for process in writers] == [0, 0]
    assert set(reads) <= whole
    assert alone(path)


def test_a_killed_writer_leaves_the_old_file_or_the_new_one(path: Path) -> None:
    path.write_bytes(b"a" * 100_000)
    process = writer(path, "b", 100_000)
    begin(process)
    while path.read_bytes() == b"a" * 100_000:
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert path.read_bytes() == b"b" * 100_000
    assert all(entry.name.endswith(".part") for entry in path.parent.iterdir() if entry != path)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "cannot read x: No space left on device",
        ),
        (OSError("a reason alone"), "cannot read x: a reason alone"),
    ],
)
def test_a_refusal_has_its_reason(error: OSError, sentence: str) -> None:
    assert str(files.refusal("read", Path("x"), error)) == sentence
