"""The comparison of two models as people read it."""

import csv
import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from ppbench.reporting import latex, markdown, terminal
from ppbench.reporting.comparison_tables import csv_of, document
from ppbench.reporting.table import signed
from ppbench.scoring.comparison import Comparison
from ppbench.scoring.names import CORRUPTIONS
from ppbench.scoring.pairing import Difference


def difference(score, second, low, high, verdict, p=None, p_holm=None):
    """A difference from 40 to `second`."""
    return Difference(score, 40.0, second, second - 40.0, low, high, p, p_holm, verdict)


def comparison(first="resnet20", second="resnet20_pp & more", part="ce"):
    """A comparison with something better, something worse and something undecided."""
    verdicts = ["better", "worse", "undecided"] * 5
    shifts = [-12.5, 12.5, -0.001] * 5
    corrected = [0.0004, 0.0004, 0.5] * 5
    corruptions = tuple(
        difference(f"{part}.{name}", 40 + shift, shift - 1, shift + 1, verdict, 0.0001, p_holm)
        for name, shift, verdict, p_holm in zip(CORRUPTIONS, shifts, verdicts, corrected, strict=True)
    )  # fmt: skip
    headlines = (
        difference("clean", 40.5, -1.0, 2.0, "undecided", 0.25),
        difference("mean_error", 38.0, -3.0, -1.0, "better", 0.00001),
        *([difference("mce", 37.0, -4.0, -2.0, "better")] if part == "ce" else []),
    )
    cells = tuple(difference(f"cell.fog.{s}", 41.0, 0, 2, "worse", 0.01) for s in range(1, 6))
    return Comparison(first, second, 1000, 0.95, headlines, corruptions, cells, (12.34, 1.0, 20.0))


def printed(found, width, **console):
    """What the terminal shows at a width."""
    out = io.StringIO()
    terminal.show(document(found), Console(file=out, width=width, highlight=False, **console))
    return out.getvalue()


def test_what_rounds_to_zero_has_no_sign():
    """No table says -0.0: not of R_net, nor of a relative mCE just below 0."""
    near = replace(comparison(), r_net=(-0.04, -3.0, 3.0))
    near = replace(
        near, headlines=(replace(difference("relative_mce", 37.0, -4.0, -2.0, "better"), first=-0.01),)
    )
    found = document(near)
    assert dict(found.notes)["R_net"] == "0.0 [-3.0, 3.0] of the second against the first"
    assert found.tables[0].sections[0].rows[0].cells[0].text == "0.0"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_comparison_fits_its_width_and_says_what_is_decided(width):
    """Every score with its difference, interval and verdict; values and p-values where there is room."""
    text = printed(comparison(), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    assert "\x1b" not in text
    for name, verdict in zip(CORRUPTIONS, ["better", "worse", "undecided"] * 5, strict=True):
        (line,) = [line for line in text.splitlines() if line.startswith(f"  {name} ")]
        assert line.split()[-1] == verdict
    mce = next(line for line in text.splitlines() if line.startswith("mCE"))
    assert "-3.0" in mce
    assert "[-4.0, -2.0]" in mce
    assert ("37.0" in mce) == (width >= 80)
    assert ("<0.001" in text) == (width >= 120)


def test_a_terminal_colours_the_verdicts():
    """Better is green, worse red, undecided dim."""
    text = printed(comparison(), 80, force_terminal=True, color_system="standard")
    assert "\x1b[32mbetter" in text
    assert "\x1b[31mworse" in text
    assert "\x1b[2mundecided" in text


def test_what_is_below_explains_what_is_above():
    """Direction, pairing, tests, correction, the cells' tally and R_net with its interval."""
    text = " ".join(printed(comparison(), 120).split())
    assert (
        "second (resnet20_pp & more) − first (resnet20), in points, paired on the same 1,000 images" in text
    )
    assert "corrected for all 15 together by Holm, at 5 %" in text
    assert "0 better, 5 worse, 0 undecided" in text
    assert "R_net 12.3 [1.0, 20.0] of the second against the first" in text


def test_markdown_is_a_table_with_decisions_in_bold():
    """One well-formed table; names cannot break it."""
    text = markdown.render(document(comparison(second="a|b_c")))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {8}
    assert r"## a\|b_c against resnet20" in text
    assert "| mCE | 40.0 | 37.0 | -3.0 | [-4.0, -2.0] |  | **better** |" in rows
    assert "| CE impulse_noise | 40.0 | 40.0 | 0.0 | [-1.0, +1.0] | 0.500 | undecided |" in rows


def test_latex_escapes_what_latex_reads():
    """Underscores and ampersands in names are text; numbers are mathematics; the table is closed."""
    text = latex.render(document(comparison()))
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert r"resnet20\_pp \& more" in body
    assert (
        r"gaussian\_noise & 40.0 & 27.5 & $-$12.5 & {[}$-$13.5, $-$11.5] & \textless{}0.001 & \textbf{better} \\"
        in body
    )
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    rows = [row for row in rows if "multicolumn" not in row]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {6}
    assert body.count(r"\begin{tabular}") == body.count(r"\end{tabular}") == 1
    assert not re.search(r"(?<!\\)[_#]", body)


def test_without_a_normaliser_corruptions_are_compared_by_mean_error():
    """No number is called CE that is none."""
    text = printed(comparison(part="error"), 80)
    assert "CE" not in text
    assert "mean error" in text
    assert "+12.50" in text


def test_a_partial_comparison_says_so_in_every_format():
    """Means over a part of the benchmark are called partial, the clean error is not; what is missing stands below."""
    found = replace(comparison(), partial=("3 of 15 corruptions: only fog, snow, frost",))
    for text in (printed(found, 120), markdown.render(document(found)), latex.render(document(found))):
        assert "partial mCE" in text
        assert "partial mean error" in text
        assert "partial clean error" not in text
        assert "3 of 15 corruptions" in text
        assert re.search(r"partial R_net", text)
    rows = list(csv.DictReader(io.StringIO(csv_of([found, comparison()]))))
    assert {row["partial"] for row in rows} == {"3 of 15 corruptions: only fog, snow, frost", ""}
    assert found.to_dict()["partial"] == ("3 of 15 corruptions: only fog, snow, frost",)


@pytest.mark.parametrize(
    "value, decimals, text", [(1.25, 1, "+1.2"), (-0.04, 1, "0.0"), (0.0, 2, "0.00"), (-3, 2, "-3.00")]
)
def test_signs(value, decimals, text):
    """A difference has its sign, and what rounds to zero has none."""
    assert signed(value, decimals) == text
