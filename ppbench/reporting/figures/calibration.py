"""Reliability diagrams: how often a model is right against how sure it is."""

from ppbench.reporting.figures.axes import Axes
from ppbench.reporting.figures.palette import light, series
from ppbench.reporting.report_content import ReportContent

FEWEST = 20
"""A bin of fewer images is not drawn: its accuracy is known to ± 20 points at best."""


def draw(axes: Axes, content: ReportContent, place: int) -> None:
    """Draw a model's accuracy (per cent) in bins of confidence: clean images, and all corrupted cells together.

    Bins of fewer than `FEWEST` images are left out.

    The area of a dot is the share of the images in its bin.
    """
    style, found = series(place), content.reliability[place]
    axes.plot([0, 100], [0, 100], color=light("muted"), lw=0.8, ls=(0, (4, 3)))
    for bins, dash, filled in ((found.clean, "-", True), (found.corrupted, (0, (4, 1.5)), False)):
        total = sum(each.images for each in bins)
        kept = [each for each in bins if each.images >= FEWEST]
        if not kept:
            continue
        sure, right = [each.confidence for each in kept], [each.accuracy for each in kept]
        axes.plot(sure, right, color=style.colour, lw=0.9, ls=dash, alpha=0.75)
        axes.scatter(
            sure, right, s=[3 + 90 * each.images / total for each in kept], zorder=3, linewidths=1.1,
            edgecolors=style.colour, facecolors=style.colour if filled else light("paper"),
            label="clean" if filled else "corrupted", clip_on=False,
        )  # fmt: skip
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_xticks(range(0, 101, 25))
    axes.set_yticks(range(0, 101, 25))
    axes.set_aspect("equal")
    axes.set_xlabel("confidence, %")
    axes.set_ylabel("accuracy, %")


def described(content: ReportContent, place: int) -> str:
    """Return a model's diagram in words: mean confidence and accuracy, clean and corrupted."""
    parts = []
    for kind, bins in (
        ("clean", content.reliability[place].clean),
        ("corrupted", content.reliability[place].corrupted),
    ):
        total = sum(each.images for each in bins)
        if total:
            sure, right = (
                sum(getattr(each, name) * each.images for each in bins) / total
                for name in ("confidence", "accuracy")
            )
            parts.append(f"{kind} images: mean confidence {sure:.1f} %, accuracy {right:.1f} %")
    return f"Reliability diagram of {content.models[place]}. {'; '.join(parts)}."
