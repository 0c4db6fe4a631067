"""Random fields as a pure function of (seed, corruption, severity, image id, stream, position).

Counter-based: there is no state, so image k gets the same numbers alone or in any batch, and integer
arithmetic gives the same bits on CPU and GPU. A 64-bit word is the splitmix64 finaliser (Steele, Lea and
Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014) of position x golden ratio + key 1, with
key 2 added half way: should the counters of two images overlap, by an accident of 64 bits, key 2 still tells
them apart.
"""

import math
from functools import lru_cache
from hashlib import blake2b

import torch
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15
_MULTIPLY_1 = 0xBF58476D1CE4E5B9
_MULTIPLY_2 = 0x94D049BB133111EB


class Random:
    """The random numbers of one corruption at one severity, for a batch of images.

    Every method takes the name of a stream; two calls with the same stream and shape return the same numbers,
    calls with different streams independent ones. Results have shape (N, *shape), N being the number of ids.
    """

    def __init__(self, seed: int, corruption: str, severity: int, ids: Tensor, device: torch.device) -> None:
        self._cell = f"{seed}/{corruption}/{severity}"
        self._ids = ids.to(device=device, dtype=torch.int64)
        self.device = device

    def bits(self, stream: str, *shape: int) -> Tensor:
        """Return int32 (N, *shape), all 32 bits uniform."""
        return self._bits(stream, math.prod(shape)).view(len(self._ids), *shape)

    def uniform(self, stream: str, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Return float32 (N, *shape), uniform in [low, high) at 24 bits."""
        return (
            self.bits(stream, *shape)
            .bitwise_right_shift_(8)
            .to(torch.float32)
            .add_(2.0**23)
            .mul_((high - low) * 2.0**-24)
            .add_(low)
        )

    def integers(self, stream: str, *shape: int, low: int, high: int) -> Tensor:
        """Return int64 (N, *shape), uniform in [low, high); the bias is below (high - low) / 2**32."""
        wide = self.bits(stream, *shape).to(torch.int64).add_(2**31)  # 0 .. 2**32 - 1
        return wide.mul_(high - low).bitwise_right_shift_(32).add_(low)

    def normal(self, stream: str, *shape: int) -> Tensor:
        """Return float32 (N, *shape), standard normal (Box and Muller 1958, both outputs used)."""
        count = math.prod(shape)
        half = (count + 1) // 2
        bits = self._bits(stream, 2 * half).bitwise_right_shift_(8).to(torch.float32)  # -2**23 .. 2**23 - 1
        radius, angle = bits[:, :half], bits[:, half:]
        # (k + 1) / 2**24 is never 0, so the logarithm is finite; the largest radius is 5.77.
        radius.add_(2.0**23 + 1.0).mul_(2.0**-24).log_().mul_(-2.0).sqrt_()
        angle.mul_(math.pi * 2.0**-23)
        normal = torch.empty_like(bits)
        torch.cos(angle, out=normal[:, :half]).mul_(radius)
        torch.sin(angle, out=normal[:, half:]).mul_(radius)
        return normal[:, :count].reshape(len(self._ids), *shape)

    def _bits(self, stream: str, count: int) -> Tensor:
        """Return int32 (N, count): the high halves of the words, then their low halves."""
        half = (count + 1) // 2
        words = self._words(stream, half)
        bits = torch.empty(len(self._ids), 2 * half, dtype=torch.int32, device=self.device)
        bits[:, half:] = words  # int64 to int32 keeps the low half
        bits[:, :half] = words.bitwise_right_shift_(32)
        return bits[:, :count].contiguous()

    def _words(self, stream: str, count: int) -> Tensor:
        """Return int64 (N, count), all 64 bits uniform."""
        first, second, third = _cell_keys(self._cell, stream)
        key = _mix(_mix(self._ids + first) + second)
        word = _counters(count, self.device) + key[:, None]
        return _mix(word, _mix(key + third)[:, None])


def _mix(word: Tensor, key: Tensor | None = None) -> Tensor:
    """Mix the bits of int64 numbers in place; a bijection, whatever the key."""
    scratch = torch.empty_like(word)
    _xor_shift(word, 30, scratch).mul_(_signed(_MULTIPLY_1))
    _xor_shift(word, 27, scratch)
    if key is not None:
        word.add_(key)
    word.mul_(_signed(_MULTIPLY_2))
    return _xor_shift(word, 31, scratch)


def _xor_shift(word: Tensor, by: int, scratch: Tensor) -> Tensor:
    # torch shifts int64 arithmetically; the mask takes the copies of the sign away.
    torch.bitwise_right_shift(word, by, out=scratch)
    return word.bitwise_xor_(scratch.bitwise_and_((1 << (64 - by)) - 1))


def _signed(number: int) -> int:
    """Return the int64 with the bits of an unsigned 64-bit number."""
    return number - 2**64 if number >= 2**63 else number


@lru_cache(maxsize=1024)
def _cell_keys(cell: str, stream: str) -> tuple[int, int, int]:
    digest = blake2b(f"{cell}/{stream}".encode(), digest_size=24).digest()
    first, second, third = (int.from_bytes(digest[i : i + 8], "little", signed=True) for i in (0, 8, 16))
    return first, second, third


@lru_cache(maxsize=32)
def _counters(count: int, device: torch.device) -> Tensor:
    return torch.arange(count, dtype=torch.int64, device=device).mul_(_signed(_GOLDEN))
