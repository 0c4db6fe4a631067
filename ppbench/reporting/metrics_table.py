"""Top-5 error, calibration and severity slopes for the terminal and as Markdown."""

import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ppbench.reporting.layout import NONE
from ppbench.reporting.markdown import escaped
from ppbench.reporting.terminal import footer, print_parts, printable
from ppbench.scoring.metrics import MEASURES, METRICS_FOOTNOTE, ModelMetrics

_TITLES = {
    "nll": "NLL",
    "brier": "Brier score",
    "ece_width": "ECE",
    "ece_mass": "ECE (mass)",
    "top5_error": "top-5 error",
}


def lines(metrics: Sequence[ModelMetrics]) -> list[tuple[str, list[str]]]:
    """Return per measure its title and each model's value: on the clean images, then over the corrupted cells."""
    found = []
    for name in MEASURES:
        if any(model.corrupted[name] is not None or model.clean[name] is not None for model in metrics):
            decimals = 3 if name in ("nll", "brier") else 2
            found.append(
                (
                    f"{_TITLES[name]}, clean → corrupted",
                    [
                        f"{_text(m.clean[name], decimals)} → {_text(m.corrupted[name], decimals)}"
                        for m in metrics
                    ],
                )
            )
    return [*found, ("slope, points per severity", [_text(model.slope, 2) for model in metrics])]


def markdown(metrics: Sequence[ModelMetrics]) -> str:
    """Return a section of `table.md`."""
    names = " | ".join(escaped(model.model) for model in metrics)
    rows = [f"| {title} | {' | '.join(cells)} |" for title, cells in lines(metrics)]
    head = ["", "## Beyond errors", "", f"| measure | {names} |", "|:--|" + "--:|" * len(metrics)]
    return "\n".join([*head, *rows, "", f"{METRICS_FOOTNOTE}", ""])


def show(metrics: Sequence[ModelMetrics], console: Console | None = None) -> None:
    """Print a table below that of the scores; with many models a row a value, so that it fits any width."""
    console = console or Console(file=sys.stdout, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("measure")
    table.add_column("model", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    for title, cells in lines(metrics):
        for place, (model, cell) in enumerate(zip(metrics, cells, strict=True)):
            table.add_row("" if place else title, Text(printable(model.model)), cell)
    print_parts(console, ["", table, "", footer([("measures", METRICS_FOOTNOTE)])])


def _text(value: float | None, decimals: int) -> str:
    return NONE if value is None else f"{value:.{decimals}f}"
