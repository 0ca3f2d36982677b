"""Defines objects that close at the end of a `with` block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

AnyClosable = TypeVar("AnyClosable", bound="Closable")


class Closable(ABC):
    """A context manager that returns itself, and calls `close` at the end of the block."""

    @abstractmethod
    def close(self) -> None:
        """Free all resources; a second call does nothing."""

    def __enter__(self: AnyClosable) -> AnyClosable:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
