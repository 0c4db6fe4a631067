"""What a result rests on: versions, code revision, device; facts of this machine, read and nothing else."""

import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

from ppbench.installed import DECISIVE, version_of


def versions() -> dict[str, str | None]:
    """Return the versions of Python and of the packages that numbers depend on."""
    return {"python": platform.python_version(), **{package: version_of(package) for package in DECISIVE}}


def git_revision(folder: Path) -> dict[str, Any] | None:
    """Return commit and dirty flag of the checkout that `folder` lies in, or None outside of one."""
    commit = _git(folder, "rev-parse", "HEAD")
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return None if commit is None or status is None else {"commit": commit, "dirty": bool(status)}


def device_facts(device: torch.device) -> dict[str, Any]:
    """Return what the device is: its type, its name, and the number of CPU threads torch uses."""
    name = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else platform.processor() or platform.machine()
    )
    return {"type": device.type, "name": name, "threads": torch.get_num_threads()}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607  git is found the way the user finds it
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
