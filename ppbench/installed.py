"""Which packages are installed, and in what version.

On PyPI the name `ppbench` is another project's, whose package has the same name. So this one is installed from a
checkout or a git address, as the distribution `pushpull-bench`.
"""

import importlib.metadata

from ppbench import __version__

DISTRIBUTION = "pushpull-bench"
"""What this project is called where packages are installed."""

DECISIVE = ("ppbench", "torch", "torchvision", "numpy", "pillow")
"""The packages that numbers depend on."""

AGAIN = "install ppbench again, from its checkout or git address"
"""What to do where its own files are damaged."""

_OURS = "common image corruptions"
"""In the summary of this project: it had the distribution name `ppbench` once, and may be installed by it."""


def version_of(package: str) -> str | None:
    """Return the version of a package, None where it is not installed; of ppbench, of this one, which runs."""
    if package == "ppbench":
        return __version__
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def other_ppbench() -> str | None:
    """Return the version of the other project of this name, None where it is not installed."""
    try:
        found = importlib.metadata.distribution("ppbench")
    except importlib.metadata.PackageNotFoundError:
        return None
    return None if _OURS in (found.metadata["Summary"] or "") else found.version
