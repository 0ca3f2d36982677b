"""The error that ends an emulated board: its firmware did something that the chip forbids."""

from __future__ import annotations

from ska_edge.errors import CheckError


class FirmwareFault(CheckError):
    """The firmware did something that the chip cannot do, or that the emulator does not model."""
