"""How many CPUs a process may use: its affinity, and the quota of its control group."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ppbench import cpu_count as module
from ppbench.cpu_count import cap_torch_threads, cgroup_quota, cpu_count


@pytest.mark.skipif(shutil.which("taskset") is None, reason="needs taskset")
def test_a_process_bound_to_one_cpu_counts_one() -> None:
    """Whatever the machine has."""
    cpu = min(os.sched_getaffinity(0))
    program = "from ppbench.cpu_count import cpu_count; print(cpu_count())"
    done = subprocess.run(
        ["taskset", "--cpu-list", str(cpu), sys.executable, "-c", program], capture_output=True, text=True
    )
    assert done.stdout == "1\n", done.stderr


def _group(tmp_path: Path, membership: str, **files: str) -> tuple[Path, Path]:
    """A fake list of groups and a fake mount; a file's name has `__` for every `/`, and `_dot_` for a dot."""
    (tmp_path / "cgroup").write_text(membership)
    for name, text in files.items():
        path = tmp_path / "fs" / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "cgroup", tmp_path / "fs"


def test_the_quota_of_version_2(tmp_path: Path) -> None:
    """A group's own quota and those of the groups above it: the least counts."""
    groups = _group(
        tmp_path, "0::/job/step\n", job__cpu_dot_max="150000 100000", job__step__cpu_dot_max="max 100000"
    )
    assert cgroup_quota(*groups) == 1.5
    groups = _group(tmp_path, "0::/job/step\n", job__step__cpu_dot_max="50000 100000")
    assert cgroup_quota(*groups) == 0.5


def test_the_quota_of_a_container_of_version_1(tmp_path: Path) -> None:
    """The name is the host's, of which nothing is mounted: the top of the mount is the container's own group."""
    membership = "9:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n0::/\n"
    groups = _group(
        tmp_path,
        membership,
        **{"cpu,cpuacct__cpu_dot_cfs_quota_us": "300000", "cpu,cpuacct__cpu_dot_cfs_period_us": "100000"},
    )
    assert cgroup_quota(*groups) == 3.0


@pytest.mark.parametrize("text", ["max 100000", "", "what"])
def test_no_quota_is_none(tmp_path: Path, text: str) -> None:
    """Nor is one taken from a file that says something else, or from no files at all."""
    assert cgroup_quota(*_group(tmp_path, "0::/\n", cpu_dot_max=text)) is None
    unlimited = {"cpu__cpu_dot_cfs_quota_us": "-1", "cpu__cpu_dot_cfs_period_us": "100000"}
    assert cgroup_quota(*_group(tmp_path, "1:cpu:/\n", **unlimited)) is None
    assert cgroup_quota(tmp_path / "nothing", tmp_path) is None


@pytest.mark.parametrize(("quota", "cpus"), [(0.5, 1), (1.0, 1), (1.5, 2), (1000.0, None), (None, None)])
def test_the_count_is_the_least_of_both(
    quota: float | None, cpus: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quota is rounded up, and no quota gives more than the affinity does."""
    monkeypatch.setattr(module, "cgroup_quota", lambda: quota)
    here = len(os.sched_getaffinity(0))
    assert cpu_count() == (here if cpus is None else min(cpus, here))


def test_torch_takes_no_more_threads_than_the_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    """More are taken back, fewer are left as they are."""
    before = torch.get_num_threads()
    monkeypatch.setattr(module, "cgroup_quota", lambda: 1.0)
    try:
        torch.set_num_threads(2)
        cap_torch_threads()
        assert torch.get_num_threads() == 1
        monkeypatch.setattr(module, "cpu_count", lambda: 4)
        cap_torch_threads()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_nobody_counts_the_machine_s_cpus_past_it() -> None:
    """`os.cpu_count` is asked here, and where the doctor tells it beside ours."""
    root = Path(module.__file__).parent
    users = {
        path.relative_to(top).as_posix()
        for top in (root, root.parent / "corruptions", root.parent / "benchmarks")
        for path in top.rglob("*.py")
        if "os.cpu_count" in path.read_text(encoding="utf-8")
    }
    assert users == {"cpu_count.py", "diagnosis/devices.py"}
