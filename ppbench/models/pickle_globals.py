"""Which classes and functions a pickle of weights may name, and the inert stand-ins for those beside the weights."""

import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

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
