"""`ppbench doctor`: one screen, an exit code, and JSON for a bug report."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SECTIONS = ["software", "devices", "data", "checkpoints", "storage"]


def test_one_screen(ppbench) -> None:
    """Every section has its lines, nothing is wider than a terminal, and the last line is the verdict."""
    done = ppbench("doctor", "--no-trial")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [line.strip() for line in lines if line.strip() in SECTIONS] == SECTIONS
    assert lines[-1] == "`ppbench eval` can run here."
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 45
    assert "\x1b" not in done.out


def test_json_for_a_bug_report(ppbench) -> None:
    """One document with every check, its state and its remedy."""
    data = json.loads(ppbench("doctor", "--no-trial", "--json").out)
    assert data["schema_version"] == 1
    assert data["can_evaluate"] is True
    assert list(dict.fromkeys(check["section"] for check in data["checks"])) == SECTIONS
    for check in data["checks"]:
        assert check["state"] in ("ok", "absent", "problem", "blocking")
        assert bool(check["remedy"]) or check["state"] == "ok" or check["name"] == "gpu"


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_it_survives_a_broken_torch(tmp_path, options) -> None:
    """With a torch that takes its process down, all else is still told, and the exit code is 2."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("import os; os.abort()\n")
    done = subprocess.run(
        [sys.executable, "-m", "ppbench", "doctor", *options],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    if options:
        data = json.loads(done.stdout)
        assert data["can_evaluate"] is False
        states = {check["name"]: check["state"] for check in data["checks"]}
        assert states["torch"] == "blocking"
        assert states["shipped"] == states["digits-c"] == states["cache"] == "ok"
    else:
        assert "`ppbench eval` cannot run here: torch." in done.stdout
        assert "pip install --force-reinstall torch torchvision" in " ".join(done.stdout.split())


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to")
def test_a_cache_that_cannot_be_written_to_is_exit_code_2(ppbench, monkeypatch) -> None:
    """`eval` would fail at its first cell, and doctor says so and what to do."""
    monkeypatch.setenv("PPBENCH_CACHE", "/proc/ppbench")
    done = ppbench("doctor", "--no-trial")
    assert done.code == 2
    assert "`ppbench eval` cannot run here: cache." in done.out
    assert "--no-store" in done.out


@pytest.mark.slow
def test_the_trial_evaluates(ppbench) -> None:
    """A shipped network really answers a few images, and nothing of it is left."""
    data = json.loads(ppbench("doctor", "--json").out)
    last = data["checks"][-1]
    assert (last["name"], last["state"]) == ("eval", "ok")
    assert "20 images of 3 cells" in last["text"]
