"""The reference generator: the PyPI package imagecorruptions 1.1.2, mended where it is loaded.

As it is published it no longer imports (it needs pkg_resources), nor blurs (scikit-image has renamed an argument), nor
makes fog (NumPy has removed `float_`), and nothing can seed its impulse noise. Its module is loaded here under a name
of its own and mended there; no other module is changed. Its constants are ImageNet's at every size, and its frost,
snow and elastic transform are not quite the benchmark's (frost is enlarged, elastic has no affine part).
"""

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from corruptions.batches import Pixels, in_chunks
from corruptions.engine import Ids, check_ids, constants_of
from corruptions.errors import CorruptionError
from corruptions.sizes import MIN_SIZE


@overload
def corrupt(
    images: Tensor, name: str, severity: int, *, ids: Ids | None = ..., seed: int = ...
) -> Tensor: ...
@overload
def corrupt(
    images: Pixels, name: str, severity: int, *, ids: Ids | None = ..., seed: int = ...
) -> Pixels: ...
def corrupt(
    images: Tensor | Pixels, name: str, severity: int, *, ids: Ids | None = None, seed: int = 0
) -> Tensor | Pixels:
    """Return the images under one corruption as imagecorruptions makes it, on the CPU, image by image.

    Arguments and result are those of `corruptions.corrupt`; there is no protocol, as there is one set of constants.
    Seeded per image with NumPy's global generator, whose state is put back: not for several threads at once.

    Raises:
        CorruptionError: as `corruptions.corrupt`, or the package is missing or of another version.
    """
    constants_of(name, severity)
    keys = check_ids(ids, images)

    def work(chunk: Tensor, rows: slice) -> Tensor:
        pixels = chunk.permute(0, 2, 3, 1).cpu().numpy()
        out = np.stack(
            [
                corrupt_one(image, name, severity, _seed(seed, name, severity, int(key)))
                for image, key in zip(pixels, keys[rows], strict=True)
            ]
        )
        return torch.from_numpy(out).permute(0, 3, 1, 2).to(chunk.device)

    with _own_random_state():
        return in_chunks(images, work, smallest=MIN_SIZE, in_turn=True)


def cap_threads() -> None:
    """Have the package's OpenCV use one thread, for a fair comparison of times."""
    load().cv2.setNumThreads(1)


def corrupt_one(image: Pixels, name: str, severity: int, seed: int) -> Pixels:
    """Return one image uint8 (H,W,3) under a corruption, after `numpy.random.seed(seed)`."""
    module = load()
    np.random.seed(seed)  # noqa: NPY002 - the package draws from the legacy global generator
    function: Callable[[Image.Image, int], Any] = getattr(module, name)
    return np.asarray(function(Image.fromarray(image), severity)).astype(np.uint8)


@cache
def load() -> ModuleType:
    """Return the package's module of corruptions, mended.

    Raises:
        CorruptionError: the package, or one of those it needs, is missing.
    """
    spec = find_spec("imagecorruptions")
    folder = Path(next(iter((spec and spec.submodule_search_locations) or ["?"])))
    source = folder / "corruptions.py"
    if not source.is_file():
        raise CorruptionError(
            f"expected the package imagecorruptions for the reference generator, got no {source}: "
            "pip install imagecorruptions"
        )
    module_spec = spec_from_file_location("corruptions._imagecorruptions", source)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = module_from_spec(module_spec)
    try:
        with _stand_ins(folder), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # scipy.ndimage.interpolation
            module_spec.loader.exec_module(module)
        filters, colour, noise = (
            importlib.import_module(f"skimage.{m}") for m in ("filters", "color", "util")
        )
    except ImportError as error:
        raise CorruptionError(
            f"expected all that the reference generator imports, got {error}: pip install imagecorruptions"
        ) from error

    def gaussian(image: Any, *args: Any, multichannel: bool = False, **kwargs: Any) -> Any:
        return filters.gaussian(image, *args, channel_axis=-1 if multichannel else None, **kwargs)

    def random_noise(image: Any, **kwargs: Any) -> Any:
        return noise.random_noise(image, rng=np.random.randint(2**31), **kwargs)  # noqa: NPY002 - as above

    numpy = ModuleType("numpy")
    vars(numpy).update(vars(np), float_=np.float64)
    vars(module).update(
        np=numpy,
        gaussian=gaussian,
        sk=SimpleNamespace(color=colour, util=SimpleNamespace(random_noise=random_noise)),
    )
    return module


@contextmanager
def _stand_ins(folder: Path) -> Iterator[None]:
    """Have a `pkg_resources` that knows the package's files, for as long as its module is being loaded."""
    stand_in = ModuleType("pkg_resources")
    vars(stand_in)["resource_filename"] = lambda _, path: str(folder / path)
    before = sys.modules.get("pkg_resources")
    sys.modules["pkg_resources"] = stand_in
    try:
        yield
    finally:
        if before is None:
            del sys.modules["pkg_resources"]
        else:
            sys.modules["pkg_resources"] = before


@contextmanager
def _own_random_state() -> Iterator[None]:
    state = np.random.get_state()  # noqa: NPY002 - as above
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002 - as above


def _seed(seed: int, name: str, severity: int, key: int) -> int:
    return int.from_bytes(
        blake2b(f"{seed}/{name}/{severity}/{key}".encode(), digest_size=4).digest(), "little"
    )
