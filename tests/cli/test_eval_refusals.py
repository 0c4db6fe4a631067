"""What `ppbench eval` refuses: one clear line, exit code 2, nothing written."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

Made = Callable[[Path], list[object]]
RESNET20 = ["--model", "resnet20"]


def _npz(folder: Path, **arrays: np.ndarray) -> Path:
    path = folder / "images.npz"
    np.savez(path, **arrays)
    return path


def _cifar(path: Path) -> list[object]:
    return [*RESNET20, "--data", "cifar10-c", "--root", path]


def _factory(folder: Path, form: str) -> list[object]:
    """A model's name, of the file net.py with the function `net` in this folder."""
    _file(folder, "net.py", b"def net():\n    return None\n")
    return ["--model", form.format(folder=folder)]


def _images(count: int = 4, size: int = 32) -> np.ndarray:
    return np.zeros((count, size, size, 3), np.uint8)


def _published(folder: Path) -> list[object]:
    """A published folder of two images a severity, without fog."""
    root = folder / "CIFAR-10-C"
    root.mkdir()
    np.save(root / "labels.npy", np.zeros(10, np.uint8))
    np.save(root / "snow.npy", np.zeros((10, 32, 32, 3), np.uint8))
    return [*_cifar(root), "--corruptions", "snow,fog"]


def _file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _truncated(folder: Path) -> Path:
    path = folder / "weights.pt"
    torch.save({"conv1.weight": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:1500])
    return path


def _resnet20_of(folder: Path, classes: int) -> Path:
    from ppbench.models.registry import architecture

    path = folder / "other.pt"
    torch.save(architecture("resnet20").build(classes, 32).state_dict(), path)
    return path


REFUSED: dict[str, tuple[Made, str]] = {
    "no model": (lambda _: [], "no model named: pass --model"),
    "unknown model": (lambda _: ["--model", "resnet-20"], "did you mean 'resnet20'"),
    "a name like no other": (lambda _: ["--model", "zzz"], "`ppbench models --architectures` lists all"),
    "half a factory's name": (lambda p: _factory(p, "{folder}/net.py"), "net.py': did you mean '"),
    "a module's name": (lambda p: _factory(p, "{folder}/net:net"), "net.py:net'?"),
    "weights behind a colon": (
        lambda _: ["--model", "torchvision:resnet50:IMAGENET1K_V1"],
        "did you mean 'torchvision:resnet50@IMAGENET1K_V1'?",
    ),
    "half a corruption's name": (
        lambda _: [*RESNET20, "--corruptions", "gaussian"],
        "did you mean 'gaussian_noise' or 'gaussian_blur'?",
    ),
    "images of no data set": (
        lambda p: [*RESNET20, "--root", _npz(p, images=_images(), labels=np.arange(4))],
        "images.npz needs --data: say which data set it holds, as in --data cifar10-c",
    ),
    "unknown data": (lambda _: [*RESNET20, "--data", "cifar10c"], "did you mean 'cifar10-c'"),
    "unknown corruption": (lambda _: [*RESNET20, "--corruptions", "fogg"], "did you mean 'fog'"),
    "severity 6": (lambda _: [*RESNET20, "--severities", "6"], "expected severities from 1 to 5, got '6'"),
    "batch size 0": (lambda _: [*RESNET20, "--batch-size", "0"], "batch size of at least 1, got 0"),
    "limit 0": (lambda _: [*RESNET20, "--limit", "0"], "expected"),
    "limit above the set": (lambda _: [*RESNET20, "--limit", "501"], "501"),
    "unknown device": (lambda _: [*RESNET20, "--device", "gpu"], "expected a device"),
    "unknown normaliser": (lambda _: [*RESNET20, "--normaliser", "alexnt"], "unknown normaliser 'alexnt'"),
    "unknown baseline": (
        lambda _: [*RESNET20, "--baseline-model", "resnet18"],
        "unknown baseline model 'resnet18'",
    ),
    "missing checkpoint": (lambda d: [*RESNET20, "--checkpoint", d / "no.pt"], "no.pt"),
    "empty checkpoint": (lambda d: [*RESNET20, "--checkpoint", _file(d, "empty.pt", b"")], "empty.pt"),
    "truncated checkpoint": (lambda d: [*RESNET20, "--checkpoint", _truncated(d)], "weights.pt"),
    "a page saved as weights": (
        lambda d: [*RESNET20, "--checkpoint", _file(d, "page.pth", b"<html>")],
        "page.pth",
    ),
    "another class count": (lambda d: [*RESNET20, "--checkpoint", _resnet20_of(d, 7)], "7"),
    "another architecture": (
        lambda d: ["--model", "resnet18", "--checkpoint", _resnet20_of(d, 10)],
        "other.pt",
    ),
    "no such root": (lambda d: _cifar(d / "nowhere"), "nowhere"),
    "empty folder": (_cifar, "expected"),
    "npz without labels": (lambda d: _cifar(_npz(d, images=_images())), "labels"),
    "float images": (lambda d: _cifar(_npz(d, images=_images() / 255.0, labels=np.zeros(4, int))), "float64"),
    "another size": (lambda d: _cifar(_npz(d, images=_images(4, 64), labels=np.zeros(4, int))), "64"),
    "labels out of range": (lambda d: _cifar(_npz(d, images=_images(), labels=np.full(4, 10))), "10"),
    "more images than labels": (lambda d: _cifar(_npz(d, images=_images(), labels=np.zeros(3, int))), "3"),
    "a corruption is missing": (_published, "fog"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_line_and_exit_code_2(
    case: str, tmp_path: Path, ppbench: Callable[..., object]
) -> None:
    """The line says what was expected and found; no traceback, nothing on stdout, no run folder left behind."""
    made, message = REFUSED[case]
    inputs, out = tmp_path / "inputs", tmp_path / "out"
    inputs.mkdir()
    done = ppbench("eval", *made(inputs), "--out", out)
    assert done.code == 2, done
    lines = done.err.strip().splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("ppbench: ")
    assert message in lines[0]
    assert done.out == ""
    assert not out.exists()


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_work(
    tmp_path: Path, ppbench: Callable[..., object]
) -> None:
    """A file stands where the run's folder should be: root may write anywhere else, so permissions cannot test it."""
    (tmp_path / "file").write_text("")
    done = ppbench("eval", *RESNET20, "--out", tmp_path / "file" / "run")
    assert done.code == 2
    assert "choose another with --out" in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_a_network_without_weights_says_what_to_do(ppbench: Callable[..., object]) -> None:
    """Nobody trained resnet50-pp on digits: one line names a file of one's own, a plain network's, and the training."""
    done = ppbench("eval", "--model", "resnet50-pp")
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1
    for word in ("resnet50-pp", "digits-c", "--checkpoint", "--as", "ppbench train --recipe digits"):
        assert word in done.err


@pytest.mark.parametrize("arguments", [["--severities"], ["--no-such-flag"], ["extra"], ["--limit", "many"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str], ppbench: Callable[..., object]) -> None:
    """The parser's own refusals have the same exit code."""
    assert ppbench("eval", *arguments).code == 2
