"""Published weights: downloaded on first use into the cache, resumed where a transfer broke off, proved by hash."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pooch
import requests
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from ppbench.atomic import sha256_of
from ppbench.errors import InputError
from ppbench.models.index import IndexEntry

TRIES = 3
TIMEOUT_S = 20.0
_CHUNK = 1 << 16

OnBytes = Callable[[int, int | None], None]


def fetch(entry: IndexEntry) -> Path:
    """Return the path of a published checkpoint, after downloading it if it is not in the cache.

    Raises:
        InputError: it cannot be downloaded, or what came has another hash; the line says how to do it by hand.
    """
    assert entry.url is not None
    path = entry.path
    if path.is_file() and sha256_of(path) == entry.sha256:
        return path
    pooch.get_logger().setLevel("ERROR")  # the bar says what is going on, and the error what went wrong
    with _progress(entry.id) as on_bytes:
        try:
            pooch.retrieve(
                entry.url,
                known_hash=f"sha256:{entry.sha256}",
                fname=path.name,
                path=path.parent,
                downloader=partial(_download, part=path.with_name(path.name + ".part"), on_bytes=on_bytes),
            )
        except (requests.RequestException, OSError, ValueError) as error:
            raise InputError(
                f"{entry.id}: cannot download {entry.url} ({_reason(error)}): put the file at {path}, "
                f"with sha256 {entry.sha256}"
            ) from error
    return path


def _download(url: str, output_file: str, _pooch: Any, *, part: Path, on_bytes: OnBytes) -> None:
    """Fill `part`, going on from where it breaks off, then make it the output file."""
    for attempt in range(1, TRIES + 1):
        try:
            _continue(url, part, on_bytes)
            break
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
            if attempt == TRIES:
                raise
    part.replace(output_file)


def _continue(url: str, part: Path, on_bytes: OnBytes) -> None:
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
        if have and answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # all of it was there already; the hash will tell
        answer.raise_for_status()
        resumed = have and answer.status_code == requests.codes.partial_content
        have = have if resumed else 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        with part.open("ab" if resumed else "wb") as file:
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                on_bytes(have, total)
    if total is not None and have < total:
        raise requests.ConnectionError(f"the connection broke off after {have:,} of {total:,} bytes")


@contextmanager
def _progress(title: str) -> Iterator[OnBytes]:
    """A progress bar on stderr; nothing where that is no terminal."""
    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda have, total: bar.update(task, completed=have, total=total)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return f"no answer in {TIMEOUT_S:g} s"
    if isinstance(error, ValueError) and "hash" in str(error):
        return "what came has another hash"
    if isinstance(error, requests.ConnectionError) and not str(error).startswith("the connection"):
        return "no connection"
    return " ".join(str(error).split())[:200]
