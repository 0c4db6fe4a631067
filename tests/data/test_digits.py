"""The embedded digits."""

import hashlib

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ppbench.data import digits as module
from ppbench.data.digits import RENDERINGS, digits
from ppbench.data.draws import Draws
from ppbench.data.image_set import ImageSet


@pytest.fixture(scope="module")
def test_part() -> ImageSet:
    """The 500 test images."""
    return digits("test")


def test_the_bytes_are_the_same_everywhere(test_part: ImageSet) -> None:
    """Weights ship for exactly these images: if this digest changes, they must be trained again."""
    assert test_part.digest == "be27def3526863d4c11ca2a8442ddb03404ddf9b2c7abf1ebc813a77be04a6b1"


@pytest.mark.slow
def test_the_training_bytes_are_the_same_everywhere() -> None:
    """The training images decide the weights, so they are fixed too."""
    assert digits("train").digest == "83bf04369cef9c47ee0a4098396e687673190f5d92cd7494b3a62a3d6e42c147"


def test_the_format_is_the_protocols(test_part: ImageSet) -> None:
    """500 images of 32×32 RGB in ten classes of nearly one size."""
    assert test_part.images.shape == (500, 32, 32, 3)
    assert test_part.images.dtype == np.uint8
    assert test_part.ids.tolist() == list(range(500))
    counts = np.bincount(test_part.labels, minlength=10)
    assert counts.sum() == 500
    assert counts.max() - counts.min() <= 4


def test_no_handwritten_digit_is_in_both_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every scan is used: 500 in the test part once, 1,297 others in the training part, as often as is said."""
    seen: dict[str, list[bytes]] = {}

    def keep(part: str) -> None:
        monkeypatch.setattr(
            module,
            "_blend",
            lambda scans, _backgrounds, _draws: (
                seen.update({part: [scan.tobytes() for scan in scans]})
                or np.zeros((len(scans), 32, 32, 3), np.uint8)
            ),
        )

    for part in ("train", "test"):
        keep(part)
        digits(part)
    assert len(seen["test"]) == 500
    assert len(seen["train"]) == 1297 * RENDERINGS
    everything = [scan.astype(np.int64).tobytes() for scan in load_digits().images]
    assert sorted(seen["test"] + seen["train"][::RENDERINGS]) == sorted(everything)


def test_training_and_test_backgrounds_share_no_pixel() -> None:
    """The photographs are cut in two: left for training, right for testing."""
    for left, right in zip(module._backgrounds("train"), module._backgrounds("test"), strict=True):
        assert left.shape[1] + right.shape[1] == 640
        assert min(left.shape[1], right.shape[1]) > 2 * module.SIZE


def test_an_image_is_the_absolute_difference_of_crop_and_digit() -> None:
    """On a black background the digit itself is seen, on a white one its negative."""
    scans, _ = module._scans()
    black, white = (np.full((40, 50, 3), level, np.uint8) for level in (0, 255))
    on_black = module._blend(scans[:5], [black], Draws(7)).astype(int)
    on_white = module._blend(scans[:5], [white], Draws(7)).astype(int)
    assert (on_black + on_white == 255).all()
    low, high = module._CONTRAST
    assert low * 0.8 < on_black.max(axis=(1, 2, 3)).min()
    assert on_black.max() <= high


def test_enlarging_is_bilinear() -> None:
    """Integer arithmetic gives what exact bilinear interpolation with aligned pixel centres gives, to 1/128."""
    scans, _ = module._scans()
    side = 21
    where = np.clip((np.arange(side) + 0.5) * 8 / side - 0.5, 0, 7)
    low = np.minimum(where.astype(int), 6)
    weights = np.zeros((side, 8))
    weights[np.arange(side), low] = 1 - (where - low)
    weights[np.arange(side), low + 1] = where - low
    exact = weights @ (scans[3] / 16.0) @ weights.T
    assert np.abs(module._enlarge(scans[3], side) / 65536 - exact).max() < 1 / 128


def test_another_seed_gives_other_crops_of_the_same_digits() -> None:
    """The seed decides crops, sizes, places and contrasts, never which digits are tested."""
    first, other = digits("test"), digits("test", seed=1)
    assert first.labels.tolist() == other.labels.tolist()
    assert first.digest != other.digest


def test_draws_are_numpys_raw_philox() -> None:
    """The stream is the counter-based generator's own output, scaled: no method whose stream may change."""
    raw = np.random.Philox(key=5).random_raw(1000)
    assert Draws(5).below(10, 1000).tolist() == [int(value >> 32) * 10 >> 32 for value in raw.tolist()]
    assert set(Draws(1).between(-2, 2, 500).tolist()) == {-2, -1, 0, 1, 2}
    assert hashlib.sha256(Draws(0).order(100).astype("<i8").tobytes()).hexdigest()[:8] == "7a24638d"
