"""`firmware --as` writes a library for another tool chain, or one sentence says why not."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run


def test_the_library_is_named_after_its_folder(ska_edge: Run, iris_file: Path) -> None:
    outcome = ska_edge("firmware", iris_file, "--as", "arduino", "-o", "SkaIris")
    assert outcome.code == 0
    assert outcome.out.startswith("wrote SkaIris, the Arduino library SkaIris, plan ")
    assert Path("SkaIris/src/SkaIris.h").is_file()
    document = ska_edge("firmware", iris_file, "--as", "arduino", "-o", "SkaIris", "--json")
    assert document.document().keys() == {"output", "export", "name", "digest", "raw_inputs"}


def test_edits_that_are_kept_are_named(ska_edge: Run, iris_file: Path) -> None:
    assert ska_edge("firmware", iris_file, "--as", "arduino", "-o", "Iris").code == 0
    Path("Iris/src/ska_config.h").write_text("/* mine */\n")
    outcome = ska_edge("firmware", iris_file, "--as", "arduino", "-o", "Iris")
    assert outcome.err == ("kept Iris/src/ska_config.h, which was edited since it was generated\n")


def test_as_project_writes_the_same_as_no_option(ska_edge: Run, iris_file: Path) -> None:
    assert ska_edge("firmware", iris_file, "-o", "one").code == 0
    assert ska_edge("firmware", iris_file, "--as", "project", "-o", "two").code == 0
    one, two = (Path(name, "ska-project.json").read_bytes() for name in ("one", "two"))
    assert one == two


def test_an_export_is_refused_in_one_sentence(ska_edge: Run, iris_file: Path) -> None:
    def command(kind: str, *more: str) -> tuple[object, ...]:
        return ("firmware", iris_file, "--as", kind, *more)

    assert "'arduno' is not one of" in ska_edge(*command("arduno", "-o", "Iris")).usage()
    with_board = command("arduino", "-o", "Iris", "--board", "qemu-m4")
    assert ska_edge(*with_board).refusal(2) == (
        "ska-edge: an export as arduino suits every board; leave --board out"
    )
    assert ska_edge(*command("project", "-o", "fw")).code == 0
    assert "fw is not empty and holds no ska-edge export" in (
        ska_edge(*command("arduino", "-o", "fw")).refusal(2)
    )
    assert ska_edge(*command("arduino", "-o", "Iris")).code == 0
    assert "Iris is not empty and holds no ska-edge project" in (
        ska_edge(*command("project", "-o", "Iris")).refusal(2)
    )
    assert "write one with `ska-edge firmware`" in ska_edge("build", "Iris").refusal(2)
