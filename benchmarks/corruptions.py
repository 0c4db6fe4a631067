"""Milliseconds per image of every corruption: ours, and those of the mended `imagecorruptions`, in one run.

`python -m benchmarks.corruptions --protocol imagenet-c [--json]` times severities 1, 3 and 5 on one CPU thread, the
two generators in turn, and takes the median over the rounds; then ours with two threads, and the memory of a batch of
64. Both generators are given the same NumPy images (H,W,3) and return the like, so neither is spared a conversion; ours
takes them as a batch. Beside that, under `tensor`, ours is timed on the same images as a torch batch (N,3,H,W), which
theirs does not take: there theirs is still timed on its own kind, and pays nothing for what a user would have to
convert. `--device cuda` times all 95 cells with the JPEG step of the protocol, and compares the pixels with the CPU's.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from torch import Tensor

import corruptions
from corruptions import EXTRA_NAMES, NAMES, SEVERITIES, corrupt, jpeg_round_trip, reference
from corruptions.batches import Pixels
from ppbench.cpu_count import cpu_count

TIMED = (1, 3, 5)
ALL = (*NAMES, *EXTRA_NAMES)


def photographs(count: int, size: int) -> Tensor:
    """Return crops of scikit-learn's two photographs, uint8 (count,3,size,size)."""
    rng = np.random.default_rng(0)
    crops = []
    for k in range(count):
        photograph = load_sample_images().images[k % 2]
        row, column = (rng.integers(0, side - size + 1) for side in photograph.shape[:2])
        crops.append(photograph[row : row + size, column : column + size])
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).contiguous()


def milliseconds(
    work: Callable[[], object], images: int, clock: Callable[[], float] = time.process_time
) -> float:
    """Return the milliseconds per image that `work` takes for so many images.

    By default of processor time: with one thread that is what a quiet machine's clock shows, and on a busy one it
    leaves out the waiting.
    """
    start = clock()
    work()
    return (clock() - start) * 1000 / images


def against_theirs(protocol: str, rounds: int) -> dict[str, Any]:
    """Time both generators in turn on one thread; return the medians per corruption and their ratios."""
    size = corruptions.protocol(protocol).size
    batch = photographs(16 if size > 64 else 256, size)
    # Theirs works image by image: as many as take about 50 ms, that it finds its caches warm as ours does.
    array = batch.permute(0, 2, 3, 1).contiguous().numpy()
    enough = dict.fromkeys(itertools.product(ALL, TIMED), 1)
    torch.set_num_threads(1)
    reference.cap_threads()
    times: dict[tuple[str, int], list[tuple[float, ...]]] = {cell: [] for cell in enough}
    for warm in (False, False, *(True,) * rounds):
        for (name, severity), count in enough.items():
            ours = [
                milliseconds(partial(corrupt, images, name, severity, protocol=protocol), len(batch))
                for images in (array, batch)
            ]
            theirs = milliseconds(partial(one_by_one, array[:count], name, severity), count)
            if warm:
                times[name, severity].append((*ours, theirs))
            else:
                enough[name, severity] = min(len(array), max(1, int(50 / theirs)))
    table = {}
    for name in ALL:
        medians = [[statistics.median(column) for column in zip(*times[name, s], strict=True)] for s in TIMED]
        ours_ms, tensor_ms, theirs_ms = (statistics.fmean(column) for column in zip(*medians, strict=True))
        table[name] = {
            "ours_ms": ours_ms,
            "ours_tensor_ms": tensor_ms,
            "imagecorruptions_ms": theirs_ms,
            "ratio": theirs_ms / ours_ms,
            "tensor_ratio": theirs_ms / tensor_ms,
        }
    return {
        "corruptions": table,
        **summary(table, "ours_ms"),
        "tensor": summary(table, "ours_tensor_ms"),
    }


def summary(table: dict[str, dict[str, float]], ours: str) -> dict[str, Any]:
    """Return how many times faster than theirs the times of this column are, over the 15 corruptions."""
    ratios = {name: table[name]["imagecorruptions_ms"] / table[name][ours] for name in NAMES}
    slowest = min(ratios, key=ratios.__getitem__)
    return {
        "total_ratio": sum(table[n]["imagecorruptions_ms"] for n in NAMES)
        / sum(table[n][ours] for n in NAMES),
        "geomean_ratio": statistics.geometric_mean(ratios.values()),
        "slowest_ratio": ratios[slowest],
        "slowest": slowest,
    }


def one_by_one(images: Pixels, name: str, severity: int) -> list[Pixels]:
    """Return images uint8 (N,H,W,3) corrupted with imagecorruptions; kept, as ours keeps its batch."""
    return [reference.corrupt_one(image, name, severity, 0) for image in images]


def two_threads(protocol: str, rounds: int) -> float:
    """Return how many times faster two threads make the 15 corruptions than one."""
    size = corruptions.protocol(protocol).size
    batch = photographs(16 if size > 64 else 1024, size)
    totals = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        runs = [
            [
                milliseconds(partial(corrupt, batch, n, 3, protocol=protocol), 1, time.perf_counter)
                for _ in range(rounds)
            ]
            for n in NAMES
        ]
        totals.append(sum(statistics.median(times) for times in runs))
    return totals[0] / totals[1]


_PEAK = """
from pathlib import Path
from benchmarks.corruptions import ALL, photographs
from corruptions import corrupt
images = photographs(64, 224)
status = Path("/proc/self/status")
held = lambda key: int(next(line for line in status.read_text().splitlines() if line.startswith(key)).split()[1])
for name in ALL:
    corrupt(images[:1], name, 1, protocol="imagenet-c")
before = held("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
for name in ALL:
    for severity in (1, 3, 5):
        corrupt(images, name, severity, protocol="imagenet-c")
print((held("VmHWM") - before) / 1024)
"""


def peak_megabytes() -> float:
    """Return how much the memory of a fresh process grows by corrupting 64 images of 224 pixels in every way."""
    done = subprocess.run([sys.executable, "-c", _PEAK], capture_output=True, text=True, check=True)
    return float(done.stdout)


def on_cuda(protocol: str) -> dict[str, Any]:
    """Time every cell on the GPU, with the protocol's JPEG step, and compare the pixels with the CPU's."""
    device = torch.device("cuda")
    size, quality = corruptions.protocol(protocol).size, corruptions.protocol(protocol).storage_quality
    count = 256 if size > 64 else 4096
    images = photographs(count, size).to(device)

    def cell(batch: Tensor, name: str, severity: int) -> Tensor:
        out = corrupt(batch, name, severity, protocol=protocol)
        return jpeg_round_trip(out, quality) if quality else out

    table: dict[str, Any] = {}
    for name in ALL:
        rates, differing = [], []
        for severity in SEVERITIES:
            few = images[:4]
            raw = corrupt(few, name, severity, protocol=protocol)
            same = raw.cpu() == corrupt(few.cpu(), name, severity, protocol=protocol)
            differing.append(1 - same.double().mean().item())
            times = []
            for _ in range(4):
                torch.cuda.synchronize()
                start = time.perf_counter()
                cell(images, name, severity)
                torch.cuda.synchronize()
                times.append(time.perf_counter() - start)
            rates.append(count / statistics.median(times[1:]))
        table[name] = {"images_per_second": rates, "share_differing_from_cpu": differing}
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    for name in ALL:
        cell(images[:64], name, 3)
    cells = [rate for name in NAMES for rate in table[name]["images_per_second"]]
    return {
        "gpu": torch.cuda.get_device_name(),
        "corruptions": table,
        "mean_images_per_second": statistics.fmean(cells),
        "harmonic_mean_images_per_second": statistics.harmonic_mean(cells),
        "largest_share_differing_from_cpu": max(
            s for row in table.values() for s in row["share_differing_from_cpu"]
        ),
        "peak_megabytes_64": (torch.cuda.max_memory_allocated() - before) / 2**20,
    }


def main() -> None:
    """Run the benchmark, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corruptions", description=__doc__)
    parser.add_argument("--protocol", choices=corruptions.PROTOCOLS, default="imagenet-c")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds, after one to warm up")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("expected a CUDA device for --device cuda, got none: run without --device to time the CPU")
    result: dict[str, Any] = {
        "protocol": options.protocol,
        "device": options.device,
        "torch": torch.__version__,
    }
    if options.device == "cuda":
        result |= on_cuda(options.protocol)
    else:
        result |= against_theirs(options.protocol, options.rounds)
        result |= {"cpu": torch.backends.cpu.get_cpu_capability(), "cores": cpu_count()}
        result["two_threads_speedup"] = two_threads(options.protocol, 3)
        result["peak_megabytes_64"] = peak_megabytes()
        if not torch.cuda.is_available():
            result["note"] = "no CUDA device here: the GPU was not timed"
    if options.json:
        print(json.dumps(result, indent=1))
        return
    for name, row in result.pop("corruptions").items():
        shown = "  ".join(
            f"{k} {np.round(v, 4) if isinstance(v, float) else np.round(v)}" for k, v in row.items()
        )
        print(f"{name:18} {shown}")
    for key, value in result.items():
        print(f"{key}: {value:.2f}" if isinstance(value, float) else f"{key}: {value}")


if __name__ == "__main__":
    main()
