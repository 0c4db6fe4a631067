"""Which networks torchvision and timm have, read from their files: importing either takes seconds.

Only what no version could mean otherwise is refused here. Where anything is in doubt, the import decides.
"""

import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from ppbench.errors import InputError, unknown

_REGISTERED = re.compile(r"^@register_model\b.*?^def (\w+)\(", re.MULTILINE | re.DOTALL)
_BY_OTHER_MEANS = re.compile(r"^(?!def |\s*def )[^#@\n]*(?<![\w@.])register_model\(", re.MULTILINE)
_LEAST = 50
"""A folder of fewer networks is none of those that this module knows how to read."""


def check(model: str) -> None:
    """Refuse the name of a zoo's network or weights that cannot be there.

    Args:
        model: ``torchvision:NAME``, ``torchvision:NAME@WEIGHTS``, ``timm:NAME``, ``timm:NAME.TAG`` or ``hf-hub:…``.

    Raises:
        InputError: there is none of that name, or timm is not installed; the nearest name is suggested.
    """
    zoo, _, name = model.partition(":")
    package = "torchvision" if zoo == "torchvision" else "timm"
    if package in sys.modules:
        return  # it is here, and may have been taught networks of the user's own
    found = find_spec(package)
    if found is None and package == "timm":
        raise needs_timm(model)
    if zoo == "hf-hub" or found is None or found.origin is None:
        return
    refuse = _refuse_torchvision if package == "torchvision" else _refuse_timm
    refuse(Path(found.origin).parent / "models", name)


def needs_timm(model: str) -> InputError:
    """Return the error for a network of timm where timm is not installed."""
    return InputError(f"{model}: needs the package timm: pip install timm")


def _refuse_torchvision(folder: Path, name: str) -> None:
    """Refuse ``NAME`` or ``NAME@WEIGHTS``.

    Args:
        folder: torchvision/models.
        name: of the network, with or without its weights.

    Raises:
        InputError: there is none of that name.
    """
    network, _, weights = name.partition("@")
    names = networks(folder, network)
    if names is not None:
        raise unknown("torchvision model", network, names, listed_by="torchvision.models.list_models()")
    if weights and (known := _weights_of(folder, network)) and weights not in known:
        raise unknown(f"weights of torchvision:{network}", weights, known)


def _refuse_timm(folder: Path, name: str) -> None:
    """Refuse ``NAME`` or ``NAME.TAG``.

    Args:
        folder: timm/models.
        name: of the network, with or without the tag of its weights.

    Raises:
        InputError: there is none of that name.
    """
    network, _, tag = name.partition(".")
    names = networks(folder, network)
    if names is not None:
        raise unknown("timm model", name, names, listed_by="timm.list_models()")
    texts = list(_texts(folder))
    ends = re.compile(rf"""["'.]{re.escape(tag)}["']""")  # some are put together from a network and a tag
    if tag and not any(ends.search(text) for text in texts):
        key = re.compile(rf"""["']({re.escape(network)}\.\w+)["']""")
        known = dict.fromkeys(each for text in texts for each in key.findall(text))
        raise unknown(f"weights of timm:{network}", name, known or [network])


def networks(folder: Path, name: str) -> list[str] | None:
    """Return the networks that the files of a zoo register if none of them can be `name`; None if one is, or may be.

    Args:
        folder: of the zoo's modules.
        name: of a network.
    """
    word = re.escape(name)
    mentioned = re.compile(rf"""^def {word}\(|["']{word}["'.]""", re.MULTILINE)
    names: list[str] = []
    for text in _texts(folder):
        if mentioned.search(text) or _BY_OTHER_MEANS.search(text):
            return None
        names += _REGISTERED.findall(text)
    return sorted(names) if len(names) >= _LEAST else None


def _texts(folder: Path) -> Iterator[str]:
    for file in sorted(folder.glob("*.py")):
        try:
            yield file.read_text(encoding="utf-8", errors="replace")
        except OSError:  # the import says why
            continue


def _weights_of(folder: Path, network: str) -> list[str]:
    """Return the weights that a network of torchvision has; none where that cannot be read."""
    for text in _texts(folder):
        if signature := re.search(
            rf"^def {re.escape(network)}\((.*?)\) *(?:->|:)", text, re.MULTILINE | re.DOTALL
        ):
            kind = re.search(r"\b(\w+_Weights)\b", signature[1])
            body = kind and re.search(
                rf"^class {kind[1]}\(WeightsEnum\):\n(.*?)(?=^\S)", text, re.MULTILINE | re.DOTALL
            )
            return re.findall(r"^    (\w+) *=", body[1], re.MULTILINE) if body else []
    return []
