"""What is said to a command, an option or a word that ppbench does not have: what was probably meant."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.main

from ppbench.cli import app, meant

GROUPS = {"": typer.main.get_command(app)}
GROUPS |= {name: each for name, each in GROUPS[""].commands.items() if hasattr(each, "commands")}  # type: ignore[attr-defined]  # a group has them

PARSED = Callable[..., object]


def _said(done: object) -> str:
    """What stands in the box, without its frame."""
    return " ".join(done.err.replace("│", " ").split())  # type: ignore[attr-defined]  # of `Finished`


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(
    "word", ["list", "ls", "show", "download", "fetch", "pull", "get", "info", "check", "add"]
)
def test_usual_words_of_other_tools_are_known_in_every_group(group: str, word: str, ppbench: PARSED) -> None:
    """Whoever tries one is told the command, unless it is one: and the parser's exit code stays 2."""
    if word in GROUPS[group].commands:  # type: ignore[attr-defined]  # as above
        return
    done = ppbench(*group.split(), word)
    assert done.code == 2  # type: ignore[attr-defined]  # of `Finished`
    assert re.search(rf"No such command '{word}'\. Did you mean `ppbench( [a-z-]+)*( [A-Z]+)?`", _said(done))


def test_every_command_that_is_hinted_at_is_one() -> None:
    """No hint at a command or option that was renamed, and no word that is a command of the group itself."""
    for group, words in meant._COMMANDS.items():
        own = GROUPS[group.removeprefix("ppbench").strip()].commands  # type: ignore[attr-defined]  # as above
        for hint, synonyms in words.items():
            assert not set(synonyms) & set(own)
            for one in hint.split("`, `" if "`, `" in hint else " or `"):
                parts = shlex.split(one.replace("`", "").replace(" or ppbench", "\nppbench").split("\n")[0])
                command = GROUPS[""]
                for part in parts[1:]:
                    if part.startswith("--"):
                        names = {name for each in command.params for name in each.opts} | {"--help"}
                        assert part in names, hint
                    elif part.islower():
                        command = command.commands[part]  # type: ignore[attr-defined]  # as above
    flat = [
        *GROUPS[""].commands.values(),
        *(each for group in GROUPS.values() for each in group.commands.values()),
    ]  # type: ignore[attr-defined]  # as above
    real = {name for command in flat for each in command.params for name in each.opts}
    assert set(meant._OPTIONS) <= real


@pytest.mark.parametrize(
    "line, hint",
    [
        ("data download", "`ppbench data get NAME`?"),
        ("data cifar10-c", "`ppbench data get cifar10-c`?"),
        ("data folder", "`ppbench data verify folder`?"),
        ("data verfy", "'verify'?"),
        ("models rm", "`ppbench models remove ID`?"),
        ("models resnet20", "`ppbench eval --model resnet20`?"),
        ("folder", "`ppbench score folder`?"),
        ("weights.pt", "`ppbench eval --checkpoint weights.pt`?"),
        ("eval resnet20", "--model resnet20?"),
        ("eval weights.pt", "--checkpoint weights.pt?"),
        ("cache clear", "--clear?"),
        ("corruptions list", "`ppbench corruptions`?"),
        ("corruptions imagenet-c", "--protocol imagenet-c?"),
        ("train digits", "--recipe digits?"),
        ("eval nobody-knows-this", "Unexpected argument: nobody-knows-this."),
        ("eval --weights x", "(Possible options: --checkpoint)"),
        ("eval --gpu", "(Possible options: --device)"),
        ("train --lr 0.1", "(Possible options: --set)"),
        ("models --arch", "(Possible options: --architectures)"),
        ("eval --modle x", "(Possible options: --model)"),
    ],
)
def test_what_was_meant(
    line: str, hint: str, ppbench: PARSED, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name, a file or a folder in a wrong place is shown in the right one; nothing known, nothing said."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "weights.pt").touch()
    done = ppbench(*line.split())
    assert done.code == 2  # type: ignore[attr-defined]  # of `Finished`
    assert hint in _said(done)
