"""ResNet-18, -34 and -50: torchvision's own networks, with the stem that the images and the name ask for."""

from typing import Literal

from torch import nn
from torchvision import models

from ppbench.models.stems import PLAIN, Stem

Depth = Literal[18, 34, 50]

# Images up to this side get the CIFAR stem: 3 x 3, stride 1, and no max-pooling.
SMALL_IMAGES = 64

_NETWORKS = {18: models.resnet18, 34: models.resnet34, 50: models.resnet50}


def resnet(depth: Depth, num_classes: int, image_size: int, stem: Stem = PLAIN) -> models.ResNet:
    """Return a ResNet, (N, 3, image_size, image_size) -> logits (N, num_classes).

    With the ImageNet stem (7 x 7, stride 2, max-pooling) and a plain convolution it is torchvision's network,
    untouched. A push-pull stem replaces `conv1` alone.

    Args:
        depth: 18, 34 or 50.
        num_classes: width of the output.
        image_size: side of the images in pixels; up to 64 the stem is the CIFAR one.
        stem: the kind of first convolution.
    """
    network: models.ResNet = _NETWORKS[depth](weights=None, num_classes=num_classes)
    if image_size <= SMALL_IMAGES:
        # torchvision's annotations say Conv2d and MaxPool2d; forward() calls whatever is there.
        network.conv1 = stem.conv(3, 64, 3, stride=1, padding=1)
        network.maxpool = nn.Identity()
    elif stem != PLAIN:
        network.conv1 = stem.conv(3, 64, 7, stride=2, padding=3)
    return network
