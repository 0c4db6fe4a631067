"""What `--help` shows of every command: everything, in plain words, however narrow the terminal."""

import ast
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from ppbench.cli import app
from ppbench.cli.help_screen import PANELS
from ppbench.training.recipe import recipe_names

ROOT = Path(__file__).parents[2]


def _commands(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*path, name))


COMMANDS = dict(_commands(typer.main.get_command(app)))
EACH = pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "ppbench")


OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def _options(path: tuple[str, ...]) -> set[str]:
    parameters = COMMANDS[path].params  # type: ignore[attr-defined]  # a command has them
    return {name for each in parameters for name in (*each.opts, *each.secondary_opts)} | {"--help"}


def _help(path: tuple[str, ...], columns: int = 80) -> str:
    done = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": str(columns), "TERM": "dumb"})
    assert done.exit_code == 0, done.output
    return done.stdout


@EACH
@pytest.mark.parametrize("columns", [80, 50])
def test_nothing_is_cut_off(path: tuple[str, ...], columns: int) -> None:
    """No line is wider than the terminal, every name of an option stands whole, and no type of Python's is shown."""
    text = _help(path, columns)
    assert max(map(len, text.splitlines())) <= columns
    assert "…" not in text
    assert "<str>" not in text
    assert "<list" not in text
    assert "...." not in text
    words = text.replace("│", " ").split()
    for parameter in COMMANDS[path].params:  # type: ignore[attr-defined]  # a command has them
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert set(parameter.opts + parameter.secondary_opts) <= set(words)


@EACH
def test_two_examples_that_the_command_takes(path: tuple[str, ...]) -> None:
    """Each help ends with two commands, in lines that need no wrapping, of options that there are."""
    lines = [line.strip() for line in _help(path).partition(" Examples\n")[2].splitlines() if line.strip()]
    assert len(lines) == 2
    for line in lines:
        words = shlex.split(line)
        assert tuple(words[: 1 + len(path)]) == ("ppbench", *path)
        shown = next(COMMANDS[tuple(words[1:k])] for k in (3, 2) if tuple(words[1:k]) in COMMANDS)
        names = {name for each in shown.params for name in each.opts}  # type: ignore[attr-defined]  # as above
        assert {word for word in words if word.startswith("--")} <= names


@EACH
def test_examples_show_what_differs_from_the_default(path: tuple[str, ...]) -> None:
    """Switches that are on anyway, and values that are taken anyway, teach nothing by themselves."""
    for line in _help(path).partition(" Examples\n")[2].splitlines():
        words = shlex.split(line)
        shown = next((COMMANDS[tuple(words[1:k])] for k in (3, 2) if tuple(words[1:k]) in COMMANDS), None)
        differs = [
            str(True if each.is_flag else words[words.index(name) + 1]) != str(each.default)
            for each in (shown.params if shown else ())  # type: ignore[attr-defined]  # a command has them
            for name in set(each.opts) & set(words)
            if name.startswith("--")
        ]
        assert not differs or any(differs), line


@EACH
def test_every_option_that_a_help_names_is_its_commands(path: tuple[str, ...]) -> None:
    """One of another command is named with it, as `ppbench cache --clear`: here nobody can type it."""
    text = _help(path).partition(" Examples\n")[0].replace("│", " ")
    listed = re.search(
        r"╭─ Commands.*?╰─+╯", text, re.DOTALL
    )  # what it says of another command is about that one
    rows = {} if listed is None else _rows(listed[0])
    said = {path: text.replace(listed[0] if listed else "", "")} | {
        (*path, name): row for name, row in rows.items()
    }
    assert len(said) == 1 + len(getattr(COMMANDS[path], "commands", ()))
    for own, words in said.items():
        plain = " ".join(words.split())
        for command, rest in re.findall(r"`ppbench ((?:[a-z]+ ?)+)([^`]*)`", plain):
            assert set(OPTION.findall(rest)) <= _options(tuple(command.split()))
        assert set(OPTION.findall(re.sub(r"`ppbench [^`]*`", "", plain))) <= _options(own)


def _rows(panel: str) -> dict[str, str]:
    """What a panel of commands says of each; what goes on in the next line is indented."""
    rows: dict[str, str] = {}
    for line in panel.splitlines()[1:-1]:
        if name := re.match(r"  ([a-z]+) ", line):
            rows[name[1]] = line
        else:
            rows[next(reversed(rows))] += f" {line}"
    return rows


def test_every_option_is_in_a_panel_that_is_shown() -> None:
    """A panel with a misspelt name would hide its options."""
    panels = {
        getattr(each, "rich_help_panel", None) or "Other"
        for command in COMMANDS.values()
        for each in command.params  # type: ignore[attr-defined]  # as above
    }
    assert panels <= set(PANELS)


def test_the_help_of_train_lists_the_recipes() -> None:
    """Whoever trains sees what ships."""
    listed = _help(("train",)).partition("Recipes")[2]
    assert all(f" {name} " in listed for name in recipe_names())


def test_no_text_of_an_option_stands_twice() -> None:
    """Options that several commands share are declared once: no help is written in two places."""
    place = {"option": 1, "argument": 0}  # which of their arguments is the help
    texts = [
        ast.literal_eval(words)
        for file in sorted((ROOT / "ppbench" / "cli").glob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in place
        for words in node.args[place[node.func.id] :][:1]
        if isinstance(words, ast.Constant)
    ]
    assert len(texts) > 50
    assert [text for text, count in Counter(texts).items() if count > 1] == []


def _on_a_terminal(columns: int, checkpoints: Path, *arguments: str) -> list[str]:
    """The lines that a command shows on a terminal so wide."""
    pty = pytest.importorskip("pty")
    parent, child = pty.openpty()
    environment = {
        **os.environ, "COLUMNS": str(columns), "TERM": "dumb", "PPBENCH_CHECKPOINTS": str(checkpoints)
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "ppbench", *arguments], stdout=child, env=environment, check=True, cwd=ROOT
    )
    os.close(child)
    text = b""
    try:
        while piece := os.read(parent, 4096):
            text += piece
    except OSError:  # Linux says so where the other end is closed
        pass
    return text.decode().splitlines()


def test_ids_of_models_are_never_cut(tmp_path: Path) -> None:
    """On a narrow terminal the ids stand whole: they are what people copy."""
    from ppbench.models.index import shipped_index

    lines = _on_a_terminal(60, tmp_path, "models")
    starts = {line.split()[0] for line in lines if line.strip() and not line.startswith(" ")}
    assert {entry.id for entry in shipped_index()} <= starts


def test_addresses_of_data_sets_are_never_broken(tmp_path: Path) -> None:
    """On a narrow terminal a line about a data set goes on between words: addresses and folders are copied."""
    from ppbench.data.inventory import inventory

    lines = _on_a_terminal(60, tmp_path, "data")
    words = [word for one in inventory() for word in one.get.split()]
    assert any(word.startswith("https://") for word in words)
    assert set(words) <= {word for line in lines for word in line.split()}
    assert all(len(line) <= 60 or len(line.split()) == 1 for line in lines)


@pytest.mark.parametrize("columns", [80, 40])
def test_names_of_networks_are_never_cut(columns: int, tmp_path: Path) -> None:
    """Each begins a line; at 80 columns each takes one line, which says what it is."""
    from ppbench.models.registry import ARCHITECTURES

    lines = _on_a_terminal(columns, tmp_path, "models", "--architectures")
    starts = [line.split()[0] for line in lines if line.strip() and not line.startswith(" ")]
    assert starts.pop(0) == "name"
    assert starts[: len(ARCHITECTURES)] == list(ARCHITECTURES)
    if columns == 80:
        assert max(map(len, lines)) <= 80
        assert len(lines) == 1 + len(ARCHITECTURES) + 2  # a heading, and what to do with them
        assert all(len(line.split()) > 2 for line in lines[: 1 + len(ARCHITECTURES)])


@pytest.mark.parametrize(
    "words, expected",
    [
        (["eval", "--model", "resnet20-pp-d"], ["resnet20-pp-digits"]),
        (["eval", "--data", "cifar"], ["cifar10-c", "cifar100-c"]),
        (["eval", "--corruptions", "fog,sn"], ["fog,snow"]),
        (["train", "--recipe", "imagenet-"], ["imagenet-paper"]),
        (["preview", "--protocol", "tiny"], ["tiny-imagenet-c"]),
        (["data", "get", "tiny"], ["tiny-imagenet-c"]),
    ],
)
def test_a_shell_completes_names(words: list[str], expected: list[str]) -> None:
    """What the tab key asks for is answered with the names that there are."""
    environment = {
        **os.environ,
        "_PPBENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["ppbench", *words]),
        "COMP_CWORD": str(len(words)),
    }
    program = "import sys; sys.argv = ['ppbench']; from ppbench.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.split() == expected, done.stderr
