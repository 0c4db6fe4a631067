"""Which data sets there are, and what is known of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from ppbench.errors import unknown


@dataclass(frozen=True)
class DataSet:
    """A benchmark data set.

    Attributes:
        name: what `--data` takes.
        protocol: whose severity constants belong to it.
        image_size: side in pixels.
        num_classes: width of a model's output.
        description: one line.
        published: the usual name of the published -C folder, None if nothing is published.
        clean: the usual name of the folder of clean images, None if they are embedded.
        fetch: what to fetch and where to put it, in words; {place} is the folder.
    """

    name: str
    protocol: str
    image_size: int
    num_classes: int
    description: str
    published: str | None = None
    clean: str | None = None
    fetch: str = ""

    @property
    def embedded(self) -> bool:
        """Whether the clean images come with ppbench."""
        return self.clean is None


DATA_SETS: Mapping[str, DataSet] = {
    one.name: one
    for one in (
        DataSet(
            "digits-c",
            "cifar-c",
            32,
            10,
            "500 handwritten digits on crops of photographs; embedded",
        ),
        DataSet(
            "cifar10-c",
            "cifar-c",
            32,
            10,
            "CIFAR-10's 10,000 test images under 15 + 4 corruptions",
            published="CIFAR-10-C",
            clean="cifar-10-batches-py",
            fetch="unpack CIFAR-10-C.tar of https://zenodo.org/records/2535967 (published corruptions) or "
            "cifar-10-python.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html (clean images) in {place}",
        ),
        DataSet(
            "cifar100-c",
            "cifar-c",
            32,
            100,
            "CIFAR-100's 10,000 test images under 15 + 4 corruptions",
            published="CIFAR-100-C",
            clean="cifar-100-python",
            fetch="unpack CIFAR-100-C.tar of https://zenodo.org/records/3555552 (published corruptions) or "
            "cifar-100-python.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html (clean images) in {place}",
        ),
    )
}


def data_set(name: str) -> DataSet:
    """Return what is known of a data set.

    Raises:
        InputError: there is none of that name; the near miss is suggested.
    """
    if name not in DATA_SETS:
        raise unknown("data set", name, DATA_SETS)
    return DATA_SETS[name]
