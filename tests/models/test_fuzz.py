"""Random damage to small real checkpoints: one line or a whole load, never anything else."""

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ppbench.errors import InputError
from ppbench.models.load import load_model
from tests.models.foreign_files import network_of, write

Damage = Callable[[bytearray, random.Random], bytearray]


def _place(data: bytearray, rng: random.Random) -> int:
    """Half of the damage goes where the structure is: near the beginning or the end."""
    edge = min(len(data), 20_000)
    return rng.choice([rng.randrange(len(data)), rng.randrange(edge), len(data) - 1 - rng.randrange(edge)])


def flip(data: bytearray, rng: random.Random) -> bytearray:
    """Change a few bits."""
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        data[_place(data, rng)] ^= 1 << rng.randrange(8)
    return data


def overwrite(data: bytearray, rng: random.Random) -> bytearray:
    """Overwrite a stretch with other bytes."""
    start, length = _place(data, rng), rng.choice([1, 4, 8, 100, 5000])
    data[start : start + length] = rng.randbytes(length)
    return data


def cut(data: bytearray, rng: random.Random) -> bytearray:
    """Cut the end off, or a stretch out."""
    start = _place(data, rng)
    return data[:start] if rng.random() < 0.5 else data[:start] + data[start + rng.choice([1, 8, 1000]) :]


def insert(data: bytearray, rng: random.Random) -> bytearray:
    """Put bytes in."""
    start = _place(data, rng)
    return data[:start] + rng.randbytes(rng.choice([1, 8, 1000])) + data[start:]


def shuffle(data: bytearray, rng: random.Random) -> bytearray:
    """Exchange two stretches."""
    length = rng.choice([4, 64, 4096])
    a, b = sorted((_place(data, rng), _place(data, rng)))
    if b - a < length:
        return flip(data, rng)
    data[a : a + length], data[b : b + length] = data[b : b + length], data[a : a + length]
    return data


DAMAGES: tuple[Damage, ...] = (flip, overwrite, cut, insert, shuffle)


def check(original: Path, folder: Path, seeds: range) -> None:
    """Damage a file in as many ways and load each: an `InputError` of one line, or every tensor in its shape."""
    whole = load_model(checkpoint=original)
    shapes = {name: tensor.shape for name, tensor in whole.module.state_dict().items()}
    pristine, path = original.read_bytes(), folder / "damaged"
    for seed in seeds:
        rng = random.Random(seed)  # noqa: S311  not a secret
        path.write_bytes(rng.choice(DAMAGES)(bytearray(pristine), rng))
        start = time.perf_counter()
        try:
            loaded = load_model(checkpoint=path)
        except InputError as error:
            assert "\n" not in str(error), seed  # noqa: PT017  either outcome is right; this is one of them
        else:
            assert {name: t.shape for name, t in loaded.module.state_dict().items()} == shapes, seed
            assert loaded.architecture == whole.architecture, seed
        assert time.perf_counter() - start < 20, seed


def originals(test_data: Path, folder: Path) -> list[Path]:
    """A legacy pickle (published), a zip file and a safetensors file."""
    published = folder / "legacy"
    shutil.copy(test_data / "pushpull-2020" / "resnet-20-pp" / "checkpoint.pth.tar", published)
    published.chmod(0o644)
    state = torch.load(published, map_location="cpu", weights_only=True)["state_dict"]
    return [
        published,
        write(folder / "zip", {"epoch": 200, "state_dict": state}, "zip"),
        write(folder / "safetensors", network_of("alexnet").state_dict(), "safetensors"),
    ]


def test_some_damage(test_data: Path, tmp_path: Path) -> None:
    """A hundred damaged files of three formats: never a traceback, a hang or a partial load."""
    for index, original in enumerate(originals(test_data, tmp_path)):
        check(original, tmp_path, range(index, 100, 3))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_much_damage(kind: int, test_data: Path, tmp_path: Path) -> None:
    """Two thousand damaged files of three formats: never a traceback, a hang or a partial load."""
    check(originals(test_data, tmp_path)[kind], tmp_path, range(1000 + kind, 3001, 3))
