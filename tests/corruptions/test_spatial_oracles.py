"""The building blocks against the libraries that the reference calls: OpenCV, SciPy, scikit-image."""

from decimal import Decimal
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.ndimage
import skimage.color
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corruptions import PROTOCOLS, SEVERITIES, constants_of, corruption
from corruptions.convolution import gaussian_weights, smooth, smooth_in_turn
from corruptions.defocus_blur import disk_kernel
from corruptions.edges import UNIT, canny, chamfer_distance
from corruptions.elastic_transform import affine_sources, warped
from corruptions.gaussian_blur import gaussian_blur
from corruptions.glass_blur import shuffle_map
from corruptions.motion_blur import motion_blur
from corruptions.spatter import box_mean, equalised
from corruptions.zoom_blur import zoom_centre, zoom_factors, zoomed_centre

sizes = st.tuples(st.integers(32, 90), st.integers(32, 90))
SIDES = {"cifar-c": 32, "tiny-imagenet-c": 64, "imagenet-c": 224}
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=12, deadline=None)


def pictures(seed: int, height: int, width: int, count: int = 2, blur: float = 1.5) -> torch.Tensor:
    """Smooth random grey pictures with a flat part, whole levels in float32 (count,H,W)."""
    noise = np.random.default_rng(seed).normal(size=(count, height, width))
    smooth_noise = scipy.ndimage.gaussian_filter(noise, (0, blur, blur)) * blur * 200 + 100
    return torch.from_numpy(np.floor(np.clip(smooth_noise, 0, 255)).astype(np.float32))


@few
@given(sizes, seeds, st.floats(0.3, 4))
def test_canny_finds_opencvs_edges(size: tuple[int, int], seed: int, blur: float) -> None:
    """Every edge pixel is the one cv2.Canny finds, weak chains that hang on a strong pixel included."""
    grey = pictures(seed, *size, blur=blur)
    edges = canny(grey, 50, 150)
    for picture, found in zip(grey, edges, strict=True):
        expected = cv2.Canny(picture.numpy().astype(np.uint8), 50, 150)
        assert np.array_equal(found.numpy() * np.uint8(255), expected)


@few
@given(sizes, seeds, st.sampled_from([0.0, 0.0005, 0.005, 0.1]))
def test_chamfer_distance_is_opencvs(size: tuple[int, int], seed: int, share: float) -> None:
    """The distance is cv2.distanceTransform's with the 5 x 5 mask, cut off at the limit, but for its rounding."""
    edges = np.random.default_rng(seed).random((2, *size)) < share
    found = chamfer_distance(torch.from_numpy(edges), 20)
    for picture, distance in zip(edges, found, strict=True):
        expected = cv2.distanceTransform(np.where(picture, 0, 255).astype(np.uint8), cv2.DIST_L2, 5)
        np.testing.assert_allclose(distance.numpy() / UNIT, np.minimum(expected, 20), rtol=0, atol=1e-5)


@few
@given(sizes, seeds, st.integers(0, 20), st.integers(0, 20))
def test_equalisation_is_opencvs(size: tuple[int, int], seed: int, low: int, high: int) -> None:
    """Levels are spread as cv2.equalizeHist spreads them; a picture of one level is left alone."""
    low, high = sorted((low, high))
    levels = np.random.default_rng(seed).integers(low, high, size=(2, *size), endpoint=True).astype(np.uint8)
    levels[1] = np.minimum(levels[1], levels[1, 0, 0])
    found = equalised(torch.from_numpy(levels).float())
    for picture, spread in zip(levels, found, strict=True):
        assert np.array_equal(spread.numpy(), cv2.equalizeHist(picture))


@few
@given(sizes, seeds)
def test_box_mean_rounds_to_opencvs(size: tuple[int, int], seed: int) -> None:
    """The 3 x 3 mean of 8-bit pictures, rounded, is cv2.blur's."""
    levels = np.random.default_rng(seed).integers(0, 256, size=(2, *size)).astype(np.uint8)
    found = box_mean(torch.from_numpy(levels).float()).round()
    for picture, mean in zip(levels, found, strict=True):
        assert np.array_equal(mean.numpy(), cv2.blur(picture, (3, 3)))


@few
@given(sizes, seeds, st.sampled_from([0.2, 0.6, 1.0, 2.4, 6.0, 40.0]), st.booleans())
def test_smoothing_is_scipys(size: tuple[int, int], seed: int, sigma: float, symmetric: bool) -> None:
    """Gaussian smoothing agrees with scipy's at both borders, for kernels that outgrow the image too."""
    noise = np.random.default_rng(seed).uniform(-1, 1, size=(2, 1, *size))
    border, mode = ("symmetric", "reflect") if symmetric else ("replicate", "nearest")
    truncate = 3.0 if symmetric else 4.0
    found = smooth(torch.from_numpy(noise).float(), sigma, truncate=truncate, border=border)
    expected = scipy.ndimage.gaussian_filter(noise, (0, 0, sigma, sigma), mode=mode, truncate=truncate)
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-6)


@pytest.mark.parametrize("sigma", [0.05, 0.25, 0.3])
def test_small_gaussians_are_exact(sigma: float) -> None:
    """Kernels of up to three taps, whose values lie next to whole levels, give scikit-image's very levels.

    Its levels are kept in a file, with the versions that made them: a last bit that falls otherwise decides a level.
    """
    with np.load(Path(__file__).with_name("small_gaussians.npz")) as kept:
        found = gaussian_blur(torch.from_numpy(kept["clean"]), sigma)
        assert np.array_equal(found.numpy(), kept[str(sigma)]), f"made with {kept['versions']}"


def test_the_weights_do_not_depend_on_the_python() -> None:
    """They are added from the left to the right, as NumPy adds so few; Python's own sum does not since 3.12."""
    assert [weight.hex() for weight in gaussian_weights(0.25)] == [
        "0x1.5f85afe8486ddp-12",
        "0x1.ffa81e9405ee0p-1",
        "0x1.5f85afe8486ddp-12",
    ]


@pytest.mark.parametrize(
    ("radius", "alias_blur"), [(0.3, 0.4), (0.5, 0.6), (1, 0.2), (2.5, 0.01), (4, 0.5), (8, 0.5), (10, 0.5)]
)
def test_disk_kernel_is_opencvs(radius: float, alias_blur: float) -> None:
    """The kernel is the reference's: a float32 disk softened by cv2.GaussianBlur, cropped to its weights."""
    axis = np.arange(-8, 9) if radius <= 8 else np.arange(-radius, radius + 1)
    disk = (axis[:, None] ** 2 + axis**2 <= radius**2).astype(np.float32)
    taps = (3, 3) if radius <= 8 else (5, 5)
    expected = cv2.GaussianBlur(disk / disk.sum(), ksize=taps, sigmaX=alias_blur)
    kernel = disk_kernel(radius, alias_blur).numpy()
    margin = (len(expected) - len(kernel)) // 2
    found = np.pad(kernel, margin)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    # The side of 1 on which the sum lies decides the level of a flat region.
    assert (found.sum() >= 1) == (expected.astype(np.float64).sum() >= 1)


def test_disks_that_touch_their_grid_brighten() -> None:
    """At radius 8 and 10 the softening reflects weight back into the grid: the weights sum to more than 1."""
    assert disk_kernel(8, 0.5).sum() == pytest.approx(1.01298, abs=1e-5)
    assert disk_kernel(10, 0.5).sum() == pytest.approx(1.01079, abs=1e-5)


@few
@given(sizes, st.floats(1, 4.5))
def test_zoom_is_scipys(size: tuple[int, int], factor: float) -> None:
    """The magnified centre is scipy.ndimage.zoom's, trimmed to the image's size.

    At some sizes scipy's rounding takes the last row or column for one outside the image and makes it 0; none of the
    protocols' sizes and factors is among them. Its nearest mode shows what it does otherwise.
    """
    image = np.random.default_rng(0).random(size)
    cut = [int(np.ceil(side / factor)) for side in size]
    top, left = ((side - part) // 2 for side, part in zip(size, cut, strict=True))
    centre = image[top : top + cut[0], left : left + cut[1]]
    zoomed = scipy.ndimage.zoom(centre, factor, order=1, mode="nearest")
    top, left = ((big - side) // 2 for big, side in zip(zoomed.shape, size, strict=True))
    expected = zoomed[top : top + size[0], left : left + size[1]]
    found = zoom_centre(torch.from_numpy(image)[None, None].float(), factor)[0, 0]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


def test_zoom_factors_keep_numpys_rounding() -> None:
    """The number of zooms is numpy.arange's, the end included where rounding includes it."""
    counts = {}
    for stop, step in [(1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)]:
        factors = zoom_factors(stop, step)
        np.testing.assert_array_equal(factors, np.arange(1, stop, step))
        counts[stop] = len(factors)
    assert list(counts.values()) == [12, 16, 11, 13, 11]
    assert [len(zoom_factors(1 + 0.05 * i + 0.01, 0.01)) for i in range(1, 6)] == [7, 12, 16, 21, 26]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_zoom_of_the_protocols_is_scipys_to_the_last_bit(protocol: str) -> None:
    """In float64: sums of products in another order would end on the other side of some level."""
    side = SIDES[protocol]
    image = np.random.default_rng(0).integers(0, 256, (side, side)) / 255.0
    for severity in SEVERITIES:
        constants = constants_of("zoom_blur", severity, protocol)
        for factor in zoom_factors(constants["stop"], constants["step"]):
            cut = int(np.ceil(side / factor))
            top = (side - cut) // 2
            zoomed = scipy.ndimage.zoom(image[top : top + cut, top : top + cut], factor, order=1)
            top = (len(zoomed) - side) // 2
            expected = zoomed[top : top + side, top : top + side]
            assert np.array_equal(zoomed_centre(torch.from_numpy(image)[None], factor)[0].numpy(), expected)


@pytest.mark.parametrize("sigma", [0.3, 0.4, 0.6, 0.7, 0.75, 0.8, 1, 2, 3, 4, 6])
def test_gaussian_blur_is_scipys_to_the_last_tie(sigma: float) -> None:
    """Of photographs' levels, with weights by a correctly rounded exponential, added up as NumPy adds them."""
    images = np.random.default_rng(0).integers(0, 256, (2, 61, 64, 3), np.uint8)
    images[1, 20:50, 10:40] = 255  # flat parts, whose sums end a hair below a whole level or on it
    weights = np.array([float(Decimal(-0.5 / (sigma * sigma) * (i * i)).exp()) for i in _taps(sigma)])
    weights /= weights.sum()
    shares = images / 255.0
    for axis in (1, 2):
        shares = scipy.ndimage.correlate1d(shares, weights, axis, mode="nearest")
    expected = (np.clip(shares, 0, 1) * 255).astype(np.uint8)
    found = gaussian_blur(torch.from_numpy(images).permute(0, 3, 1, 2), sigma)
    assert np.array_equal(found.permute(0, 2, 3, 1).numpy(), expected)


def _taps(sigma: float) -> range:
    radius = int(4 * sigma + 0.5)
    return range(-radius, radius + 1)


@pytest.mark.parametrize("red", range(0, 256, 51))
def test_changes_through_hsv_are_scikit_images_to_the_last_tie(red: int) -> None:
    """Every colour of this much red, at the severities of all protocols."""
    shades = np.arange(256, dtype=np.uint8)
    colours = np.stack(np.broadcast_arrays(np.uint8(red), shades[:, None], shades), -1)
    images = torch.from_numpy(colours).permute(2, 0, 1)[None]
    hsv = skimage.color.rgb2hsv(colours / 255.0)
    asked = {
        (name, tuple(constants_of(name, severity, protocol).items()))
        for name in ("brightness", "saturate")
        for severity in SEVERITIES
        for protocol in PROTOCOLS
    }
    for name, constants in asked:
        changed, given = hsv.copy(), dict(constants)
        if name == "brightness":
            changed[..., 2] = np.clip(changed[..., 2] + given["shift"], 0, 1)
        else:
            changed[..., 1] = np.clip(changed[..., 1] * given["scale"] + given["shift"], 0, 1)
        expected = (np.clip(skimage.color.hsv2rgb(changed), 0, 1) * 255).astype(np.uint8)
        found = corruption(name).apply(images, given, {})[0].permute(1, 2, 0).numpy()
        assert np.array_equal(found, expected), (name, given)


@few
@given(st.integers(8, 20), st.integers(8, 20), st.integers(1, 3), st.integers(1, 3), seeds)
def test_glass_copies_one_pixel_after_the_other(
    height: int, width: int, delta: int, passes: int, seed: int
) -> None:
    """The map of all pixels at once is what the reference's loop does, where its swap is a copy."""
    steps = np.random.default_rng(seed).integers(
        -delta, delta, size=(2, 2, passes, height - 2 * delta, width - 2 * delta)
    )
    found = shuffle_map(torch.from_numpy(steps[0]), torch.from_numpy(steps[1]), delta, height, width)
    for k in range(2):
        image = np.arange(height * width).reshape(height, width)
        for i in range(passes):
            for row in range(height - delta, delta, -1):
                for column in range(width - delta, delta, -1):
                    dx, dy = steps[:, k, i, row - delta - 1, column - delta - 1]
                    image[row, column] = image[row + dy, column + dx]
        assert np.array_equal(found[k].numpy(), image.ravel())


@few
@given(sizes, seeds, st.floats(-180, 180), st.integers(1, 20))
def test_motion_blur_sums_along_the_line(size: tuple[int, int], seed: int, angle: float, radius: int) -> None:
    """The blur is the weighted mean of the pixels nearest to equal steps along the line, edges repeated.

    As ImageMagick has it: a level is 257 of 65,535, the mean is rounded to one of these, and then cut off to a level.
    """
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, size=(3, 2, *size)).astype(np.uint8)
    images[2, :, :20, :20] = 100  # a flat part
    angles = np.array([angle, rng.uniform(-45, 45), angle])
    found = motion_blur(torch.from_numpy(images), torch.from_numpy(angles), radius, 3.0)
    weights = np.exp(-((np.arange(2 * radius + 1) / 3.0) ** 2) / 2)
    rows, columns = (np.arange(side) for side in size)
    for k, theta in enumerate(np.deg2rad(angles)):
        mean = np.zeros(images[k].shape)
        for i, weight in enumerate(weights / weights.sum()):
            down, right = (int(np.ceil(i * part - 0.5)) for part in (np.sin(theta), np.cos(theta)))
            row, column = np.clip(rows + down, 0, size[0] - 1), np.clip(columns + right, 0, size[1] - 1)
            mean += weight * (257.0 * images[k][:, row[:, None], column])
        assert np.array_equal(found[k].numpy(), np.floor(mean + 0.5) // 257)


@few
@given(sizes, seeds, st.sampled_from([0.3, 0.6, 1.5]))
def test_smoothing_in_turn_is_scipys_of_single_precision(
    size: tuple[int, int], seed: int, sigma: float
) -> None:
    """SciPy rounds a float32 picture after either dimension; the last bit of splashes of mud decides levels."""
    mask = (np.random.default_rng(seed).random((2, *size)) < 0.5).astype(np.float32)
    expected = scipy.ndimage.gaussian_filter(mask, (0, sigma, sigma), mode="nearest")
    assert np.array_equal(smooth_in_turn(torch.from_numpy(mask), sigma).numpy(), expected)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_snow_is_opencvs_and_scipys(protocol: str, severity: int) -> None:
    """Around the motion blur: SciPy's zoom in float64, OpenCV's grey and NumPy's sums in float32, then float64.

    A flake at the threshold is there or not: no arithmetic but the reference's own gets all of them right.
    """
    side, c = SIDES[protocol], constants_of("snow", severity, protocol)
    rng = np.random.default_rng(severity)
    images = rng.integers(0, 256, (4, side, side, 3)).astype(np.uint8)
    images[3] = images[3] // 64 * 85  # black, white and the eight corners of colour among others
    noise, angle = rng.standard_normal((4, side, side)), rng.uniform(-135, -45, 4)
    fields = {"noise": torch.from_numpy(noise), "angle": torch.from_numpy(angle)}
    found = corruption("snow").apply(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), c, fields)
    for k in range(4):
        layer = noise[k] * c["std"] + c["mean"]
        cut = int(np.ceil(side / c["zoom"]))
        top = (side - cut) // 2
        layer = scipy.ndimage.zoom(layer[top : top + cut, top : top + cut], c["zoom"], order=1)
        top = (len(layer) - side) // 2
        layer = layer[top : top + side, top : top + side]
        layer = (np.clip(np.where(layer < c["threshold"], 0, layer), 0, 1) * 255).astype(np.uint8)
        flakes = motion_blur(
            torch.from_numpy(layer)[None, None], fields["angle"][k : k + 1], int(c["radius"]), c["sigma"]
        )
        fallen = flakes[0, 0].numpy()[..., None] / 255.0
        share = images[k].astype(np.float32) / np.float32(255)
        grey = cv2.cvtColor(share, cv2.COLOR_RGB2GRAY)[..., None]
        keep, rest = np.float32(c["keep"]), np.float32(1 - c["keep"])
        white = np.maximum(share, grey * np.float32(1.5) + np.float32(0.5))
        snowy = np.clip(keep * share + rest * white + fallen + np.rot90(fallen, 2), 0, 1) * 255
        assert np.array_equal(found[k].permute(1, 2, 0).numpy(), snowy.astype(np.uint8))


@few
@given(sizes, seeds)
def test_affine_map_is_opencvs(size: tuple[int, int], seed: int) -> None:
    """The affine map is that of cv2.getAffineTransform on the reference's three points, (H, W) read as (x, y)."""
    jitter = np.random.default_rng(seed).uniform(-3, 3, size=(1, 3, 2)).astype(np.float32)
    centre, side = np.float32(size) // 2, min(size) // 3
    before = np.float32(
        [centre + side, [centre[0] + side, centre[1] - side], [centre[0] - side, centre[1] - side]]
    )
    forward = cv2.getAffineTransform(before, before + jitter[0])
    backward = cv2.invertAffineTransform(forward)
    found = affine_sources(torch.from_numpy(jitter), *size)[0].T.numpy()
    np.testing.assert_allclose(found, backward, atol=1e-4)


@few
@given(sizes, seeds, st.floats(0, 12))
def test_displacement_is_scipys(size: tuple[int, int], seed: int, reach: float) -> None:
    """The displaced image is scipy.ndimage.map_coordinates', reflected about the edges however far outside."""
    rng = np.random.default_rng(seed)
    image = rng.random((1, 1, *size)).astype(np.float32) * 255
    shift = rng.uniform(-1, 1, size=(1, 2, *size)).astype(np.float32)
    rows, columns = np.mgrid[: size[0], : size[1]]
    expected = scipy.ndimage.map_coordinates(
        image[0, 0].astype(np.float64),
        [rows + reach * shift[0, 1].astype(np.float64), columns + reach * shift[0, 0].astype(np.float64)],
        order=1,
        mode="reflect",
    )
    found = warped(torch.from_numpy(image), torch.from_numpy(shift), reach)
    np.testing.assert_allclose(found[0, 0].numpy(), expected, atol=2e-2)
