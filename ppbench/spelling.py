r"""How names of files that are not UTF-8 are written in text: a byte that is none as ``\xNN``.

Linux allows any bytes in the name of a file. Python has those that are no UTF-8 as half surrogates, which open the file
again, but which no text, table or JSON can hold.
"""

import codecs
import re
from pathlib import PurePath

_BYTES = re.compile("[\udc80-\udcff]")
_HALVES = re.compile("[\ud800-\udfff]")

HANDLER = "ppbench.spelled"
"""The name of the error handler that encodes text as `spelled` spells it."""


def spelled(name: str | PurePath) -> str:
    r"""Return a name as text: ``caf\xe9.png`` for the file whose name is ``café.png`` in Latin-1."""
    text = _BYTES.sub(lambda match: f"\\x{ord(match[0]) - 0xDC00:02x}", str(name))
    return _HALVES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _encode(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return spelled(error.object[error.start : error.end]), error.end


codecs.register_error(HANDLER, _encode)
