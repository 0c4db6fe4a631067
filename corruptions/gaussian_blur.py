"""gaussian_blur: an isotropic Gaussian with replicated edges."""

from torch import Tensor

from corruptions.convolution import gaussian_blur
from corruptions.definition import Constants, Corruption, Fields


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature for all
    return gaussian_blur(images, constants["sigma"])


GAUSSIAN_BLUR = Corruption("gaussian_blur", "extra", 3, _apply)
