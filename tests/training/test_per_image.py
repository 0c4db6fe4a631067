"""Augmentations of uint8 images by name, torchvision's among them."""

import pickle

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms import v2

from ppbench.errors import InputError
from ppbench.training.augmentations.operations import PerImage
from ppbench.training.augmentations.per_image import PER_IMAGE, per_image


def _images(count: int) -> Tensor:
    coarse = np.random.default_rng(0).integers(0, 256, (count, 3, 8, 8))
    return torch.from_numpy(np.kron(coarse, np.ones((4, 4))).astype(np.uint8))


@pytest.mark.parametrize("name", PER_IMAGE)
def test_views_are_a_function_of_seed_epoch_view_and_id(name: str) -> None:
    """The same bytes alone, shuffled, after pickling for a worker, and whatever torch's generator holds."""
    augment = per_image(name, small=True)
    images, ids = _images(12), torch.arange(7, 19)
    whole = augment(images, seed=1, epoch=2, ids=ids, view=1)
    assert whole.dtype == torch.uint8
    assert whole.shape == images.shape
    torch.manual_seed(5)
    order = torch.randperm(12)
    assert torch.equal(augment(images[order], seed=1, epoch=2, ids=ids[order], view=1), whole[order])
    worker = pickle.loads(pickle.dumps(augment))  # noqa: S301  # our own bytes
    alone = [worker(images[k : k + 1], seed=1, epoch=2, ids=ids[k : k + 1], view=1) for k in range(12)]
    assert torch.equal(torch.cat(alone), whole)
    for changed in ({"seed": 2}, {"epoch": 3}, {"view": 0}):
        other = augment(images, ids=ids, **{"seed": 1, "epoch": 2, "view": 1, **changed})
        assert not torch.equal(other, whole)


@pytest.mark.parametrize("name", PER_IMAGE)
def test_torchs_random_state_and_the_images_are_left_alone(name: str) -> None:
    """The caller's generator goes on where it was, and the input keeps its bytes."""
    images = _images(6)
    kept = images.clone()
    state = torch.get_rng_state()
    per_image(name, small=False)(images, seed=0, epoch=0, ids=torch.arange(6))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(images, kept)


def test_torchs_random_state_is_put_back_after_an_error() -> None:
    """A transform that fails leaves no seed of ours behind."""

    def fail(_image: Tensor) -> Tensor:
        raise RuntimeError("no")

    state = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="no"):
        PerImage(fail, "test")(_images(1), seed=0, epoch=0, ids=torch.arange(1))
    assert torch.equal(torch.get_rng_state(), state)


def test_images_of_a_batch_have_independent_draws() -> None:
    """2,000 uniform numbers drawn by a transform: even over ten bins, and neighbours uncorrelated."""
    images = torch.zeros(2000, 3, 1, 1, dtype=torch.uint8)
    draw = PerImage(lambda image: torch.randint(0, 250, image.shape, dtype=torch.uint8), "test")
    drawn = draw(images, seed=0, epoch=0, ids=torch.arange(2000))[:, 0, 0, 0].numpy().astype(float)
    counts = np.histogram(drawn, bins=10, range=(0, 250))[0]
    assert np.abs(counts - 200).max() < 5 * 200**0.5
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 5 / 2000**0.5


def test_the_transforms_are_torchvisions() -> None:
    """AutoAugment has CIFAR's policy for small images and ImageNet's for others; AugMix has all operations."""
    policies = [per_image("autoaugment", small=small)._transform.policy for small in (True, False)]
    assert policies == [v2.AutoAugmentPolicy.CIFAR10, v2.AutoAugmentPolicy.IMAGENET]
    augmix = per_image("augmix-all-ops", small=True)._transform
    assert isinstance(augmix, v2.AugMix)
    assert (augmix.all_ops, augmix.severity, augmix.mixture_width, augmix.chain_depth) == (True, 3, 3, -1)
    assert isinstance(per_image("randaugment", small=True)._transform, v2.RandAugment)
    assert isinstance(per_image("trivialaugment", small=True)._transform, v2.TrivialAugmentWide)


def test_a_view_is_what_the_transform_makes() -> None:
    """Seeded alike, torchvision's transform gives the same bytes by itself."""
    seeds = []

    def remember(image: Tensor) -> Tensor:
        seeds.append(torch.initial_seed())
        return transform(image)

    transform, images = v2.TrivialAugmentWide(), _images(5)
    views = PerImage(remember, "test")(images, seed=0, epoch=0, ids=torch.arange(5))
    assert len(set(seeds)) == 5
    for seed, image, view in zip(seeds, images, views, strict=True):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            assert torch.equal(transform(image), view)


def test_an_unknown_name_has_its_near_miss() -> None:
    """One line."""
    with pytest.raises(InputError, match="unknown augmentation 'augmx': did you mean 'augmix'"):
        per_image("augmx", small=True)
