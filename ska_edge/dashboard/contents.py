"""What a server needs of a page."""

from __future__ import annotations

from typing import Protocol


class Contents(Protocol):
    """The contents of a page; the server calls the methods from threads of its own."""

    @property
    def html(self) -> str:
        """The name of the file in static/ that shows the document."""

    def text(self) -> tuple[object, str]:
        """Return a value that changes with the document, and the document as JSON."""

    def steer(self, request: bytes) -> None:
        """Do what a request in JSON asks; raise InputError if this cannot be done."""
