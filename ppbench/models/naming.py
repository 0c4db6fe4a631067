"""What a model's name means, told without torch, so that a wrong one is refused at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ppbench.errors import InputError, unknown
from ppbench.models import python_file, zoo_names
from ppbench.models.index import IndexEntry, find, known_index, shipped_folder, user_folder
from ppbench.models.registry import ARCHITECTURES, Architecture, find_architecture
from ppbench.models.requests import ZOOS

RECIPES = {
    "digits-c": "digits",
    "cifar10-c": "cifar10-fast",
    "imagenet-c": "imagenet-paper",
    "imagenet100-c": "imagenet100-paper",
}
"""What `ppbench train` trains a network for each data set by, where it has a recipe."""

_SHOWN = 3
"""So many functions of a file are named where none was."""


@dataclass(frozen=True)
class Meaning:
    """What a model's name means; one of the first three is set, or the last two are.

    Attributes:
        function: file and function of the user's own network.
        zoo: whether it is a model of torchvision's or timm's.
        entry: the checkpoint of the index.
        architecture: the network that ppbench builds.
        file: the file of its weights.
    """

    function: tuple[Path, str] | None = None
    zoo: bool = False
    entry: IndexEntry | None = None
    architecture: Architecture | None = None
    file: Path | None = None


def meaning(model: str, path: Path | None, data: str | None) -> Meaning:
    """Return what a name means.

    Args:
        model: as `--model` takes it, but no file and no ``NAME=FILE``.
        path: the file of weights that is given with it.
        data: the data set that it will answer, None if that is not known.

    Raises:
        InputError: it means nothing, or there are no weights; the line says what to do.
    """
    if found := python_file.split(model):
        python_file.check(*found)
        return Meaning(function=found)
    if model.startswith(ZOOS):
        _check_zoo(model)
        return Meaning(zoo=True)
    entry = find(known_index(), model, data)
    if path is not None and (entry is None or entry.id != model):
        return Meaning(architecture=_architecture(model), file=path)
    if entry is not None:
        _check_entry(entry, path, data)
        return Meaning(entry=entry)
    return Meaning(architecture=_architecture(model), file=_found_file(model, data))


def _architecture(model: str) -> Architecture:
    found = find_architecture(model)
    if found is not None:
        return found
    if (meant := python_file.nearly(model)) is not None:
        hint = f": did you mean {' or '.join(map(repr, meant[:_SHOWN]))}?" if meant else ""
        raise InputError(
            f"expected FILE.py:FUNCTION, the file and the function or torch module in it that makes the network, "
            f"got {model!r}{hint}"
        )
    if model.endswith(".py"):
        raise InputError(
            f"{model}: expected FILE.py:FUNCTION, the file and the function or torch module in it that makes the "
            "network, got no such file"
        )
    if ":" in model:
        raise InputError(f"expected torchvision:NAME, timm:NAME or FILE.py:FUNCTION, got {model!r}")
    known = [*(entry.id for entry in known_index()), *ARCHITECTURES]
    raise unknown("model", model, known, listed_by="ppbench models --architectures")


def _check_zoo(model: str) -> None:
    zoo, _, name = model.partition(":")
    base, colon, weights = name.partition(":")
    if zoo == "torchvision" and colon:
        raise InputError(
            f"expected torchvision:NAME@WEIGHTS, got {model!r}: did you mean 'torchvision:{base}@{weights}'?"
        )
    zoo_names.check(model)


def _check_entry(entry: IndexEntry, path: Path | None, data: str | None) -> None:
    if path is not None:
        raise InputError(f"--model {entry.id} has weights of its own: leave out --checkpoint {path}")
    if data is not None and entry.data != data:
        raise InputError(f"{entry.id}: expected data {entry.data}, which it was trained for, got {data}")


def _found_file(model: str, data: str | None) -> Path:
    """The user's own file for an architecture without an index entry; where it would have to be, if it is not."""
    names = [f"{model}-{data}.safetensors"] if data else []
    names.append(f"{model}.safetensors")
    places = [folder / name for folder in (user_folder(), shipped_folder()) if folder for name in names]
    for place in places:
        if place.is_file():
            return place
    others = [entry for entry in known_index() if entry.architecture == model]
    if ids := [entry.id for entry in others if entry.data == data]:
        raise InputError(
            f"{model}: its weights for {data} were trained in an unusual way, so they go by their id: "
            f"--model {' or '.join(ids)}"
        )
    raise InputError(_no_weights(model, others, data))


def _no_weights(model: str, others: Sequence[IndexEntry], data: str | None) -> str:
    """Say that a network has no weights for these images, and what to do, in one short line."""
    wanted = _architecture(model)
    ways = ["give yours with --checkpoint FILE"]
    if wanted.stem.unit != "plain":
        ways.append(
            f"a plain {wanted.base}'s with --as {model} (not trained as push-pull, which every table says)"
        )
    if recipe := RECIPES.get(data or ""):
        ways.append(f"train it: ppbench train --recipe {recipe} --model {model}")
    known = sorted({entry.data for entry in others})
    there = f" (there are some for {' and '.join(known)})" if known else ""
    return f"{model}: no published weights for {data or 'it'}{there}: {', or '.join(ways)}"


def require_file(path: Path) -> None:
    """Refuse a file of weights that is not there.

    Raises:
        InputError: there is nothing of that name, or a folder.
    """
    if path.is_dir():
        raise InputError(f"{path}: this is a folder: name the checkpoint in it{_such_as(path)}")
    if not path.exists():
        raise InputError(f"{path}: no such file of weights: check its path")


def _such_as(folder: Path) -> str:
    """Return the files of weights in a folder, to be named."""
    endings = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".tar", ".onnx")
    found = sorted(each.name for each in folder.iterdir() if each.name.endswith(endings))
    return f", such as {found[0]}" if found else ""
