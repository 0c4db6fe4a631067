"""Has the network been trained, and loaded whole? Weights that are not finite and fresh batch norms say no."""

from torch import Tensor, nn

from ppbench.setup.finding import WEIGHTS, Finding


def judge(module: nn.Module) -> Finding:
    """Look for weights that are no numbers, and for layers that are as they were made.

    A batch norm begins with running means of exactly 0 and variances of exactly 1, and no image leaves it so.
    """
    spoilt = [
        name
        for name, tensor in module.state_dict().items()
        if isinstance(tensor, Tensor) and tensor.is_floating_point() and not tensor.isfinite().all()
    ]
    if spoilt:
        more = f" and {len(spoilt) - 1} more" if len(spoilt) > 1 else ""
        text = f"{spoilt[0]}{more} holds numbers that are not finite"
        return Finding(WEIGHTS, "wrong", text, "is the file damaged, or did its training diverge?")
    statistics = [
        (getattr(layer, "running_mean", None), getattr(layer, "running_var", None))
        for layer in module.modules()
    ]
    layers = [(mean, var) for mean, var in statistics if isinstance(mean, Tensor) and isinstance(var, Tensor)]
    if not layers:
        return Finding(WEIGHTS, "skipped", "no layer that shows whether it was trained")
    fresh = [mean for mean, var in layers if bool((mean == 0).all() and (var == 1).all())]
    if not fresh:
        return Finding(WEIGHTS, "ok", f"all {len(layers)} layers with running statistics have seen images")
    # A layer that the network does not use looks the same: some are a notice, all are no trained network.
    return Finding(
        WEIGHTS,
        "wrong" if len(fresh) == len(layers) else "notice",
        f"{len(fresh)} of {len(layers)} layers with running statistics have never seen an image (mean 0, variance 1)",
        "were all weights loaded, and none initialised again afterwards?",
    )
