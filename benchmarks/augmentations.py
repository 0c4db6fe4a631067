"""What an augmentation costs beside a training step: `python -m benchmarks.augmentations [--json]`.

The step is that of resnet20 on a batch of 128 images of 32 pixels: forward, cross-entropy, backward, SGD; in bf16 mixed
precision and in fp32. Each augmentation makes one view of the same batch. In each round all are timed one after the
other, on one thread, by processor time; the ratio is the median over the rounds of the ratios within them. A
consistency loss wants two views, beside a step of three times the images.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.corruptions import photographs
from ppbench.models.registry import architecture
from ppbench.training.augmentations.per_image import PER_IMAGE, per_image
from ppbench.training.augmentations.prime import Prime, PrimeConfig

BATCH = 128
SIDE = 32

Work = Callable[[int], object]


def plain_step(images: Tensor, *, bf16: bool) -> Work:
    """Return the bare training step on this batch, float32 (N,3,H,W)."""
    network = architecture("resnet20").build(10, SIDE).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-5)
    labels = torch.arange(len(images)) % 10
    inputs = images.contiguous(memory_format=torch.channels_last)

    def step(_number: int) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = F.cross_entropy(network(inputs).float(), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()

    return step


def augmentations(images: Tensor) -> dict[str, Work]:
    """Return each augmentation of this batch, uint8 (N,3,H,W), by name; each call is given a step of its own."""
    ids = torch.arange(len(images))
    prime, scaled = Prime(PrimeConfig.cifar()), images.float().div_(255.0)
    works: dict[str, Work] = {"prime": lambda step: prime(scaled, seed=0, step=step, ids=ids)}
    for name in PER_IMAGE:
        works[name] = _by_image(name, images, ids)
    return works


def _by_image(name: str, images: Tensor, ids: Tensor) -> Work:
    augment = per_image(name, small=True)
    return lambda step: augment(images, seed=0, epoch=step, ids=ids)


def measure(rounds: int, batch: int) -> dict[str, Any]:
    """Return the milliseconds of all, and the augmentations' ratios to both steps: medians over the rounds."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images = photographs(batch, SIDE)
    scaled = images.float().div_(255.0)
    steps = {"step_bf16": plain_step(scaled, bf16=True), "step_fp32": plain_step(scaled, bf16=False)}
    works = {**steps, **augmentations(images)}
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(-2, rounds):  # two to warm up
        for name, work in works.items():
            start = time.process_time()
            # What an augmentation takes depends on its draws: several of them make a round.
            for draw in range(4):
                work(4 * (number + 2) + draw)
            if number >= 0:
                times[name].append((time.process_time() - start) / 4 * 1e3)
    return {
        "batch": batch,
        "side": SIDE,
        "rounds": rounds,
        "threads": 1,
        "milliseconds": {name: statistics.median(own) for name, own in times.items()},
        "ratio": {
            step: {
                name: statistics.median(a / b for a, b in zip(own, times[step], strict=True))
                for name, own in times.items()
                if name not in steps
            }
            for step in steps
        },
    }


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--json", action="store_true", help="machine output")
    arguments = parser.parse_args()
    found = measure(arguments.rounds, arguments.batch)
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for name, took in found["milliseconds"].items():
        ratios = [f"{own[name]:.3f} of {step}" for step, own in found["ratio"].items() if name in own]
        print(f"{name:16s} {took:7.1f} ms   {'   '.join(ratios)}")


if __name__ == "__main__":
    main()
