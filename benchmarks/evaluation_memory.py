"""The peak memory of whole evaluations, each in a process of its own, as Linux counts it (VmHWM)."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.corruptions import photographs

# The network is small on purpose: what is measured is what grows with images and cells, and it takes minutes.
_RUN = """
import json, sys
from pathlib import Path
from torch import nn
from ppbench.models.input_spec import default_spec
from ppbench.models.loaded_model import LoadedModel
from ppbench.runs.evaluate import evaluate

root, folder, severities = sys.argv[1:]
network = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(48, 10))
model = LoadedModel("small", "small", network, default_spec(32), 10)
run = evaluate(model, data="cifar10-c", root=Path(root), severities=severities, out=Path(folder))
status = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
print(json.dumps({"cells": len(run.predictions.cells), "megabytes": peak}))
"""


def peaks(images: int) -> dict[str, float]:
    """Return the peak, in megabytes, of evaluating so many images of 32 pixels, by the number of corrupted cells."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "clean.npz"
        pixels = photographs(images, 32).permute(0, 2, 3, 1).numpy()
        np.savez(root, images=pixels, labels=np.arange(images) % 10)
        for severities in ("1", "1-5"):
            command = [sys.executable, "-c", _RUN, str(root), f"{name}/{severities}", severities]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            told = json.loads(done.stdout)
            found[f"{told['cells'] - 1} cells"] = told["megabytes"]
    return found
