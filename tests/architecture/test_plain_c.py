"""The runtime is plain C without heap, floats or stdio."""

from __future__ import annotations

import re

import pytest

from tests.architecture.sources import C_SOURCES, c_code

NOT_IN_THE_RUNTIME = r"\b(malloc|calloc|realloc|free|float|double|printf|stdio\.h|stdlib\.h)\b"


# A pointer to a caller's floats, whose bits are read as integers.
FLOATS_OF_A_CALLER = re.compile(r"\bconst float (?=raw\[SKA_INPUTS\]|\*\w+\))")


def c_words(source: str) -> list[str]:
    return re.findall(NOT_IN_THE_RUNTIME, FLOATS_OF_A_CALLER.sub("", c_code(source)))


@pytest.mark.parametrize("name", [name for name in C_SOURCES if name.startswith("runtime/")])
def test_the_runtime_has_no_heap_no_floats_and_no_stdio(name: str) -> None:
    assert c_words(C_SOURCES[name]) == []


def test_a_float_in_the_runtime_is_found() -> None:
    source = "#include <stdio.h>\nfloat x; /* a double */ char *p = malloc(3);"
    assert c_words(source) == ["stdio.h", "float", "malloc"]
    assert c_words("void read(const float raw[SKA_INPUTS]); f(const float *x)") == []
    assert c_words("const float x = *(const float *)raw * 2; const float y[4];") == ["float"] * 3
