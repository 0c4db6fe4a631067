"""How a network is trained, as data: a TOML file becomes a frozen dataclass, and every field is checked."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from annotated_types import Ge, Gt, Lt

from ppbench.errors import InputError, unknown
from ppbench.models.registry import ARCHITECTURES
from ppbench.validation import STRICT, Config, validated

SHIPPED = Path(__file__).parent / "recipes"

NotNegative = Annotated[float, Ge(0)]
AboveZero = Annotated[float, Gt(0)]
Schedule = Literal["one-cycle", "one-cycle-2024", "thirds"]
Fill = Literal["edge", "zero", "reflect"]
Crop = Literal["none", "centre-scale", "any-scale"]
Augmentation = Literal[
    "none", "autoaugment", "randaugment", "trivialaugment", "augmix", "augmix-all-ops", "prime"
]
AUGMENTATIONS: tuple[Augmentation, ...] = get_args(Augmentation)
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
        augmentation: one of `AUGMENTATIONS`.
        jsd: weight of the Jensen-Shannon consistency loss between the clean image and two augmented views of it
            (AugMix, section 3); 0 trains on one augmented view.
        precision: of the arithmetic in the forward pass: ``32``, or mixed with ``bf16`` or ``16`` bits;
            ``64`` shows that two ways of training do the same.
        mean, std: of the input contract, in units of 0..1.
    """

    __pydantic_config__: ClassVar[Config] = STRICT

    name: str
    description: str
    data: str
    model: str
    epochs: Annotated[int, Ge(1)]
    batch_size: Annotated[int, Ge(2)]
    schedule: Schedule
    lr: AboveZero
    lr_start: AboveZero
    lr_end: AboveZero
    warmup: Annotated[float, Gt(0), Lt(1)]
    momentum: Annotated[float, Ge(0), Lt(1)]
    nesterov: bool
    weight_decay: NotNegative
    grad_clip: NotNegative
    label_smoothing: Annotated[float, Ge(0), Lt(1)]
    crop: Crop
    shift: Annotated[int, Ge(0)]
    shift_fill: Fill
    flip: bool
    augmentation: Augmentation
    jsd: NotNegative
    precision: Precision
    mean: tuple[NotNegative, NotNegative, NotNegative]
    std: tuple[AboveZero, AboveZero, AboveZero]

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values, for JSON."""
        return asdict(self)


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

    def where(*keys: str) -> str:
        return "" if any(key in overrides for key in keys) else f"{path}: "

    bits = table.get("precision")
    if type(bits) is int:
        table = {**table, "precision": str(bits)}  # 32 bits, with quotes or without
    recipe = validated(Recipe, table, where)
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
