"""How many CPUs this process may use: fewer than the machine has under `taskset`, a batch system or in a container."""

import os
from math import ceil
from pathlib import Path

_MEMBERSHIP = Path("/proc/self/cgroup")
_HIERARCHIES = Path("/sys/fs/cgroup")


def cpu_count() -> int:
    """Return how many threads or processes can compute at once here: at least 1.

    The least of the CPUs that this process may run on (its affinity; the machine's where a system knows none), and the
    quota of time that its control group has, rounded up: a container with a quota of 1.5 CPUs keeps two threads busy.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroup_quota()
    return max(1, allowed if quota is None else min(allowed, ceil(quota)))


def cap_torch_threads() -> None:
    """Have torch use no more threads than there are CPUs for this process: by itself it knows of no quota."""
    import torch

    if torch.get_num_threads() > cpu_count():
        torch.set_num_threads(cpu_count())


def cgroup_quota(membership: Path = _MEMBERSHIP, hierarchies: Path = _HIERARCHIES) -> float | None:
    """Return how many CPUs' time this process's control groups may use; None where nothing limits it.

    Args:
        membership: the file that names the groups, one hierarchy a line.
        hierarchies: the folder in which the groups' hierarchies are mounted, of version 1 or 2.
    """
    try:
        lines = membership.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no Linux, or no control groups
        return None
    quotas = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        # Version 1 mounts the hierarchy of CPUs under its controllers' names, or one of them; beside it 2 is "unified".
        for name in (controllers, "cpu") if controllers else ("", "unified"):
            top = hierarchies / name
            # A group's limit holds for all below it. In a container the name may be the host's, of which nothing is
            # mounted: then the hierarchy's top is the container's own group.
            here = top / group.lstrip("/")
            for folder in (here, *here.parents):
                quotas.append(_quota(folder))
                if folder == top:
                    break
    return min((quota for quota in quotas if quota is not None), default=None)


def _quota(folder: Path) -> float | None:
    """Return the quota of one group, in CPUs; None where it has none."""
    try:
        if (folder / "cpu.max").is_file():  # version 2: "QUOTA PERIOD", or "max PERIOD"
            quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text(encoding="ascii")  # version 1: -1 is none
            period = (folder / "cpu.cfs_period_us").read_text(encoding="ascii")
        found = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None
    return found if found > 0 else None
