"""Our own networks saved the way others save theirs: names, wrappers, file formats; written apart from the loader."""

import argparse
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

from ppbench.models.registry import architecture

State = dict[str, Tensor]


def network_of(name: str, classes: int = 10, size: int = 32) -> nn.Module:
    """A network with weights and batch statistics that differ everywhere, so that a swapped tensor shows."""
    torch.manual_seed(len(name))
    network = architecture(name).build(classes, size)
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if key.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif value.is_floating_point() and value.ndim == 1:
                value.uniform_(-0.5, 0.5)
    return network.eval()


def images_of(size: int = 32) -> Tensor:
    """Two images for a network."""
    torch.manual_seed(7)
    return torch.randn(2, 3, size, size)


# Others' names. Each takes our state dict and gives theirs.


def torchvision_names(state: State) -> State:
    """The same names."""
    return dict(state)


def authors_2024(state: State) -> State:
    """PushPull-Net's: bn and classifier in a ResNet."""
    if "features.0" in " ".join(state):
        return dict(state)
    return {re.sub(r"^bn1\.", "bn.", re.sub(r"^fc\.", "classifier.", k)): v for k, v in state.items()}


def he_style(state: State) -> State:
    """The usual CIFAR repositories': linear, and shortcut for downsample."""
    return {re.sub(r"^fc\.", "linear.", k.replace(".downsample.", ".shortcut.")): v for k, v in state.items()}


def data_parallel_features(state: State) -> State:
    """The PyTorch examples' AlexNet, whose features alone were in DataParallel."""
    return {re.sub(r"^features\.", "features.module.", k): v for k, v in state.items()}


SCHEMES: dict[str, Callable[[State], State]] = {
    "torchvision": torchvision_names,
    "authors-2024": authors_2024,
    "he": he_style,
    "data-parallel-features": data_parallel_features,
}


def _noise(state: State) -> State:
    return {k: torch.randn_like(v) if v.is_floating_point() else v.clone() for k, v in state.items()}


def _prefixed(prefix: str) -> Callable[[State], State]:
    return lambda state: {prefix + k: v for k, v in state.items()}


def _lightning(state: State) -> dict[str, Any]:
    hyper = argparse.Namespace(
        model="any", augmentation=torchvision.transforms.AugMix(), avg_kernel_size=None
    )
    crop = torchvision.transforms.Compose(
        [torchvision.transforms.RandomCrop(32, 4), torchvision.transforms.ToTensor()]
    )
    return {
        "epoch": 19,
        "global_step": 1000,
        "pytorch-lightning_version": "2.1.3",
        "state_dict": OrderedDict(state),
        "hyper_parameters": {**vars(hyper), "namespace": hyper, "transform": crop},
        "optimizer_states": [
            {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]}
        ],
        "lr_schedulers": [],
        "callbacks": {"ModelCheckpoint{'monitor': 'val'}": {"best_model_score": torch.tensor(0.7)}},
    }


# What stands around the weights. The flat ones (prefixes) can be safetensors too.
FLAT: dict[str, Callable[[State], State]] = {
    "bare": lambda state: state,
    "ddp": _prefixed("module."),
    "compiled": _prefixed("_orig_mod."),
    "ddp of compiled": _prefixed("module._orig_mod."),
    "lightning module": _prefixed("model."),
    "net": _prefixed("net."),
    "normalised inside": lambda state: {
        "0.mean": torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1),
        "0.std": torch.tensor([0.2, 0.3, 0.4]).view(1, 3, 1, 1),
        **_prefixed("1.")(state),
    },
    "averaged beside": lambda state: {
        **_prefixed("model.")(_noise(state)),
        **_prefixed("ema_model.module.")(state),
    },
    "swa": lambda state: {"n_averaged": torch.tensor(5), **_prefixed("module.")(state)},
}
NESTED: dict[str, Callable[[State], dict[str, Any]]] = {
    "state_dict": lambda state: {"epoch": 3, "best_acc": torch.tensor(0.9), "state_dict": state},
    "model": lambda state: {"model": state, "optimizer": {"state": {}, "param_groups": []}},
    "model_state": lambda state: {"model_state": state},
    "net and acc": lambda state: {"net": state, "acc": 93.1, "epoch": 199},
    "ema": lambda state: {"state_dict": _noise(state), "state_dict_ema": state},
    "ema, nested": lambda state: {"model": _noise(state), "model_ema": {"module": state}},
    "lightning": _lightning,
    "robustbench": lambda state: {
        "state_dict": _prefixed("module.model.")(state),
        "args": argparse.Namespace(seed=1),
    },
}
FORMATS = ("safetensors", "zip", "legacy")


def write(path: Path, content: Any, kind: str) -> Path:
    """Save in a file format."""
    if kind == "safetensors":
        save_file({k: v.contiguous() for k, v in content.items()}, path)
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    return path
