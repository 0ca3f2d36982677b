"""Defines an option that takes one of several words, and suggests one for a mistyped word."""

from __future__ import annotations

import click

from ska_edge.spelling import did_you_mean


class Word(click.Choice[str]):
    """The click type of one of several words."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        """Return click's message and a suggestion."""
        message = super().get_invalid_choice_message(value, ctx)
        return message.rstrip(".") + did_you_mean(value, self.choices) + "."
