"""How a command ends that could not do its work."""

import errno
import os

import pytest
import torch

from ppbench.cli.failure import mistake


def _raising(error: BaseException):
    """Something that fails as a command does half way."""

    def fail(*_args, **_options):
        raise error

    return fail


def test_an_error_of_ours_is_no_verdict(ppbench, monkeypatch):
    """A bug inside a gate ends with a traceback and 70: 1 would say that the model got worse."""
    monkeypatch.setattr("ppbench.runs.gating.read_baseline", _raising(ZeroDivisionError("a bug")))
    done = ppbench("gate", "run", "--baseline", "b.json")
    assert done.code == 70
    assert done.out == ""
    assert done.err.startswith("Traceback (most recent call last):")
    assert done.err.rstrip().endswith("ZeroDivisionError: a bug")


def test_a_full_device_is_one_line(ppbench, monkeypatch):
    """When the accelerator's memory runs out the line says which option to lower."""
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.\nGPU 0 has …")
    monkeypatch.setattr("ppbench.runs.gating.read_baseline", _raising(full))
    done = ppbench("gate", "run", "--baseline", "b.json")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "smaller --batch-size" in done.err


def test_another_runtime_error_of_torch_is_ours():
    """Only want of memory is the machine's; a wrong shape is a bug."""
    assert mistake(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize(
    "filename, place", [(None, "in --out, the cell store"), ("/data/run", "'/data/run'")]
)
def test_a_full_disk_says_where_and_what_to_do(number, filename, place):
    """A failed write knows no file's name; the line says that the disk is full, and where ppbench writes."""
    line = mistake(OSError(number, os.strerror(number), filename))
    assert line.startswith("the disk is full, cannot write")
    assert place in line
    assert "make room" in line
    assert "\n" not in line
