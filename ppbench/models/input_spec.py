"""What a model wants its images to be, and what it returns: its contract, whose word that is, and its flags."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Literal

from ppbench.errors import InputError
from ppbench.validation import STRICT, Config

OutputKind = Literal["logits", "probabilities"]
"""What a network returns: numbers that softmax makes probabilities of (their logarithms among them), or these."""

Triple = tuple[float, float, float]

INTERPOLATIONS = ("nearest", "bilinear", "bicubic")


@dataclass(frozen=True)
class InputSpec:
    """How uint8 images become a model's input.

    The images are those of the benchmark, at the protocol's size. `resize` and `crop` are for a model that
    wants another size (say a 224-pixel AlexNet on CIFAR): shorter side to `resize`, then the central `crop`
    pixels.

    Attributes:
        size: side of the images that the model sees, in pixels.
        mean: of each channel, in units of `value_range`.
        std: of each channel, likewise.
        resize: the shorter side after resizing, None to leave the images as they are.
        crop: the side of the central crop, None for none.
        interpolation: of the resizing: ``nearest``, ``bilinear`` or ``bicubic``.
        antialias: whether shrinking low-pass filters first.
        value_range: what 0 and 255 become before normalisation.
        normalised_inside: the model subtracts and divides by itself; mean and std are then not used.
    """

    __pydantic_config__: ClassVar[Config] = STRICT

    size: int
    mean: Triple
    std: Triple
    resize: int | None = None
    crop: int | None = None
    interpolation: str = "bilinear"
    antialias: bool = True
    value_range: tuple[float, float] = (0.0, 1.0)
    normalised_inside: bool = False

    def __post_init__(self) -> None:
        """Check every field, so that a spec from a file or a flag cannot fail in the middle of a run."""
        for name in ("mean", "std", "value_range"):
            object.__setattr__(
                self, name, _floats(name, getattr(self, name), 2 if name == "value_range" else 3)
            )
        if min(self.std) <= 0:
            raise InputError(f"expected std to be positive, got {self.std}")
        if self.value_range[0] >= self.value_range[1]:
            raise InputError(f"expected value_range to be (low, high), got {self.value_range}")
        if self.interpolation not in INTERPOLATIONS:
            raise InputError(
                f"expected interpolation to be one of {', '.join(INTERPOLATIONS)}, got {self.interpolation!r}"
            )
        for name in ("size", "resize", "crop"):
            value = getattr(self, name)
            if not (value is None and name != "size") and (type(value) is not int or not 1 <= value <= 4096):
                raise InputError(
                    f"expected {name} to be a whole number of pixels from 1 to 4096, got {value!r}"
                )
        for name in ("antialias", "normalised_inside"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"expected {name} to be true or false, got {getattr(self, name)!r}")

    def summary(self) -> str:
        """Return the contract in one line, for people; what has no effect on the images is left out."""
        parts = [f"{self.size} pixels"]
        if self.resize is not None:
            filtered = "" if self.antialias or self.interpolation == "nearest" else ", not antialiased"
            parts.append(f"resize {self.resize} ({self.interpolation}{filtered})")
        if self.crop is not None:
            parts.append(f"crop {self.crop}")
        if self.value_range != (0, 1):
            parts.append("values from {:g} to {:g}".format(*self.value_range))
        if self.normalised_inside:
            parts.append("normalised inside")
        else:
            mean, std = (", ".join(f"{each:.4g}" for each in values) for values in (self.mean, self.std))
            parts.append(f"mean ({mean}), std ({std})")
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as plain lists, numbers, strings and None, for JSON."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "InputSpec":
        """Return the spec that `to_dict` wrote.

        Raises:
            InputError: a field is missing, unknown or of the wrong kind.
        """
        known = {field.name for field in fields(cls)}
        if extra := sorted(set(values) - known):
            raise InputError(
                f"unknown field {extra[0]!r} in an input spec: expected {', '.join(sorted(known))}"
            )
        if missing := [name for name in ("size", "mean", "std") if name not in values]:
            raise InputError(f"an input spec without {missing[0]!r}: expected at least size, mean and std")
        return cls(**values)


def _floats(name: str, value: object, count: int) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)) or len(value) != count:
        raise InputError(f"expected {name} to be {count} numbers, got {value!r}")
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < 1e6 for v in value):
        raise InputError(f"expected {name} to be {count} numbers, got {value!r}")
    return tuple(float(v) for v in value)


IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)
CIFAR_MEAN: Triple = (0.4914, 0.4822, 0.4465)
CIFAR_STD: Triple = (0.2470, 0.2435, 0.2616)


def default_spec(image_size: int) -> InputSpec:
    """Return the usual contract at an image size: CIFAR-10's statistics below 64 pixels, else ImageNet's."""
    if image_size < 64:
        return InputSpec(image_size, CIFAR_MEAN, CIFAR_STD)
    return InputSpec(image_size, IMAGENET_MEAN, IMAGENET_STD)


def spec_fields(
    *,
    mean: str | None = None,
    std: str | None = None,
    resize: int | None = None,
    crop: int | None = None,
    interpolation: str | None = None,
    antialias: bool | None = None,
    value_range: str | None = None,
    normalised_inside: bool | None = None,
) -> dict[str, Any]:
    """Return the fields of `InputSpec` that the user set, for `load_model(spec=…)`.

    Args:
        mean: one number, or three with commas, in units of the value range (0 to 1 unless set).
        std: likewise.
        resize: the shorter side after resizing, in pixels.
        crop: the side of the central crop, in pixels.
        interpolation: ``nearest``, ``bilinear`` or ``bicubic``.
        antialias: whether shrinking low-pass filters first.
        value_range: two numbers with a comma: what 0 and 255 become.
        normalised_inside: the model normalises by itself.

    Raises:
        InputError: a flag is not made of numbers, or not of so many.
    """
    fields = {
        "mean": None if mean is None else _numbers("--mean", mean, 3),
        "std": None if std is None else _numbers("--std", std, 3),
        "resize": resize,
        "crop": crop,
        "interpolation": interpolation,
        "antialias": antialias,
        "value_range": None if value_range is None else _numbers("--value-range", value_range, 2),
        "normalised_inside": normalised_inside,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _numbers(flag: str, text: str, count: int) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) == 1 and count == 3:  # one number for all channels
        values *= 3
    if len(values) != count:
        raise InputError(f"expected {flag} to be {count} numbers with commas, got {text!r}")
    return values


@dataclass(frozen=True)
class Claim:
    """What somebody says of the input.

    Attributes:
        who: says it.
        spec: what they say; None where they say nothing.
        guess: whether nobody knows it: the default, for want of a word.
    """

    who: str
    spec: InputSpec | None
    guess: bool = False


@dataclass(frozen=True)
class Settled:
    """The contract that counts.

    Attributes:
        spec: the contract.
        source: whose word it is.
        guess: whether mean or standard deviation are nobody's word.
    """

    spec: InputSpec
    source: str
    guess: bool


def settle(claims: Sequence[Claim], flags: Mapping[str, Any], image_size: int | None) -> Settled:
    """Return the spec that counts, and who said it.

    Images that have the size already that a claim would resize and crop them to are left as they are, and the source
    says so: resizing the published 224-pixel files again would change every number. A flag is obeyed.

    Args:
        claims: the greatest authority first.
        flags: fields that the user set; they count before every claim.
        image_size: of the images that will come, in pixels; None if that is not known yet.

    Raises:
        InputError: a flag is wrong, a mean is far outside the values, or the images have another size than the spec's
            and nothing resizes them.
    """
    claim, spec = next((claim, claim.spec) for claim in claims if claim.spec is not None)
    source = claim.who
    if image_size is not None and (spec.resize or spec.crop) and _seen(spec) == image_size:
        source += " (its resize and crop left out: the images have that size)"
        spec = replace(spec, size=image_size, resize=None, crop=None)
    given = {name: value for name, value in flags.items() if value is not None}
    if given:
        spec = InputSpec.from_dict(spec.to_dict() | given)
        if "mean" in given and max(map(abs, spec.mean)) > 2 * max(map(abs, spec.value_range)):
            raise InputError(
                f"expected --mean in units of the values ({spec.value_range[0]:g} to {spec.value_range[1]:g}), got "
                f"{spec.mean[0]:g}: for a network that takes 0 to 255 add --value-range 0,255"
            )
        source = f"flags ({', '.join(given)}) over {source}"
    spec = replace(spec, size=_seen(spec))
    if image_size is not None and spec.size != image_size and not (spec.resize or spec.crop):
        raise InputError(
            f"expected images of {spec.size} pixels ({source}), got {image_size}: "
            f"pass --resize {spec.size} to resize them, or --resize {image_size} to take them as they are"
        )
    return Settled(spec, source, claim.guess and not {"mean", "std"} <= set(given))


def _seen(spec: InputSpec) -> int:
    """Side of the images after resizing and cropping."""
    return spec.crop or spec.resize or spec.size
