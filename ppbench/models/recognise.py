"""Which network weights belong to, told from names and shapes; what leaves no trace in them is asked for, or said."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ppbench.errors import InputError
from ppbench.models.registry import Architecture, architecture
from ppbench.models.state_dict import CleanState
from ppbench.models.stems import PP2020, Stem, Unit

_RESNETS = {((2, 2, 2, 2), False): 18, ((3, 4, 6, 3), False): 34, ((3, 4, 6, 3), True): 50}
_STAGES = (1, 2, 3, 4)
_STEM_KERNELS: dict[Unit, str] = {"plain": "weight", "2024": "push_conv.weight", "2020": "push.weight"}


@dataclass(frozen=True)
class Traits:
    """What the names and shapes of a set of weights say about their network.

    Attributes:
        base: the network's name without its stem, as the registry calls it, e.g. ``resnet20``; None if it is not ours.
        words: the network in words, also where it is not ours.
        unit: the kind of first convolution.
        trained: whether its inhibition was trained.
        kernel: side of the first convolution's kernel.
        filters: number of its filters.
        num_classes: width of the output.
        stem_bias: whether a plain first convolution has a bias.
    """

    base: str | None
    words: str
    unit: Unit
    trained: bool
    kernel: int
    filters: int
    num_classes: int
    stem_bias: bool

    @property
    def stem_size(self) -> Literal[32, 224]:
        """An image size for which the builders make this stem."""
        return 32 if self.kernel == 3 else 224

    @property
    def example(self) -> str | None:
        """A network of ours with these names and shapes: the averaging window leaves no trace, so that it has any."""
        if self.base is None:
            return None
        if self.unit == "plain":
            return self.base
        strength = None if self.trained else 1.0
        return self.base + Stem(self.unit, 3 if self.unit == "2024" else 0, strength).suffix

    def describe(self) -> str:
        """Return the network in words, e.g. ``resnet20 (plain stem of 16 3x3 filters, 10 classes)``."""
        stem = {"plain": "plain stem", "2024": "push-pull stem", "2020": "push-pull stem of 2020"}[self.unit]
        strength = {True: " with trained inhibition", False: ""}[self.trained]
        size = f"{self.kernel}x{self.kernel}"
        return f"{self.words} ({stem}{strength} of {self.filters} {size} filters, {self.num_classes} classes)"


def traits_of(tensors: Mapping[str, Tensor]) -> Traits | None:
    """Return the traits of weights under torchvision's names, None if they are no ResNet and no AlexNet."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    stem = "features.0" if "features.3.weight" in shapes else "conv1"
    head = shapes.get("fc.weight" if stem == "conv1" else "classifier.6.weight", ())
    unit = next((unit for unit, kernel in _STEM_KERNELS.items() if f"{stem}.{kernel}" in shapes), None)
    if unit is None or len(head) != 2:
        return None
    kernel = shapes[f"{stem}.{_STEM_KERNELS[unit]}"]
    if len(kernel) != 4 or kernel[1] != 3:
        return None
    base, words = _alexnet(shapes) if stem == "features.0" else _resnet(shapes)
    trained = f"{stem}.pull_inhibition_strength" in shapes or f"{stem}.alpha" in shapes
    return Traits(
        base=base,
        words=words,
        unit=unit,
        trained=trained,
        kernel=kernel[-1],
        filters=kernel[0],
        num_classes=head[0],
        stem_bias=unit == "plain" and stem == "conv1" and "conv1.bias" in shapes,
    )


def name_of(traits: Traits, state: CleanState) -> tuple[str, tuple[str, ...]]:
    """Return the registry's name for a network, and how what the weights do not show was settled, in words.

    Raises:
        InputError: the network is not one of ours, or weights and hyper-parameters leave a choice; it lists
            the choices.
    """
    if traits.base is None:
        raise InputError(f"not recognised as a network that ppbench builds, but {traits.describe()}")
    if traits.unit == "plain":
        return traits.base, ()
    if traits.unit == "2020":
        if traits.trained:
            return traits.base + Stem("2020").suffix, ()
        note = "the 2020 layer's strength 1 and scale 2 leave no trace in the weights: taken as published"
        return traits.base + PP2020.suffix, (note,)
    window, strength = _window(state.hyper), None if traits.trained else _strength(state)
    if window is None or (strength is None and not traits.trained):
        windows = (0, 3, 5) if window is None else (window,)
        fixed = None if traits.trained else 1.0 if strength is None else strength
        names = [architecture(traits.base + Stem("2024", avg, fixed).suffix).name for avg in windows]
        unsaid = [
            *(["the averaging window"] if window is None else []),
            *(["the strength of a fixed inhibition"] if strength is None and not traits.trained else []),
        ]
        more = "" if strength or traits.trained else " (or another strength, e.g. -fixed0.5)"
        raise InputError(
            f"{traits.describe()}: {' and '.join(unsaid)} leaves no trace in weights: choose with --model one of "
            f"{', '.join(names)}{more}"
        )
    name = traits.base + Stem("2024", window, strength).suffix
    return name, (f"window {window} from the hyper-parameters",)


def _window(hyper: Mapping[str, Any]) -> int | None:
    value = hyper.get("avg_kernel_size")
    return value if isinstance(value, int) and (value == 0 or value % 2 == 1) else None


def _strength(state: CleanState) -> float | None:
    value = state.hyper.get("pull_inhibition_strength") if state.strength is None else state.strength
    return float(value) if isinstance(value, (int, float)) else None


def _resnet(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str | None, str]:
    blocks = {stage: {n.split(".")[1] for n in shapes if n.startswith(f"layer{stage}.")} for stage in _STAGES}
    if any(blocks[stage] != {str(place) for place in range(len(blocks[stage]))} for stage in _STAGES):
        return None, "a resnet with blocks that are not counted from 0"
    stages = [len(blocks[stage]) for stage in _STAGES]
    bottleneck = "layer1.0.conv3.weight" in shapes
    if stages[3]:
        depth = _RESNETS.get(((stages[0], stages[1], stages[2], stages[3]), bottleneck))
        layers = (3 if bottleneck else 2) * sum(stages) + 2
        return (f"resnet{depth}" if depth else None), f"resnet{depth or layers}"
    letter = "" if any(".downsample." in name for name in shapes) else "a"
    depth = 6 * stages[0] + 2
    ours = depth in (20, 32, 44, 56) and stages[0] == stages[1] == stages[2] and not bottleneck
    return (f"resnet{depth}{letter}" if ours else None), f"resnet{depth}{letter}"


def _alexnet(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str | None, str]:
    return ("alexnet" if "features.10.weight" in shapes else None), "alexnet"


_DRAWS = (Tensor.normal_, Tensor.uniform_, nn.init.kaiming_normal_, nn.init.kaiming_uniform_)


class _NoDraws(TorchFunctionMode):
    """Leaves tensors without memory as they are where initial weights would be drawn.

    There is nothing to draw into, and torch would import its compiler, a second and more, to find that out.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        if func in _DRAWS:
            tensor = args[0] if args else (kwargs or {})["tensor"]
            if tensor.is_meta:
                return tensor
        return func(*args, **(kwargs or {}))


@contextmanager
def without_memory() -> Iterator[None]:
    """Build networks on the meta device: no memory and no random numbers, every tensor comes from a file."""
    with torch.device("meta"), _NoDraws():
        yield


def skeleton(make: Callable[[], nn.Module]) -> nn.Module:
    """Return a network on the meta device, or a real one where a state dict would not bring all of its tensors.

    Relative positions, attention masks and blur filters are often buffers that no state dict has: on the meta device
    they would stay empty.

    Args:
        make: builds the network where torch's default device is.
    """
    try:
        with without_memory():
            network = make()
    except Exception:  # noqa: BLE001  values that are looked at fail in many ways; what fails anywhere fails below
        network = None
    if network is None or any(_left_empty(network)):
        with torch.device("cpu"):
            network = make()
    return network


def _left_empty(network: nn.Module) -> Iterator[bool]:
    """Say of each tensor that no state dict brings whether it has no values."""
    brought = set(network.state_dict())
    for name, buffer in network.named_buffers():
        yield name not in brought and buffer.is_meta
    for module in network.modules():
        for key, value in vars(module).items():
            if key not in ("_parameters", "_buffers", "_modules"):
                yield any(tensor.is_meta for tensor in _tensors(value))


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


_SMALL_STEM = "stem of stride 1 and padding 1, no max-pooling"
_LARGE_STEM = "stem of stride 2 and padding 3, 3x3 max-pooling of stride 2"
_STRIDES = {"cifar-resnet": "1, 2, 2", "resnet": "1, 2, 2, 2"}


def unseen(found: Architecture, kernel: int) -> str:
    """Return, as a clause, what a network of ppbench has that its weights do not show.

    Args:
        found: a network of the registry.
        kernel: side of its first kernel in the weights, which shows whether it is made for small images.
    """
    if found.family == "alexnet":
        parts = (
            ["stem of stride 2 and padding 1", "2x2 max-pooling after convolutions 1, 2 and 5"]
            if kernel == 3
            else [
                "stem of stride 4 and padding 2",
                "3x3 max-pooling of stride 2 after convolutions 1, 2 and 5",
            ]
        )
        return _clause([*parts, "ReLU"])
    parts = [_SMALL_STEM if kernel == 3 else _LARGE_STEM, f"stages of stride {_STRIDES[found.family]}"]
    if found.base == "resnet50":
        parts.append("in their 3x3 convolutions")
    if found.base.endswith("a"):
        parts.append("shortcuts padded with zeros")
    return _clause([*parts, "no dilation", "ReLU", "batch-norm epsilon 1e-5"])


def _clause(parts: list[str]) -> str:
    return f"what weights do not show: {', '.join(parts)}"
