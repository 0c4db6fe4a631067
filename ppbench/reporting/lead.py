"""What a report leads with: which model is the most robust, in one honest sentence."""

from collections import Counter

from ppbench.reporting.report_content import ReportContent
from ppbench.reporting.table import Cell, ends, number
from ppbench.scoring.headlines import MCE, MEAN_ERROR, Headline
from ppbench.scoring.scorecard import ModelScores, Scores

_COUNTS = (
    "",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def ranked(scores: Scores) -> tuple[Headline, list[ModelScores]]:
    """Return the score that models are ranked by, and those that have it, the best first.

    By mCE where every model has one, by the mean error otherwise.
    """
    headline = MCE if all(model.mce is not None for model in scores.models) else MEAN_ERROR
    having = [model for model in scores.models if headline.name in model.by_name]
    return headline, sorted(having, key=lambda model: model.by_name[headline.name])


def sentence(content: ReportContent) -> str:
    """Return who is the most robust, by how much, and against whom; or that it is undecided. Empty without scores."""
    scores = content.scores
    headline, order = ranked(scores)
    if not order:
        return ""
    best, title = order[0], headline.titled(partial=scores.misses_cells)
    found = ends(best.intervals.get(headline.name), headline.decimals)
    value = (
        f"{number(best.by_name[headline.name], headline.decimals)} {Cell('', ends=found).interval}".strip()
    )
    if len(scores.models) == 1:
        return f"{best.model}: {title} {value}."
    count = _COUNTS[len(scores.models)] if len(scores.models) < len(_COUNTS) else str(len(scores.models))
    two = len(scores.models) == 2
    if not scores.same_cells:
        which = "more" if two else "most"
        return f"Which of the {count} is the {which} robust cannot be said: they were measured on different cells."
    if scores.leaders.get(headline.name) == best.model:
        told = f"{best.model} is the {'more' if two else 'most'} robust of the {count}: {title} {value}"
    else:
        told = (
            f"Which of the {count} is the {'more' if two else 'most'} robust is undecided: {best.model} has the lowest "
            f"{title}, {value}, but its lead is within the interval of the difference"
        )
    return f"{told}{_against(content)}."


def _against(content: ReportContent) -> str:
    """Return on how many corruptions the best model is better than the next one, paired by image."""
    pair = content.runner_up
    if pair is None:
        return ""
    verdicts = Counter(each.verdict for each in pair.corruptions)
    counts = [f"{name} on {verdicts[name]}" for name in ("better", "worse", "undecided") if verdicts[name]]
    of = len(pair.corruptions)
    return f"; against {pair.first} {', '.join(counts)} of {of} corruption{'s' * (of != 1)}"
