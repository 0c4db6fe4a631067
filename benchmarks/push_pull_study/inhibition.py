"""What training leaves of the inhibition: the strengths of a push-pull layer's pull responses, a number per filter."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from benchmarks.push_pull_study.plan import Network, Study
from ppbench.models.load import load_model
from ppbench.models.push_pull import PushPullConv2d

_WEAK = 0.1
"""Below this a filter is a plain convolution with a rectifier, nearly: the pull response is a tenth of the push's."""


def inhibition(study: Study, keys: Sequence[Network], weights: Path) -> str:
    """Return a table of the strengths that training left, over all seeds; they begin uniform in [0, 1).

    Args:
        study: the study.
        keys: its networks that are there.
        weights: where they are.
    """
    lines = [
        "| network | filters | mean | median | greatest | below 0.1 | below 0 |",
        "|---|---|---|---|---|---|---|",
    ]
    for variant in study.variants:
        seeds = [seed for each, seed in keys if each == variant and variant.stem]
        if not seeds:
            continue
        found = [_strengths(variant.file(weights, seed)) for seed in seeds]
        all_of_them = np.concatenate(found)
        middle = f"{all_of_them.mean():.2f} | {np.median(all_of_them):.2f} | {all_of_them.max():.2f}"
        shares = [f"{100 * np.mean(all_of_them < limit):.0f} %" for limit in (_WEAK, 0.0)]
        lines.append(
            f"| {variant.label} | {len(all_of_them)} | {middle} | {' | '.join(shares)} |".replace("-", "−")
        )
    return "\n".join(lines) + "\n"


def _strengths(file: Path) -> npt.NDArray[np.float32]:
    """Return the strengths of the only push-pull layer in a file, (filters,)."""
    modules = load_model(checkpoint=file).module.modules()
    (layer,) = (module for module in modules if isinstance(module, PushPullConv2d))
    assert isinstance(layer.pull_inhibition_strength, Tensor)  # a number where it is not trained
    strengths: npt.NDArray[np.float32] = layer.pull_inhibition_strength.detach().numpy()
    return strengths
