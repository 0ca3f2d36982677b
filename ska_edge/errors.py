"""Errors of ska-edge: one root class, one-sentence messages, and exit codes."""

from __future__ import annotations


class SkaError(Exception):
    """Root of every error that ska-edge raises on purpose.

    The message is one sentence: what is wrong, where (file, line, column, layer), what to do.
    """

    exit_code = 2


class InputError(SkaError):
    """A file, an option or a value given by the user cannot be used."""


class ToolError(SkaError):
    """A compiler, an emulator or an optional package is missing; the message says how to get it."""


class CheckError(SkaError):
    """A check ran to its end and failed: a mismatch, or an exceeded budget."""

    exit_code = 1


class DeviceError(SkaError):
    """There is no device, or it does not answer, or its answer is wrong."""

    exit_code = 3


class ContactLost(DeviceError):
    """A device that was connected has disappeared, is silent, or has started again.

    It may come back, perhaps at another port. Every other DeviceError needs the user to act.
    """
