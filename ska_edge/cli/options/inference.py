"""Defines the option of firmware that only classifies."""

from __future__ import annotations

import click

inference_only_option = click.option(
    "--inference-only", is_flag=True, help="The device only classifies; weights stay in flash."
)
