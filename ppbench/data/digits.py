"""digits-c's clean images: real handwriting on real photographs, embedded, no download.

The recipe is MNIST-M's (Ganin et al. 2016, Domain-Adversarial Training of Neural Networks, §5.2.2): the absolute
difference of a photograph's crop and a digit, channel by channel. The digits are scikit-learn's 1,797 (the test part
of UCI's "Optical Recognition of Handwritten Digits", 8×8 pixels, 17 levels), the photographs its two bundled ones.
"""

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppbench.data.draws import Draws
from ppbench.data.image_set import ImageSet, Pixels
from ppbench.data.picture import read_picture
from ppbench.data.subset import stratified_rows
from ppbench.errors import InputError

SIZE = 32
NUM_CLASSES = 10
TEST_IMAGES = 500
RENDERINGS = 16  # crops, sizes, places and contrasts that each training digit is shown in

# A digit that fills the frame at full contrast is read through any noise. These bounds leave a ResNet-20 with a few
# per cent of clean error and let the corruptions bite.
_DIGIT_SIZE = (18, 28)  # side in pixels, both ends included
_CONTRAST = (90, 210)  # grey levels of the darkest ink

_SPLIT_SEED = 0
_TEST_SHARE = 3  # the right 1/3 of each photograph is for test crops, the rest for training crops
_GREY_LEVELS = 16  # of a scanned digit


def digits(part: str, seed: int = 0) -> ImageSet:
    """Return the embedded set, a pure function of its arguments.

    Which digits are test digits never depends on the seed, and training and test crops come from separate parts of
    the photographs: neither ink nor background of a test image has been seen in training.

    Args:
        part: ``"test"``: 500 images, one per test digit; ``"train"``: 16 images of each of the other 1,297 digits.
        seed: of the crops, sizes, places and contrasts.

    Returns:
        (N, 32, 32, 3) uint8 images; ids 0..N-1.
    """
    if part not in ("train", "test"):
        raise ValueError(f"expected part 'train' or 'test', got {part!r}")
    scans, scan_labels = _scans()
    rows = stratified_rows(scan_labels, TEST_IMAGES, _SPLIT_SEED)
    if part == "train":
        rows = np.repeat(np.setdiff1d(np.arange(len(scans)), rows), RENDERINGS)
    # The parts draw from separate streams; Philox keys are independent of each other.
    images = _blend(scans[rows], _backgrounds(part), Draws(2 * seed + (part == "test")))
    return ImageSet("digits-c", images, scan_labels[rows], np.arange(len(rows), dtype=np.int64), NUM_CLASSES)


def _scans() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the scanned digits, (1797, 8, 8) in 0..16, and their labels: 64 columns of pixels, then the label."""
    with gzip.open(_bundled("data", "digits.csv.gz"), "rt", encoding="ascii") as file:
        rows = np.loadtxt(file, dtype=np.int64, delimiter=",")
    return rows[:, :-1].reshape(-1, 8, 8), rows[:, -1]


def _backgrounds(part: str) -> list[Pixels]:
    """Return each photograph's region for this part, (h, w, 3) uint8."""
    photographs = [read_picture(_bundled("images", name)) for name in ("china.jpg", "flower.jpg")]
    edges = [photo.shape[1] - photo.shape[1] // _TEST_SHARE for photo in photographs]
    if part == "train":
        return [photo[:, :edge] for photo, edge in zip(photographs, edges, strict=True)]
    return [photo[:, edge:] for photo, edge in zip(photographs, edges, strict=True)]


def _bundled(*name: str) -> Path:
    """Return a file that scikit-learn bundles, found without importing it: that takes seconds, for three files.

    Raises:
        InputError: scikit-learn is not installed, or lacks the file.
    """
    found = find_spec("sklearn")
    places = () if found is None else found.submodule_search_locations or ()
    for place in places:
        if (file := Path(place, "datasets", *name)).is_file():
            return file
    raise InputError(
        f"expected scikit-learn's file {'/'.join(name)}, which digits-c is made of, got none: pip install scikit-learn"
    )


def _blend(scans: NDArray[np.int64], backgrounds: list[Pixels], draws: Draws) -> Pixels:
    """Put each scan on a crop of its own: |crop − digit|, (N, 32, 32, 3) uint8."""
    n = len(scans)
    photo = draws.below(len(backgrounds), n)
    side = draws.between(*_DIGIT_SIZE, n)
    contrast = draws.between(*_CONTRAST, n)
    # A fraction of 2**16 of the room there is, because the room depends on the side and on the photograph.
    digit_row, digit_col, crop_row, crop_col = (draws.below(1 << 16, n) for _ in range(4))
    images = np.empty((n, SIZE, SIZE, 3), np.uint8)
    for k in range(n):
        background = backgrounds[photo[k]]
        top, left = (
            int(fraction[k] * (length - SIZE + 1) >> 16)
            for fraction, length in zip((crop_row, crop_col), background.shape[:2], strict=True)
        )
        crop = background[top : top + SIZE, left : left + SIZE].astype(np.int64)
        y, x = (int(fraction[k] * (SIZE - side[k] + 1) >> 16) for fraction in (digit_row, digit_col))
        ink = np.zeros((SIZE, SIZE, 1), np.int64)
        ink[y : y + side[k], x : x + side[k], 0] = _enlarge(scans[k], int(side[k])) * contrast[k] >> 16
        images[k] = np.abs(crop - ink)
    return images


def _enlarge(scan: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """Resize a scan to side×side, bilinear, pixel centres aligned; in integers, so that every machine agrees.

    Returns:
        (side, side) int64, 65536 for full ink.
    """
    last = len(scan) - 1
    position = ((2 * np.arange(side) + 1) * len(scan) * 128 // side - 128).clip(
        0, last * 256
    )  # in 1/256 pixel
    low, weight = position >> 8, position & 255
    high = (low + 1).clip(max=last)
    rows = scan[low] * (256 - weight)[:, None] + scan[high] * weight[:, None]
    ink: NDArray[np.int64] = (rows[:, low] * (256 - weight) + rows[:, high] * weight) // _GREY_LEVELS
    return ink
