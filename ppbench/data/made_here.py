"""Published layouts that `ppbench generate` wrote: read like published ones, but not the published files."""

import json
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Made:
    """How a generated folder came about.

    Attributes:
        by: what made it, with its version.
        seed: of its corruptions.
        jpeg_codec: whose JPEG they have been through; None where none, or in folders of older versions.
    """

    by: str
    seed: int
    jpeg_codec: str | None = None


def made_by(folder: Path) -> Made | None:
    """Return how a folder in a published layout was made; None where no manifest says that ppbench made it."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        codec = content.get("jpeg_codec")
        return Made(str(content["made_by"]), int(content["seed"]), None if codec is None else str(codec))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
