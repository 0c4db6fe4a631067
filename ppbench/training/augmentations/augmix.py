"""AugMix (Hendrycks et al., ICLR 2020), as torchvision has it."""

from ppbench.training.augmentations.one_by_one import PerImage


class AugMix(PerImage):
    """AugMix: the weighted mean of an image and of chains of simple operations on it.

    It is torchvision's, which differs from the authors' scripts:

    - a magnitude is one of the first `severity` of 10 even steps up to the greatest, the first of which does nothing;
      the authors draw it uniformly from 0.01 to `severity` / 10 of the greatest;
    - the mean is that of uint8 levels, truncated to uint8; theirs is that of normalised numbers, not rounded;
    - rotations and shears interpolate linearly, as theirs do, but shear about the upper left corner with black outside.
    """

    def __init__(
        self, *, severity: int = 3, width: int = 3, depth: int = -1, alpha: float = 1.0, all_ops: bool = False
    ) -> None:
        """Make one.

        Args:
            severity: strength of the operations, 1 to 10; 3 for CIFAR, and 1 in the authors' script for ImageNet.
            width: number of chains.
            depth: operations a chain; -1 draws 1, 2 or 3 for each.
            alpha: of the Dirichlet and Beta distributions of the weights.
            all_ops: with colour, contrast, brightness and sharpness too, which overlap the benchmark's corruptions: the
                authors leave them out for that reason; the 2024 push-pull authors trained with them.
        """
        from torchvision.transforms import v2

        super().__init__(
            v2.AugMix(
                severity=severity, mixture_width=width, chain_depth=depth, alpha=alpha, all_ops=all_ops
            ),
            "augmix",
        )
