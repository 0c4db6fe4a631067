"""Files of weights that claim what they do not hold, made by hand."""

import io
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from json import dumps
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ppbench.models.reading import LEGACY_MAGIC

TEN_GB_VALUES = 2_500_000_000


class Block:
    """A storage that a pickle names: so many float32 values under a key."""

    def __init__(self, numel: int, key: str = "0") -> None:
        self.numel = numel
        self.key = key


class Claimed:
    """A tensor that a pickle claims to hold."""

    def __init__(
        self, block: Block, shape: tuple[int, ...], stride: tuple[int, ...], offset: int = 0
    ) -> None:
        self.arguments = (block, offset, shape, stride, False, OrderedDict())

    def __reduce__(self) -> Any:
        return torch._utils._rebuild_tensor_v2, self.arguments


VALUES = Claimed(Block(4), (4,), (1,))


class Call:
    """A function that unpickling would call."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


class Made:
    """Something that unpickling makes of a class, and gives a state and items."""

    def __init__(self, kind: Callable[..., Any], *arguments: Any, state: Any, items: dict[str, Any]) -> None:
        self.made = (kind, arguments, state, None, iter(items.items()))

    def __reduce__(self) -> Any:
        return self.made


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any, /) -> Any:
        return ("storage", torch.FloatStorage, obj.key, "cpu", obj.numel) if isinstance(obj, Block) else None


def pickled(content: Any) -> bytes:
    """A pickle as torch.save writes them."""
    file = io.BytesIO()
    _Pickler(file, 2).dump(content)
    return file.getvalue()


def zip_file(path: Path, data: bytes, blocks: dict[str, bytes]) -> Path:
    """A file in torch.save's zip format around a pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", sys.byteorder)
        for key, block in blocks.items():
            archive.writestr(f"archive/data/{key}", block)
    return path


def legacy_file(path: Path, data: bytes, keys: list[str], tail: bytes) -> Path:
    """A file in torch.save's format of before 1.6 around a pickle."""
    facts = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    path.write_bytes(LEGACY_MAGIC + pickled(1001) + pickled(facts) + data + pickled(keys) + tail)
    return path


def safetensors_file(path: Path, header: Any, body: bytes = b"", length: int | None = None) -> Path:
    """A safetensors file with any header."""
    text = dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + body)
    return path


def _legacy_bomb(folder: Path) -> Path:
    claimed = {"fc.weight": Claimed(Block(TEN_GB_VALUES), (TEN_GB_VALUES,), (1,))}
    return legacy_file(
        folder / "legacy.pth", pickled(claimed), ["0"], struct.pack("<q", TEN_GB_VALUES) + b"\0" * 64
    )


def _zip_bomb(folder: Path, name: str, claimed: Claimed) -> Path:
    return zip_file(folder / name, pickled({"fc.weight": claimed}), {"0": b"\0" * 16})


def _expanded(folder: Path) -> Path:
    torch.save({"fc.weight": torch.zeros(1).expand(TEN_GB_VALUES)}, folder / "expanded.pt")
    return folder / "expanded.pt"


def _compressed(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "deflated.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickled({"a": Claimed(Block(10_000_000), (10_000_000,), (1,))}))
        archive.writestr("archive/data/0", bytes(40_000_000))
    return folder / "deflated.pt"


def _memo(folder: Path) -> Path:
    return zip_file(folder / "memo.pt", b"\x80\x02}r\xff\xff\xff\x7f.", {})


DEEP = 300_000


def _deep(kind: str) -> bytes:
    """A pickle of things in things; hashing a deep key recurses in C, without bound."""
    inside = {
        "tuple": b")" + b"\x85" * DEEP,
        "list": b"]" * DEEP + b"a" * (DEEP - 1),
        "key": b"})" + b"\x85" * DEEP + b"Ns",
        # Each tuple holds the one before twice: the key has 2 ** 100 of them in it, and is 100 deep.
        "doubled": b"})q\0" + b"h\0h\0\x86q\0" * 100 + b"Ns",
        "recalled": b"}(" + b"N" * 40_000 + b"tq\0Ns" + b"h\0Ns" * 10_000,
    }
    return b"\x80\x02" + inside[kind] + b"."


def _deep_file(folder: Path, *, kind: str) -> Path:
    return zip_file(folder / f"{kind}.pt", _deep(kind), {})


def _pickled_file(folder: Path, *, content: Any) -> Path:
    return zip_file(folder / "content.pt", pickled(content), {"0": bytes(16)})


def _deep_metadata(folder: Path) -> Path:
    return safetensors_file(folder / "deep.safetensors", {"__metadata__": {"ppbench": "[" * DEEP}})


def _itself(depth: int) -> nn.Module:
    """A module that holds the next one twice, and so on; the last one, where there is none before it, holds itself."""
    module = nn.Module()
    module.register_buffer("index", None)
    if depth:
        inner = _itself(depth - 1) if depth > 1 else nn.Module()
        module._modules = {"a": inner, "b": inner}
    else:
        module._modules = {"a": module, "b": module}
    return module


def _itself_in_dictionaries() -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(4):
        inner = {str(number): inner for number in range(1000)}
    return {"a": inner}


def _odd_module(**state: Any) -> nn.Module:
    module = nn.Sequential()
    vars(module).update(state)
    return module


# What each does to a reader that believes it: 10 GB of memory, or code.
BOMBS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a header that is longer than the file": (
        lambda d: safetensors_file(d / "long.safetensors", {}, length=10_000_000_000),
        "safetensors",
    ),
    "a safetensors tensor of 10 GB": (
        lambda d: safetensors_file(
            d / "big.safetensors",
            {"a": {"dtype": "F32", "shape": [TEN_GB_VALUES], "data_offsets": [0, 4 * TEN_GB_VALUES]}},
            bytes(1000),
        ),
        "safetensors",
    ),
    "a zip storage of 10 GB": (
        lambda d: _zip_bomb(d, "storage.pt", Claimed(Block(TEN_GB_VALUES), (TEN_GB_VALUES,), (1,))),
        "claims 10,000,000,000 bytes",
    ),
    "a tensor beyond its storage": (
        lambda d: _zip_bomb(d, "beyond.pt", Claimed(Block(4), (TEN_GB_VALUES,), (1,))),
        "reaches beyond its 4 values",
    ),
    "a tensor with an offset beyond its storage": (
        lambda d: _zip_bomb(d, "offset.pt", Claimed(Block(4), (1,), (1,), TEN_GB_VALUES)),
        "reaches beyond its 4 values",
    ),
    "a negative shape": (
        lambda d: _zip_bomb(d, "negative.pt", Claimed(Block(4), (-1,), (1,))),
        "impossible shape",
    ),
    "one value expanded to 10 GB": (_expanded, "claims a tensor of 10,000,000,000 bytes"),
    "a missing block": (
        lambda d: zip_file(d / "missing.pt", pickled({"a": Claimed(Block(4), (4,), (1,))}), {}),
        "without all of its weights",
    ),
    "a legacy storage of 10 GB": (_legacy_bomb, "claims 10,000,000,000 bytes"),
    "a compressed zip": (_compressed, "compressed zip file"),
    "a memo index of 2 billion": (_memo, "memo index"),
    "ten billion zero bytes made by the pickle": (
        lambda d: zip_file(d / "zeros.pt", pickled({"a": Call(bytearray, 10_000_000_000)}), {}),
        "bytearray",
    ),
    "a tensor made by the pickle": (
        lambda d: zip_file(d / "made.pt", pickled({"a": Call(torch.FloatTensor, TEN_GB_VALUES)}), {}),
        "torch.FloatTensor",
    ),
    **{
        f"a pickle of things in things ({kind})": (partial(_deep_file, kind=kind), words)
        for kind, words in (
            ("tuple", "nests more than 200 deep"),
            ("list", "nests more than 200 deep"),
            ("key", "nests more than 200 deep"),
            ("doubled", "tuples in tuples beyond measure"),
            ("recalled", "tuples in tuples beyond measure"),
        )
    },
    "a legacy pickle with a deep key": (
        lambda d: legacy_file(d / "deep.pth", _deep("key"), [], b""),
        "nests more than 200 deep",
    ),
    "deep JSON in the header of a safetensors file": (_deep_metadata, "metadata is not JSON"),
    "a pickle of six million numbers": (
        lambda d: zip_file(d / "long.pt", b"\x80\x02]" + b"(" + b"K\x01" * 6_000_000 + b"e.", {}),
        "more than 5,000,000 opcodes",
    ),
    **{
        what: (partial(_pickled_file, content=content), words)
        for what, content, words in (
            ("a module that holds itself twice", _itself(0), "Module that contains itself"),
            ("a million million modules", _itself(40), "in one another beyond measure"),
            ("a million million dictionaries", _itself_in_dictionaries(), "in one another beyond measure"),
            (
                "a name of a million parts",
                {"a." * 10**6: VALUES},
                "at most 1000 letters, got one of 2,000,000",
            ),
            (
                "such a name in a dictionary",
                {"x": {"y": {"z": {"a." * 10**6: VALUES}}}},
                "got one of 2,000,006",
            ),
            ("modules that are a number", _odd_module(_modules=5), "as the _modules of a pickled"),
            ("modules by number", _odd_module(_modules={5: None}), "a dictionary with names as the _modules"),
            ("parameters that are a number", _odd_module(_parameters=5), "as the _parameters of a pickled"),
            ("buffers that are a list", _odd_module(_buffers=[5]), "as the _buffers of a pickled"),
            (
                "names of buffers that are a number",
                _odd_module(_non_persistent_buffers_set=7),
                "Sequential, got int: save its state_dict()",
            ),
        )
    },
}
