"""Published results beside a run's own."""

import csv
import io
import re
from dataclasses import replace

import pytest

from ppbench.errors import InputError
from ppbench.reporting import csv_table, latex, markdown, scores_json
from ppbench.reporting.formats import FORMATS, rendered
from ppbench.reporting.provenance_line import TableContext
from ppbench.reporting.reference_rows import footnotes, lines_below, references_for
from ppbench.reporting.score_tables import document
from ppbench.reporting.score_tables import summary as summary_table
from ppbench.scoring.names import CORRUPTIONS
from ppbench.scoring.normaliser import load_normaliser
from ppbench.scoring.references import references
from ppbench.scoring.scores import score

from .test_tables import scored, table

PUBLISHED = TableContext("imagenet-c", "published", "imagenet-c", 50_000)
ROWS = references("imagenet-c")


def on_alexnet():
    """The scores of two models, divided by the published AlexNet."""
    return score([table("mine", 400), table("other", 350)], load_normaliser("imagenet-c-alexnet"))


def summary(scores, rows=ROWS):
    """Column -> text of every row of the summary, by title."""
    first = summary_table(scores, rows)
    found = [row for section in first.sections for row in section.rows]
    heads = [column.title for column in first.columns]
    return {row.title: dict(zip(heads, (cell.text for cell in row.cells), strict=True)) for row in found}


def test_each_number_stands_in_the_column_of_its_scale():
    """An mCE by the same AlexNet stands under mCE; a mean error under mean error; what is unknown is a dash."""
    rows = summary(on_alexnet())
    assert rows["ResNet-50"] == {
        "clean error": "23.85", "mean error": "–", "mCE": "76.7", "relative mCE": "–",
    }  # fmt: skip
    assert rows["ResNet-50 PRIME without JSD"]["mean error"] == "45.00"
    assert rows["ResNet-50 PRIME without JSD"]["mCE"] == "57.5"


def test_no_mean_error_of_the_push_pull_paper_is_ever_under_mce():
    """49.95 appears once in the table, under mean error, and its footnote says what the paper calls it."""
    for scores in (on_alexnet(), scored("alexnet", "b"), score([table("a", 100)])):
        row = summary(scores)["ResNet-50 PRIME+PP3"]
        assert [heading for heading, text in row.items() if text == "49.95"] == ["mean error"]
        assert all(text == "–" for heading, text in row.items() if "mCE" in heading)
    notes = dict(footnotes(ROWS))
    assert any("the authors call this number mCE" in text for text in notes.values())


@pytest.mark.parametrize("scores", [scored("alexnet", "b"), score([table("a", 100)])])
def test_an_mce_by_another_divisor_has_a_column_of_its_own(scores):
    """A run divided by its own AlexNet, or by nothing, never shares the column of the published mCE."""
    row = summary(scores)["ResNet-50"]
    assert row["published mCE"] == "76.7"
    assert row.get("mCE", "–") == "–"
    lines = dict(lines_below(scores, PUBLISHED, ROWS))
    assert "imagenet-c-alexnet" in lines["published mCE"]


def test_what_is_published_is_never_best():
    """The best of a column is the best of what was measured, though a published error is lower."""
    first = summary_table(on_alexnet().with_intervals({}, {"mean_error": "other"}), ROWS)
    own, published = first.sections
    assert any(cell.strong for row in own.rows for cell in row.cells)
    assert not any(cell.strong for row in published.rows for cell in row.cells)
    assert published.title == "published results, not measured here"


def test_every_row_names_its_source_below_the_table():
    """Each mark of a row leads to a footnote with the source; none is left over."""
    text = markdown.render(document(on_alexnet(), PUBLISHED, ROWS))
    marks = re.findall(r"^\| \*.*\* \\\[(\w)\\\] \|", text, re.MULTILINE)
    assert len(marks) == len(ROWS)
    notes = dict(re.findall(r"^- \*\*\\\[(\w)\\\]\*\*: (.*)$", text, re.MULTILINE))
    assert set(marks) == set(notes)
    for mark, row in zip(marks, ROWS, strict=True):
        assert notes[mark].replace("\\", "").startswith(row.source)


def test_latex_cites_what_has_an_entry():
    """A published row has a citation of its sources in place of a mark."""
    text = latex.render(document(on_alexnet(), PUBLISHED, ROWS))
    assert r"ResNet-50 AugMix~\cite{hendrycks2019benchmarking,hendrycks2020augmix} & 22.47 &" in text
    assert "DrViT-S~[f] &" in text


def test_csv_and_json_hold_them_whole():
    """Source, scale and plain values; what was measured has no source."""
    lines = list(csv.DictReader(io.StringIO(csv_table.render(on_alexnet(), ROWS))))
    assert [line["source"] == "" for line in lines] == [True, True, *[False] * len(ROWS)]
    by_name = {line["model"]: line for line in lines}
    assert by_name["AlexNet"]["mean_error"] == "78.8993"
    assert by_name["ResNet-50 PP3"]["mce"] == by_name["ResNet-50 PP3"]["normaliser"] == ""
    text = scores_json.render(on_alexnet(), PUBLISHED, references=ROWS)
    assert '"scale": "mean error and mCE"' in text


def test_rows_of_another_data_set_are_refused():
    """Errors on other images do not stand in one table; an unknown name suggests the near one."""
    with pytest.raises(InputError, match="expected a run on imagenet-c, got one on digits-c"):
        references_for("imagenet-c", "digits-c")
    with pytest.raises(InputError, match="did you mean 'cifar10-c'"):
        references_for("cifar10", "cifar10-c")
    assert references_for("imagenet-c", None) == ROWS


def test_what_is_not_the_published_files_is_noted():
    """Generated images, and a file that does not say what it is of, are named below the table."""
    generated = TableContext("imagenet-c", "generated", "imagenet-c", 100, 0)
    said = [text for _, text in lines_below(on_alexnet(), generated, ROWS)]
    assert "the images of this run were generated: its errors compare only roughly" in said
    said = [text for _, text in lines_below(on_alexnet(), TableContext("errors.csv"), ROWS)]
    assert any("taken on trust" in text for text in said)
    said = [text for _, text in lines_below(on_alexnet(), PUBLISHED, ROWS)]
    assert not any("roughly" in text or "trust" in text for text in said)


def test_the_means_of_a_partial_run_are_said_to_be_no_match():
    """A mean over some cells shares a column with means over all 75; a line says so, and only then."""
    warning = "over all 15 corruptions and 5 severities: no match for the means of a partial run"
    whole = table("whole", 400)
    partial = (table("some", 400, severities=(1, 2, 4, 5)), table("some", 400, names=CORRUPTIONS[:14]))
    unseen = replace(whole, clean=None)  # its mean is whole
    for tables_, expected in (
        ([whole], False), ([unseen], False), *(([whole, some], True) for some in partial)
    ):  # fmt: skip
        lines = lines_below(score(tables_), PUBLISHED, ROWS)
        assert (("published", warning) in lines) is expected


def test_without_references_nothing_is_said_of_them():
    """A table of measured models alone has no word of published results."""
    for name in FORMATS:
        text = rendered(name, scored("alexnet"), TableContext("digits-c", "generated"))
        assert "published" not in text
        assert '"references"' not in text


def test_the_papers_word_is_explained_where_its_rows_stand():
    """“mCE 49.95 %” is a remark on the push-pull paper's rows, and on no other table."""
    for rows, expected in ((ROWS, True), (references("cifar10-c")[:3], False), ((), False)):
        text = markdown.render(document(score([table("a", 100)]), PUBLISHED, rows))
        assert ("“mCE 49.95 %” on ImageNet-C is by all evidence such a mean error" in text) is expected
