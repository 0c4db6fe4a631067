"""What kind of file somebody calls a checkpoint, told from its first bytes, never from its name alone."""

import struct
import zipfile
from pathlib import Path
from typing import Literal

from ppbench.errors import InputError

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
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise InputError(f"{path}: expected a checkpoint file, got a folder: name the file in it")
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError as error:
        raise InputError(f"{path}: expected a checkpoint, got no such file: check --checkpoint") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path}: expected a checkpoint that can be read, got {reason!r}") from error
    if size == 0:
        raise InputError(f"{path}: expected a checkpoint, got an empty file: download or copy it again")
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
        raise InputError(
            f"{path}: expected a checkpoint, got a truncated or damaged zip file: download or copy it again"
        ) from error
    if "constants.pkl" in names:
        return "torchscript"
    if any("exported_program" in name or name == "models/model.json" for name in names):
        return "export"
    if "data.pkl" in names:
        return "zip"
    raise InputError(f"{path}: expected a checkpoint, got a zip file without torch.save's data.pkl")


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
