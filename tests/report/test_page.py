"""The page: its numbers are those of scores.json, whatever the models are called and however many they are."""

import json
import re
from dataclasses import replace

import pytest

from ppbench.reporting.html.example_view import example_rows
from ppbench.reporting.html.page import _whole_words, render
from ppbench.runs.report import report_content
from ppbench.scoring.names import CORRUPTIONS, SEVERITIES
from ppbench.scoring.references import references
from tests.report.made_runs import HOSTILE, broken, part, run_of
from tests.report.read_page import Page, value


@pytest.fixture(scope="module")
def text(base_run):
    """The page of the real run."""
    return render(report_content([base_run]))


@pytest.fixture(scope="module")
def page(text):
    """The same, read."""
    return Page(text)


@pytest.fixture(scope="module")
def written(base_run):
    """The run's scores.json."""
    return json.loads((base_run.folder / "scores.json").read_text())


def test_the_headline_has_the_scores_and_their_intervals(page, written):
    """Every score of the headline table and both ends of its interval are those of scores.json, rounded."""
    rows = page.tables[0][1:]
    names = {"clean": "clean_error"}
    seen = set()
    for row, model in zip(rows, written["models"], strict=True):
        assert row[0][0].endswith(model["model"])
        for shown, attributes in row[1:]:
            key = attributes["data-score"]
            seen.add(key)
            number, _, ends = shown.partition(" ")
            decimals = len(number.partition(".")[2])
            assert value(number) == pytest.approx(model[names.get(key, key)], abs=0.5000001 * 10**-decimals)
            interval = model["intervals"].get(key)
            if interval is None or interval[0] == interval[1]:
                assert not ends
            else:
                low, high = (value(end) for end in ends.strip("[]").split(", "))
                assert [low, high] == pytest.approx(interval, abs=0.5000001 * 10**-decimals)
    assert seen == {"clean", "mce", "mean_error", "r_net"}  # of 80 images no relative mCE


def test_no_mean_error_stands_under_the_name_mce(page, written):
    """The column mCE names what has 100, the column mean error says that it is not normalised."""
    head = {cell[0].partition(" %")[0]: cell[0] for cell in page.tables[0][0]}
    assert head["mCE"].endswith(f"{written['normaliser']['name']} has 100")
    assert head["mean error"].endswith("not normalised")


def test_the_heat_maps_have_every_error(page, base_run):
    """The cells of a model's heat map are its errors, in the order of the benchmark."""
    for place, table in enumerate(base_run.tables):
        rows = [row for row in page.table(f"errors-{place}")[1:] if len(row) > 1]
        assert [row[0][0] for row in rows] == [name.replace("_", " ") for name in CORRUPTIONS]
        shown = [value(cell[0]) for row in rows for cell in row[1:6]]
        wanted = [table.cells[c, s].error for c in CORRUPTIONS for s in SEVERITIES]
        assert shown == pytest.approx(wanted, abs=0.0500001)
        styles = [cell[1]["style"] for row in rows for cell in row[1:6]]
        assert all(re.fullmatch(r"background:#[0-9a-f]{6};color:#(000000|ffffff)", each) for each in styles)


def test_the_heat_maps_have_the_means_and_ces(page, written):
    """Behind the cells of a corruption stand its mean error and its CE."""
    for place, model in enumerate(written["models"]):
        rows = [row for row in page.table(f"errors-{place}")[1:] if len(row) > 1]
        for row, name in zip(rows, CORRUPTIONS, strict=True):
            known = model["corruptions"][name]
            assert [value(cell[0]) for cell in row[6:]] == pytest.approx(
                [known["mean_error"], known["ce"]], abs=0.0500001
            )


def test_the_differences_are_to_the_baseline(page, base_run):
    """The second model's map of differences is its errors less those of the first, with their sign."""
    first, second = base_run.tables
    rows = [row for row in page.table("differences-1")[1:] if len(row) > 1]
    shown = [value(cell[0]) for row in rows for cell in row[1:6]]
    wanted = [second.cells[c, s].error - first.cells[c, s].error for c in CORRUPTIONS for s in SEVERITIES]
    assert shown == pytest.approx(wanted, abs=0.0500001)
    for row in rows:
        for cell, attributes in row[1:6]:
            kind = "better" if cell.startswith("−") else "worse" if cell.startswith("+") else ""
            assert kind in attributes.get("class", "")


def test_the_table_of_the_bars_has_ces_and_intervals(page, written):
    """Every CE below the bars and its interval are those of scores.json."""
    table = next(rows for rows in page.tables if rows[0][0][0] == "corruption" and len(rows[0]) == 3)
    rows = {row[0][0]: row[1:] for row in table[1:] if len(row) > 1}
    for name in CORRUPTIONS:
        for (shown, _), model in zip(rows[name.replace("_", " ")], written["models"], strict=True):
            number, _, ends = shown.partition(" ")
            assert value(number) == pytest.approx(model["corruptions"][name]["ce"], abs=0.0500001)
            wanted = model["intervals"][f"ce.{name}"]
            assert [value(end) for end in ends.strip("[]").split(", ")] == pytest.approx(
                wanted, abs=0.0500001
            )


def test_the_notes_below_the_tables_are_there(text, base_run):
    """What stands below every other table stands here too: scale, data, normaliser, that a mean error is no mCE."""
    seen = " ".join(Page(text).texts)
    for label in ("scale", "normaliser", "data", "mean error", "R_net", "interval"):
        assert label in seen
    assert "80 images a cell, seed 0" in seen
    assert all(note in seen for note in base_run.context.notes)


def test_a_page_asks_nobody_for_anything(text, page):
    """No script, no address but places in the page and data, and a policy that forbids the rest."""
    assert not {"script", "iframe", "object", "embed", "base"} & set(page.tags)
    assert page.links
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert "default-src 'none'" in text
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text


def test_places_in_the_page_exist(page):
    """Every link within the page leads to one element, and no id occurs twice."""
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_the_same_run_gives_the_same_page(text, base_run):
    """Nothing in a page depends on the moment or on chance."""
    assert render(report_content([base_run])) == text


@pytest.mark.parametrize("count", [1, 2, 4, 12])
def test_any_number_of_models(base_run, tmp_path, count):
    """One model has no differences; four keep below 3 MB; twelve have all their rows and letters."""
    names = tuple(f"model-{place}" for place in range(count))
    text = render(report_content([run_of(base_run, names, tmp_path / "run")]))
    page = Page(text)
    assert [row[0][0].split()[-1] for row in page.tables[0][1:]] == list(names)
    assert sum(name.startswith("errors-") for name in page.table_ids) == count
    assert sum(name.startswith("differences-") for name in page.table_ids) == count - 1
    assert len(page.ids) == len(set(page.ids))
    assert len(text) < 3_000_000


def test_names_are_shown_and_not_obeyed(base_run, tmp_path):
    """Mark-up in a model's name is text in tables, drawings and provenance; nothing of it becomes an element."""
    plain = Page(render(report_content([run_of(base_run, ("a", "b", "c", "d"), tmp_path / "plain")])))
    hostile = Page(render(report_content([run_of(base_run, HOSTILE, tmp_path / "hostile")])))
    assert hostile.tags == plain.tags
    assert not hostile.handlers
    assert [row[0][0].split(" ", 1)[1] for row in hostile.tables[0][1:]] == list(HOSTILE)
    for name in HOSTILE:
        assert sum(name in text for text in hostile.texts) > 5


def test_a_partial_run_says_so(base_run, tmp_path):
    """Two corruptions at two severities, without clean images: what is missing is said, nothing is made up."""
    cells = [("fog", 1), ("fog", 5), ("snow", 1)]
    page = Page(render(report_content([part(base_run, cells, tmp_path / "run")])))
    row = page.tables[0][1]
    assert "partial" in row[0][0]
    assert row[1][0] == "–"
    rows = [row for row in page.table("errors-0")[1:] if len(row) > 1]
    assert [row[0][0] for row in rows] == ["snow", "fog"]
    assert [cell[0] for cell in rows[0][2:6]] == ["–"] * 4


def test_outputs_that_are_not_finite(base_run, tmp_path):
    """A model that breaks down on a third of the images is reported like any other: those are errors."""
    page = Page(render(report_content([broken(base_run, tmp_path / "run")])))
    assert value(page.tables[0][2][1][0].split()[0]) > 33
    assert "nan" not in " ".join(page.texts).lower().split()


def test_no_answer_is_no_class(base_run):
    """Where a model's outputs were not finite, the example says so instead of naming a class."""
    content = report_content([base_run])
    cell = content.examples.cells[0]
    example = replace(
        cell.examples[0], answers={"resnet20": (None, 0.0), "resnet20-pp": (cell.examples[0].truth, 51.0)}
    )
    strip = replace(content.examples, cells=(replace(cell, examples=(example,)),))
    answers = example_rows(replace(content, examples=strip))[0].examples[0].answers
    assert [(each.label, each.models, each.right) for each in answers] == [
        ("outputs not finite", "A", False),
        (example.truth, "B\u00a051\u00a0%", True),
    ]


def test_published_results_stand_on_the_page_as_in_the_tables(base_run):
    """Errors have two decimals, as those of the run and as in table.md; the mCE has one."""
    rows = references("cifar10-c")
    page = Page(render(replace(report_content([base_run]), references=rows)))
    shown = next(table for table in page.tables if table[0][1][0] == "number in the figure")[1:]
    assert [row[0][0] for row in shown] == [row.model for row in rows]
    for cells, row in zip(shown, rows, strict=True):
        for (number, _), known in zip(cells[2:4], (row.clean_error, row.mean_error), strict=True):
            assert number == ("–" if known is None else f"{known:.2f}")


def test_a_command_is_broken_between_words_only():
    """In Provenance each word is whole on its line, and the text is what was typed, mark-up of its own included."""
    shown = str(_whole_words("ppbench eval --model <b>  --out r-1"))
    assert re.sub(r"</?span[^>]*>", "", shown) == "ppbench eval --model &lt;b&gt;  --out r-1"
    assert '<span class="word">--model</span>' in shown
    assert '<span class="word">&lt;b&gt;</span>' in shown
