"""Any text as LaTeX that every engine sets: escaped, and with a code for each letter that pdfLaTeX lacks."""

import re
import unicodedata

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    # After \\ or \midrule these two would be read as an argument.
    "[": "{[}",
    "*": "{*}",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\dots{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "→": r"$\to$",
    "·": r"$\cdot$",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}

UNICODE = r"\providecommand{\ppbenchunicode}[2]{\ifdefined\Umathchar#1\else#2\fi}"
"""Defines a command that sets its first argument under XeLaTeX and LuaLaTeX, its second under pdfLaTeX."""

_LETTERS = "ßøØæÆœŒłŁıåÅ"
_ACCENTS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327"


def escaped(text: str) -> str:
    """Return a text as LaTeX sets it, on one line."""
    words = re.sub(r"-(?=-)", "\0", " ".join(text.split()))  # two hyphens would become a dash
    return "".join(
        "".join(_SPECIAL.get(mark, "-{}" if mark == "\0" else mark) for mark in part)
        if _known(part[0])
        else _foreign(part)
        for part in _runs(words)
    )


def needs_unicode(text: str) -> bool:
    """Return whether `escaped` text uses the command that `UNICODE` defines."""
    return r"\ppbenchunicode" in text


def _runs(text: str) -> list[str]:
    """Split a text where letters that every engine has and others meet."""
    runs: list[str] = []
    for mark in text:
        if runs and _known(mark) == _known(runs[-1][0]):
            runs[-1] += mark
        else:
            runs.append(mark)
    return runs


def _known(mark: str) -> bool:
    if mark in _SPECIAL or mark == "\0" or mark in _LETTERS:
        return True
    base, *accents = tuple(unicodedata.normalize("NFD", mark))
    return base.isascii() and base.isprintable() and len(accents) <= 1 and all(a in _ACCENTS for a in accents)


def _foreign(part: str) -> str:
    codes = " ".join(f"U+{ord(mark):04X}" for mark in part)
    shown = "".join(
        mark for mark in part if mark.isprintable()
    )  # a bidirectional mark would turn the line round
    return rf"\ppbenchunicode{{{shown}}}{{{codes}}}"
