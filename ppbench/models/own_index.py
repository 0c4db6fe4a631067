"""The user's own index: a file of weights gets a name, and loses it again."""

import json
from collections.abc import Sequence
from pathlib import Path

from ppbench import atomic
from ppbench.errors import InputError
from ppbench.models.index import INDEX_FILE, IndexEntry, known_index, shipped_index, user_folder, user_index
from ppbench.models.input_spec import InputSpec
from ppbench.models.naming import require_file
from ppbench.models.registry import ARCHITECTURES

SUFFIX, CARD = ".safetensors", ".md"

_NEEDED = {"architecture": str, "data": str, "image_size": int, "num_classes": int, "input": dict}


def add(file: Path, name: str) -> IndexEntry:
    """Copy a file that `ppbench train` wrote, and its card, to the user's folder and enter it in the index there.

    Only its id finds it: an architecture's name alone must not choose between trainings.

    Args:
        file: safetensors, whose metadata say architecture, data, image size and input contract.
        name: its id from now on.

    Returns:
        The entry.

    Raises:
        InputError: the file does not say these, is damaged or of another network than it says, or the id is taken.
    """
    if not name or not all(letter.isalnum() or letter in "-_." for letter in name) or name.startswith("."):
        raise InputError(f"expected an id of letters, digits, '-', '_' and '.', got {name!r}")
    # An architecture's name stays the architecture's: `--model resnet20-pp --checkpoint FILE` must go on to work.
    if name in ARCHITECTURES or any(entry.id == name for entry in known_index()):
        raise InputError(f"the id {name!r} is taken: choose another with --id")
    require_file(file)
    from ppbench.models.checkpoint import build, read_weights, recognise  # brings torch

    weights = read_weights(file)
    facts = weights.raw.metadata
    if missing := [key for key, kind in _NEEDED.items() if type(facts.get(key)) is not kind]:
        raise InputError(f"{file}: not a file that `ppbench train` wrote: it does not say its {missing[0]!r}")
    try:
        spec = InputSpec.from_dict(facts["input"])
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    wanted, _ = recognise(weights)
    build(weights, wanted, num_classes=facts["num_classes"], image_size=facts["image_size"])
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    recipe, clean_error = facts.get("recipe"), facts.get("clean_error")
    # A number that TOML can hold: an index that cannot be read back would be an error in every later command.
    known = isinstance(clean_error, int | float) and 0 <= clean_error <= 100
    entry = IndexEntry(
        folder=folder,
        id=name,
        architecture=wanted.name,
        data=facts["data"],
        file=name + SUFFIX,
        sha256=atomic.sha256_of(file),
        num_classes=facts["num_classes"],
        image_size=facts["image_size"],
        spec=spec,
        clean_error=clean_error if known else None,
        recipe=str(recipe.get("name", "")) if isinstance(recipe, dict) else "",
        named_only=True,
    )
    # The file first: an entry without its file would be an error in every later listing.
    atomic.write_bytes(entry.path, file.read_bytes())
    if (card := file.with_suffix(CARD)).is_file():
        atomic.write_bytes(entry.path.with_suffix(CARD), card.read_bytes())
    _write([*user_index(), entry])
    return entry


def remove(name: str) -> IndexEntry:
    """Take an entry out of the user's index and delete its copy of the file.

    Args:
        name: its id.

    Returns:
        The entry that was there.

    Raises:
        InputError: the user has added none of that id.
    """
    entries = user_index()
    entry = next((entry for entry in entries if entry.id == name), None)
    if entry is None and any(known.id == name for known in shipped_index()):
        raise InputError(
            f"{name!r} ships with ppbench: only ids that `ppbench models add` gave can be removed"
        )
    if entry is None:
        raise InputError(f"you have no id {name!r}: `ppbench models` lists your own")
    # The entry first, as above. A file that `add` has not copied, of an index edited by hand, is not ours to delete.
    _write([one for one in entries if one is not entry])
    if entry.file == name + SUFFIX:
        entry.path.unlink(missing_ok=True)
        entry.path.with_suffix(CARD).unlink(missing_ok=True)
    return entry


def _folder() -> Path:
    """Return the user's folder.

    Raises:
        InputError: there is none.
    """
    folder = user_folder()
    if folder is None:
        raise InputError(
            "no folder for your own weights: this user has no home folder; set PPBENCH_CHECKPOINTS to a folder"
        )
    return folder


def _write(entries: Sequence[IndexEntry]) -> None:
    atomic.write_text(_folder() / INDEX_FILE, "\n".join(map(to_toml, entries)))


def to_toml(entry: IndexEntry) -> str:
    """Return an entry as it stands in an index."""
    spec = {key: value for key, value in entry.spec.to_dict().items() if key != "size" and value is not None}
    fields = {
        "id": entry.id,
        "architecture": entry.architecture,
        "data": entry.data,
        "file": entry.file,
        "url": entry.url,
        "sha256": entry.sha256,
        "num_classes": entry.num_classes,
        "image_size": entry.image_size,
        "clean_error": entry.clean_error,
        "recipe": entry.recipe or None,
        "source": entry.source or None,
        "caveat": entry.caveat or None,
        "named_only": entry.named_only or None,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in fields.items() if value is not None]
    inside = ", ".join(f"{key} = {json.dumps(value)}" for key, value in spec.items())
    return "\n".join(["[[checkpoint]]", *lines, f"input = {{ {inside} }}", ""])
