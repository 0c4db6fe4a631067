"""What a pickle asks for, found out before anything of it is read: how deep it nests, what it allocates, what it runs.

Python hashes a tuple in a tuple in a tuple by recursion in C, which nothing bounds: a hundred thousand of them as the
key of a dictionary end the interpreter, and thirty that each hold the one before twice keep it busy for minutes.

`torch.load(weights_only=True)` runs no code, but it believes what a file says about sizes. So the pickle is first taken
apart here: its opcodes are listed, the globals it names are collected, and it is replayed with inert stand-ins for
every class and function, which yields the shapes and byte counts of its tensors.
"""

import io
import pickle
import pickletools
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import IO, Any, ClassVar, NamedTuple

# Weights nest a dozen deep, and their tuples are shapes; the longest are lists of class names.
MAX_DEPTH = 200
MAX_TUPLE = 50_000
MAX_WORK = 20_000_000

_LEAVES = frozenset(
    "NONE NEWFALSE NEWTRUE BININT BININT1 BININT2 BINFLOAT LONG1 BINUNICODE SHORT_BINSTRING GLOBAL "  # noqa: SIM905  as one word a line this is 15 lines
    "EMPTY_TUPLE EMPTY_LIST EMPTY_DICT EMPTY_SET".split()
)
# How many things on the stack go into a new one, or into the one below them; 0: all since the mark.
_TUPLES = {"TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_WRAPS = {"REDUCE": 2, "NEWOBJ": 2, "BINPERSID": 1}
_FILLS = {"APPEND": 1, "SETITEM": 2, "BUILD": 1, "APPENDS": 0, "SETITEMS": 0}


class _Thing(NamedTuple):
    depth: int = 0
    hashing: int = 1  # what lies in it, counted as often as hashing it would come by


class NestingError(ValueError):
    """A pickle that nests deeper, or has greater tuples, than weights do."""


class Nesting:
    """The stack of a pickle machine that keeps depths instead of objects; for the opcodes that torch.save writes.

    A list or dictionary that is filled after it was remembered counts at the depth that it had then. That is enough:
    such things have no hash, so that no recursion goes through them.
    """

    def __init__(self) -> None:
        self._stack: list[_Thing] = []
        self._marks: list[int] = []
        self._memo: dict[int, _Thing] = {}
        self._work = 0

    def step(self, opcode: str, argument: Any) -> None:
        """Take one opcode.

        Raises:
            NestingError: what it leaves nests too deep, or is a tuple that takes too long to hash.
            LookupError: the pickle takes from an empty stack, or what was not remembered.
        """
        stack = self._stack
        if opcode in _LEAVES:
            stack.append(_LEAF)
        elif opcode in ("BINGET", "LONG_BINGET"):
            self._push(self._memo[argument])
        elif opcode in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif opcode == "MARK":
            self._marks.append(len(stack))
        elif opcode in _TUPLES:
            inside = self._take(_TUPLES[opcode] or len(stack) - self._marks.pop())
            self._push(_Thing(1 + _depth(inside), 1 + sum(thing.hashing for thing in inside)))
        elif opcode in _WRAPS:
            self._push(_Thing(1 + _depth(self._take(_WRAPS[opcode]))))
        elif opcode in _FILLS:
            inside = self._take(_FILLS[opcode] or len(stack) - self._marks.pop())
            self._push(_Thing(max(stack.pop().depth, 1 + _depth(inside))))

    def _push(self, thing: _Thing) -> None:
        self._work += thing.hashing
        if thing.depth > MAX_DEPTH:
            raise NestingError(f"a pickle that nests more than {MAX_DEPTH} deep, which weights do not")
        if thing.hashing > MAX_TUPLE or self._work > MAX_WORK:
            raise NestingError("a pickle with tuples in tuples beyond measure, which weights do not need")
        self._stack.append(thing)

    def _take(self, count: int) -> list[_Thing]:
        """Take so many things off the stack."""
        if not 0 <= count <= len(self._stack):
            raise LookupError("an empty stack")
        start = len(self._stack) - count
        taken = self._stack[start:]
        del self._stack[start:]
        return taken


_LEAF = _Thing()


def _depth(things: list[_Thing]) -> int:
    return max((thing.depth for thing in things), default=0)


# Bytes a value, by torch's name of the storage.
STORAGES = {
    **{f"torch.{kind}Storage": 1 for kind in ("Byte", "Char", "Bool")},
    **{f"torch.{kind}Storage": 2 for kind in ("Half", "BFloat16", "Short")},
    **{f"torch.{kind}Storage": 4 for kind in ("Float", "Int")},
    **{f"torch.{kind}Storage": 8 for kind in ("Double", "Long", "ComplexFloat")},
    "torch.ComplexDoubleStorage": 16,
    "torch.storage.UntypedStorage": 1,
}

_TENSORS = {
    f"torch._utils._rebuild_{kind}" for kind in ("tensor", "tensor_v2", "parameter", "parameter_with_state")
}

_DTYPES = {
    f"torch.{name}"
    for name in (
        *("float16", "float32", "float64", "bfloat16", "complex64", "complex128"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"),
    )
}

_PLAIN = {
    "collections.OrderedDict",
    "collections.Counter",
    "torch.nn.parameter.Parameter",
    "torch.Size",
    "torch.device",
    "torch.serialization._get_layout",
    "_codecs.encode",
    "builtins.set",
}

# Nothing that a pickle names beside these is ever looked up, so any name would be harmless. Those of torch, of Python
# and of its library are refused all the same unless they are of the kinds that trainers leave in checkpoints: torch's
# reader would take some of them for its own, and who names `os.system` means harm that the user should hear of.
_INERT_TORCH = (
    "torch.nn.",
    "torch.optim.",
    "torch.distributions.",
    "torch.utils.data.",
    "torch.amp.",
    "torch.cuda.amp.",
    "torch.ao.",
    "torch.quantization.",
    "torch.torch_version.",
)
_INERT_BUILTINS = {
    f"builtins.{kind}"
    for kind in "dict list tuple frozenset int float bool str bytes object type slice range".split()  # noqa: SIM905  one word a line
}
_INERT_MODULES = (
    *(
        "_operator",
        "argparse",
        "array",
        "calendar",
        "collections",
        "copyreg",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
    ),
    *(
        "fractions",
        "functools",
        "inspect",
        "ipaddress",
        "itertools",
        "logging",
        "math",
        "numbers",
        "operator",
        "pathlib",
    ),
    *("random", "re", "string", "time", "typing", "uuid", "zoneinfo"),
)
_INERT = {
    *(f"types.{kind}" for kind in ("SimpleNamespace", "MappingProxyType", "GenericAlias", "NoneType")),
}
# Their stand-ins are dictionaries, also where nothing is in them.
_DICTS = {
    "collections.defaultdict",
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
}
_LISTS = {"collections.deque"}

# Nested classes, methods and, before Python 3.12, members of an Enum are pickled as attributes of something: as long
# as that something is a stand-in, so is the attribute.
GETATTR = "builtins.getattr"


def modern_name(module: str, name: str) -> str:
    """Return a global's full name; torch.save writes the modules' names of Python 2, such as ``__builtin__``."""
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    return f"{module}.{name}"


def blocked(names: Iterable[str]) -> list[str]:
    """Return those globals that neither weights nor what usually lies beside them need, sorted."""
    return sorted(name for name in names if name != GETATTR and not _is_known(name) and not _is_inert(name))


def foreign(names: Iterable[str]) -> tuple[str, ...]:
    """Return those globals that are neither torch's nor Python's nor of other usual packages: users' own classes."""
    usual = {
        "torch",
        "torchvision",
        "numpy",
        "lightning",
        "pytorch_lightning",
        "lightning_fabric",
        "builtins",
    }
    return tuple(
        name
        for name in sorted(names)
        if (root := name.partition(".")[0]) not in usual and root not in sys.stdlib_module_names
    )


def _is_known(name: str) -> bool:
    return name in _PLAIN or name in _DTYPES or name in _TENSORS or name in STORAGES


def _is_inert(name: str) -> bool:
    root = name.partition(".")[0]
    if root == "torch":
        return name.startswith(_INERT_TORCH)
    if root == "builtins":
        return name in _INERT_BUILTINS
    if root in sys.stdlib_module_names:
        return root in _INERT_MODULES or name in _INERT
    return True


class StandIn:
    """An object that a pickle names and that is not made: it keeps the arguments and the state, and does nothing.

    It notes on its class how the pickle fills it: torch's reader fills nothing but true lists and dictionaries.
    """

    qualified_name = ""
    filled: ClassVar[set[str]] = set()
    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: Any, **_kwargs: Any) -> "StandIn":
        """Make one of whatever arguments."""
        made = super().__new__(cls)
        made.args = args
        made.state = None
        return made

    def __setstate__(self, state: Any) -> None:
        """Keep the state without looking at it."""
        self.state = state
        self.filled.add("state" if isinstance(state, dict) else "odd state")

    def append(self, _item: Any) -> None:
        """Forget an item of a list."""
        self.filled.add("list")

    def __setitem__(self, _key: Any, _value: Any) -> None:
        self.filled.add("dict")

    def __call__(self, *_args: Any) -> "StandIn":
        """Do nothing."""
        self.filled.add("called")
        return self

    def __repr__(self) -> str:
        return f"<{self.qualified_name}>"


class ListStandIn(list[Any]):
    """In place of a list's subclass that has a state of its own."""

    qualified_name = ""

    def __new__(cls, *_args: Any) -> Any:
        """Make an empty one: its items follow in the pickle."""
        return super().__new__(cls)

    def __init__(self, *_args: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        """Forget the state."""


# Far beyond what lies beside weights; each costs a little memory, and torch's reader a look at each object.
MAX_CLASSES = 500
MAX_NAME = 1000


class StandIns:
    """The stand-ins of one pickle: one class for each global that is named beside the weights, and what it is like."""

    def __init__(self) -> None:
        self._classes: dict[str, type[StandIn]] = {}

    def of(self, name: str) -> type[StandIn]:
        """Return the class that stands in for the global of that name and learns how it is filled.

        Raises:
            ValueError: there are more, or longer names, than anything beside weights has.
        """
        if name not in self._classes:
            if len(self._classes) >= MAX_CLASSES or len(name) > MAX_NAME:
                raise ValueError(f"expected at most {MAX_CLASSES} classes with names of {MAX_NAME} letters")
            filled = {"dict"} if name in _DICTS else {"list"} if name in _LISTS else set()
            about = {"qualified_name": name, "filled": filled}
            self._classes[name] = type(name.rpartition(".")[2] or name, (StandIn,), about)
        return self._classes[name]

    def attribute(self, owner: Any, name: Any) -> str | None:
        """Return the name of an attribute of a stand-in, None if the owner is none: that attribute would be real."""
        kind = owner if isinstance(owner, type) else type(owner)
        if not issubclass(kind, StandIn | ListStandIn | _Empty) or not isinstance(name, str):
            return None
        return f"{kind.qualified_name}.{name}"

    def unreadable(self) -> list[str]:
        """Return the classes whose objects torch's reader does not fill as the pickle does, or that are called."""
        odd = ({"list", "dict"}, {"dict", "odd state"}, {"called"})
        return sorted(
            name for name, made in self._classes.items() if any(kinds <= made.filled for kinds in odd)
        )

    def for_torch(self) -> list[tuple[Callable[..., Any], str]]:
        """Return (stand-in, name) as `torch.serialization.safe_globals` takes them, now that all is known of them."""
        made = {
            name: _as_filled(learnt)
            for name, learnt in self._classes.items()
            if not _is_known(name)  # torch makes these itself
        }
        rest = _as_filled(StandIn)

        def attribute(owner: Any, name: str) -> Any:
            return made.get(self.attribute(owner, name) or "", rest)

        return [*((each, name) for name, each in made.items()), (rest, ".rest"), (attribute, GETATTR)]


def _as_filled(learnt: type[StandIn]) -> Callable[..., Any]:
    about = {"qualified_name": learnt.qualified_name}
    if "dict" in learnt.filled:
        return type(learnt.__name__, (_Empty,), {**about, "kind": OrderedDict})
    if learnt.filled == {"list"}:
        return type(learnt.__name__, (_Empty,), {**about, "kind": list})
    if "list" in learnt.filled:
        return type(learnt.__name__, (ListStandIn,), about)
    return type(learnt.__name__, (StandIn,), {**about, "filled": set()})


class _Empty:
    """In place of a subclass of a list or a dictionary: a plain one."""

    qualified_name = ""
    kind: ClassVar[type]

    def __new__(cls, *_args: Any) -> Any:
        """Make an empty one: its items follow in the pickle."""
        return cls.kind()


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
