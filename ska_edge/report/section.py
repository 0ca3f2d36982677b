"""Defines the sections of a page."""

from __future__ import annotations

from dataclasses import dataclass

from ska_edge.report.chart import Chart
from ska_edge.report.table import Table

Part = str | Table | Chart
"""A paragraph, a table or a chart."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure in the head of a page, with its name and, if needed, a few words about it."""

    name: str
    value: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a page.

    Attributes:
        anchor: the section's name in links, unique in the page; letters, digits and hyphens.
        title: the heading.
        parts: the contents, in order.
    """

    anchor: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that a page shows.

    Attributes:
        title: the title of the page.
        summary: one line about the network.
        facts: the most important figures.
        sections: the sections; a section without parts is left out of the page.
    """

    title: str
    summary: str
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]

    @property
    def charts(self) -> dict[str, Chart]:
        """The charts of all sections, by name."""
        parts = [part for section in self.sections for part in section.parts]
        return {part.name: part for part in parts if not isinstance(part, (str, Table))}
