"""What `ppbench doctor --model …` prints of the set-up of each model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ppbench.runs.setup_report import Looked, SetupReport

_MARKS = {"ok": "ok", "skipped": "–", "notice": "!", "wrong": "!!"}
_STYLES = {"ok": "green", "skipped": "dim", "notice": "yellow", "wrong": "bold red"}
_VERDICTS = {
    "ok": "Nothing looks wrong with the set-up.",
    "notice": "Nothing is proved wrong; look at what is marked with !.",
    "wrong": "Something is wrong with the set-up: look at what is marked with !!.",
}


def show(report: "SetupReport") -> None:
    """Print a screen for each model; the strip only where stdout is a terminal."""
    from rich.console import Console

    from ppbench.reporting.terminal import print_parts

    console = Console(file=sys.stdout, highlight=False)
    for place, looked in enumerate(report.models):
        if place:
            typer.echo()
        print_parts(console, _parts(report, looked, console))


def write_strips(report: "SetupReport", path: Path) -> None:
    """Write the strips of all models below each other as a PNG."""
    from PIL import Image

    from ppbench import atomic
    from ppbench.reporting.contact_strip import picture

    strips = [picture(looked.seen, *_names(report, looked)) for looked in report.models]
    whole = Image.new(
        "RGB", (max(strip.width for strip in strips), sum(strip.height for strip in strips)), "white"
    )
    top = 0
    for strip in strips:
        whole.paste(strip, (0, top))
        top += strip.height
    with atomic.writing(path) as file:
        whole.save(file, "PNG")


def content(report: "SetupReport") -> dict[str, Any]:
    """Return the report as JSON knows it."""
    from ppbench import __version__

    return {
        "schema_version": 1,
        "ppbench": __version__,
        "data": report.data,
        "models": [{"name": each.check.model, **each.check.to_dict()} for each in report.models],
    }


def _names(report: "SetupReport", looked: "Looked") -> tuple[list[str], list[str]]:
    from ppbench.data.class_names import answer_name

    labels = [str(report.classes[label]) for label in looked.labels]
    return labels, [answer_name(report.classes, answer) for answer in looked.predictions.tolist()]


def _parts(report: "SetupReport", looked: "Looked", console: "Console") -> "list[RenderableType]":
    from rich.table import Table
    from rich.text import Text

    from ppbench.reporting.terminal import printable

    check = looked.check
    parts: list[RenderableType] = [Text(printable(f"{check.model} on {report.data}"), style="bold")]
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=2, justify="right")
    grid.add_column(width=13)
    grid.add_column(overflow="fold")
    for finding in check.findings:
        text = Text(printable(finding.text.removeprefix(f"{finding.check} ")))
        if finding.advice:
            text.append(printable(f" → {finding.advice}"), style="italic")
        grid.add_row(Text(_MARKS[finding.state], style=_STYLES[finding.state]), Text(finding.check), text)
    parts.append(grid)
    labels, said = _names(report, looked)
    if console.is_terminal:
        parts += ["", *_strip(looked, labels, said, console.width)]
    else:
        told = (f"{label} → {prediction}" for label, prediction in zip(labels, said, strict=True))
        parts.append(Text(printable(f"label → answer of {len(labels)} images: {', '.join(told)}")))
    return [*parts, Text(_VERDICTS[check.verdict], style=_STYLES[check.verdict])]


def _strip(looked: "Looked", labels: list[str], said: list[str], width: int) -> "list[RenderableType]":
    """Return as many images as fit, and below each what it is and what the network takes it for."""
    from rich.text import Text

    from ppbench.reporting.contact_strip import COLUMNS, in_half_blocks
    from ppbench.reporting.terminal import printable

    def fitted(name: str) -> str:
        return printable(name)[:COLUMNS].ljust(COLUMNS)

    fit = max(1, (width + 1) // (COLUMNS + 1))
    above, below = Text(no_wrap=True), Text(no_wrap=True)
    for place, (label, prediction) in enumerate(zip(labels[:fit], said[:fit], strict=True)):
        gap = " " if place else ""
        above.append(gap + fitted(label))
        below.append(gap + fitted(f"→ {prediction}"), style="" if label == prediction else "red")
    return [*in_half_blocks(looked.seen[:fit]), above, below]
