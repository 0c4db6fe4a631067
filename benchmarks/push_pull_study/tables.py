"""A study as Markdown: what was measured, and what it says of the claim."""

from collections.abc import Callable, Sequence

from benchmarks.push_pull_study.plan import Study
from benchmarks.push_pull_study.statistics import Measured, Row, severity_name
from benchmarks.push_pull_study.words import difference, figure, signed_number
from ppbench.scoring.names import CORRUPTIONS, GROUPS, SEVERITIES

_HEADLINES = ("clean error", "mean error", "mCE")


def document(
    study: Study,
    rows: Sequence[Row],
    *,
    images: int,
    epochs: int,
    normaliser: str,
    missing: Sequence[str],
    more: Sequence[str] = (),
) -> str:
    """Return the whole document.

    Args:
        study: the study.
        rows: of the study.
        images: test images.
        epochs: of each training.
        normaliser: what the mCE is divided by, in words.
        missing: trainings of the plan that are not there yet.
        more: sections of this study's own.
    """
    page = study.page
    caption = f"{page.caption}\n\n" if page.caption else ""
    apart = [row for row in rows if row.differences]

    def section(title: str, table: str, words: str = "") -> str:
        return f"## {title}\n\n{words}{caption}{table}"

    parts = [
        page.head.format(images=images, epochs=epochs, normaliser=normaliser),
        verdicts(study, rows),
        section("Scores", _table(rows, (*_HEADLINES, "R_net"), _figure)),
        section(
            "Push-pull minus no push-pull, the same augmentation",
            _table(apart, (*_HEADLINES, *GROUPS), _difference),
            "Below zero is better. Paired: seed by seed and image by image.\n\n",
        ),
        section("Mean error by group of corruptions", _table(rows, tuple(GROUPS), _figure)),
        *more,
        *([page.beside] if page.beside else []),
        section("Each seed", _table(rows, ("clean error", "mean error"), _each_seed)),
        page.again,
    ]
    if missing:
        parts.insert(1, f"**Not finished**: {len(missing)} trainings are missing: {', '.join(missing)}.\n")
    return "\n".join(parts)


def by_corruption_and_severity(rows: Sequence[Row]) -> str:
    """Return where push-pull gains and where it loses: its differences by corruption and by severity."""
    apart = [row for row in rows if row.differences]
    lines = []
    for names in (CORRUPTIONS, tuple(map(severity_name, SEVERITIES))):
        lines += [f"| | {' | '.join(row.variant.label for row in apart)} |", "|---|" + "---|" * len(apart)]
        lines += [f"| {name} | {' | '.join(_difference(row, name) for row in apart)} |" for name in names]
        lines.append("")
    return "\n".join(lines)


def verdicts(study: Study, rows: Sequence[Row]) -> str:
    """Say plainly whether push-pull lowers the mean error here."""
    lines = []
    for row in rows:
        if not row.differences:
            continue
        mean, clean = row.differences["mean error"], row.differences["clean error"]
        seeds = "one seed"
        if len(mean.seeds) > 1:
            low, high = mean.over_seeds()
            seeds = f"{len(mean.seeds)} seeds; mean error over seeds {signed_number(low)} to {signed_number(high)}"
        line = (
            f"- **{row.variant.label}**: mean error {difference(mean)} points, clean error {difference(clean)} "
            f"({seeds}): {_direction(mean)} {study.page.remark(row)}"
        )
        lines.append(line.rstrip())
    return f"## Does the claim hold here?\n\n{study.page.claim}\n" + "\n".join(lines) + "\n"


def _direction(mean: Measured) -> str:
    if mean.low <= 0.0 <= mean.high:
        return "undecided, the interval holds zero."
    better = mean.value < 0.0
    word = "better" if better else "worse"
    if len(mean.seeds) == 1:
        return f"{word} for these two networks; one seed says nothing of other trainings."
    agree = sum((seed < 0.0) == better for seed in mean.seeds)
    if agree < len(mean.seeds):
        return f"{word} in the mean, but in {agree} of {len(mean.seeds)} seeds only: another training may differ."
    low, high = mean.over_seeds()
    held = (
        f"{word}, in {agree} of {len(mean.seeds)} seeds; the interval over seeds, "
        f"{signed_number(low)} to {signed_number(high)},"
    )
    if low <= 0.0 <= high:
        return f"{held} holds zero: so few seeds do not rule out that another training differs."
    return f"{held} is clear of zero."


def _table(rows: Sequence[Row], names: Sequence[str], text: Callable[[Row, str], str]) -> str:
    lines = [f"| network | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    lines += [f"| {row.variant.label} | {' | '.join(text(row, name) for name in names)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _figure(row: Row, name: str) -> str:
    return figure(row.figures[name]) if name in row.figures else ""


def _difference(row: Row, name: str) -> str:
    return difference(row.differences[name])


def _each_seed(row: Row, name: str) -> str:
    return ", ".join(f"{seed:.2f}" for seed in row.figures[name].seeds)
