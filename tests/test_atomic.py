"""Files that are there whole or not at all."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from ppbench import atomic


def test_a_file_appears_only_when_its_block_ends_well(tmp_path: Path) -> None:
    """Before the end of the block the old content stands; after it, the new."""
    target = tmp_path / "a.txt"
    atomic.write_text(target, "old")
    with atomic.writing(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """An error inside the block, an interrupt too, removes the part file."""
    target = tmp_path / "a.txt"
    atomic.write_text(target, "old")

    def interrupted() -> None:
        with atomic.writing(target) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert target.read_text() == "old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full to stand for a full disk")
def test_a_full_disk_is_an_os_error() -> None:
    """Writing where no byte fits raises, it does not pass in silence."""
    with pytest.raises(OSError, match="No space left"), Path("/dev/full").open("wb") as full:
        full.write(b"x" * 100_000)


def test_files_can_be_read_by_others(tmp_path: Path) -> None:
    """A result file has the permissions any other file of the user would have."""
    before = os.umask(0o022)
    try:
        atomic.write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644


def test_the_digest_is_sha256(tmp_path: Path) -> None:
    """The digest of three known bytes is the published one."""
    atomic.write_bytes(tmp_path / "abc", b"abc")
    assert (
        atomic.sha256_of(tmp_path / "abc")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_what_a_killed_process_left_is_removed_by_the_next_write(tmp_path: Path) -> None:
    """A part of the same file whose process is gone goes; one of a living process, or of another file, stays."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    dead = tmp_path / f".a.txt.{gone.pid}.xyz.part"
    living, other = tmp_path / f".a.txt.{os.getpid()}.xyz.part", tmp_path / f".b.txt.{gone.pid}.xyz.part"
    for part in (dead, living, other):
        part.write_text("half")
    atomic.write_text(tmp_path / "a.txt", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([living.name, other.name, "a.txt"])


def test_a_folder_that_is_not_there_is_named_by_the_file_that_was_asked_for(tmp_path: Path) -> None:
    """The error names the target and not the temporary file, which nobody knows."""
    target = tmp_path / "nowhere" / "a.txt"
    with pytest.raises(FileNotFoundError) as caught:
        atomic.write_text(target, "new")
    assert caught.value.filename == str(target)
