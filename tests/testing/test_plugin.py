"""The pytest plugin: registered, cheap, and its fixture."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

TEST = """
def test_robustness(robustness_gate):
    robustness_gate(
        "{model}", baseline="baseline.json", allow=["mean_error=+1"],
        corruptions="fog,contrast", severities="4,5", limit=80,
    )
"""


def test_it_is_an_entry_point() -> None:
    """A repository that has ppbench installed need not name the plugin."""
    assert [each.value for each in entry_points(group="pytest11", name="ppbench")] == [
        "ppbench.testing.plugin"
    ]


def test_it_is_cheap_to_import() -> None:
    """Every pytest session of every project imports it: no torch, no numpy, nothing beyond pytest itself."""
    program = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import ppbench.testing.plugin\n"
        "new = {name for name in set(sys.modules) - before if not name.startswith('ppbench')}\n"
        "heavy = {'torch', 'numpy', 'pandas', 'typer', 'rich', 'sklearn'} & {name.split('.')[0] for name in new}\n"
        "assert not heavy, heavy\n"
        "assert len(new) < 20, new\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_baseline_is_written_then_judged_by(pytester: pytest.Pytester) -> None:
    """`--ppbench-update` writes it beside the test and skips; the same model passes, a worse one fails."""
    pytester.makepyfile(test_net=TEST.format(model="alexnet"))
    missing = pytester.runpytest_inprocess("-p", "no:randomly")
    missing.assert_outcomes(failed=1)
    missing.stdout.fnmatch_lines(["*make it from a good model with --update*"])
    pytester.runpytest_inprocess("--ppbench-update").assert_outcomes(skipped=1)
    assert (pytester.path / "baseline.json").exists()
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    pytester.makepyfile(test_net=TEST.format(model="resnet20"))
    worse = pytester.runpytest_inprocess()
    worse.assert_outcomes(failed=1)
    worse.stdout.fnmatch_lines(
        ["*gate: fail, 1 of 1 rule broken*", "*mean_error went from *allowed +1: fail*"]
    )
