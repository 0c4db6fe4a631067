"""A right set-up, broken in every way that people break theirs: resnet-20 of 2020 on 1,000 images of CIFAR-10."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ppbench.models.requests import Loading, ModelRequest
from ppbench.runs.setup_report import check_setups
from ppbench.setup.finding import CONTRACT, SetupCheck
from tests.setup.spoilt_images import resized_and_back, through_jpeg

NETWORKS = Path(__file__).with_name("broken_networks.py")

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Labels = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Break:
    """One way to break the set-up.

    Attributes:
        images: what becomes of the images, (N, 32, 32, 3) uint8.
        labels: what becomes of the labels, (N,).
        spec: fields of the input contract that are set otherwise.
        factory: of `broken_networks`, in place of the network itself.
    """

    images: Callable[[Pixels], Pixels] = lambda images: images
    labels: Callable[[Labels], Labels] = lambda labels: labels
    spec: Mapping[str, Any] = field(default_factory=dict)
    factory: str | None = None


def _grey(images: Pixels) -> Pixels:
    return np.repeat(images.mean(axis=3, keepdims=True).astype(np.uint8), 3, axis=3)


_SHUFFLED = np.random.default_rng(1).permutation(10)
_SWAPPED = np.array([0, 1, 2, 5, 4, 3, 6, 7, 8, 9])

BREAKS: dict[str, Break] = {
    "nothing (the right set-up)": Break(),
    "channels BGR": Break(images=lambda images: images[..., ::-1]),
    "upside down": Break(images=lambda images: images[:, ::-1]),
    "mirrored": Break(images=lambda images: images[:, :, ::-1]),
    "rows and columns swapped": Break(images=lambda images: images.transpose(0, 2, 1, 3)),
    "negatives": Break(images=lambda images: 255 - images),
    "made grey": Break(images=_grey),
    "moved by 4 pixels": Break(images=lambda images: np.roll(images, (4, 4), (1, 2))),
    "stored as 0 and 1": Break(images=lambda images: images // 255),
    "through JPEG, quality 75": Break(images=partial(through_jpeg, quality=75)),
    "through JPEG, quality 20": Break(images=partial(through_jpeg, quality=20)),
    "resized to 28 and back": Break(images=partial(resized_and_back, side=28)),
    "resized to 16 and back": Break(images=partial(resized_and_back, side=16)),
    "labels one too high": Break(labels=lambda labels: (labels + 1) % 10),
    "labels one too low": Break(labels=lambda labels: (labels - 1) % 10),
    "classes shuffled": Break(labels=lambda labels: _SHUFFLED[labels]),
    "cat and dog swapped": Break(labels=lambda labels: _SWAPPED[labels]),
    "labels of other images": Break(labels=lambda labels: np.random.default_rng(2).permutation(labels)),
    "values 0..255, not normalised": Break(
        spec={"value_range": (0.0, 255.0), "mean": (0.0,) * 3, "std": (1.0,) * 3}
    ),
    "not normalised": Break(spec={"normalised_inside": True}),
    "mean and std 0.5": Break(spec={"mean": (0.5,) * 3, "std": (0.5,) * 3}),
    "ImageNet's mean and std": Break(spec={"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}),
    "mean too high by 0.3": Break(spec={"mean": (0.79, 0.78, 0.75)}),
    "std half as large": Break(spec={"std": (0.12, 0.12, 0.13)}),
    "--resize 24": Break(spec={"resize": 24}),
    "--resize 64": Break(spec={"resize": 64}),
    "--resize 40 --crop 32": Break(spec={"resize": 40, "crop": 32}),
    "in training mode": Break(factory="train_mode"),
    "no running statistics": Break(factory="without_statistics"),
    "normalised over the batch": Break(factory="normalised_over_the_batch"),
    "dropout on": Break(factory="dropout_on"),
    "dropout on, as a function": Break(factory="functional_dropout"),
    "softmax inside": Break(factory="softmax_inside"),
    "log-softmax inside": Break(factory="log_softmax_inside"),
    "sigmoid inside": Break(factory="sigmoid_inside"),
    "NaN for bright images": Break(factory="nan_for_some"),
    "half the blocks initialised again": Break(factory="half_initialised_again"),
    "one convolution initialised again": Break(factory="one_convolution_initialised_again"),
    "stem with padding 2": Break(factory="padding_2"),
    "padding by reflection": Break(factory="padding_by_reflection"),
    "last stage with stride 1": Break(factory="stride_1"),
    "GELU after the stem": Break(factory="gelu_first"),
    "batch norm's epsilon 0.001": Break(factory="tensorflow_epsilon"),
}


def check(break_: Break, weights: Path, images: Path, folder: Path) -> SetupCheck:
    """Return what the set-up check finds.

    Args:
        break_: what is done to the set-up.
        weights: the file of resnet-20.
        images: an ``.npz`` with `images` and `labels`.
        folder: for the broken images.
    """
    with np.load(images) as file:
        broken = break_.images(file["images"]), break_.labels(file["labels"].astype(np.int64))
    np.savez(folder / "broken.npz", images=np.ascontiguousarray(broken[0]), labels=broken[1])
    model = "resnet20" if break_.factory is None else f"{NETWORKS}:{break_.factory}"
    torch.manual_seed(0)
    report = check_setups(
        ModelRequest(model, weights),
        data="cifar10-c",
        root=folder / "broken.npz",
        limit=1000,
        loading=Loading(spec=break_.spec),
    )
    return report.models[0].check


def said(check: SetupCheck) -> str:
    """Return the names of what was not found ok, as the table has them; the contract of a file is always told."""
    names = [
        finding.check
        for finding in check.findings
        if finding.state in ("notice", "wrong") and finding.check != CONTRACT
    ]
    return ", ".join(dict.fromkeys(names)) or "nothing"


def unknown_copy(weights: Path, folder: Path) -> Path:
    """Return the same weights in a file that no index knows."""
    raw = torch.load(weights, map_location="cpu", weights_only=False)  # the published file is a legacy pickle
    torch.save({"state_dict": raw["state_dict"]}, folder / "own.pth")
    return folder / "own.pth"
