"""Training on image files that are read anew in every epoch."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.transforms import v2

from ppbench.data.class_folders import read_class_folders
from ppbench.data.image_files import Geometry
from ppbench.data.image_set import ImageSet
from ppbench.errors import InputError
from ppbench.training.batches import Batch, Streamed, Views, _any_scale, checked
from ppbench.training.fitting import fit
from ppbench.training.hardware import Hardware
from ppbench.training.recipe import Recipe
from tests.training.easy import short_recipe

COUNT, SIZE, SHORT = 24, 48, 56


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photograph-like images of odd sizes, in four class folders."""
    rng = np.random.default_rng(0)
    for k in range(COUNT):
        low = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
        place = tmp_path / "train" / f"class{k % 4}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(low).resize((150 + k, 85 + k), Image.Resampling.BICUBIC).save(
            place / f"{k}.jpg", quality=95
        )
    return tmp_path / "train"


def _images(folder: Path) -> ImageSet:
    return read_class_folders(folder, "mine", Geometry(SIZE, SHORT), None, 4)


def _recipe(**changes: object) -> Recipe:
    return short_recipe(crop="centre-scale", batch_size=8, shift=0, **changes)


def _batches(
    folder: Path, epoch: int = 0, *, workers: int = 0, recipe: Recipe | None = None, **share: int
) -> list[Batch]:
    how = recipe or _recipe()
    streamed = Streamed(_images(folder), how, Views(how, SIZE, 0), 0, workers)
    return list(streamed.epoch(epoch, **share))


def test_an_epoch_has_every_image_once(folder: Path) -> None:
    """With its own label, whoever reads it."""
    labels = _images(folder).labels
    for workers in (0, 2):
        batches = _batches(folder, workers=workers)
        ids = torch.cat([batch.ids for batch in batches])
        assert sorted(ids.tolist()) == list(range(COUNT))
        assert torch.equal(torch.cat([batch.labels for batch in batches]), torch.from_numpy(labels)[ids])


def test_crops_follow_from_seed_epoch_and_image(folder: Path) -> None:
    """Workers, a later start and several processes see the same crops; another epoch sees others."""
    recipe = _recipe(flip=True)
    alone = _batches(folder, recipe=recipe)
    seen = {int(k): view for batch in alone for k, view in zip(batch.ids, batch.views[0], strict=True)}
    others = [
        *_batches(folder, workers=2, recipe=recipe),
        *_batches(folder, first=1, recipe=recipe),
        *_batches(folder, rank=1, processes=2, recipe=recipe),
    ]
    for batch in others:
        for k, view in zip(batch.ids, batch.views[0], strict=True):
            assert torch.equal(view, seen[int(k)])
    later = {
        int(k): view
        for batch in _batches(folder, 1)
        for k, view in zip(batch.ids, batch.views[0], strict=True)
    }
    assert any(not torch.equal(seen[k], later[k]) for k in seen)


def test_a_crop_is_a_place_of_the_resized_image(folder: Path) -> None:
    """The shorter side becomes 56 pixels, as torchvision resizes, and 48 of them are cut out anywhere."""
    images = _images(folder)
    for batch in _batches(folder):
        for k, view in zip(batch.ids.tolist(), batch.views[0], strict=True):
            with Image.open(folder / images.images.names[k]) as opened:  # type: ignore[attr-defined]  # they are files
                whole = v2.functional.resize(
                    v2.functional.pil_to_tensor(opened.convert("RGB")), [SHORT], antialias=True
                )
            places = whole.unfold(1, SIZE, 1).unfold(2, SIZE, 1)
            assert (places == view[:, None, None]).all(-1).all(-1).all(0).any()


def test_large_files_are_decoded_at_a_fraction(folder: Path) -> None:
    """Twice the size and more: another decoder, nearly the same image, within two levels in the mean."""
    rng = np.random.default_rng(1)
    low = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    (folder / "class0" / "0.jpg").unlink()
    large = Image.fromarray(low).resize((400, 300), Image.Resampling.BICUBIC)
    large.save(folder / "class0" / "0.jpg", quality=95)
    whole = v2.functional.resize(v2.functional.pil_to_tensor(large), [SHORT], antialias=True)
    view = next(
        view for b in _batches(folder) for k, view in zip(b.ids.tolist(), b.views[0], strict=True) if k == 0
    )
    places = whole.unfold(1, SIZE, 1).unfold(2, SIZE, 1)
    differences = (places.int() - view[:, None, None].int()).abs().double().mean((0, 3, 4))
    assert differences.min() < 2.0


def test_grey_of_16_bits_is_read_as_in_evaluation(folder: Path) -> None:
    """20000 of 65535 is 78, and floats are refused with the file named: one reader for all."""
    (folder / "class0" / "0.jpg").unlink()
    Image.fromarray(np.full((90, 120), 20000, np.uint16)).save(folder / "class0" / "0.png")
    view = next(view for b in _batches(folder) for k, view in zip(b.ids, b.views[0], strict=True) if k == 0)
    assert view.unique().tolist() == [78]
    Image.fromarray(np.full((90, 120), 0.5, np.float32)).save(folder / "class0" / "0.tif")
    with pytest.raises(InputError, match=r"class0/0\.tif: expected pixels of 8 or 16 bits, got floats"):
        [checked(batch) for batch in _batches(folder)]


def test_any_scale_draws_shares_and_ratios_as_torchvision_does() -> None:
    """Areas from 8 % to all, ratios from 3/4 to 4/3: as RandomResizedCrop's, within 4 standard errors."""
    from corruptions import Random

    crop = v2.RandomResizedCrop(48)
    image = torch.zeros(3, 300, 400)
    torch.manual_seed(0)
    drawn = [crop.make_params([image]) for _ in range(2000)]
    theirs = np.array([(one["height"], one["width"]) for one in drawn], float)
    ours = np.array(
        [
            _any_scale(300, 400, Random(0, "crop/0", 0, torch.tensor([k]), torch.device("cpu")))
            for k in range(2000)
        ],
        float,
    )
    for measure in (lambda hw: hw[:, 0] * hw[:, 1] / 120_000, lambda hw: np.log(hw[:, 1] / hw[:, 0])):
        a, b = measure(theirs), measure(ours)
        assert abs(a.mean() - b.mean()) < 4 * np.sqrt(a.var() / len(a) + b.var() / len(b))
        assert np.sqrt(b.var() / a.var()) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_truncated_image_is_named(folder: Path, workers: int, tmp_path: Path) -> None:
    """One line with the file, from a worker process too."""
    victim = folder / "class2" / "10.jpg"
    victim.write_bytes(victim.read_bytes()[:900])
    with pytest.raises(InputError, match=r"class2/10\.jpg: damaged, or no image .*remove it"):
        fit(
            lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4)),
            _recipe(),
            _images(folder),
            seed=0,
            folder=tmp_path / "training",
            hardware=Hardware("cpu", workers=workers),
        )


def test_views_for_the_consistency_loss_are_made_by_workers(folder: Path) -> None:
    """Three a batch: the clean crop first."""
    recipe = _recipe(augmentation="augmix", jsd=12.0)
    clean = {
        int(k): view for batch in _batches(folder) for k, view in zip(batch.ids, batch.views[0], strict=True)
    }
    for batch in _batches(folder, workers=2, recipe=recipe):
        assert batch.views.shape == (3, 8, 3, SIZE, SIZE)
        for k, view in zip(batch.ids, batch.views[0], strict=True):
            assert torch.equal(view, clean[int(k)])
        assert not torch.equal(batch.views[1], batch.views[2])
