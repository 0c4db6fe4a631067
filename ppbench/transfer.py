"""Downloads that go on where they broke off."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

TRIES = 3
TIMEOUT_S = 20.0
_CHUNK = 1 << 16

OnBytes = Callable[[int, int | None], None]
"""Called with the bytes that are there and, where the server says so, the bytes of the whole."""


def download(url: str, part: Path, on_bytes: OnBytes = lambda _have, _total: None) -> None:
    """Fill `part` with what is at `url`; what an earlier call left in it is not transferred again.

    Nothing is known of the content until its hash is checked: a server may have answered with another file.

    Args:
        url: http or https.
        part: the file; it stays when the transfer breaks off.
        on_bytes: told of the progress.

    Raises:
        requests.RequestException: no connection, an answer that is an error, or a transfer that broke off thrice.
        OSError: the disk is full, or the file cannot be written.
    """
    for attempt in range(1, TRIES + 1):
        try:
            _go_on(url, part, on_bytes)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
            if attempt == TRIES:
                raise
        else:
            return


@contextmanager
def transfer_bar(title: str) -> Iterator[tuple[OnBytes, Callable[[str], None]]]:
    """Show a bar on stderr, on a terminal only; it goes when the block ends.

    Args:
        title: what is transferred.

    Yields:
        A function that is told of the bytes, and one that changes the title.
    """
    console = Console(stderr=True)
    columns = (
        "{task.description:<12}",
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield (
            lambda have, total: bar.update(task, completed=have, total=total),
            lambda text: bar.update(task, description=text),
        )


def _go_on(url: str, part: Path, on_bytes: OnBytes) -> None:
    have = part.stat().st_size if part.is_file() else 0
    # Bytes as they lie on the server: a compressed answer could not be gone on with.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
        if have and answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # all of it was there already; the hash will tell
        answer.raise_for_status()
        resumed = have > 0 and answer.status_code == requests.codes.partial_content
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


def why(error: requests.RequestException) -> str:
    """Say in a few words why a download failed."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return f"no answer in {TIMEOUT_S:g} s"
    if isinstance(error, requests.ConnectionError) and not str(error).startswith("the connection"):
        return "no connection"
    return " ".join(str(error).split())[:200]
