"""Running the command line inside the test's process: a fresh interpreter would load torch each time."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ppbench.cli import main


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str


CommandLine = Callable[..., Finished]


@pytest.fixture
def ppbench(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Run `ppbench ARGUMENTS` and return its exit code and what it printed."""

    def run(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["ppbench", *map(str, arguments)])
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        out, err = capfd.readouterr()
        return Finished(code, out, err)

    return run
