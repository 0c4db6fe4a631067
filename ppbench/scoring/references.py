"""Published results, shipped as data with their sources: what a run's own rows can be put beside.

The files are `published_results/<data>.toml`. Each number stands on one scale: `mean_error` is the plain mean over the
15 × 5 cells, `mce` is divided by the normaliser that its file names. A paper's word for a number does not decide where
it stands, its definition does; the row's note then says what the paper calls it.
"""

import tomllib
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ppbench.errors import unknown

REFERENCE_DATA: Final = ("imagenet-c", "imagenet100-c", "cifar10-c", "cifar100-c")
"""The data sets that there are published results for."""


@dataclass(frozen=True)
class Reference:
    """One published result. All errors are per cent; one that was not published on that scale is None.

    Attributes:
        model: what was measured, unique among the references of a data set.
        data: the data set, e.g. ``"imagenet-c"``: its published files.
        clean_error: E.
        mean_error: the plain mean over 15 corruptions and 5 severities, not normalised.
        mce: mean CE over the 15 corruptions, divided by `normaliser`.
        normaliser: the name of what `mce` is divided by; None where there is no mCE.
        source: where the numbers were read, and what holds for all that stands there.
        note: what else a reader must know of this row; empty where nothing.
        cite: BibTeX keys of `ppbench.reporting.bibliography`: of the numbers first, then of the method.
    """

    model: str
    data: str
    clean_error: float | None
    mean_error: float | None
    mce: float | None
    normaliser: str | None
    source: str
    note: str
    cite: tuple[str, ...]

    @property
    def scale(self) -> str:
        """The scales that the row has a corruption error on, in words: ``"mean error"``, ``"mCE"`` or both."""
        named = {"mean error": self.mean_error, "mCE": self.mce}
        return " and ".join(name for name, value in named.items() if value is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON knows it."""
        return {**asdict(self), "scale": self.scale, "cite": list(self.cite)}


@cache
def references(data: str) -> tuple[Reference, ...]:
    """Return the published results of a data set, in the order of its file.

    Args:
        data: one of `REFERENCE_DATA`.

    Raises:
        InputError: nothing is published for such a name.
    """
    if data not in REFERENCE_DATA:
        raise unknown("data set with published results", data, REFERENCE_DATA)
    resource = files("ppbench.scoring") / "published_results" / f"{data}.toml"
    content = tomllib.loads(resource.read_text(encoding="utf-8"))
    return tuple(_row(row, content) for row in content["rows"])


def _row(row: dict[str, Any], content: dict[str, Any]) -> Reference:
    source = content["sources"][row["source"]]
    mce = row.get("mce")
    return Reference(
        model=row["model"],
        data=content["data"],
        clean_error=row.get("clean_error"),
        mean_error=row.get("mean_error"),
        mce=mce,
        normaliser=None if mce is None else content["normaliser"],
        source="; ".join(text for text in (source["text"], source.get("note")) if text),
        note=row.get("note", ""),
        cite=tuple(dict.fromkeys([*source.get("cite", []), *row.get("cite", [])])),
    )
