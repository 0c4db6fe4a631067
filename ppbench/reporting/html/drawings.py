"""The drawn figures of the page: each panel by itself, so that they flow into as many columns as there is room for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup

from ppbench.reporting.figures import bars, calibration, curves, kernels, scatter
from ppbench.reporting.figures.axes import Axes
from ppbench.reporting.figures.palette import SeriesStyle, series
from ppbench.reporting.html.inline_svg import inline, symbol
from ppbench.reporting.html.pictures import png
from ppbench.reporting.html.svg_axes import Margins, SvgAxes
from ppbench.reporting.report_content import ReportContent, StemKernels


@dataclass(frozen=True)
class Key:
    """A model in the key to the figures: letter, name, colour role, and its line and marker as a symbol of the page."""

    letter: str
    model: str
    role: str
    name: str
    swatch: Markup


@dataclass(frozen=True)
class StemView:
    """A push-pull network's first layer on the page.

    Attributes:
        letter: by which the figures call the model.
        stem: its name, its description and what to know.
        picture: data URI of the sheet of kernels; empty without.
        alt: the sheet in words.
        histogram: of the trained strengths; None without.
    """

    letter: str
    stem: StemKernels
    picture: str
    alt: str
    histogram: Markup | None


@dataclass(frozen=True)
class Drawings:
    """All drawn figures of a page; what cannot be drawn is empty or None."""

    key: tuple[Key, ...]
    bars: tuple[Markup, ...]
    curves: tuple[Markup, ...]
    scatter: Markup | None
    calibration: tuple[tuple[str, str, Markup], ...]
    stems: tuple[StemView, ...]


def draw_all(content: ReportContent) -> Drawings:
    """Draw every figure of a page."""
    return Drawings(
        key=tuple(_key(series(place), model, place) for place, model in enumerate(content.models)),
        bars=tuple(
            _drawn(
                f"bars-{group}",
                f"{group} corruptions",
                bars.described(content, group),
                (4.4, bars.height(content, group)),
                (1.3, 0.06, 0.24, 0.22),
                partial(bars.draw, content=content, group=group),
            )
            for group in bars.groups(content)
        ),
        curves=tuple(
            _drawn(
                f"curve-{place}",
                curves.title(name),
                curves.described(content, name),
                (2.0, 1.6),
                (0.27, 0.1, 0.21, 0.21),
                partial(curves.draw, content=content, corruption=name),
            )
            for place, name in enumerate(curves.corruptions(content))
        ),
        scatter=_drawn(
            "scatter",
            "clean error against mean error",
            scatter.described(content),
            (4.6, 3.5),
            (0.46, 0.56, 0.42, 0.2),
            partial(scatter.draw, content=content),
        )
        if scatter.can_be_drawn(content)
        else None,
        calibration=tuple(
            (
                series(place).letter,
                model,
                _drawn(
                    f"calibration-{place}",
                    f"calibration of {model}",
                    calibration.described(content, place),
                    (2.7, 2.6),
                    (0.48, 0.12, 0.42, 0.08),
                    partial(calibration.draw, content=content, place=place),
                ),
            )
            for place, model in enumerate(content.models)
        ),
        stems=tuple(_stem(content, stem) for stem in content.stems),
    )


def _drawn(
    name: str,
    title: str,
    description: str,
    size: tuple[float, float],
    margins: Margins,
    draw: Callable[[Axes], None],
) -> Markup:
    axes = SvgAxes(*size, margins)
    draw(axes)
    return inline(axes.svg(), name, title, description)


def _key(style: SeriesStyle, model: str, place: int) -> Key:
    axes = SvgAxes(0.5, 0.17, (0.02, 0.02, 0.01, 0.01))
    axes.plot([0, 0.5, 1], [0, 0, 0], color=style.colour, ls=style.dash, lw=1.5)
    axes.plot([0.5], [0], color=style.colour, marker=style.marker, ms=5)
    axes.set_xlim(-0.05, 1.05)
    axes.set_ylim(-1, 1)
    axes.set_axis_off()
    name = f"key-{place}"
    return Key(style.letter, model, style.role, name, symbol(axes.svg(), name))


def _stem(content: ReportContent, stem: StemKernels) -> StemView:
    place = content.models.index(stem.model)
    picture, alt, histogram = "", "", None
    if stem.push is not None and stem.pull is not None:
        picture = png(kernels.sheet(stem))
        alt = (
            f"{len(stem.push)} push kernels of {stem.push.shape[-1]} × {stem.push.shape[-1]} weights of {stem.model}, "
            f"each above its pull kernel of {stem.pull.shape[-1]} × {stem.pull.shape[-1]}"
        )
    if stem.strengths is not None:
        histogram = _drawn(
            f"strengths-{place}",
            f"inhibition strengths of {stem.model}",
            kernels.strengths_described(stem),
            (3.6, 1.9),
            (0.42, 0.1, 0.42, 0.08),
            partial(kernels.draw_strengths, stem=stem, place=place),
        )
    return StemView(series(place).letter, stem, picture, alt, histogram)
