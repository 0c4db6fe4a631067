"""`ppbench eval` against nothing but the forward passes it needs, and against the usual way, in one run.

`python -m benchmarks.evaluation [--json]` evaluates resnet20 and resnet18 (random weights) on 75 cells and the clean
images, 32 pixels, twice: generated, and read from published `.npy` files. Counted is all of `ppbench eval` but the
start of Python, which is given by itself: loading the checkpoint, digests, corrupting, the networks, a fresh store of
cells, scores with their intervals, and the run's folder. It is divided by the time that the same network takes for as
many finished input batches of the same size, by as many threads, in whichever of two ways is faster here; the clean
images' batches stand for those of all cells, since a network takes the same time for any pixels. In each round all are
timed one after the other, and the ratio is the median over the rounds of the ratios within them. On a machine that
does other things too, see `least_ratio`, of the shortest times of all rounds, and `cpu_ratio`, of processor time.

With a GPU, `--device cuda` does the same for resnet50 at 224 pixels in bf16, with the JPEG step.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.corruptions import photographs
from benchmarks.forward import WAYS, batches_of, faster_way, seconds, usual_way
from corruptions import NAMES
from ppbench.evaluation.batch_size import first_batch_size
from ppbench.generation.generate import GenerationConfig, generate
from ppbench.models.load import load_model
from ppbench.models.registry import architecture
from ppbench.models.requests import ModelRequest
from ppbench.runs.evaluate import evaluate

DATA = "cifar10-c"
CELLS = 76  # 15 corruptions at 5 severities, and the clean images
USUAL = 20  # images of each cell that the usual way is timed on


@dataclass(frozen=True)
class Place:
    """A folder with everything that a measurement needs.

    Attributes:
        clean: an `.npz` of clean images.
        published: the same images in all cells, as published `.npy` files.
        checkpoint: random weights.
    """

    clean: Path
    published: Path
    checkpoint: Path


def prepare(folder: Path, model: str, images: int) -> Place:
    """Make the images, their corrupted files and a checkpoint; none of it is timed."""
    place = Place(folder / "clean.npz", folder / "published", folder / f"{model}.pth")
    pixels = photographs(images, 32).permute(0, 2, 3, 1).numpy()
    np.savez(place.clean, images=pixels, labels=np.arange(images) % 10)
    generate(GenerationConfig(DATA, place.clean, None, 0, place.published), NAMES)
    np.save(place.published / "clean.npy", pixels)
    torch.manual_seed(0)
    torch.save(architecture(model).build(10, 32).state_dict(), place.checkpoint)
    return place


def evaluation(
    place: Place, model: str, root: Path, folder: Path, *, limit: int | None = None
) -> Callable[[], object]:
    """Return what evaluates a model in a fresh folder with a fresh store."""
    return lambda: evaluate(
        ModelRequest(model, place.checkpoint),
        data=DATA,
        root=root,
        limit=limit,
        out=folder / "run",
        cache=folder / "cache",
        device="cpu",
    )


def on_cpu(model: str, images: int, rounds: int) -> dict[str, Any]:
    """Time a model's evaluations and its forward passes in turn; return the medians."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as ways:
        folder = Path(name)
        place = prepare(folder, model, images)
        loaded = load_model(model, checkpoint=place.checkpoint, num_classes=10, image_size=32)
        network = loaded.module.to(memory_format=torch.channels_last)
        size = first_batch_size(torch.device("cpu"), (32, 32))
        pixels = photographs(images, 32)
        batches = batches_of(loaded, pixels, size)
        way = faster_way(network, batches)
        forward = ways.enter_context(WAYS[way](network))
        roots = {"generated": place.clean, "published": place.published}
        times: dict[str, list[tuple[float, float]]] = {"forward": [], **{source: [] for source in roots}}
        for source, root in roots.items():  # warm up: pages, textures, kernels
            evaluation(place, model, root, folder / f"warm-{source}", limit=min(images, 20))()
        few, usual = pixels[:USUAL].permute(0, 2, 3, 1).numpy(), []
        for number in range(rounds):
            times["forward"].append(seconds(lambda: forward(batches * CELLS)))
            for source, root in roots.items():
                times[source].append(seconds(evaluation(place, model, root, folder / f"{source}{number}")))
            usual.append(usual_way(few, loaded, size))
        again = seconds(evaluation(place, model, place.clean, folder / "generated0"))[0]
    wall = {what: statistics.median(one[0] for one in each) for what, each in times.items()}
    return {
        "images": images,
        "batch_size": size,
        "threads": torch.get_num_threads(),
        "forward_way": way,
        "forward_images_per_second": images * CELLS / wall["forward"],
        "seconds": wall,
        "seconds_with_every_cell_stored": again,
        **{
            source: {
                "overhead_ratio": ratio(times[source], times["forward"], 0),
                "least_ratio": min(one[0] for one in times[source]) / min(one[0] for one in times["forward"]),
                "cpu_ratio": ratio(times[source], times["forward"], 1),
                "images_per_second": images * CELLS / wall[source],
            }
            for source in roots
        },
        "usual_way_images_per_second": statistics.median(usual),
        "times_faster_than_usual": statistics.median(
            images * CELLS / ours / rate for (ours, _), rate in zip(times["generated"], usual, strict=True)
        ),
    }


def ratio(ours: list[tuple[float, float]], bare: list[tuple[float, float]], clock: int) -> float:
    """Return the median over rounds of one time over the other."""
    return statistics.median(a[clock] / b[clock] for a, b in zip(ours, bare, strict=True))


def start_up() -> float:
    """Return the seconds that `ppbench eval` takes for one image of one cell: the start of Python and torch."""
    with tempfile.TemporaryDirectory() as name:
        options = (
            f"--model alexnet --corruptions contrast --severities 1 --limit 1 --no-store --out {name}/run"
        )
        command = [sys.executable, "-m", "ppbench", "eval", *options.split()]
        return statistics.median(
            seconds(lambda: subprocess.run(command, check=True, capture_output=True))[0] for _ in range(3)
        )


def main() -> None:
    """Run the benchmark, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.add_argument("--model", action="append", help="repeatable; default: resnet20 and resnet18")
    parser.add_argument("--images", type=int, help="of each cell; default: 1000 for resnet20, 150 for others")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument(
        "--memory", action="store_true", help="only the peak memory of evaluations of 10,000 images"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    result: dict[str, Any] = {"torch": torch.__version__, "load_before": os.getloadavg()[0]}
    if options.device == "cuda":
        from benchmarks.evaluation_gpu import on_gpu

        result["gpu"] = on_gpu(options.images or 5000)
    elif options.memory:
        from benchmarks.evaluation_memory import peaks

        result["peak_megabytes"] = peaks(options.images or 10_000)
    else:
        result["start_up_seconds"] = start_up()
        result["models"] = {
            model: on_cpu(model, options.images or (1000 if model == "resnet20" else 150), options.rounds)
            for model in options.model or ["resnet20", "resnet18"]
        }
        result["gpu"] = {"ran": False, "why": "not asked for: --device cuda, on a machine with a GPU"}
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for model, found in result.get("models", {}).items():
        print(f"{model}, {found['images']} images x {CELLS} cells, {found['threads']} threads")
        print(
            f"  forward pass alone ({found['forward_way']}): {found['forward_images_per_second']:.0f} images/s"
        )
        for source in ("generated", "published"):
            print(
                f"  {source}: {found[source]['overhead_ratio']:.3f} times that "
                f"(processor time {found[source]['cpu_ratio']:.3f}), {found[source]['images_per_second']:.0f} images/s"
            )
        print(
            f"  usual way: {found['usual_way_images_per_second']:.0f} images/s, "
            f"{found['times_faster_than_usual']:.1f} times slower"
        )
    for what in ("start_up_seconds", "peak_megabytes", "gpu"):
        if what in result:
            print(f"{what.replace('_', ' ')}: {result[what]}")


if __name__ == "__main__":
    main()
