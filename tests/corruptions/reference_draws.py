"""The reference scripts' random draws, made with NumPy's legacy generator in the reference's order.

`DRAWS[name](random, image, constants)` returns one image's random fields as the corruption's `apply` takes
them, without the batch dimension. `random` must be `numpy.random.RandomState(100 * k + severity)` for image k
of the golden files; `image` is uint8 (H,W,3).
"""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.corruptions.reference_draws_spatial import SPATIAL_DRAWS

Fields = dict[str, npt.NDArray[np.generic]]
Draw = Callable[[np.random.RandomState, npt.NDArray[np.uint8], Mapping[str, float]], Fields]


def _normal(
    random: np.random.RandomState, image: npt.NDArray[np.uint8], constants: Mapping[str, float]
) -> Fields:
    return {"noise": random.standard_normal(image.shape).transpose(2, 0, 1)}


def _photons(
    random: np.random.RandomState, image: npt.NDArray[np.uint8], constants: Mapping[str, float]
) -> Fields:
    return {"counts": random.poisson(image / 255.0 * constants["rate"]).transpose(2, 0, 1)}


def _frost(
    random: np.random.RandomState, image: npt.NDArray[np.uint8], constants: Mapping[str, float]
) -> Fields:
    texture = random.randint(5)
    spec = find_spec("imagecorruptions")
    assert spec is not None
    assert spec.origin is not None
    name = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")[texture]
    with Image.open(Path(spec.origin).parent / "frost" / name) as photograph:
        width, height = (round(side * constants["scale"]) for side in photograph.size)
    row = random.randint(0, height - image.shape[0])
    column = random.randint(0, width - image.shape[1])
    return {"texture": np.asarray(texture), "row": np.asarray(row), "column": np.asarray(column)}


def _fog(
    random: np.random.RandomState, image: npt.NDArray[np.uint8], constants: Mapping[str, float]
) -> Fields:
    size = 1 << (max(image.shape[:2]) - 1).bit_length()
    return {"roughness": random.random_sample(size * size - 1)}


DRAWS: dict[str, Draw] = {
    "gaussian_noise": _normal,
    "speckle_noise": _normal,
    "shot_noise": _photons,
    "frost": _frost,
    "fog": _fog,
    **SPATIAL_DRAWS,
}
