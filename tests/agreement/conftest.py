"""Tests of agreement compile equal projects once."""

from tests.compiled_once import compiled_once  # noqa: F401, a fixture of all tests here
