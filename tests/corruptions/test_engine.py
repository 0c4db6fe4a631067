import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import corruptions
from corruptions import EXTRA_NAMES, NAMES, PROTOCOLS, CorruptionError, corrupt
from corruptions.definition import draw_nothing
from corruptions.registry import CORRUPTIONS

ALL = (*NAMES, *EXTRA_NAMES)
RANDOM = [n for n in ALL if corruptions.corruption(n).draw is not draw_nothing]


def photographs(count: int, height: int = 32, width: int = 32) -> np.ndarray:
    """Return smooth coloured images with some texture, uint8 (count, height, width, 3)."""
    rng = np.random.default_rng(count)
    y, x = np.mgrid[:height, :width] / 32.0
    phase = rng.uniform(0, 6, (count, 1, 1, 3))
    waves = np.sin(3 * y[None, :, :, None] + phase) + np.cos(2 * x[None, :, :, None] * (1 + phase / 6))
    return (127 + 50 * waves + rng.normal(0, 8, (count, height, width, 3))).clip(0, 255).astype(np.uint8)


def test_names_are_the_benchmarks() -> None:
    """There are 15 corruptions in the benchmark's order and 4 extra ones, each in a group."""
    assert len(NAMES) == 15
    assert NAMES[0] == "gaussian_noise"
    assert NAMES[-1] == "jpeg_compression"
    assert set(EXTRA_NAMES) == {"speckle_noise", "gaussian_blur", "spatter", "saturate"}
    assert list(corruptions.GROUPS.items()) == [(each.name, each.group) for each in CORRUPTIONS]
    assert set(corruptions.GROUPS) == set(ALL)
    assert {corruptions.GROUPS[n] for n in NAMES} == {"noise", "blur", "weather", "digital"}
    assert {corruptions.GROUPS[n] for n in EXTRA_NAMES} == {"extra"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_has_five_severities_of_everything(protocol: str) -> None:
    """Each protocol gives all 19 corruptions the same parameters, five values each."""
    table = corruptions.protocol(protocol).constants
    assert set(table) == set(ALL)
    first = corruptions.protocol(PROTOCOLS[0]).constants
    for name, rows in table.items():
        assert len(rows) == 5
        assert all(row.keys() == first[name][0].keys() for row in rows)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_an_image_is_corrupted_the_same_in_any_batch(name: str, data: st.DataObject) -> None:
    """Image k's bytes are the same alone, in a batch of 7, in a batch of 500, and shuffled."""
    severity = data.draw(st.integers(1, 5))
    images = photographs(500)
    whole = corrupt(images, name, severity, seed=5)
    order = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(500)
    assert np.array_equal(corrupt(images[order], name, severity, seed=5, ids=order), whole[order])
    start = data.draw(st.integers(0, 493))
    rows = np.arange(start, start + 7)
    assert np.array_equal(corrupt(images[rows], name, severity, seed=5, ids=rows), whole[rows])
    alone = corrupt(images[start : start + 1], name, severity, seed=5, ids=[start])
    assert np.array_equal(alone[0], whole[start])


@pytest.mark.parametrize("name", ALL)
def test_large_images_are_corrupted_the_same_in_any_batch(name: str) -> None:
    """The same at 224 pixels, where a chunk holds a single image."""
    images = photographs(3, 224, 224)
    whole = corrupt(images, name, 3, protocol="imagenet-c", ids=[7, 8, 9])
    assert np.array_equal(corrupt(images[2:], name, 3, protocol="imagenet-c", ids=[9])[0], whole[2])
    assert np.array_equal(corrupt(images[::-1], name, 3, protocol="imagenet-c", ids=[9, 8, 7])[::-1], whole)


@pytest.mark.parametrize("name", ALL)
def test_torch_and_numpy_agree_and_the_input_stays(name: str) -> None:
    """A tensor and an array give the same pixels, of the same kind as given; the input is not changed."""
    images = photographs(5)
    kept = images.copy()
    images.setflags(write=False)
    out = corrupt(images, name, 4)
    tensor = torch.from_numpy(kept.copy()).permute(0, 3, 1, 2)
    out_tensor = corrupt(tensor, name, 4)
    assert out.dtype == np.uint8
    assert out.shape == images.shape
    assert out_tensor.dtype == torch.uint8
    assert np.array_equal(out_tensor.permute(0, 2, 3, 1).numpy(), out)
    assert np.array_equal(images, kept)
    assert np.array_equal(tensor.permute(0, 2, 3, 1).numpy(), kept)
    assert not np.array_equal(out, images)


@pytest.mark.parametrize("name", ALL)
def test_no_images_is_fine(name: str) -> None:
    """An empty batch comes back empty."""
    assert corrupt(np.zeros((0, 32, 40, 3), np.uint8), name, 2).shape == (0, 32, 40, 3)
    assert corrupt(torch.zeros(0, 3, 40, 32, dtype=torch.uint8), name, 2).shape == (0, 3, 40, 32)


@pytest.mark.parametrize("name", RANDOM)
def test_seed_id_and_severity_change_the_draw(name: str) -> None:
    """Another seed, or another id for the same image, gives another result; the same ones the same."""
    images = np.repeat(photographs(1), 2, axis=0)
    first = corrupt(images, name, 3)
    assert np.array_equal(corrupt(images, name, 3), first)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(corrupt(images, name, 3, seed=1), first)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_any_size_any_protocol(name: str, data: st.DataObject) -> None:
    """Images of 32 to 300 pixels, square or not, black, white, flat or noisy, keep their shape in every protocol."""
    height, width = data.draw(st.integers(32, 300)), data.draw(st.integers(32, 300))
    protocol, severity = data.draw(st.sampled_from(PROTOCOLS)), data.draw(st.integers(1, 5))
    kind = data.draw(st.sampled_from(["black", "white", "flat", "photograph", "noise"]))
    images = {
        "black": np.zeros((2, height, width, 3), np.uint8),
        "white": np.full((2, height, width, 3), 255, np.uint8),
        "flat": np.full((2, height, width, 3), 93, np.uint8),
        "photograph": photographs(2, height, width),
        "noise": np.random.default_rng(0).integers(0, 256, (2, height, width, 3), np.uint8),
    }[kind]
    out = corrupt(images, name, severity, protocol=protocol)
    assert out.shape == images.shape
    if kind == "flat" and name in {
        "contrast",
        "pixelate",
        "defocus_blur",
        "gaussian_blur",
        "zoom_blur",
        "motion_blur",
    }:
        assert np.abs(out.astype(int) - 93).max() <= 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"name": "gausian_noise"}, "unknown corruption 'gausian_noise': did you mean 'gaussian_noise'?"),
        ({"protocol": "cifar"}, "unknown protocol 'cifar': did you mean 'cifar-c'?"),
        ({"severity": 6}, "expected severity 1, 2, 3, 4 or 5, got 6"),
        ({"severity": 0}, "expected severity 1, 2, 3, 4 or 5, got 0"),
        ({"severity": 1.5}, "expected severity to be an integer, got 1.5"),
        ({"seed": "x"}, "expected seed to be an integer, got 'x'"),
        ({"ids": [1, 2, 3]}, "expected ids as 2 integers, one per image, got torch.int64 of shape (3,)"),
        ({"ids": [0.5, 1.0]}, "expected ids as 2 integers, one per image, got torch.float64 of shape (2,)"),
        ({"images": [1, 2]}, "numpy array (N,H,W,3), got list"),
        ({"images": np.zeros((2, 32, 32, 3), np.float32)}, "got dtype float32: scale to 0..255 and convert"),
        ({"images": torch.zeros(2, 3, 32, 32)}, "got dtype float32: scale to 0..255 and convert"),
        ({"images": np.zeros((2, 3, 32, 32), np.uint8)}, "numpy array (N,H,W,3), got shape (2, 3, 32, 32)"),
        (
            {"images": torch.zeros(2, 32, 32, 3, dtype=torch.uint8)},
            "tensor (N,3,H,W), got shape (2, 32, 32, 3)",
        ),
        ({"images": np.zeros((32, 32, 3), np.uint8)}, "numpy array (N,H,W,3), got shape (32, 32, 3)"),
        (
            {"images": np.zeros((2, 28, 30, 3), np.uint8)},
            "at least 32 x 32 pixels, got 28 x 30: resize them first",
        ),
    ],
)
def test_bad_input_is_said_in_one_line(arguments: dict[str, object], message: str) -> None:
    """A caller's mistake raises CorruptionError with one line: what was expected, what was found."""
    call = {"images": photographs(2), "name": "fog", "severity": 1, **arguments}
    with pytest.raises(CorruptionError, match=re.escape(message)) as caught:
        corrupt(**call)  # type: ignore[arg-type] - wrong on purpose
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ALL)
def test_the_memory_layout_changes_nothing(name: str) -> None:
    """A channels-last tensor gives the pixels of a contiguous one, and keeps its layout, at two sizes."""
    for count, size in ((1, 33), (5, 70)):
        planar = torch.from_numpy(photographs(count, size, size + 1)).permute(0, 3, 1, 2).contiguous()
        interleaved = planar.contiguous(memory_format=torch.channels_last)
        made = corrupt(interleaved, name, 3)
        assert made.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(made, corrupt(planar, name, 3))
        assert torch.equal(interleaved, planar)
        strided = planar.transpose(2, 3).contiguous().transpose(2, 3)
        assert torch.equal(corrupt(strided, name, 3), made)


def test_a_memory_map_is_read(tmp_path: Path) -> None:
    """A read-only memory-mapped array is corrupted like any other."""
    images = photographs(3)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert np.array_equal(corrupt(mapped, "fog", 2), corrupt(images, "fog", 2))


@pytest.mark.parametrize("name", ["gaussian_noise", "shot_noise", "frost", "jpeg_compression", "zoom_blur"])
def test_threads_change_nothing(name: str) -> None:
    """With three threads every image gets the same bytes, and the setting is afterwards as before."""
    images = torch.from_numpy(photographs(9, 96, 160)).permute(0, 3, 1, 2)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = corrupt(images, name, 3, protocol="imagenet-c")
        torch.set_num_threads(3)
        assert torch.equal(corrupt(images, name, 3, protocol="imagenet-c"), one)
        assert torch.get_num_threads() == 3
        with torch.inference_mode():
            assert torch.equal(corrupt(images.clone(), name, 3, protocol="imagenet-c"), one)
    finally:
        torch.set_num_threads(threads)


def test_code_versions_are_known() -> None:
    """Every corruption has a version for the keys of stored results."""
    assert all(re.fullmatch(r"\d+\.\d+", corruptions.code_version(n)) for n in ALL)
