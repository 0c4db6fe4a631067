"""From a file of weights to a network, and a report of what was done: read, clean, rename, load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from json import dumps
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ppbench import atomic
from ppbench.errors import InputError
from ppbench.models.reading import METADATA_KEY, RawCheckpoint, read
from ppbench.models.recognise import Traits, name_of, traits_of, without_memory
from ppbench.models.registry import Architecture, architecture
from ppbench.models.resnet import SMALL_IMAGES
from ppbench.models.state_dict import (
    AVERAGED,
    COUNTER,
    CleanState,
    Fit,
    Reading,
    as_float32,
    canonical,
    clean,
    contract_of,
    fit_to,
    is_beside,
    normalisation_of,
    one_of,
    readings,
    settled,
)
from ppbench.models.storage import BITS_KEY, Bits, packed

MAX_EXAMPLES = 3
MIN_TENSORS = 16  # of an AlexNet, the smallest of our networks


@dataclass(frozen=True)
class Weights:
    """A checkpoint that has been read, cleaned and renamed.

    Attributes:
        raw: the file and what its header says.
        state: what was beside the weights.
        tensors: the weights, under torchvision's names.
        traits: the network they belong to, None if it is none that ppbench knows.
        notes: what was done on the way, in words.
        remarks: those of the notes that the user should see: what was left aside.
        choices: the networks of ours in the file where there are several; which one is meant is not known then.
    """

    raw: RawCheckpoint
    state: CleanState
    tensors: dict[str, Tensor]
    traits: Traits | None
    notes: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    choices: tuple[Reading, ...] = ()

    def describe(self) -> str:
        """Return what the weights look like, in words."""
        if self.traits:
            return self.traits.describe()
        return f"weights of an unknown network ({', '.join(list(self.tensors)[:MAX_EXAMPLES])}, …)"


@dataclass(frozen=True)
class LoadReport:
    """What loading a checkpoint did. There is no partial load: nothing was missing and nothing left over.

    A program brings no weights that could be counted: its report has 0 tensors.

    Attributes:
        tensors: how many the network has.
        parameters: how many values it has that are trained.
        notes: what was done on the way, in words.
        remarks: those of the notes that the user should see, however the network was asked for.
    """

    tensors: int
    parameters: int
    notes: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    def summary(self) -> str:
        """Return the report in one line."""
        counted = (f"{self.tensors} tensors, {self.parameters:,} parameters",) if self.tensors else ()
        return "; ".join((*counted, *self.notes))


def read_weights(path: Path, *, trust: bool = False, prefix: str | None = None) -> Weights:
    """Read, clean and rename a checkpoint, and find the one whole network of ours in it, if there is more in it.

    Args:
        path: the file.
        trust: unpickle whatever the file asks for.
        prefix: how the names of the tensors begin that are meant, e.g. ``student.``; None means all.

    Raises:
        InputError: the file is missing or damaged, is something else, or holds no weights.
    """
    raw = read(path, trust=trust)
    try:
        state = clean(raw.content, prefix)
        tensors, renamed = canonical(state.tensors)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    closed = (f"not read, as it is no part of the weights: {shortened(raw.closed)}",) if raw.closed else ()
    state = replace(state, notes=closed + state.notes, opened=closed + state.opened)
    weights = Weights(raw, state, tensors, traits_of(tensors), state.notes + renamed)
    if (whole := _fit_ours(tensors)) and len(whole[0]) == len(tensors):
        return weights
    found = readings(state.everything, _fit_ours, least=MIN_TENSORS)
    if reading := settled(found):
        return _as_read(weights, reading)
    return replace(weights, choices=tuple(found))


def chosen(weights: Weights, wanted: Architecture) -> Weights:
    """Return the weights of one network, of a file that may hold several.

    Raises:
        InputError: the file holds several of the one that is wanted.
    """
    fitting = [
        each
        for each in weights.choices
        if (traits := traits_of(each.tensors)) is not None
        and (traits.base, traits.unit) == (wanted.base, wanted.stem.unit)
    ]
    return _as_read(weights, one_of(fitting, weights.raw.path)) if fitting else weights


def _fit_ours(tensors: dict[str, Tensor]) -> Fit | None:
    """Return how tensors are a network that ppbench builds, None if they are none."""
    try:
        renamed, _ = canonical(tensors)
    except InputError:
        return None
    traits = traits_of(renamed)
    return None if traits is None or traits.example is None else fit_to(_names_of(traits), tensors)


@lru_cache(maxsize=8)
def _names_of(traits: Traits) -> dict[str, Tensor]:
    """Return the state dict, without memory, of the network that weights look like."""
    with without_memory():
        network = architecture(str(traits.example)).build(traits.num_classes, traits.stem_size)
        state = dict(network.state_dict())
        if traits.stem_bias:
            state["conv1.bias"] = torch.empty(traits.filters)
    return state


def _as_read(weights: Weights, reading: Reading) -> Weights:
    """Return the weights of one reading of a file, and what that leaves aside."""
    state, notes = weights.state, list(reading.notes)
    if reading.prefix:
        notes.append(f"took the network whose names begin with {reading.prefix!r}")
    pair = normalisation_of(state.everything, reading)
    normalisation = contract_of(state.everything, pair, notes) if pair else None
    tensors = as_float32(reading.tensors, notes)
    remarks = _left_aside(state.everything, reading, pair or ())
    return replace(
        weights,
        state=replace(state, tensors=tensors, normalisation=normalisation),
        tensors=tensors,
        traits=traits_of(tensors),
        notes=(*state.opened, *notes, *remarks),
        remarks=remarks,
        choices=(),
    )


def _left_aside(
    everything: Mapping[str, Tensor], reading: Reading, but: Sequence[str] = ()
) -> tuple[str, ...]:
    """What is to be said of a file's other tensors: their names, and whether a layer may come after the network."""
    names = [name for name in reading.aside if name not in but]
    if not names:
        return ()
    count = f"{len(names)} tensor{'s' * (len(names) > 1)}"
    said = f"left aside {count} beside the network ({shortened(names)})"
    last = [tensor.shape[0] for tensor in reading.tensors.values() if tensor.ndim == 2][-1:]
    after = [name for name in names if everything[name].ndim == 2 and [everything[name].shape[1]] == last]
    if after := [name for name in after if not is_beside(name)]:
        said += f"; {after[0]} may be a layer after it: if so, evaluate both with --model FILE.py:factory"
    return (said,)


def recognise(weights: Weights) -> tuple[Architecture, tuple[str, ...]]:
    """Return the architecture that weights belong to, and how that was found, in words.

    Raises:
        InputError: it is none of ours, or a choice is left that the weights do not show.
    """
    if weights.choices:
        one_of(weights.choices, weights.raw.path)  # which raises: that is why there is a choice
    if name := weights.raw.metadata.get("architecture"):
        return architecture(str(name)), ("architecture from the file's metadata",)
    if weights.traits is None:
        content = weights.raw.content
        called = (
            content.get("arch") if isinstance(content, dict) else None
        )  # as timm and torchvision's examples save it
        hint = (
            f" (its training calls it {called!r})"
            if isinstance(called, str) and called.isidentifier()
            else ""
        )
        raise InputError(
            f"{weights.raw.path}: not recognised as a network that ppbench builds, but {weights.describe()}: "
            f"name the network with --model{hint}"
        )
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
    classes = classes_of(weights, num_classes)
    size = (
        traits.stem_size
        if traits and (traits.stem_size <= SMALL_IMAGES) != (image_size <= SMALL_IMAGES)
        else image_size
    )
    with without_memory():
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


def classes_of(weights: Weights, num_classes: int | None) -> int:
    """Return the width of the output of the network that `build` makes.

    Args:
        weights: what `read_weights` returned.
        num_classes: of the data; None takes what the weights have, or ImageNet's 1000 where they do not show it.
    """
    return num_classes or (weights.traits.num_classes if weights.traits else 1000)


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
    named = _named(network, weights)
    fits = [_complete(network, _widened(network, tensors)) for tensors in named]
    tensors, notes = next(((t, n) for t, n in fits if not _mismatch(network, t)), fits[0])
    problem, before, remarks = _mismatch(network, tensors), weights.notes, weights.remarks
    if problem and (reading := _reading_for(network, weights)):
        tensors, notes = _complete(network, _widened(network, reading.tensors))
        problem, before, remarks = (
            _mismatch(network, tensors),
            weights.state.opened,
            _left_aside(weights.state.everything, reading),
        )
        notes = (
            *reading.notes,
            f"took the network whose names begin with {reading.prefix!r}",
            *remarks,
            *notes,
        )
    if problem:
        raise InputError(
            f"{weights.raw.path}: expected the weights of {name}, got {weights.describe()}: {problem}"
        )
    network.load_state_dict(tensors, strict=True, assign=True)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    network.eval()
    # Which of two networks was taken decides every number: whoever named the network has to see it, too.
    averaged = tuple(
        f"{note}: --prefix takes the other"
        for note in (*before, *notes)
        if AVERAGED in note and "instead of" in note
    )
    return LoadReport(len(tensors), parameters, before + notes, averaged + remarks)


def _named(network: nn.Module, weights: Weights) -> tuple[dict[str, Tensor], ...]:
    """Return weights under each of the names that a network may know them by."""
    prefix = next(iter(network.state_dict()), "").partition(".")[0] + "."
    tensors = weights.state.tensors
    return weights.tensors, tensors, {prefix + key: value for key, value in tensors.items()}


def outputs_in(weights: Weights, network: nn.Module, num_classes: int) -> int | None:
    """Return how many outputs weights have that fit a network but for its last layers; None where they do not.

    Args:
        weights: what `read_weights` returned.
        network: one of the same kind, perhaps without memory.
        num_classes: how many outputs it has.
    """
    state = network.state_dict()
    for tensors in _named(network, weights):
        shapes = [(value.shape, tensors[name].shape) for name, value in state.items() if name in tensors]
        other = {(ours, theirs) for ours, theirs in shapes if ours != theirs}
        widths = {theirs[:1] for _, theirs in other}
        if len(widths) == 1 and all(
            ours[:1] == (num_classes,) and theirs[1:] == ours[1:] and len(theirs) == len(ours)
            for ours, theirs in other
        ):
            return int(widths.pop()[0])
    return None


def _reading_for(network: nn.Module, weights: Weights) -> Reading | None:
    """Return the whole network of that kind in a file that holds more, None if it holds none."""
    state = network.state_dict()
    found = readings(
        weights.state.everything,
        partial(fit_to, state),
        least=sum(not name.endswith(COUNTER) for name in state),
    )
    if not found:
        return None
    reading = one_of(found, weights.raw.path)
    if normalisation_of(weights.state.everything, reading) and weights.state.normalisation is None:
        raise InputError(
            f"{weights.raw.path}: several layers normalise the images: choose a network with --prefix {reading.prefix}"
        )
    return reading


def shortened(names: Sequence[str]) -> str:
    """Return the first few of some names, for a message."""
    return ", ".join(names[:MAX_EXAMPLES]) + (", …" if len(names) > MAX_EXAMPLES else "")


def save_checkpoint(path: Path, module: nn.Module, metadata: Mapping[str, Any], *, bits: Bits = 32) -> None:
    """Write a module's weights as safetensors, with what is known of them; the same input gives the same bytes.

    Args:
        path: the file, written atomically.
        module: the network; its state dict is stored, float32 and contiguous, from whatever device.
        metadata: what goes with it, as JSON: architecture, num_classes, image_size, input (`InputSpec.to_dict`), data,
            recipe, seed, clean_error.
        bits: of the stored kernels' numbers; loading gives back what `ppbench.models.storage.rounded` makes of them.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous().clone() for name, tensor in module.state_dict().items()
    }
    said = dict(metadata) if bits == 32 else {**metadata, BITS_KEY: bits}
    header = {METADATA_KEY: dumps(said, sort_keys=True)}
    atomic.write_bytes(path, save(packed(tensors, bits), header))


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
    counters = [n for n in network.state_dict() if n.endswith(COUNTER) and n not in tensors]
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
