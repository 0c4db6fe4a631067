"""The checkpoint index: which weights are known, what they are, the hash that proves it, and where they lie."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le

from ppbench.errors import InputError
from ppbench.models.input_spec import InputSpec
from ppbench.user_folders import user_cache, user_data
from ppbench.validation import STRICT, Config, validated


def shipped_folder() -> Path:
    """Return the folder of the shipped weights and their index: in the installed package, else in the repository."""
    package = Path(__file__).parent.parent
    inside = package / "shipped_checkpoints"
    return inside if inside.is_dir() else package.parent / "checkpoints"


def user_folder() -> Path | None:
    """Return the folder for a user's own weights: ``$PPBENCH_CHECKPOINTS``, else one in the user's data folder.

    None where neither is there: the user has no home.
    """
    own = os.environ.get("PPBENCH_CHECKPOINTS")
    data = user_data()
    return Path(own) if own else data and data / "checkpoints"


def cache_folder() -> Path:
    """Return the folder of downloads: ``$PPBENCH_CACHE/checkpoints``, else one in the user's cache folder.

    Raises:
        InputError: neither is there: the user has no home.
    """
    own = os.environ.get("PPBENCH_CACHE")
    cache = Path(own) if own else user_cache()
    if cache is None:
        raise InputError(
            "no folder to keep downloaded weights in: this user has no home folder; set PPBENCH_CACHE to a folder"
        )
    return cache / "checkpoints"


def give_libraries_a_home() -> None:
    """Have torch and the hub's library keep their downloads where ppbench does, where the user has no home.

    They would make a folder called ``~`` in the current one. To be called before they are imported or asked.

    Raises:
        InputError: there is no such place either.
    """
    for variable, name in (("TORCH_HOME", "torch"), ("HF_HOME", "huggingface")):
        if user_cache() is None and variable not in os.environ:
            os.environ[variable] = str(cache_folder() / name)


INDEX_FILE = "index.toml"


@dataclass(frozen=True)
class IndexEntry:
    """One known checkpoint.

    Attributes:
        folder: of the index that it is in.
        id: its name, unique in the index.
        architecture: the network's name in the registry.
        data: the benchmark data set it answers, e.g. ``digits-c``.
        file: the file's name, in the folder of the index, or in the cache where there is a `url`.
        sha256: of the file's bytes, in hexadecimal.
        num_classes: width of the output.
        image_size: side of the images in pixels.
        spec: the input contract.
        clean_error: error on the clean test images, per cent, None if unknown.
        recipe: how it was trained: a recipe's name, or where it is published.
        url: where it can be downloaded, None if it ships.
        source: whose weights they are, and under which licence.
        caveat: what every table must say of these weights: what they are not.
        named_only: whether only its id finds it, not its architecture: it was trained otherwise than those that do.
    """

    __pydantic_config__: ClassVar[Config] = STRICT

    folder: Path
    id: str
    architecture: str
    data: str
    file: str
    sha256: str
    num_classes: int
    image_size: int
    spec: InputSpec
    clean_error: Annotated[float, Ge(0), Le(100)] | None = None
    recipe: str = ""
    url: str | None = None
    source: str = ""
    caveat: str = ""
    named_only: bool = False

    @property
    def shipped(self) -> bool:
        """Whether the file comes with ppbench."""
        return self.url is None and self.folder == shipped_folder()

    @property
    def path(self) -> Path:
        """Where the file is, or will be once it is downloaded.

        Raises:
            InputError: it would be downloaded, and there is no place for it.
        """
        return (self.folder if self.url is None else cache_folder()) / self.file

    @property
    def there(self) -> bool:
        """Whether the file is where it ought to be."""
        try:
            return self.path.is_file()
        except InputError:  # no place for downloads: nothing was downloaded
            return False


def read_index(path: Path) -> tuple[IndexEntry, ...]:
    """Return the entries of an index file, in its order.

    Raises:
        InputError: the file is missing, is not TOML, or an entry lacks a field, has an unknown one or another's id.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("checkpoint", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read as an index of checkpoints: {error}") from error
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{path}: checkpoint is not a list of tables: write [[checkpoint]] above each")
    entries = tuple(_entry(path, table) for table in tables)
    ids = [entry.id for entry in entries]
    if doubled := [name for name in ids if ids.count(name) > 1]:
        raise InputError(f"{path}: the id {doubled[0]!r} is there twice")
    return entries


@cache
def shipped_index() -> tuple[IndexEntry, ...]:
    """Return the entries of the index that comes with ppbench."""
    return read_index(shipped_folder() / INDEX_FILE)


def user_index() -> tuple[IndexEntry, ...]:
    """Return the entries of the user's own index, which `ppbench models add` makes; none where there is none."""
    folder = user_folder()
    return read_index(folder / INDEX_FILE) if folder and (folder / INDEX_FILE).exists() else ()


def known_index() -> tuple[IndexEntry, ...]:
    """Return what ships and what the user has added."""
    return shipped_index() + user_index()


def find(entries: tuple[IndexEntry, ...], name: str, data: str | None) -> IndexEntry | None:
    """Return the entry with that id, else the first of that architecture for that data set that may be found by it."""
    by_id = [entry for entry in entries if entry.id == name]
    by_architecture = [
        entry
        for entry in entries
        if (entry.architecture, entry.data) == (name, data) and not entry.named_only
    ]
    return next(iter(by_id + by_architecture), None)


def with_sha256(entries: tuple[IndexEntry, ...], sha256: str) -> IndexEntry | None:
    """Return the entry of a file by its hash, None if it is not a known one."""
    return next((entry for entry in entries if entry.sha256 == sha256), None)


def _entry(path: Path, table: Mapping[str, Any]) -> IndexEntry:
    def where(_field: str) -> str:
        return f"{path}: checkpoint {table.get('id', '(without id)')!r}: "

    # In the file the contract is called `input`, and its size stands beside it, as that of the images.
    given = table.get("input")
    if not isinstance(given, dict):
        raise InputError(f"{where('')}expected input to be a table with mean and std, got {given!r}")
    if wrong := sorted({"spec", "folder"} & table.keys()):
        raise InputError(f"{where('')}unknown field {wrong[0]!r}")
    own = {key: value for key, value in table.items() if key != "input"}
    spec = {"size": table.get("image_size"), **given}
    return validated(IndexEntry, {**own, "folder": str(path.parent), "spec": spec}, where)
