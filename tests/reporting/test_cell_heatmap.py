"""The heatmap of a terminal."""

import io
import re

import pytest
from rich.console import Console

from ppbench.reporting import cell_heatmap
from ppbench.scoring.cell import Cell
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.names import ALL, CORRUPTIONS, SEVERITIES

from .test_tables import CONTEXT


def rising(model, names=CORRUPTIONS, skip=()):
    """A model whose error is 10.2 points a severity, more by 0.2 with each corruption."""
    cells = {
        (c, s): Cell(500, 51 * s + place)
        for place, c in enumerate(names)
        for s in SEVERITIES
        if (c, s) not in skip
    }
    return ErrorTable(model, Cell(500, 20), cells)


def printed(tables, width=80, **console):
    """What is shown at a width."""
    out = io.StringIO()
    cell_heatmap.show(tables, CONTEXT, Console(file=out, width=width, highlight=False, **console))
    return out.getvalue()


@pytest.mark.parametrize("width", [30, 42, 54, 60, 80, 100, 160])
@pytest.mark.parametrize("models", [1, 2, 5])
def test_every_cell_is_there_at_any_width(width, models):
    """No line is too long, nothing is cut, and each row holds the five errors and their mean."""
    text = printed([rising(f"net{place}") for place in range(models)], width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    decimals = 1 if width >= 54 else 0
    for place, name in enumerate(CORRUPTIONS):
        errors = [(51 * s + place) / 5 for s in SEVERITIES]
        row = [f"{value:.{decimals}f}" for value in (*errors, sum(errors) / 5)]
        found = re.findall(rf"^{name}\s+([\d.\s]+?)(?=^[a-z]|\n\n)", text, re.MULTILINE)
        assert " ".join(found).split() == row * models


def test_a_pipe_gets_the_numbers_alone():
    """No escape code, no trailing blank; with a terminal the same text has colours behind it."""
    plain = printed([rising("a")])
    assert "\x1b" not in plain
    assert not re.search(r" $", plain, re.MULTILINE)
    coloured = printed([rising("a")], force_terminal=True, color_system="truecolor")
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    body = [line.rstrip() for line in bare.splitlines()]
    assert [line for line in body if line.startswith("fog")] == [
        line for line in plain.splitlines() if line.startswith("fog")
    ]


def test_the_colour_grows_lighter_with_the_error_and_the_ink_stays_readable():
    """Luminance rises along a row, and ink and ground differ by a contrast of 4.5 at least."""
    text = printed([rising("a")], force_terminal=True, color_system="truecolor")
    row = next(line for line in text.splitlines() if "fog" in line)
    found = re.findall(r"38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m", row)
    assert len(found) == 5
    grounds = []
    for marks in found:
        ink, ground = (_luminance([int(v) for v in part]) for part in (marks[:3], marks[3:]))
        assert (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05) >= 4.5
        grounds.append(ground)
    assert grounds == sorted(grounds)


def _luminance(rgb):
    """Relative luminance as WCAG defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_what_was_not_measured_is_a_dash():
    """A missing cell is no zero, and the mean is over those that are there."""
    text = printed([rising("a", skip={("fog", 1)})])
    row = next(line.split() for line in text.splitlines() if line.startswith("fog"))
    place = CORRUPTIONS.index("fog")
    known = [(51 * s + place) / 5 for s in (2, 3, 4, 5)]
    assert row[1:] == ["–", *(f"{value:.1f}" for value in known), f"{sum(known) / 4:.1f}"]
    none = printed([ErrorTable("m", None, {("fog", 1): Cell(10, 0)})])
    assert re.search(r"^clean +–", none, re.MULTILINE)


def test_groups_and_extras_are_kept_apart():
    """The benchmark's groups in their order, the extra corruptions last under a name of their own."""
    lines = [line.split()[0] for line in printed([rising("a", ALL)]).splitlines() if line and line[0] != " "]
    assert [line for line in lines if line in ("noise", "blur", "weather", "digital", "extra")] == [
        "noise", "blur", "weather", "digital", "extra",
    ]  # fmt: skip
    assert lines.index("jpeg_compression") < lines.index("extra") < lines.index("speckle_noise")
