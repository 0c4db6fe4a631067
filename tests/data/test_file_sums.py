"""Sums of files, and the memory of them."""

import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from ppbench.data.file_sums import forget_sums, remembered_sums, sums_of
from ppbench.errors import InputError

ARRAY = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), np.uint8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An array of five severities that was written a minute ago."""
    path = tmp_path / "fog.npy"
    np.save(path, ARRAY)
    minute_ago = time.time() - 60
    os.utime(path, (minute_ago, minute_ago))
    return path


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def test_both_sums_are_those_of_the_bytes(file: Path) -> None:
    """The MD5 of the file, header and all; the SHA-256 of the pixels of each severity."""
    found = sums_of(file, blocks=True)
    assert found.md5 == _md5(file)
    assert found.blocks == tuple(
        hashlib.sha256(ARRAY[start : start + 2].tobytes()).hexdigest() for start in range(0, 10, 2)
    )
    assert sums_of(file, blocks=False).blocks == ()


@pytest.mark.parametrize("spoil", ["shorter", "longer", "no array", "other rows", "by columns"])
def test_what_is_no_array_of_five_has_an_md5_only(spoil: str, file: Path) -> None:
    """Cut off, with something behind it, of another format, not in five parts, in Fortran's order."""
    content = file.read_bytes()
    changed = {"shorter": content[:-1], "longer": content + b"0", "no array": content[1:]}
    if spoil in changed:
        file.write_bytes(changed[spoil])
    else:
        np.save(file, ARRAY[:9] if spoil == "other rows" else np.asfortranarray(ARRAY))
    found = sums_of(file, blocks=True)
    assert (found.md5, found.blocks) == (_md5(file), ())


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """One line, with and without a memory."""
    for memory in (None, tmp_path / "sums"):
        with pytest.raises(
            InputError, match=r"gone\.npy: expected a file that can be read, got no such file"
        ):
            remembered_sums(tmp_path / "gone.npy", memory, blocks=False)


def _let_it_settle(path: Path) -> None:
    """Wait until the time of a file's last change is old enough to be believed."""
    while time.time_ns() - path.stat().st_ctime_ns < 2_100_000_000:
        time.sleep(0.1)


def test_a_file_that_did_not_change_is_not_read_again(file: Path, tmp_path: Path) -> None:
    """The memory answers, which shows when it is made to say something else; without one nothing is kept."""
    memory = tmp_path / "sums"
    _let_it_settle(file)
    first = remembered_sums(file, memory, blocks=True)
    (kept,) = memory.iterdir()
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "md5": "from memory"}))
    assert remembered_sums(file, memory, blocks=True).md5 == "from memory"
    assert remembered_sums(file, None, blocks=True) == first
    forget_sums(memory)
    assert remembered_sums(file, memory, blocks=True) == first


def test_a_file_that_changed_is_read_again(file: Path, tmp_path: Path) -> None:
    """Though its size is the same and its time is set back: the disk knows when it was written to."""
    memory, before = tmp_path / "sums", file.stat()
    _let_it_settle(file)
    old = remembered_sums(file, memory, blocks=False)
    with file.open("r+b") as opened:
        opened.seek(-1, os.SEEK_END)
        opened.write(bytes([255 - ARRAY[-1, -1, -1, -1]]))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    new = remembered_sums(file, memory, blocks=False)
    assert new.md5 == _md5(file)
    assert new != old


def test_a_file_of_just_now_is_not_remembered(file: Path, tmp_path: Path) -> None:
    """It could change again within the same tick of the clock."""
    file.write_bytes(file.read_bytes())
    remembered_sums(file, tmp_path / "sums", blocks=False)
    assert not (tmp_path / "sums").exists()


def test_a_damaged_memory_is_passed_over(file: Path, tmp_path: Path) -> None:
    """Empty, without its keys, of other types, no object: the file is read."""
    memory = tmp_path / "sums"
    _let_it_settle(file)
    remembered_sums(file, memory, blocks=False)
    (kept,) = memory.iterdir()
    for content in ("", "{}", '{"state": 3}', "[]", kept.read_text().replace("[", "[7, ")):
        kept.write_text(content)
        assert remembered_sums(file, memory, blocks=False).md5 == _md5(file)
