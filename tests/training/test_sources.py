"""Which images are held in memory, and which are cut out of files anew in every epoch."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ppbench.data.class_folders import read_class_folders
from ppbench.data.image_files import Geometry
from ppbench.data.image_set import ImageSet
from ppbench.errors import InputError
from ppbench.training import batches
from ppbench.training.batches import Resident, Source, Streamed, Views, source_of
from tests.training.easy import easy_images, short_recipe


def _files(folder: Path) -> ImageSet:
    rng = np.random.default_rng(0)
    for k in range(16):
        (folder / str(k % 4)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)).save(
            folder / str(k % 4) / f"{k}.png"
        )
    return read_class_folders(folder, "mine", Geometry(32, 40), None, 4)


def _source(images: ImageSet, **changes: object) -> Callable[[torch.device], Source]:
    recipe = short_recipe(**changes)
    return source_of(images, recipe, Views(recipe, 32, 0), 0, 0)


def test_a_crop_is_made_however_few_images_there_are(tmp_path: Path) -> None:
    """A set that would fit into memory is read from its files where the recipe cuts them, each epoch elsewhere."""
    cpu = torch.device("cpu")
    made = _source(_files(tmp_path), crop="centre-scale", shift=0)(cpu)
    assert isinstance(made, Streamed)
    first, second = (
        {
            int(k): view
            for batch in made.epoch(epoch)
            for k, view in zip(batch.ids, batch.views[0], strict=True)
        }
        for epoch in range(2)
    )
    assert sum(not torch.equal(first[k], second[k]) for k in first) > 10
    assert isinstance(_source(easy_images(), crop="none")(cpu), Resident)


def test_what_would_be_left_out_in_silence_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crops of arrays, shifts of crops, and whole images that are too many."""
    with pytest.raises(
        InputError, match="crop to be none for the images of easy, which are no files, got any-scale"
    ):
        _source(easy_images(), crop="any-scale", shift=0)
    with pytest.raises(InputError, match="shift to be 0 beside the crop centre-scale, got 2"):
        _source(_files(tmp_path), crop="centre-scale", shift=2)
    monkeypatch.setattr(batches, "fits", lambda _images: False)
    with pytest.raises(InputError, match=r"a crop of centre-scale or any-scale for 64 images .* got none"):
        _source(easy_images(), crop="none")
