"""Python, the packages ppbench needs, and those that it can do without."""

import platform
import re
import sys
from collections.abc import Callable, Sequence

from ppbench.diagnosis.check import Check
from ppbench.installed import AGAIN, DECISIVE, other_ppbench, version_of

OLDEST_PYTHON = (3, 11)

REQUIRED = {
    "torch": "2.6", "torchvision": "0.21", "numpy": "1.26", "pandas": "2.2", "pillow": "10.3", "safetensors": "0.4.3",
    "scikit-learn": "1.4", "scipy": "1.12", "typer": "0.29", "rich": "15", "platformdirs": "4", "filelock": "3.32",
    "requests": "2.31", "imagecorruptions": "1.1.2", "matplotlib": "3.10.7", "jinja2": "3.1", "pydantic": "2.9",
    "annotated-types": "0.6",
}  # fmt: skip
"""Package -> oldest version; a test holds it equal to the project's own list."""

EXTRAS = {
    "timm": (("timm",), "models of timm (--model timm:NAME)"),
    "onnx": (("onnxruntime",), "models in ONNX files"),
    "train": (("lightning", "tensorboard"), "ppbench train"),
    "ray": (("ray",), "evaluation on a cluster (--engine ray)"),
    "parquet": (("pyarrow",), "ppbench export --parquet"),
}
"""Extra -> (the packages that it brings, what they are for)."""

Version = Callable[[str], str | None]
"""Returns the version of an installed package, None where there is none."""


def software(
    version: Version = version_of,
    python: Sequence[int] = sys.version_info[:3],
    other: Callable[[], str | None] = other_ppbench,
) -> list[Check]:
    """Return the checks of Python and of the packages.

    Args:
        version: of a package.
        python: the version of Python, its first numbers.
        other: returns the version of the other project called ppbench, None where it is not installed.
    """
    return [_python(python), _packages(version), *_other(other), *_missing(version), *_extras(version)]


def _python(version: Sequence[int]) -> Check:
    wanted = ".".join(map(str, OLDEST_PYTHON))
    if tuple(version[:2]) < OLDEST_PYTHON:
        got = ".".join(map(str, version[:2]))
        return Check(
            "software", "python", "blocking", f"{got}, older than {wanted}", f"use Python {wanted} or newer"
        )
    return Check(
        "software", "python", "ok", f"{platform.python_version()} on {platform.platform(terse=True)}"
    )


def _packages(version: Version) -> Check:
    return Check(
        "software", "packages", "ok", ", ".join(f"{name} {version(name) or 'missing'}" for name in DECISIVE)
    )


def _other(other: Callable[[], str | None]) -> list[Check]:
    found = other()
    if found is None:
        return []
    text = (
        f"PyPI's project of that name is installed, {found}: another one, whose package is in the way of this"
    )
    return [Check("software", "ppbench", "problem", text, f"pip uninstall ppbench, then {AGAIN}")]


def _missing(version: Version) -> list[Check]:
    checks = []
    for package, oldest in REQUIRED.items():
        got = version(package)
        if got is None:
            checks.append(Check("software", package, "blocking", "not installed", f"pip install {package}"))
        elif numbers(got) < numbers(oldest):
            text = f"{got}, older than {oldest}"
            checks.append(
                Check("software", package, "problem", text, f"pip install --upgrade '{package}>={oldest}'")
            )
    return checks


def _extras(version: Version) -> list[Check]:
    checks = []
    for packages, purpose in EXTRAS.values():
        for package in packages:
            got = version(package)
            if got is None:
                text = f"not installed, needed for {purpose}"
                checks.append(Check("software", package, "absent", text, f"pip install {package}"))
            else:
                checks.append(Check("software", package, "ok", f"{got}: {purpose}"))
    return checks


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers a version begins with: ``"2.6.0+cpu"`` is (2, 6, 0)."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
