r"""How names of files that are not UTF-8 are written in text: a byte that is none as ``\xNN``.

Linux allows any bytes in the name of a file. Python has those that are no UTF-8 as half surrogates, which open the file
again, but which no text, table or JSON can hold.
"""

import codecs
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any

_BYTES = re.compile("[\udc80-\udcff]")
_HALVES = re.compile("[\ud800-\udfff]")

HANDLER = "ppbench.spelled"
"""The name of the error handler that encodes text as `spelled` spells it."""


def spelled(name: str | PurePath) -> str:
    r"""Return a name as text: ``caf\xe9.png`` for the file whose name is ``café.png`` in Latin-1."""
    text = _BYTES.sub(lambda match: f"\\x{ord(match[0]) - 0xDC00:02x}", str(name))
    return _HALVES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def spelled_content(content: Any) -> Any:
    """Return what is to be written as JSON, with every text in it as `spelled` spells it."""
    if isinstance(content, str):
        return spelled(content)
    if isinstance(content, dict):
        return {spelled_content(key): spelled_content(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [spelled_content(value) for value in content]
    return content


@contextmanager
def utf8_path(path: Path) -> Iterator[Path]:
    """Yield a path of a file that is UTF-8, for libraries that open no other: itself, or a link for the block."""
    if spelled(path.absolute()) == str(path.absolute()):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ppbench-") as folder:
        # The folder is linked, not the file, where that will do: what lies beside the file is found too.
        plain = spelled(path.name) == path.name
        link = Path(folder) / ("link" if plain else f"link{path.suffix}")
        link.symlink_to(path.absolute().parent if plain else path.absolute(), target_is_directory=plain)
        yield link / path.name if plain else link


def _encode(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return spelled(error.object[error.start : error.end]), error.end


codecs.register_error(HANDLER, _encode)
