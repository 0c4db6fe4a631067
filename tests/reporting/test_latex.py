"""`table.tex`: what LaTeX will read."""

import re

from ppbench.reporting import latex
from ppbench.reporting.provenance_line import TableContext
from ppbench.reporting.score_tables import document
from ppbench.scoring.names import ALL, CORRUPTIONS

from .test_tables import CONTEXT, scored


def body(text):
    """The lines that LaTeX reads."""
    return [line for line in text.splitlines() if not line.startswith("%")]


def test_two_tabulars_for_booktabs_with_every_corruption():
    """A summary and the corruptions, extras apart; every row has a cell for each column, every group is closed."""
    text = latex.render(document(scored("alexnet", "resnet20"), CONTEXT))
    lines = body(text)
    for mark in (r"\begin{tabular}", r"\end{tabular}", r"\toprule", r"\bottomrule"):
        assert sum(mark in line for line in lines) == 2
    for name in ALL:
        (row,) = [line for line in lines if line.startswith(name.replace("_", r"\_") + " &")]
        assert row.endswith(r" \\")
        assert row.count(" & ") == 4
    names = [line.split(" &")[0].replace(r"\_", "_") for line in lines if " & " in line]
    assert [name for name in names if name in CORRUPTIONS] == list(CORRUPTIONS)
    assert names.index("mCE (mean error)") < names.index("speckle_noise")
    assert text.count("{") == text.count("}")


def test_the_best_of_each_row_is_bold():
    """The first model leads by more than chance on fog, and in nothing else."""
    scores = scored("alexnet", "resnet20").with_intervals({}, {"ce.fog": "alexnet"})
    lines = body(latex.render(document(scores, CONTEXT)))
    assert sum(r"\textbf" in line for line in lines) == 1
    (row,) = [line for line in lines if line.startswith("fog &")]
    assert row == r"fog & \textbf{100.0} & 20.00 & 107.0 & 21.40 \\"


def test_names_cannot_break_the_table():
    """What LaTeX would read in a model's name is text."""
    lines = body(latex.render(document(scored(r"a_b & 50 % #1 $x$ {y} ~ ^ \n", "other"), CONTEXT)))
    name = r"a\_b \& 50 \% \#1 \$x\$ \{y\} \textasciitilde{} \textasciicircum{} \textbackslash{}n"
    (row,) = [line for line in lines if line.startswith(r"a\_b")]
    assert row.startswith(name + " & ")
    assert not any(re.search(r"(?<!\\)[#$]", line.replace(r"$\pm$", "").replace("$-$", "")) for line in lines)


def test_what_the_numbers_rest_on_is_in_comments():
    """Scale, data, protocol and seed travel with the table; a line break in a note cannot leave the comment."""
    text = latex.render(document(scored("alexnet"), TableContext(data="digits-c", notes=("two\nlines",))))
    assert "% data: digits-c" in text
    assert "% note: two lines" in text
