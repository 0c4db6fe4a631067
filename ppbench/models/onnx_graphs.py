"""ONNX graphs, run by onnxruntime, which is an extra of ppbench.

A graph is made of the standard's operators, which reach neither the network nor files other than its own weights: so,
unlike TorchScript, it asks for no trust.
"""

import hashlib
import mmap
import re
import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor, nn

from ppbench.atomic import sha256_of
from ppbench.errors import InputError
from ppbench.spelling import utf8_path

FLOATS = {
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(double)": torch.float64,
}

# How protobuf writes the entry of a tensor whose values lie in another file: key "location", value the file's name.
_LOCATION = re.compile(rb"\n\x08location\x12([\x80-\xff]?)([\x01-\x7f])")


@dataclass(frozen=True)
class GraphInput:
    """The one input of a graph.

    Attributes:
        name: its name in the graph.
        dtype: of the values.
        batch: images that a call takes; None for any number.
        size: side of the images in pixels; None for any.
    """

    name: str
    dtype: torch.dtype
    batch: int | None
    size: int | None

    def describe(self) -> str:
        """Return the input in words."""
        side = f"{self.size} pixels" if self.size else "any size"
        batch = f"batches of {self.batch}, the last one padded" if self.batch else "any batch size"
        return f"an ONNX graph, input {self.name!r}, {side}, {batch}"


class OnnxGraph(nn.Module):
    """A graph as a module: (N, 3, H, W) in, logits out.

    It runs where its input is: on a GPU where onnxruntime can use it, else on the CPU.
    """

    def __init__(self, path: Path) -> None:
        """Load a graph on the CPU.

        Raises:
            InputError: onnxruntime is not installed or cannot load the file, or the graph is no image classifier.
        """
        super().__init__()
        self.path = path
        self._runtime = _runtime(path)
        self._device = torch.device("cpu")
        self._session = self._open(self._device)
        self.input = _input_of(path, self._session)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, on the device of the images."""
        if x.device != self._device:
            self._session, self._device = self._open(x.device), x.device
        images = x.to(self.input.dtype)
        batch = self.input.batch
        if batch is None:
            return self._run(images).to(x.device)
        answers = [self._padded(part, batch) for part in torch.split(images, batch)]
        return torch.cat(answers).to(x.device)

    def _padded(self, images: Tensor, batch: int) -> Tensor:
        missing = images.new_zeros(batch - len(images), *images.shape[1:])
        return self._run(torch.cat([images, missing]))[: len(images)]

    def _run(self, images: Tensor) -> Tensor:
        values = images.contiguous().cpu().numpy()
        (logits,) = self._session.run(None, {self.input.name: values})
        return torch.from_numpy(logits)

    def _open(self, device: torch.device) -> Any:
        options = self._runtime.SessionOptions()
        options.log_severity_level = 4  # errors come as exceptions; one line is enough
        options.intra_op_num_threads = torch.get_num_threads()
        wanted = providers(device, self._runtime.get_available_providers())
        if device.type != "cpu" and len(wanted) == 1:
            warnings.warn(
                f"{self.path}: this onnxruntime cannot use {device}: the graph runs on the CPU "
                "(for a CUDA device install onnxruntime-gpu)",
                stacklevel=2,
            )
        try:
            # Falling back would print to stdout, and run on another device than is asked for.
            with utf8_path(self.path) as place:
                return self._runtime.InferenceSession(
                    str(place), options, providers=wanted, enable_fallback=0
                )
        except Exception as error:
            raise InputError(
                f"{self.path}: onnxruntime {self._runtime.__version__} cannot run this graph, which is damaged or uses "
                f"what it does not know ({_words(error)}): export it again"
            ) from error


def load_graph(path: Path, *, image_size: int | None) -> tuple[OnnxGraph, int]:
    """Return a graph as a module, and the side of the images that it was tried with, in pixels.

    Args:
        path: the file; weights that the graph keeps in other files are found beside it.
        image_size: side of the images that the graph will get; None takes what the graph is made for, or 224.

    Raises:
        InputError: onnxruntime is not installed, the file is damaged, or the graph takes no such images.
    """
    graph = OnnxGraph(path)
    fixed = graph.input.size
    size = image_size or fixed or 224
    if fixed is not None and fixed != size:
        raise InputError(
            f"{path}: expected images of {fixed} pixels, which the graph is made for, got {size}: "
            f"pass --resize {fixed} to resize them"
        )
    for count in (1, 3):
        try:
            logits = graph(torch.zeros(count, 3, size, size))
        except Exception as error:
            advice = ": export it with a dynamic batch dimension" if count > 1 else ""
            raise InputError(
                f"{path}: cannot take {count} image{'s' * (count > 1)} of {size} pixels ({_words(error)}){advice}"
            ) from error
        if logits.shape[:1] != (count,):
            raise InputError(
                f"{path}: expected logits ({count}, classes) for {count} images, got {tuple(logits.shape)}"
            )
    return graph, size


def providers(device: torch.device, available: list[str]) -> list[Any]:
    """Return what onnxruntime is to run on, the best first: CUDA on that device where there is one, else the CPU."""
    cuda = ("CUDAExecutionProvider", {"device_id": device.index or 0})
    wanted = [cuda] if device.type == "cuda" and cuda[0] in available else []
    return [*wanted, "CPUExecutionProvider"]


def graph_sha256(path: Path) -> str:
    """Return what tells a graph from every other: the file's sha256, or of it and of its files of weights together.

    Where there are such files, it is the sha256 of the lines ``<sha256>  <name>`` as `sha256sum` writes them: the
    graph first, then the others by name.

    Raises:
        InputError: the graph names a file of weights outside its own folder.
    """
    names = _weight_files(path)
    if not names:
        return sha256_of(path)
    files = [path.name, *names]
    lines = "".join(f"{sha256_of(path.parent / name)}  {name}\n" for name in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _weight_files(path: Path) -> list[str]:
    """Names, relative to the graph's folder, of the files that it keeps weights in; those that are there."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = {data[match.end() : match.end() + _length(match)] for match in _LOCATION.finditer(data)}
    names = sorted(name.decode("utf-8", "replace") for name in found)
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise InputError(
                f"{path}: its weights are outside its own folder ({name!r}): export it again as one file"
            )
    return [name for name in names if (path.parent / name).is_file()]


def _length(match: re.Match[bytes]) -> int:
    """The length that protobuf wrote: seven bits a byte, the low ones first."""
    low, high = match.groups()
    return (low[0] & 0x7F | high[0] << 7) if low else high[0]


def _input_of(path: Path, session: Any) -> GraphInput:
    try:
        inputs, outputs = (
            [(end.name, end.type, list(end.shape)) for end in ends]
            for ends in (session.get_inputs(), session.get_outputs())
        )
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: damaged ONNX graph ({_words(error)}): export it again") from error
    for kind, found in (("input", inputs), ("output", outputs)):
        if len(found) != 1:
            names = ", ".join(repr(name) for name, _, _ in found[:6])
            raise InputError(f"{path}: expected a graph with one {kind}, got {len(found)} ({names})")
    ((name, dtype, shape),) = inputs
    if dtype not in FLOATS:
        raise InputError(
            f"{path}: expected an input of floating-point numbers, got {dtype}: export it without the "
            "conversion from bytes"
        )
    sides = [side if isinstance(side, int) and side > 0 else None for side in shape]
    if len(sides) != 4 or sides[1] not in (3, None) or (None not in sides[2:] and sides[2] != sides[3]):
        shown = ", ".join(" ".join(str(side or "?").split()) for side in shape)
        raise InputError(f"{path}: expected an input (N, 3, size, size), got ({shown})")
    return GraphInput(name, FLOATS[dtype], sides[0], sides[2] or sides[3])


def _runtime(path: Path) -> Any:
    # Imported by name: it is an extra, and without it everything else still works.
    try:
        return import_module("onnxruntime")
    except ImportError as error:
        raise InputError(
            f"{path}: an ONNX graph needs the package onnxruntime: pip install onnxruntime"
        ) from error


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
