"""How the pages of a study write numbers."""

from benchmarks.push_pull_study.statistics import Measured


def signed_number(value: float) -> str:
    """Return a difference with its sign."""
    return f"{value:+.2f}".replace("-", "−")


def figure(one: Measured) -> str:
    """Return a figure, its spread over seeds and its interval over images."""
    return f"{one.value:.2f}{_spread(one)} [{one.low:.2f}, {one.high:.2f}]".replace("-", "−")


def difference(one: Measured) -> str:
    """Return a difference, its spread over seeds and its interval over images."""
    return f"{signed_number(one.value)}{_spread(one)} [{signed_number(one.low)}, {signed_number(one.high)}]"


def _spread(one: Measured) -> str:
    return "" if one.spread is None else f" ± {one.spread:.2f}"
