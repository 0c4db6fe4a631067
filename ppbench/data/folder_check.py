"""Which of the files in a -C folder are published or as ppbench generated them: the files are read here."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ppbench.data.cifar_c import LABELS, is_npy_folder
from ppbench.data.class_folders import class_folders, list_images
from ppbench.data.file_sums import Sums, remembered_sums
from ppbench.data.generated_set import GeneratedSet, cell_digest, generated_set
from ppbench.data.imagenet_c import is_tree, places
from ppbench.data.own_name import own_name
from ppbench.data.published_sums import PUBLISHED_SIZES
from ppbench.data.registry import DATA_SETS
from ppbench.data.severities import SEVERITY_NAMES
from ppbench.data.verification import (
    Verdict,
    digests_of,
    is_known,
    judge_array,
    judge_tree,
    missing_files,
    set_of,
)
from ppbench.errors import InputError


@dataclass(frozen=True)
class FolderCheck:
    """What was found of a folder.

    Attributes:
        folder: where it is.
        of: the published set that it stands for; None where no file tells.
        verdicts: of its files, or of its corruptions where it is a tree of image files.
        unfinished: corruptions that `ppbench generate` was asked for and has not finished.
    """

    folder: str
    of: str | None
    verdicts: tuple[Verdict, ...]
    unfinished: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The files of the published set that are not there."""
        return missing_files(self.verdicts, self.of)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {
            "folder": self.folder,
            "set": self.of,
            "known": is_known(self.verdicts),
            "missing": self.missing,
            "unfinished": list(self.unfinished),
            "files": [asdict(verdict) for verdict in self.verdicts],
        }


def check_folder(folder: Path, on_file: Callable[[str], None] = lambda _name: None) -> FolderCheck:
    """Return what each file of a -C folder is; all are read.

    Args:
        folder: a folder of arrays, or a tree of image files.
        on_file: called with the name of each before it is read.

    Raises:
        InputError: it is neither, or an array cannot be read.
        OSError: an image cannot be read.
    """
    made = generated_set(folder)
    if is_npy_folder(folder):
        names = sorted(path.name for path in folder.glob("*.npy") if not path.name.startswith("."))
        sums = _sums(folder, names, None, on_file, made)
        return _judged(folder, sums, set_of(sums), made)
    if is_tree(folder):
        verdicts = []
        for corruption, place in sorted(places(folder).items()):
            on_file(corruption)
            # Without digests to compare with, reading gigabytes would say nothing.
            listed = made is not None and digests_of(corruption, made)
            cells = [name for name in class_folders(place) if name in SEVERITY_NAMES] if listed else []
            verdicts.append(
                judge_tree(corruption, {name: _digest_of_tree(place / name) for name in cells}, made)
            )
        return FolderCheck(str(folder), None, tuple(verdicts), () if made is None else made.unfinished)
    usual = {spec.published for spec in DATA_SETS.values() if spec.published}
    inside = sorted(name for name in usual if (folder / name).is_dir())
    got = "no such folder" if not folder.exists() else "another one" if folder.is_dir() else "a file"
    got += f": name {inside[0]} in it" if inside else ""
    raise InputError(
        f"{folder}: expected a -C folder (one .npy a corruption, or <corruption>/<severity>/<class>/), got {got}"
    )


def check_arrays(
    folder: Path, corruptions: Iterable[str], *, of: str | None, memory: Path | None
) -> FolderCheck:
    """Return what those files of a folder are that an evaluation reads: the labels and these corruptions.

    Args:
        folder: of arrays.
        corruptions: as tables call them.
        of: the published set that it is read as; None where nothing like it is published.
        memory: where sums are remembered, so that files are read once only; None remembers nothing.

    Raises:
        InputError: a file cannot be read.
    """
    names = [LABELS, *(f"{own_name(corruption)}.npy" for corruption in corruptions)]
    made = generated_set(folder)
    return _judged(folder, _sums(folder, names, memory, lambda _name: None, made), of, made)


def _sums(
    folder: Path,
    names: Sequence[str],
    memory: Path | None,
    on_file: Callable[[str], None],
    made: GeneratedSet | None,
) -> dict[str, Sums | None]:
    """Return the sums of files; None for one that no manifest has and of whose size none is published."""
    sums: dict[str, Sums | None] = {}
    for name in names:
        path = folder / name
        on_file(name)
        listed = made is not None and bool(digests_of(path.stem, made))
        wanted = listed or path.stat().st_size in PUBLISHED_SIZES
        sums[name] = remembered_sums(path, memory, blocks=listed) if wanted else None
    return sums


def _judged(
    folder: Path, sums: Mapping[str, Sums | None], of: str | None, made: GeneratedSet | None
) -> FolderCheck:
    verdicts = (judge_array(name, each, of=of, made=made) for name, each in sums.items())
    return FolderCheck(str(folder), of, tuple(verdicts), () if made is None else made.unfinished)


def _digest_of_tree(cell: Path) -> str:
    """Return the `cell_digest` of the images that an evaluation reads in a cell."""
    images = list_images(cell, dict.fromkeys(class_folders(cell), 0)).names
    return cell_digest({name: hashlib.sha256((cell / name).read_bytes()).digest() for name in images})
