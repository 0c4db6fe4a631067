"""The files of CIFAR-10-C that depend on no draw: the published bytes."""

import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from corruptions import SEVERITIES, corrupt

PUBLISHED = {  # MD5 of each file, as torch-uncertainty and others list them
    "brightness": "0a81ef75e0b523c3383219c330a85d48",
    "contrast": "3c8262171c51307f916c30a3308235a8",
    "defocus_blur": "7d1322666342a0702b1957e92f6254bc",
    "gaussian_blur": "c33370155bc9b055fb4a89113d3c559d",
    "jpeg_compression": "2b9cc4c864e0193bb64db8d7728f8187",
    "pixelate": "0f14f7e2db14288304e1de10df16832f",
    "saturate": "1cfae0964219c5102abbb883e538cc56",
    "zoom_blur": "6ea8e63f1c5cdee1517533840641641b",
}
SIZE = 10_000


def _blocks(name: str, count: int, data: Path) -> Iterator[npt.NDArray[np.uint8]]:
    """What the file holds, severity by severity, NHWC."""
    images = np.load(data / "cifar10" / "test.npz")["images"][:count]
    planes = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    for severity in SEVERITIES:
        for first in range(0, count, 500):
            some = planes[first : first + 500]
            ids = torch.arange(first, first + len(some))
            made = corrupt(some, name, severity, protocol="cifar-c", seed=0, ids=ids)
            yield np.ascontiguousarray(made.permute(0, 2, 3, 1).numpy())


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_whole_file_has_the_published_sum(name: str, test_data: Path) -> None:
    """All 10,000 images at all severities, with NumPy's header: a sum that cannot be tuned to."""
    header = BytesIO()
    shape = (len(SEVERITIES) * SIZE, 32, 32, 3)
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    found = hashlib.md5(header.getvalue(), usedforsecurity=False)
    for block in _blocks(name, SIZE, test_data):
        found.update(block.tobytes())
    assert found.hexdigest() == PUBLISHED[name]


# SHA-256 of the blocks of the first 100 images, of code whose whole files have the sums above.
FIRST = {
    "brightness": "1e8efb6194b2508de39ec6b0f1d401408430d6d513603330eec5ffcc92e6a05b",
    "contrast": "5fd62631dbe9b24a9e67fbf0ebd59534dc5e567fcf68b0211235951c455a24bf",
    "defocus_blur": "579040be90b594ac24e1ced5520d0317209937fde029a4e92b6f14711b2f9750",
    "gaussian_blur": "fc878c2aca64706711ccdf8ad91667b5f2cfddf44a039dd450352f7079434c98",
    "jpeg_compression": "26638254f86d4e85b41bd1074fc3f469d80c5856e298275ca5a1770b3267a1f5",
    "pixelate": "52f32cf274f95940cba214bc3aec0710f2db819ad65ddb54fb151aca629150da",
    "saturate": "e99ae82f9b956e623b2f821f65d9b60da3169f2deef4baeb80dc18c1b1e74271",
    "zoom_blur": "543972053facee557a9a50585a4cdbed86b14f74d193669f484286afa91f8eb6",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_first_hundred_images_are_the_published_ones(name: str, test_data: Path) -> None:
    """The same in a second, at every severity."""
    found = hashlib.sha256()
    for block in _blocks(name, 100, test_data):
        found.update(block.tobytes())
    assert found.hexdigest() == FIRST[name]
