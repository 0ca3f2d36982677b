"""Commands with rows that are images, and with a model that has learned their patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Run

FRONT = ("--frontend", "patches:filters=4,size=3,stride=1,cells=2")
SMALL = ("--epochs", "8", "--hidden", "8")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of images of 6x6 pixels: horizontal or vertical stripes; the pixels have names."""
    rng = np.random.default_rng(3)
    lines = ["label," + ",".join(f"p{pixel}" for pixel in range(36))]
    for number in range(120):
        image = np.repeat(rng.integers(0, 2, (6, 1)) * 200, 6, axis=1)
        image = (image if number % 2 else image.T) + rng.integers(0, 30, (6, 6))
        lines.append(f"{('down', 'across')[number % 2]}," + ",".join(map(str, image.ravel())))
    path = tmp_path_factory.mktemp("images") / "images.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_every_command_takes_rows_of_pixels(ska_edge: Run, table: Path, tmp_path: Path) -> None:
    trained = ska_edge("train", table, *FRONT, *SMALL, "-o", "m.ska", "--json")
    assert trained.code == 0, trained.err
    assert trained.document()["accuracy"]["fixed"]["test"] > 0.9
    own = ska_edge("eval", "m.ska", table, "--json").document()["accuracy"]["fixed"]["test"]
    assert own == pytest.approx(trained.document()["accuracy"]["fixed"]["test"])
    front = ska_edge("inspect", "m.ska", "--json").document()["front"]
    assert (front["length"], front["axes"], front["features"]) == (6, 6, 16)
    assert len(front["filters"]["weights"]) == 4 * 9
    assert "4 filters of 3x3 in Q0.7" in ska_edge("inspect", "m.ska").out
    # The pixels are found by their names, wherever they are.
    lines = [line.split(",") for line in table.read_text().splitlines()]
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join(",".join(reversed(line)) for line in lines) + "\n")
    assert ska_edge("predict", "m.ska", turned).out == ska_edge("predict", "m.ska", table).out
    proven = ska_edge("verify", "m.ska", table, "--board", "host", "--samples", "9", "--json")
    assert proven.document()["equal"] is True
    told = ska_edge("verify", "m.ska", table, "--board", "host", "--samples", "9").out
    assert "the device computed 16 features of 9 images from pixels" in told
    again = ska_edge("train", table, "--from", "m.ska", "--epochs", "1", "-o", "n.ska")
    assert again.code == 0, again.err
    assert ska_edge("inspect", "n.ska", "--json").document()["front"] == front
    assert ska_edge("export", "m.ska", "-o", "m.onnx").code == 0
    assert ska_edge("inspect", "m.onnx", "--json").document()["front"] == front


def test_the_defaults_suit_small_images(ska_edge: Run, table: Path) -> None:
    assert ska_edge("train", table, "--frontend", "patches", *SMALL, "-o", "m.ska").code == 0
    filters = ska_edge("inspect", "m.ska", "--json").document()["front"]["filters"]
    assert (filters["size"], filters["stride"], filters["cells"]) == (3, 1, 4)


def test_a_number_that_is_no_pixel_is_named_by_its_row_in_the_file(
    ska_edge: Run, table: Path, tmp_path: Path
) -> None:
    assert ska_edge("train", table, *FRONT, *SMALL, "-o", "m.ska").code == 0
    lines = table.read_text().splitlines()
    lines[8] = "down,-3," + lines[8].split(",", 2)[2]
    damaged = tmp_path / "neg.csv"
    damaged.write_text("\n".join(lines) + "\n")
    for arguments in (
        ("train", damaged, *FRONT, *SMALL, "-o", "n.ska"),
        ("train", damaged, "--frontend", "patches:cells=60", "-o", "n.ska"),
        ("eval", "m.ska", damaged),
    ):
        assert "row 8 of neg has the number -3" in ska_edge(*arguments).refusal(2)


def test_what_is_no_image_is_refused_in_one_sentence(ska_edge: Run, table: Path) -> None:
    assert ska_edge("train", table, *FRONT, *SMALL, "-o", "m.ska").code == 0
    assert ska_edge("train", table, *SMALL, "-o", "rows.ska").code == 0
    more = ("-o", "n.ska")
    for arguments, sentence in (
        (("train", table, *FRONT, "--window", "3", *more), "for rows that are images"),
        (("train", table, "--frontend", "patches:shape=5x7", *more), "no image of 5x7 pixels"),
        (("train", table, "--frontend", "patches:size=7", *more), "size=7, but for images of 6x6"),
        (("train", "iris", "--frontend", "patches:size=2,cells=1", *more), "pixel is an integer"),
        (("train", table, *FRONT, "--raw", "float32", *more), "leave --raw out"),
        (("train", table, *FRONT, "--from", "rows.ska", *more), "leave --frontend out"),
        (("eval", "rows.ska", table, *FRONT), "leave --frontend out"),
        (("eval", "m.ska", "iris"), "takes images of 6x6 pixels"),
    ):
        refused = ska_edge(*arguments)
        assert refused.code == 2 and sentence in refused.err, (arguments, refused.err)
        assert len(refused.err.splitlines()) == 1
