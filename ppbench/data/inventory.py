"""Which data sets are here, where, and how to get the others."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ppbench.data.finding import find_published, locate_clean
from ppbench.data.places import download_folder, usual_places
from ppbench.data.registry import DATA_SETS, DataSet


@dataclass(frozen=True)
class Found:
    """One data set and what of it is here.

    Attributes:
        name, description, protocol, image_size, num_classes: what it is.
        published: the folder of the published cells, None if they are not here.
        clean: the folder of the clean images, ``"embedded"``, or None if they are not here.
        get: how to get it, in words; empty where all that ppbench can use is here.
    """

    name: str
    description: str
    protocol: str
    image_size: int
    num_classes: int | None
    published: str | None
    clean: str | None
    get: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return asdict(self)


def inventory() -> list[Found]:
    """Return every data set, and where in the usual places it is."""
    return [_look(spec) for spec in DATA_SETS.values()]


def _look(spec: DataSet) -> Found:
    published = find_published(spec, None)
    clean: Path | str | None = next(
        (found for place in usual_places() if (found := locate_clean(spec, place))), None
    )
    if spec.embedded:
        clean = "embedded"
    complete = clean is not None and (published is not None or spec.published is None)
    return Found(
        name=spec.name,
        description=spec.description,
        protocol=spec.protocol,
        image_size=spec.image_size,
        num_classes=spec.num_classes,
        published=None if published is None else str(published),
        clean=None if clean is None else str(clean),
        get="" if complete else spec.fetch.format(place=download_folder()),
    )
