"""Where the gate's result goes: the terminal, files, and GitHub where the job runs there."""

import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer

from ppbench import atomic
from ppbench.cli.streams import json_for
from ppbench.reporting import ci_files, gate_tables, terminal
from ppbench.reporting.markdown import render
from ppbench.runs.gating import GateResult
from ppbench.scoring.baseline_file import Baseline
from ppbench.spelling import spelled


@dataclass(frozen=True)
class Outputs:
    """What was asked for.

    Attributes:
        junit: JUnit XML file.
        summary: Markdown file.
        json: JSON instead of the table on stdout.
        strict: whether what is inconclusive is no pass.
        started: when the command began.
    """

    junit: Path | None
    summary: Path | None
    json: bool
    strict: bool
    started: datetime

    def check(self) -> None:
        """Prove that the files can be written, before the evaluation.

        Raises:
            InputError: one cannot.
            OSError: the summary of a GitHub step cannot be added to.
        """
        if step := os.environ.get("GITHUB_STEP_SUMMARY"):
            Path(step).open("a", encoding="utf-8").close()
        for path, option in ((self.junit, "--junit"), (self.summary, "--summary")):
            if path is not None:
                atomic.require_writable(path, f"choose another with {option}")

    def judged(self, result: GateResult) -> None:
        """Write and print a judgement."""
        found = result.judgement
        shown = gate_tables.document(found, result.facts)
        markdown = render(shown)
        if self.summary is not None:
            atomic.write_text(self.summary, markdown)
        if self.junit is not None:
            seconds = (datetime.now(UTC) - self.started).total_seconds()
            atomic.write_text(
                self.junit, ci_files.junit(found, strict=self.strict, seconds=seconds, when=self.started)
            )
        if step := os.environ.get("GITHUB_STEP_SUMMARY"):
            # Appended: other commands of the same step may have written to it.
            with Path(step).open("a", encoding="utf-8") as file:
                file.write(f"{markdown}\n")
        if self.json:
            content = {**result.to_dict(), "exit_code": found.exit_code(strict=self.strict)}
            text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
            typer.echo(json_for(text, sys.stdout))
        else:
            terminal.show(shown)
        if result.setup_changes:
            typer.echo(
                f"ppbench: warning: {result.model} is not set up as the baseline's model was: "
                f"{'; '.join(result.setup_changes)}",
                err=True,
            )
        if found.state == "inconclusive" and not self.strict:
            typer.echo(
                "ppbench: warning: this is no proof that nothing got worse; with --strict it would be exit code 3",
                err=True,
            )
        if os.environ.get("GITHUB_ACTIONS") == "true":
            for line in ci_files.annotations(found, strict=self.strict):
                typer.echo(line, err=self.json)  # GitHub reads both streams; a JSON document stays one

    def updated(self, path: Path, baseline: Baseline, size: int) -> None:
        """Say what became the baseline."""
        outcomes = baseline.outcomes
        content = {
            "baseline": spelled(path),
            "model": outcomes.model,
            "images": outcomes.images,
            "cells": len(outcomes.cells),
            "bytes": size,
            "normaliser": None if baseline.normaliser is None else baseline.normaliser.name,
        }
        if self.json:
            typer.echo(json_for(json.dumps(content, indent=2, ensure_ascii=False), sys.stdout))
        else:
            typer.echo(
                f"{path}: the answers of {outcomes.model} on {outcomes.images:,} images in {len(outcomes.cells)} "
                f"cells, {size / 1000:.0f} kB; commit it"
            )
