"""What a torch pickle claims to hold, found without running anything of it.

`torch.load(weights_only=True)` runs no code, but it believes what a file says about sizes. So the pickle is first taken
apart here: its opcodes are listed, the globals it names are collected, and it is replayed with inert stand-ins for
every class and function, which yields the shapes and byte counts of its tensors.
"""

import io
import pickle
import pickletools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import IO, Any

from ppbench.models.pickle_globals import GETATTR, STORAGES, StandIns, modern_name
from ppbench.models.pickle_nesting import Nesting, NestingError

# What torch.save writes and its weights-only reader reads; everything else is refused before anything is allocated.
_OPCODES = frozenset(
    "NEWOBJ REDUCE BUILD APPEND APPENDS SETITEM SETITEMS MARK TUPLE TUPLE1 TUPLE2 TUPLE3 NONE NEWFALSE NEWTRUE "  # noqa: SIM905  one name a line is 36 lines
    "EMPTY_TUPLE EMPTY_LIST EMPTY_DICT EMPTY_SET BINPERSID BININT BININT1 BININT2 BINFLOAT BINGET LONG_BINGET "
    "BINPUT LONG_BINPUT BINUNICODE SHORT_BINSTRING LONG1 PROTO STOP GLOBAL".split()
)

# Far beyond what weights need: a tensor takes about 40 opcodes.
MAX_OPCODES = 5_000_000


class ClaimError(ValueError):
    """A file that claims what cannot be, or that is damaged: in words that follow "expected a checkpoint, got"."""


@contextmanager
def damage_means(words: str) -> Iterator[None]:
    """Turn whatever damaged bytes make a library raise into a `ClaimError` with these words."""
    try:
        yield
    except ClaimError:
        raise
    except Exception as error:
        raise ClaimError(words) from error


@dataclass(frozen=True)
class StorageClaim:
    """A block of memory that a pickle says belongs to it."""

    key: str
    numel: int
    item_bytes: int

    @property
    def bytes(self) -> int:
        """Its size."""
        return self.numel * self.item_bytes


@dataclass(frozen=True)
class TensorClaim:
    """A tensor that a pickle says it holds."""

    storage: StorageClaim
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """The size it would have if it were copied."""
        return prod(self.shape) * self.storage.item_bytes


def globals_of(stream: IO[bytes]) -> set[str]:
    """Return the globals that the pickle at the stream's place names, as `modern_name`; leave the stream behind it.

    Raises:
        ClaimError: it breaks off, uses opcodes that torch.save does not write, or is deeper or longer than weights are.
    """
    names: set[str] = set()
    nesting = Nesting()
    with damage_means("a truncated or damaged pickle"):
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if opcode.name not in _OPCODES:
                raise ClaimError(f"a pickle with the opcode {opcode.name}, which torch.save does not write")
            # The C unpickler allocates the memo up to the greatest index: a lie here would cost gigabytes.
            if opcode.name in ("LONG_BINPUT", "BINPUT") and int(argument or 0) > count:
                raise ClaimError("a damaged pickle (an impossible memo index)")
            try:
                nesting.step(opcode.name, argument)
            except NestingError as error:
                raise ClaimError(str(error)) from error
            if count >= MAX_OPCODES:
                raise ClaimError(
                    f"a pickle of more than {MAX_OPCODES:,} opcodes: save its state_dict() alone"
                )
            if opcode.name == "GLOBAL":
                names.add(modern_name(*str(argument).split(" ", 1)))
    return names


@dataclass(frozen=True)
class Claims:
    """What a pickle says it holds.

    Attributes:
        storages: the blocks of memory that belong to it.
        stand_ins: for the classes and functions that it names beside the weights.
    """

    storages: list[StorageClaim]
    stand_ins: StandIns


def claims_of(data: bytes, file_size: int) -> Claims:
    """Return what a pickle says it holds.

    Args:
        data: a pickle whose globals have been found not to be blocked.
        file_size: of the whole file: no tensor and not all storages together may claim more bytes.

    Raises:
        ClaimError: the pickle is damaged, or claims more than the file holds.
    """
    reader = _Reader(io.BytesIO(data))
    with damage_means("a damaged pickle"):
        reader.load()
        storages = list(reader.storages.values())
        total = sum(storage.bytes for storage in storages)
        if total > file_size:
            raise ClaimError(f"a file of {file_size:,} bytes that claims {total:,} bytes of weights")
        for tensor in reader.tensors:
            _check(tensor, file_size)
    if odd := reader.stand_ins.unreadable():
        raise ClaimError(needs(odd))
    return Claims(storages, reader.stand_ins)


def needs(names: list[str]) -> str:
    """Return what is wrong with a pickle that names these classes or functions, in words."""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return (
        f"a pickle that needs {', '.join(names[:6])}{more}, which weights do not need and which could run code: "
        "save its state_dict() alone, or pass --trust-checkpoint if you trust where it comes from"
    )


def _check(tensor: TensorClaim, file_size: int) -> None:
    numbers = (tensor.offset, *tensor.shape, *tensor.stride)
    if not all(isinstance(n, int) and n >= 0 for n in numbers) or len(tensor.shape) != len(tensor.stride):
        raise ClaimError("a tensor with an impossible shape")
    last = tensor.offset + sum((s - 1) * step for s, step in zip(tensor.shape, tensor.stride, strict=True))
    if prod(tensor.shape) and last >= tensor.storage.numel:
        raise ClaimError(
            f"a tensor of shape {tensor.shape} that reaches beyond its {tensor.storage.numel} values"
        )
    if tensor.bytes > file_size:
        raise ClaimError(f"a file of {file_size:,} bytes that claims a tensor of {tensor.bytes:,} bytes")


class _Reader(pickle.Unpickler):
    """Replays a pickle with stand-ins: no class or function of the file's choice is ever looked up."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="utf-8", errors="replace")
        self.storages: dict[str, StorageClaim] = {}
        self.tensors: list[TensorClaim] = []
        self.stand_ins = StandIns()

    def find_class(self, module: str, name: str, /) -> Any:
        full = modern_name(module, name)
        special: dict[str, Callable[..., Any]] = {
            "torch._utils._rebuild_tensor": self._tensor,
            "torch._utils._rebuild_tensor_v2": self._tensor,
            "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
            "torch._utils._rebuild_parameter_with_state": lambda tensor, *_: tensor,
            "collections.OrderedDict": _Dict,
            "collections.Counter": _Dict,
            GETATTR: self._attribute,
        }
        return special.get(full) or STORAGES.get(full) or self._stand_in(full)

    def persistent_load(self, pid: Any, /) -> Any:
        if pid[0] == "module":
            raise ClaimError(
                "a pickle of whole modules in torch's old format: save its state_dict() alone, "
                "or pass --trust-checkpoint if you trust where it comes from"
            )
        kind, item_bytes, key, _location, numel = pid[:5]
        if kind != "storage" or not isinstance(item_bytes, int) or not isinstance(numel, int) or numel < 0:
            raise ClaimError("a damaged pickle (an impossible storage)")
        claim = StorageClaim(str(key), numel, item_bytes)
        if self.storages.setdefault(claim.key, claim) != claim:
            raise ClaimError(f"storage {claim.key!r} with two sizes")
        return claim

    def _stand_in(self, full: str) -> type:
        try:
            return self.stand_ins.of(full)
        except ValueError as error:
            raise ClaimError(f"a pickle that names too much beside its weights ({error})") from error

    def _attribute(self, owner: Any = None, name: Any = None, *more: Any) -> Any:
        full = None if more else self.stand_ins.attribute(owner, name)
        if full is None:
            raise ClaimError(needs([GETATTR]))
        return self._stand_in(full)

    def _tensor(self, storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> TensorClaim:
        if not isinstance(storage, StorageClaim):
            raise ClaimError("a tensor without a storage")
        claim = TensorClaim(storage, offset, tuple(shape), tuple(stride))
        self.tensors.append(claim)
        return claim


class _Dict(dict[Any, Any]):
    """An ordered dictionary or counter: takes the arguments that theirs take, and forgets their attributes."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*(a for a in args if isinstance(a, dict | list)))

    def __setstate__(self, state: Any) -> None: ...
