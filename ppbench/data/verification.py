"""What the files of a -C folder are: published, as ppbench generated them, changed since, misplaced, or unknown.

Decisions about sums only; `folder_check` reads the files.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from ppbench.data.cifar_c import LABELS
from ppbench.data.file_sums import Sums
from ppbench.data.generated_set import GeneratedSet
from ppbench.data.own_name import own_name
from ppbench.data.published_sums import PUBLISHED_SUMS, PublishedFile, published_file
from ppbench.data.severities import SEVERITY_NAMES

State = Literal["published", "generated", "changed", "misplaced", "unknown"]

KNOWN: tuple[State, ...] = ("published", "generated")
"""The states of files that are what they seem to be."""

ONLY_ARCHIVES = "sums are published of the archives of image files only"


@dataclass(frozen=True)
class Verdict:
    """What a file is, or in a tree of image files all those of a corruption.

    Attributes:
        name: of the file or the corruption.
        state: ``published``: it has the published sum. ``generated``: it has the digests of the manifest that `ppbench
            generate` wrote. ``changed``: the manifest has it with other digests. ``misplaced``: it has the sum of
            another published file. ``unknown``: nothing says what it is.
        text: which set, version or severities, or why it is not known.
        md5: the file's sum in hexadecimal; None where it was not taken.
    """

    name: str
    state: State
    text: str
    md5: str | None = None


def set_of(sums: Mapping[str, Sums | None]) -> str | None:
    """Return the published set that a folder stands for: its labels decide, or else most of its files.

    Args:
        sums: of its files; None for those that were not read.
    """
    found = {name: published_file(each.md5) for name, each in sums.items() if each is not None}
    if labels := found.get(LABELS):
        return labels.of
    counts = Counter(file.of for file in found.values() if file is not None)
    return counts.most_common(1)[0][0] if counts else None


def judge_array(name: str, sums: Sums | None, *, of: str | None, made: GeneratedSet | None) -> Verdict:
    """Return what an array is.

    Args:
        name: of the file, e.g. ``"fog.npy"``.
        sums: of the file; None for one that was not read: of its size none is published, and no manifest has it.
        of: the published set that the folder stands for.
        made: what the manifest beside it says.
    """
    md5 = None if sums is None else sums.md5
    published = published_file(md5)
    if published == PublishedFile(of or "", name):
        return Verdict(name, "published", published.of, md5)
    if published is not None:
        return Verdict(name, "misplaced", f"it is {published.file} of {published.of}", md5)
    wanted = {} if made is None else digests_of(PurePath(name).stem, made)
    if made is not None and wanted and sums is not None:
        blocks = dict(zip(SEVERITY_NAMES, sums.blocks, strict=False))
        return _compared(name, wanted, blocks, made, md5)
    if made is not None:
        return Verdict(name, "unknown", _unlisted(made), md5)
    if of is not None and name in PUBLISHED_SUMS[of]:
        return Verdict(name, "unknown", f"it is not {name} of {of}", md5)
    return Verdict(name, "unknown", "no published file has its sum", md5)


def judge_tree(corruption: str, digests: Mapping[str, str], made: GeneratedSet | None) -> Verdict:
    """Return what the image files of a corruption are.

    Args:
        corruption: its name.
        digests: severity -> `cell_digest`, for the severities that are there.
        made: what the manifest of the tree says.
    """
    if made is None:
        return Verdict(corruption, "unknown", ONLY_ARCHIVES)
    wanted = digests_of(corruption, made)
    if not wanted:
        return Verdict(corruption, "unknown", _unlisted(made))
    return _compared(corruption, wanted, digests, made, None)


def digests_of(name: str, made: GeneratedSet) -> dict[str, str]:
    """Return severity -> digest, as a manifest has them of a corruption or of the labels."""
    if name == PurePath(LABELS).stem:
        return {} if made.labels is None else dict.fromkeys(SEVERITY_NAMES, made.labels)
    cells = ((*key.rpartition("/"), digest) for key, digest in made.cells.items())
    return {severity: digest for corruption, _, severity, digest in cells if own_name(corruption) == name}


def is_known(verdicts: Iterable[Verdict]) -> bool:
    """Return whether every file is what it seems to be."""
    return all(verdict.state in KNOWN for verdict in verdicts)


def missing_files(verdicts: Iterable[Verdict], of: str | None) -> list[str]:
    """Return the files of a published set that a folder does not have."""
    there = {verdict.name for verdict in verdicts}
    return [name for name in PUBLISHED_SUMS.get(of or "", {}) if name not in there]


def counted(verdicts: Sequence[Verdict]) -> str:
    """Return how many there are of each state, the good ones first: ``8 published, 11 generated, 1 changed``."""
    counts = Counter(verdict.state for verdict in verdicts)
    states = sorted(counts, key=lambda state: (state not in KNOWN, -counts[state]))
    return ", ".join(f"{counts[state]} {state}" for state in states)


def _compared(
    name: str, wanted: Mapping[str, str], found: Mapping[str, str], made: GeneratedSet, md5: str | None
) -> Verdict:
    other = [severity for severity in SEVERITY_NAMES if wanted.get(severity) != found.get(severity)]
    if not other:
        return Verdict(name, "generated", f"{made.by}, seed {made.seed}", md5)
    which = "all severities" if len(other) == len(SEVERITY_NAMES) else f"severity {', '.join(other)}"
    return Verdict(name, "changed", f"since {made.by} generated it: {which}", md5)


def _unlisted(made: GeneratedSet) -> str:
    if not made.cells:
        return f"the manifest of {made.by} has no digests to compare with"
    return f"it is not in the manifest of {made.by}"
