"""A small set of noise images for the tests of evaluation."""

import numpy as np

from ppbench.data.image_set import ImageSet
from ppbench.data.source import DataSource


def noise_source(count: int) -> DataSource:
    """Return a generated source of `count` noise images of 32 pixels, four classes, ids from 100."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    labels = random.integers(0, 4, count)
    ids = np.arange(100, 100 + count)
    clean = ImageSet("made", images, labels, ids, 4)
    return DataSource("made", "cifar-c", "generated", (32, 32), 4, labels, ids, count, clean)
