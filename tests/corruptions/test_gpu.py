import numpy as np
import pytest
import torch

from corruptions import EXTRA_NAMES, NAMES, PROTOCOLS, Random, corrupt, jpeg_round_trip, protocol
from corruptions.jpeg import Codec
from corruptions.pixels import divided

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def images(size: int) -> torch.Tensor:
    """Return four smooth images with some texture, uint8 (4,3,size,size)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] / 32
    waves = np.stack([np.sin(3 * x + k) + np.cos(2 * y - k) for k in range(12)]).reshape(4, 3, size, size)
    return torch.from_numpy((127 + 50 * waves + rng.normal(0, 8, waves.shape)).clip(0, 255).astype(np.uint8))


def test_the_random_bits_are_the_same() -> None:
    """Integer draws have the same bits on CPU and GPU; normal numbers agree to a few last places."""
    ids = torch.tensor([0, 7, -3, 2**40])
    cpu, gpu = (Random(5, "fog", 2, ids, torch.device(d)) for d in ("cpu", "cuda"))
    assert torch.equal(gpu.bits("a", 1001).cpu(), cpu.bits("a", 1001))
    assert torch.equal(gpu.uniform("a", 1001).cpu(), cpu.uniform("a", 1001))
    assert torch.equal(gpu.integers("a", 1001, low=-3, high=9).cpu(), cpu.integers("a", 1001, low=-3, high=9))
    assert torch.allclose(gpu.normal("a", 1001).cpu(), cpu.normal("a", 1001), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("by", [255.0, 17.0, 9.0, 6.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_quotients_are_the_same(by: float, dtype: torch.dtype) -> None:
    """A GPU divides by a number as the CPU does, to the last bit, and does not multiply by its reciprocal."""
    values = torch.arange(100_000).to(dtype)
    there = divided(values.cuda(), by).cpu()
    assert torch.equal(there, divided(values, by))


@pytest.mark.parametrize("name", [*NAMES, *EXTRA_NAMES])
@pytest.mark.parametrize("of", PROTOCOLS)
def test_the_images_are_the_same(name: str, of: str) -> None:
    """At every severity the GPU's image is off the CPU's by 1 level at most, on at most 0.1 % of the values."""
    batch = images(protocol(of).size)
    for severity in range(1, 6):
        cpu = corrupt(batch, name, severity, protocol=of)
        gpu = corrupt(batch.cuda(), name, severity, protocol=of)
        assert gpu.is_cuda
        off = (gpu.cpu().int() - cpu.int()).abs()
        assert off.max() <= 1
        assert (off > 0).double().mean() <= 0.001


@pytest.mark.parametrize("quality", [7, 25, 85, 95])
@pytest.mark.parametrize("codec", ["ijg9", "published", "turbo"])
def test_jpeg_is_the_same(quality: int, codec: Codec) -> None:
    """The JPEG round trip is exact arithmetic: the GPU's pixels equal the CPU's, which are the libraries'."""
    batch = images(131)[:, :, :, :117].contiguous()
    there = jpeg_round_trip(batch.cuda(), quality, codec=codec).cpu()
    assert torch.equal(there, jpeg_round_trip(batch, quality, codec=codec))
