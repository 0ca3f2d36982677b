"""Defines the click type of a whole number that nothing but its size limits."""

from __future__ import annotations

import click

from ska_edge.training.option import MOST_COUNT

COUNT = click.IntRange(1, MOST_COUNT)
COUNT_OR_NONE = click.IntRange(0, MOST_COUNT)
