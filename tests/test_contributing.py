"""CONTRIBUTING.md: each recipe, followed to the letter in a copy of the packages, gives what the page says."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

RECIPES = dict(re.findall(r"^## Add a ([a-z ]+)$(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))

STEP = re.compile(r"^\d+\. (?P<words>.*?)(?=^\d+\. |\Z)", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^ +```(?P<kind>\w+)\n(?P<text>.*?)^ +```", re.DOTALL | re.MULTILINE)
CREATE = re.compile(r"Create `([^`]+)`")
CHANGE = re.compile(
    r"In `(?P<file>[^`]+)`, (?P<how>after|before|replace) (?P<count>the|each) line `(?P<anchor>[^`]+)`(?:, add| by):"
)


@dataclass(frozen=True)
class Step:
    """A numbered step: its words, and the block of code below them."""

    words: str
    kind: str
    text: str


def steps(recipe: str) -> Iterator[Step]:
    """Yield the steps of a recipe that show something to do; the others only tell."""
    for found in STEP.finditer(RECIPES[recipe]):
        if block := BLOCK.search(found["words"]):
            words = " ".join(found["words"][: block.start()].split())
            yield Step(words, block["kind"], textwrap.dedent(block["text"]))


def follow(step: Step, folder: Path) -> None:
    """Do what a step says with a file.

    Raises:
        AssertionError: the step says nothing that can be followed, or the line that it names is not there (once).
    """
    if created := CREATE.match(step.words):
        path = folder / created[1]
        assert not path.exists(), f"{created[1]} is there already"
        path.write_text(step.text, encoding="utf-8")
        return
    change = CHANGE.fullmatch(step.words)
    assert change, f"neither a file to create nor a change: {step.words}"
    path = folder / change["file"]
    made, found = [], 0
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.strip() != change["anchor"]:
            made.append(line)
            continue
        found += 1
        new = textwrap.indent(step.text, line[: len(line) - len(line.lstrip())])
        made += {"after": [line, new], "before": [new, line], "replace": [new]}[change["how"]]
    assert found == 1 or (found > 1 and change["count"] == "each"), (
        f"{change['file']} has {found} lines {change['anchor']}"
    )
    path.write_text("".join(made), encoding="utf-8")


def copy(folder: Path) -> None:
    """Put the packages and the weights that ship into a folder."""
    for name in ("ppbench", "corruptions", "checkpoints"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def run(text: str, folder: Path) -> None:
    """Run each command of a console block, and look for the lines below it in what it prints, in their order."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PPBENCH_CACHE": str(folder / "cache"),
        "COLUMNS": "200",
        "OMP_NUM_THREADS": "1",
    }
    for command in re.findall(r"^\$ (.*(?:\n[^$].*)*)", text, re.MULTILINE):
        line, *expected = command.splitlines()
        program, *arguments = shlex.split(line)
        module = ["-m", "ppbench"] if program == "ppbench" else []
        assert module or program == "python", f"neither ppbench nor python: {line}"
        done = subprocess.run(
            [sys.executable, *module, *arguments], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        printed = iter([" ".join(each.split()) for each in done.stdout.splitlines()])
        for each in expected:
            pattern = ".*".join(re.escape(" ".join(part.split())) for part in each.split("…"))
            assert any(re.match(pattern, said) for said in printed), f"{line}\nno {each!r} in\n{done.stdout}"


def test_the_page_has_the_four_recipes() -> None:
    """And each ends in commands that show that it worked."""
    assert list(RECIPES) == ["corruption", "data set", "network", "score"]
    for recipe in RECIPES:
        assert [step.kind for step in steps(recipe)][-1] == "console"


def test_the_files_that_the_page_names_are_there() -> None:
    """Each path in backticks is in the project, or is created by a step."""
    named = set(re.findall(r"`((?:ppbench|corruptions|tests)/[\w/.]*)`", PAGE)) - set(CREATE.findall(PAGE))
    assert {"corruptions/random.py", "tests/cli/test_formats.py"} <= named
    assert not [path for path in sorted(named) if not (ROOT / path).exists()]


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_steps_fit_the_code(recipe: str, tmp_path: Path) -> None:
    """Every line that a step names is in the file that it names, and what comes out is Python."""
    copy(tmp_path)
    for step in steps(recipe):
        if step.kind == "console":
            assert "$ ppbench " in step.text
        else:
            follow(step, tmp_path)
    for path in tmp_path.rglob("*.py"):
        compile(path.read_text(encoding="utf-8"), str(path), "exec")


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_the_recipe_works(recipe: str, tmp_path: Path) -> None:
    """The commands below the steps run, and print what the page says."""
    copy(tmp_path)
    for step in steps(recipe):
        if step.kind == "console":
            run(step.text, tmp_path)
        else:
            follow(step, tmp_path)
