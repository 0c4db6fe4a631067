"""What a run says of its networks before it starts: what each gets for an input by whose word, and what was assumed."""

from collections.abc import Iterable, Iterator

from ppbench.models.loaded_model import LoadedModel


def contract_notes(models: Iterable[LoadedModel]) -> Iterator[str]:
    """Yield the lines: for each network what was assumed, a line each, and then its input contract with its source."""
    for model in models:
        for clause in model.assumed:
            yield f"{model.name}: assumed {clause}"
        yield f"{model.name}: {model.spec.summary()}: from {model.spec_source or 'the caller'}"
