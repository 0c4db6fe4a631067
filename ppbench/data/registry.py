"""Which data sets there are, and what is known of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ppbench.data.class_order import ANY, ClassOrder
from ppbench.data.classes import class_list
from ppbench.data.own_size import check_size_options
from ppbench.errors import InputError, unknown

Layout = Literal["embedded", "cifar", "imagenet"]


@dataclass(frozen=True)
class DataSet:
    """A benchmark data set.

    Attributes:
        name: what `--data` takes.
        layout: how it lies on a disk: ``embedded``, ``cifar`` (arrays) or ``imagenet`` (files in class folders).
        protocol: whose severity constants belong to it.
        image_size: side in pixels.
        num_classes: width of a model's output; None where the class folders decide.
        description: one line.
        published: the usual name of the published -C folder, None if nothing is published.
        clean: the usual name of the folder of clean images, None if they are embedded or always named by --root.
        classes: the name of the list of wnids, None where the sorted class folders are the classes.
        resize: the clean files' shorter side before the central crop; None where they have the size already.
        fetch: what to fetch and where to put it, in words; {place} is the folder.
        fetch_clean: the same for the archive of clean images, those for training among them.
        order: what a user says of the order of its class folders.
        own_size: its images keep the size they have; `image_size` then counts for nothing.
        asked_protocol: whose constants a user wants at that size; None: those of the nearest size.
    """

    name: str
    layout: Layout
    protocol: str
    image_size: int
    num_classes: int | None
    description: str
    published: str | None = None
    clean: str | None = None
    classes: str | None = None
    resize: int | None = None
    fetch: str = ""
    fetch_clean: str = ""
    order: ClassOrder | None = None
    own_size: bool = False
    asked_protocol: str | None = None

    @property
    def embedded(self) -> bool:
        """Whether the clean images come with ppbench."""
        return self.layout == "embedded"

    @property
    def wnids(self) -> Sequence[str] | None:
        """The class folders' names, label 0 first, where they are known or a user lists them."""
        if self.order is not None and self.order.names:
            return self.order.names
        return None if self.classes is None else class_list(self.classes)

    @property
    def class_ids(self) -> Sequence[str] | None:
        """What the classes are known by, label 0 first: `wnids`, or CIFAR's own names; None where any name is one."""
        if self.layout == "cifar" and self.wnids is None:
            return class_list(self.name.removesuffix("-c"))
        return self.wnids

    def at_size(self, size: str | None, protocol: str | None) -> "DataSet":
        """Return the set at the size of its images, if the user says so.

        Args:
            size: ``"own"``, or None for that of the protocol.
            protocol: whose constants the user wants at that size.

        Raises:
            InputError: it is no set of one's own, or the words mean nothing.
        """
        check_size_options(self.name, size, protocol)
        return self if size is None else replace(self, own_size=True, asked_protocol=protocol)

    def ordered(self, order: ClassOrder | None) -> "DataSet":
        """Return the set with what a user says of its class folders.

        Raises:
            InputError: its images are in no class folders, or it has other classes than those listed.
        """
        if order is None or (order == ANY and (self.embedded or self.wnids is not None)):
            return self
        if self.embedded:
            raise InputError(f"{self.name}: its labels come with its images: leave out --classes")
        known = self.wnids if self.layout == "imagenet" else class_list(self.name.removesuffix("-c"))
        numbered = self.layout == "cifar" and all(name.isdecimal() for name in order.names)
        if known is not None and order.names and not numbered and set(order.names) != set(known):
            other = sorted(set(order.names) ^ set(known))
            raise InputError(
                f"{self.name}: expected its {len(known):,} classes in --classes, got {len(order.names):,}: "
                f"{other[0]!r} is not in both; --data folder-c takes classes of your own"
            )
        if self.wnids is not None and not order.names:
            raise InputError(
                f"{self.name}: the order of its classes is known: leave out --classes {order.by}, or name a file with "
                "another"
            )
        return replace(self, order=order)


def _cifar(classes: int, record: int) -> DataSet:
    archive = f"cifar-{classes}-python.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html"
    return DataSet(
        name=f"cifar{classes}-c",
        layout="cifar",
        protocol="cifar-c",
        image_size=32,
        num_classes=classes,
        description=f"CIFAR-{classes}'s 10,000 test images under 15 + 4 corruptions",
        published=f"CIFAR-{classes}-C",
        clean="cifar-10-batches-py" if classes == 10 else "cifar-100-python",
        fetch=f"`ppbench data get cifar{classes}-c`, or unpack CIFAR-{classes}-C.tar of "
        f"https://zenodo.org/records/{record} (published corruptions) or "
        f"{archive} (clean images) in {{place}}",
        fetch_clean=f"unpack {archive} in {{place}}",
    )


def _imagenet(name: str, classes: int, known: str, description: str) -> DataSet:
    return DataSet(
        name=name,
        layout="imagenet",
        protocol="imagenet-c",
        image_size=224,
        num_classes=classes,
        description=description,
        published="ImageNet-C",
        clean="imagenet/val",
        classes=known,
        resize=256,
        fetch="put ILSVRC 2012's validation images, sorted into class folders, in {place}/imagenet/val, or unpack the "
        "archives of https://zenodo.org/records/2235448 in {place}/ImageNet-C",
    )


DATA_SETS: Mapping[str, DataSet] = {
    one.name: one
    for one in (
        DataSet(
            name="digits-c",
            layout="embedded",
            protocol="cifar-c",
            image_size=32,
            num_classes=10,
            description="500 handwritten digits on crops of photographs; comes with ppbench",
        ),
        _cifar(10, 2535967),
        _cifar(100, 3555552),
        _imagenet("imagenet-c", 1000, "imagenet", "ImageNet's 50,000 validation images at 224 pixels"),
        _imagenet(
            "imagenet100-c", 100, "imagenet100", "the push-pull paper's 100 classes of ImageNet at 224 pixels"
        ),
        _imagenet(
            "imagenet200-c", 200, "tiny-imagenet", "Tiny-ImageNet's 200 classes of ImageNet at 224 pixels"
        ),
        DataSet(
            name="tiny-imagenet-c",
            layout="imagenet",
            protocol="tiny-imagenet-c",
            image_size=64,
            num_classes=200,
            description="Tiny-ImageNet's 200 classes at 64 pixels",
            published="Tiny-ImageNet-C",
            clean="tiny-imagenet-200/val",
            classes="tiny-imagenet",
            fetch="`ppbench data get tiny-imagenet-c`, or unpack Tiny-ImageNet-C.tar of "
            "https://zenodo.org/records/8206060 (published corruptions) or tiny-imagenet-200.zip (clean images) "
            "in {place}",
        ),
        DataSet(
            name="folder-c",
            layout="imagenet",
            protocol="imagenet-c",
            image_size=224,
            num_classes=None,
            description="your own images, a folder a class, resized to 224 pixels or --size own; needs --root",
            resize=256,
        ),
    )
}


EMBEDDED = "digits-c"
"""The data set that is meant where none is named, and no folder."""


def meant(name: str | None, root: Path | None) -> str:
    """Return the name of the data set that is meant: without a name and a folder, the embedded one.

    Raises:
        InputError: a folder without the name of what it holds: results would be called results on digits.
    """
    if name is None and root is not None:
        raise InputError(
            f"--root {root} needs --data: say which data set it holds, as in --data cifar10-c (`ppbench data` lists "
            "them)"
        )
    return EMBEDDED if name is None else name


def data_set(name: str) -> DataSet:
    """Return what is known of a data set.

    Raises:
        InputError: there is none of that name; the near miss is suggested.
    """
    if name not in DATA_SETS:
        raise unknown("data set", name, DATA_SETS)
    return DATA_SETS[name]
