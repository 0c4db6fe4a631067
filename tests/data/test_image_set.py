"""Image sets, in memory and lazy."""

import numpy as np
import pytest
from PIL import Image

from ppbench.data.image_files import Geometry, ImageFiles
from ppbench.data.image_set import ImageSet, Rows


def _set(count: int = 6) -> ImageSet:
    images = np.random.default_rng(0).integers(0, 256, (count, 4, 5, 3), dtype=np.uint8)
    return ImageSet("made", images, np.arange(count) % 3, np.arange(count), 3)


class Lazy:
    """Images that say when they are read."""

    def __init__(self, images: np.ndarray) -> None:
        self.images, self.read = images, 0
        self.shape, self.dtype = images.shape, images.dtype

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        self.read += 1
        return self.images[rows]


def test_taking_rows_keeps_images_labels_and_ids_together() -> None:
    """An id names the same image in every subset, and subsets of subsets too."""
    whole = _set()
    part = whole.take(np.array([4, 1, 5])).take(np.array([2, 0]))
    assert part.ids.tolist() == [5, 4]
    assert part.labels.tolist() == [2, 1]
    assert (part.images[:] == whole.images[np.array([5, 4])]).all()
    assert len(part) == 2
    assert part.image_size == (4, 5)


def test_lazy_images_stay_lazy() -> None:
    """Taking a subset reads nothing; reading it gives what the images in memory give."""
    whole = _set()
    lazy = Lazy(whole.images[:])
    part = ImageSet("made", lazy, whole.labels, whole.ids, 3).take(np.array([3, 0, 2]))
    assert isinstance(part.images, Rows)
    assert lazy.read == 0
    assert part.images.shape == (3, 4, 5, 3)
    assert (part.images[1:] == whole.images[np.array([0, 2])]).all()
    assert part.digest == whole.take(np.array([3, 0, 2])).digest


def test_the_digest_covers_pixels_labels_ids_and_classes() -> None:
    """Two sets have one digest only if nothing that a result depends on differs."""
    whole = _set()
    pixel = whole.images[:].copy()
    pixel[0, 0, 0, 0] ^= 1
    others = [
        ImageSet("made", pixel, whole.labels, whole.ids, 3),
        ImageSet("made", whole.images, whole.labels[::-1], whole.ids, 3),
        ImageSet("made", whole.images, whole.labels, whole.ids + 1, 3),
        ImageSet("made", whole.images, whole.labels, whole.ids, 4),
    ]
    assert len({one.digest for one in [whole, *others]}) == 5
    assert ImageSet("another name", whole.images, whole.labels, whole.ids, 3).digest == whole.digest


def test_counts_must_agree() -> None:
    """As many labels and ids as images."""
    with pytest.raises(ValueError, match="as many images as labels and ids"):
        ImageSet("made", _set(5).images, np.zeros(4, np.int64), np.arange(5), 3)


def test_the_digest_of_files_knows_every_byte_of_them(tmp_path):
    """Images in files are known by the files' bytes and what is done to them, a subset like the same files alone."""
    for number in range(3):
        Image.new("RGB", (40, 40), (number, 0, 0)).save(tmp_path / f"{number}.png")
    names = ["0.png", "1.png", "2.png"]
    labels = np.zeros(3, np.int64)

    def digest(geometry: Geometry) -> str:
        return ImageSet("made", ImageFiles(tmp_path, names, geometry), labels, np.arange(3), 2).digest

    before = digest(Geometry(32, 36))
    assert digest(Geometry(32, 36)) == before
    assert digest(Geometry(32, 40)) != before
    whole = ImageSet("made", ImageFiles(tmp_path, names, Geometry(40)), labels, np.arange(3), 2)
    alone = ImageSet("made", ImageFiles(tmp_path, names[1:], Geometry(40)), labels[1:], np.arange(1, 3), 2)
    assert whole.take(np.array([1, 2])).digest == alone.digest
    Image.new("RGB", (40, 40), (9, 0, 0)).save(tmp_path / "1.png")
    assert digest(Geometry(32, 36)) != before
