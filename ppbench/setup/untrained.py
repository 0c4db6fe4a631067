"""Has the network been trained, and loaded whole? A batch norm that has never seen an image says no."""

from torch import nn

from ppbench.setup.finding import Finding

WEIGHTS = "weights"


def judge(module: nn.Module) -> Finding:
    """Look for layers that are as they were made.

    A batch norm begins with running means of exactly 0 and variances of exactly 1, and no image leaves it so.
    """
    layers = [
        layer
        for layer in module.modules()
        if getattr(layer, "running_mean", None) is not None and getattr(layer, "running_var", None) is not None
    ]
    if not layers:
        return Finding(WEIGHTS, "skipped", "no layer that shows whether it was trained")
    fresh = [layer for layer in layers if (layer.running_mean == 0).all() and (layer.running_var == 1).all()]
    if not fresh:
        return Finding(WEIGHTS, "ok", f"all {len(layers)} layers with running statistics have seen images")
    return Finding(
        WEIGHTS,
        "wrong",
        f"{len(fresh)} of {len(layers)} layers with running statistics have never seen an image (mean 0, variance 1)",
        "were all weights loaded, and none initialised again afterwards?",
    )
