"""The benchmark of the augmentations runs, and says what it promises."""

import json
import subprocess
import sys
from pathlib import Path

from ppbench.training.augmentations.per_image import PER_IMAGE


def test_the_benchmark_gives_a_ratio_for_every_augmentation() -> None:
    """One round on JSON: milliseconds of all, ratios to both steps, all positive."""
    root = Path(__file__).parent.parent.parent
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.augmentations", "--json", "--rounds", "1", "--batch", "4"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(ran.stdout)
    names = {"prime", *PER_IMAGE}
    assert found["milliseconds"].keys() == {"step_bf16", "step_fp32", *names}
    for step in ("step_bf16", "step_fp32"):
        assert found["ratio"][step].keys() == names
        assert all(ratio > 0.0 for ratio in found["ratio"][step].values())
