"""Downloading archives, from a server on this machine."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ppbench.data.archives import ARCHIVES, Archive, archive, get
from ppbench.data.registry import DATA_SETS
from ppbench.errors import InputError


class Server(ThreadingHTTPServer):
    """Serves one file, and notes what was asked for."""

    content = b""
    breaks_after: int | None = None  # bytes of the next answer
    ranges = True
    status: int | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        """Where the file is."""
        return f"http://127.0.0.1:{self.server_port}/set.tar"


class Handler(BaseHTTPRequestHandler):
    """Answers like a file server, ranges included."""

    server: Server

    def do_GET(self) -> None:
        """Answer with the file, its rest, half of it, or an error."""
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        if self.server.status is not None:
            self.send_error(self.server.status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        body = self.server.content[start:]
        if start and not body:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut, self.server.breaks_after = self.server.breaks_after, None
        self.wfile.write(body if cut is None else body[:cut])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class calls it so
        """Say nothing."""


def _tar(names: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in names.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


CONTENT = _tar({"SET-C/fog.npy": bytes(range(256)) * 4000, "SET-C/labels.npy": b"labels"})


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of CONTENT."""
    made = Server()
    made.content = CONTENT
    thread = threading.Thread(target=partial(made.serve_forever, poll_interval=0.01), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def _archive(server: Server, content: bytes = CONTENT) -> Archive:
    return Archive("set-c", server.url, hashlib.md5(content, usedforsecurity=False).hexdigest(), "SET-C")


def _whole(folder: Path) -> bool:
    return (folder / "fog.npy").read_bytes() == bytes(range(256)) * 4000 and (folder / "labels.npy").is_file()


def test_an_archive_is_downloaded_checked_and_unpacked(server: Server, tmp_path: Path) -> None:
    """Only the folder is left; a second call asks nobody."""
    seen: list[tuple[int, int | None]] = []
    steps: list[str] = []
    place = tmp_path / "deep" / "data"
    folder = get(_archive(server), place, on_bytes=lambda *one: seen.append(one), on_step=steps.append)
    assert folder == place / "SET-C"
    assert _whole(folder)
    assert [path.name for path in place.iterdir()] == ["SET-C"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert steps == ["downloading", "checking", "unpacking"]
    assert get(_archive(server), place) == folder
    assert len(server.asked) == 1


def test_a_transfer_that_breaks_off_is_resumed(server: Server, tmp_path: Path) -> None:
    """The second request asks for the rest only."""
    server.breaks_after = 300_000
    assert _whole(get(_archive(server), tmp_path))
    assert len(server.asked) == 2
    assert server.asked[1] is not None
    # What had not filled a buffer when the connection broke is transferred again.
    assert 200_000 < int(server.asked[1].removeprefix("bytes=").rstrip("-")) <= 300_000


def test_what_an_earlier_command_left_is_gone_on_with(server: Server, tmp_path: Path) -> None:
    """A killed download leaves a part; so does one that had all but the last step."""
    for have in (500_000, len(CONTENT)):
        place = tmp_path / str(have)
        place.mkdir()
        (place / "set.tar.part").write_bytes(CONTENT[:have])
        assert _whole(get(_archive(server), place))
        assert server.asked[-1] == f"bytes={have}-"


def test_a_server_without_ranges_is_asked_for_all(server: Server, tmp_path: Path) -> None:
    """The part is thrown away, not appended to."""
    server.ranges = False
    (tmp_path / "set.tar.part").write_bytes(CONTENT[:1000])
    assert _whole(get(_archive(server), tmp_path))


def test_another_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    """What has not the publisher's hash is never unpacked, and the next call starts afresh."""
    with pytest.raises(InputError, match=r"expected a file with md5 .*: it was thrown away") as caught:
        get(_archive(server, b"something else"), tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("status", [404, 503])
def test_an_error_of_the_server_is_one_line(status: int, server: Server, tmp_path: Path) -> None:
    """It says what the server answers and what to do by hand."""
    server.status = status
    with pytest.raises(InputError, match=rf"the server answers {status}.*put it at .*set\.tar"):
        get(_archive(server), tmp_path)
    assert not (tmp_path / "SET-C").exists()


def test_without_a_network_one_line_says_what_to_fetch(tmp_path: Path) -> None:
    """And where to put it: the archive that a person puts there is unpacked by the next call."""
    closed = Server()
    closed.server_close()  # the port is free again: nobody answers there
    wanted = _archive(closed)
    with pytest.raises(InputError, match=r"cannot download http.*no connection.*put it at .*set\.tar"):
        get(wanted, tmp_path)
    (tmp_path / "set.tar").write_bytes(CONTENT)
    assert _whole(get(wanted, tmp_path))


def test_a_wrong_file_put_there_by_hand_is_named(server: Server, tmp_path: Path) -> None:
    """It is not ours to remove."""
    (tmp_path / "set.tar").write_bytes(b"half of it")
    with pytest.raises(InputError, match=r"set\.tar: not the published archive .*remove it"):
        get(_archive(server), tmp_path)
    assert (tmp_path / "set.tar").read_bytes() == b"half of it"


@pytest.mark.parametrize(
    "content",
    [b"no archive at all" * 100, CONTENT[:300_000], _tar({"../outside": b"", "SET-C/fog.npy": b""})],
)
def test_half_a_set_never_has_its_name(content: bytes, server: Server, tmp_path: Path) -> None:
    """An archive that cannot be unpacked whole, or would write elsewhere, leaves no folder."""
    server.content = content
    place = tmp_path / "place"
    with pytest.raises(InputError, match=r"set\.tar: cannot be unpacked"):
        get(_archive(server, content), place)
    assert [path.name for path in place.iterdir()] == ["set.tar"]
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_the_rest_of_a_killed_unpacking_is_cleared(server: Server, tmp_path: Path) -> None:
    """A hidden folder beside it is no set, and does not stay."""
    (tmp_path / ".SET-C.part" / "SET-C").mkdir(parents=True)
    (tmp_path / ".SET-C.part" / "SET-C" / "old.npy").write_text("")
    folder = get(_archive(server), tmp_path)
    assert _whole(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["fog.npy", "labels.npy"]


def test_an_archive_without_a_folder_gets_one(server: Server, tmp_path: Path) -> None:
    """Files at the top of the archive are put in the set's folder."""
    server.content = _tar({"fog.npy": b"1", "labels.npy": b"2"})
    folder = get(_archive(server, server.content), tmp_path)
    assert (folder / "labels.npy").read_bytes() == b"2"


def test_every_archive_is_of_a_known_set() -> None:
    """Each unpacks to a folder that a reader looks for; unknown names have their near miss."""
    folders = {spec.published for spec in DATA_SETS.values()} | {spec.clean for spec in DATA_SETS.values()}
    for one in ARCHIVES.values():
        assert one.folder in folders
        assert one.url.startswith("https://")
        assert len(one.md5) == 32
    with pytest.raises(InputError, match="unknown archive 'cifar10c': did you mean 'cifar10-c'"):
        archive("cifar10c")
