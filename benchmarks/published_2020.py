"""The errors that the 2020 push-pull paper published, cell by cell, against ours on all 10,000 test images of CIFAR-10.

`python -m benchmarks.published_2020 --images test.npz --checkpoints FOLDER --out FOLDER [--seeds 0,1,2]`

FOLDER has `resnet-20/` and `resnet-20-pp/`, each with the paper's `checkpoint.pth.tar` and `C_details.txt`. The 40
cells of the eight corruptions without a draw must have the published error to all its four digits, which is the same
number of wrong images; of the others, whose draws nobody recorded, the averages are compared, for each seed.

4 million forward passes of two networks: an hour or more of one core. After each corruption `published-2020.json` is
written anew, and the same command goes on where it was stopped.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import corruptions
from ppbench import atomic
from ppbench.models.requests import ModelRequest
from ppbench.runs.description import versions
from ppbench.runs.evaluate import evaluate
from ppbench.scoring.names import ALL, CORRUPTIONS, SEVERITIES

FILE = "published-2020.json"
IMAGES = 10_000

NETWORKS = {"resnet20": "resnet-20", "resnet20-pp2020": "resnet-20-pp"}
"""Architecture -> folder of the paper's checkpoint and tables."""

WITHOUT_DRAWS = (
    "brightness",
    "contrast",
    "defocus_blur",
    "gaussian_blur",
    "jpeg_compression",
    "pixelate",
    "saturate",
    "zoom_blur",
)

Counts = dict[tuple[str, int], int]
"""(corruption, severity) -> images of 10,000 that a network gets wrong; the clean ones are ``("clean", 0)``."""


def published_counts(details: Path) -> Counts:
    """Return what a `C_details.txt` says, as numbers of wrong images: a line a corruption, five fractions."""
    rows = (line.split(":") for line in details.read_text(encoding="utf-8").splitlines() if ":" in line)
    return {
        (name.strip(), severity): round(float(value) * IMAGES)
        for name, values in rows
        for severity, value in zip(SEVERITIES, values.split(), strict=True)
    }


def counted(
    images: Path,
    checkpoints: Path,
    names: Sequence[str],
    severities: Sequence[int] = SEVERITIES,
    *,
    seed: int = 0,
    cache: Path | None = None,
) -> dict[str, Counts]:
    """Return, for each network, how many images it gets wrong in each cell.

    Args:
        images: an `.npz` of the clean images.
        checkpoints: the folder of both networks' folders.
        names: of the corruptions.
        severities: of each.
        seed: of the draws.
        cache: where finished cells are kept; None takes the usual place.
    """
    requests = [
        ModelRequest(name, checkpoints / folder / "checkpoint.pth.tar") for name, folder in NETWORKS.items()
    ]
    run = evaluate(
        requests,
        data="cifar10-c",
        root=images,
        corruptions=names,
        severities=severities,
        seed=seed,
        device="cpu",
        cache=cache,
    )
    found: dict[str, Counts] = {}
    for table in run.tables:
        assert table.clean is not None
        cells = {("clean", 0): table.clean, **table.cells}
        found[table.model] = {key: round(cell.error / 100 * IMAGES) for key, cell in cells.items()}
    return found


def compared(ours: Mapping[int, Counts], published: Counts) -> dict[str, Any]:
    """Return what one network's counts say, beside the published ones.

    Args:
        ours: seed -> cells; the corruptions without a draw are looked up in the first seed.
        published: of `published_counts`.
    """
    first = next(iter(ours.values()))
    same = [cell for cell in published if cell[0] in WITHOUT_DRAWS and cell in first]
    other = {
        f"{name} {severity}": {"ours": first[name, severity], "published": published[name, severity]}
        for name, severity in same
        if first[name, severity] != published[name, severity]
    }
    averages, means = {}, {}
    theirs = {name: _average(published, name) for name in ALL}
    for seed, counts in ours.items():
        known = {**{cell: first[cell] for cell in same}, **counts}
        finished = {
            name: _average(known, name) for name in ALL if all((name, s) in known for s in SEVERITIES)
        }
        averages[str(seed)] = {
            name: {"ours": value, "published": theirs[name], "difference": round(value - theirs[name], 4)}
            for name, value in finished.items()
            if name not in WITHOUT_DRAWS
        }
        if all(name in finished for name in CORRUPTIONS):
            mean = [sum(errors[name] for name in CORRUPTIONS) / 15 for errors in (finished, theirs)]
            means[str(seed)] = {
                "ours": round(mean[0], 4),
                "published": round(mean[1], 4),
                "difference": round(mean[0] - mean[1], 4),
            }
    differences = [abs(each["difference"]) for seed in averages.values() for each in seed.values()]
    return {
        "clean_errors": first["clean", 0],
        "cells_without_draws": len(same),
        "equal": len(same) - len(other),
        "not_equal": other,
        "averages_with_draws": averages,
        "largest_difference_of_an_average": max(differences, default=None),
        "mean_of_the_15": means,
        "counts": {
            str(seed): {f"{name} {severity}": count for (name, severity), count in counts.items()}
            for seed, counts in ours.items()
        },
    }


def _average(counts: Counts, name: str) -> float:
    """Return a corruption's error over its five severities, per cent."""
    return round(sum(counts[name, severity] for severity in SEVERITIES) / (len(SEVERITIES) * IMAGES) * 100, 4)


def main() -> None:
    """Count, compare, and write after each corruption."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="an .npz of the 10,000 test images")
    parser.add_argument("--checkpoints", type=Path, required=True, help="the folder of the two networks")
    parser.add_argument(
        "--out", type=Path, required=True, help="the folder of the results and of finished cells"
    )
    parser.add_argument("--seeds", default="0,1,2", help="of the draws")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    chosen.out.mkdir(parents=True, exist_ok=True)
    seeds = [int(seed) for seed in chosen.seeds.split(",")]
    published = {
        name: published_counts(chosen.checkpoints / folder / "C_details.txt")
        for name, folder in NETWORKS.items()
    }
    drawn = [name for name in ALL if name not in WITHOUT_DRAWS]
    work = [
        *((seeds[0], name) for name in WITHOUT_DRAWS),
        *((seed, name) for seed in seeds for name in drawn),
    ]
    ours: dict[str, dict[int, Counts]] = {name: {} for name in NETWORKS}
    for number, (seed, name) in enumerate(work, 1):
        found = counted(chosen.images, chosen.checkpoints, [name], seed=seed, cache=chosen.out / "cache")
        for network, counts in found.items():
            ours[network].setdefault(seed, {}).update(counts)
        report = {
            "finished": number == len(work),
            "done": f"{number} of {len(work)} corruptions",
            "versions": versions(),
            "corruption_versions": {each: corruptions.code_version(each) for each in ALL},
            "networks": {network: compared(ours[network], published[network]) for network in NETWORKS},
        }
        atomic.write_text(chosen.out / FILE, json.dumps(report, indent=2) + "\n")
        print(f"{number:>3} of {len(work)}: seed {seed}, {name}", flush=True)


if __name__ == "__main__":
    main()
