"""`ska-edge doctor` names what is missing, and how to get it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from firmware_gen.board.board import board_names
from ska_edge.device.port.port import PortInfo
from ska_edge.errors import ToolError
from ska_edge.extras import Extra

DOCTOR = "ska_edge.cli.commands.doctor"


@pytest.fixture(autouse=True)
def no_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{DOCTOR}.list_ports", list)


def test_every_board_is_ready_or_lacks_a_tool(ska_edge) -> None:
    outcome = ska_edge("doctor", "--json")
    assert outcome.code == 0
    found = outcome.document()
    missing = {board for each in found["tools"] if not each["present"] for board in each["boards"]}
    assert set(found["ready"]) | missing == set(board_names())
    plain = ska_edge("doctor")
    assert f"{len(found['ready'])} of {len(board_names())} boards are ready here" in plain.out
    assert "serial ports: none" in plain.out and plain.err == ""


def test_missing_tools_are_listed_with_their_command(ska_edge, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    packages = [Extra("mqtt", ("paho-mqtt",), ("paho-mqtt",))]
    monkeypatch.setattr(f"{DOCTOR}.extras", lambda: packages)
    monkeypatch.setenv("COLUMNS", "200")
    out = ska_edge("doctor").out
    assert "no: apt-get install gcc-avr avr-libc" in out
    assert "no: apt-get install qemu-system-arm" in out
    assert "no: apt-get install openocd" in out
    assert "no: pip install '.[mqtt]'" in out


def test_a_port_that_may_not_be_opened(ska_edge, monkeypatch, tmp_path: Path) -> None:
    ports = [PortInfo("/dev/null", "a board", True), PortInfo("/dev/full", "n/a", False)]
    monkeypatch.setattr(f"{DOCTOR}.list_ports", lambda: ports)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (port,) = ska_edge("doctor", "--json").document()["ports"]
    assert port["port"] == "/dev/null" and "no permission to open /dev/null" in port["fault"]


def test_a_system_without_serial_ports(ska_edge, monkeypatch) -> None:
    def fail() -> None:
        raise ToolError("serial ports need POSIX terminals, and this system has none")

    monkeypatch.setattr(f"{DOCTOR}.list_ports", fail)
    (port,) = ska_edge("doctor", "--json").document()["ports"]
    assert "POSIX terminals" in port["fault"]
