"""What an evaluation is to do: images, cells, numerics, engine, store, output."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from corruptions.names import Library
from ppbench.models.requests import Loading
from ppbench.runs.output_wish import Outputs

if TYPE_CHECKING:
    import torch

PathName = str | PathLike[str]
JpegCodec = Library

ENGINES = ("local", "ray")


def default_folder(data: str) -> Path:
    """Return the folder a run is written to where none is named: ``results/<time>-<data>``."""
    return Path("results") / f"{datetime.now():%Y%m%d-%H%M%S}-{data}"  # noqa: DTZ005  the user's own clock


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """What an evaluation is to do; `ppbench.evaluate` says what each field means.

    The command line, `ppbench.evaluate`, the gate and `ppbench.testing` all make one of these.
    """

    data: str | None = None
    root: PathName | None = None
    classes: str | Path | Sequence[str] | None = None
    outputs: Outputs | None = None
    source: str = "auto"
    size: str | None = None
    protocol: str | None = None
    limit: int | None = None

    corruptions: str | Iterable[str] = "benchmark"
    severities: str | int | Iterable[int] = "1-5"
    seed: int = 0
    generator: str = "ppbench"
    jpeg: bool = True
    jpeg_codec: JpegCodec | None = None

    loading: Loading = field(default_factory=Loading)

    batch_size: int | None = None
    device: "str | torch.device | None" = None
    precision: str = "fp32"
    compiled: bool = False

    engine: str = "local"
    ray_address: str | None = None

    store: bool = True
    fresh: bool = False
    cache: PathName | None = None

    normaliser: PathName = "auto"
    baseline_model: str | None = None
    out: PathName | None = None
    overwrite: bool = False
    metrics: bool = False
    reference: str | None = None
    command: str | None = None

    def path(self, name: str) -> Path | None:
        """Return a field that names a file or folder as a path, `~` spelled out; None where it is not set."""
        value: PathName | None = getattr(self, name)
        return None if value is None else Path(value).expanduser()
