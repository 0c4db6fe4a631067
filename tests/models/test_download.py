import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ppbench import transfer
from ppbench.errors import InputError
from ppbench.models.download import fetch
from ppbench.models.index import IndexEntry
from ppbench.models.input_spec import default_spec

CONTENT = bytes(range(256)) * 2000


class Server(ThreadingHTTPServer):
    """A server on this machine that behaves as its paths say, and remembers the ranges it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ranges: list[str | None] = []
        self.broken = 0


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        behaviour = self.path.strip("/")
        if behaviour == "missing":
            self.send_error(404)
            return
        if behaviour == "slow":
            time.sleep(1.5)
        start = (
            int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and behaviour != "no-ranges" else 0
        )
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = b"x" * len(CONTENT) if behaviour == "wrong" else CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        breaks = {"breaks-once": 1, "breaks-always": 99, "no-ranges": 1}.get(behaviour, 0)
        if self.server.broken < breaks:
            self.server.broken += 1
            body = body[: len(body) // 3]
        with suppress(BrokenPipeError):  # the client may have given up
            self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[Server]:
    """The server, running."""
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPBENCH_CACHE", str(tmp_path))


def entry(url: str) -> IndexEntry:
    """An index entry for the content above."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    return IndexEntry(
        Path("unused"), "some", "resnet20", "cifar10-c", "some.pth", sha256, 10, 32, default_spec(32), url=url
    )


def at(server: Server, behaviour: str) -> IndexEntry:
    """An entry whose file the server gives in this way."""
    return entry(f"http://127.0.0.1:{server.server_port}/{behaviour}")


def failure(wanted: IndexEntry) -> str:
    """The line that a failed download ends in: it always says how to do it by hand."""
    with pytest.raises(InputError) as caught:
        fetch(wanted)
    line = str(caught.value)
    assert "\n" not in line
    assert str(wanted.url) in line
    assert f"put the file at {wanted.path}, with sha256 {wanted.sha256}" in line
    assert not wanted.path.exists()
    return line


def test_first_use_downloads_and_second_does_not(server: Server) -> None:
    """A file is downloaded once, to its place in the cache, and nothing else is left there."""
    wanted = at(server, "good")
    assert fetch(wanted) == wanted.path
    assert wanted.path.read_bytes() == CONTENT
    assert fetch(wanted) == wanted.path
    assert server.ranges == [None]
    assert list(wanted.path.parent.iterdir()) == [wanted.path]


def test_a_broken_transfer_goes_on_where_it_broke(server: Server) -> None:
    """When the connection breaks off, the rest alone is asked for."""
    wanted = at(server, "breaks-once")
    assert fetch(wanted).read_bytes() == CONTENT
    first, second = server.ranges
    assert first is None
    assert second is not None
    # Up to a chunk of what came may be lost with the connection.
    start = int(second.removeprefix("bytes=").removesuffix("-"))
    assert len(CONTENT) // 3 - 65_536 <= start <= len(CONTENT) // 3


def test_a_later_run_goes_on_too(server: Server) -> None:
    """What came before the last failure is kept, and the next run asks for the rest."""
    wanted = at(server, "breaks-always")
    assert "the connection broke off" in failure(wanted) or "broken" in failure(wanted)
    part = wanted.path.with_name("some.pth.part")
    have = part.stat().st_size
    assert have > 0
    server.ranges.clear()
    again = at(server, "good")
    assert fetch(again).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={have}-"]
    assert not part.exists()


def test_a_server_without_ranges(server: Server) -> None:
    """A server that sends everything again is taken at its word."""
    assert fetch(at(server, "no-ranges")).read_bytes() == CONTENT


def test_a_whole_part_file(server: Server) -> None:
    """A part file that is already whole becomes the file."""
    wanted = at(server, "good")
    wanted.path.parent.mkdir()
    wanted.path.with_name("some.pth.part").write_bytes(CONTENT)
    assert fetch(wanted).read_bytes() == CONTENT


def test_wrong_content(server: Server) -> None:
    """A file with another hash is not kept, whole or in part."""
    wanted = at(server, "wrong")
    assert "the file that came is another one, by its hash" in failure(wanted)
    assert list(wanted.path.parent.iterdir()) == []


def test_a_damaged_cached_file_is_fetched_again(server: Server) -> None:
    """A cached file that no longer has its hash is replaced."""
    wanted = at(server, "good")
    wanted.path.parent.mkdir()
    wanted.path.write_bytes(b"damaged")
    assert fetch(wanted).read_bytes() == CONTENT


def test_not_found(server: Server) -> None:
    """A 404 is said as such."""
    assert "the server answers 404" in failure(at(server, "missing"))


def test_too_slow(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer is given up on."""
    monkeypatch.setattr(transfer, "TIMEOUT_S", 0.2)
    assert "no answer in 0.2 s" in failure(at(server, "slow"))


def test_no_network() -> None:
    """Without a connection the line says so."""
    assert "no connection" in failure(entry("http://127.0.0.1:9/some.pth"))
    assert "no connection" in failure(entry("http://no-such-host.invalid/some.pth"))
