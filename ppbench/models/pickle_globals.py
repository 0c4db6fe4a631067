"""Which classes and functions a pickle of weights may name, and the inert stand-ins for those beside the weights."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

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
        "float16",
        "float32",
        "float64",
        "bfloat16",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "bool",
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
    "__builtin__.set",
}

# Met in training checkpoints beside the weights: arguments, image transforms, NumPy scalars, PRIME's augmentation.
# They are read as inert stand-ins, never as the real thing, so that a file may name them without being trusted.
_HARMLESS = {
    "argparse.Namespace",
    "pathlib.PosixPath",
    *(f"builtins.{kind}" for kind in ("dict", "list", "int", "float")),
}
_HARMLESS_PREFIXES = (
    "torchvision.transforms.",
    "numpy.",
    "data.prime.",
    "project.data.prime.",
    "torch.nn.modules.",
    "torch.distributions.",
)
_HARMLESS_DICTS = {
    "collections.defaultdict",
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
}


def blocked(names: set[str]) -> list[str]:
    """Return those globals that neither weights nor what usually lies beside them need, sorted."""
    known = _PLAIN | _DTYPES | _TENSORS | set(STORAGES)
    return sorted(name for name in names if name not in known and not _is_harmless(name))


def stand_ins(names: set[str]) -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Return (stand-in, name) for those globals that are harmless but not weights, as `safe_globals` takes them."""
    return [(stand_in(name), name) for name in sorted(names) if _is_harmless(name)]


def stand_in(name: str) -> type:
    """Return a class that stands in for the global of that name."""
    if name in _HARMLESS_DICTS:
        return DictStandIn
    return type(name.rpartition(".")[2], (StandIn,), {"qualified_name": name})


def _is_harmless(name: str) -> bool:
    return name in _HARMLESS | _HARMLESS_DICTS or name.startswith(_HARMLESS_PREFIXES)


class StandIn:
    """An object that a pickle names and that is not made: it keeps the arguments and the state, and does nothing."""

    qualified_name = ""

    def __new__(cls, *_args: Any, **_kwargs: Any) -> "StandIn":
        """Make one of whatever arguments."""
        return super().__new__(cls)

    def __init__(self, *args: Any, **_kwargs: Any) -> None:
        self.args = args
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        """Keep the state without looking at it."""
        self.state = state

    def __repr__(self) -> str:
        return f"<{self.qualified_name}>"


class DictStandIn:
    """In place of a dictionary's subclass: a plain ordered dictionary."""

    def __new__(cls, *_args: Any) -> Any:
        """Make an empty one: its items follow in the pickle."""
        return OrderedDict()
