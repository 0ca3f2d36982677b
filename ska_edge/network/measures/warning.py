"""Makes the warnings that concern no single layer: about the rows, the split, or a device."""

from __future__ import annotations

from typing import Any

GENERAL_SIGNS = (
    # about rows and splits
    "few rows",
    "not learned",
    "not tested",
    "random split",
    "one run",
    "shared groups",
    "learned before",
    "no groups",
    "unknown labels",
    "far domain",
    # about a device
    "too large",
    "no replay buffer",
    "class order",
    "falling recall",
    "inputs out of range",
    "fell back",
    "missing",
)


def general_warning(sign: str, text: str) -> dict[str, Any]:
    """Return a warning in the form of `Symptom.as_dict`, with the layer None.

    Raises ValueError if the sign is not in `GENERAL_SIGNS`, which docs/TROUBLESHOOTING.md explains.
    """
    if sign not in GENERAL_SIGNS:
        raise ValueError(f"'{sign}' is not in GENERAL_SIGNS")
    return {"sign": sign, "layer": None, "text": text}
