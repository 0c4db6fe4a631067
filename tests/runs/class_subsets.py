"""Some of ImageNet's classes, images of them, and a network of 1,000 outputs that answers them by their colours."""

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from ppbench.data.classes import class_list

WNIDS = class_list("imagenet100")[20:26]
IMAGENET = class_list("imagenet")
PLACES = [IMAGENET.index(wnid) for wnid in WNIDS]

# No two are told apart by their red and blue swapped: that must not look like another order of the classes.
COLOURS = torch.tensor(
    [(0.9, 0.2, 0.1), (0.7, 0.6, 0.1), (0.9, 0.9, 0.3), (0.6, 0.1, 0.4), (0.8, 0.4, 0.6), (0.5, 0.5, 0.1)]
)


class Colours(nn.Module):
    """Answers with the class whose colour is nearest to an image's mean; the other outputs are far behind."""

    def __init__(
        self, places: Sequence[int] = PLACES, outputs: int = 1000, *, probable: bool = False
    ) -> None:
        super().__init__()
        self.register_buffer("colours", torch.full((outputs, 3), 9.0))
        self.colours[list(places)] = COLOURS
        self.probable = probable

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, outputs) logits, or probabilities."""
        logits = -20 * ((images.mean((2, 3))[:, None] - self.colours) ** 2).sum(2)
        return logits.softmax(1) if self.probable else logits


def written(root: Path, images: Tensor, labels: Sequence[int]) -> Path:
    """Write images uint8 (n, 3, H, W) into the class folders of their labels; every folder is there."""
    for name in WNIDS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for k, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(root / WNIDS[label] / f"{k:03}.png")
    return root


def coloured(root: Path, count: int = 72) -> Path:
    """Write so many images into the folders that `Colours` answers with: its clean error is 0."""
    labels = torch.arange(count) % len(WNIDS)
    shade = COLOURS[labels] + 0.03 * torch.randn(count, 3, generator=torch.Generator().manual_seed(2))
    images = (shade.clamp(0, 1) * 255).round().to(torch.uint8)[:, :, None, None].expand(-1, -1, 256, 256)
    return written(root, images, labels.tolist())
