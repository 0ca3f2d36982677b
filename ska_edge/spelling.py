"""Suggests the known name that a mistyped name may mean."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return ` (did you mean 'X'?)` with the closest known name X; "" if no known name is close."""
    names = {name.lower(): name for name in known}
    found = get_close_matches(str(word).lower(), names, n=1)
    return f" (did you mean '{names[found[0]]}'?)" if found else ""
