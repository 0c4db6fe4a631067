"""A network ready to answer: uint8 images in, logits out."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppbench.errors import InputError
from ppbench.models.checkpoint import LoadReport
from ppbench.models.input_spec import InputSpec, OutputKind
from ppbench.models.output_choice import ClassList, OutputChoice


@dataclass
class LoadedModel:
    """A network with its weights, its input contract, and where they came from.

    Attributes:
        name: what tables call it.
        architecture: the registry's name, or the source's own (``torchvision:…``, ``FILE.py:…``).
        module: the network in evaluation mode; it takes normalised float images.
        spec: how images become its input.
        num_classes: width of the output.
        choice: which outputs answer for the classes of the data, where the data have fewer; None: each is a class.
        class_list: what the outputs are called, where who made the network says so.
        checkpoint: the file of its weights, None where there is none.
        sha256: of that file.
        report: what loading the file did.
        prefix: how the names of its weights begin in that file, where the user chose among several networks in it.
        spec_source: who said what the spec is: flags, factory, checkpoint metadata, index, zoo, or a default.
        spec_guessed: whether its mean or standard deviation are nobody's word, but the default for want of one.
        assumed: what neither the file nor the user says and was taken for granted, a clause each.
        caveats: what every table must say of these weights, a clause each: what they are not.
        device: where it is.
        outputs: what the network returns; `logits` takes the logarithm of probabilities.
    """

    name: str
    architecture: str
    module: nn.Module
    spec: InputSpec
    num_classes: int
    checkpoint: Path | None = None
    sha256: str | None = None
    report: LoadReport | None = None
    spec_source: str = ""
    spec_guessed: bool = False
    prefix: str = ""
    assumed: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    outputs: OutputKind = "logits"
    choice: OutputChoice | None = None
    class_list: ClassList | None = field(default=None, repr=False)
    device: torch.device | None = field(default=None, repr=False)
    _mean: Tensor = field(init=False, repr=False)
    _std: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Put the network in evaluation mode, and the normalisation beside it."""
        self.module.eval()
        parameter = next(self.module.parameters(), None)
        # A network without parameters (an ONNX graph) does not show where it was moved to: the model remembers.
        self._place(parameter.device if parameter is not None else self.device or torch.device("cpu"))

    @property
    def width(self) -> int:
        """How many outputs an answer is chosen among."""
        return self.num_classes if self.choice is None else self.choice.width

    def to(self, device: torch.device | str) -> "LoadedModel":
        """Move the network to a device, in place, and return the model."""
        self.module.to(device)
        self._place(torch.device(device))
        return self

    @torch.inference_mode()
    def logits(self, images: Tensor) -> Tensor:
        """Return the logits, float (N, num_classes), for images: uint8 (N, 3, H, W) on the model's device."""
        logits = self.module(self.prepare(images))
        logits = getattr(logits, "logits", logits)  # models of the transformers library wrap theirs
        if not isinstance(logits, Tensor) or logits.shape != (len(images), self.num_classes):
            got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise InputError(f"{self.name}: expected logits ({len(images)}, {self.num_classes}), got {got}")
        if self.outputs == "probabilities":
            # Clamped at the smallest normal float32: the logarithm of a class that is ruled out stays finite.
            return logits.float().clamp(min=torch.finfo(torch.float32).tiny).log()
        return logits.float()

    def prepare(self, images: Tensor) -> Tensor:
        """Return the network's input, float32 (N, 3, h, w), as the spec says: resize, crop, scale, normalise.

        Images are resized where the spec says so and nowhere else.

        Raises:
            InputError: neither of their sides has the spec's size then.
        """
        spec = self.spec
        x = images.to(torch.float32).div_(255)
        if spec.resize is not None:
            x = _resize(x, spec.resize, spec.interpolation, spec.antialias)
        if spec.crop is not None:
            x = _central(x, spec.crop)
        height, width = x.shape[-2:]
        if spec.size not in (height, width):
            raise InputError(
                f"{self.name}: expected images of {spec.size}x{spec.size} pixels, got {height}x{width}: "
                f"set the spec's resize (--resize {spec.size}) to have them resized"
            )
        low, high = spec.value_range
        if (low, high) != (0, 1):
            x = x.mul_(high - low).add_(low)
        return x if spec.normalised_inside else x.sub_(self._mean).div_(self._std)

    def _place(self, device: torch.device) -> None:
        self.device = device
        self._mean = torch.tensor(self.spec.mean, device=device).view(3, 1, 1)
        self._std = torch.tensor(self.spec.std, device=device).view(3, 1, 1)


def _resize(x: Tensor, side: int, interpolation: str, antialias: bool) -> Tensor:
    """Scale the shorter side to `side`, the longer one in proportion, rounding down as torchvision does."""
    height, width = x.shape[-2:]
    if min(height, width) == side:
        return x
    size = (side, int(side * width / height)) if height <= width else (int(side * height / width), side)
    if interpolation == "nearest":
        return F.interpolate(x, size, mode="nearest-exact")
    x = F.interpolate(x, size, mode=interpolation, antialias=antialias, align_corners=False)
    return x.clamp_(0, 1) if interpolation == "bicubic" else x


def _central(x: Tensor, side: int) -> Tensor:
    height, width = x.shape[-2:]
    if side > min(height, width):
        raise InputError(f"expected a crop of at most {min(height, width)} pixels, got {side}")
    top, left = round((height - side) / 2), round((width - side) / 2)
    return x[..., top : top + side, left : left + side]
