"""Clean images decoded once: kept in memory, or, where they are many, in a file that is mapped."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import PIL

from ppbench import atomic
from ppbench.data.image_set import Images, ImageSet, Rows, Stored
from ppbench.data.places import cache_folder
from ppbench.errors import InputError

IN_MEMORY = 2 << 30
"""Bytes up to which decoded images are kept in memory; ImageNet's 50,000 of 224 pixels are 7.5 GB."""

FOLDER = "decoded"

_ROWS = 256  # decoded at a time: a few for every thread of the reader's pool
_CHECKED = 8  # images of a file that are decoded again before it is believed


@dataclass
class Decoder:
    """Makes arrays of images that lie in files.

    Attributes:
        in_memory: bytes up to which they are kept in memory.
        folder: where larger sets are kept; None takes ``decoded`` in the cache folder.
    """

    in_memory: int = IN_MEMORY
    folder: Path | None = None

    def __call__(self, clean: ImageSet) -> Images:
        """Return the images of a set, uint8 (N, H, W, 3), with every file decoded: once a process, or once for ever.

        An array and a memory map are returned as they are.

        Raises:
            InputError: a file is missing or damaged, or there is no room for the decoded images.
        """
        base = clean.images.base if isinstance(clean.images, Rows) else clean.images
        if not isinstance(base, Stored):
            return clean.images
        if int(np.prod(clean.images.shape)) <= self.in_memory:
            pixels = np.empty(clean.images.shape, np.uint8)
            for start in range(0, len(clean), _ROWS):
                pixels[start : start + _ROWS] = clean.images[start : start + _ROWS]
            return pixels
        return self._mapped(clean)

    def _mapped(self, clean: ImageSet) -> Images:
        # Another version of the decoder may round another way.
        name = sha256(f"{clean.digest} pillow {PIL.__version__}".encode()).hexdigest()
        path = (self.folder or cache_folder() / FOLDER) / f"{name}.npy"
        found = _read(path, clean)
        if found is not None:
            return found
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic.writing(path) as file:
                header = {"descr": "|u1", "fortran_order": False, "shape": tuple(clean.images.shape)}
                np.lib.format.write_array_header_1_0(file, header)
                for start in range(0, len(clean), _ROWS):
                    file.write(np.ascontiguousarray(clean.images[start : start + _ROWS]).data)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(
                f"no room for {np.prod(clean.images.shape) / 1e9:.1f} GB of decoded images in {str(path.parent)!r} "
                f"({reason}): name another folder with --cache"
            ) from error
        written = _read(path, clean)
        assert written is not None
        return written


def kept(cache: Path | None = None) -> list[Path]:
    """Return the files of decoded images in a cache folder; None takes the usual one."""
    return sorted(((cache or cache_folder()) / FOLDER).glob("*.npy"))


def _read(path: Path, clean: ImageSet) -> Images | None:
    """Return the file's images, or None if it is not there or is not what its name says."""
    try:
        pixels = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if pixels.shape != tuple(clean.images.shape) or pixels.dtype != np.uint8:
        return None
    # The name stands for the content of every file; whether the pixels are still there, a few images tell.
    some = np.unique(np.linspace(0, len(clean) - 1, _CHECKED).astype(np.int64))
    return pixels if np.array_equal(pixels[some], clean.images[some]) else None
