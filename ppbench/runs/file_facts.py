"""Whether the files that a run reads are the published ones: found out before the work, said below every table."""

from collections.abc import Sequence
from pathlib import Path

from ppbench.data.cifar_c import NpyFolder
from ppbench.data.file_sums import FOLDER
from ppbench.data.folder_check import check_arrays
from ppbench.data.packed import PackedFolder
from ppbench.data.places import cache_folder
from ppbench.data.registry import data_set
from ppbench.data.source import DataSource
from ppbench.data.verification import KNOWN, ONLY_ARCHIVES
from ppbench.runs.config import EvaluationConfig
from ppbench.runs.manifest import FileFacts

_NAMED = 3  # files that a line names


def file_facts(images: DataSource, corruptions: Sequence[str], config: EvaluationConfig) -> FileFacts | None:
    """Return what the files are that a run will read; None where it reads none but clean images.

    Arrays are read whole, also where a subset of the images is evaluated, once: their sums are remembered in the cache.
    A tree of image files is not read for this.

    Raises:
        InputError: a file cannot be read.
    """
    if images.published is None:
        return None
    of = data_set(images.name).published
    if not isinstance(images.published, NpyFolder):
        return FileFacts(compared_with=None, states={}, md5={})
    found = check_arrays(
        images.published.folder, corruptions, of=of, memory=_memory(config) if config.store else None
    )
    return FileFacts(
        compared_with=of,
        states={verdict.name: verdict.state for verdict in found.verdicts},
        md5={verdict.name: verdict.md5 for verdict in found.verdicts if verdict.md5 is not None},
    )


def all_published(facts: FileFacts) -> bool:
    """Return whether every file of a run is a published one."""
    return bool(facts.states) and all(state == "published" for state in facts.states.values())


def _memory(config: EvaluationConfig) -> Path:
    return (config.path("cache") or cache_folder()) / FOLDER


def in_brief(facts: FileFacts | None, images: DataSource) -> str | None:
    """Return what a table says of a run's files, in a few words; None where it read none but clean images.

    Args:
        facts: of `file_facts`.
        images: of the run.
    """
    if facts is None:
        return None
    total, doubtful, made = len(facts.states), _doubtful(facts), images.made
    if not facts.states:
        return (
            f"files not checked: {'`ppbench data verify` does it' if made is not None else _why_not(images)}"
        )
    if all_published(facts):
        return f"sums of all {total} files checked"
    misplaced = [name for name in doubtful if facts.states[name] == "misplaced"]
    if misplaced:
        return f"but {len(misplaced)} of {total} are other published files: {_some(misplaced)}"
    if made is not None and not made.cells:
        return "files not checked: their manifest has no digests of them all"
    if made is not None:
        how = f"{len(doubtful)} of {total} are not" if doubtful else "all are"
        return f"{how} as they were generated{f': {_some(doubtful)}' if doubtful else ', digests checked'}"
    if facts.compared_with is None:
        return f"files not checked: {_why_not(images)}"
    if len(doubtful) < total:
        return f"but not the published files: {len(doubtful)} of {total} differ: {_some(doubtful)}"
    return "but not the published files"


def _why_not(images: DataSource) -> str:
    if isinstance(images.published, PackedFolder):
        return f"they are read from {images.published.layout} shards, of which no sums are published"
    return ONLY_ARCHIVES if data_set(images.name).published else "none are published"


def warning(facts: FileFacts | None, images: DataSource) -> str | None:
    """Return a line for files that look like what they are not; None where there are none.

    A folder of one's own, of another size than the published one, looks like nothing else; the tables say what it is.

    Args:
        facts: of `file_facts`.
        images: of the run.
    """
    if facts is None or not isinstance(images.published, NpyFolder):
        return None
    doubtful = _doubtful(facts)
    mixed = len(doubtful) < len(facts.states)
    undigested = images.made is not None and not images.made.cells
    if not doubtful or undigested or not (mixed or any(name in facts.md5 for name in doubtful)):
        return None
    told = _some([f"{name} is {facts.states[name]}" for name in doubtful])
    if images.made is not None:
        wanted = "files as they were generated"
    else:
        wanted = (
            f"the published files of {facts.compared_with}"
            if facts.compared_with
            else f"files of {images.name}"
        )
    return (
        f"{images.published.folder}: expected {wanted}, got others: {told}; `ppbench data verify` says "
        "what each file is"
    )


def _doubtful(facts: FileFacts) -> list[str]:
    return [name for name, state in facts.states.items() if state not in KNOWN]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
