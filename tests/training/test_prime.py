"""PRIME as a whole: chains of primitives, mixed."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ppbench.errors import InputError
from ppbench.training.augmentations import draws
from ppbench.training.augmentations.augmix import draw_chains, draw_weights
from ppbench.training.augmentations.prime import (
    PRIMITIVES,
    Prime,
    PrimeConfig,
    deformed,
    draw_amplitudes,
    draw_kernels,
    draw_shift,
    filtered,
    recoloured,
)

CPU = torch.device("cpu")
CIFAR = PrimeConfig.cifar()


def _images(count: int, side: int = 16) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.randint(0, 256, (count, 3, side, side), generator=generator) / 255.0


def _one_chain(image: Tensor, chain_id: Tensor, depth: int, choices: list[int], name: str) -> Tensor:
    """One image through one chain, by itself: what PRIME does in batches."""
    image = image[None]
    for at in range(depth):
        primitive = PRIMITIVES[choices[at]]
        of = f"{name}/{at}/{primitive}"
        shared, own = draws.for_batch(3, of), draws.for_images(3, of, chain_id[None], CPU)
        if primitive == "spectral":
            image = filtered(image, draw_kernels(shared, own, 4.0, centred=False))
        elif primitive == "colour":
            image = recoloured(image, *draw_amplitudes(shared, own, 100, 0.01, None))
        else:
            image = deformed(image, draw_shift(shared, image.shape[-1], 2, 100, 1.0))
    return image[0]


def test_a_view_is_the_mix_of_chains_worked_out_one_by_one() -> None:
    """(1 - m)·x + m·Σ w·chain(x), each chain by itself, summed in float64; to float32."""
    images, ids = _images(12), torch.arange(100, 112)
    got = Prime(CIFAR)(images, seed=3, step=7, ids=ids, view=1)
    chains = draw_chains(3, "prime/7/1", ids, width=3, depth=-1)
    choices = torch.stack([chains.random.integers(f"primitive {at}", low=0, high=3) for at in range(3)], 1)
    weights, share = draw_weights(3, "prime/7/1", ids, width=3, device=CPU)
    seen = set()
    for n, image in enumerate(images):
        wanted = (1.0 - share[n].double()) * image.double()
        for chain in range(3):
            row = 3 * n + chain
            one = _one_chain(
                image, chains.ids[row], int(chains.depth[row]), choices[row].tolist(), "prime/7/1"
            )
            wanted += share[n].double() * weights[n, chain].double() * one.double()
            seen.add(int(chains.depth[row]))
        torch.testing.assert_close(got[n].double(), wanted, atol=1e-6, rtol=0.0)
    assert seen == {1, 2, 3}


@pytest.mark.parametrize("config", [CIFAR, PrimeConfig.imagenet()])
def test_an_image_has_the_same_view_in_any_batch(config: PrimeConfig) -> None:
    """Alone, in a part of the batch, or shuffled: the same bytes, as several processes need."""
    prime = Prime(config)
    images, ids = _images(33), torch.randperm(50_000, generator=torch.Generator().manual_seed(0))[:33]
    for step in range(4):
        whole = prime(images, seed=0, step=step, ids=ids)
        alone = [prime(images[k : k + 1], seed=0, step=step, ids=ids[k : k + 1]) for k in range(33)]
        assert torch.equal(torch.cat(alone), whole)
        parts = [
            prime(images[part], seed=0, step=step, ids=ids[part]) for part in (slice(0, 16), slice(16, 33))
        ]
        assert torch.equal(torch.cat(parts), whole)
        order = torch.randperm(33, generator=torch.Generator().manual_seed(step))
        assert torch.equal(prime(images[order], seed=0, step=step, ids=ids[order]), whole[order])


def test_seeds_steps_views_and_ids_have_their_own_draws() -> None:
    """Changing any one of them changes the view; the same ones give it again."""
    prime, image = Prime(CIFAR), _images(1)
    views = [
        prime(image, seed=seed, step=step, ids=torch.tensor([k]), view=view)
        for seed, step, view, k in itertools.product(range(2), repeat=4)
    ]
    for a, b in itertools.combinations(views, 2):
        assert not torch.equal(a, b)
    assert torch.equal(prime(image, seed=0, step=0, ids=torch.tensor([0])), views[0])


def test_torchs_random_state_plays_no_part() -> None:
    """The global generator neither changes a view nor is changed by it."""
    images, ids = _images(4), torch.arange(4)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = Prime(CIFAR)(images, seed=0, step=0, ids=ids)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(Prime(CIFAR)(images, seed=0, step=0, ids=ids), first)


@pytest.mark.parametrize("config", [CIFAR, PrimeConfig.imagenet()])
def test_views_stay_in_range_and_the_images_as_they_were(config: PrimeConfig) -> None:
    """[0, 1], finite, float32, of the same shape; the input is not written to."""
    images = _images(64)
    kept = images.clone()
    for step in range(20):
        view = Prime(config)(images, seed=0, step=step, ids=torch.arange(64))
        assert view.dtype == torch.float32
        assert view.shape == images.shape
        assert view.isfinite().all()
        assert view.min() >= 0.0
        assert view.max() <= 1.0
    assert torch.equal(images, kept)


def test_at_zero_strength_a_view_is_the_image() -> None:
    """Filters without noise and curves without amplitude, in chains of any depth: the weights sum to 1."""
    config = replace(
        CIFAR, primitives=("spectral", "colour"), sigma=0.0, colour_temperature=0.0, centred_impulse=True
    )
    images = _images(16)
    view = Prime(config)(images, seed=0, step=0, ids=torch.arange(16))
    torch.testing.assert_close(view, images, atol=1e-6, rtol=0.0)


def test_the_deformation_of_a_step_is_shared_and_colours_are_not() -> None:
    """One field for the whole batch, as in the original; each image has curves of its own."""
    same = _images(1).expand(8, -1, -1, -1)
    for primitive, shared in (("spatial", True), ("colour", False), ("spectral", False)):
        prime = Prime(replace(CIFAR, primitives=(primitive,), depth=1, width=1))
        ids = torch.arange(8)
        change = prime(same, seed=0, step=0, ids=ids) - same
        _, share = draw_weights(0, "prime/0/0", ids, width=1, device=CPU)
        change /= share.view(-1, 1, 1, 1)
        alike = (change - change[0]).abs().amax((1, 2, 3))[1:]
        assert (alike < 1e-3).all() if shared else (alike > 1e-3).all()


def test_no_images_are_no_views() -> None:
    """An empty slice of a batch comes back empty."""
    assert Prime(CIFAR)(_images(0), seed=0, step=0, ids=torch.arange(0)).shape == (0, 3, 16, 16)


def test_wrong_images_are_one_line() -> None:
    """uint8 or oblong images, or a missing id, are refused with what was found."""
    prime, ids = Prime(CIFAR), torch.arange(2)
    with pytest.raises(InputError, match=r"float32 \(N,C,H,H\), got uint8 \(2, 3, 8, 8\)"):
        prime(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), seed=0, step=0, ids=ids)
    with pytest.raises(InputError, match=r"square, .* got float32 \(2, 3, 8, 9\)"):
        prime(torch.zeros(2, 3, 8, 9), seed=0, step=0, ids=ids)
    with pytest.raises(InputError, match=r"one id for each of 3 images, got ids \(2,\)"):
        prime(torch.zeros(3, 3, 8, 8), seed=0, step=0, ids=ids)


def test_wrong_configurations_are_one_line() -> None:
    """An unknown primitive, none, no chains and no depth."""
    with pytest.raises(InputError, match="unknown primitive 'color': did you mean 'colour'"):
        replace(CIFAR, primitives=("color",))
    for changes in ({"primitives": ()}, {"width": 0}, {"depth": 0}):
        with pytest.raises(InputError, match="expected PRIME to have"):
            replace(CIFAR, **changes)
