"""The ImageNet-C layout: `<corruption>/<severity>/<class>/<name>.JPEG`, or the same below a folder for each group.

The files are what the published ones are: JPEG of quality 85, 4:2:0, with optimised Huffman tables, as IJG's libjpeg
writes them unless another library is asked for. Each is written under a temporary name and renamed; the files that a
killed cell has left are compared with what they should be.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image

from corruptions.jpeg_file import jpeg_files
from corruptions.names import Library
from corruptions.plugins import find
from ppbench import atomic
from ppbench.data.generated_set import cell_digest
from ppbench.data.image_files import ImageFiles
from ppbench.data.image_set import ImageSet, Pixels, Rows
from ppbench.data.own_name import own_name
from ppbench.errors import InputError


@dataclass(frozen=True)
class TreeLayout:
    """A folder in the ImageNet-C layout.

    Attributes:
        out: the folder.
        names: `<class>/<name>.JPEG` of each image.
        quality: of the JPEG files; None writes PNG, of protocols whose published images are not compressed.
        grouped: whether corruptions lie in a folder of their group, as in the published archives.
        jpeg_codec: whose coefficients the files have.
    """

    out: Path
    names: Sequence[str]
    quality: int | None
    grouped: bool
    jpeg_codec: Library = "ijg9"

    def check(self, corruptions: Iterable[str]) -> None:
        """Do nothing: a corruption's folder holds only its cells, whatever it is called."""

    def has(self, corruption: str, severity: int) -> bool:
        """Whether every file of a cell is there, and not empty, as a power cut leaves what was not flushed."""
        files = [self._cell(corruption, severity) / name for name in self.names]
        return all(file.exists() and file.stat().st_size > 0 for file in files)

    def write(self, corruption: str, severity: int, batches: Iterable[Pixels]) -> str:
        """Write one cell and return its `cell_digest`."""
        folder = self._cell(corruption, severity)
        for parent in {PurePosixPath(name).parent for name in self.names}:
            (folder / parent).mkdir(parents=True, exist_ok=True)
        files: dict[str, bytes] = {}
        images = (image for batch in batches for image in batch)
        for name, image in zip(self.names, images, strict=True):
            path = folder / name
            encoded = self._encoded(image)
            # What is there of a cell that was stopped is compared, not trusted: it may be empty after a power cut, as
            # files are not flushed one by one (millions of them would take days).
            if not (path.exists() and path.read_bytes() == encoded):
                atomic.write_bytes(path, encoded, durable=False)
            files[name] = hashlib.sha256(encoded).digest()
        return cell_digest(files)

    def finish(self, corruption: str) -> None:
        """Do nothing: the cells are the layout."""

    def _cell(self, corruption: str, severity: int) -> Path:
        name = own_name(corruption)
        group = (find(name).group,) if self.grouped else ()
        return self.out.joinpath(*group, name, str(severity))

    def _encoded(self, image: Pixels) -> bytes:
        if self.quality is None:
            file = BytesIO()
            Image.fromarray(image).save(file, "PNG")
            return file.getvalue()
        planes = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        return jpeg_files(planes, self.quality, self.jpeg_codec)[0]


def names_of(images: ImageSet, classes: Sequence[str] | None, ending: str = ".JPEG") -> list[str]:
    """Return `<class>/<name>.JPEG`, or .png, for each image: its own file's name where it has one, its id otherwise.

    Args:
        images: the clean set, or some rows of it.
        classes: the name of each class's folder; None takes the labels.
        ending: of the files.

    Raises:
        InputError: two files would have the same name.
    """
    source = images.images
    files, rows = (source.base, source.rows) if isinstance(source, Rows) else (source, range(len(images)))
    if isinstance(files, ImageFiles):
        own = [PurePosixPath(files.names[row]) for row in rows]
        names = [_without_images(path).with_suffix(ending).as_posix() for path in own]
        first: dict[str, PurePosixPath] = {}
        for name, path in zip(names, own, strict=True):
            if (other := first.setdefault(name, path)) != path:
                raise InputError(
                    f"{files.folder}: expected images of different names, got {other} and {path}, which both become "
                    f"{name}: rename one of them"
                )
        return names
    width = len(str(max(int(images.ids.max()), len(images))))
    return [
        f"{classes[label] if classes else label}/{number:0{width}d}{ending}"
        for label, number in zip(images.labels.tolist(), images.ids.tolist(), strict=True)
    ]


def _without_images(path: PurePosixPath) -> PurePosixPath:
    """Return a path without the folder `images` that Tiny-ImageNet has in a class, and Tiny-ImageNet-C has not."""
    parts = path.parts
    return PurePosixPath(parts[0], parts[2]) if len(parts) == 3 and parts[1] == "images" else path
