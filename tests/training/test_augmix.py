"""AugMix in batches, against the paper's recipe image by image with Pillow."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from scipy import stats
from torch import Tensor

from ppbench.errors import InputError
from ppbench.training.augmentations.augmix import OPERATIONS, AugMix, _on_levels, draw_chains, draw_weights

CPU = torch.device("cpu")


def _images(count: int, height: int = 32, width: int = 32) -> Tensor:
    coarse = np.random.default_rng(count).integers(0, 256, (count, 3, height // 4, width // 4))
    return torch.from_numpy(np.kron(coarse, np.ones((4, 4))).astype(np.uint8))


def _operation(name: str, image: Image.Image, level: float, sign: int) -> Image.Image:
    """The paper's operations and magnitudes."""
    width, height = image.size
    if name == "autocontrast":
        return ImageOps.autocontrast(image)
    if name == "equalize":
        return ImageOps.equalize(image)
    if name == "posterize":
        return ImageOps.posterize(image, 4 - int(level * 4 / 10))
    if name == "solarize":
        return ImageOps.solarize(image, 256 - int(level * 256 / 10))
    if name == "rotate":
        return image.rotate(sign * int(level * 30 / 10), resample=Image.Resampling.BILINEAR)
    matrix = {
        "shear_x": (1, sign * level * 0.3 / 10, 0, 0, 1, 0),
        "shear_y": (1, 0, 0, sign * level * 0.3 / 10, 1, 0),
        "translate_x": (1, 0, sign * int(level * (width / 3) / 10), 0, 1, 0),
        "translate_y": (1, 0, 0, 0, 1, sign * int(level * (height / 3) / 10)),
    }[name]
    return image.transform(image.size, Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR)


@pytest.mark.parametrize("severity, height, width", [(3.0, 32, 32), (10.0, 32, 32), (3.0, 48, 64)])
def test_a_view_is_pillows_operations_mixed(severity: float, height: int, width: int) -> None:
    """With the same draws: the same but for a level, and for the few pixels that an operation then sets apart."""
    images, ids = _images(60, height, width), torch.arange(500, 560)
    got = AugMix(severity=severity)(images, seed=5, epoch=2, ids=ids, view=1)
    name = "augmix/2/1"
    chains = draw_chains(5, name, ids, width=3, depth=-1)
    weights, share = draw_weights(5, name, ids, width=3, device=CPU)
    drawn = [
        (
            chains.random.integers(f"operation {at}", low=0, high=9),
            chains.random.uniform(f"level {at}", low=0.1, high=severity).double(),
            1 - 2 * chains.random.integers(f"sign {at}", low=0, high=2),
        )
        for at in range(3)
    ]
    seen, wrong, exact = set(), 0, 0
    for n, image in enumerate(images):
        wanted = (1.0 - share[n].double()) * image.double()
        here = set()
        for chain in range(3):
            row = 3 * n + chain
            copy = Image.fromarray(image.permute(1, 2, 0).numpy())
            for at in range(int(chains.depth[row])):
                operation, level, sign = (one[row].item() for one in drawn[at])
                copy = _operation(OPERATIONS[int(operation)], copy, level, int(sign))
                here.add(OPERATIONS[int(operation)])
            made = torch.from_numpy(np.array(copy)).permute(2, 0, 1).double()
            wanted += share[n].double() * weights[n, chain].double() * made
        seen |= here
        off = (got[n].double() - wanted).abs()
        wrong += int((off > 1.5).sum())
        if not here & {"rotate", "shear_x", "shear_y"}:  # nothing is interpolated
            exact += 1
            assert off.max() < 0.501
    assert seen == set(OPERATIONS)
    assert exact
    # A solarized or equalized level may be far from its neighbour's.
    assert wrong < 2e-3 * got.numel()


@pytest.mark.parametrize("name", ["posterize", "solarize"])
def test_magnitudes_of_levels_are_the_papers(name: str) -> None:
    """On an image of all 256 levels, for 300 strengths from 0.1 to 10: every byte as with Pillow."""
    ramp = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(300, 3, 16, 16).contiguous()
    level = torch.linspace(0.1, 9.99, 300, dtype=torch.float64)
    made = _on_levels(ramp, torch.full((300,), OPERATIONS.index(name)), level, torch.ones(300))
    one = Image.fromarray(ramp[0].permute(1, 2, 0).numpy())
    for strength, image in zip(level.tolist(), made, strict=True):
        wanted = np.array(_operation(name, one, strength, 1))
        np.testing.assert_array_equal(image.permute(1, 2, 0).numpy(), wanted)


def test_the_paper_leaves_four_operations_out() -> None:
    """No colour, contrast, brightness or sharpness: they overlap the benchmark's corruptions."""
    assert len(OPERATIONS) == 9
    assert not {"color", "colour", "contrast", "brightness", "sharpness"} & set(OPERATIONS)


def test_operations_come_by_even_chances_and_levels_uniform() -> None:
    """20,000 chains: χ² over the nine, and Kolmogorov-Smirnov over 0.1 to the severity."""
    chains = draw_chains(0, "augmix/0/0", torch.arange(20_000), width=1, depth=-1)
    operation = chains.random.integers("operation 0", low=0, high=9).numpy()
    level = chains.random.uniform("level 0", low=0.1, high=3.0).numpy()
    assert stats.chisquare(np.bincount(operation)).pvalue > 1e-4
    assert stats.kstest(level, stats.uniform(0.1, 2.9).cdf).pvalue > 1e-4
    assert stats.chi2_contingency(np.histogram2d(operation, level, bins=(9, 5))[0]).pvalue > 1e-4


def test_an_image_has_the_same_view_in_any_batch() -> None:
    """Alone, as workers have it, in a part of the batch, or shuffled: the same bytes."""
    augment = AugMix()
    images, ids = _images(33), torch.randperm(50_000, generator=torch.Generator().manual_seed(0))[:33]
    for epoch in range(5):
        whole = augment(images, seed=0, epoch=epoch, ids=ids)
        alone = [augment(images[k : k + 1], seed=0, epoch=epoch, ids=ids[k : k + 1]) for k in range(33)]
        assert torch.equal(torch.cat(alone), whole)
        order = torch.randperm(33, generator=torch.Generator().manual_seed(epoch))
        assert torch.equal(augment(images[order], seed=0, epoch=epoch, ids=ids[order]), whole[order])
        part = augment(images[20:], seed=0, epoch=epoch, ids=ids[20:])
        assert torch.equal(part, whole[20:])


def test_seeds_epochs_views_and_ids_have_their_own_draws() -> None:
    """Changing any one of them changes the view; torch's own generators change nothing."""
    augment, image = AugMix(), _images(1)
    views = [
        augment(image, seed=seed, epoch=epoch, ids=torch.tensor([k]), view=view)
        for seed, epoch, view, k in itertools.product(range(2), repeat=4)
    ]
    for a, b in itertools.combinations(views, 2):
        assert not torch.equal(a, b)
    torch.manual_seed(99)
    assert torch.equal(augment(image, seed=0, epoch=0, ids=torch.tensor([0])), views[0])


def test_at_the_least_strength_geometry_and_levels_are_almost_the_images() -> None:
    """At severity 0.2 only autocontrast, equalize and posterize change an image by more than a blur of its edges."""
    smooth = torch.linspace(30.0, 220.0, 32).expand(100, 3, 32, 32).to(torch.uint8)
    view = AugMix(severity=0.2, depth=1, width=1)(smooth, seed=0, epoch=0, ids=torch.arange(100))
    chains = draw_chains(0, "augmix/0/0", torch.arange(100), width=1, depth=1)
    operation = chains.random.integers("operation 0", low=0, high=9)
    gentle = operation >= OPERATIONS.index("solarize")
    assert (~gentle).any()
    assert gentle.any()
    inner = (view.int() - smooth.int()).abs()[gentle][:, :, 4:-4, 4:-4]
    assert inner.max() <= 2


def test_real_images_stay_recognisable(test_data: Path) -> None:
    """The mean change over 200 CIFAR images is between 10 and 40 levels, and every view correlates with its image."""
    with np.load(test_data / "cifar10" / "test-first1000.npz") as file:
        images = torch.from_numpy(file["images"][:200]).permute(0, 3, 1, 2)
    view = AugMix()(images, seed=0, epoch=0, ids=torch.arange(200))
    assert view.dtype == torch.uint8
    assert view.shape == images.shape
    assert 10 < (view.float() - images.float()).abs().mean() < 40
    correlation = [np.corrcoef(a.flatten(), b.flatten())[0, 1] for a, b in zip(images, view, strict=True)]
    assert np.quantile(correlation, 0.1) > 0.4


def test_no_images_are_no_views() -> None:
    """An empty slice of a batch comes back empty."""
    assert AugMix()(_images(1)[:0], seed=0, epoch=0, ids=torch.arange(0)).shape == (0, 3, 32, 32)


def test_what_does_not_fit_is_one_line() -> None:
    """Images that are not uint8, a missing id, and numbers out of their range."""
    with pytest.raises(InputError, match=r"uint8 \(N,3,H,W\), got float32 \(2, 3, 8, 8\)"):
        AugMix()(torch.zeros(2, 3, 8, 8), seed=0, epoch=0, ids=torch.arange(2))
    with pytest.raises(InputError, match=r"one id for each of 2 images, got ids \(3,\)"):
        AugMix()(_images(2), seed=0, epoch=0, ids=torch.arange(3))
    for severity, width, depth in ((0.1, 3, -1), (11.0, 3, -1), (3.0, 0, -1), (3.0, 3, 0)):
        with pytest.raises(InputError, match="expected AugMix to have a severity"):
            AugMix(severity=severity, width=width, depth=depth)
