"""What tells a training set from another one."""

import hashlib

from ppbench.data.image_files import ImageFiles
from ppbench.data.image_set import ImageSet
from ppbench.training.resident import fits


def digest_of(images: ImageSet) -> str:
    """Return the set's SHA-256; of one that is too large to be read for it, that of its files' names and sizes.

    A hundred gigabytes would be read for minutes before the first step: their digest begins with ``names-and-sizes:``.
    """
    if fits(images) or not isinstance(images.images, ImageFiles):
        return images.digest
    digest = hashlib.sha256(images.labels.astype("<i8").tobytes())
    for name in images.images.names:
        size = (images.images.folder / name).stat().st_size
        digest.update(f"{name} {size}\n".encode(errors="surrogateescape"))
    return f"names-and-sizes:{digest.hexdigest()}"
