"""`--corruptions`, `--corruption-file`, `--jpeg-codec`: which corruptions a command is about, and whose JPEG."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from corruptions import Library


def checked_codec(name: str) -> "Library":
    """Return the JPEG codec that `--jpeg-codec` names.

    Raises:
        InputError: it is none.
    """
    from corruptions import LIBRARIES
    from ppbench.errors import unknown

    for codec in LIBRARIES:
        if codec == name:
            return codec
    raise unknown("JPEG codec", name, LIBRARIES)


def load_files(files: Sequence[Path], wanted: str) -> None:
    """Run the user's files, and say which of their corruptions nobody asked for.

    Args:
        files: of `--corruption-file`.
        wanted: what `--corruptions` says.

    Raises:
        CorruptionError: a file is missing, fails, or holds no corruption.
    """
    from corruptions import load_file
    from ppbench.scoring.names import PLUGIN

    asked = {word.strip().removeprefix(PLUGIN) for word in wanted.split(",")}
    for file in files:
        if unasked := [name for name in load_file(file) if name not in asked]:
            typer.echo(
                f"ppbench: warning: {file}: {', '.join(unasked)} is left out: name it, as in "
                f"--corruptions {wanted},{','.join(unasked)}",
                err=True,
            )


def choose_corruptions(wanted: str, files: Sequence[Path]) -> tuple[str, ...]:
    """Return the corruptions that `--corruptions` names, plug-ins under the names that tables give them.

    Raises:
        InputError: a name that is none, or no name.
        CorruptionError: as of `load_files`.
    """
    import corruptions
    from ppbench.evaluation.cells import parse_corruptions

    load_files(files, wanted)
    return parse_corruptions(wanted, corruptions.plugins)
