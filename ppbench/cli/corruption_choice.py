"""`--corruptions` and `--corruption-file`: which corruptions a command is about, those of the user's own files too."""

from collections.abc import Sequence
from pathlib import Path

import typer


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
