"""`ppbench score`: the scores of a run or of an errors file, as a table or in a format for papers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ppbench.cli import completion
from ppbench.cli.options import ComparedWith, JsonFormat, Normaliser, PublishedResults, argument, option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ppbench.reporting.provenance_line import TableContext
    from ppbench.scoring.errors_table import ErrorTable
    from ppbench.scoring.metrics import ModelMetrics
    from ppbench.scoring.scorecard import Scores


def score_command(
    run: Annotated[Path, argument("A run's folder, or an errors file.", metavar="RUN")],
    normaliser: Normaliser = None,
    baseline_model: ComparedWith = None,
    reference: PublishedResults = None,
    intervals: Annotated[
        bool,
        option("Output", "95 % intervals, where the answers are known.", "--intervals/--no-intervals"),
    ] = True,
    format_: Annotated[
        str | None,
        option(
            "Output",
            "md, csv, latex, json or html instead of the table.",
            "--format",
            metavar="NAME",
            show_default=False,
            autocompletion=completion.words("md", "csv", "latex", "json", "html"),
        ),
    ] = None,
    json: JsonFormat = False,
    heatmap: Annotated[
        bool, option("Output", "Print the errors of every cell instead of the table.", "--heatmap")
    ] = False,
    siunitx: Annotated[
        bool,
        option("Output", "LaTeX: align numbers at their points, with the siunitx package.", "--siunitx"),
    ] = False,
    bibtex: Annotated[
        Path | None,
        option(
            "Output",
            "Write what the table relies on to this BibTeX file.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Score a run or an errors file: clean and mean error, CE, mCE, relative mCE, R_net."""
    import sys

    from ppbench import atomic
    from ppbench.cli.streams import json_for
    from ppbench.errors import InputError
    from ppbench.reporting import bibliography, cell_heatmap, score_tables, terminal
    from ppbench.reporting.formats import check_format, rendered
    from ppbench.reporting.reference_rows import references_for

    if (format_ is not None) + json + heatmap > 1:
        raise InputError("expected one of --format, --json and --heatmap, got several")
    wanted = "json" if json else format_
    if siunitx and wanted != "latex":
        raise InputError("--siunitx is for --format latex: leave it out, or add --format latex")
    if wanted is not None:
        check_format(wanted)
    if reference is not None:
        references_for(reference, None)  # a wrong name is found before seconds of scoring, another set below
    if bibtex is not None:
        atomic.require_writable(bibtex, "choose another with --bibtex")
    tables, scores, context, metrics, architectures = _scored(run, normaliser, baseline_model, intervals)
    published = (
        () if reference is None else references_for(reference, context.data if context.source else None)
    )
    if heatmap:
        cell_heatmap.show(tables, context)
    elif wanted is None:
        terminal.show(score_tables.document(scores, context, published))
    else:
        text = rendered(wanted, scores, context, metrics=metrics, references=published, siunitx=siunitx)
        typer.echo(json_for(text, sys.stdout) if wanted == "json" else text, nl=False)
    if bibtex is not None:
        keys = bibliography.cited(scores, context, published, architectures)
        atomic.write_text(bibtex, bibliography.bibtex(keys))


def _scored(
    path: Path, normaliser: str | None, baseline: str | None, intervals: bool
) -> "tuple[Sequence[ErrorTable], Scores, TableContext, Sequence[ModelMetrics], dict[str, str]]":
    """Return errors, scores, context, metrics and architectures; a lone errors file needs no NumPy and no torch."""
    if (path / "run.json").is_file():
        from ppbench.runs.rescoring import rescore

        run = rescore(path, normaliser=normaliser, baseline=baseline, intervals=intervals)
        return run.tables, run.scores, run.context, run.metrics, run.architectures
    from ppbench.reporting.errors_file import context_of
    from ppbench.scoring.errors_table import read_errors_csv
    from ppbench.scoring.normaliser import NORMALISERS, choose_normaliser
    from ppbench.scoring.scores import score

    file = path / "errors.csv" if path.is_dir() else path
    tables = read_errors_csv(file)
    if path.is_dir():
        typer.echo(
            f"ppbench: {path} has no run.json, so it is no finished run: its errors.csv is scored by itself, "
            "without intervals",
            err=True,
        )
    divisor = None if normaliser is None else choose_normaliser(normaliser, tables)
    scores = score(tables, divisor, baseline=baseline)
    if normaliser is None:
        known = ", ".join((*NORMALISERS, "measured"))
        typer.echo(
            f"ppbench: no CE and no mCE without --normaliser: choose one of {known}, or a file", err=True
        )
    return tables, scores, context_of(file, tables), (), {}
