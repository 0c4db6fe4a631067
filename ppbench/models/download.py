"""Published weights: downloaded on first use into the cache, resumed where a transfer broke off, proved by hash."""

from pathlib import Path

import requests

from ppbench.atomic import sha256_of
from ppbench.errors import InputError
from ppbench.models.index import IndexEntry
from ppbench.transfer import download, transfer_bar, why


def fetch(entry: IndexEntry) -> Path:
    """Return the path of a published checkpoint, after downloading it if it is not in the cache.

    Raises:
        InputError: it cannot be downloaded, or what came has another hash; the line says how to do it by hand.
    """
    assert entry.url is not None
    path = entry.path
    if path.is_file() and sha256_of(path) == entry.sha256:
        return path
    part = path.with_name(path.name + ".part")  # outlives a transfer that breaks off
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with transfer_bar(entry.id) as (on_bytes, _):
            download(entry.url, part, on_bytes)
        if sha256_of(part) != entry.sha256:
            part.unlink()
            raise _by_hand(entry, "the file that came is another one, by its hash")
        part.replace(path)
    except requests.RequestException as error:
        raise _by_hand(entry, why(error)) from error
    except OSError as error:
        raise _by_hand(entry, " ".join(str(error).split())[:200]) from error
    return path


def _by_hand(entry: IndexEntry, reason: str) -> InputError:
    return InputError(
        f"{entry.id}: cannot download {entry.url} ({reason}): put the file at {entry.path}, "
        f"with sha256 {entry.sha256}"
    )
