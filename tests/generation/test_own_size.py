"""Images that keep their own size: written and evaluated as they are, or refused corruption by corruption."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import corruptions
import ppbench
from corruptions.jpeg import STORAGE
from ppbench.data.own_size import nearest_protocol
from ppbench.data.sets import open_data
from ppbench.errors import InputError
from ppbench.generation.generate import GenerationConfig, generate
from ppbench.models.input_spec import InputSpec


def _images(root: Path, sizes: list[tuple[int, int]], *, grey: bool = False) -> Path:
    """Write images of these heights and widths into two class folders, in turn."""
    random = np.random.default_rng(0)
    for number, (height, width) in enumerate(sizes):
        place = root / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        # Smooth, as photographs are: a corruption then does something to it that can be seen.
        small = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        image = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
        (image.convert("L") if grey else image).save(place / f"{number:03d}.png")
    return root


def _spec(size: int, **more: object) -> InputSpec:
    return InputSpec(size, (0.5,) * 3, (0.25,) * 3, **more)  # type: ignore[arg-type]


class _Network(nn.Module):
    """Keeps the shape of what it is given."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.last = nn.Linear(12, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shapes.add(tuple(x.shape[2:]))
        out: torch.Tensor = self.last(nn.functional.adaptive_avg_pool2d(x, 2).flatten(1))
        return out


shapes: set[tuple[int, ...]] = set()


def test_fashion_mnists_size_is_evaluated_as_it_is(tmp_path: Path) -> None:
    """28 x 28, grey: all 15 + 4 corruptions with CIFAR-C's constants, in RGB; run.json and tables say so."""
    root = _images(tmp_path / "clothes", [(28, 28)] * 6, grey=True)
    shapes.clear()
    run = ppbench.evaluate(
        _Network(),
        spec=_spec(28),
        data="folder-c",
        root=root,
        size="own",
        corruptions="all",
        severities="1,5",
        out=tmp_path / "run",
    )
    assert len(run.tables[0].cells) == 38
    assert shapes == {(28, 28)}
    data = json.loads((tmp_path / "run" / "run.json").read_text())["data"]
    assert (data["size"], data["protocol"], data["image_size"]) == ("own", "cifar-c", [28, 28])
    assert data["jpeg_quality"] is None
    assert (
        "images at their own size, 28x28, under the constants of cifar-c, made for 32 pixels, the nearest size of a "
        "protocol"
    ) in run.context.notes
    assert run.context.protocol == "cifar-c"


@pytest.mark.slow
def test_the_pixels_are_those_of_the_corruption_alone(tmp_path: Path) -> None:
    """No resizing before, no padding: what is stored for 28 pixels is what `corrupt` makes of the image."""
    root, out = _images(tmp_path / "clothes", [(28, 28)] * 3), tmp_path / "out"
    made = generate(
        GenerationConfig("folder-c", root, None, 5, out, size="own"), ["fog", "glass_blur"], workers=1
    )
    assert (made.facts["protocol"], made.facts["size"], made.facts["jpeg_quality"]) == (
        "cifar-c",
        "own",
        None,
    )
    clean = np.stack([np.asarray(Image.open(path)) for path in sorted(root.glob("*/*.png"))])
    for name in ("fog", "glass_blur"):
        for severity in (1, 5):
            stored = [
                np.asarray(Image.open(path)) for path in sorted((out / name / str(severity)).glob("*/*.png"))
            ]
            wanted = corruptions.corrupt(clean, name, severity, protocol="cifar-c", seed=5, any_size=True)
            np.testing.assert_array_equal(np.stack(stored), wanted)
            assert not np.array_equal(wanted, clean)
    source = open_data("folder-c", root=out, size="own", corruptions=["fog"])
    assert (source.image_size, source.protocol, source.origin) == ((28, 28), "cifar-c", "generated")
    assert "made with the constants of cifar-c" in " ".join(source.notes)
    with pytest.raises(InputError, match="made with the constants of cifar-c, got --protocol imagenet-c"):
        open_data("folder-c", root=out, size="own", protocol="imagenet-c", corruptions=["fog"])


def test_the_protocol_is_that_of_the_nearest_size_or_the_one_asked_for(tmp_path: Path) -> None:
    """96 x 96 has Tiny-ImageNet-C's constants and its JPEG step; --protocol takes others; every table says which."""
    root = _images(tmp_path / "photos", [(96, 96)] * 4)
    assert [nearest_protocol(side) for side in (1, 45, 46, 119, 120, 4000)] == [
        "cifar-c", "cifar-c", "tiny-imagenet-c", "tiny-imagenet-c", "imagenet-c", "imagenet-c",
    ]  # fmt: skip
    found = open_data("folder-c", root=root, size="own")
    assert (found.protocol, found.image_size) == ("tiny-imagenet-c", (96, 96))
    asked = open_data("folder-c", root=root, size="own", protocol="imagenet-c")
    assert asked.protocol == "imagenet-c"
    assert asked.notes[-1].endswith("under the constants of imagenet-c, which --protocol chose")
    runs = [
        ppbench.evaluate(
            _Network(), spec=_spec(96), data="folder-c", root=root, size="own", protocol=protocol, corruptions="fog",
            severities=3,
        )
        for protocol in (None, "imagenet-c")
    ]  # fmt: skip
    assert [run.manifest.data.protocol for run in runs] == ["tiny-imagenet-c", "imagenet-c"]
    assert [run.manifest.data.jpeg_quality for run in runs] == [85, 85]


@pytest.mark.slow
def test_images_of_many_sizes_are_generated_one_by_one(tmp_path: Path) -> None:
    """Each has its own size in the tree, and the pixels it would have alone; a network in batches cannot take them."""
    sizes = [(70, 110), (96, 96), (64, 65)]
    root, out = _images(tmp_path / "mixed", sizes), tmp_path / "out"
    names = ["fog", "frost", "elastic_transform"]
    generate(GenerationConfig("folder-c", root, None, 0, out, size="own"), names, workers=1)
    clean = sorted(root.glob("*/*.png"))
    for name in names:
        for number, path in enumerate(clean):
            image = np.asarray(Image.open(path))
            stored = Image.open(out / name / "4" / path.parent.name / f"{path.stem}.JPEG")
            assert stored.size == (image.shape[1], image.shape[0])
            alone = corruptions.corrupt(image[None], name, 4, protocol="tiny-imagenet-c", ids=[number])
            wanted = corruptions.jpeg_round_trip(alone, 85, codec=STORAGE["ijg9"])[0]
            np.testing.assert_array_equal(np.asarray(stored), wanted)
    with pytest.raises(
        InputError, match=r"expected square images of one size, got 64x65 \(.*png has \d+x\d+\)"
    ):
        ppbench.evaluate(_Network(), spec=_spec(64), data="folder-c", root=root, size="own")
    _images(root, [(28, 28)])
    with pytest.raises(
        InputError, match=r"nearest to cifar-c and to tiny-imagenet-c: say whose constants are meant"
    ):
        generate(GenerationConfig("folder-c", root, None, 0, tmp_path / "o", size="own"), names, workers=1)


def test_a_network_of_another_size_says_how_it_wants_them(tmp_path: Path) -> None:
    """The contract's resize is obeyed after the corruption; without one the sizes must agree, in one line."""
    root = _images(tmp_path / "clothes", [(28, 28)] * 4)
    shapes.clear()
    asked = {"data": "folder-c", "root": root, "size": "own", "corruptions": "fog", "severities": 1}
    ppbench.evaluate(_Network(), spec=_spec(64, resize=64), **asked)  # type: ignore[arg-type]
    assert shapes == {(64, 64)}
    with pytest.raises(
        InputError, match="expected an input of 28 pixels, as folder-c has, got 64: set resize"
    ):
        ppbench.evaluate(_Network(), spec=_spec(64), **asked)  # type: ignore[arg-type]


def test_what_each_corruption_needs_is_named(tmp_path: Path) -> None:
    """At 6 pixels ImageNet-C's defocus and glass blur cannot be made: each with its size, before any work."""
    root = _images(tmp_path / "tiny", [(6, 6)] * 2)
    asked = {"data": "folder-c", "root": root, "size": "own", "protocol": "imagenet-c"}
    message = (
        r"000\.png: 6x6 pixels are too few for defocus_blur 11x11 \(severity 5\), glass_blur 9x9 \(severity 5\): leave "
        r"them out with --corruptions, or enlarge the images$"
    )
    with pytest.raises(InputError, match=message):
        ppbench.evaluate(_Network(), spec=_spec(6), corruptions="all", **asked)  # type: ignore[arg-type]
    config = GenerationConfig("folder-c", root, None, 0, tmp_path / "out", size="own", protocol="imagenet-c")
    with pytest.raises(InputError, match="leave it out with --corruptions"):
        generate(config, ["fog", "glass_blur"], workers=1)
    assert not (tmp_path / "out").exists()
    run = ppbench.evaluate(_Network(), spec=_spec(6), corruptions="glass_blur", severities="1", **asked)  # type: ignore[arg-type]
    assert len(run.tables[0].cells) == 1


@pytest.mark.parametrize("protocol", corruptions.PROTOCOLS)
def test_every_corruption_works_from_the_size_it_is_said_to_need(protocol: str) -> None:
    """At that size it is made, at all severities; one pixel less is refused in a line that names the size."""
    random = np.random.default_rng(0)
    for name in (*corruptions.NAMES, *corruptions.EXTRA_NAMES):
        for severity in corruptions.SEVERITIES:
            side = corruptions.smallest_side(name, corruptions.constants_of(name, severity, protocol))
            assert side <= 11
            images = random.integers(0, 256, (1, side, side, 3), dtype=np.uint8)
            made = corruptions.corrupt(images, name, severity, protocol=protocol, any_size=True)
            assert made.shape == images.shape
            if side > 1:
                with pytest.raises(corruptions.CorruptionError, match=f"at least {side} x {side} pixels"):
                    corruptions.corrupt(images[:, 1:], name, severity, protocol=protocol, any_size=True)
