"""The figures: what they plot is what was measured, and they are the same twice."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure

from ppbench.reporting.figures import bars, calibration, canvas, curves, heatmap, kernels, palette, scatter
from ppbench.reporting.figures.plot_files import write_plots
from ppbench.reporting.html.inline_svg import inline
from ppbench.reporting.html.svg_axes import SvgAxes, round_numbers
from ppbench.runs.report import report_content
from ppbench.scoring.formulas import r_net
from ppbench.scoring.references import references
from ppbench.scoring.reliability import Bin
from tests.report.made_runs import HOSTILE, part, run_of


@pytest.fixture(scope="module")
def content(base_run):
    """What the report of the real run shows."""
    return report_content([base_run])


def test_lines_of_equal_r_net(content):
    """Every point of a drawn line has, by the formula of the score itself, the R_net that stands at the line."""
    with canvas.style():
        _, (axes,) = canvas.grid(4, 4, 1, 1)
        scatter.draw(axes, content)
    base = scatter.points(content)[content.models.index(content.baseline)]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_zorder() == 1]
    named = {
        float(text.get_text().removeprefix("R = ").replace("−", "-"))
        for text in axes.texts
        if "R =" in text.get_text()
    }
    drawn = set()
    for line in lines:
        first, second = (r_net(x, y, *base) for x, y in zip(*line.get_data(), strict=True))
        assert first == pytest.approx(second)
        drawn.add(round(first, 6))
    assert len(drawn) >= 3
    assert named <= drawn
    assert len(named) >= 2


def test_points_are_the_scores(content):
    """A model stands at its clean error and mean error."""
    for place, (clean, mean) in scatter.points(content).items():
        model = content.scores.models[place]
        assert (clean, mean) == (model.clean_error, model.mean_error)


def test_bars_are_the_scores(content):
    """Bars have the value and the interval of the score; a group's is the mean of its corruptions."""
    model = content.scores.models[1]
    found = bars.bars(content, "noise")
    for name in ("gaussian_noise", "shot_noise", "impulse_noise"):
        assert found[name][1] == (model.by_name[f"ce.{name}"], model.intervals[f"ce.{name}"])
    value, (low, high) = found[bars.MEAN][1]
    assert value == pytest.approx(np.mean([found[name][1][0] for name in list(found)[:3]]))
    assert low < value < high


def test_without_a_normaliser_bars_are_mean_errors(base_run):
    """There is no CE then, and the axis says what is shown instead."""
    without = report_content([replace(base_run, scores=replace(base_run.scores, normaliser=None))])
    assert without.scores.models[0].mce is None
    assert bars.scale(without) == "mean error, %"
    assert (
        bars.bars(without, "blur")["zoom_blur"][0][0] == without.scores.models[0].row("zoom_blur").mean_error
    )


def test_numbers_can_be_read_on_every_colour():
    """Black or white on any colour of the map of errors has a contrast of 4.5 to 1 or more."""
    for error in np.linspace(0, 100, 201):
        colour = heatmap.colour_of_error(error, 100.0)
        contrast = _contrast(colour, heatmap.ink_on(colour))
        assert contrast >= 4.5


def _contrast(colour, ink):
    def luminance(rgb):
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (each / 255 for each in rgb)
        ]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    a, b = luminance(colour), luminance((0, 0, 0) if ink == "#000000" else (255, 255, 255))
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


def test_colours_grow_lighter_with_the_error():
    """The map of errors rises in lightness throughout: it is read the same without any sense of colour."""
    light = [np.dot([0.2126, 0.7152, 0.0722], heatmap.colour_of_error(e, 100.0)) for e in range(101)]
    assert np.all(np.diff(light) > -0.5)
    assert light[-1] - light[0] > 150


def test_every_role_has_a_colour_of_its_own():
    """The page swaps colours by their value, so no two roles share one; and models differ in more than colour."""
    drawn_in = [light for light, _ in palette.colours().values()]
    assert len(set(drawn_in)) == len(drawn_in)
    styles = [palette.series(place) for place in range(40)]
    assert len({style.letter for style in styles}) == 40
    assert len({(style.colour, style.marker, style.dash) for style in styles[:24]}) == 24


def test_the_sheet_of_kernels(content):
    """A filter is a push tile above a pull tile; grey is 0, and mirrored weights have mirrored colours."""
    stem = content.stems[0]
    ones = np.zeros((2, 3, 3, 3), np.float32)
    ones[0, 0, 0, 0], ones[1, 1, 2, 2] = 1.0, -2.0
    picture = kernels.sheet(replace(stem, push=ones, pull=-ones))
    assert picture[0, 0].tolist() == [255, 128, 128, 255]
    assert picture[44, 0].tolist() == [0, 128, 128, 255]
    assert picture[41, 46 + 41].tolist() == [128, 0, 128, 255]
    assert picture[0, 43].tolist() == [0, 0, 0, 0]
    assert kernels.sheet(replace(stem, push=ones[:, :1], pull=-ones[:, :1])).shape == picture.shape


def test_an_inlined_figure_is_themed_and_whole():
    """Colours become variables, ids get the figure's name, text keeps its letters and cannot become mark-up."""
    axes = SvgAxes(2, 2, (0.3, 0.1, 0.3, 0.1))
    axes.plot([0, 1], [0, 1], color=palette.series(0).colour, clip_on=True)
    axes.set_title('<b>&"x')
    text = str(inline(axes.svg(), "one", "a <title>", "what & why"))
    root = ET.fromstring(text)
    assert root.get("role") == "img"
    assert not set(palette.ROLES["ink"]) & set(text.split('"'))
    assert "var(--series-0)" in text
    assert not any(light in text for light, _ in palette.colours().values())
    assert all(each.get("id", "one-").startswith("one-") for each in root.iter())
    assert "<b>" not in text
    assert [each.text for each in root][:2] == ["a <title>", "what & why"]
    assert "font-family" not in text


def test_plots_are_files_in_two_formats(base_run, content, tmp_path):
    """Each figure is an SVG and a PNG, a paper's column or page wide, and the same twice."""
    files = write_plots(content, tmp_path / "one")
    names = {path.name for path in files}
    assert {"bars.svg", "bars.png", "curves.svg", "calibration.png", "clean-against-mean-error.svg"} <= names
    assert {"heatmap-A-resnet20.svg", "difference-B-resnet20-pp.png", "kernels-B-resnet20-pp.png"} <= names
    for path in files:
        if path.suffix == ".svg":
            width = float(ET.parse(path).getroot().get("width").removesuffix("pt")) / 72
            assert any(width == pytest.approx(w, abs=0.01) for w in (3.3, 6.9, 6.9 / 2))
    again = write_plots(content, tmp_path / "two")
    assert [path.read_bytes() for path in files] == [path.read_bytes() for path in again]


def test_plots_of_hostile_names_and_few_cells(base_run, tmp_path):
    """Any name makes a file's name that every system takes; text in an SVG stays text."""
    run = run_of(part(base_run, [("clean", 0), ("fog", 3)], tmp_path / "part"), HOSTILE, tmp_path / "run")
    files = write_plots(report_content([run]), tmp_path / "plots")
    assert all(path.name.isascii() and not set('<>:"/\\|?*% ') & set(path.name) for path in files)
    assert any(path.name.startswith("heatmap-A-script") for path in files)
    whole = ET.parse(tmp_path / "plots" / "curves.svg").getroot()
    texts = {"".join(each.itertext()) for each in whole.iter() if each.tag.endswith("}text")}
    assert {f"{letter}  {name}" for letter, name in zip("ABCD", HOSTILE, strict=True)} <= texts
    assert not [each for each in whole.iter() if each.tag.rpartition("}")[2] in ("script", "img")]


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.3, 0.9])
def test_the_name_of_a_line_does_not_lie_across_the_axis(content, share):
    """A line that leaves at the bottom, so far from the axis, is named only where its name has room."""
    base = scatter.points(content)[content.models.index(content.baseline)]
    with canvas.style():
        figure, (axes,) = canvas.grid(4, 4, 1, 1)
        scatter.draw(axes, replace(content, references=references("cifar10-c")))
        (left, right), bottom = axes.get_xlim(), axes.get_ylim()[0]
        value = 50 * (sum(base) - bottom - left - share * (right - left)) / base[0]
        before = len(axes.texts)
        scatter._label_line(axes, "R = +200", base, value)
        figure.canvas.draw()
    names = axes.texts[before:]
    assert len(names) == (share > 0.2)
    assert all(text.get_window_extent().x0 >= axes.get_window_extent().x0 for text in names)


def test_bins_of_few_images_are_not_drawn(content):
    """Dots are the bins of 20 images or more; a lone image that is right by luck is no 100 %."""
    few = Bin(30.0, 100.0, calibration.FEWEST - 1)
    many = Bin(90.0, 80.0, calibration.FEWEST)
    reliability = replace(content.reliability[0], clean=(few, many), corrupted=(few,))
    with canvas.style():
        _, (axes,) = canvas.grid(3, 3, 1, 1)
        calibration.draw(axes, replace(content, reliability=(reliability, *content.reliability[1:])), 0)
    (drawn,) = axes.collections
    assert drawn.get_offsets().tolist() == [[90.0, 80.0]]


def test_a_panel_of_severities_uses_its_range(content):
    """A corruption of few errors is not pressed to the bottom by one of many; files for a paper share an axis."""
    tops = {name: curves.top(content, name) for name in ("contrast", "pixelate")}
    assert tops["pixelate"] < tops["contrast"] == curves.top(content)


def test_the_pages_axes_put_points_where_matplotlib_does():
    """A line's points, a bar's edges and a dot's centre are at the same places of the figure, to a hundredth."""
    margins, size = (0.5, 0.25, 0.3, 0.2), (3.0, 2.0)
    ours = SvgAxes(*size, margins)
    figure = Figure(figsize=size)
    theirs = figure.add_axes((0.5 / 3, 0.3 / 2, 1 - 0.75 / 3, 1 - 0.5 / 2))
    for axes in (ours, theirs):
        axes.set_xlim(-1, 7)
        axes.set_ylim(9, 2)  # upside down, as bars are
        axes.plot([0, 5], [3, 8], color="#123456", lw=1)
        axes.barh(4, 6, 0.5, color="#654321", alpha=1.0, lw=0)
    root = ET.fromstring(ours.svg())
    found = [each for each in root.iter() if "#123456" in each.get("style", "")]
    numbers = [float(number) for number in re.findall(r"[\d.]+", found[0].get("d"))]
    wanted = theirs.transData.transform([(0, 3), (5, 8)]) * 72 / figure.dpi
    assert numbers == pytest.approx(
        [wanted[0][0], 144 - wanted[0][1], wanted[1][0], 144 - wanted[1][1]], abs=0.01
    )
    (bar,) = [each for each in root.iter() if "#654321" in each.get("style", "")]
    (left, low), (right, high) = theirs.transData.transform([(0, 4.25), (6, 3.75)]) * 72 / figure.dpi
    box = [float(bar.get(key)) for key in ("x", "y", "width", "height")]
    assert box == pytest.approx([left, 144 - high, right - left, high - low], abs=0.02)


@pytest.mark.parametrize(
    "ends, most, texts",
    [
        ((0, 30), 5, ["0", "10", "20", "30"]),
        ((0, 100), 5, ["0", "20", "40", "60", "80", "100"]),
        ((7.9, 18.3), 6, ["8", "10", "12", "14", "16", "18"]),
        ((-0.3, 1.1), 3, ["0.0", "0.5", "1.0"]),
    ],
)
def test_marks_are_round_numbers(ends, most, texts):
    """Steps of 1, 2, 2.5 or 5 times a power of ten, as few as asked for, with the digits they need."""
    places, labels = round_numbers(*ends, most)
    assert labels == texts
    assert places == pytest.approx([float(text) for text in texts])
