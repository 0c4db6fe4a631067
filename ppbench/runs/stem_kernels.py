"""The first layer of the push-pull networks of a run, read again from their checkpoints."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ppbench.atomic import sha256_of
from ppbench.errors import InputError
from ppbench.models.load import load_model
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.push_pull import PushPull2020Conv2d, PushPullConv2d
from ppbench.models.registry import find_architecture
from ppbench.reporting.report_content import StemKernels
from ppbench.runs.manifest import DataFacts, ModelFacts

_Unit = PushPullConv2d | PushPull2020Conv2d


def stem_kernels(
    described: ModelFacts, data: DataFacts, name: str, folder: Path | None
) -> StemKernels | None:
    """Return the first layer of a model, None if it is no push-pull network that ppbench builds.

    Args:
        described: what run.json says of the model.
        data: what run.json says of the data.
        name: what the report calls the model.
        folder: of the run; a relative path of the checkpoint is looked for from here and from the current folder.
    """
    architecture = find_architecture(described.architecture)
    if architecture is None or architecture.stem.unit == "plain":
        return None
    words = architecture.stem.description
    try:
        unit = _first_unit(_loaded(described, data, architecture.name, folder))
    except InputError as error:
        return StemKernels(name, words, None, None, None, f"No kernels are shown: {error}.")
    with torch.inference_mode():
        push, pull, strengths = _weights(unit)
    return StemKernels(name, words, push, pull, strengths, "")


def _loaded(described: ModelFacts, data: DataFacts, architecture: str, folder: Path | None) -> LoadedModel:
    if described.checkpoint is None:
        raise InputError("the run names no file of weights")
    path = Path(described.checkpoint)
    if not path.is_file() and folder is not None and (folder / path).is_file():
        path = folder / path
    if not path.is_file():
        raise InputError(f"the file of the weights, {path}, is not there any more")
    if sha256_of(path) != described.checkpoint_sha256:
        raise InputError(f"{path} is no longer the file that was evaluated: its SHA-256 is another one")
    size = data.image_size[0]
    shape: dict[str, Any] = {
        "num_classes": data.num_classes,
        "image_size": size,
        "spec": described.input_spec.to_dict(),
        "prefix": described.checkpoint_prefix or None,
    }
    try:
        return load_model(architecture, checkpoint=path, **shape)
    except InputError:
        # A plain network's weights that the run turned into a push-pull one (--as).
        return load_model(checkpoint=path, turn_into=architecture, **shape)


def _first_unit(model: LoadedModel) -> _Unit:
    for module in model.module.modules():
        if isinstance(module, _Unit):
            return module
    raise InputError(f"{model.architecture} has no push-pull unit")


def _weights(
    unit: _Unit,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
    """Return push kernels (O, I, k, k), pull kernels (O, I, k', k'), and the strengths (O,) if they are trained."""
    if isinstance(unit, PushPullConv2d):
        return (
            _array(unit.weight),
            _array(unit.offset() - unit.weight),
            _trained(unit.pull_inhibition_strength),
        )
    acting = torch.relu(unit.alpha) if isinstance(unit.alpha, Tensor) else unit.alpha
    return _array(unit.push.weight), _array(unit.pull_kernel()), _trained(acting)


def _trained(strength: Tensor | float) -> npt.NDArray[np.float32] | None:
    return _array(strength).ravel() if isinstance(strength, Tensor) else None


def _array(values: Tensor) -> npt.NDArray[np.float32]:
    return values.detach().to(torch.float32).cpu().numpy()
