"""Every option that a message, a docstring or a page of the manual names is one that the user can type."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main

from ppbench.cli import app

ROOT = Path(__file__).parents[2]

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")

# A command with what follows it, as far as it can belong to it: to the end of the line or of the quotation.
COMMAND = re.compile(r"\bppbench((?: [a-z]+){1,2})([^`\n#|\"]*)")

OF_OTHERS = {
    "--ppbench-update": "pytest's, from our plugin",
    "--share": "a variable of the report's style sheet",
    "--untracked-files": "git's",
    "--porcelain": "git's",
    "--gpu-rate": "of `python -m benchmarks.evaluation`",
    "--head": "ray's",
    "--img-size": "of timm's training script",
    "--user": "docker's",
    "--port": "ray's",
    "--address": "ray's",
    "--upgrade": "pip's",
    "--force-reinstall": "pip's",
    "--no-deps": "pip's",
    "--nnodes": "torchrun's",
    "--nproc-per-node": "torchrun's",
    "--rdzv-backend": "torchrun's",
    "--rdzv-endpoint": "torchrun's",
    "--ntasks-per-node": "SLURM's",
    "--weights": "of `python -m benchmarks.push_pull_study`",
    "--memory": "of `python -m benchmarks.evaluation`",
}


def _commands(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Yield every command and subcommand with its options."""
    yield path, {name for each in command.params for name in (*each.opts, *each.secondary_opts)} | {"--help"}
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*path, name))


REAL = dict(_commands(typer.main.get_command(app)))

SOURCES = sorted([*ROOT.glob("ppbench/**/*.py"), *ROOT.glob("corruptions/**/*.py")])
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("checkpoints/*.md"),
        *ROOT.glob("results/**/README.md"),
    ]
)


@pytest.mark.parametrize("files", [SOURCES, PAGES], ids=["sources", "pages"])
def test_every_option_that_is_named_exists(files: list[Path]) -> None:
    """A message that says what to type must not name a parameter, or an option that was renamed."""
    known = {name for options in REAL.values() for name in options}
    named = {
        (str(file.relative_to(ROOT)), option)
        for file in files
        for option in OPTION.findall(file.read_text(encoding="utf-8"))
    }
    assert len(named) > 50
    assert {
        (file, option) for file, option in named if option not in known and option not in OF_OTHERS
    } == set()


def test_an_option_named_with_a_command_is_that_commands() -> None:
    """`ppbench train --root` is no advice where only `eval` has a root."""
    checked, wrong = 0, []
    for file in (*SOURCES, *PAGES):
        text = re.sub(r"\\\n\s*", " ", file.read_text(encoding="utf-8"))  # commands over several lines
        for words, rest in COMMAND.findall(text):
            path = tuple(words.split())
            command = path if path in REAL else path[:1]
            if command not in REAL:
                continue  # prose that begins with our name
            for option in OPTION.findall(rest):
                checked += 1
                if option not in REAL[command]:
                    wrong.append((str(file.relative_to(ROOT)), " ".join(command), option))
    assert checked > 50
    assert wrong == []


def test_no_message_makes_an_option_out_of_a_parameters_name() -> None:
    """`turn_into` is `--as`, and `compiled` is `--compile`: the parser knows, see `spelling`."""
    pages = ROOT / "ppbench" / "reporting" / "html"  # whose style sheet has variables that begin alike
    made = [file.name for file in SOURCES if pages not in file.parents and "--{" in file.read_text("utf-8")]
    assert made == []


def test_the_exceptions_are_needed() -> None:
    """An allowed option that nothing names, or that ppbench has, would hide the next mistake."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in (*SOURCES, *PAGES))
    named = set(OPTION.findall(text))
    known = {name for options in REAL.values() for name in options}
    assert OF_OTHERS.keys() <= named - known
