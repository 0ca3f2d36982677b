"""Run commands of ska-edge on a simulated system without POSIX features; print one JSON list.

    python tests/cli/bare_system.py '[["train", "iris", "-o", "m.ska"], ...]'

Modules of POSIX terminals and users cannot be imported. `os` and `signal` lack the names that
Windows does not have. A folder cannot be opened. Each entry of the list has an exit code, the
output and the errors.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import io
import json
import os
import shutil
import signal
import sys
from typing import Any

MODULES = {"termios", "tty", "pty", "fcntl", "grp", "pwd", "resource"}
FLAGS = ["O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "O_NOFOLLOW", "O_NONBLOCK"]
USERS = ["chown", "fchmod", "fchown", "geteuid", "getgroups", "getuid"]
PROCESSES = ["getpgid", "killpg", "sched_getaffinity", "sched_setaffinity", "setsid"]
FILES = ["mkfifo", "openpty", "ttyname"]
SIGNALS = ["SIGALRM", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"]


class Hidden(importlib.abc.MetaPathFinder):
    """An import finder that refuses the hidden modules."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def strip() -> None:
    """Remove what Windows lacks."""
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Hidden())
    for name in (*FLAGS, *USERS, *PROCESSES, *FILES):
        with contextlib.suppress(AttributeError):
            delattr(os, name)
    for name in SIGNALS:
        delattr(signal, name)
    shutil._use_fd_functions = False  # type: ignore[attr-defined]  # otherwise it opens folders
    plain = os.open

    def no_folder(path: Any, *arguments: Any, **keywords: Any) -> int:
        if not isinstance(path, int) and os.path.isdir(path):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return plain(path, *arguments, **keywords)

    os.open = no_folder


def run(arguments: list[str]) -> tuple[object, str, str]:
    from ska_edge.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    code: object = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as ended:
            code = ended.code
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    strip()
    print(json.dumps([run(arguments) for arguments in json.loads(sys.argv[1])]))
