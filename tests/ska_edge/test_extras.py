"""The extras come from the metadata of the installed package."""

from __future__ import annotations

from importlib import metadata

import pytest

from ska_edge.extras import Extra, extras, how_to_install

REQUIRES = [
    "numpy>=1.26",
    'scikit-learn>=1.3; extra == "datasets"',
    "aeon>=1.0; extra == 'datasets'",
    'ska-edge[firmware]; extra == "sim"',
    'unicorn>=2.1; extra == "sim"',
    'ruff>=0.6; extra == "dev"',
]


def _version(package: str) -> str:
    if package == "aeon":
        raise metadata.PackageNotFoundError
    return "1"


def test_extras_name_their_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: REQUIRES)
    monkeypatch.setattr(metadata, "version", _version)
    datasets, sim = extras()
    assert datasets == Extra("datasets", ("scikit-learn", "aeon"), ("aeon",))
    assert datasets.install == "pip install '.[datasets]'"
    assert sim == Extra("sim", ("unicorn",), ())
    assert how_to_install("datasets") == f"{datasets.install} in the clone"


def test_a_copy_that_is_not_installed_has_no_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "requires", requires)
    assert extras() == []
