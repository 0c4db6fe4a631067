"""What the streams of the command line can print: no character and no file name ends a command after its work.

A character that a stream's encoding has not is replaced by a plain one of the same width, so that tables stay aligned;
JSON has escapes of its own for it. Files are always UTF-8.
"""

import codecs
import io
import json
import re
import shutil
import sys
import textwrap
import unicodedata
from typing import TextIO

from ppbench.spelling import spelled

_HANDLER = "ppbench.plain"
_ASCII = "ppbench-ascii"

_PLAIN = {
    "±": "~", "×": "x", "–": "-", "—": "-", "−": "-", "→": ">", "…": ".", "·": "-", "•": "*", "‖": "|",
    "“": '"', "”": '"', "‘": "'", "’": "'", "─": "-", "━": "-", "╸": "-", "╺": "-", "│": "|", "┃": "|",
}  # fmt: skip
"""What stands for a character that a stream has not; letters lose their accents, and for all else there is a "?"."""


def prepare_streams() -> None:
    """Have stdout and stderr replace what they cannot encode."""
    codecs.register_error(_HANDLER, _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a caller's own stream says itself what it can
            # Click takes a stream that says ASCII for a wrongly set up one, and sends it UTF-8 all the same.
            ascii_only = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=_ascii() if ascii_only else None, errors=_HANDLER)


def whole_words(line: str) -> str:
    """Return a line for stdout: on a terminal it is broken between words, which may be addresses and paths to copy."""
    if not sys.stdout.isatty():
        return line
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(
        line.lstrip(),
        shutil.get_terminal_size().columns,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def json_for(text: str, stream: TextIO) -> str:
    """Return a JSON text with escapes where a stream has not the character: it means the same."""
    encoding = getattr(stream, "encoding", None) or "utf-8"

    def escaped(match: re.Match[str]) -> str:
        try:
            match[0].encode(encoding)
        except UnicodeEncodeError:
            return json.dumps(match[0])[1:-1]
        return match[0]

    return re.sub(r"[^\x00-\x7f]", escaped, text)


def plain(character: str) -> str:
    """Return what stands for a character that a stream has not, as wide as it is: one mark, or two, or none."""
    if spelled(character) != character:  # a byte of a file name
        return spelled(character)
    if unicodedata.combining(character):
        return ""
    known = _PLAIN.get(character) or unicodedata.normalize("NFKD", character)[0]
    mark = known if known.isascii() and known.isprintable() else "?"
    return mark * (2 if unicodedata.east_asian_width(character) in "WF" else 1)


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(plain, error.object[error.start : error.end])), error.end


def _ascii() -> str:
    """Return the name of an encoding that is ASCII and does not say so."""
    known = codecs.lookup("ascii")

    def find(name: str) -> codecs.CodecInfo | None:
        if name.replace("_", "-") != _ASCII:
            return None
        return codecs.CodecInfo(
            known.encode,
            known.decode,
            known.streamreader,
            known.streamwriter,
            known.incrementalencoder,
            known.incrementaldecoder,
            name=_ASCII,
        )

    codecs.register(find)
    return _ASCII
