"""Names that would be read as mark-up: nothing breaks, nothing is injected, in no format."""

import csv
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ppbench.reporting import cell_heatmap, csv_table, html_table, latex, markdown, scores_json, terminal
from ppbench.reporting.provenance_line import TableContext
from ppbench.reporting.score_tables import document as score_document
from ppbench.reporting.tex_text import UNICODE, escaped, needs_unicode
from ppbench.scoring.references import references

from .test_tables import CONTEXT, scored, table

NAMES = [
    "<script>alert(1)</script>",
    '"quotes\' & ampersands"',
    "100 % #1 $x^2$ {y} ~ \\input{secret}",
    "_under_scored_",
    "[red]markup[/red]",
    "*starred*",
    "网络-нет-שלום",
    "naïve Çelik ﬁ \u202eturned",
    "a|b `c` --d",
    "=1+1,comma",
]


def text_of(page: str) -> list[str]:
    """Every text of a page; a script, an image or a handler fails."""

    class Reader(HTMLParser):
        texts: list[str] = []  # noqa: RUF012  one reader is made

        def handle_starttag(self, tag, attrs):
            assert tag not in ("script", "img", "iframe", "link", "a")
            assert not any(name.startswith("on") for name, _ in attrs)

        def handle_data(self, data):
            self.texts.append(data)

    reader = Reader()
    reader.texts = []
    reader.feed(page)
    return reader.texts


def test_html_shows_names_as_text():
    """Every name is a text of the page, and there is no element that was not ours."""
    texts = text_of(html_table.render(score_document(scored(*NAMES), CONTEXT)))
    for name in NAMES:
        assert name in texts


def test_markdown_rows_keep_their_cells():
    """A pipe or a line break in a name makes no cell, mark-up in it none either."""
    text = markdown.render(score_document(scored(*NAMES, "two\nlines"), CONTEXT))
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 3
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block}) == 1
    assert "<script>" not in text.replace(r"\<", "")


def test_csv_and_json_give_the_names_back():
    """A parser reads the very names again."""
    names = [*NAMES, "two\nlines"]
    rows = csv.DictReader(io.StringIO(csv_table.render(scored(*names))))
    assert [row["model"] for row in rows] == names
    data = json.loads(scores_json.render(scored(*names), CONTEXT))
    assert [model["model"] for model in data["models"]] == names


@pytest.mark.parametrize("width", [40, 60, 100])
def test_the_terminal_cuts_no_name_and_obeys_none(width):
    """Letters of any script and width fit; what looks like rich's mark-up or an escape code is text."""
    names = [*NAMES, "esc\x1b[31mred"]
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False)
    terminal.show(score_document(scored(*names, names=("fog",)), CONTEXT), console=console)
    cell_heatmap.show([table(name, 50, ("fog",)) for name in names], CONTEXT, console)
    text = out.getvalue()
    assert "\x1b" not in text
    assert "…" not in text
    together = re.sub(r"\s", "", text)
    for part in ("alert(1)", "[red]", "[/red]", "网络", "secret"):
        assert part in together


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20))
def test_escaped_latex_has_balanced_braces_and_nothing_active(name):
    """Any text becomes LaTeX without an unescaped special mark, and an opening brace for each closing one."""
    text = escaped(name)
    bare = re.sub(r"\\[a-z]+(\{\})?|\\[&%$#_{}]|\$\\(pm|times|to|cdot)\$", "", text)
    assert not re.search(r"[&%#~^\\_$]", re.sub(r"\$\$", "", bare))
    depth = 0
    for mark in re.sub(r"\\[{}]", "", text):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        assert depth >= 0
    assert depth == 0


def document(body: str) -> str:
    """A document around some tables."""
    head = r"\documentclass{article}\usepackage{booktabs,siunitx}\begin{document}"
    return f"{head}\n{body}\n\\end{{document}}\n"


def latex_tables() -> str:
    """Tables of hostile names, with and without siunitx, with intervals and references."""
    scores = scored("alexnet", *NAMES, baseline="alexnet")
    ends = {name: {"mean_error": (20.0, 30.0), "r_net": (-20.0, 1.0)} for name in NAMES}
    context = TableContext("imagenet-c", "published", notes=("100 %\nof \\them",))
    return "\n".join(
        latex.render(
            score_document(scores.with_intervals(ends), context, references("imagenet-c")), siunitx=siunitx
        )
        for siunitx in (False, True)
    )


def test_latex_parses():
    """A strict parser finds every group and environment closed, and the tabulars with all their rows."""
    from pylatexenc.latexwalker import LatexEnvironmentNode, LatexWalker

    nodes, _, _ = LatexWalker(document(latex_tables()), tolerant_parsing=False).get_latex_nodes()
    (whole,) = [node for node in nodes if isinstance(node, LatexEnvironmentNode)]
    tabulars = [node for node in whole.nodelist if isinstance(node, LatexEnvironmentNode)]
    assert [node.environmentname for node in tabulars] == ["tabular"] * 4
    assert all(node.latex_verbatim().count("\\\\") > 10 for node in tabulars)


@pytest.mark.parametrize("engine", ["pdflatex", "lualatex", "tectonic"])
def test_latex_compiles(engine, tmp_path):
    """The tables become a page, whatever the models are called, without an error or a wrong number for siunitx."""
    if shutil.which(engine) is None:
        pytest.skip(f"needs {engine}")
    if engine != "tectonic" and not _has("siunitx.sty"):
        pytest.skip("needs the LaTeX package siunitx")
    (tmp_path / "t.tex").write_text(document(latex_tables()), encoding="utf-8")
    options = (
        [] if engine == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    )
    done = subprocess.run([engine, *options, "t.tex"], cwd=tmp_path, capture_output=True, timeout=300)
    log = done.stdout.decode(errors="replace")
    if engine == "lualatex" and "luatexbase" in log and "not found" in log:
        pytest.skip("needs a whole lualatex")
    assert done.returncode == 0, log[-2000:]
    assert (tmp_path / "t.pdf").stat().st_size > 10_000


def _has(file: str) -> bool:
    return bool(subprocess.run(["kpsewhich", file], capture_output=True).stdout.strip())


def test_foreign_letters_are_named_where_they_cannot_be_set():
    """One engine prints code points, other engines the letters; what decides comes with the table, once."""
    text = latex.render(score_document(scored("网络", "b"), CONTEXT))
    assert r"\ppbenchunicode{网络}{U+7F51 U+7EDC}" in text
    assert text.count(UNICODE) == 1
    assert not needs_unicode(latex.render(score_document(scored("naïve", "b"), CONTEXT)))
