import sys
import warnings

import numpy as np
import pytest
import torch

from corruptions import EXTRA_NAMES, NAMES, CorruptionError, constants_of, corrupt, jpeg_round_trip, reference

ALL = (*NAMES, *EXTRA_NAMES)


def image(size: int = 64) -> np.ndarray:
    """Return one smooth image, uint8 (1,size,size,3)."""
    y, x = np.mgrid[:size, :size] / size
    return (np.stack([x, y, (x + y) / 2], 2)[None] * 200 + 20).astype(np.uint8)


@pytest.mark.parametrize("name", ALL)
def test_every_corruption_runs_and_is_seeded(name: str) -> None:
    """All 19 run with today's libraries, and depend on seed and id alone, impulse noise and glass included."""
    images = np.concatenate([image(), image()])
    first = reference.corrupt(images, name, 3, ids=[4, 5], seed=1)
    assert first.dtype == np.uint8
    assert first.shape == images.shape
    assert not np.array_equal(first, images)
    assert np.array_equal(reference.corrupt(images[1:], name, 3, ids=[5], seed=1)[0], first[1])
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    again = reference.corrupt(tensor, name, 3, ids=torch.tensor([4, 5]), seed=1)
    assert np.array_equal(again.permute(0, 2, 3, 1).numpy(), first)


@pytest.mark.parametrize("name", ["brightness", "contrast", "pixelate", "jpeg_compression", "saturate"])
def test_agrees_with_ours_where_nothing_is_random(name: str) -> None:
    """At 224 pixels the deterministic corruptions are ImageNet-C's, as ours are, but for whose libjpeg there is."""
    images = image(224)
    mine = corrupt(images, name, 3, protocol="imagenet-c")
    if name == "jpeg_compression":
        quality = int(constants_of(name, 3, "imagenet-c")["quality"])
        mine = jpeg_round_trip(images, quality, codec="turbo")
    assert np.array_equal(mine, reference.corrupt(images, name, 3))


def test_nothing_outlives_the_loading() -> None:
    """NumPy, skimage, the random state and the list of modules are as before; the package itself is not imported."""
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the package's generator
    had = hasattr(np, "float_")  # NumPy 2 has not
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reference.load.cache_clear()
        reference.corrupt(image(), "fog", 1)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002 - as above
    assert hasattr(np, "float_") == had
    assert "imagecorruptions" not in sys.modules
    assert getattr(sys.modules.get("pkg_resources"), "__name__", "pkg_resources") == "pkg_resources"
    assert not any("_imagecorruptions" in name for name in sys.modules)


def test_bad_input_is_said_in_one_line() -> None:
    """A wrong name, severity or image is refused as by `corruptions.corrupt`."""
    with pytest.raises(CorruptionError, match="did you mean 'fog'"):
        reference.corrupt(image(), "fogg", 1)
    with pytest.raises(CorruptionError, match="got 7"):
        reference.corrupt(image(), "fog", 7)
    with pytest.raises(CorruptionError, match="got dtype float64"):
        reference.corrupt(image() / 255, "fog", 1)  # type: ignore[arg-type] - wrong on purpose
