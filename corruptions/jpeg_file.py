"""JPEG files of quantised coefficients: baseline, 4:2:0, with Huffman tables made for each file.

What the codecs of `jpeg_codec` keep of an image is put into the file that libjpeg would write of it with
`optimize_coding`, byte for byte: JFIF 1.01, one interleaved scan, optimal tables. The coding is that of ITU-T T.81
annexes F.1.2 and K.2; what T.81 leaves open (which of equally rare symbols are joined first, what fills up the last
blocks of an odd number) is as in libjpeg. The two libraries give the same lengths of codes to symbols in another order,
IJG's as of 9d.
"""

import heapq
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from corruptions import jpeg_codec
from corruptions.errors import CorruptionError
from corruptions.names import Library

Integers = npt.NDArray[np.int64]
Levels = npt.NDArray[np.int16]

_SYMBOLS = 256
_LONGEST_CODE = 16
_END_OF_BLOCK = 0x00
_SIXTEEN_ZEROS = 0xF0
_BLOCKS_IN_MCU = 6  # four of luma, one of each chroma
_LUMA_IN_MCU = 4


def _zigzag() -> Integers:
    """Return the place, row by row, of each coefficient of a block in the order of T.81 figure 5."""
    places = [(row, column) for row in range(8) for column in range(8)]
    # Along the anti-diagonals, upwards on the even ones.
    places.sort(key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1]))
    return np.array([8 * row + column for row, column in places])


_ZIGZAG = _zigzag()


@dataclass(frozen=True)
class _Table:
    """A Huffman table.

    Attributes:
        lengths: how many codes have 1 to 16 bits.
        symbols: in the order of their codes.
    """

    lengths: Sequence[int]
    symbols: Sequence[int]

    def codes(self) -> tuple[Integers, Integers]:
        """Return the code of each of 256 symbols and its length; 0 bits of those that have none (T.81 annex C)."""
        codes, bits = np.zeros(_SYMBOLS, np.int64), np.zeros(_SYMBOLS, np.int64)
        symbols, code = iter(self.symbols), 0
        for length, count in enumerate(self.lengths, 1):
            for _ in range(count):
                symbol = next(symbols)
                codes[symbol], bits[symbol] = code, length
                code += 1
            code <<= 1
        return codes, bits


def jpeg_files(images: Tensor, quality: int, encoder: Library = "ijg9") -> list[bytes]:
    """Return the JPEG file of each image, as the library writes it with optimised tables.

    Args:
        images: uint8 RGB (N,3,H,W); N may be 0.
        quality: 1 to 100.
        encoder: whose coefficients: IJG's libjpeg 9, or libjpeg-turbo.

    Raises:
        CorruptionError: an image is wider or higher than a JPEG file can say.
    """
    height, width = images.shape[2:]
    if max(height, width) > 65500:  # libjpeg's own limit
        raise CorruptionError(f"expected images of at most 65,500 pixels a side, got {height} x {width}")
    with torch.no_grad():
        return [
            _file(blocks, height, width, quality, encoder)
            for image in images
            for blocks in _in_order(jpeg_codec.encoded(image[None], quality, encoder))
        ]


def _in_order(kept: jpeg_codec.Coefficients) -> Iterator[Levels]:
    """Yield for each image its blocks in the order of the scan, (MCUs, 6, 64): the coefficients in zigzag order."""
    luma, chroma = _zigzagged(kept.luma_levels), _zigzagged(kept.chroma_levels)
    rows, columns = chroma.shape[1:3]
    for number, image in enumerate(luma):
        blocks = _completed(image, 2 * rows, 2 * columns).reshape(rows, 2, columns, 2, 64)
        scan = np.empty((rows * columns, _BLOCKS_IN_MCU, 64), np.int16)
        scan[:, :_LUMA_IN_MCU] = blocks.transpose(0, 2, 1, 3, 4).reshape(-1, _LUMA_IN_MCU, 64)
        scan[:, _LUMA_IN_MCU] = chroma[2 * number].reshape(-1, 64)
        scan[:, _LUMA_IN_MCU + 1] = chroma[2 * number + 1].reshape(-1, 64)
        yield scan


def _zigzagged(levels: Tensor) -> Levels:
    """Return coefficients (n, rows, 8, columns, 8) as (n, rows, columns, 64), in zigzag order."""
    by_block = levels.to(torch.int16).cpu().numpy().transpose(0, 1, 3, 2, 4)
    found: Levels = by_block.reshape(*by_block.shape[:3], 64)[..., _ZIGZAG]
    return found


def _completed(blocks: Levels, rows: int, columns: int) -> Levels:
    """Return blocks (rows, columns, 64) made up to even numbers: flat ones, of which nothing will be seen.

    Each takes the mean of the block that is coded before it, so that the difference to be coded is 0.
    """
    high, wide = blocks.shape[:2]
    if (high, wide) == (rows, columns):
        return blocks
    made = np.zeros((rows, columns, 64), np.int16)
    made[:high, :wide] = blocks
    made[:high, wide:, 0] = made[:high, wide - 1 : wide, 0]
    # A row below: both of an MCU follow the right one above them.
    made[high:, :, 0] = np.repeat(made[high - 1, 1::2, 0], 2)
    return made


def _file(scan: Levels, height: int, width: int, quality: int, encoder: Library) -> bytes:
    """Return the file of blocks (MCUs, 6, 64) in the order of the scan."""
    symbols = _symbols(scan)
    tables = [_optimal(counts, encoder) for counts in symbols.counts().tolist()]
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0" + struct.pack(">BBBHHBB", 1, 1, 0, 1, 1, 0, 0)),
            _steps(quality),
            _segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + bytes.fromhex("012200 021101 031101")),
            *(
                _segment(0xC4, bytes([kind, *table.lengths, *table.symbols]))
                for kind, table in zip((0x00, 0x10, 0x01, 0x11), tables, strict=True)
            ),
            _segment(0xDA, bytes.fromhex("03 0100 0211 0311 003f00")),
            symbols.coded(tables),
            b"\xff\xd9",
        )
    )


@lru_cache(maxsize=16)
def _steps(quality: int) -> bytes:
    """Return the segments of both tables of quantisation steps."""
    tables = [jpeg_codec.steps(quality, which).numpy().reshape(-1) for which in ("luminance", "chrominance")]
    return b"".join(
        _segment(0xDB, bytes([number, *table[_ZIGZAG].tolist()])) for number, table in enumerate(tables)
    )


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


@dataclass(frozen=True)
class _Symbols:
    """What is coded, in order, one array each.

    Attributes:
        tables: the number of each symbol's table: DC and AC of luma, DC and AC of chroma.
        symbols: 0 to 255.
        values: the bits that follow the symbol.
        sizes: how many these are.
    """

    tables: Integers
    symbols: Integers
    values: Integers
    sizes: Integers

    def counts(self) -> Integers:
        """Return how often each of the four tables' symbols occurs, (4, 256)."""
        return np.bincount(self.tables * _SYMBOLS + self.symbols, minlength=4 * _SYMBOLS).reshape(4, _SYMBOLS)

    def coded(self, tables: Sequence[_Table]) -> bytes:
        """Return the entropy-coded segment: filled up with ones, and a zero byte after each 0xFF."""
        codes, bits = (
            np.concatenate(parts) for parts in zip(*(table.codes() for table in tables), strict=True)
        )
        at = self.tables * _SYMBOLS + self.symbols
        lengths = bits[at] + self.sizes
        words = (codes[at] << self.sizes) | self.values
        ends = np.cumsum(lengths)
        total = int(ends[-1])
        filling = -total % 8
        # Each has at most 16 + 11 bits, so it lies in one or two words of 32 bits.
        starts = np.concatenate((ends - lengths, [total]))
        words = np.concatenate((words, [(1 << filling) - 1]))
        lengths = np.concatenate((lengths, [filling]))
        place, offset = starts >> 5, starts & 31
        shifted = words << (64 - lengths - offset)
        # No two share a bit, so that their sum is their union; below 2**32 it is exact in float64.
        count = total // 32 + 2
        high = np.bincount(place, (shifted >> 32) & 0xFFFFFFFF, count)
        low = np.bincount(place + 1, shifted & 0xFFFFFFFF, count + 1)[:count]
        stream = (high + low).astype(np.int64).astype(">u4").tobytes()[: (total + filling) // 8]
        return stream.replace(b"\xff", b"\xff\x00")


def _symbols(scan: Levels) -> _Symbols:
    """Return the symbols of blocks (MCUs, 6, 64) in the order of the scan (T.81 F.1.2)."""
    blocks = scan.reshape(-1, 64)
    count = len(blocks)
    is_chroma = np.tile([0, 0, 0, 0, 1, 1], len(scan))

    means = scan[:, :, 0].astype(np.int64)
    luma = np.diff(means[:, :_LUMA_IN_MCU].reshape(-1), prepend=0).reshape(-1, _LUMA_IN_MCU)
    chroma = np.diff(means[:, _LUMA_IN_MCU:], axis=0, prepend=0)
    differences = np.concatenate((luma, chroma), 1).reshape(-1)

    others = blocks.copy()
    others[:, 0] = 0
    place = np.flatnonzero(others)
    found = others.reshape(-1)[place].astype(np.int64)
    block, index = place >> 6, (place & 63) - 1
    first = np.diff(block, prepend=-1) > 0
    run = np.diff(index, prepend=0) - 1
    run[first] = index[first]
    long_runs = run >> 4
    taken = np.cumsum(long_runs + 1)  # AC symbols up to each coefficient's own

    # A block's end is told unless its last coefficient is not zero.
    has_end = (blocks[:, 63] == 0).astype(np.int64)
    ends_before = np.cumsum(has_end) - has_end
    taken_up_to = np.concatenate(([0], taken))[np.searchsorted(block, np.arange(count), side="right")]
    taken_before = np.concatenate(([0], taken_up_to[:-1]))

    number = np.arange(count)
    total = count + int(taken_up_to[-1]) + int(has_end.sum())
    tables, symbols, values, sizes = (np.zeros(total, np.int64) for _ in range(4))

    at = number + taken_before + ends_before
    sizes[at] = symbols[at] = _sizes(differences)
    values[at] = _appended(differences, sizes[at])
    tables[at] = 2 * is_chroma

    own = block + taken + ends_before[block]
    size = _sizes(found)
    sizes[own] = size
    symbols[own] = ((run & 15) << 4) | size
    values[own] = _appended(found, size)
    tables[own] = 2 * is_chroma[block] + 1
    for back in range(1, 4):
        many = long_runs >= back
        symbols[own[many] - back] = _SIXTEEN_ZEROS
        tables[own[many] - back] = tables[own[many]]

    ended = has_end > 0
    at = (number + taken_up_to + ends_before + 1)[ended]
    symbols[at] = _END_OF_BLOCK
    tables[at] = 2 * is_chroma[ended] + 1
    return _Symbols(tables, symbols, values, sizes)


def _sizes(values: Integers) -> Integers:
    """Return how many bits the absolute values have."""
    return np.frexp(np.abs(values).astype(np.float64))[1].astype(np.int64)


def _appended(values: Integers, sizes: Integers) -> Integers:
    """Return the bits that tell values of known sizes: negative ones less 1, their lowest bits."""
    return (values - (values < 0)) & ((1 << sizes) - 1)


def _optimal(counts: Sequence[int], encoder: Library) -> _Table:
    """Return the shortest code for symbols that occur so often, at most 16 bits each and none all ones (T.81 K.2)."""
    # One symbol more, the rarest, gets the code of all ones. Of equally rare ones the last goes first.
    rarest = [(count, -symbol) for symbol, count in enumerate(counts) if count]
    rarest.append((1, -_SYMBOLS))
    heapq.heapify(rarest)
    members = {-key: [-key] for _, key in rarest}
    depth = dict.fromkeys(members, 0)
    while len(rarest) > 1:
        count, key = heapq.heappop(rarest)
        other_count, other = heapq.heappop(rarest)
        heapq.heappush(rarest, (count + other_count, key))
        members[-key] += members.pop(-other)
        for symbol in members[-key]:
            depth[symbol] += 1
    lengths = _limited(list(depth.values()))
    # libjpeg-turbo orders by the lengths before they were limited, IJG's library by how often a symbol occurs.
    order = depth if encoder == "turbo" else [-count for count in counts]
    symbols = sorted((symbol for symbol in depth if symbol < _SYMBOLS), key=lambda each: (order[each], each))
    return _Table(lengths, symbols)


def _limited(depths: Sequence[int]) -> list[int]:
    """Return how many codes have 1 to 16 bits, less that of all ones, where codes of such lengths are too long."""
    lengths: list[int] = np.bincount(depths, minlength=_LONGEST_CODE + 1).tolist()
    for length in range(len(lengths) - 1, _LONGEST_CODE, -1):
        while lengths[length]:
            # Two of the longest, which differ in the last bit only, become one a bit shorter and, beside a code that
            # is two bits shorter or more, one a bit longer than that.
            shorter = length - 2
            while not lengths[shorter]:
                shorter -= 1
            lengths[length] -= 2
            lengths[length - 1] += 1
            lengths[shorter] -= 1
            lengths[shorter + 1] += 2
    longest = max(length for length, count in enumerate(lengths) if count)
    lengths[longest] -= 1
    return lengths[1 : _LONGEST_CODE + 1]
