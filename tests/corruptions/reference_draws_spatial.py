"""The reference scripts' random draws of the corruptions that move, blur or cover; see `reference_draws`."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Fields = dict[str, npt.NDArray[np.generic]]
Image = npt.NDArray[np.uint8]
Constants = Mapping[str, float]


def _glass(random: np.random.RandomState, image: Image, constants: Constants) -> Fields:
    """One dx and dy per pixel of the interior and pass, from the last pixel to the first."""
    delta, passes = int(constants["delta"]), int(constants["iterations"])
    height, width = (size - 2 * delta for size in image.shape[:2])
    steps = random.randint(-delta, delta, size=(passes * height * width, 2))
    raster = steps.reshape(passes, height, width, 2)[:, ::-1, ::-1]
    return {"dx": raster[..., 0].copy(), "dy": raster[..., 1].copy()}


def _motion(random: np.random.RandomState, image: Image, constants: Constants) -> Fields:
    return {"angle": np.asarray(random.uniform(-45, 45))}


def _snow(random: np.random.RandomState, image: Image, constants: Constants) -> Fields:
    noise = random.standard_normal(image.shape[:2])
    return {"noise": noise, "angle": np.asarray(random.uniform(-135, -45))}


def _elastic(random: np.random.RandomState, image: Image, constants: Constants) -> Fields:
    reach = constants["unit"] * constants["jitter"]
    fields: Fields = {"jitter": random.uniform(-reach, reach, size=(3, 2)).astype(np.float32)}
    if constants["alpha"]:  # the reference draws the two fields all the same, last, and multiplies by 0
        fields["shift"] = random.uniform(-1, 1, size=(2, *image.shape[:2]))  # dx, then dy
    return fields


def _spatter(random: np.random.RandomState, image: Image, constants: Constants) -> Fields:
    return {"noise": random.standard_normal(image.shape[:2])}


SPATIAL_DRAWS = {
    "glass_blur": _glass,
    "motion_blur": _motion,
    "snow": _snow,
    "elastic_transform": _elastic,
    "spatter": _spatter,
}
