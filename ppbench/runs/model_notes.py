"""What a run says of its networks: the input of each by whose word, what was assumed, what its weights are not."""

from collections.abc import Iterable, Iterator

from ppbench.models.loaded_model import LoadedModel


def input_contracts(models: Iterable[LoadedModel]) -> Iterator[str]:
    """Yield the lines: for each network what was assumed, a line each, and then its input contract with its source."""
    for model in models:
        for clause in model.assumed:
            yield f"{model.name}: assumed {clause}"
        yield f"{model.name}: {model.spec.summary()}: from {model.spec_source or 'the caller'}"


def caveats(models: Iterable[LoadedModel]) -> Iterator[str]:
    """Yield what the tables must say of the weights: a line for each caveat, with the networks that it is true of."""
    names: dict[str, list[str]] = {}
    for model in models:
        for caveat in model.caveats:
            names.setdefault(caveat, []).append(model.name)
    for caveat, whose in names.items():
        yield f"{', '.join(whose)}: {caveat}"
