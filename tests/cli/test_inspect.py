"""`ska-edge inspect` names what a user has chosen in training."""

from __future__ import annotations

from pathlib import Path

import pytest

QUICK = ("--hidden", "3", "--epochs", "1")


@pytest.mark.parametrize(("kind", "words"), [("reservoir", "a reservoir"), ("fifo", "a FIFO")])
def test_inspect_names_the_kind_of_the_buffer(ska_edge, kind: str, words: str) -> None:
    ska_edge("train", "iris", "-o", "m.ska", *QUICK, "--stored", "2", "--buffer", kind)
    outcome = ska_edge("inspect", "m.ska")
    assert f"of 6 places for past samples taken ({words})\n" in outcome.out


@pytest.mark.parametrize(
    ("data", "raw", "expected"),
    [("iris", "integer", None), ("iris", "float32", "float32"), ("adc.csv", "integer", "integer")],
)
def test_inspect_names_the_raw_features(
    ska_edge, data: str, raw: str, expected: str | None
) -> None:
    Path("adc.csv").write_text("a,label\n" + "".join(f"{7 * n},{n % 2}\n" for n in range(40)))
    ska_edge("train", data, "-o", "m.ska", *QUICK, "--raw", raw)
    line = ska_edge("inspect", "m.ska").out.splitlines()[-1]
    words = f"; a device computes it from raw features (--raw {expected})"
    assert line.endswith(words if expected else "see --json for mean and scale")
    assert ska_edge("inspect", "m.ska", "--json").document()["raw"] == expected
