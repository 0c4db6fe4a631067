"""A -C set in shards is evaluated like the same set in the authors' layout, and said to be what it is."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

import ppbench
from ppbench.data.classes import class_list
from ppbench.models.input_spec import default_spec
from tests.data.packed_sets import image_rows, pixels_of, write_parquet

CORRUPTIONS = ("brightness", "fog", "fog_3d")


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 10))


def test_shards_give_the_errors_of_the_authors_layout(tmp_path: Path) -> None:
    """Cell for cell, other corruptions and a `clean` configuration among them; run.json says layout and digests."""
    labels = np.arange(30) % 10
    shards, arrays = tmp_path / "shards", tmp_path / "arrays"
    arrays.mkdir()
    np.save(arrays / "labels.npy", np.tile(labels, 5))
    np.save(arrays / "clean.npy", pixels_of(30, seed=99))
    write_parquet(
        shards / "clean" / "test.parquet",
        image_rows(pixels_of(30, seed=99), labels.tolist()),
        names=class_list("cifar10"),
    )
    for number, name in enumerate(CORRUPTIONS):
        pixels = pixels_of(150, seed=number)
        np.save(arrays / f"{name}.npy", pixels)
        for severity in range(1, 6):
            part = image_rows(pixels[30 * (severity - 1) : 30 * severity], labels.tolist())
            write_parquet(shards / name / str(severity) / "test.parquet", part, names=class_list("cifar10"))
    runs = [
        ppbench.evaluate(
            _network(), spec=default_spec(32), data="cifar10-c", root=root, corruptions=",".join(CORRUPTIONS),
            out=tmp_path / f"run-{root.name}",
        )
        for root in (shards, arrays)
    ]  # fmt: skip
    assert runs[0].tables[0].cells == runs[1].tables[0].cells
    assert runs[0].tables[0].clean == runs[1].tables[0].clean
    assert len(runs[0].tables[0].cells) == 15
    said, other = (
        json.loads((tmp_path / f"run-{name}" / "run.json").read_text())["data"]
        for name in ("shards", "arrays")
    )
    assert (said["layout"], other["layout"], said["source"]) == ("parquet", "arrays", "published")
    assert set(said["corruption_digests"]) == {"brightness", "fog", "other:fog_3d"}
    assert "files not checked: they are read from parquet shards" in str(runs[0].context.files)
    assert runs[0].scores.models[0].partial[0].startswith("2 of 15 corruptions")
