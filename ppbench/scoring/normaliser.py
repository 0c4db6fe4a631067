"""What errors are divided by: AlexNet's errors, published, measured in the same run, or the user's own."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib.resources import files
from math import fsum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Le, MinLen

from ppbench.errors import InputError, unknown
from ppbench.scoring.errors_table import ErrorTable, read_errors_csv
from ppbench.scoring.names import ALL, SEVERITIES, in_order, is_known
from ppbench.spelling import spelled
from ppbench.validation import STRICT, Config, validated

NORMALISERS = ("imagenet-c-alexnet", "cifar10-c-alexnet-2020", "digits-c-alexnet")
"""The normalisers that ship, as data, in `ppbench/scoring/normalisers/`."""

MEASURED = "measured"
"""The normaliser's name for an AlexNet (or, with `measured:MODEL`, any model) of the same run."""

# An index id adds its data set (alexnet-digits), a run that has the name twice its file's stem or a number; a
# stem of push-pull units (alexnet-pp…) makes another network.
_ALEXNET = re.compile(r"(torchvision:)?alexnet(-(?!pp)[\w.]+)*(@\w+)?( \(.*\))?( #\d+)?", re.IGNORECASE)


PerCent = Annotated[float, Ge(0), Le(100)]


@dataclass(frozen=True)
class Normaliser:
    """The errors of the model that has CE = 100.

    Attributes:
        name: how it is asked for and shown.
        description: what was measured, in one line.
        source: where the numbers come from.
        clean: its clean error (per cent); None if unknown: no relative scores then.
        per_severity: corruption -> severity -> error (per cent), where single severities are known.
        mean: corruption -> mean error over the five severities (per cent), where only that is known.
        data: the published data set it belongs to, e.g. ``"imagenet-c"``; None if it is not bound to one.
        model: the model of the same run that it is; None for fixed numbers. Its errors then vary with the
            images, which an interval has to take into account.
        images: on how many images each of its errors was measured, where these are so few that the rise over the clean
            error may be chance; None where its numbers are taken as certain.
    """

    name: str
    description: str
    source: str
    clean: PerCent | None
    per_severity: Mapping[str, Mapping[int, PerCent]]
    mean: Mapping[str, PerCent]
    data: str | None = None
    model: str | None = None
    images: int | None = None

    @property
    def corruptions(self) -> tuple[str, ...]:
        """The corruptions it can normalise, in the order of the benchmark."""
        return in_order({*self.per_severity, *self.mean})

    def to_dict(self) -> dict[str, Any]:
        """Return the normaliser as JSON knows it, so that a run stays whole without its file."""
        per_severity = {
            corruption: {str(severity): error for severity, error in errors.items()}
            for corruption, errors in self.per_severity.items()
        }
        return {**vars(self), "per_severity": per_severity, "mean": dict(self.mean)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Normaliser":
        """Return the normaliser that `to_dict` made."""
        per_severity = {
            corruption: {int(severity): error for severity, error in errors.items()}
            for corruption, errors in content["per_severity"].items()
        }
        return cls(**{**content, "per_severity": per_severity})

    def total(self, corruption: str, severities: Iterable[int]) -> float | None:
        """Return the sum of its errors (per cent) over severities of a corruption; None if not known.

        A normaliser that knows only the mean over five severities has no sum over fewer.
        """
        wanted = sorted(severities)
        known = self.per_severity.get(corruption, {})
        if all(severity in known for severity in wanted):
            return fsum(known[severity] for severity in wanted)
        if tuple(wanted) == SEVERITIES and corruption in self.mean:
            return len(SEVERITIES) * self.mean[corruption]
        return None


def measured(table: ErrorTable) -> Normaliser:
    """Return the normaliser that is a model of the same run: that very model has CE = mCE = 100 exactly."""
    return Normaliser(
        name=f"{MEASURED}:{table.model}",
        description=f"{table.model}, measured on the same images",
        source="this run",
        clean=None if table.clean is None else table.clean.error,
        per_severity={corruption: table.errors_of(corruption) for corruption in table.corruptions},
        mean={},
        model=table.model,
        images=_images(table),
    )


def _images(table: ErrorTable) -> int | None:
    """Return the least number of images in a cell; None where a cell does not say."""
    cells = [*table.cells.values(), *([table.clean] if table.clean else [])]
    counts = [cell.n for cell in cells if cell.n is not None]
    return min(counts) if len(counts) == len(cells) else None


def with_images(kept: Normaliser, images: int) -> Normaliser:
    """Return the normaliser of a run or a baseline with the number of its images: older versions did not record it.

    Without it a relative CE that may be chance would be one, as soon as a run is old.

    Args:
        kept: as it was read.
        images: of the run, which those of a model of the run are.
    """
    if kept.model is not None:
        return replace(kept, images=images)
    if kept.images is None and kept.name in NORMALISERS:
        shipped = load_normaliser(kept.name)
        # By what it says of itself: its numbers were other ones before the corruptions changed.
        if all(getattr(kept, name) == getattr(shipped, name) for name in ("description", "source", "data")):
            return replace(kept, images=shipped.images)
    return kept


def is_alexnet(name: str) -> bool:
    """Return whether a model or an architecture of that name is AlexNet itself, not one with another stem.

    That is ``alexnet``, torchvision's (``torchvision:alexnet@WEIGHTS``), one of the index (``alexnet-digits``), each
    with what makes a name unique in a run: ``alexnet (stem)``, ``alexnet #2``. A program's ``FILE.py:alexnet`` may be
    anything.
    """
    return _ALEXNET.fullmatch(name) is not None


def default_normaliser(data: str) -> Normaliser | None:
    """Return the published normaliser of a data set such as ``"imagenet-c"``, None where there is none."""
    return next((found for name in NORMALISERS if (found := load_normaliser(name)).data == data), None)


def choose_normaliser(
    text: str, tables: Sequence[ErrorTable], architectures: Mapping[str, str] | None = None
) -> Normaliser | None:
    """Return the normaliser that `--normaliser TEXT` asks for; None for ``"none"``.

    Args:
        text: a shipped name, ``none``, ``measured`` or ``measured:MODEL`` (see `measured_model`), or a file: an
            errors.csv of one model, or a TOML file in the format of the shipped ones.
        tables: the run that ``measured`` looks into.
        architectures: model -> its network; None where only the models' names are known.

    Raises:
        InputError: no such name, model or file, or the file is not a normaliser.
    """
    if text == "none":
        return None
    model = measured_model(text, architectures or {table.model: table.model for table in tables})
    if model is None:
        return load_normaliser(text)
    return measured(next(table for table in tables if table.model == model))


def measured_model(text: str, architectures: Mapping[str, str]) -> str | None:
    """Return the model of a run that ``measured`` (its one AlexNet) or ``measured:MODEL`` means; None for other texts.

    Args:
        text: what `--normaliser` says.
        architectures: model -> its network, or its own name where no more is known.

    Raises:
        InputError: the run has no such model, or not one AlexNet.
    """
    head, _, model = text.partition(":")
    if head != MEASURED:
        return None
    if not model:
        like = [name for name, architecture in architectures.items() if is_alexnet(architecture)]
        if len(like) != 1:
            raise InputError(
                f"normaliser {MEASURED!r}: expected one alexnet in the run, got {len(like) or 'none'} among "
                f"{', '.join(architectures)}: add an alexnet, or name the model with {MEASURED}:MODEL"
            )
        return like[0]
    if model not in architectures:
        raise unknown("model to normalise by", model, architectures)
    return model


def load_normaliser(name: str | Path) -> Normaliser:
    """Return a shipped normaliser by its name, or read one from a file.

    Args:
        name: one of `NORMALISERS`, an errors.csv that holds one model, or a TOML file.

    Raises:
        InputError: there is no such name or file, or the file is not a normaliser.
    """
    if name in NORMALISERS:
        resource = files("ppbench.scoring") / "normalisers" / f"{name}.toml"
        return _from_toml(resource.read_text(encoding="utf-8"), f"{name}.toml")
    path = Path(name)
    if not path.is_file():
        near = get_close_matches(str(name), NORMALISERS, n=1, cutoff=0.5)
        hint = (
            f"did you mean {near[0]!r}?"
            if near
            else f"expected {', '.join(NORMALISERS)}, {MEASURED}, none, or a file"
        )
        raise InputError(f"unknown normaliser {str(name)!r}: {hint}")
    if path.suffix.lower() == ".toml":
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read: {error}") from None
        return _from_toml(text, str(path))
    tables = read_errors_csv(path)
    if len(tables) != 1:
        models = ", ".join(table.model for table in tables)
        raise InputError(
            f"{path}: expected the errors of one model as normaliser, got {len(tables)}: {models}"
        )
    found = measured(tables[0])
    place, model = spelled(path), tables[0].model
    description = f"{model} of {place}"
    return replace(found, name=spelled(path.name), description=description, source=place, model=None)


Text = Annotated[str, MinLen(1)]


@dataclass(frozen=True)
class _File:
    """A normaliser's TOML file as it is written."""

    __pydantic_config__: ClassVar[Config] = STRICT

    schema_version: Literal[1]
    unit: Literal["per cent"]
    name: Text
    description: Text
    source: Text
    clean: PerCent | None = None
    errors: Mapping[str, tuple[PerCent, PerCent, PerCent, PerCent, PerCent]] = field(default_factory=dict)
    severity_means: Mapping[str, PerCent] = field(default_factory=dict)
    data: str | None = None
    images: Annotated[int, Ge(1)] | None = None


def _from_toml(text: str, where: str) -> Normaliser:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not valid TOML: {error}") from None
    said = validated(_File, table, lambda _field: f"{where}: ")
    for corruption in (*said.errors, *said.severity_means):
        if not is_known(corruption):
            raise InputError(f"{where}: {unknown('corruption', corruption, ALL)}")
    per_severity = {
        corruption: dict(zip(SEVERITIES, errors, strict=True)) for corruption, errors in said.errors.items()
    }
    mean = said.severity_means
    both = sorted(per_severity.keys() & mean.keys())
    if both or not (per_severity or mean):
        got = f"{both[0]} in both" if both else "none"
        raise InputError(f"{where}: expected corruptions under [errors] or [severity_means], got {got}")
    largest = max([*mean.values(), *(error for row in per_severity.values() for error in row.values())])
    if largest <= 1:
        raise InputError(
            f"{where}: expected per cent (43.478 means 43.478 %), got errors that are all at most {largest:g}"
        )
    return Normaliser(
        name=said.name,
        description=said.description,
        source=said.source,
        clean=said.clean,
        per_severity=per_severity,
        mean=mean,
        data=said.data,
        images=said.images,
    )
