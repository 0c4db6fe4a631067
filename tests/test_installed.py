"""How ppbench is installed, and how it is not: on PyPI its name is another project's."""

import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

import ppbench
from ppbench import installed
from ppbench.diagnosis.software import software

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

HERE = {"-e", ".", "--editable", "git+https://HOST/OWNER/ppbench"}
"""Words of a command that installs this checkout, or this project from its address."""


def commands() -> list[tuple[str, list[str]]]:
    """The words of every `pip install` that a page or a message tells people to type, with its file."""
    pages = [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").glob("*.md")),
    ]
    sources = [path for room in ("ppbench", "corruptions") for path in sorted((ROOT / room).rglob("*.py"))]
    return [
        (path.relative_to(ROOT).as_posix(), list(words(rest)))
        for path in (*pages, *sources)
        for rest in re.findall(r"pip install (.*)", path.read_text(encoding="utf-8"))
        if not rest.startswith("it ")
    ]


def words(rest: str) -> Iterator[str]:
    """The words of a command at the beginning of a line, up to what ends a clause, a quotation or code."""
    for word in rest.split():
        if word in ("or", "#"):
            return
        inner = word.strip("'")
        yield (plain := re.split(r"[`,;\"')]", inner)[0])
        if plain != inner:
            return


def test_no_command_fetches_the_other_project() -> None:
    """What people are told to install is this checkout, this project's git address, or a package that it uses."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    uses = [*PROJECT["project"]["dependencies"], *(name for names in extras for name in names)]
    known = {match[0] for name in uses if (match := re.match(r"[\w-]+", name))} | {"{package}"} | HERE
    found = commands()
    assert {"README.md", "docs/gate.md", "docs/training.md", "ppbench/models/zoo_names.py"} <= {
        where for where, _ in found
    }
    for where, command in found:
        packages = {
            re.split("[<>=]", word)[0] for word in command if word in HERE or not word.startswith("--")
        }
        assert packages <= known, f"{where}: {command}"


def test_the_distribution_has_a_name_of_its_own() -> None:
    """The package and the command are ppbench all the same."""
    assert PROJECT["project"]["name"] == installed.DISTRIBUTION != "ppbench"
    assert (
        importlib.metadata.version(installed.DISTRIBUTION)
        == ppbench.__version__
        == PROJECT["project"]["version"]
    )
    assert list(PROJECT["project"]["scripts"]) == ["ppbench"]


@pytest.mark.parametrize("summary", ["Logic puzzles.", PROJECT["project"]["description"]])
def test_the_doctor_sees_the_other_project(summary: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do; this project under its former name is none."""

    class Installed(importlib.metadata.Distribution):
        """A distribution called ppbench."""

        def read_text(self, filename: str) -> str | None:
            """Return its metadata."""
            about = Message()
            about["Name"], about["Version"], about["Summary"] = "ppbench", "9.9", summary
            return str(about) if filename == "METADATA" else None

        def locate_file(self, path: object) -> Path:  # type: ignore[override]  # not called
            """It has no files."""
            raise NotImplementedError

    monkeypatch.setattr(importlib.metadata, "distribution", lambda _name: Installed())
    checks = [check for check in software() if check.name == "ppbench"]
    if summary != "Logic puzzles.":
        assert not checks
        return
    (check,) = checks
    assert (check.state, "9.9" in check.text) == ("problem", True)
    assert check.remedy.startswith("pip uninstall ppbench, then install ppbench again, from its checkout")


def test_the_version_of_ppbench_is_that_of_the_one_that_runs() -> None:
    """Whatever distribution of that name is installed beside it."""
    assert installed.version_of("ppbench") == ppbench.__version__
    assert installed.version_of("no-such-package") is None
