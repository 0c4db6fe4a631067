"""Published weights: downloaded on first use into the cache, resumed where a transfer broke off, proved by hash."""

from collections.abc import Iterator
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
from ppbench.transfer import OnBytes, download, why


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
    """Download to a part file, which outlives a transfer that breaks off, then make it the output file."""
    download(url, part, on_bytes)
    part.replace(output_file)


@contextmanager
def _progress(title: str) -> Iterator[OnBytes]:
    """A progress bar on stderr; nothing where that is no terminal."""
    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda have, total: bar.update(task, completed=have, total=total)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.RequestException):
        return why(error)
    if isinstance(error, ValueError) and "hash" in str(error):
        return "the file that came is another one, by its hash"
    return " ".join(str(error).split())[:200]
