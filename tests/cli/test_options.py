"""Commands share one description of the training options, and one sentence for a bad value."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from ska_edge.cli.commands.bench import OFFERED
from ska_edge.cli.main import main
from ska_edge.cli.options.complete import FilePath
from ska_edge.model.open import open_model
from ska_edge.training.option import Kind
from ska_edge.training.options import OPTIONS, Options, default_words, flag
from ska_edge.training.settling import settled

LISTED = tuple(name for name, each in OPTIONS.items() if each.listed)


def options_of(command: str) -> dict[str, click.Option]:
    found = main.commands[command].params
    return {str(each.name): each for each in found if isinstance(each, click.Option)}


@pytest.mark.parametrize(
    ("command", "arguments", "names"),
    [
        ("train", "data -o m.ska", tuple(OPTIONS)),
        ("run", "data", tuple(OPTIONS)),
        ("bench", "data --board host", OFFERED),
        ("sweep", "data -o sweep", (*LISTED, "epochs")),
    ],
)
def test_commands_offer_an_option_in_the_same_way(
    command: str, arguments: str, names: tuple[str, ...]
) -> None:
    offered = options_of(command)
    group = click.Context(main, **main.context_settings)  # a command inherits -h from its group
    values = main.commands[command].make_context(command, arguments.split(), parent=group).params
    for name in names:
        said, found = OPTIONS[name], offered[name]
        words = "as the board says" if (command, name) == ("bench", "hidden") else None
        assert flag(name) in found.opts
        assert found.help is not None and found.help.startswith(said.help)
        assert found.help.endswith(f" [default: {words or default_words(name)}]")
        assert values[name] in (None, ())  # the command line adds no default
        if said.kind is Kind.COUNT and isinstance(found.type, click.IntRange):
            assert (found.type.min, found.type.max) == (said.least, said.most)
        if said.kind is Kind.WORD and command != "sweep":
            assert isinstance(found.type, click.Choice)
            assert tuple(found.type.choices) == said.choices


def parameters(found: click.Command) -> list[click.Parameter]:
    """Return the parameters of a command and of its subcommands."""
    if isinstance(found, click.Group):
        return [each for part in found.commands.values() for each in parameters(part)]
    return found.params


def test_every_whole_number_has_bounds() -> None:
    kinds = [(each.opts, getattr(each.type, "one", each.type)) for each in parameters(main)]
    found = [pair for pair in kinds if isinstance(pair[1], click.types.IntParamType)]
    assert len(found) > 50
    for names, kind in found:
        assert isinstance(kind, click.IntRange), names
        assert kind.min is not None and kind.max is not None, names


def test_every_path_refuses_an_empty_name() -> None:
    found = [each for each in parameters(main) if isinstance(each.type, click.Path)]
    assert len(found) > 40
    assert {type(each.type) for each in found} == {FilePath}


def test_a_number_of_many_digits_is_refused(ska_edge) -> None:
    outcome = ska_edge("train", "iris", "-o", "m.ska", "--epochs", "1" + 22 * "0")
    assert "is not in the range 1<=x<=4294967295" in outcome.usage()


@pytest.mark.parametrize("command", ["train", "run", "bench", "sweep"])
def test_no_command_describes_an_option_of_its_own(command: str) -> None:
    flags = {flag(name): name for name in OPTIONS}
    for name, found in options_of(command).items():
        for word in found.opts:
            assert flags.get(word, name) == name


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (("--rate", "-1"), "a rate is a finite number above 0; --rate is -1.0"),
        (("--decay", "20"), "--decay is at least 0, and less than --epochs"),
        (
            ("--buffer", "fifo"),
            "--buffer is the kind of the replay buffer; give --stored",
        ),
        (
            ("--relearned", "2"),
            "--relearned says how many stored samples are learned again; give --stored",
        ),
        (("--steps", "3"), "--steps is for rules without labels, not for local; leave it out"),
        (("--from", "a", "--init", "b"), "give --from or --init, not both: both say where to"),
        (
            ("--batch", "1000"),
            "a batch of 1000 is larger than the 120 training rows; give a smaller --batch",
        ),
    ],
)
def test_an_error_names_an_option_as_it_was_given(
    ska_edge, iris_file: Path, option: tuple[str, ...], sentence: str
) -> None:
    option = tuple(str(iris_file) if word == "a" else word for word in option)
    refusal = ska_edge("train", "iris", "-o", "m.ska", *option).refusal(2)
    assert refusal.startswith(f"ska-edge: {sentence}")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--scale", "global"), "--from keeps the scaling of its model; leave --scale out"),
        (
            ("--per-class", "3", "--test-fraction", "0.5"),
            "give --per-class or --test-fraction, not both: all rows beyond --per-class are test"
            " rows",
        ),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    ska_edge, iris_file: Path, options: tuple[str, ...], sentence: str
) -> None:
    command = ("train", "iris", "-o", "m.ska", "--from", iris_file, *options)
    assert ska_edge(*command).refusal(2) == f"ska-edge: {sentence}"
    assert not Path("m.ska").exists()


def test_a_model_notes_the_options_that_made_it(ska_edge, iris_file: Path) -> None:
    options = ("--hidden", "3", "--epochs", "2", "--seed", "4", "--log", "steps.jsonl")
    assert ska_edge("train", "iris", "-o", "m.ska", *options).code == 0
    notes = open_model(Path("m.ska")).notes
    made = settled(Options(hidden=(3,), epochs=2, seed=4, split="plain"), 4, 3)
    assert {name: notes[name] for name in made.notes()} == made.notes()
    assert set(notes) == {*made.notes(), "data", "data_digest"}
    assert (notes["rate"], notes["hidden"], notes["test_fraction"]) == (0.125, [3], 0.2)


def test_a_continued_model_keeps_its_options_and_changes_are_reported(ska_edge) -> None:
    made = ("--hidden", "6", "--rule", "feedback", "--seed", "3", "--stored", "2", "--rate", "0.05")
    assert ska_edge("train", "iris", "-o", "a.ska", *made, "--epochs", "2").code == 0
    kept = ska_edge("train", "iris", "-o", "b.ska", "--from", "a.ska", "--epochs", "1", "--json")
    assert (kept.code, kept.document()["changes"]) == (0, {})
    assert "changed" not in kept.err
    plans = [open_model(Path(name)).plan for name in ("a.ska", "b.ska")]
    assert plans[0] == plans[1]
    other = ("--seed", "0", "--rate", "0.25")
    changed = ska_edge("train", "iris", "-o", "c.ska", "--from", "a.ska", *other, "--epochs", "1")
    (line,) = [line for line in changed.err.splitlines() if "changed" in line]
    assert line == "changed from a.ska: --rate 0.05 -> 0.25, --seed 3 -> 0"
    assert open_model(Path("c.ska")).plan.seed == 0
    frozen = ("-o", "d.ska", "--from", "c.ska", "--readout-only", "--epochs", "1")
    (line,) = [
        line for line in ska_edge("train", "iris", *frozen).err.splitlines() if "changed" in line
    ]
    assert line == "changed from c.ska: --readout-only no -> yes"
