"""What holds of the blurs, snow, elastic transform and spatter for any image, size and batch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corruptions import PROTOCOLS, Random, constants_of, corrupt, protocol
from corruptions.registry import corruption

BLURS = ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur", "elastic_transform")
SPATIAL = (*BLURS, "snow", "spatter")

severities = st.integers(1, 5)
sizes = st.tuples(st.integers(32, 300), st.integers(32, 300))


def noise_images(count: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Uniform random images, uint8 (count,3,H,W)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("name", SPATIAL)
@settings(max_examples=4, deadline=None)
@given(size=sizes, severity=severities, count=st.integers(0, 3))
def test_any_size_and_batch(name: str, size: tuple[int, int], severity: int, count: int) -> None:
    """ImageNet-C's corruptions take any size from 32 on, square or not, and any number of images."""
    images = noise_images(count, *size)
    before = images.clone()
    out = corrupt(images, name, severity, protocol="imagenet-c")
    assert out.shape == images.shape
    assert out.dtype == torch.uint8
    assert torch.equal(images, before), "the input is left alone"
    assert count == 0 or not torch.equal(out, images), "something happens to random pixels"


@pytest.mark.parametrize("name", BLURS)
@settings(max_examples=5, deadline=None)
@given(size=sizes, severity=severities, level=st.sampled_from([0, 1, 127, 200, 255]))
def test_blurs_leave_constant_images(name: str, size: tuple[int, int], severity: int, level: int) -> None:
    """A constant image keeps its level, or falls to the next by truncation; disks of radius 8 and 10 brighten it."""
    images = torch.full((2, 3, *size), level, dtype=torch.uint8)
    out = corrupt(images, name, severity, protocol="imagenet-c").int()
    gain = 1.013 if name == "defocus_blur" and severity >= 4 else 1.0
    assert (out >= max(0, level - 1)).all()
    assert (out <= min(255, int(level * gain))).all()


@pytest.mark.parametrize("name", ["snow", "spatter"])
@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("protocol_name", PROTOCOLS)
def test_weather_on_black_and_white(name: str, level: int, protocol_name: str) -> None:
    """Snow and water brighten black images and leave white ones white; mud darkens white ones."""
    size = protocol(protocol_name).size
    images = torch.full((3, 3, size, size), level, dtype=torch.uint8)
    for severity in range(1, 6):
        out = corrupt(images, name, severity, protocol=protocol_name)
        mud = name == "spatter" and constants_of(name, severity, protocol_name)["mud"]
        if level == 255 and not mud:
            assert (out >= 254).all()
        else:
            assert out.float().std() > 0


@pytest.mark.parametrize("severity", range(1, 6))
def test_spatter_without_a_drop_changes_nothing(severity: int) -> None:
    """Where no drop lands, the reference divides 0 by 0 and returns black; here the image stays as it is."""
    images = noise_images(2, 32, 40)
    dry = {"noise": torch.full((2, 32, 40), -9.0)}
    out = corruption("spatter").apply(images, constants_of("spatter", severity, "imagenet-c"), dry)
    assert torch.equal(out, images)


@pytest.mark.parametrize("protocol_name", ["cifar-c", "imagenet-c"])
@pytest.mark.parametrize("name", SPATIAL)
@settings(max_examples=3, deadline=None)
@given(severity=severities, seed=st.integers(0, 2**31), data=st.data())
def test_batch_mates_do_not_matter(
    name: str, protocol_name: str, severity: int, seed: int, data: st.DataObject
) -> None:
    """An image becomes the same bytes alone, and in a shuffled batch with black, white and random mates."""
    size = {"cifar-c": (32, 32), "imagenet-c": (96, 120)}[protocol_name]
    images = noise_images(9, *size, seed=seed % 1000)
    images[2], images[5] = 0, 255
    order = data.draw(st.permutations(range(len(images))))
    together = corrupt(images, name, severity, protocol=protocol_name, seed=seed)
    shuffled = corrupt(
        images[torch.tensor(order)], name, severity, protocol=protocol_name, ids=order, seed=seed
    )
    assert torch.equal(shuffled, together[torch.tensor(order)])
    for k in (0, 2, 8):
        alone = corrupt(images[k : k + 1], name, severity, protocol=protocol_name, ids=[k], seed=seed)
        assert torch.equal(alone[0], together[k])


@pytest.mark.parametrize("name", SPATIAL)
def test_autocast_does_not_matter(name: str) -> None:
    """A caller's autocast, meant for his network, leaves the corrupted bytes as they are."""
    images = noise_images(3, 32, 32)
    expected = corrupt(images, name, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(corrupt(images, name, 5), expected)


@pytest.mark.parametrize("name", SPATIAL)
@settings(max_examples=4, deadline=None)
@given(severity=severities, count=st.sampled_from([2, 7, 61]))
def test_no_dependence_within_one_call_of_apply(name: str, severity: int, count: int) -> None:
    """Given its fields, an image becomes the same bytes alone and among others, whatever the engine's chunks."""
    what, constants = corruption(name), constants_of(name, severity, "tiny-imagenet-c")
    images = noise_images(count, 64, 64)
    images[0] = 255
    ids = torch.arange(count)
    fields = what.draw(images, constants, Random(3, name, severity, ids, images.device))
    together = what.apply(images, constants, fields)
    for k in (0, 1, count - 1):
        alone = what.apply(images[k : k + 1], constants, {key: f[k : k + 1] for key, f in fields.items()})
        assert torch.equal(alone[0], together[k])


@pytest.mark.parametrize("name", [name for name in SPATIAL if name != "elastic_transform"])
def test_severity_5_is_farther_from_the_image_than_1(name: str) -> None:
    """Later severities change an image more; elastic_transform's, as published, do not."""
    ramp = np.add.outer(np.arange(64), np.arange(64)) * 2
    checks = (np.indices((64, 64)) // 8).sum(axis=0) % 2 * 90
    images = torch.from_numpy((ramp % 160 + checks).astype(np.uint8)).expand(16, 3, 64, 64).contiguous()
    weak, strong = (
        (corrupt(images, name, severity, protocol="tiny-imagenet-c").float() - images.float()).abs().mean()
        for severity in (1, 5)
    )
    assert strong > weak
