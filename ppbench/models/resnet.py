"""ResNets: torchvision's own ResNet-18, -34 and -50, and those of He et al. (2016, section 4.2) for CIFAR.

The CIFAR ones have three stages of 16, 32 and 64 planes, 6n + 2 layers. Parameters have torchvision's names (conv1,
bn1, layer1..3, downsample, fc). Where a stage begins, the shortcut is a 1 x 1 convolution with batch normalisation
(option B, as in the push-pull checkpoints of 2020), or the strided input padded with zero channels (option A, which
has no parameters).
"""

from typing import TYPE_CHECKING, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ppbench.models.stems import PLAIN, Stem

if TYPE_CHECKING:
    from torchvision import models

Shortcut = Literal["A", "B"]


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut, (N, in, H, W) -> (N, planes, H / stride, W / stride)."""

    def __init__(self, in_planes: int, planes: int, stride: int, shortcut: Shortcut) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_planes != planes:
            self.downsample = (
                _PadShortcut(in_planes, planes, stride)
                if shortcut == "A"
                else nn.Sequential(
                    nn.Conv2d(in_planes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes)
                )
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(F(x) + shortcut(x))."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class _PadShortcut(nn.Module):
    """Option A: every stride-th pixel, and zero channels on both sides."""

    def __init__(self, in_planes: int, planes: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.before = (planes - in_planes) // 2
        self.after = planes - in_planes - self.before

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.after))


class CifarResNet(nn.Module):
    """A ResNet for small images, (N, 3, H, W) -> logits (N, num_classes).

    Args:
        depth: 6n + 2 layers: 20, 32, 44, 56, 110.
        num_classes: width of the output.
        stem: the first convolution, 3 x 3, stride 1.
        shortcut: option A or B of He et al.
    """

    def __init__(
        self, depth: int, num_classes: int = 10, stem: Stem = PLAIN, shortcut: Shortcut = "B"
    ) -> None:
        super().__init__()
        blocks = (depth - 2) // 6
        if depth != 6 * blocks + 2:
            raise ValueError(f"expected depth to be 6 n + 2, got {depth}")
        self.conv1 = stem.conv(3, 16, 3, stride=1, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks, 1, shortcut)
        self.layer2 = _stage(16, 32, blocks, 2, shortcut)
        self.layer3 = _stage(32, 64, blocks, 2, shortcut)
        self.fc = nn.Linear(64, num_classes)
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d) and not name.startswith("conv1"):  # the stem draws its own
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


def _stage(in_planes: int, planes: int, blocks: int, stride: int, shortcut: Shortcut) -> nn.Sequential:
    rest = [BasicBlock(planes, planes, 1, shortcut) for _ in range(blocks - 1)]
    return nn.Sequential(BasicBlock(in_planes, planes, stride, shortcut), *rest)


Depth = Literal[18, 34, 50]

# Images up to this side get the CIFAR stem: 3 x 3, stride 1, and no max-pooling.
SMALL_IMAGES = 64


def resnet(depth: Depth, num_classes: int, image_size: int, stem: Stem = PLAIN) -> "models.ResNet":
    """Return a ResNet, (N, 3, image_size, image_size) -> logits (N, num_classes).

    With the ImageNet stem (7 x 7, stride 2, max-pooling) and a plain convolution it is torchvision's network,
    untouched. A push-pull stem replaces `conv1` alone.

    Args:
        depth: 18, 34 or 50.
        num_classes: width of the output.
        image_size: side of the images in pixels; up to 64 the stem is the CIFAR one.
        stem: the kind of first convolution.
    """
    # torchvision takes a second of processor time to import, which networks for small images need not wait for.
    from torchvision import models

    builders = {18: models.resnet18, 34: models.resnet34, 50: models.resnet50}
    network: models.ResNet = builders[depth](weights=None, num_classes=num_classes)
    if image_size <= SMALL_IMAGES:
        # torchvision's annotations say Conv2d and MaxPool2d; forward() calls whatever is there.
        network.conv1 = stem.conv(3, 64, 3, stride=1, padding=1)
        network.maxpool = nn.Identity()
    elif stem != PLAIN:
        network.conv1 = stem.conv(3, 64, 7, stride=2, padding=3)
    return network
