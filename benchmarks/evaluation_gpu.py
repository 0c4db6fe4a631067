"""The same on a GPU: resnet50, 224 pixels, 75 cells with the JPEG step, in bf16."""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import corruptions
from benchmarks.corruptions import photographs
from benchmarks.forward import seconds
from ppbench.evaluation.batch_size import first_batch_size
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.network import Network
from ppbench.models.load import load_model
from ppbench.models.registry import architecture
from ppbench.models.requests import ModelRequest
from ppbench.runs.evaluate import evaluate

CELLS = 76
_DIFFERENT = 100  # made-up clean images; the rest are these again


def on_gpu(images: int, precision: str = "bf16", rounds: int = 3) -> dict[str, Any]:
    """Time an evaluation and its forward passes in turn, and the parts of one batch; say so where there is no GPU."""
    if not torch.cuda.is_available():
        return {"ran": False, "why": "there is no CUDA device here"}
    device = torch.device("cuda")
    size = first_batch_size(device, (224, 224))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pixels = photographs(_DIFFERENT, 224).repeat(-(-images // _DIFFERENT), 1, 1, 1)[:images]
        root, checkpoint = folder / "clean.npz", folder / "resnet50.pth"
        np.savez(root, images=pixels.permute(0, 2, 3, 1).numpy(), labels=np.arange(images) % 1000)
        torch.manual_seed(0)
        torch.save(architecture("resnet50").build(1000, 224).state_dict(), checkpoint)
        model = load_model("resnet50", checkpoint=checkpoint, num_classes=1000, image_size=224).to(device)
        model.module.to(memory_format=torch.channels_last)
        ready = model.prepare(pixels[:size].to(device)).contiguous(memory_format=torch.channels_last)

        def forward() -> None:
            with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
                for start in range(0, images * CELLS, size):
                    model.module(ready[: images * CELLS - start]).argmax(1)
            torch.cuda.synchronize()

        def evaluation(where: Path, limit: int | None = None) -> None:
            request = ModelRequest("resnet50", checkpoint)
            options: dict[str, Any] = {
                "root": root,
                "limit": limit,
                "out": where / "run",
                "cache": where / "cache",
            }
            evaluate(
                request, data="imagenet-c", source="generated", precision=precision, device="cuda", **options
            )

        evaluation(folder / "warm", limit=min(images, 2 * size))
        times = [
            (seconds(forward)[0], seconds(lambda k=k: evaluation(folder / str(k)))[0])  # type: ignore[misc]  # a default binds k
            for k in range(rounds)
        ]
        return {
            "ran": True,
            "device": torch.cuda.get_device_name(device),
            "precision": precision,
            "images": images,
            "batch_size": size,
            "overhead_ratio": statistics.median(ours / bare for bare, ours in times),
            "images_per_second": images * CELLS / statistics.median(ours for _, ours in times),
            "forward_images_per_second": images * CELLS / statistics.median(bare for bare, _ in times),
            "peak_megabytes_on_device": torch.cuda.max_memory_allocated(device) / 2**20,
            "milliseconds_of_a_batch": parts_of_a_batch(pixels[:size], Network(model, precision)),
        }


def parts_of_a_batch(images: torch.Tensor, network: Network) -> dict[str, float]:
    """Return the milliseconds of each step that one batch passes on a GPU, corruption by corruption."""
    device = torch.device("cuda")
    there, ids = images.to(device), torch.arange(len(images))
    labels = torch.zeros(len(images), dtype=torch.int64, device=device)
    pinned = images.pin_memory()

    def timed(work: Callable[[], object]) -> float:
        times: list[float] = []
        for _ in range(5):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
            start.record()
            work()
            end.record()
            torch.cuda.synchronize()
            times.append(start.elapsed_time(end))
        return statistics.median(times)

    made = Generator(jpeg=False)
    return {
        "transfer": timed(lambda: pinned.to(device, non_blocking=True)),
        "forward": timed(lambda: network(there, labels)),
        "jpeg": timed(lambda: corruptions.jpeg_round_trip(there, 85)),
        **{
            name: timed(lambda name=name: made.corrupt(there, name, 3, protocol="imagenet-c", ids=ids))  # type: ignore[misc]  # as above
            for name in corruptions.NAMES
        },
    }
