"""What the benchmark costs: rates measured on this machine, and what follows from them for other sizes.

`python -m benchmarks.scale [--root FOLDER] [--json]` measures, in processor time of one core: decoding and cropping a
photograph of ImageNet's usual size, reading a published 224-pixel JPEG, the 15 corruptions at 224 pixels with the JPEG
step, and the forward pass of resnet50; with a CUDA device also its copy rate and its forward pass. `--root` is a folder
of class folders with photographs; without it 500 x 375 pixel ones are made up. Then it prints what ImageNet-C costs,
by the formula of docs/scale.md. What is not measured here has to be given (`--gpu-rate`), and is printed as given.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

import corruptions
from benchmarks.corruptions import milliseconds
from ppbench.data.class_folders import read_class_folders
from ppbench.data.image_files import Geometry, read_image
from ppbench.evaluation.network import Network
from ppbench.models.input_spec import default_spec
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.registry import architecture

IMAGES, CELLS = 50_000, 76
BYTES = 224 * 224 * 3


@dataclass(frozen=True)
class Machines:
    """What a run has.

    Attributes:
        gpus: how many.
        nodes: how many machines they are in.
        cores: for decoding, on each machine.
        link: bytes a second between machines.
    """

    gpus: int
    nodes: int = 1
    cores: int = 16
    link: float = 1.25e9


def cost(machines: Machines, decode_ms: float, read_ms: float, image_ms: float) -> dict[str, float]:
    """Return the seconds of ImageNet-C for one model, part by part.

    Args:
        machines: what it runs on.
        decode_ms: of one core, for a clean photograph.
        read_ms: of one core, for a published file.
        image_ms: of one GPU, for one image of one cell: corruption, JPEG step and forward pass.
    """
    return {
        "decode clean images once, on the driver": IMAGES * decode_ms / 1000 / machines.cores,
        "send them to the other machines": (machines.nodes - 1) * IMAGES * BYTES / machines.link,
        "generated cells on the GPUs": IMAGES * CELLS * image_ms / 1000 / machines.gpus,
        "reading published cells, beside the GPUs": IMAGES
        * CELLS
        * read_ms
        / 1000
        / (machines.cores * machines.nodes),
    }


def measured(root: Path | None) -> dict[str, float]:
    """Return milliseconds of one core, by what it does."""
    torch.set_num_threads(1)
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if root is None:
            (folder / "n00000000").mkdir()
            for k, photograph in enumerate(load_sample_images().images * 10):
                picture = Image.fromarray(photograph).resize((500, 375))
                picture.save(folder / "n00000000" / f"{k}.JPEG", quality=95)
        files = read_class_folders(root or folder, "clean", Geometry(224, 256), None, None).images
        places = [files.folder / each for each in files.names]  # type: ignore[attr-defined]  # images in files
        found["decode, resize and crop a photograph"] = _median(
            lambda: [read_image(place, Geometry(224, 256)) for place in places], len(places)
        )
        stored = folder / "published"
        stored.mkdir()
        clean = np.stack(
            [read_image(place, Geometry(224, 256)) for place in places[:: max(1, len(places) // 20)]]
        )
        for k, picture in enumerate(clean[:20]):
            Image.fromarray(picture).save(stored / f"{k}.JPEG", quality=85)
        found["read a published file"] = _median(
            lambda: [read_image(place, Geometry(224)) for place in sorted(stored.iterdir())], 20
        )
    images = torch.from_numpy(clean[:16]).permute(0, 3, 1, 2).contiguous()
    cells = [(name, severity) for name in corruptions.NAMES for severity in corruptions.SEVERITIES]
    found["corrupt, mean of 75 cells"] = _median(
        lambda: [corruptions.corrupt(images, *cell, protocol="imagenet-c") for cell in cells], 16 * len(cells)
    )
    found["JPEG step"] = _median(lambda: corruptions.jpeg_round_trip(images, 85), 16)
    torch.manual_seed(0)
    network = architecture("resnet50").build(1000, 224).eval().to(memory_format=torch.channels_last)
    model = Network(LoadedModel("resnet50", "resnet50", network, default_spec(224), 1000))
    labels = torch.zeros(16, dtype=torch.int64)
    found["forward pass of resnet50, fp32"] = _median(lambda: model(images, labels), 16)
    return found


def _median(work: Callable[[], object], images: int, rounds: int = 3) -> float:
    work()
    return statistics.median(milliseconds(work, images) for _ in range(rounds))


def main() -> None:
    """Measure, and print what follows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--root", type=Path, help="class folders with photographs")
    parser.add_argument(
        "--gpu-rate", type=float, help="images a second of one GPU, all of it; not measured here"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    rates = measured(options.root)
    result: dict[str, Any] = {"milliseconds_of_a_core": rates}
    decode, read = rates["decode, resize and crop a photograph"], rates["read a published file"]
    core = sum(ms for name, ms in rates.items() if name.startswith(("corrupt", "JPEG", "forward")))
    result["hours_on_one_core"] = IMAGES * CELLS * core / 3.6e6
    if options.gpu_rate:
        result["given_gpu_rate"] = options.gpu_rate
        result["extrapolated_seconds"] = {
            f"{machines.gpus} GPUs on {machines.nodes}": cost(machines, decode, read, 1000 / options.gpu_rate)
            for machines in (Machines(1), Machines(8), Machines(64, nodes=8))
        }
    print(json.dumps(result, indent=2) if options.json else _text(result))


def _text(result: dict[str, Any], indent: str = "") -> str:
    lines = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name.replace('_', ' ')}:", _text(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name.replace('_', ' ')}: {value:.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
