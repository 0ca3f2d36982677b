"""If a board resets when DTR rises, no command resets it by default; after a reset, a warning says
that it has learned nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ska_edge.cli.options import port as port_module
from ska_edge.cli.options.port import Line
from ska_edge.device.port.control import Control
from ska_edge.device.port.port import PortInfo
from ska_edge.model.model_file import Model
from tests.cli.conftest import Run
from tests.ska_edge.conftest import Bridge, WiredSerial
from tests.trainer_device import TrainerDevice

# pyserial's RFC 2217 code uses old names of the standard library.
pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name)\\(:DeprecationWarning")


class ResettingLine(WiredSerial):
    """The port of a board that starts again when its DTR rises."""

    def __init__(self, board: TrainerDevice) -> None:
        self._board, self._high = board, False
        self.resets = 0
        super().__init__(board.port, timeout=0)

    def _update_dtr_state(self) -> None:
        if self._dtr_state and not self._high:
            self.resets += 1
            self._board.restart()
        self._high = self._dtr_state


@pytest.fixture
def board(iris: Model) -> Iterator[SimpleNamespace]:
    """Start a board behind a bridge that carries DTR, because a pty has no such line."""
    with TrainerDevice(iris.state.flashed()) as device:
        line = ResettingLine(device)
        bridge = Bridge(device.port, "rfc2217", line)
        yield SimpleNamespace(device=device, line=line, port=bridge.address)
        bridge.stop()


def test_a_board_keeps_what_it_learned_between_two_commands(
    ska_edge: Run, iris_file: Path, board: SimpleNamespace
) -> None:
    at = ("--port", board.port)
    before = board.line.resets
    learn = ("monitor", iris_file, "iris", "--samples", 10, "--hold-out", 0)
    assert ska_edge(*learn, *at).code == 0
    assert board.line.resets == before
    outcome = ska_edge("pull", iris_file, "-o", "worn.ska", *at, "--json")
    assert (outcome.code, outcome.document()["samples"]) == (0, 10)
    assert "warning" not in outcome.err
    assert board.line.resets == before


@pytest.mark.parametrize("command", ["pull", "save"])
def test_a_board_that_forgot_everything_is_named(
    ska_edge: Run, iris_file: Path, board: SimpleNamespace, command: str
) -> None:
    at = ("--port", board.port, "--dtr", "on")
    learn = ("monitor", iris_file, "iris", "--samples", 10, "--hold-out", 0)
    assert ska_edge(*learn, *at).code == 0
    assert board.device.network.samples == 10
    before = board.line.resets
    model = (iris_file, "-o", "worn.ska") if command == "pull" else ()
    outcome = ska_edge(command, *model, *at, "--json")
    assert (outcome.code, outcome.document()["samples"]) == (0, 0)
    assert board.line.resets == before + 1
    assert (
        f"warning: the device at {board.port} has learned nothing since it started; if it restarts"
        " whenever its port opens, choose --dtr and --rts"
    ) in outcome.err


def test_the_default_follows_the_usb_chip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("uno", "other", "none"):
        (tmp_path / name).touch()
    ids = {"uno": "2341:0043", "other": "0483:374B", "none": None}
    ports = [PortInfo(str(tmp_path / name), "", True, None, usb) for name, usb in ids.items()]
    monkeypatch.setattr(port_module, "list_ports", lambda: ports)
    (tmp_path / "link").symlink_to(tmp_path / "uno")
    kept, on = Control("keep", "keep"), Control("on", "on")
    for name, control in (("uno", kept), ("link", kept), ("other", on), ("none", on)):
        assert Line(115200).control(str(tmp_path / name)) == control
    assert Line(115200).control("rfc2217://localhost:1") == kept
    assert Line(115200, dtr="off").control(str(tmp_path / "uno")) == Control("off", "keep")
    assert Line(115200, "on", "off").control("no such port") == Control("on", "off")
