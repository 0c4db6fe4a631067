"""Which generator makes corrupted images: ppbench's own, or the reference package for comparison."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import corruptions
from corruptions.names import LIBRARIES, Library
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
        jpeg_codec: whose JPEG that step and jpeg_compression are: ``"ijg9"``, IJG's libjpeg 9 as the authors had it, or
            ``"turbo"``, libjpeg-turbo. A stored image is decoded by libjpeg-turbo either way.
    """

    name: str = "ppbench"
    seed: int = 0
    jpeg: bool = True
    jpeg_codec: Library = "ijg9"

    def __post_init__(self) -> None:
        if self.name not in GENERATORS:
            raise unknown("generator", self.name, GENERATORS)
        if self.jpeg_codec not in LIBRARIES:
            raise unknown("JPEG codec", self.jpeg_codec, LIBRARIES)
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
        if quality is None:
            return made
        from corruptions.jpeg import STORAGE  # brings torch, as whatever made the images did

        return corruptions.jpeg_round_trip(made, quality=quality, codec=STORAGE[self.jpeg_codec])

    def quality(self, protocol: str) -> int | None:
        """Return the quality of the JPEG step; None where there is none."""
        return corruptions.protocol(protocol).storage_quality if self.jpeg else None

    def codec_of(self, names: Iterable[str], protocol: str) -> Library | None:
        """Return whose JPEG some corruptions have been through; None where none has.

        The reference package's own jpeg_compression does not count: it is that of whatever library Pillow has here.
        """
        own = self.name == "ppbench"
        stored = self.quality(protocol) is not None
        has_jpeg = any(stored or (own and name == "jpeg_compression") for name in names)
        return self.jpeg_codec if has_jpeg else None

    def facts(self, corruption: str, protocol: str) -> dict[str, Any] | None:
        """Return everything that a cell's pixels depend on, beside the clean images and the severity.

        None where that cannot be known: a plug-in whose source has no digest.
        """
        own = self.name == "ppbench"
        if own and corruption.startswith(PLUGIN) and not digest_of(own_name(corruption)):
            return None
        codec = self.codec_of([corruption], protocol)
        return {
            "generator": self.name,
            "corruption": corruption,
            "protocol": protocol if own else None,
            "seed": self.seed,
            "jpeg": self.quality(protocol),
            # Cells without JPEG are the same for every codec.
            **({} if codec is None else {"jpeg_codec": codec}),
            "corruption_code": corruptions.code_version(own_name(corruption), self.jpeg_codec)
            if own
            else _reference_versions(),
        }

    def _function(self) -> "Callable[..., Tensor]":
        if self.name == "ppbench":
            return lambda *arguments, **options: corruptions.corrupt(
                *arguments, **options, seed=self.seed, jpeg_codec=self.jpeg_codec, any_size=True
            )
        import torch

        from corruptions import reference

        def by_reference(
            images: "Tensor", name: str, severity: int, *, protocol: str, ids: "Tensor"
        ) -> "Tensor":
            del protocol  # the package has one set of constants
            with torch.inference_mode(False):
                return reference.corrupt(images, name, severity, ids=ids, seed=self.seed)

        return by_reference
