"""Factories for `FILE.py:factory`: resnet20 built or run in ways that people get wrong; its weights are a file's."""

import types

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppbench.models.registry import architecture


def right() -> nn.Module:
    """As it should be."""
    return architecture("resnet20").build(10, 32)


def _after_loading(change: "types.FunctionType") -> nn.Module:
    network = right()
    network.register_load_state_dict_post_hook(lambda module, _keys: change(module))
    return network


def _after_answering(change: "types.FunctionType") -> nn.Module:
    network = right()
    network.register_forward_hook(lambda _module, _inputs, answers: change(answers))
    return network


def train_mode() -> nn.Module:
    """Never in evaluation mode."""
    network = right()
    network.train = types.MethodType(lambda self, _mode=True: self, network)  # type: ignore[method-assign]
    return network


def without_statistics() -> nn.Module:
    """Batch norms that forget their running statistics."""

    def forget(module: nn.Module) -> None:
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.track_running_stats = False
                layer.running_mean = layer.running_var = None

    return _after_loading(forget)


def normalised_over_the_batch() -> nn.Module:
    """No layer shows it: the input is normalised by the mean and spread of its whole batch."""
    network = right()
    network.register_forward_pre_hook(
        lambda _module, inputs: ((inputs[0] - inputs[0].mean()) / inputs[0].std(),)
    )
    return network


class _AlwaysDrops(nn.Dropout):
    def train(self, mode: bool = True) -> "_AlwaysDrops":  # noqa: ARG002  nn.Module's signature
        return super().train(True)


def dropout_on() -> nn.Module:
    """Dropout before the last layer, in training mode."""
    network = right()
    network.drop = _AlwaysDrops(0.5)
    network.fc.register_forward_pre_hook(lambda _module, inputs: (network.drop(inputs[0]),))
    return network


def functional_dropout() -> nn.Module:
    """The same, and no layer shows it."""
    network = right()
    network.fc.register_forward_pre_hook(lambda _module, inputs: (F.dropout(inputs[0], 0.5),))
    return network


def softmax_inside() -> nn.Module:
    """Returns probabilities."""
    return _after_answering(lambda logits: logits.softmax(dim=1))


def log_softmax_inside() -> nn.Module:
    """Returns log-probabilities."""
    return _after_answering(lambda logits: logits.log_softmax(dim=1))


def sigmoid_inside() -> nn.Module:
    """Returns a number between 0 and 1 for each class."""
    return _after_answering(lambda logits: logits.sigmoid())


def nan_for_some() -> nn.Module:
    """Returns NaN for bright images."""

    def spoilt(_module: nn.Module, inputs: tuple[Tensor], logits: Tensor) -> Tensor:
        bright = inputs[0].mean(dim=(1, 2, 3), keepdim=True)[:, :, 0, 0] > 0.5
        return torch.where(bright, torch.nan, logits)

    network = right()
    network.register_forward_hook(spoilt)
    return network


def half_initialised_again() -> nn.Module:
    """Every second block is as it was before the training."""

    def again(module: nn.Module) -> None:
        blocks = [layer for layer in module.modules() if type(layer).__name__ == "BasicBlock"]
        torch.manual_seed(0)
        for block in blocks[1::2]:
            for layer in block.modules():
                if isinstance(layer, nn.Conv2d | nn.BatchNorm2d):
                    layer.reset_parameters()

    return _after_loading(again)


def one_convolution_initialised_again() -> nn.Module:
    """The first convolution of the last stage; its batch norm stays."""

    def again(module: nn.Module) -> None:
        torch.manual_seed(0)
        module.get_submodule("layer3.0.conv1").reset_parameters()

    return _after_loading(again)


def padding_2() -> nn.Module:
    """A first convolution with another padding, which leaves no trace in the weights."""
    network = right()
    network.conv1.padding = (2, 2)
    return network


def padding_by_reflection() -> nn.Module:
    """Convolutions that reflect at the border in place of zeros."""
    network = right()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.padding == (1, 1):
            layer.padding_mode = "reflect"
            layer._reversed_padding_repeated_twice = [1, 1, 1, 1]
    return network


def stride_1() -> nn.Module:
    """The last stage does not shrink its maps."""
    network = right()
    network.get_submodule("layer3.0.conv1").stride = (1, 1)
    network.get_submodule("layer3.0.downsample.0").stride = (1, 1)
    return network


def gelu_first() -> nn.Module:
    """Another activation after the first batch norm, as if ReLU were GELU there."""
    network = right()
    network.bn1.register_forward_hook(lambda _module, _inputs, out: F.gelu(out))
    return network


def tensorflow_epsilon() -> nn.Module:
    """Another epsilon in every batch norm, as TensorFlow has it."""
    network = right()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = 1e-3
    return network
