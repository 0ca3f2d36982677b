"""ska.toml gives commands the options and arguments that the command line does not give."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.cli.commands.new import SECTIONS, settings_text
from ska_edge.cli.main import main
from ska_edge.cli.options.complete import BOARD, DATA
from ska_edge.cli.options.shared import SharedArgument, SharedOption
from ska_edge.cli.options.training import ListOf, options_from
from ska_edge.cli.screen.origin import origin
from ska_edge.cli.settings import RUNS_PROGRAMS, keys_of, settings_for
from ska_edge.errors import InputError
from ska_edge.training.option import ALL_ROWS, AUTO, Kind, Option
from ska_edge.training.options import OPTIONS, flag
from tests.recordings import write_recordings

FILE = Path("ska.toml")


def toml(value: Any) -> str:
    """Return a value as TOML. JSON writes these values in the same way, except the character
    DEL.
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def parsed(name: str, arguments: list[str], defaults: dict[str, Any]) -> dict[str, Any]:
    group = click.Context(main)
    group.default_map = {name: defaults}
    return main.commands[name].make_context(name, arguments, parent=group).params


def from_file(name: str, text: str) -> dict[str, Any]:
    FILE.write_text(text, encoding="utf-8")
    return settings_for(name, main.commands)


def refusal(text: str, name: str = "train") -> str:
    with pytest.raises(InputError) as refused:
        from_file(name, text)
    return str(refused.value)


# --- options of training --------------------------------------------------------------------------


def numbers(each: Option) -> st.SearchStrategy[Any]:
    if each.kind is not Kind.REAL:
        return st.integers(each.least or 0, min(each.most or 1000, 1000))
    least, most = each.least or 0, each.most or each.below or 10
    found = st.floats(least, most, exclude_max=each.below is not None, exclude_min=bool(each.above))
    return found.filter(each.within) | st.just(AUTO) if each.auto else found.filter(each.within)


def values(each: Option) -> st.SearchStrategy[Any]:
    """Return a strategy for values of an option, as a person writes them in TOML."""
    text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1)
    return {
        Kind.WORD: st.sampled_from(each.choices or ("",)),
        Kind.WIDTHS: st.lists(st.integers(1, 64), max_size=4),
        Kind.FLAG: st.booleans(),
        Kind.FILE: text,
        Kind.GROUP: text | st.integers(0, 9),
        Kind.ROWS: st.integers(1, 1000) | st.just(ALL_ROWS),
        Kind.COUNT: numbers(each),
        Kind.REAL: numbers(each),
    }[each.kind]


def on_the_command_line(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [flag(name) if value else f"--no-{flag(name)[2:]}"]
    if isinstance(value, list):
        value = ",".join(map(str, value))
    return [flag(name), str(value)]


@given(
    st.fixed_dictionaries({}, optional={name: values(each) for name, each in OPTIONS.items()}),
    st.sampled_from(("train", "run")),
)
@settings(max_examples=150)
def test_the_file_gives_the_same_options_as_the_command_line(
    chosen: dict[str, Any], name: str
) -> None:
    lines = [f"{flag(option)[2:]} = {toml(value)}\n" for option, value in chosen.items()]
    words = [word for each in chosen.items() for word in on_the_command_line(*each)]
    begun = ["rows.csv", "-o", "out"]
    by_file = parsed(name, [*begun], from_file(name, "".join(lines)))
    by_hand = parsed(name, [*begun, *words], {})
    assert by_file == by_hand
    made = {option: by_file[option] for option in OPTIONS}
    assert options_from(made) == options_from({option: by_hand[option] for option in OPTIONS})


# --- every option of every command ----------------------------------------------------------------


def sample(each: click.Parameter) -> Any:
    """Return a value that a parameter accepts, as TOML has it."""
    if isinstance(each, click.Option) and each.is_flag:
        return True
    if each.type is BOARD:
        return "uno"
    if isinstance(each.type, ListOf):
        found = sample_of(each.type.one)
        return [[found]] if takes_several(each) else [found]
    found = sample_of(each.type)
    return [found] if takes_several(each) else found


def takes_several(each: click.Parameter) -> bool:
    return each.nargs == -1 or (isinstance(each, click.Option) and each.multiple)


def sample_of(kind: click.ParamType[Any]) -> Any:
    if isinstance(kind, click.Choice):
        return list(kind.choices)[-1]
    if isinstance(kind, click.IntRange):
        return max(kind.min or 0, 1)
    if isinstance(kind, click.FloatRange) or kind.name in ("float", "integer"):
        return 0.25
    return "2s" if kind.name == "text" else 7


def texts(value: Any) -> list[str]:
    """Return the words of a command line for a sample."""
    many = value if isinstance(value, list) else [value]
    return [",".join(map(str, each)) if isinstance(each, list) else str(each) for each in many]


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_option_of_a_command_can_be_in_the_file(name: str) -> None:
    for each in main.commands[name].params:
        assert_taken(name, each)


def assert_taken(name: str, each: click.Parameter) -> None:
    """Check that the file gives a parameter the value that the same words give it."""
    value = sample(each)
    (key, *_) = keys_of(each)
    text = f"[command.{name}]\n{key} = {toml(value)}\n"
    if key in RUNS_PROGRAMS:
        assert refusal(text, name) == (
            f"ska.toml: [command.{name}] {key} lets another program run; give --{key} on the"
            " command line"
        )
        return
    context = click.Context(main.commands[name])
    found = from_file(name, text)
    assert set(found) == {each.name}
    taken = each.type_cast_value(context, found[str(each.name)])
    if value is True:
        assert taken is True
        return
    words = texts(value)
    several = takes_several(each)
    assert taken == each.type_cast_value(context, words if several else words[0])
    if isinstance(each, SharedOption | SharedArgument):
        shared = from_file(name, f"{key} = {toml(value[0] if several else value)}\n")
        assert each.type_cast_value(context, shared[str(each.name)]) == taken


def test_the_data_at_the_top_are_for_each_command_with_data_but_monitor() -> None:
    own = {
        name
        for name, command in main.commands.items()
        for each in command.params
        if isinstance(each, click.Argument) and each.type is DATA
        if not isinstance(each, SharedArgument)
    }
    assert own == {"monitor"}  # without DATA, it follows what devices learn by themselves


# --- which value wins, and what is said -----------------------------------------------------------


@pytest.fixture
def project() -> Iterator[None]:
    write_recordings(Path("recordings"))
    FILE.write_text(
        'data = "recordings"\nwindow = "2s"\nhidden = [4]\nepochs = 2\n'
        '[command.train]\noutput = "a.ska"\nseed = 3\n',
        encoding="utf-8",
    )
    yield


def test_a_command_takes_its_data_and_options_from_the_file(ska_edge, project) -> None:
    trained = ska_edge("train")
    assert trained.code == 0
    first = trained.err.splitlines()[0]
    assert first == "ska.toml: recordings --output a.ska --hidden 4 --epochs 2 --seed 3 --window 2s"
    assert "recordings: 200-4-3" in trained.out and Path("a.ska").is_file()
    evaluated = ska_edge("eval", "a.ska", "--json")
    assert evaluated.document()["accuracy"]
    assert evaluated.err.splitlines()[0] == "ska.toml: recordings --window 2s"


def test_the_model_is_enough_to_predict_and_to_report(ska_edge, project) -> None:
    assert ska_edge("train").code == 0
    predicted = ska_edge("predict", "a.ska", "-o", "classes.csv")
    assert predicted.code == 0 and "right" in predicted.err
    assert predicted.err.splitlines()[0] == "ska.toml: recordings --window 2s"
    reported = ska_edge("report", "a.ska", "-o", "a.html")
    assert reported.code == 0 and reported.err.splitlines()[0] == predicted.err.splitlines()[0]


def test_the_command_line_wins_and_the_rest_is_said(ska_edge, project) -> None:
    trained = ska_edge("train", "recordings", "-o", "b.ska", "--hidden", "5", "--seed", "0")
    assert trained.err.splitlines()[0] == "ska.toml: --epochs 2 --window 2s"
    assert "200-5-3" in trained.out and not Path("a.ska").exists()


def test_a_command_that_uses_nothing_of_the_file_says_nothing(ska_edge, project) -> None:
    assert ska_edge("boards").err == ""


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_an_error_says_that_an_option_is_from_the_file(ska_edge, project, as_json) -> None:
    sentence = (
        "iris has rows, not recordings, so it has no samples to cut into windows; name a folder of"
        " recordings, or leave --window out (--window is from ska.toml; `ska-edge --no-settings`"
        " leaves it unread)"
    )
    refused = ska_edge("train", "iris", "-o", "b.ska", *as_json)
    assert refused.code == 2 and f"ska-edge: {sentence}" in refused.err.splitlines()
    assert not as_json or refused.document()["error"] == sentence


def test_an_error_before_the_command_says_it_too(ska_edge, project) -> None:
    FILE.write_text('window = "-1s"\n', encoding="utf-8")
    assert ska_edge("data", "recordings").refusal(2) == (
        "ska-edge: --window is '-1s'; it is a number of samples, such as 100, or a time, such as 2s"
        " or 500ms (--window is from ska.toml; `ska-edge --no-settings` leaves it unread)"
    )


def test_an_error_of_a_typed_option_does_not_name_the_file(ska_edge, project) -> None:
    refused = ska_edge("train", "iris", "-o", "b.ska", "--window", "3s")
    assert refused.err.endswith("leave --window out\n")


def test_an_error_names_each_option_that_is_from_the_file(ska_edge) -> None:
    FILE.write_text("batch = 8\nnormalized-step = true\n", encoding="utf-8")
    both = ska_edge("train", "iris", "-o", "m.ska").err
    assert "(--normalized-step and --batch are from ska.toml; " in both
    one = ska_edge("train", "iris", "-o", "m.ska", "--batch", "4").err
    assert "(--normalized-step is from ska.toml; " in one


def test_the_file_can_be_left_unread(ska_edge, project) -> None:
    refused = ska_edge("--no-settings", "train")
    assert refused.code == 2 and "Missing argument 'DATA'" in refused.usage()


def test_help_needs_no_valid_file(ska_edge) -> None:
    FILE.write_text("data =", encoding="utf-8")
    assert ska_edge("train", "--help").code == 0
    assert ska_edge("--help").code == 0


def test_a_command_that_lacks_its_data_says_where_to_name_them(ska_edge) -> None:
    FILE.write_text("epochs = 2\n", encoding="utf-8")
    assert ska_edge("run").usage() == (
        "Error: Missing argument 'DATA'. Name it, or write it to ska.toml: data = \"...\""
    )


def test_an_argument_that_takes_several_values_is_said() -> None:
    FILE.write_text('[command.dashboard]\nsources = ["a.jsonl", "b c.jsonl"]\n', encoding="utf-8")
    group = click.Context(main)
    group.default_map = {"dashboard": settings_for("dashboard", main.commands)}
    context = main.commands["dashboard"].make_context("dashboard", [], parent=group)
    assert context.params["sources"] == (Path("a.jsonl"), Path("b c.jsonl"))
    assert origin(context) == "ska.toml: a.jsonl 'b c.jsonl'"


def test_an_export_for_a_tool_chain_needs_no_board(ska_edge, iris_file: Path) -> None:
    FILE.write_text('board = "uno"\n', encoding="utf-8")
    assert ska_edge("firmware", iris_file, "--as", "arduino", "-o", "ska_net").code == 0
    command = ("firmware", iris_file, "--as", "arduino", "-o", "net", "--board", "uno")
    assert "leave --board out" in ska_edge(*command).refusal(2)


def test_a_sweep_begins_with_the_values_of_the_project(ska_edge) -> None:
    found = from_file("sweep", "hidden = [8, 4]\nrate = 0.125\n")
    taken = parsed("sweep", ["iris", "-o", "s"], found)
    assert (taken["hidden"], taken["rate"]) == (((8, 4),), (0.125,))
    own = from_file("sweep", "[command.sweep]\nhidden = [[8, 4], [16]]\nrate = [0.1, 0.2]\n")
    taken = parsed("sweep", ["iris", "-o", "s"], own)
    assert (taken["hidden"], taken["rate"]) == (((8, 4), (16,)), (0.1, 0.2))


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("data = ", "ska.toml cannot be read: Invalid value (at end of document)"),
        ("epochs = 2\nhop : 3\n", "ska.toml cannot be read: Expected '=' after a key"),
        ("windw = 100\n", "ska.toml: no command has an option 'windw' (did you mean 'window'?)"),
        ("samples = 3\n", "ska.toml: samples differs from command to command; write it below a"),
        (
            "trust = true\n",
            "ska.toml: trust lets another program run; give --trust on the command line",
        ),
        ('main = "mine.c"\n', "ska.toml: main lets another program run; give --main on the"),
        ("[train]\nseed = 1\n", "ska.toml: write [command.train] in place of [train]"),
        ("command = 1\n", "ska.toml: command is a table; write a line such as [command.train]"),
        (
            "[command]\ntrain = 1\n",
            "ska.toml: command.train is a table; write a line [command.train]",
        ),
        (
            "[command.trian]\n",
            "ska.toml: there is no command 'trian' (did you mean 'train'?)",
        ),
        (
            "[command.run]\nsample = 3\n",
            "ska.toml: `ska-edge run` has no option 'sample' (did you mean 'samples'?)",
        ),
        ("epochs = 0\n", "ska.toml: epochs: 0 is not in the range 1<=x<=4294967295"),
        ("epochs = 2.5\n", "ska.toml: epochs: '2.5' is not a valid integer range"),
        ("epochs = true\n", "ska.toml: epochs: it is a text or a number, not true"),
        ("epochs = [2]\n", "ska.toml: epochs: it is a text or a number, not a list"),
        ("rate = -1\n", "ska.toml: rate: a rate is a finite number above 0; rate is -1.0"),
        ("rate = nan\n", "ska.toml: rate: a rate is a finite number above 0; rate is nan"),
        ("rule = 'locl'\n", "ska.toml: rule: 'locl' is not one of"),
        ("untrained = 1\n", "ska.toml: untrained: it is true or false, not 1"),
        ("features = []\n", "ska.toml: features: it is an empty list; leave it out"),
        ("features = ['a,b']\n", "ska.toml: features: 'a,b' cannot be in this list"),
        ("label = 'a'\nlabel-column = 'b'\n", "ska.toml: label-column and label are the same;"),
        ("data = 1979-05-27\n", "ska.toml: data: it is a text or a number, not datetime.date("),
        ("data = {a = 1}\n", "ska.toml: data: it is a text or a number, not a table"),
    ],
)
def test_a_bad_file_gets_one_sentence(ska_edge, text: str, sentence: str) -> None:
    FILE.write_text(text, encoding="utf-8")
    refused = ska_edge("train", "-o", "m.ska").refusal(2)
    assert refused.startswith(f"ska-edge: {sentence}"), refused


def test_a_line_that_is_not_utf_8_is_named(ska_edge) -> None:
    FILE.write_bytes(b"epochs = 2\nlabel = '\xff'\n")
    assert ska_edge("train", "iris", "-o", "m.ska").refusal(2) == (
        "ska-edge: ska.toml cannot be read: line 2 is not UTF-8 text"
    )


@pytest.mark.parametrize("place", ["folder", "link", "device"])
def test_what_is_no_file_is_refused(ska_edge, place: str) -> None:
    if place == "folder":
        FILE.mkdir()
    else:
        FILE.symlink_to("missing.toml" if place == "link" else os.devnull)
    assert ska_edge("train", "iris", "-o", "m.ska").refusal(2) == (
        "ska-edge: ska.toml is a folder, a device or a link to nothing; put a file in its place,"
        " or leave it unread with --no-settings before the command"
    )
    assert ska_edge("--no-settings", "boards").code == 0


def test_a_bad_file_is_a_document_for_json(ska_edge) -> None:
    FILE.write_text("epochs = 0\n", encoding="utf-8")
    refused = ska_edge("train", "-o", "m.ska", "--json")
    assert refused.code == 2
    assert refused.document()["error"] == "ska.toml: epochs: 0 is not in the range 1<=x<=4294967295"


def test_a_wrong_value_matters_only_to_a_command_that_uses_it(ska_edge) -> None:
    FILE.write_text("epochs = 0\n", encoding="utf-8")
    assert ska_edge("boards").code == 0


@pytest.mark.parametrize("board", ["./mine", "../x", "boards/mine", "."])
def test_the_file_cannot_name_a_board_whose_folder_runs_programs(board: str) -> None:
    (Path("mine")).mkdir()
    assert refusal(f"board = '{board}'\n", "run") == (
        "ska.toml: board: the board.toml of a folder runs programs; give --board FOLDER on the"
        " command line"
    )


def test_a_board_that_does_not_exist_is_refused_by_its_key() -> None:
    assert refusal("board = 'virtal-m4'\n", "run").startswith(
        "ska.toml: board: there is no board 'virtal-m4' (did you mean 'virtual-m4'?)"
    )


@given(st.text(max_size=200))
@settings(max_examples=200)
def test_any_text_is_read_or_refused(text: str) -> None:
    FILE.write_text(text, encoding="utf-8", errors="replace")
    try:
        settings_for("train", main.commands)
    except InputError as error:
        assert str(error).startswith("ska.toml")


# --- a new project --------------------------------------------------------------------------------


def test_a_new_project_has_what_its_readme_needs(ska_edge) -> None:
    made = ska_edge("new", "watch", "--json")
    assert made.document() == {
        "folder": "watch",
        "files": ["ska.toml", "README.md", ".gitignore", "recordings/.gitkeep"],
    }
    assert all(Path("watch", name).is_file() for name in made.document()["files"])
    text = Path("watch/README.md").read_text(encoding="utf-8")
    lines = [line.strip().split("  #")[0] for line in text.splitlines() if line.startswith("    ")]
    assert lines[0] == "cd watch"
    assert [line.split()[1] for line in lines[1:]] == (
        ["record", "data", "run", "flash", "monitor", "flash"]
    )
    for line in lines[1:]:
        _, name, *arguments = shlex.split(line)
        os.chdir("watch")
        try:
            parsed(name, arguments, settings_for(name, main.commands))
        finally:
            os.chdir("..")


def test_a_new_project_trains_on_recordings(ska_edge, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ska_edge("new", "watch").code == 0
    monkeypatch.chdir("watch")
    refused = ska_edge("train", "-o", "m.ska")
    assert (refused.code, "recordings has no recordings" in refused.err) == (2, True)
    Path("recordings/.gitkeep").unlink()
    Path("recordings").rmdir()
    write_recordings(Path("recordings"))
    trained = ska_edge("train", "-o", "m.ska")
    assert trained.code == 0
    assert "recordings: 10-32-3" in trained.out


def test_a_new_project_overwrites_nothing(ska_edge) -> None:
    Path("watch").mkdir()
    assert ska_edge("new", "watch").refusal(2) == (
        "ska-edge: watch exists already; give the project another name"
    )
    assert list(Path("watch").iterdir()) == []


def test_a_new_project_needs_a_name(ska_edge) -> None:
    assert ska_edge("new", ".").refusal(2) == (
        "ska-edge: name a new folder for the project, such as `ska-edge new watch`"
    )
    assert "the name is empty: give a name" in ska_edge("new", "").usage()


def test_every_setting_of_a_new_project_is_explained_and_can_be_switched_on() -> None:
    lines = settings_text().splitlines()
    for setting in (each for section in SECTIONS.values() for each in section):
        assert lines[lines.index(setting) - 1].startswith("# ") or setting.startswith("data ")
    active = [line.removeprefix("# ") if " = " in line else line for line in lines]
    for name in ("train", "run", "sweep", "verify", "monitor"):
        known = {key for each in main.commands[name].params for key in keys_of(each)}
        found = from_file(name, "\n".join(line for line in active if line[:1] not in "#-`Ai"))
        assert set(found) <= {str(each.name) for each in main.commands[name].params}
        assert "window" not in known or found["window"] == "2s"
