"""README.md and docs/tutorial.md: what they show of the demo is what the demo prints."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

DEMO = ["--model", "alexnet", "--model", "resnet20", "--model", "resnet20-pp", "--baseline-model", "resnet20"]

NUMBER = re.compile(r"-?\d+\.\d+")


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of the demo, as `make demo` runs it."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "ppbench", "eval", *DEMO, "--no-report", "--no-store", "--out", "run"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [line.rstrip() for line in done.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_the_page_shows_what_is_printed(page: str, printed: list[str]) -> None:
    """Line by line, the numbers to within what another processor may move."""
    block = re.search(r"```text\n(.*?)\n```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert block
    shown = block[1].partition("\n…")[0].splitlines()
    words = [NUMBER.sub("", line).split() for line in printed]
    at = words.index(NUMBER.sub("", shown[0]).split())
    for told, real in zip(shown, printed[at:], strict=False):
        assert NUMBER.sub("", told).split() == NUMBER.sub("", real).split()
        numbers = [[float(number) for number in NUMBER.findall(line)] for line in (told, real)]
        assert numbers[0] == pytest.approx(numbers[1], abs=1.0)
