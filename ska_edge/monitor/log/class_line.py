"""Defines the lines of a monitor's log about classes that are added on a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ska_edge.monitor.log.value import Json, Keys


@dataclass(frozen=True, slots=True)
class ClassNotice:
    """A class that is about to be added; a later line shows that it was added.

    `token` is the token of the state that gets the class.
    """

    KEY: ClassVar = "adding"
    name: str
    token: int

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        return {"adding": self.name, "token": self.token}

    @classmethod
    def parse(cls, keys: Keys) -> ClassNotice:
        """Read the line from its JSON object; raise InputError as `Keys` does."""
        return cls(keys.text("adding"), keys.integer("token"))


@dataclass(frozen=True, slots=True)
class ClassChange:
    """From here on, the device has a class with this name and this label."""

    KEY: ClassVar = "class"
    name: str
    label: int

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        return {"class": self.name, "label": self.label}

    @classmethod
    def parse(cls, keys: Keys) -> ClassChange:
        """Read the line from its JSON object; raise InputError as `Keys` does."""
        return cls(keys.text("class"), keys.integer("label"))
