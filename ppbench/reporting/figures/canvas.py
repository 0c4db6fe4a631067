"""An empty figure in the style of all, and its way into files."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from ppbench.reporting.figures.palette import light

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER_FONTS = ("Arial", "Helvetica", "Liberation Sans", "DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC")
"""What figures for a paper are set in, the first that is there; a letter that it lacks comes from the next."""


def _style() -> dict[str, Any]:
    ink, muted, grid = light("ink"), light("muted"), light("grid")
    return {
        "font.family": list(PAPER_FONTS),
        "font.size": 8,
        "axes.titlesize": 8.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 5,
        "axes.labelsize": 8,
        "axes.linewidth": 0.7,
        "axes.edgecolor": muted,
        "axes.labelcolor": muted,
        "axes.titlecolor": ink,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": grid,
        "grid.linewidth": 0.7,
        "text.color": ink,
        "text.parse_math": False,  # a model called "a$b$c" is a name and no formula
        "xtick.color": muted,
        "ytick.color": muted,
        "xtick.labelsize": 7.5,
        "ytick.labelsize": 7.5,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "lines.linewidth": 1.5,
        "lines.markersize": 4,
        "legend.frameon": False,
        "legend.fontsize": 7.5,
        "figure.facecolor": "none",
        "svg.fonttype": "none",  # text stays text: it can be read out, searched and set in the reader's font
        "svg.hashsalt": "ppbench",  # the same figure gives the same bytes
        "pdf.fonttype": 42,
    }


@contextmanager
def style() -> Iterator[None]:
    """Draw in the common style, whatever the user's matplotlibrc says; nothing of it stays behind."""
    import matplotlib as mpl

    # A name in letters that no font here has is drawn as boxes in a PNG; the page's text has the reader's fonts.
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), mpl.rc_context():
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            mpl.rcdefaults()
            mpl.rcParams.update(cast("Any", _style()))  # matplotlib types its keys one by one
            yield
    finally:
        logger.setLevel(level)


def grid(width: float, height: float, rows: int, columns: int, **options: Any) -> "tuple[Figure, list[Axes]]":
    """Return a figure of rows × columns axes, first row first, and room for what is around them; sizes in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    made = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(made.ravel())


def svg(figure: "Figure") -> str:
    """Return the figure as SVG, without a date: the same figure gives the same text."""
    _settle(figure)
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return out.getvalue()


def png(figure: "Figure", dpi: int = 300) -> bytes:
    """Return the figure as PNG on white paper."""
    _settle(figure)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return out.getvalue()


def _settle(figure: "Figure") -> None:
    """Lay the axes out once, at rounded places: the last digits of the layout's solver differ from call to call."""
    if figure.get_layout_engine() is None:
        return
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = (round(edge, 5) for edge in axes.get_position().bounds)
        axes.set_position((left, bottom, width, height))
