"""Images in files, decoded when they are asked for: memory does not grow with the set."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ppbench.cpu_count import cpu_count
from ppbench.data.image_set import Pixels, RowIndex
from ppbench.data.picture import is_deep, open_rgb
from ppbench.errors import InputError


@dataclass(frozen=True)
class Geometry:
    """How a file becomes a square image.

    Attributes:
        size: side of the result, in pixels.
        resize: the shorter side after resizing (bilinear, antialiased), before the central crop; None: the file must
            have the size already, and is never resized.
    """

    size: int
    resize: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the result, in pixels."""
        return self.size, self.size


@dataclass(frozen=True)
class OwnSize:
    """A file becomes an image of the size it has.

    Attributes:
        shape: the height and width that all files must have, in pixels; (0, 0) where each has its own.
    """

    shape: tuple[int, int] = (0, 0)


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """Images of (N, H, W, 3) uint8 in N files of one folder.

    Attributes:
        folder: where the files are.
        names: their paths inside it.
        geometry: what is done to each.
    """

    folder: Path
    names: Sequence[str]
    geometry: Geometry | OwnSize

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W, 3); H and W are 0 where every image has a size of its own, and is to be asked for alone."""
        return len(self.names), *self.geometry.shape, 3

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Always uint8."""
        return np.dtype(np.uint8)

    def content(self, row: int) -> bytes:
        """Return a file's bytes and the geometry: decoding 50,000 files for a digest would take minutes.

        Raises:
            InputError: the file cannot be read.
        """
        path = self.folder / self.names[row]
        try:
            content = path.read_bytes()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"{path}: this image cannot be read: {reason}") from error
        return told_apart(content, self.geometry)

    def __getitem__(self, rows: RowIndex, /) -> Pixels:
        """Decode the files of these rows, several at a time.

        Raises:
            InputError: a file is missing, damaged, or not of the size it must have.
        """
        wanted = np.arange(len(self.names))[rows]
        if self.geometry.shape == (0, 0) and len(wanted) == 1:
            return read_image(self.folder / self.names[wanted[0]], self.geometry)[None]
        return decoded(
            wanted, self.geometry.shape, lambda row: read_image(self.folder / self.names[row], self.geometry)
        )


def decoded(rows: npt.NDArray[np.intp], shape: tuple[int, int], decode: Callable[[int], Pixels]) -> Pixels:
    """Return images uint8 (n, H, W, 3), several of which are decoded at a time.

    Args:
        rows: (n,) which images.
        shape: their height and width.
        decode: returns the image of a row; called from several threads. What it raises is raised here.
    """
    images = np.empty((len(rows), *shape, 3), np.uint8)

    def fill(place: int) -> None:
        images[place] = decode(int(rows[place]))

    for _ in decoding_pool().map(fill, range(len(rows))):
        pass  # an exception of a thread is raised here
    return images


def told_apart(content: bytes, geometry: Geometry | OwnSize) -> bytes:
    """Return what decides an image's pixels, for a digest: the bytes of its file, and what is done to it."""
    # Earlier versions read these as all white: what they kept of them must not be found again.
    return repr(geometry).encode() + b"scaled to 8 bits" * is_deep(content) + content


def read_image(path: Path, geometry: Geometry | OwnSize) -> Pixels:
    """Return one file as (H, W, 3) uint8 RGB.

    Resizing is Pillow's bilinear filter, which is antialiased, with the longer side truncated to whole pixels;
    the crop's corner is rounded: what torchvision's Resize and CenterCrop do, and what ImageNet-C was made with.

    Raises:
        InputError: the file cannot be read (`open_rgb`), or is not of the size it must have.
    """
    return fitted(open_rgb(path), geometry, str(path))


def fitted(image: Image.Image, geometry: Geometry | OwnSize, where: str) -> Pixels:
    """Return an image as (H, W, 3) uint8 RGB, as `read_image` does.

    Args:
        image: of mode RGB.
        geometry: what is done to it.
        where: what it is called in a message.

    Raises:
        InputError: it is not of the size it must have.
    """
    if isinstance(geometry, OwnSize):
        if geometry.shape not in ((0, 0), (image.height, image.width)):
            raise InputError(
                f"{where}: expected {geometry.shape[0]}x{geometry.shape[1]} pixels as the others have, got "
                f"{image.height}x{image.width}"
            )
        return np.asarray(image)
    if geometry.resize is None:
        if image.size != (geometry.size, geometry.size):
            raise InputError(
                f"{where}: expected {geometry.size}x{geometry.size} pixels, got {image.height}x{image.width}: "
                "the images of this set are never resized"
            )
        return np.asarray(image)
    return np.asarray(_centre(_shorter_side(image, geometry.resize), geometry.size))


def _shorter_side(image: Image.Image, target: int) -> Image.Image:
    width, height = image.size
    short = min(width, height)
    size = (target * width // short, target * height // short)
    return image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)


def _centre(image: Image.Image, side: int) -> Image.Image:
    left, top = round((image.width - side) / 2), round((image.height - side) / 2)
    return image.crop((left, top, left + side, top + side))


@cache
def decoding_pool() -> ThreadPoolExecutor:
    """Return the threads that decode; Pillow lets go of the interpreter while it does."""
    return ThreadPoolExecutor(min(16, cpu_count()), thread_name_prefix="decode")
