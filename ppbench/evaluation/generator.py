"""Which generator makes corrupted images: ppbench's own, or the reference package for comparison."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import corruptions
from corruptions.plugins import digest_of
from ppbench.data.own_name import own_name
from ppbench.errors import InputError, check_seed, unknown
from ppbench.installed import version_of
from ppbench.scoring.names import PLUGIN

if TYPE_CHECKING:
    from torch import Tensor

GENERATORS = ("ppbench", "imagecorruptions")


def _reference_versions() -> str:
    packages = ("ppbench", "imagecorruptions", "scikit-image", "opencv-python", "scipy", "numpy", "pillow")
    return ", ".join(f"{package} {version_of(package)}" for package in packages)


@dataclass(frozen=True)
class Generator:
    """How the images of generated cells are made.

    Attributes:
        name: one of `GENERATORS`.
        seed: of the random draws.
        jpeg: put the images through the JPEG step that the published files of their protocol have had.
    """

    name: str = "ppbench"
    seed: int = 0
    jpeg: bool = True

    def __post_init__(self) -> None:
        if self.name not in GENERATORS:
            raise unknown("generator", self.name, GENERATORS)
        check_seed(self.seed)

    def check(self, names: Iterable[str]) -> None:
        """Check that it can make these corruptions.

        Raises:
            InputError: it cannot: the reference package knows no plug-ins.
        """
        foreign = [name for name in names if name.startswith(PLUGIN)]
        if foreign and self.name != "ppbench":
            raise InputError(
                f"expected corruptions that {self.name} has, got {foreign[0]}: use --generator ppbench"
            )

    def corrupt(
        self, images: "Tensor", name: str, severity: int, *, protocol: str, ids: "Tensor"
    ) -> "Tensor":
        """Return the corrupted images, uint8 (N, 3, H, W), of the clean ones.

        Raises:
            InputError: the corruption cannot be made here (its textures or its package are missing, say).
        """
        try:
            made = self._function()(images, own_name(name), severity, protocol=protocol, ids=ids)
        except corruptions.CorruptionError as error:
            raise InputError(str(error)) from error
        quality = self.quality(protocol)
        return made if quality is None else corruptions.jpeg_round_trip(made, quality=quality)

    def quality(self, protocol: str) -> int | None:
        """Return the quality of the JPEG step; None where there is none."""
        return corruptions.protocol(protocol).storage_quality if self.jpeg else None

    def facts(self, corruption: str, protocol: str) -> dict[str, Any] | None:
        """Return everything that a cell's pixels depend on, beside the clean images and the severity.

        None where that cannot be known: a plug-in whose source has no digest.
        """
        own = self.name == "ppbench"
        if own and corruption.startswith(PLUGIN) and not digest_of(own_name(corruption)):
            return None
        return {
            "generator": self.name,
            "corruption": corruption,
            "protocol": protocol if own else None,
            "seed": self.seed,
            "jpeg": self.quality(protocol),
            "corruption_code": corruptions.code_version(own_name(corruption))
            if own
            else _reference_versions(),
        }

    def _function(self) -> "Callable[..., Tensor]":
        if self.name == "ppbench":
            return lambda *arguments, **options: corruptions.corrupt(*arguments, **options, seed=self.seed)
        import torch

        from corruptions import reference

        def by_reference(
            images: "Tensor", name: str, severity: int, *, protocol: str, ids: "Tensor"
        ) -> "Tensor":
            del protocol  # the package has one set of constants
            with torch.inference_mode(False):
                return reference.corrupt(images, name, severity, ids=ids, seed=self.seed)

        return by_reference
