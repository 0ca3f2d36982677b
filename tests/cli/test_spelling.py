"""An error about a mistyped name suggests the most similar known name."""

from __future__ import annotations

from pathlib import Path

import pytest

import ska_edge as api
from ska_edge.spelling import did_you_mean


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("train", "digts", "-o", "m.ska"), "digits"),
        (("data", "Iris"), "iris"),
        (("predict", "MODEL", "wathc"), "watch"),
        (("bench", "--board", "qemu_m4"), "qemu-m4"),
        (("firmware", "MODEL", "-o", "f", "--board", "vitual-m4"), "virtual-m4"),
        (("verify", "MODEL", "iris", "--board", "hots"), "host"),
        (("train", "iris", "-o", "m.ska", "--rule", "feedbak"), "feedback"),
        (("train", "iris", "-o", "m.ska", "--scale", "standardise"), "standardize"),
        (("sweep", "iris", "-o", "s", "--rule", "loca,code"), "local"),
        (("sweep", "iris", "-o", "s", "--precision", "w16a9"), "w16a8"),
        (("export", "MODEL", "-o", "m.onnx", "--form", "intger"), "integer"),
        (("trian", "iris"), "train"),
        (("train", "iris", "-o", "m.ska", "--ruel", "local"), "--rule"),
    ],
)
def test_a_mistyped_name_is_answered_with_the_most_similar_one(
    ska_edge, iris_file: Path, arguments: tuple[str, ...], meant: str
) -> None:
    outcome = ska_edge(*(iris_file if word == "MODEL" else word for word in arguments))
    assert outcome.code == 2
    last = outcome.err.splitlines()[-1].lower()
    assert "did you mean" in last
    assert f"'{meant}'" in last.split("did you mean")[1]


def test_python_callers_get_the_same_suggestion(iris_file: Path, tmp_path: Path) -> None:
    with pytest.raises(api.InputError, match=r"no rule 'locl' \(did you mean 'local'\?\)"):
        api.train("iris", rule="locl")
    model = api.load(iris_file)
    with pytest.raises(api.InputError, match=r"no board 'hosst' \(did you mean 'host'\?\)"):
        model.firmware(tmp_path / "f", board="hosst")
    with pytest.raises(api.InputError, match=r"no form 'flaot' \(did you mean 'float'\?\)"):
        model.export_onnx(tmp_path / "m.onnx", form="flaot")


def test_a_name_unlike_all_others_gets_no_suggestion() -> None:
    assert did_you_mean("tempature.csv", ["digits", "iris"]) == ""
    assert did_you_mean(5, ["digits"]) == ""
    assert did_you_mean("DIGITS", ["digits"]) == " (did you mean 'digits'?)"
