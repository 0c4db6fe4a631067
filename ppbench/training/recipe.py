"""How a network is trained, as data: a TOML file becomes a frozen dataclass, and every field is checked."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from ppbench.errors import InputError, unknown
from ppbench.models.registry import ARCHITECTURES
from ppbench.training.augmentations.operations import Fill

SHIPPED = Path(__file__).parent / "recipes"

Triple = tuple[float, float, float]
Schedule = Literal["one-cycle", "one-cycle-2024", "thirds"]
Crop = Literal["none", "centre-scale", "any-scale"]
Precision = Literal["32", "bf16", "16", "64"]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights, but the seed.

    Attributes:
        name: of the recipe.
        description: one line.
        data: the benchmark data set whose training images are used.
        model: the architecture.
        epochs: passes over the training images.
        batch_size: images a step, over all processes; the last, smaller batch of an epoch is left out.
        schedule: of the learning rate; see `ppbench.training.schedule`.
        lr: highest learning rate of the schedule.
        lr_start: the first one.
        lr_end: the last one, as it was meant; ``one-cycle-2024`` ends lower.
        warmup: share of the steps in which the learning rate rises, above 0 and below 1.
        momentum: of SGD; ``one-cycle-2024`` lets it cycle instead.
        nesterov: whether the momentum is Nesterov's.
        weight_decay: on all parameters.
        grad_clip: the norm that gradients are scaled down to; 0 leaves them alone.
        label_smoothing: 0 for none.
        crop: what is cut from a large image: ``none`` takes images of the network's size as they are,
            ``centre-scale`` any place of the image resized as for testing, ``any-scale`` any place and size
            (torchvision's RandomResizedCrop).
        shift: training images are moved by up to so many pixels each way.
        shift_fill: what appears at their edges.
        flip: whether every other image is mirrored.
        augmentation: one of `ppbench.training.views.AUGMENTATIONS`.
        jsd: weight of the Jensen-Shannon consistency loss between the clean image and two augmented views of it
            (AugMix, section 3); 0 trains on one augmented view.
        precision: of the arithmetic in the forward pass: ``32``, or mixed with ``bf16`` or ``16`` bits;
            ``64`` shows that two ways of training do the same.
        mean, std: of the input contract, in units of 0..1.
    """

    name: str
    description: str
    data: str
    model: str
    epochs: int
    batch_size: int
    schedule: Schedule
    lr: float
    lr_start: float
    lr_end: float
    warmup: float
    momentum: float
    nesterov: bool
    weight_decay: float
    grad_clip: float
    label_smoothing: float
    crop: Crop
    shift: int
    shift_fill: Fill
    flip: bool
    augmentation: str
    jsd: float
    precision: Precision
    mean: Triple
    std: Triple

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values, for JSON."""
        return asdict(self)


_LEAST: Mapping[str, float] = {"epochs": 1, "batch_size": 2}
_ABOVE_ZERO = {"lr", "lr_start", "lr_end", "warmup", "std"}
_BELOW_ONE = {"warmup", "momentum", "label_smoothing"}
_MEAN_OR_STD = {"mean", "std"}


def recipe_names() -> list[str]:
    """Return the names of the shipped recipes."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load_recipe(name: str, overrides: Mapping[str, Any] | None = None, *, model: str | None = None) -> Recipe:
    """Return a shipped recipe by name, or the one in a TOML file, as it is for one model.

    Args:
        name: of a shipped recipe, or the path of a file that ends in ``.toml``.
        overrides: fields that replace the file's.
        model: the architecture; a table ``[models.NAME]`` of the file replaces fields for that one. None takes the
            recipe's own.

    Raises:
        InputError: no such recipe or file, no TOML, a field that is unknown, missing, or of the wrong kind or range.
    """
    path, layers = _read(name)
    overrides = overrides or {}
    said = [table["model"] for table, _ in layers if "model" in table]
    chosen = overrides.get("model", (said[-1] if said else None) if model is None else model)
    fields_of: dict[str, Any] = {}
    for table, own in layers:
        # Its table goes by the model that is trained in the end, whoever named that. What a file says of all models
        # goes before what the recipe that it extends says of one.
        fields_of |= {**table, **own.get(str(chosen), {})}
    return _checked(path, {**fields_of, "model": chosen, **overrides}, overrides)


Layer = tuple[dict[str, Any], dict[Any, dict[str, Any]]]
"""The fields of a file, and those that it has for each model."""


def _read(name: str) -> tuple[Path, list[Layer]]:
    """Return a recipe's file and its layers: what it extends comes first."""
    path = Path(name) if name.endswith(".toml") else SHIPPED / f"{name}.toml"
    if not name.endswith(".toml") and name not in recipe_names():
        raise unknown("recipe", name, recipe_names())
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such recipe file; those that ship are called {', '.join(recipe_names())}"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a recipe: {error}") from error
    own = table.pop("models", {})
    if not isinstance(own, dict) or not all(isinstance(fields_of, dict) for fields_of in own.values()):
        raise InputError(f"{path}: expected models to hold a table for each model, got {own!r}")
    kinds = [field.name for field in fields(Recipe)]
    for name_of, changes in own.items():
        # A misspelt table would change nothing, in silence.
        if name_of not in ARCHITECTURES:
            raise InputError(f"{path}: [models.{name_of}]: {unknown('model', name_of, ARCHITECTURES)}")
        if wrong := [key for key in changes if key not in kinds]:
            raise InputError(f"{path}: [models.{name_of}]: {unknown('field', wrong[0], kinds)}")
    base = table.pop("extends", None)
    table = {**table, "name": path.stem}
    if base is None:
        return path, [(table, own)]
    if base not in recipe_names():
        raise InputError(f"{path}: {unknown('recipe', str(base), recipe_names())}")
    return path, [*_read(base)[1], (table, own)]


def _checked(path: Path, table: Mapping[str, Any], overrides: Collection[str]) -> Recipe:
    """Return the recipe; an error names the file, unless it is in a field that was set beside it."""
    kinds = {field.name: field.type for field in fields(Recipe)}

    def where(*keys: str) -> str:
        return "" if any(key in overrides for key in keys) else f"{path}: "

    for key in table:
        if key not in kinds:
            raise InputError(f"{where(key)}{unknown('field', key, kinds)}")
    if missing := [key for key in kinds if key not in table]:
        raise InputError(f"{path}: the field {missing[0]!r} is missing")
    recipe = Recipe(**{key: _value(where(key), key, kinds[key], table[key]) for key in kinds})
    if recipe.nesterov and not recipe.momentum:
        raise InputError(
            f"{where('nesterov', 'momentum')}expected momentum to be above 0 where nesterov is true, got 0"
        )
    if recipe.schedule == "thirds" and recipe.epochs < 3:
        raise InputError(
            f"{where('schedule', 'epochs')}expected at least 3 epochs for the schedule 'thirds', "
            f"got {recipe.epochs}: train longer"
        )
    if recipe.schedule != "thirds" and not max(recipe.lr_start, recipe.lr_end) <= recipe.lr:
        raise InputError(
            f"{where('lr', 'lr_start', 'lr_end')}expected lr to be the highest rate, got {recipe.lr:g} beside "
            f"lr_start {recipe.lr_start:g} and lr_end {recipe.lr_end:g}"
        )
    return recipe


def _value(where: str, key: str, kind: Any, value: Any) -> Any:
    """Return a field's value as its type has it; `where` begins the line that says it is none."""
    if key in _MEAN_OR_STD:
        if not isinstance(value, list | tuple) or len(value) != 3:
            raise InputError(f"{where}expected {key} to be three numbers, got {value!r}")
        return tuple(_value(where, f"{key}[{k}]", float, one) for k, one in enumerate(value))
    if get_origin(kind) is Literal:
        value = str(value) if type(value) is int else value  # 32 bits, with quotes or without
        if value not in get_args(kind):
            raise InputError(f"{where}{unknown(key, str(value), get_args(kind))}")
        return value
    # TOML writes 1 for 1.0; but true is not a number, although Python says so.
    right = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    if not right or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"{where}expected {key} to be {_KINDS[kind]}, got {value!r}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(where, key, value)
    return float(value) if kind is float else value


_KINDS: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a word",
}


def _check_range(where: str, key: str, value: float) -> None:
    base = key.partition("[")[0]
    least = _LEAST.get(base, 0)
    if not least <= value < float("inf") or (base in _ABOVE_ZERO and value <= 0):
        bound = "above 0" if base in _ABOVE_ZERO else f"at least {least}"
        raise InputError(f"{where}expected {key} to be {bound}, got {value!r}")
    if base in _BELOW_ONE and value >= 1:
        raise InputError(f"{where}expected {key} to be below 1, got {value!r}")
