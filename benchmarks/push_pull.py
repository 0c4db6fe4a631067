"""Both paths of the push-pull unit, timed: `python -m benchmarks.push_pull`.

One line for each geometry and window: milliseconds a batch of the reference path and of the fast path,
forward (inference) and forward with backward (training), and the ratio. One thread, the least of 7 runs.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from ppbench.models.push_pull import PushPullConv2d

# name, batch, side, filters, kernel, stride, padding
GEOMETRIES = (
    ("CIFAR ResNet-20, 32 px", 64, 32, 16, 3, 1, 1),
    ("ResNet CIFAR stem, 32 px", 64, 32, 64, 3, 1, 1),
    ("ResNet stem, 224 px", 8, 224, 64, 7, 2, 3),
)


def _least_ms(work: Callable[[], object], runs: int = 7) -> float:
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def _infer(unit: PushPullConv2d, x: Tensor) -> float:
    with torch.inference_mode():
        return _least_ms(lambda: unit(x))


def _train(unit: PushPullConv2d, x: Tensor) -> float:
    return _least_ms(lambda: unit(x).sum().backward())


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name, batch, side, filters, kernel, stride, padding in GEOMETRIES:
        x = torch.randn(batch, 3, side, side)
        for avg in (0, 3, 5):
            unit = PushPullConv2d(
                3,
                filters,
                kernel,
                avg_kernel_size=avg,
                trainable_pull_inhibition=True,
                stride=stride,
                padding=padding,
            )
            line = [f"{name:26s} window {avg}"]
            for label, measure in (("forward", _infer), ("forward+backward", _train)):
                times = []
                for fast in (False, True):
                    unit.fast = fast
                    times.append(measure(unit, x))
                line.append(f"{label} {times[0]:7.2f} / {times[1]:7.2f} ms = {times[0] / times[1]:.2f}x")
            print("   ".join(line))


if __name__ == "__main__":
    main()
