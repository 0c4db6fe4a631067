"""A batch in, the corrupted batch out: finds the constants, draws, applies."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from corruptions.batches import Pixels, in_chunks
from corruptions.definition import Constants
from corruptions.errors import CorruptionError
from corruptions.names import SEVERITIES, Library
from corruptions.plugins import digest_of, find
from corruptions.protocol import protocol as find_protocol
from corruptions.random import Random
from corruptions.sizes import MIN_SIZE, smallest_side

Ids = Tensor | npt.NDArray[np.integer] | Sequence[int]

_ENGINE_VERSION = 1  # goes up when the random numbers change


@overload
def corrupt(
    images: Tensor,
    name: str,
    severity: int,
    *,
    protocol: str = ...,
    ids: Ids | None = ...,
    seed: int = ...,
    jpeg_codec: Library = ...,
    any_size: bool = ...,
) -> Tensor: ...
@overload
def corrupt(
    images: Pixels,
    name: str,
    severity: int,
    *,
    protocol: str = ...,
    ids: Ids | None = ...,
    seed: int = ...,
    jpeg_codec: Library = ...,
    any_size: bool = ...,
) -> Pixels: ...
def corrupt(
    images: Tensor | Pixels,
    name: str,
    severity: int,
    *,
    protocol: str = "cifar-c",
    ids: Ids | None = None,
    seed: int = 0,
    jpeg_codec: Library = "ijg9",
    any_size: bool = False,
) -> Tensor | Pixels:
    """Return the images under one corruption at one severity, as the reference scripts make it.

    Image k's result is a pure function of its pixels, the corruption, severity, protocol, seed and its id: the
    same alone, in any batch, in any order. The JPEG step of the protocols that are stored as JPEG is not part of
    it (`jpeg_round_trip`).

    Args:
        images: uint8 RGB, a torch tensor (N,3,H,W) on any device or a NumPy array (N,H,W,3), at least 32 x 32
            pixels; N may be 0.
        name: a corruption, see `NAMES`, `EXTRA_NAMES` and `plugins`.
        severity: 1 to 5.
        protocol: whose constants, see `PROTOCOLS`.
        ids: N integers that name the images for the random draws; 0 to N - 1 if left out.
        seed: any integer; another seed gives other draws.
        jpeg_codec: whose JPEG jpeg_compression is: ``"ijg9"``, that of the published files, or ``"turbo"``, of today.
        any_size: take images below 32 x 32 pixels, too, where the corruption can be made of them as it is, see
            `smallest_side`; nothing is padded.

    Returns:
        The corrupted images: same kind, shape, dtype and device; the input is not changed.

    Raises:
        CorruptionError: an unknown name, protocol or codec, a severity outside 1 to 5, other images or ids.
    """
    what = find(name, jpeg_codec)
    constants = constants_of(name, severity, protocol)
    seed = _integer("seed", seed)
    keys = check_ids(ids, images)

    def work(chunk: Tensor, rows: slice) -> Tensor:
        random = Random(seed, name, severity, keys[rows], chunk.device)
        # Both settings are a thread's own. Under the caller's autocast our matrix products would keep 8 bits.
        with torch.no_grad(), torch.autocast(chunk.device.type, enabled=False):
            if what.constants is not None:
                chunk = chunk.clone()  # a plug-in may work in place, and these may be the caller's own images
            made = what.apply(chunk, constants, what.draw(chunk, constants, random))
        if made.dtype != torch.uint8 or made.shape != chunk.shape:
            raise CorruptionError(
                f"expected {name} to return uint8 of shape {tuple(chunk.shape)}, "
                f"got {str(made.dtype).removeprefix('torch.')} of shape {tuple(made.shape)}"
            )
        return made

    smallest = smallest_side(name, constants) if any_size else MIN_SIZE
    return in_chunks(images, work, smallest=smallest, any_layout=what.any_layout)


def constants_of(name: str, severity: int, protocol: str = "cifar-c") -> Constants:
    """Return a corruption's constants at one severity (1 to 5), parameter by parameter.

    Raises:
        CorruptionError: an unknown name or protocol, or a severity outside 1 to 5.
    """
    what = find(name)
    table = find_protocol(protocol).constants
    if _integer("severity", severity) not in SEVERITIES:
        raise CorruptionError(f"expected severity 1, 2, 3, 4 or 5, got {severity}")
    rows = table[name] if what.constants is None else what.constants
    return rows[operator.index(severity) - 1]


def sides_needed(
    names: Iterable[str], severities: Sequence[int], protocol: str = "cifar-c"
) -> Iterator[tuple[str, int, int]]:
    """Yield each corruption and severity with the pixels that either side of an image needs for it, without padding.

    Raises:
        CorruptionError: an unknown name or protocol, or a severity outside 1 to 5.
    """
    for name in names:
        for severity in severities:
            yield name, severity, smallest_side(name, constants_of(name, severity, protocol))


def code_version(name: str, jpeg_codec: Library = "ijg9") -> str:
    """Return a word that changes whenever this corruption's output does; part of a stored result's key.

    Raises:
        CorruptionError: an unknown name or codec.
    """
    version = f"{_ENGINE_VERSION}.{find(name, jpeg_codec).version}"
    return f"{version}.{digest_of(name)[:16]}" if digest_of(name) else version


def _integer(what: str, value: object) -> int:
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        raise CorruptionError(f"expected {what} to be an integer, got {value!r}")
    return operator.index(value)


def check_ids(ids: Ids | None, images: object) -> Tensor:
    """Return the ids as int64 (N,), one for each image.

    Raises:
        CorruptionError: they are not integers, or not as many as there are images.
    """
    count = len(images) if isinstance(images, Tensor | np.ndarray) and images.ndim else 0
    if ids is None:
        return torch.arange(count)
    if isinstance(ids, Tensor):
        keys = ids.cpu()
    else:
        keys = torch.from_numpy(np.array(ids, dtype=None if len(ids) else np.int64))
    if keys.is_floating_point() or keys.dtype == torch.bool or keys.shape != (count,):
        raise CorruptionError(
            f"expected ids as {count} integers, one per image, got {keys.dtype} of shape {tuple(keys.shape)}"
        )
    return keys.to(torch.int64)
