"""Defines options that take one of several words, and suggest one for a mistyped word."""

from __future__ import annotations

import click

from ska_edge.spelling import did_you_mean


class Word(click.Choice[str]):
    """The click type of one of several words."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        """Return click's message and a suggestion."""
        message = super().get_invalid_choice_message(value, ctx)
        return message.rstrip(".") + did_you_mean(value, self.choices) + "."


class WordWithParameters(Word):
    """The click type of one of several words, which may have a colon and parameters after it."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Check the word; what reads the option checks the parameters."""
        word, colon, parameters = str(value).partition(":")
        return super().convert(word, param, ctx) + colon + parameters
