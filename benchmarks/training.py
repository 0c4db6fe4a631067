"""What a training step costs beside its network: `python -m benchmarks.training [--json]`.

`ratio` is the rate of a whole training (images taken, cut and mirrored, normalised, forward, backward, optimiser,
schedule, logs: `ppbench train` without its start) over that of the bare step of the same network on one ready batch:
forward, cross-entropy, backward, optimiser. Both by processor time on one thread, alternating within each round; the
ratio is the median over the rounds of the ratios within them.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ppbench.data.image_set import ImageSet
from ppbench.models.registry import architecture
from ppbench.training.fitting import fit
from ppbench.training.hardware import Hardware
from ppbench.training.progress import Progress
from ppbench.training.recipe import Recipe, load_recipe
from ppbench.training.schedule import optimisation

SIDE = 32


def bare(model: str, recipe: Recipe, steps: int) -> float:
    """Return the seconds of a bare step, the median of several."""
    network = architecture(model).build(10, SIDE).to(memory_format=torch.channels_last).train()
    optimiser, _ = optimisation(network.parameters(), recipe, max(steps, 20))
    images = torch.randn(recipe.batch_size, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(recipe.batch_size) % 10
    times = []
    for _ in range(steps):
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bf16"):
            loss = F.cross_entropy(network(images).float(), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()
        times.append(time.process_time() - start)
    return statistics.median(times[2:])


def whole(model: str, recipe: Recipe, steps: int) -> float:
    """Return the seconds of a step of a training, the median of several."""
    count = steps * recipe.batch_size
    pixels = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    images = ImageSet("made up", pixels, np.arange(count) % 10, np.arange(count), 10)
    moments: list[float] = []

    def on_step(_done: Progress) -> None:
        moments.append(time.process_time())

    with tempfile.TemporaryDirectory() as folder:
        fit(
            lambda: architecture(model).build(10, SIDE),
            recipe,
            images,
            seed=0,
            folder=Path(folder),
            hardware=Hardware("cpu"),
            on_step=on_step,
        )
    return float(statistics.median(np.diff(moments)[2:].tolist()))


def measure(model: str, recipe: Recipe, rounds: int, steps: int) -> dict[str, Any]:
    """Return images per second of both, and the ratio."""
    torch.set_num_threads(1)
    pairs = []
    for number in range(rounds):
        # Who goes first changes: what else the machine does is not always on one side.
        first, second = (bare, whole) if number % 2 else (whole, bare)
        times = {work.__name__: work(model, recipe, steps) for work in (first, second)}
        pairs.append((times["bare"], times["whole"]))
    return {
        "model": model,
        "augmentation": recipe.augmentation,
        "precision": recipe.precision,
        "batch_size": recipe.batch_size,
        "bare_images_per_second": round(recipe.batch_size / statistics.median(pair[0] for pair in pairs), 1),
        "images_per_second": round(recipe.batch_size / statistics.median(pair[1] for pair in pairs), 1),
        "ratio": round(statistics.median(one / two for one, two in pairs), 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", help="default: resnet20 and resnet20-pp")
    parser.add_argument("--precision", choices=["32", "bf16"], action="append", help="default: both")
    parser.add_argument("--augmentation", default="none")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=12, help="steps of each measurement, at least 10")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = []
    for model in options.model or ["resnet20", "resnet20-pp"]:
        for precision in options.precision or ["bf16", "32"]:
            fields = {"epochs": 1, "augmentation": options.augmentation, "precision": precision}
            recipe = load_recipe("cifar10-fast", fields, model=model)
            results.append(measure(model, recipe, options.rounds, options.steps))
            if not options.json:
                one = results[-1]
                print(
                    f"{model:12} {precision:5} bare {one['bare_images_per_second']:7.1f} images/s, "
                    f"whole {one['images_per_second']:7.1f}, ratio {one['ratio']:.3f}"
                )
    if options.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
