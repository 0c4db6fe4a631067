"""Data sets, weights, textures, and the folders that ppbench writes to."""

import os
import shutil
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from ppbench.atomic import sha256_of
from ppbench.diagnosis.check import Check, State
from ppbench.installed import AGAIN

SCARCE = 2 * 10**9
"""Below so many free bytes a run or a download may fill the disk."""


def data() -> list[Check]:
    """Return a check per data set: where it is, or how to get it."""
    from ppbench.data.inventory import inventory

    checks = []
    for found in inventory():
        if found.num_classes is None:
            continue  # any folder of a user's own: there is nothing to look for
        parts = {"published": found.published, "clean": found.clean}
        text = ", ".join(f"{kind}: {place}" for kind, place in parts.items() if place)
        state: State = "ok" if text else "absent"
        command = f"ppbench data get {found.name}"
        remedy = "" if text else command if command in found.get else "`ppbench data` says how to get it"
        checks.append(Check("data", found.name, state, text or "not found", remedy))
    return checks


def checkpoints() -> list[Check]:
    """Return a check of the weights that ship, which must be whole, and of those that can be downloaded."""
    from ppbench.models.index import shipped_index

    index = shipped_index()
    checks = []
    whole = []
    for entry in index:
        if entry.shipped:
            if not entry.path.is_file():
                checks.append(_damaged(entry.id, f"{entry.path} is missing"))
            elif sha256_of(entry.path) != entry.sha256:
                checks.append(
                    _damaged(entry.id, f"{entry.path} is not the file that shipped (other SHA-256)")
                )
            else:
                whole.append(entry.id)
    shipped = f"{len(whole)} shipped and whole: {', '.join(whole)}" if whole else "none that shipped is whole"
    checks.insert(0, Check("checkpoints", "shipped", "ok" if whole else "problem", shipped))
    others = [entry for entry in index if not entry.shipped]
    if others:
        here = sum(entry.there for entry in others)
        text = f"{here} of {len(others)} downloaded; the rest is fetched when it is asked for"
        checks.append(Check("checkpoints", "downloadable", "ok", text))
    return checks


def _damaged(name: str, text: str) -> Check:
    return Check("checkpoints", name, "problem", text, AGAIN)


def textures() -> list[Check]:
    """Return a check of the photographs that the frost corruption needs."""
    spec = find_spec("imagecorruptions")
    if spec is None or not spec.submodule_search_locations:
        return [_no_frost("the package imagecorruptions, which has them, is not installed")]
    folder = Path(next(iter(spec.submodule_search_locations))) / "frost"
    found = sorted(folder.glob("frost[1-5].*"))
    if len(found) < 5:
        return [_no_frost(f"{len(found)} of 5 in {folder}")]
    return [Check("data", "frost textures", "ok", f"5 in {folder}")]


def _no_frost(text: str) -> Check:
    remedy = "pip install --force-reinstall --no-deps imagecorruptions, or leave frost out with --corruptions"
    return Check("data", "frost textures", "problem", text, remedy)


def folders() -> list[Check]:
    """Return a check per folder that ppbench writes to: whether it can, what is in it, how much room is left."""
    from ppbench.data.places import download_folder

    return [
        folder_check("results", Path("results"), "choose another folder with --out", needed=True),
        _cache(),
        folder_check("downloads", download_folder(), "set $PPBENCH_DATA", needed=False),
        folder_check("temporary files", Path(tempfile.gettempdir()), "set $TMPDIR", needed=False),
    ]


def _cache() -> Check:
    from ppbench.data.places import cache_folder
    from ppbench.errors import InputError

    try:
        cache = cache_folder()
    except InputError:
        text = "no place for finished cells: this user has no home"
        return Check("storage", "cache", "blocking", text, "set $PPBENCH_CACHE or use --cache or --no-store")
    remedy = "set $PPBENCH_CACHE, or use --no-store"
    return folder_check("cache", cache, remedy, needed=True, used=_size(cache))


def folder_check(
    name: str,
    folder: Path,
    remedy: str,
    *,
    needed: bool,
    used: int | None = None,
    free: Callable[[Path], int] = lambda place: shutil.disk_usage(place).free,
) -> Check:
    """Return whether a folder, or the nearest one above it that is there, can be written to and has room.

    Args:
        name: what it is for.
        folder: where it is or would be.
        remedy: what to do where it cannot be written to.
        needed: whether `eval` as it is called by default fails without it.
        used: bytes that are in it.
        free: gives the free bytes of a folder's disk.
    """
    there = next((place for place in (folder, *folder.absolute().parents) if place.is_dir()), Path("/"))
    state: State = "blocking" if needed else "problem"
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return Check("storage", name, state, f"{folder} cannot be written to: {why}", remedy)
    room = free(there)
    text = f"{folder}, {room / 1e9:.1f} GB free" + ("" if used is None else f", {used / 1e6:.1f} MB used")
    if room < SCARCE:
        advice = (
            "make room: ppbench cache --clear removes finished cells" if used else f"make room, or {remedy}"
        )
        return Check("storage", name, "problem", text, advice)
    return Check("storage", name, "ok", text)


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).lstat().st_size
            except OSError:  # gone, or not ours: it is only told
                continue
    return total
