"""Both paths of the push-pull unit, timed: `python -m benchmarks.push_pull`.

One line for each geometry, layout and window: milliseconds a batch of the reference path and of the fast path, forward
(inference) and forward with backward (training), and the ratio. One thread, processor time; the two paths take turns,
and each number is the median over the rounds.
"""

import statistics
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

# ppbench evaluates and trains with channels last; others who use the unit may not.
LAYOUTS = {"channels last": torch.channels_last, "contiguous": torch.contiguous_format}

ROUNDS = 21


def _infer(unit: PushPullConv2d, x: Tensor) -> None:
    with torch.inference_mode():
        unit(x)


def _train(unit: PushPullConv2d, x: Tensor) -> None:
    unit(x).sum().backward()


def _seconds(work: Callable[[PushPullConv2d, Tensor], None], unit: PushPullConv2d, x: Tensor) -> float:
    start = time.process_time()
    work(unit, x)
    return time.process_time() - start


def _compared(work: Callable[[PushPullConv2d, Tensor], None], unit: PushPullConv2d, x: Tensor) -> str:
    times: dict[bool, list[float]] = {False: [], True: []}
    for round_ in range(ROUNDS + 2):
        for fast in (False, True):
            unit.fast = fast
            spent = _seconds(work, unit, x)
            if round_ >= 2:  # the first warm up
                times[fast].append(1e3 * spent)
    ratio = statistics.median(
        reference / fast for reference, fast in zip(times[False], times[True], strict=True)
    )
    reference, fast_ms = (statistics.median(times[fast]) for fast in (False, True))
    return f"{reference:7.2f} / {fast_ms:7.2f} ms = {ratio:.2f}x"


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name, batch, side, filters, kernel, stride, padding in GEOMETRIES:
        for layout, memory_format in LAYOUTS.items():
            x = torch.randn(batch, 3, side, side).to(memory_format=memory_format)
            for avg in (0, 3, 5):
                unit = PushPullConv2d(
                    3,
                    filters,
                    kernel,
                    avg_kernel_size=avg,
                    trainable_pull_inhibition=True,
                    stride=stride,
                    padding=padding,
                ).to(memory_format=memory_format)
                line = [f"{name:26s} {layout:13s} window {avg}"]
                line += [
                    f"forward {_compared(_infer, unit, x)}",
                    f"with backward {_compared(_train, unit, x)}",
                ]
                print("   ".join(line), flush=True)


if __name__ == "__main__":
    main()
