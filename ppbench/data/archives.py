"""Public archives of data sets: downloaded, proved by hash, and unpacked whole or not at all."""

import hashlib
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from ppbench.errors import InputError, unknown
from ppbench.transfer import OnBytes, download, why


@dataclass(frozen=True)
class Archive:
    """A tar file that anybody may download.

    Attributes:
        name: what `ppbench data get` takes.
        url: where it is.
        md5: of its bytes, as its publisher gives it.
        folder: what it unpacks to.
    """

    name: str
    url: str
    md5: str
    folder: str

    @property
    def file(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]


ARCHIVES: Mapping[str, Archive] = {
    one.name: one
    for one in (
        Archive(
            "cifar10-c",
            "https://zenodo.org/records/2535967/files/CIFAR-10-C.tar",
            "56bf5dcef84df0e2308c6dcbcbbd8499",
            "CIFAR-10-C",
        ),
        Archive(
            "cifar100-c",
            "https://zenodo.org/records/3555552/files/CIFAR-100-C.tar",
            "11f0ed0f1191edbf9fa23466ae6021d3",
            "CIFAR-100-C",
        ),
        Archive(
            "cifar10",
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            "c58f30108f718f92721af3b95e74349a",
            "cifar-10-batches-py",
        ),
        Archive(
            "cifar100",
            "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
            "eb9058c3a382ffc7106e4002c42a8d85",
            "cifar-100-python",
        ),
        Archive(
            "tiny-imagenet-c",
            "https://zenodo.org/records/8206060/files/Tiny-ImageNet-C.tar",
            "f9c9a9dbdc11469f0b850190f7ad8be1",
            "Tiny-ImageNet-C",
        ),
    )
}


def archive(name: str) -> Archive:
    """Return the archive of that name.

    Raises:
        InputError: there is none; the near miss is suggested.
    """
    if name not in ARCHIVES:
        raise unknown("archive", name, ARCHIVES)
    return ARCHIVES[name]


def get(
    wanted: Archive,
    place: Path,
    *,
    on_bytes: OnBytes = lambda _have, _total: None,
    on_step: Callable[[str], None] = lambda _step: None,
) -> Path:
    """Return the folder of an archive, after downloading and unpacking what is not there yet.

    Whatever interrupts it, the next call goes on: a broken transfer is resumed, an archive that is there (put there by
    hand, perhaps) is unpacked, and the folder appears under its name only when all of it is there.

    Args:
        wanted: the archive.
        place: the folder that its folder will be in; made if it is not there.
        on_bytes: told of the download.
        on_step: told what is being done, in a word or two.

    Raises:
        InputError: it cannot be downloaded, or is not what its publisher says; the line says what to do by hand.
        OSError: the disk is full, or the folder cannot be written to.
    """
    folder = place / wanted.folder
    if folder.is_dir():
        return folder
    place.mkdir(parents=True, exist_ok=True)
    packed = place / wanted.file
    if not packed.is_file():
        _download(wanted, packed, on_bytes, on_step)
    elif _md5(packed, on_step) != wanted.md5:
        raise InputError(f"{packed}: not the published archive (its md5 is not {wanted.md5}): remove it")
    on_step("unpacking")
    _unpack(packed, folder)
    packed.unlink()
    return folder


def _download(wanted: Archive, packed: Path, on_bytes: OnBytes, on_step: Callable[[str], None]) -> None:
    part = packed.with_name(packed.name + ".part")
    on_step("downloading")
    try:
        download(wanted.url, part, on_bytes)
    except requests.RequestException as error:
        raise InputError(
            f"cannot download {wanted.url} ({why(error)}): run the command again to go on, or fetch the file "
            f"elsewhere, put it at {packed} and run the command again to unpack it"
        ) from error
    if (found := _md5(part, on_step)) != wanted.md5:
        part.unlink()
        raise InputError(
            f"{wanted.url}: expected a file with md5 {wanted.md5}, got {found}: it was thrown away; try again later"
        )
    part.replace(packed)


def _md5(path: Path, on_step: Callable[[str], None]) -> str:
    on_step("checking")
    with path.open("rb") as file:
        # The publishers give MD5; it proves a whole transfer, not an honest server.
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _unpack(packed: Path, folder: Path) -> None:
    """Unpack beside the folder, and rename: half of a set never has its name."""
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        with tarfile.open(packed) as tar:
            tar.extractall(aside, filter="data")  # nothing outside the folder, no devices, no set-uid
    except tarfile.TarError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise InputError(
            f"{packed}: cannot be unpacked ({' '.join(str(error).split())}): remove it, and fetch it again"
        ) from error
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    inside = aside / folder.name
    if inside.is_dir():
        inside.replace(folder)
        shutil.rmtree(aside)
    else:
        aside.replace(folder)
