"""From a file of weights to a network, and a report of what was done: read, clean, rename, load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ppbench import atomic
from ppbench.errors import InputError
from ppbench.models.cleaning import CleanState, clean
from ppbench.models.naming import canonical
from ppbench.models.reading import METADATA_KEY, RawCheckpoint, read
from ppbench.models.recognise import Traits, name_of, traits_of
from ppbench.models.registry import Architecture, architecture
from ppbench.models.resnet import SMALL_IMAGES

MAX_EXAMPLES = 3


@dataclass(frozen=True)
class Weights:
    """A checkpoint that has been read, cleaned and renamed.

    Attributes:
        raw: the file and what its header says.
        state: what was beside the weights.
        tensors: the weights, under torchvision's names.
        traits: the network they belong to, None if it is none that ppbench knows.
        notes: what was done on the way, in words.
    """

    raw: RawCheckpoint
    state: CleanState
    tensors: dict[str, Tensor]
    traits: Traits | None
    notes: tuple[str, ...]

    def describe(self) -> str:
        """Return what the weights look like, in words."""
        if self.traits:
            return self.traits.describe()
        return f"weights of an unknown network ({', '.join(list(self.tensors)[:MAX_EXAMPLES])}, …)"


@dataclass(frozen=True)
class LoadReport:
    """What loading a checkpoint did. There is no partial load: nothing was missing and nothing left over.

    A program brings no weights that could be counted: its report has 0 tensors.
    """

    tensors: int
    parameters: int
    notes: tuple[str, ...]

    def summary(self) -> str:
        """Return the report in one line."""
        counted = (f"{self.tensors} tensors, {self.parameters:,} parameters",) if self.tensors else ()
        return "; ".join((*counted, *self.notes))


def read_weights(path: Path, *, trust: bool = False) -> Weights:
    """Read, clean and rename a checkpoint.

    Args:
        path: the file.
        trust: unpickle whatever the file asks for.

    Raises:
        InputError: the file is missing or damaged, is something else, or holds no weights.
    """
    raw = read(path, trust=trust)
    try:
        state = clean(raw.content)
        tensors, renamed = canonical(state.tensors)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    closed = (f"left unopened what is none of weights: {shortened(raw.closed)}",) if raw.closed else ()
    return Weights(raw, state, tensors, traits_of(tensors), closed + state.notes + renamed)


def recognise(weights: Weights) -> tuple[Architecture, tuple[str, ...]]:
    """Return the architecture that weights belong to, and how that was found, in words.

    Raises:
        InputError: it is none of ours, or a choice is left that the weights do not show.
    """
    if name := weights.raw.metadata.get("architecture"):
        return architecture(str(name)), ("architecture from the file's metadata",)
    if weights.traits is None:
        raise InputError(f"{weights.raw.path}: expected the weights of a network that ppbench builds, "
                         f"got {weights.describe()}: name the network with --model")  # fmt: skip
    try:
        name, notes = name_of(weights.traits, weights.state)
    except InputError as error:
        raise InputError(f"{weights.raw.path}: {error}") from error
    return architecture(name), (f"recognised {weights.traits.describe()}", *notes)


def build(
    weights: Weights, wanted: Architecture, *, num_classes: int | None, image_size: int
) -> tuple[nn.Module, LoadReport]:
    """Return the network with the weights in it, in evaluation mode, and the report.

    Args:
        weights: what `read_weights` returned.
        wanted: the network that they are meant for.
        num_classes: of the data; None takes what the weights have.
        image_size: of the data, in pixels; the kind of stem follows the weights where they show it.

    Raises:
        InputError: the weights are of another network or class count, or not of all of it.
    """
    path, traits = weights.raw.path, weights.traits
    if traits and num_classes is not None and traits.num_classes != num_classes:
        raise InputError(f"{path}: expected {num_classes} classes, got {traits.describe()}")
    classes = num_classes or (traits.num_classes if traits else 1000)
    size = (
        traits.stem_size
        if traits and (traits.stem_size <= SMALL_IMAGES) != (image_size <= SMALL_IMAGES)
        else image_size
    )
    with torch.device("meta"):  # no memory and no random numbers: every tensor comes from the file
        network = wanted.build(classes, size)
        if traits and traits.stem_bias and wanted.stem.unit == "plain":
            # The PushPull-Net authors' baselines have a bias in the first convolution; torchvision's has none.
            stem = network.get_submodule("conv1")
            stem.register_parameter("bias", nn.Parameter(torch.empty(traits.filters)))
    if (strength := weights.state.strength) is not None and wanted.stem.strength != strength:
        raise InputError(
            f"{path}: expected the weights of {wanted.name}, got {weights.describe()}: "
            f"its inhibition is fixed at {strength:g}"
        )
    return network, fill(network, weights, wanted.name)


def fill(network: nn.Module, weights: Weights, name: str) -> LoadReport:
    """Put weights into a network, all of them and nothing less, set it to evaluation mode, and return the report.

    Args:
        network: what takes the weights; on the meta device it takes over the tensors themselves.
        weights: under torchvision's names, under the names that the file has, or under those without the network's
            own first prefix: whichever fits.
        name: what messages call the network.

    Raises:
        InputError: the weights do not fit; the line says what is missing, left over or of another shape.
    """
    prefix = next(iter(network.state_dict()), "").partition(".")[0] + "."
    named = (
        weights.tensors,
        weights.state.tensors,
        {prefix + key: value for key, value in weights.state.tensors.items()},
    )
    fits = [_complete(network, _widened(network, tensors)) for tensors in named]
    tensors, notes = next(((t, n) for t, n in fits if not _mismatch(network, t)), fits[0])
    if problem := _mismatch(network, tensors):
        raise InputError(
            f"{weights.raw.path}: expected the weights of {name}, got {weights.describe()}: {problem}"
        )
    network.load_state_dict(tensors, strict=True, assign=True)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    network.eval()
    return LoadReport(len(tensors), parameters, weights.notes + notes)


def shortened(names: Sequence[str]) -> str:
    """Return the first few of some names, for a message."""
    return ", ".join(names[:MAX_EXAMPLES]) + (", …" if len(names) > MAX_EXAMPLES else "")


def halved(module: nn.Module) -> nn.Module:
    """Return the module with its kernels rounded to half precision, as `save_checkpoint` can store them."""
    with torch.no_grad():
        for parameter in module.parameters():
            if _is_kernel(parameter):
                parameter.copy_(parameter.half().float())
    return module


def _is_kernel(tensor: Tensor) -> bool:
    # Vectors are few, and some of them (running variances) can leave the range of half precision.
    return tensor.ndim > 1 and tensor.dtype is torch.float32


def save_checkpoint(
    path: Path, module: nn.Module, metadata: Mapping[str, Any], *, half: bool = False
) -> None:
    """Write a module's weights as safetensors, with what is known of them; the same input gives the same bytes.

    Args:
        path: the file, written atomically.
        module: the network; its state dict is stored, float32 and contiguous, from whatever device.
        metadata: what goes with it, as JSON: architecture, num_classes, image_size, input (`InputSpec.to_dict`), data,
            recipe, seed, clean_error.
        half: store kernels, all but vectors, in half precision; loading gives back what `halved` makes of them.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous().clone() for name, tensor in module.state_dict().items()
    }
    if half:
        tensors = {name: tensor.half() if _is_kernel(tensor) else tensor for name, tensor in tensors.items()}
    header = {METADATA_KEY: dumps(dict(metadata), sort_keys=True)}
    atomic.write_bytes(path, save(tensors, header))


def _widened(network: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights that were stored in half precision as float32, which changes none of them."""
    wanted = {name: value.dtype for name, value in network.state_dict().items()}
    return {
        name: value.float()
        if value.dtype in (torch.float16, torch.bfloat16) and wanted.get(name) is torch.float32
        else value
        for name, value in tensors.items()
    }


def _complete(network: nn.Module, tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Add the batch counters that files from before PyTorch 0.4.1 lack; evaluation does not use them."""
    counters = [n for n in network.state_dict() if n.endswith("num_batches_tracked") and n not in tensors]
    whole = dict(tensors) | {name: torch.tensor(0) for name in counters}
    return whole, (f"added {len(counters)} batch counters",) if counters else ()


def _mismatch(network: nn.Module, tensors: Mapping[str, Tensor]) -> str:
    """Return how the names and shapes of the weights differ from the network's, in words; empty if they do not."""
    ours = network.state_dict()
    missing = [name for name in ours if name not in tensors]
    unexpected = [name for name in tensors if name not in ours]
    reshaped = [
        f"{name} is {tuple(tensors[name].shape)} instead of {tuple(ours[name].shape)}"
        for name in ours
        if name in tensors and tensors[name].shape != ours[name].shape
    ]
    recast = [
        f"{name} is {tensors[name].dtype} instead of {ours[name].dtype}"
        for name in ours
        if name in tensors and tensors[name].dtype != ours[name].dtype
    ]
    parts = [
        f"{len(names)} {what} ({shortened(names)})"
        for what, names in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", reshaped),
            ("of another type", recast),
        )
        if names
    ]
    return ", ".join(parts)
