"""What run.json says of the models and the data of a run."""

from collections.abc import Sequence
from typing import Any

import corruptions
from ppbench.data.source import DataSource
from ppbench.models.load import LoadedModel


def describe_model(model: LoadedModel) -> dict[str, Any]:
    """Return a model's identity: name, architecture, weights, input contract and where that came from."""
    return {
        "name": model.name,
        "architecture": model.architecture,
        "num_classes": model.num_classes,
        "checkpoint": None if model.checkpoint is None else str(model.checkpoint),
        "checkpoint_sha256": model.sha256,
        "input_spec": model.spec.to_dict(),
        "input_spec_source": model.spec_source,
    }


def describe_data(
    images: DataSource, cells: Sequence[tuple[str, int]], *, seed: int, limit: int | None, jpeg: bool
) -> dict[str, Any]:
    """Return the identity of a run's images and cells."""
    names = list(dict.fromkeys(corruption for corruption, severity in cells if severity > 0))
    generated = images.source == "generated"
    return {
        "name": images.name,
        "source": images.source,
        "protocol": images.protocol,
        "images": len(images.ids),
        "num_classes": images.num_classes,
        "image_size": list(images.image_size),
        "digest": images.digest,
        "limit": limit,
        "seed": seed,
        "corruptions": names,
        "severities": sorted({severity for _, severity in cells if severity > 0}),
        "jpeg_quality": corruptions.protocol(images.protocol).storage_quality if generated and jpeg else None,
        "corruption_versions": {name: corruptions.code_version(name) for name in names}
        if generated
        else None,
    }
