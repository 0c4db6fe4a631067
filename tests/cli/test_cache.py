"""`ppbench cache`: what is kept, and that clearing removes it."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import CommandLine


def test_cells_and_decoded_images_are_counted_and_cleared(
    ppbench: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both lie in the cache folder, and `--clear` removes both, and nothing else."""
    monkeypatch.setenv("PPBENCH_CACHE", str(tmp_path))
    (tmp_path / "decoded").mkdir()
    np.save(tmp_path / "decoded" / "some.npy", np.zeros((2, 8, 8, 3), np.uint8))
    (tmp_path / "decoded" / "mine.txt").write_text("not ours")
    small = ("--corruptions", "contrast", "--severities", "1", "--limit", "10")
    assert ppbench("eval", "--model", "alexnet", *small, "--out", tmp_path / "run").code == 0
    told = json.loads(ppbench("cache", "--json").out)
    assert told["cells"] == 2
    assert told["decoded_bytes"] == (tmp_path / "decoded" / "some.npy").stat().st_size
    assert "decoded images" in ppbench("cache").out
    assert ppbench("cache", "--clear").code == 0
    told = json.loads(ppbench("cache", "--json").out)
    assert told["cells"] == told["decoded_bytes"] == 0
    assert (tmp_path / "decoded" / "mine.txt").exists()


def test_a_run_can_have_a_cache_of_its_own(ppbench: CommandLine, tmp_path: Path) -> None:
    """`--cache` names the folder of one run's cells."""
    small = ("--corruptions", "contrast", "--severities", "1", "--limit", "10", "--cache", tmp_path / "own")
    assert ppbench("eval", "--model", "alexnet", *small, "--out", tmp_path / "run").code == 0
    assert len(list((tmp_path / "own" / "cells").rglob("*.cell"))) == 2


def test_a_cache_of_its_own_is_shown_and_cleared(
    ppbench: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cache --cache` reaches what `eval --cache` kept, and leaves the usual cache alone."""
    own, usual = tmp_path / "own", tmp_path / "usual"
    monkeypatch.setenv("PPBENCH_CACHE", str(usual))
    small = ("--corruptions", "contrast", "--severities", "1", "--limit", "10", "--model", "alexnet")
    assert ppbench("eval", *small, "--cache", own, "--out", tmp_path / "run").code == 0
    assert ppbench("eval", *small, "--out", tmp_path / "run").code == 0
    (own / "decoded").mkdir()
    np.save(own / "decoded" / "some.npy", np.zeros((2, 8, 8, 3), np.uint8))
    told = json.loads(ppbench("cache", "--cache", own, "--json").out)
    assert (told["folder"], told["cells"]) == (str(own / "cells"), 2)
    assert told["decoded_bytes"] > 0
    done = ppbench("cache", "--cache", own, "--clear")
    assert done.out == f"cleared 2 cells of {own / 'cells'}\n"
    assert not list(own.rglob("*.cell"))
    assert not list(own.rglob("*.npy"))
    assert json.loads(ppbench("cache", "--json").out)["cells"] == 2


def test_a_cache_that_is_not_there_is_no_empty_one(ppbench: CommandLine, tmp_path: Path) -> None:
    """A typing error must not look like a cache that was cleared."""
    (tmp_path / "file").write_text("")
    for name, got in (("none", "no such folder"), ("file", "a file")):
        done = ppbench("cache", "--cache", tmp_path / name, "--clear")
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert f"expected the folder of a cache, got {got}" in done.err
