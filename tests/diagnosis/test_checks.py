"""What `ppbench doctor` looks at, each thing broken on purpose."""

import os
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from ppbench.diagnosis import diagnose, storage
from ppbench.diagnosis.check import can_evaluate
from ppbench.diagnosis.devices import ask_torch, devices
from ppbench.diagnosis.software import EXTRAS, REQUIRED, numbers, software
from ppbench.installed import version_of

ROOT = Path(__file__).parent.parent.parent
SOUND = {"torch": "2.6.0", "torchvision": "0.21.0", "built_for": None, "threads": 2, "cuda": [], "mps": False}


def by_name(checks):
    """The checks under what they looked at."""
    return {check.name: check for check in checks}


def test_the_packages_are_those_of_the_project():
    """Every dependency with its oldest version, and every extra, is looked for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = dict(re.fullmatch(r"([\w-]+)>=([\d.]+)", each).groups() for each in project["dependencies"])
    assert wanted == REQUIRED
    extras = project["optional-dependencies"]
    brought = {
        extra: tuple(re.match(r"[\w-]+", package)[0] for package in each) for extra, each in extras.items()
    }
    assert brought == {extra: packages for extra, (packages, _) in EXTRAS.items()}


def test_a_sound_installation_has_no_problem():
    """Here everything that is required is installed and new enough."""
    assert all(check.state in ("ok", "absent") for check in software())


def test_missing_and_old_packages_have_a_remedy():
    """A missing package keeps eval from running, an old one is a problem, a missing extra is neither."""
    versions = {**dict.fromkeys(REQUIRED, "99"), "torch": None, "numpy": "1.25.2"}
    found = by_name(software(versions.get))
    assert found["torch"].state == "blocking"
    assert found["torch"].remedy == "pip install torch"
    assert found["numpy"].state == "problem"
    assert found["numpy"].text == "1.25.2, older than 1.26"
    assert found["ray"].state == "absent"
    assert found["ray"].remedy == "pip install ray"
    assert not can_evaluate(list(found.values()))


def test_an_old_python_is_said_first():
    """Nothing else matters then."""
    first = software(version_of, (3, 10, 4))[0]
    assert (first.state, first.text) == ("blocking", "3.10, older than 3.11")


@pytest.mark.parametrize(
    "text, expected", [("2.6.0+cpu", (2, 6, 0)), ("1.26", (1, 26)), ("5.0rc1", (5, 0)), ("", ())]
)
def test_the_numbers_of_a_version(text, expected):
    """What follows the numbers says nothing of the age."""
    assert numbers(text) == expected


def test_torch_here_works():
    """The question is put to a process of its own, and answered."""
    found = ask_torch()
    assert isinstance(found, dict)
    assert found["threads"] >= 1
    assert can_evaluate(devices(found))


@pytest.mark.parametrize(
    "program, says",
    [
        ("raise ImportError('libcudart.so.12: cannot open shared object file')", "libcudart.so.12"),
        ("import os; os.abort()", "ends the process with signal 6"),
        ("import sys; sys.exit(3)", "code 3"),
        ("__version__ = '0'", "torchvision"),
    ],
)
def test_a_broken_torch_is_a_line(tmp_path, program, says):
    """An import that fails, aborts or ends the process, and half a package: each is said, none is a traceback."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(program + "\n")
    if "torchvision" in says:
        (tmp_path / "torchvision.py").write_text(
            "raise RuntimeError('operator torchvision::nms does not exist')"
        )
    found = ask_torch({**os.environ, "PYTHONPATH": str(tmp_path)})
    assert isinstance(found, str)
    (check,) = devices(found)
    assert check.state == "blocking"
    assert says in check.text
    assert "\n" not in check.text
    assert "torch torchvision" in check.remedy


def test_a_gpu_that_torch_does_not_see_is_a_problem():
    """A driver without a CUDA build, and a CUDA build without a device, have different remedies."""
    cpu_build = by_name(devices(SOUND, driver=True))["cuda"]
    assert (cpu_build.state, "built for the CPU only" in cpu_build.text) == ("problem", True)
    no_device = by_name(devices({**SOUND, "built_for": "12.4"}, driver=True))["cuda"]
    assert "sees no device" in no_device.text
    assert by_name(devices(SOUND, driver=False))["gpu"].state == "absent"
    seen = by_name(devices({**SOUND, "cuda": [["H100", 85e9, True]]}, driver=True))
    assert seen["cuda:0"].text.startswith("H100, 79 GB, fp32, fp16 and bf16")
    assert "cuda" not in seen


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to(tmp_path):
    """Where eval needs it, it cannot run; elsewhere it is a problem; the remedy is named."""
    blocked = storage.folder_check("results", Path("/proc/ppbench/x"), "use --out", needed=True)
    assert (blocked.state, blocked.remedy) == ("blocking", "use --out")
    assert "cannot be written to" in blocked.text
    assert storage.folder_check("x", Path("/proc/ppbench"), "", needed=False).state == "problem"
    fine = storage.folder_check("results", tmp_path / "a" / "b", "", needed=True)
    assert fine.state == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_problem(tmp_path):
    """Little room is said before a run fills the disk."""
    check = storage.folder_check("cache", tmp_path, "", needed=True, used=10**9, free=lambda _place: 10**9)
    assert check.state == "problem"
    assert "1.0 GB free, 1000.0 MB used" in check.text
    assert "ppbench cache --clear" in check.remedy


def test_a_checkpoint_that_is_not_what_shipped(tmp_path, monkeypatch):
    """A changed file and a missing one are named; the others are still whole."""
    copied = shutil.copytree(ROOT / "checkpoints", tmp_path / "checkpoints")
    (copied / "resnet20-digits.safetensors").write_bytes(b"something else")
    (copied / "alexnet-digits.safetensors").unlink()
    from ppbench.models import index

    monkeypatch.setattr(index, "shipped_folder", lambda: copied)
    index.shipped_index.cache_clear()
    try:
        found = by_name(storage.checkpoints())
    finally:
        monkeypatch.undo()
        index.shipped_index.cache_clear()
    assert "other SHA-256" in found["resnet20-digits"].text
    assert "is missing" in found["alexnet-digits"].text
    assert found["shipped"].state == "ok"
    assert "resnet20-pp-digits" in found["shipped"].text


def test_frost_without_its_photographs(monkeypatch):
    """A missing package and half a one are problems of frost alone."""
    assert storage.textures()[0].state == "ok"
    monkeypatch.setattr(storage, "find_spec", lambda _name: None)
    (check,) = storage.textures()
    assert check.state == "problem"
    assert "imagecorruptions" in check.remedy


def test_data_sets_are_found_or_have_a_remedy(tmp_path, monkeypatch):
    """The embedded set is always there; a published folder is found where it lies; the others say how to get them."""
    monkeypatch.setenv("PPBENCH_DATA", str(tmp_path))
    found = by_name(storage.data())
    assert found["digits-c"].text == "clean: embedded"
    assert found["cifar10-c"].remedy == "ppbench data get cifar10-c"
    assert found["imagenet-c"].state == "absent"
    assert found["imagenet-c"].remedy


def test_a_check_that_breaks_stops_no_other(monkeypatch):
    """Whatever a check raises is its result."""

    def broken():
        raise RuntimeError("numpy.core.multiarray failed to import\nsecond line")

    monkeypatch.setattr(diagnose.storage, "data", broken)
    monkeypatch.setattr(diagnose.devices, "ask_torch", lambda _environment: "does not exist")
    checks = by_name(diagnose.diagnose())
    assert checks["data sets"].state == "blocking"
    assert checks["data sets"].text.endswith(
        "RuntimeError: numpy.core.multiarray failed to import second line"
    )
    assert {"torch", "shipped", "cache", "packages"} <= checks.keys()
    assert "eval" not in checks  # no trial without torch
