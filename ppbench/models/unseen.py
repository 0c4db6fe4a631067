"""What leaves no trace in weights: stride, padding, pooling and the like, which an architecture's name settles."""

from ppbench.models.registry import Architecture

_SMALL_STEM = "stem of stride 1 and padding 1, no max-pooling"
_LARGE_STEM = "stem of stride 2 and padding 3, 3x3 max-pooling of stride 2"
_STAGES = {"cifar-resnet": "1, 2, 2", "resnet": "1, 2, 2, 2"}


def unseen(found: Architecture, kernel: int) -> str:
    """Return, as a clause, what a network of ppbench has that its weights do not show.

    Args:
        found: a network of the registry.
        kernel: side of its first kernel in the weights, which shows whether it is made for small images.
    """
    if found.family == "alexnet":
        parts = (
            ["stem of stride 2 and padding 1", "2x2 max-pooling after convolutions 1, 2 and 5"]
            if kernel == 3
            else [
                "stem of stride 4 and padding 2",
                "3x3 max-pooling of stride 2 after convolutions 1, 2 and 5",
            ]
        )
        return _clause([*parts, "ReLU"])
    parts = [_SMALL_STEM if kernel == 3 else _LARGE_STEM, f"stages of stride {_STAGES[found.family]}"]
    if found.base == "resnet50":
        parts.append("in their 3x3 convolutions")
    if found.base.endswith("a"):
        parts.append("shortcuts padded with zeros")
    return _clause([*parts, "no dilation", "ReLU", "batch-norm epsilon 1e-5"])


def _clause(parts: list[str]) -> str:
    return f"what weights do not show: {', '.join(parts)}"
