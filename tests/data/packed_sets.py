"""Image sets packed as the Hugging Face Hub has them, written by the tests."""

import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

Row = Mapping[str, Any]


def picture(pixels: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    """Return an image file's bytes."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def pixels_of(count: int, size: int = 32, seed: int = 0) -> NDArray[np.uint8]:
    """Return made-up images (count, size, size, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def write_parquet(
    path: Path,
    rows: Sequence[Row],
    *,
    names: Sequence[str] | None = None,
    group: int = 7,
    label: str = "label",
) -> Path:
    """Write rows as the package datasets does: an image is its bytes and a path, a ClassLabel is in the metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([dict(row) for row in rows])
    features = {label: {"names": list(names), "_type": "ClassLabel"}} if names else {}
    about = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(about), path, row_group_size=group)
    return path


def image_rows(
    pixels: NDArray[np.uint8],
    labels: Iterable[Any],
    *,
    column: str = "image",
    names: bool = True,
    **more: Any,
) -> list[Row]:
    """Return rows of a column of images and one of labels, with more columns of one value."""
    return [
        {
            column: {"bytes": picture(each), "path": f"image_{number}.png" if names else None},
            "label": label,
            **more,
        }
        for number, (each, label) in enumerate(zip(pixels, labels, strict=True))
    ]


def write_tar(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write a tar of these files, in their order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return path


def samples(
    pixels: NDArray[np.uint8], labels: Iterable[int], first: int = 0, ending: str = "png"
) -> dict[str, bytes]:
    """Return the files of WebDataset samples as CLIP benchmark names them."""
    files = {}
    for number, (each, label) in enumerate(zip(pixels, labels, strict=True), start=first):
        files[f"s{number:07d}.cls"] = str(label).encode()
        files[f"s{number:07d}.{ending}"] = picture(
            each, {"png": "PNG", "webp": "WEBP"}[ending.rpartition(".")[2]]
        )
    return files
