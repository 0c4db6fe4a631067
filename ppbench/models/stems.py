"""Which first convolution a network has: a plain one, the 2024 push-pull unit, or the 2020 layer.

A network's name ends in its stem: nothing, ``-pp`` (window 3, trained inhibition), ``-pp5``, ``-pp0``,
``-pp2020``; ``-fixed`` or ``-fixed0.5`` behind a 2024 stem fixes the strength (at 1, at 0.5), ``-trained``
behind ``-pp2020`` trains it.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import nn

Unit = Literal["plain", "2024", "2020"]

_2024 = re.compile(r"pp(?P<avg>\d)?(?P<fixed>-fixed(?P<strength>\d+(\.\d+)?)?)?")


@dataclass(frozen=True)
class Stem:
    """The first convolution of a network.

    Attributes:
        unit: the kind of unit.
        avg: side of the averaging window (2024 unit), 0 for none.
        strength: the fixed strength of the inhibition; None if it is trained.
    """

    unit: Unit = "plain"
    avg: int = 0
    strength: float | None = None

    @property
    def suffix(self) -> str:
        """What the network's name ends in, with the hyphen."""
        if self.unit == "plain":
            return ""
        if self.unit == "2020":
            return "-pp2020" if self.strength is not None else "-pp2020-trained"
        fixed = (
            "" if self.strength is None else "-fixed" if self.strength == 1 else f"-fixed{self.strength:g}"
        )
        return ("-pp" if self.avg == 3 else f"-pp{self.avg}") + fixed

    @property
    def description(self) -> str:
        """The stem in words."""
        if self.unit == "plain":
            return "plain stem"
        strength = "trained inhibition" if self.strength is None else f"inhibition fixed at {self.strength:g}"
        if self.unit == "2020":
            return f"push-pull layer of 2020, {strength}"
        return f"push-pull stem, window {self.avg}, {strength}"

    def conv(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int,
        padding: int,
        bias: bool = False,
    ) -> "nn.Module":
        """Return the convolution, (N, in, H, W) -> (N, out, H', W'), with He et al.'s initial weights.

        `bias` is that of a plain convolution; the 2024 unit always has one, the 2020 layer (as published)
        none.
        """
        # Here, so that the names of networks are known without torch.
        from torch import nn

        from ppbench.models.push_pull import PushPull2020Conv2d, PushPullConv2d

        if self.unit == "plain":
            plain = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, bias=bias)
            nn.init.kaiming_normal_(plain.weight, mode="fan_out", nonlinearity="relu")
            return plain
        strength = 1.0 if self.strength is None else self.strength
        if self.unit == "2020":
            layer = PushPull2020Conv2d(
                in_channels,
                out_channels,
                kernel,
                stride=stride,
                padding=padding,
                alpha=strength,
                train_alpha=self.strength is None,
            )
            nn.init.kaiming_normal_(layer.push.weight, mode="fan_out", nonlinearity="relu")
            return layer
        unit = PushPullConv2d(
            in_channels,
            out_channels,
            kernel,
            avg_kernel_size=self.avg,
            pull_inhibition_strength=strength,
            trainable_pull_inhibition=self.strength is None,
            stride=stride,
            padding=padding,
        )
        nn.init.kaiming_normal_(unit.weight, mode="fan_out", nonlinearity="relu")
        return unit


PLAIN = Stem()
PP = Stem("2024", 3)
PP5 = Stem("2024", 5)
PP2020 = Stem("2020", strength=1.0)


def parse_stem(suffix: str) -> Stem | None:
    """Return the stem that a name's ending (without its hyphen) stands for, None if it stands for none."""
    if suffix == "":
        return PLAIN
    if suffix == "pp2020":
        return PP2020
    if suffix == "pp2020-trained":
        return Stem("2020", strength=None)
    match = _2024.fullmatch(suffix)
    if match is None:
        return None
    avg = int(match["avg"] or 3)
    if avg and avg % 2 == 0:
        return None
    return Stem("2024", avg, float(match["strength"] or 1) if match["fixed"] else None)
