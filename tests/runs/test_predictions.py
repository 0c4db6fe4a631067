"""predictions.npz: what comes back, and what a damaged file says."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppbench.errors import InputError
from ppbench.evaluation.answers import FIELDS, Answers
from ppbench.runs.predictions import FILE, Predictions, read, write

SHAPE = (2, 3, 5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the answers of two models on three cells of five images."""
    random = np.random.default_rng(0)
    answers = Answers(
        predictions=random.integers(0, 10, SHAPE).astype(np.int32),
        confidences=random.random(SHAPE, np.float32),
        nll=random.random(SHAPE, np.float32),
        brier=random.random(SHAPE, np.float32),
        in_top5=random.random(SHAPE) < 0.5,
    )
    cells = (("clean", 0), ("fog", 1), ("fog", 2))
    out = tmp_path_factory.mktemp("predictions")
    write(Predictions(("a", "b"), cells, np.arange(5), np.arange(5) % 3, answers), out)
    return out


def _arrays(folder: Path) -> dict[str, Any]:
    with np.load(folder / FILE) as arrays:
        return dict(arrays)


def test_what_is_written_comes_back(folder: Path) -> None:
    """Names, cells, images and every answer."""
    found = read(folder)
    assert (found.models, found.cells[1]) == (("a", "b"), ("fog", 1))
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(found.answers, field), _arrays(folder)[field])


@pytest.mark.parametrize(
    "name, change",
    [
        ("labels", lambda labels: labels[:4]),
        ("labels", lambda labels: labels.astype(np.float64)),
        ("ids", lambda ids: ids[:, None]),
        ("ids", lambda ids: ids[:0]),
        ("models", lambda models: models[:1]),
        ("models", lambda models: models[0]),
        ("severities", lambda severities: severities[:1]),
        ("predictions", lambda predictions: predictions[:, :, :4]),
        ("in_top5", lambda in_top5: in_top5[:1]),
        ("in_top5", lambda in_top5: in_top5.astype(np.float32)),
        ("nll", lambda nll: nll.astype(str)),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(folder, name, change, tmp_path):
    """One array of another length or kind is a damaged file, and one line."""
    arrays = _arrays(folder)
    np.savez_compressed(tmp_path / FILE, **{**arrays, name: change(arrays[name])})
    with pytest.raises(InputError, match="damaged file") as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_stream_that_cannot_be_inflated_is_refused(folder: Path, tmp_path: Path) -> None:
    """The first bytes of a compressed array are wrong: zlib says so before any checksum does."""
    content = bytearray((folder / FILE).read_bytes())
    with zipfile.ZipFile(folder / FILE) as archive:
        info = archive.getinfo("nll.npy")
    head = info.header_offset
    extra = int.from_bytes(content[head + 28 : head + 30], "little")
    start = head + 30 + len(info.filename) + extra
    content[start] = 0xFF
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match="damaged file"):
        read(tmp_path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_wrong_byte_is_noticed_or_harmless(folder: Path, tmp_path: Path, place: float, change: int) -> None:
    """Whichever byte of the file is another one: the same answers come back, or the line says it is damaged."""
    content = bytearray((folder / FILE).read_bytes())
    content[int(place * len(content))] ^= change
    (tmp_path / FILE).write_bytes(content)
    try:
        found = read(tmp_path)
    except InputError as error:
        assert FILE in str(error)  # noqa: PT017  either outcome is right
    else:
        np.testing.assert_array_equal(found.answers.nll, read(folder).answers.nll)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive"])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    """An empty file, a cut one, a text."""
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match="damaged file"):
        read(tmp_path)


def test_a_lone_array_is_refused(tmp_path: Path) -> None:
    """A `.npy` under the archive's name is an array, not an archive."""
    with (tmp_path / FILE).open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match="damaged file"):
        read(tmp_path)
