"""AlexNet: torchvision's for large images, and a narrow one for small images.

For images up to 64 pixels it follows the variant that the 2020 push-pull paper (appendix 2) normalises
CIFAR-10-C with: 3 x 3 kernels, the first convolution with stride 2, and 1,024 inputs to the first linear
layer. That paper does not print the widths; these are narrow (32-64-96-64-256 and 256 hidden units, 0.61 M
parameters, 2.4 MB), so that the weights can ship. Modules are numbered as torchvision's, so that parameters
have the same names.
"""

from torch import Tensor, nn

from ppbench.models.resnet import SMALL_IMAGES
from ppbench.models.stems import PLAIN, Stem


class SmallAlexNet(nn.Module):
    """AlexNet for small images, (N, 3, 32, 32) -> logits (N, num_classes); other sizes are pooled to fit.

    Args:
        num_classes: width of the output.
        stem: the first convolution, 3 x 3, stride 2.
        dropout: probability in front of the two hidden layers; a fifth, as they are a sixteenth of AlexNet's width.
    """

    def __init__(self, num_classes: int = 10, stem: Stem = PLAIN, dropout: float = 0.2) -> None:
        super().__init__()
        self.features = nn.Sequential(
            stem.conv(3, 32, 3, stride=2, padding=1, bias=True),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 96, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(96, 64, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((2, 2))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 2 * 2, 256),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(256, 256),
            nn.ReLU(inplace=True),
            nn.Linear(256, num_classes),
        )
        for layer in self.modules():
            # Eight layers without normalisation: torch's own initial weights shrink the signal at each, and nothing
            # is learned. He et al.'s (2015) keep it.
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return logits


def alexnet(num_classes: int, image_size: int, stem: Stem = PLAIN) -> nn.Module:
    """Return AlexNet for images of `image_size` pixels: torchvision's above 64, `SmallAlexNet` up to it."""
    if image_size <= SMALL_IMAGES:
        return SmallAlexNet(num_classes, stem)
    from torchvision import models  # slow to import; see `ppbench.models.resnet.resnet`

    network: nn.Module = models.alexnet(weights=None, num_classes=num_classes)
    if stem != PLAIN:
        network.set_submodule("features.0", stem.conv(3, 64, 11, stride=4, padding=2, bias=True))
    return network
