"""Checks the paths of a command before it starts its work."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from ska_edge.data.load import files_read
from ska_edge.data.several import check_outside
from ska_edge.errors import InputError
from ska_edge.files import check_target, refusal
from ska_edge.model.open import open_model

LOG_START = b"{"  # a log has a JSON object in each line


def check_file(path: Path, *others: str | Path | None) -> None:
    """Raise InputError if `path` cannot be written, or if the command uses this file twice.

    `others` are the files that the command also reads or writes; None stands for no file.
    """
    check_target(path, *others, by="this command")


def check_output(
    path: Path, data: str | None, *others: str | Path | None, recorded: bool = False
) -> None:
    """Raise InputError as `check_file` does, or if `path` is or would be one of the data files.

    `data` names the data that the command reads; None stands for no data. `recorded` tells that the
    data are recordings.
    """
    check_file(path, *others, *([] if data is None else files_read(data, recorded)))
    if data is not None:
        check_outside(path, data, recorded)


def refuse_model_option(path: Path) -> NoReturn:
    """Raise InputError for `--model`, which only a log needs, beside a path that `is_log` denies.

    Raises ToolError if the path needs a missing package to be read.
    """
    try:
        open_model(path)
    except InputError as error:
        raise InputError(f"{path} is neither a log nor a model that can be opened") from error
    raise InputError(f"{path} is a model, so leave --model out")


def is_log(path: Path) -> bool:
    """Tell by the first byte whether a file is a log; an empty file is a log without lines.

    Raises InputError if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(1) in (b"", LOG_START)
    except FileNotFoundError as error:
        raise InputError(f"there is no log or model {path}") from error
    except OSError as error:
        raise refusal("read", path, error) from error
