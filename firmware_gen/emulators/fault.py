"""The error that ends an emulated board, because of what its firmware did."""

from __future__ import annotations

from ska_edge.errors import CheckError


class FirmwareFault(CheckError):
    """The firmware did something that the chip cannot do, or that the emulator does not model."""
