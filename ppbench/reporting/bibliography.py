"""What a table relies on, as BibTeX: the benchmark, its data, the normaliser, the networks and methods it names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

from ppbench.reporting.provenance_line import TableContext
from ppbench.scoring.references import Reference
from ppbench.scoring.scorecard import Scores

FILE = "references.bib"
"""What the file is called in a run's folder."""

_DATA = {
    "digits-c": "alpaydin1998optical",
    "cifar10-c": "krizhevsky2009learning",
    "cifar100-c": "krizhevsky2009learning",
    "tiny-imagenet-c": "le2015tiny",
    "imagenet-c": "russakovsky2015imagenet",
    "imagenet100-c": "russakovsky2015imagenet",
    "imagenet200-c": "russakovsky2015imagenet",
}

_NORMALISERS = {
    "imagenet-c-alexnet": ("hendrycks2019benchmarking", "krizhevsky2012imagenet"),
    "cifar10-c-alexnet-2020": ("strisciuglio2020enhanced", "krizhevsky2012imagenet"),
    "digits-c-alexnet": ("krizhevsky2012imagenet",),
}

# A word of a model's or an architecture's name, between anything that is no letter or digit, and whose it is.
_WORDS = (
    (r"pp2020", "strisciuglio2020enhanced"),
    (r"pp\d?|pushpull", "bennabhaktula2024pushpull"),
    (r"(wide_?)?resnet\d*", "he2016deep"),
    (r"densenet\d*", "huang2017densely"),
    (r"alexnet", "krizhevsky2012imagenet"),
    (r"augmix", "hendrycks2020augmix"),
    (r"autoaugment", "cubuk2019autoaugment"),
    (r"deepaugment", "hendrycks2021many"),
    (r"prime", "modas2022prime"),
)


def cited(
    scores: Scores,
    context: TableContext,
    references: Sequence[Reference] = (),
    architectures: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Return the keys of what a table relies on, each once, the benchmark first.

    Args:
        scores: what the table shows.
        context: what it rests on.
        references: published results in it.
        architectures: model -> its network; a model without one is told by its name.
    """
    keys = ["hendrycks2019benchmarking"]
    keys += [_DATA[context.data]] if context.data in _DATA else []
    if context.generator is not None and context.generator.startswith("imagecorruptions"):
        keys.append("michaelis2019benchmarking")
    if scores.normaliser is not None:
        keys += _NORMALISERS.get(scores.normaliser.name, ())
    for model in scores.models:
        keys += of_name(f"{model.model} {(architectures or {}).get(model.model, '')}")
    if scores.baseline is not None:
        keys.append("bennabhaktula2024pushpull")  # whose R_net is
    if any(model.intervals for model in scores.models):
        keys.append("wilson1927probable")
    keys += [key for reference in references for key in reference.cite]
    return tuple(dict.fromkeys(keys))


def of_name(name: str) -> list[str]:
    """Return the keys of the networks and methods that a name speaks of: ``"resnet50-pp5"`` of both papers."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return [key for pattern, key in _WORDS if any(re.fullmatch(pattern, word) for word in words)]


def bibtex(keys: Iterable[str]) -> str:
    """Return the BibTeX entries of some keys, in their order."""
    return "\n".join(entries()[key] for key in keys)


@cache
def entries() -> Mapping[str, str]:
    """Return key -> BibTeX entry of everything that a table of ppbench can rely on."""
    text = (files("ppbench.reporting") / "bibliography.bib").read_text(encoding="utf-8")
    return {
        match[1]: match[0]
        for match in re.finditer(r"^@\w+\{([^,]+),\n.*?^\}\n", text, re.MULTILINE | re.DOTALL)
    }
