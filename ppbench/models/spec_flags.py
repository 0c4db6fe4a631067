"""The input contract's flags, from text to fields: ``--mean 0.49,0.48,0.45``."""

from typing import Any

from ppbench.errors import InputError


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
