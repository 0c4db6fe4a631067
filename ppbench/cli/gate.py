"""`ppbench gate`: did the last change break the model's robustness? An exit code says so."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ppbench.cli.evaluation_options import (
    NAMES,
    EvaluationOptions,
    given_options,
    with_evaluation_options,
)
from ppbench.cli.options import Json, Overwrite, argument, option


@with_evaluation_options()
def gate_command(
    options: EvaluationOptions,
    context: typer.Context,
    run: Annotated[
        Path | None,
        argument(
            "A finished run's folder. Without it the model of --model or --checkpoint is evaluated first.",
            metavar="RUN",
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        option(
            "Judgement",
            "What to compare with: a file that --update wrote, or a run's folder.",
            metavar="PATH",
            show_default=False,
        ),
    ] = None,
    update: Annotated[
        bool,
        option("Judgement", "Write the model's answers to --baseline, judge nothing.", "--update"),
    ] = False,
    allow: Annotated[
        list[str] | None,
        option(
            "Judgement",
            "What may rise: mean_error=+1, clean=+2, mce=+1, ce.fog=+3, error.fog=+3, cell.fog.5=+6. "
            "Repeatable. Default: [tool.ppbench.gate] of ./pyproject.toml, else mean_error=+1 and clean=+2.",
            metavar="SCORE=+POINTS",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[
        bool, option("Judgement", "Exit with 3 where the evidence is too thin to decide.", "--strict")
    ] = False,
    judge: Annotated[
        str | None,
        option(
            "Judgement",
            "The model to judge, where the run has several.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    baseline_model: Annotated[
        str | None,
        option(
            "Judgement",
            "The model of the baseline's run, where it has several.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    junit: Annotated[
        Path | None,
        option("Output", "Write JUnit XML, one test case a rule.", metavar="FILE", show_default=False),
    ] = None,
    summary: Annotated[
        Path | None, option("Output", "Write a Markdown summary.", metavar="FILE", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        option("Output", "Keep the evaluation in this run folder.", metavar="FOLDER", show_default=False),
    ] = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Judge a model against a baseline: exit code 0 passed, 1 worse, 2 bad input, 3 too thin to decide (--strict)."""
    started = datetime.now(UTC)
    from ppbench.cli.gate_output import Outputs
    from ppbench.errors import InputError
    from ppbench.runs.agreement import require_repeatable_setups
    from ppbench.runs.folder import load_run
    from ppbench.runs.gate_settings import TABLE, read_settings
    from ppbench.runs.gating import (
        baseline_of,
        check_baseline_place,
        check_planned,
        check_rules,
        default_rules,
        gate_run,
        read_baseline,
        write_baseline,
    )

    settings = read_settings(Path())
    rules, strict = settings.with_rules(allow or ()), strict or settings.strict
    path = baseline or settings.baseline
    if path is None:
        raise InputError(f"expected --baseline FILE or RUN, got none: it may also stand in {TABLE}")
    _one_source(context, run)
    outputs = Outputs(junit, summary, json, strict, started)
    # Every mistake that can be found before an evaluation of hours is found here, or by `check` below.
    if update:
        check_baseline_place(path)
        against = None
    else:
        outputs.check()
        against = read_baseline(path, baseline_model)
        check_rules(rules, against)
    evaluated = (
        load_run(run, intervals=False)
        if run
        else options.evaluate(
            out,
            overwrite=overwrite,
            check=lambda planned: check_planned(planned, against, judge, where=str(path)),
            check_setups=lambda checks: require_repeatable_setups(checks, judge),
        )
    )
    if against is None:
        kept = baseline_of(evaluated, judge)
        outputs.updated(path, kept, write_baseline(kept, path))
        return
    result = gate_run(evaluated, against, rules, model=judge, where=str(path))
    if not rules:
        told = " and ".join(map(str, default_rules(against)))
        typer.echo(f"ppbench: no rules given, these were taken: {told}; --allow sets others", err=True)
    outputs.judged(result)
    raise typer.Exit(result.judgement.exit_code(strict=strict))


def _one_source(context: typer.Context, run: Path | None) -> None:
    """Refuse a finished run with options of an evaluation, which could have no effect, and neither of both."""
    from ppbench.errors import InputError

    if run is not None and (given := given_options(context, (*NAMES, "out", "overwrite"))):
        raise InputError(f"expected a RUN or options of an evaluation, got both: {run} and {given[0]}")
    if run is None and not given_options(context, ("model", "checkpoint")):
        raise InputError("expected a RUN, or --model or --checkpoint to evaluate, got neither")
