"""Whether torch works, and on what: asked of a process of its own, because a broken build can take its process down."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from ppbench.cpu_count import cpu_count
from ppbench.diagnosis.check import Check

_PROGRAM = """
import json, torch, torchvision
from torchvision.ops import nms
nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5)  # fails where the two builds do not match
assert float((torch.ones(3) @ torch.ones(3))) == 3.0
cuda = [[torch.cuda.get_device_name(i), torch.cuda.get_device_properties(i).total_memory,
         torch.cuda.is_bf16_supported()] for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
print(json.dumps({"torch": torch.__version__, "torchvision": torchvision.__version__, "built_for": torch.version.cuda,
                  "threads": torch.get_num_threads(), "cuda": cuda, "mps": torch.backends.mps.is_available()}))
"""

TOGETHER = "pip install --force-reinstall torch torchvision, both from one place"


def ask_torch(environment: Mapping[str, str] | None = None) -> dict[str, Any] | str:
    """Return what torch says of itself, or in a line why it does not.

    Keys: ``torch``, ``torchvision``, ``built_for`` (the CUDA version or None), ``threads``, ``cuda`` (name, bytes and
    whether there is bf16, of each device), ``mps``.

    Args:
        environment: of the process; None takes ours.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=180,
            check=False,
            env=in_utf8(environment),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}: {error}"
    if done.returncode < 0:
        return f"importing it ends the process with signal {-done.returncode}"
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return said[-1] if said else f"importing it ends the process with code {done.returncode}"
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def in_utf8(environment: Mapping[str, str] | None) -> dict[str, str]:
    """Return the environment of a process that is to print UTF-8, whatever ours prints."""
    return {**(os.environ if environment is None else environment), "PYTHONIOENCODING": "utf-8"}


def devices(found: dict[str, Any] | str, *, driver: bool | None = None) -> list[Check]:
    """Return the checks of torch and of what it can compute on.

    Args:
        found: what `ask_torch` returned.
        driver: whether there is an NVIDIA driver; None looks.
    """
    if isinstance(found, str):
        return [Check("devices", "torch", "blocking", f"does not work: {found}", TOGETHER)]
    checks = [_cpu(found["threads"])]
    for place, (name, size, bf16) in enumerate(found["cuda"]):
        kinds = "fp32, fp16 and bf16" if bf16 else "fp32 and fp16"
        text = f"{name}, {size / 2**30:.0f} GB, {kinds}: the place for ImageNet-C and for training"
        checks.append(Check("devices", f"cuda:{place}", "ok", text))
    if found["mps"]:
        checks.append(
            Check("devices", "mps", "ok", "Apple GPU: for networks (the CPU corrupts); not CUDA's rounding")
        )
    if driver is None:
        driver = shutil.which("nvidia-smi") is not None
    if not found["cuda"] and not found["mps"]:
        if driver and found["built_for"] is None:
            text = "an NVIDIA driver is here, but this torch is built for the CPU only"
            checks.append(
                Check("devices", "cuda", "problem", text, "install a CUDA build of torch and torchvision")
            )
        elif driver:
            text = f"an NVIDIA driver is here, but torch (built for CUDA {found['built_for']}) sees no device"
            checks.append(
                Check(
                    "devices", "cuda", "problem", text, "update the driver, or look at CUDA_VISIBLE_DEVICES"
                )
            )
        else:
            checks.append(
                Check(
                    "devices",
                    "gpu",
                    "absent",
                    "none: ImageNet-C, 3.75 million images a model, is slow without one",
                )
            )
    return checks


def _cpu(threads: int) -> Check:
    name = platform.processor() or platform.machine()
    here, machine = cpu_count(), os.cpu_count() or 1
    cores = f"{here} cores" if here >= machine else f"{here} of {machine} cores"
    used = min(threads, here)  # an evaluation caps them
    threads_used = "1 thread" if used == 1 else f"{used} threads"
    text = f"{name}, {cores}, torch uses {threads_used}: good for 32-pixel data and the gate"
    return Check("devices", "cpu", "ok", text)
