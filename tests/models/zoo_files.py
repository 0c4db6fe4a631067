"""Networks of a zoo with random weights, and images that are labelled by their own answers in plain torch."""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from tests.models.foreign_files import write

Transform = Callable[[Image.Image], Tensor]


def photographs(size: int, count: int = 12) -> Tensor:
    """Smooth images of many colours and contrasts, uint8 (count, 3, size, size)."""
    generator = torch.Generator().manual_seed(size)
    coarse = torch.rand(count, 3, 7, 7, generator=generator)
    base, contrast = (torch.rand(count, 3, 1, 1, generator=generator) for _ in range(2))
    fine = F.interpolate(base + contrast * (coarse - 0.5), (size, size), mode="bicubic").clamp(0, 1)
    return (fine * 255).round().to(torch.uint8)


@torch.inference_mode()
def answering(network: nn.Module, transform: Transform, images: Tensor) -> Tensor:
    """Return a network's answers in plain torch, and settle its statistics and last bias so that they differ.

    A network of random weights calls every image the same: the mean of its logits goes into the last bias.
    """
    batch = torch.stack([transform(Image.fromarray(image.permute(1, 2, 0).numpy())) for image in images])
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = None  # the mean over all batches: here of one
    network.train()
    for dropout in network.modules():
        if "drop" in type(dropout).__name__.lower():
            dropout.eval()
    network(batch)
    network.eval()
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    nn.init.normal_(last.weight, std=0.1)  # some zoos begin with zeros
    last.bias -= network(batch).mean(0)
    return network(batch).argmax(1)


def saved(path: Path, network: nn.Module) -> Path:
    """Save a network's weights and nothing else."""
    return write(path, {key: value.clone() for key, value in network.state_dict().items()}, "safetensors")
