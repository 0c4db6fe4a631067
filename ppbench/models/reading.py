"""From a file to what it holds: the first step of loading a checkpoint. No code of the file's choice ever runs."""

import io
import mmap
import struct
import threading
import warnings
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from json import loads
from pathlib import Path
from typing import IO, Any, Literal, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ppbench.errors import InputError
from ppbench.models.naming import require_file
from ppbench.models.pickle_safety import (
    ClaimError,
    Claims,
    StandIn,
    StandIns,
    blocked,
    claims_of,
    damage_means,
    foreign,
    globals_of,
    needs,
)
from ppbench.models.storage import BITS, BITS_KEY, unpacked
from ppbench.spelling import utf8_path

Format = Literal["safetensors", "zip", "legacy", "torchscript", "export", "onnx"]

# What torch.save of before 1.6 begins with: protocol 2, and its magic number as a pickled integer.
LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."

_KNOWN_STRANGERS = (
    (b"version https://git-lfs", "a Git LFS pointer: run `git lfs pull` to get the file itself"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"\xfd7zXZ\x00", "an xz archive: unpack it first"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"\x89HDF", "an HDF5 file: save the weights with torch.save or as safetensors"),
    (b"\x93NUMPY", "a NumPy array: save the weights with torch.save or as safetensors"),
)


def file_format(path: Path) -> Format:
    """Return the format of a file of weights.

    Raises:
        InputError: there is no such file, it is empty or damaged, or it is something else; the line says what.
    """
    require_file(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path}: this checkpoint cannot be read: {reason}") from error
    if size == 0:
        raise InputError(f"{path}: this file is empty: download or copy it again")
    if head.startswith(b"PK\x03\x04"):
        return _zip_format(path)
    if head.startswith(LEGACY_MAGIC):
        return "legacy"
    if path.suffix == ".safetensors" or _is_safetensors(head, size):
        return "safetensors"
    if _is_onnx(head):
        return "onnx"
    raise InputError(
        f"{path}: expected a checkpoint (safetensors, torch.save or ONNX), got {_describe(head)}"
    )


def _is_safetensors(head: bytes, size: int) -> bool:
    """Whether a file begins with a header length that fits in it, and a JSON object."""
    return len(head) > 8 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] <= size - 8


def _is_onnx(head: bytes) -> bool:
    """Whether a file begins as protobuf writes an ONNX model: field 1, a version from 3 on, then another field."""
    # Their tags: two producer fields, domain, model version, documentation, graph, operator sets.
    return head[:1] == b"\x08" and len(head) > 2 and 3 <= head[1] < 128 and head[2] in b'\x12\x1a"(2:B'


def _zip_format(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.partition("/")[2] for name in archive.namelist()]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise InputError(f"{path}: truncated or damaged file: download or copy it again") from error
    if "constants.pkl" in names:
        return "torchscript"
    if any("exported_program" in name or name == "models/model.json" for name in names):
        return "export"
    if "data.pkl" in names:
        return "zip"
    raise InputError(
        f"{path}: a zip file that torch.save did not write: unpack it and name the checkpoint in it"
    )


def _describe(head: bytes) -> str:
    for magic, words in _KNOWN_STRANGERS:
        if head.startswith(magic):
            return words
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<")):
        return "a web page: download the file itself, from its raw address"
    if head[:1] == b"\x80":
        return "a plain pickle: save the weights with torch.save or as safetensors"
    if b"ustar" in head[250:270]:
        return "a tar archive: unpack it, or save the weights again with torch.save"
    return f"a file that begins with {head[:16]!r}: perhaps damaged, or saved by another program"


# The one key of the metadata that ppbench writes into a safetensors file: a JSON object. One key, because
# safetensors writes several in no fixed order, and the same training should give the same bytes.
METADATA_KEY = "ppbench"


@dataclass(frozen=True)
class RawCheckpoint:
    """What a file holds, as it was found.

    Attributes:
        path: the file.
        format: what kind of file it is.
        content: nested dictionaries with tensors on the CPU, and whatever lies beside them.
        metadata: what ppbench wrote into the file's header; empty for files of others.
        closed: users' own classes beside the weights, which inert stand-ins were put in place of.
    """

    path: Path
    format: Format
    content: Any
    metadata: dict[str, Any] = field(default_factory=dict)
    closed: tuple[str, ...] = ()


def read(path: Path, *, trust: bool = False) -> RawCheckpoint:
    """Read a file of weights.

    Args:
        path: a safetensors file, or one that torch.save wrote, in its zip format or the one before.
        trust: unpickle whatever the file asks for, which can run any code.

    Raises:
        InputError: the file is missing, damaged, none of these, or needs classes that weights do not need.
    """
    kind = file_format(path)
    try:
        if kind == "safetensors":
            return _read_safetensors(path)
        if kind in ("zip", "legacy") and trust:
            return RawCheckpoint(path, kind, _unpickle_trusted(path))
        if kind in ("zip", "legacy"):
            names, claims = _check_zip(path) if kind == "zip" else _check_legacy(path)
            return RawCheckpoint(path, kind, _unpickle(path, claims.stand_ins), closed=foreign(names))
    except ClaimError as error:
        raise InputError(f"{path}: expected a checkpoint, got {error}") from error
    raise InputError(f"{path}: expected weights, got {_PROGRAMS[kind]}")


_DAMAGED = "a truncated or damaged file: download or copy it again"

_PROGRAMS = {
    "torchscript": "a TorchScript program: save its state_dict() instead",
    "export": "a torch.export program: save the state_dict() of the module instead",
    "onnx": "an ONNX graph: leave out --model to run it, or save the state_dict() of its module",
}


def _read_safetensors(path: Path) -> RawCheckpoint:
    try:
        with utf8_path(path) as place, safe_open(place, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            # Copied: the file's own bytes lie at odd addresses, where matrix products round differently.
            content = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  not a mapping
    except (SafetensorError, OSError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise ClaimError(f"a damaged safetensors file ({reason}): download or copy it again") from error
    try:
        metadata = loads(header.get(METADATA_KEY, "{}"))
    except (ValueError, RecursionError) as error:
        raise ClaimError("a safetensors file whose ppbench metadata is not JSON") from error
    if not isinstance(metadata, dict):
        raise ClaimError("a safetensors file whose ppbench metadata is not an object")
    bits = metadata.get(BITS_KEY, 32)
    if bits not in BITS:
        raise ClaimError(
            f"a file of ppbench with kernels of {bits!r} bits: expected {' or '.join(map(str, BITS))}"
        )
    try:
        content = unpacked(content, bits)
    except ValueError as error:
        raise ClaimError(f"a damaged file of ppbench, {error}: download or copy it again") from error
    return RawCheckpoint(path, "safetensors", content, metadata)


def stated_classes(path: Path) -> tuple[str, ...] | None:
    """Return the class folders that a file of weights was trained on, label 0 first.

    Args:
        path: the file.

    Returns:
        What `ppbench train` wrote into it; None where it wrote nothing, the classes having a list that is known, and
        for files of others.
    """
    try:
        if file_format(path) != "safetensors":
            return None
        with utf8_path(path) as place, safe_open(place, framework="pt", device="cpu") as file:
            named = loads((file.metadata() or {}).get(METADATA_KEY, "{}"))["classes"]
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RecursionError):
        return None  # a file that cannot be read, which `read` refuses, or one that says nothing
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        return None
    return tuple(named)


def _check_zip(path: Path) -> tuple[set[str], Claims]:
    """Return globals and claims of an archive; refuse a damaged one, and one that would unpack to more than it is."""
    size = path.stat().st_size
    with damage_means(_DAMAGED), zipfile.ZipFile(path) as archive:
        records = archive.infolist()
        # torch.save stores without compression: what claims to unpack to more is not its work.
        if any(r.compress_type != zipfile.ZIP_STORED or r.file_size != r.compress_size for r in records):
            raise ClaimError("a compressed zip file, which torch.save does not write")
        if sum(record.file_size for record in records) > size:
            raise ClaimError("a zip file that claims more bytes than it has")
        if damaged := archive.testzip():
            raise ClaimError(f"a damaged file (checksum of {damaged}): download or copy it again")
        pickled = next(name for name in archive.namelist() if name.partition("/")[2] == "data.pkl")
        data = archive.read(pickled)
    names = globals_of(io.BytesIO(data))
    _refuse_blocked(names)
    folder = pickled.partition("/")[0]
    held = {record.filename: record.file_size for record in records}
    claims = claims_of(data, size)
    for storage in claims.storages:
        if held.get(f"{folder}/data/{storage.key}", -1) < storage.bytes:
            raise ClaimError(
                f"a file without all of its weights (block {storage.key!r}): download or copy it again"
            )
    return names, claims


def _check_legacy(path: Path) -> tuple[set[str], Claims]:
    """Return the globals and claims of a file of the old format; refuse one that claims more bytes than follow."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        stream = cast("IO[bytes]", mapped)
        stream.seek(len(LEGACY_MAGIC))
        for _ in range(2):  # the protocol's version, facts of the machine
            _refuse_blocked(globals_of(stream))
        start = stream.tell()
        names = globals_of(stream)
        _refuse_blocked(names)
        claims = claims_of(mapped[start : stream.tell()], mapped.size())
        _refuse_blocked(globals_of(stream))  # the keys of the storages, which follow in that order
        follow = mapped.size() - stream.tell()
    total = sum(8 + storage.bytes for storage in claims.storages)
    if total > follow:
        raise ClaimError(
            f"a truncated file ({follow:,} of {total:,} bytes of weights): download or copy it again"
        )
    return names, claims


def _refuse_blocked(names: set[str]) -> None:
    if bad := blocked(names):
        raise ClaimError(needs(bad))


def _unpickle(path: Path, stand_ins: StandIns) -> Any:
    with damage_means(_DAMAGED), _only(stand_ins), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of pickle protocols before it fails: one line is enough
        content = torch.load(path, map_location="cpu", weights_only=True)
    _drop_attributes(content)
    return content


def _drop_attributes(content: Any) -> None:
    """Take away the attributes that a file gave its dictionaries and parameters: one called ``get`` hides the method.

    Weights need none of them; a state_dict has one, on the versions of its layers.
    """
    left, seen = [content], set[int]()
    while left:
        thing = left.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, OrderedDict | Counter | Tensor):
            vars(thing).clear()
        inside: list[Any] = []
        if isinstance(thing, dict):
            inside = [*thing.keys(), *thing.values()]
        elif isinstance(thing, list | tuple | set):
            inside = [*thing]
        elif isinstance(thing, StandIn):
            inside = [thing.args, thing.state]
        left.extend(each for each in inside if isinstance(each, _HOLDERS))


_HOLDERS = (dict, list, tuple, set, Tensor, StandIn)


# What torch's reader knows, and the filters of warnings, are the whole process's: one file is unpickled at a time.
_one_at_a_time = threading.Lock()


@contextmanager
def _only(stand_ins: StandIns) -> Iterator[None]:
    """Let torch's reader know these and none of those that other libraries of this process have told it of.

    Theirs would be the real classes, made of whatever the file says. Those that they tell it of meanwhile stay as well.
    """
    ours = stand_ins.for_torch()
    with _one_at_a_time:
        others = torch.serialization.get_safe_globals()
        try:
            torch.serialization.clear_safe_globals()
            torch.serialization.add_safe_globals([*ours])
            yield
        finally:
            meanwhile = set(torch.serialization.get_safe_globals()) - set(ours)
            torch.serialization.clear_safe_globals()
            torch.serialization.add_safe_globals([*others, *meanwhile])


def _unpickle_trusted(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        code = isinstance(error, AttributeError | ImportError)
        advice = ": name the file that defines its classes, as in --model FILE.py:FUNCTION" if code else ""
        raise ClaimError(
            f"a file that cannot be unpickled ({type(error).__name__}: {reason}){advice}"
        ) from error
