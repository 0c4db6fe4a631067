"""Images and labels by themselves, and layers that were never trained."""

import numpy as np
import pytest
from torch import nn

from ppbench.data.digits import digits
from ppbench.setup.pixels import grid, judge
from ppbench.setup.untrained import judge as judge_weights
from tests.setup.networks import Small
from tests.setup.spoilt_images import resized_and_back, through_jpeg

SET = digits("test")
IMAGES, LABELS = np.asarray(SET.images[:]), SET.labels


@pytest.mark.parametrize(
    "images, state, says",
    [
        (IMAGES, "ok", "in colour"),
        (IMAGES // 255, "wrong", "above 1"),
        (np.zeros_like(IMAGES), "wrong", "above 0"),
        (np.full_like(IMAGES, 7), "wrong", "one colour"),
        (np.repeat(IMAGES[:1], 40, axis=0), "wrong", "all the same"),
        (np.repeat(IMAGES[..., :1], 3, axis=3), "notice", "grey"),
        (through_jpeg(IMAGES, 75), "notice", "traces of JPEG"),
        (through_jpeg(IMAGES, 30)[:100], "notice", "traces of JPEG"),
        (resized_and_back(IMAGES, 24), "notice", "resizing"),
    ],
)
def test_images(images: np.ndarray, state: str, says: str) -> None:
    """Wrong ranges, grey, JPEG and resized ones are told from the set's own."""
    found = judge(images, LABELS, 10, never_jpeg=True, in_colour=True)
    assert found.state == state
    assert says in found.line


def test_sets_of_jpeg_files_are_not_asked_about_jpeg() -> None:
    """Nor are one's own images asked about colour."""
    assert judge(through_jpeg(IMAGES, 30), LABELS, 10, never_jpeg=False, in_colour=True).state == "ok"
    grey = np.repeat(IMAGES[..., :1], 3, axis=3)
    assert "grey" in judge(grey, LABELS, 10, never_jpeg=False, in_colour=False).text


def test_no_false_alarm_on_small_samples() -> None:
    """50 samples of 64 and of 256 of the set's own images have no grid."""
    random = np.random.default_rng(0)
    for count, limit in ((64, 1.12), (256, 1.06)):
        found = [grid(IMAGES[random.choice(len(IMAGES), count, replace=False)]) for _ in range(50)]
        assert max(found) < limit


def test_labels_that_begin_at_1() -> None:
    """Where all classes but the first have images, the labels may begin at 1."""
    kept = LABELS > 0
    found = judge(IMAGES[kept], LABELS[kept], 10, never_jpeg=True, in_colour=True)
    assert (found.state, "begin at 1" in found.advice) == ("notice", True)
    some = LABELS > 4
    assert judge(IMAGES[some], LABELS[some], 10, never_jpeg=True, in_colour=True).state == "ok"


def test_a_layer_that_has_never_seen_an_image() -> None:
    """Running means of 0 and variances of 1 are those of a batch norm as it was made."""
    fresh, seen = nn.BatchNorm2d(8), nn.BatchNorm2d(8)
    seen.running_mean.fill_(0.1)
    assert judge_weights(Small(seen)).state == "ok"
    assert judge_weights(Small()).state == "skipped"
    found = judge_weights(Small(nn.Sequential(seen, fresh)))
    assert (found.state, "1 of 2 layers" in found.text) == ("notice", True)
    assert judge_weights(Small(fresh)).state == "wrong"
