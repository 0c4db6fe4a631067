"""The colours of the figures, light and dark, and how models are told apart without colour.

Figures are drawn in the light colours. The page replaces each by a variable of its style sheet, so that they follow the
reader's theme; therefore no two roles may share a colour.
"""

from dataclasses import dataclass
from typing import Final

ROLES: Final[dict[str, tuple[str, str]]] = {
    "ink": ("#1b1f24", "#e8ecf1"),
    "muted": ("#56606c", "#a3adb9"),
    "grid": ("#dde2e8", "#333b45"),
    "paper": ("#fefefe", "#12161b"),
}
"""Role -> its colour on white paper, and on a dark screen."""

SERIES: Final[tuple[tuple[str, str], ...]] = (
    ("#0067a5", "#5ab4f0"),
    ("#c8500a", "#ff9450"),
    ("#00795c", "#35c9a0"),
    ("#9b3f8a", "#e392d2"),
    ("#8a6d00", "#e3c341"),
    ("#3f4a5a", "#b9c3d2"),
    ("#c2185b", "#ff7fa8"),
    ("#4d7c0f", "#a5d65a"),
)
"""A model's colour in either theme; neighbours differ for the common kinds of colour blindness, and in lightness."""

_MARKERS: Final = "os^DvPX<>*ph"
_DASHES: Final = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.5, 1.5)))


_CIVIDIS = (
    (0, 34, 78), (26, 56, 111), (67, 78, 108), (97, 101, 111), (125, 124, 120), (155, 148, 118), (188, 174, 108),
    (222, 201, 88), (254, 232, 56),
)  # fmt: skip
"""Every eighth of the map "cividis" (Nuñez, Anderton & Renslow 2018), which looks the same with and without colour
blindness and grows steadily lighter."""


def cividis(share: float) -> tuple[int, int, int]:
    """Return the colour (0..255 each) of a share, 0 (dark) to 1 (light), of the largest error."""
    place = min(max(share, 0.0), 1.0) * (len(_CIVIDIS) - 1)
    below = min(int(place), len(_CIVIDIS) - 2)
    red, green, blue = (
        round(a + (place - below) * (b - a))
        for a, b in zip(_CIVIDIS[below], _CIVIDIS[below + 1], strict=True)
    )
    return red, green, blue


@dataclass(frozen=True)
class SeriesStyle:
    """How a model is drawn.

    Attributes:
        letter: what it is called in every figure: A, B, …, Z, A1, …
        role: the name of its colour.
        colour: that colour on white paper.
        marker: matplotlib's name of its marker.
        dash: matplotlib's line style.
    """

    letter: str
    role: str
    colour: str
    marker: str
    dash: str | tuple[int, tuple[float, ...]]


def series(index: int) -> SeriesStyle:
    """Return how the model at a place is drawn; the first 26 differ in their letter, 48 in colour, marker or dash."""
    letter = chr(ord("A") + index % 26) + (str(index // 26) if index >= 26 else "")
    colour = index % len(SERIES)
    return SeriesStyle(
        letter,
        f"series-{colour}",
        SERIES[colour][0],
        _MARKERS[index % len(_MARKERS)],
        _DASHES[(index // len(SERIES) + index) % len(_DASHES)],
    )


def colours() -> dict[str, tuple[str, str]]:
    """Return role -> (light, dark) of everything that a figure is drawn in."""
    return {**ROLES, **{f"series-{index}": pair for index, pair in enumerate(SERIES)}}


def light(role: str) -> str:
    """Return the colour of a role on white paper, which figures are drawn in."""
    return ROLES[role][0]
