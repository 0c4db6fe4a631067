"""The tables people read: terminal, Markdown, JSON."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from ppbench.reporting import latex, markdown, scores_json, terminal
from ppbench.reporting.errors_file import context_of
from ppbench.reporting.provenance_line import TableContext, provenance_lines
from ppbench.reporting.score_tables import document, mean_row
from ppbench.scoring.cell import Cell
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.names import ALL, CORRUPTIONS, EXTRA, SEVERITIES
from ppbench.scoring.normaliser import load_normaliser, measured
from ppbench.scoring.references import references
from ppbench.scoring.scores import score

CONTEXT = TableContext(
    data="digits-c", source="generated", protocol="cifar-c", images=500, seed=7, generator="ppbench 0.1.0",
    notes=("a note of the run",),
)  # fmt: skip


def table(model, error, names=CORRUPTIONS, severities=SEVERITIES):
    """A model that errs on 20 clean images of 500, and on `error` of them everywhere else."""
    return ErrorTable(model, Cell(500, 20), {(c, s): Cell(500, error) for c in names for s in severities})


def scored(*models, names=ALL, **options):
    """The scores of some models, each a little worse than the one before; the first is the normaliser."""
    tables = [table(name, 100 + 7 * place, names) for place, name in enumerate(models)]
    return score(tables, measured(tables[0]), **options)


def printed(scores, width=80, context=CONTEXT, **console):
    """What the terminal shows at a width."""
    out = io.StringIO()
    terminal.show(document(scores, context), Console(file=out, width=width, highlight=False, **console))
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("models", [1, 2, 3, 5, 12])
def test_a_table_fits_its_width_and_cuts_nothing(width, models):
    """At any width no line is too long, and every model, corruption and number is there whole."""
    names = [f"net{place}" for place in range(models)]
    text = printed(scored(*names, names=CORRUPTIONS), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    tables = len(re.findall(r"^corruption\s", text, re.MULTILINE))
    assert tables <= max(1, -(-models // ((width - 19) // 15)))
    for corruption in CORRUPTIONS:
        assert len(re.findall(rf"^  {corruption}\s", text, re.MULTILINE)) == tables
    for place, name in enumerate(names):
        error = 20 + 1.4 * place
        assert re.search(rf"\b{name}\b", text)
        assert len(re.findall(re.escape(f" {100 * error / 20:.1f} ({error:.2f})"), text)) == 16
        assert re.search(rf"^{name} +4\.00 +{error:.2f} +{5 * error:.1f} ", text, re.MULTILINE)


def test_long_names_break_after_hyphens():
    """A name that is too long for its column goes on below, at a hyphen, and is never cut."""
    text = printed(scored("resnet20-pp-variant-prime", "b", "c", "d"), 80)
    head = [line[19:36].strip() for line in text.splitlines()[:3]]
    assert "".join(head).startswith("resnet20-pp-variant-prime")
    assert all(len(part) <= 13 for part in head)


def test_corruptions_stand_in_groups_and_the_extra_ones_below_the_mean():
    """Noise, blur, weather, digital in the benchmark's order; then the mean; then the extra corruptions."""
    text = printed(scored("a", "b"))
    landmarks = ["noise", "  gaussian_noise", "blur", "weather", "digital", "  jpeg_compression",
                 "mCE (mean error)", "extra (in no mean)", "  speckle_noise", "model"]  # fmt: skip
    places = [re.search(rf"^{re.escape(mark)}(\s|$)", text, re.MULTILINE).start() for mark in landmarks]
    assert places == sorted(places)
    firsts = re.findall(r"^  (\w+) ", text, re.MULTILINE)
    assert firsts == list(ALL)


def test_without_extra_corruptions_there_is_no_extra_block():
    """Nothing is shown that was not measured."""
    text = printed(scored("a", names=CORRUPTIONS))
    assert "extra" not in text
    assert not any(name in text for name in EXTRA)


def test_a_pipe_gets_neither_colour_nor_trailing_blanks():
    """Without a terminal there is no escape code, no blank at a line's end, and the text is the same."""
    scores = scored("a", "b")
    text = printed(scores)
    assert "\x1b" not in text
    assert not re.search(r" $", text, re.MULTILINE)
    coloured = printed(scores, force_terminal=True, color_system="standard")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == text.splitlines()


def test_the_best_of_a_row_is_bold():
    """What leads by more than chance is bold on a terminal, in the corruptions and in the summary."""
    scores = scored("a", "b", names=("fog",)).with_intervals({}, {"ce.fog": "a", "mce": "a"})
    text = printed(scores, force_terminal=True, color_system="standard")
    assert len(re.findall(r"\x1b\[1m *100\.0\x1b\[0m", text)) == 1
    row = next(line for line in text.splitlines() if "fog" in line)
    assert "\x1b[1m100.0 (20.00)\x1b[0m" in row
    assert "\x1b[1m107.0 (21.40)" not in row


@pytest.mark.parametrize(
    "options, said",
    [
        ({}, False),
        ({"force_terminal": True, "color_system": "standard"}, True),
        ({"force_terminal": True, "color_system": "standard", "no_color": True}, True),
        ({"force_terminal": True, "color_system": None}, False),
    ],
    ids=["a pipe", "a terminal", "NO_COLOR", "a terminal that is dumb"],
)
def test_bold_is_explained_where_it_is_shown(options: dict[str, object], said: bool):
    """A file or a pipe has no bold, and no word about it, of published rows either; NO_COLOR leaves bold as it is."""
    scores = scored("a", "b", names=("fog",)).with_intervals({"a": {"mce": (99.0, 101.0)}}, {"ce.fog": "a"})
    shown = document(scores, CONTEXT, references("imagenet-c"))
    out = io.StringIO()
    terminal.show(shown, Console(file=out, width=200, **options))
    assert ("\x1b[1m" in out.getvalue()) is said
    assert ("bold" in out.getvalue()) is said


def test_the_best_mean_is_that_of_the_number_shown_first():
    """A lead in mCE is what stands out in the mean row; without mCE one in the mean error."""

    def mixed(model, fog, snow):
        errors = {"fog": fog, "snow": snow}
        return ErrorTable(model, None, {(c, s): Cell(500, errors[c]) for c in errors for s in SEVERITIES})

    models = [mixed("low-mce", 10, 300), mixed("low-error", 40, 260)]
    divided = score(models, measured(mixed("divisor", 20, 400)))
    low_mce, low_error = divided.models
    assert low_mce.mce < low_error.mce
    assert low_mce.mean_error > low_error.mean_error
    leaders = {"mce": "low-mce", "mean_error": "low-error"}
    for found, expected in ((divided, [True, False]), (score(models), [False, True])):
        assert [cell.strong for cell in mean_row(found.with_intervals({}, leaders)).cells] == expected


def test_nothing_stands_out_that_may_be_chance():
    """With a single model nothing is best, nor where nobody knows which images the errors are of."""
    assert not re.search(r"\*\*\d", markdown.render(document(scored("a"), CONTEXT)))
    assert not re.search(r"\*\*\d", markdown.render(document(scored("a", "b"), CONTEXT)))
    led = scored("a", "b").with_intervals({}, {"clean": "b"})
    assert re.search(r"\| \*\*4\.00\*\* \|", markdown.render(document(led, CONTEXT)))


def test_a_name_is_text_and_no_markup():
    """A model called [red]x is shown as such, on the terminal and in Markdown."""
    scores = scored("[red]x|y", "_b_")
    assert "[red]x|y" in printed(scores)
    text = markdown.render(document(scores, CONTEXT))
    assert r"| \[red\]x\|y |" in text
    assert r"| \_b\_ |" in text
    assert "| gaussian_noise (noise) |" in text


def test_every_table_names_what_it_rests_on():
    """Scale, normaliser, data, source, protocol, images, seed, generator and notes are below each table."""
    scores = scored("alexnet", "b", baseline="alexnet")
    for text in (" ".join(printed(scores).split()), markdown.render(document(scores, CONTEXT))):
        for part in ("in per cent", "measured:alexnet", "digits-c", "source generated by ppbench 0.1.0", "seed 7",
                     "protocol cifar-c", "500 images a cell", "a note of the run"):  # fmt: skip
            assert part in text
        assert "49.95" not in text
    assert "inferred from the push-pull paper's table" in text
    assert "Here b is alexnet." in text
    assert "a higher R_net (against alexnet)" in " ".join(printed(scores).split())


def test_a_terminal_says_in_brief_what_files_say_at_length():
    """Below the table stand scale, data and what the run noted; formulas and methods are in the files."""
    text = printed(scored("alexnet", "b", baseline="alexnet"), 200)
    assert [line.split()[0] for line in text.split("\n\n")[-1].splitlines()] == ["scale", "data", "note"]


def test_published_files_have_no_seed_and_a_file_admits_what_it_does_not_record():
    """No seed is shown where none was used; what is unknown is said to be not recorded."""
    scores = scored("a")
    published = dict(provenance_lines(scores, TableContext("cifar10-c", "published", "cifar-c", 10_000)))
    assert published["data"] == "cifar10-c; source published; protocol cifar-c; 10,000 images a cell"
    unknown = dict(provenance_lines(scores, TableContext()))
    assert unknown["data"] == (
        "not recorded; source not recorded; protocol not recorded; images not recorded, seed not recorded"
    )


def test_a_partial_table_says_so():
    """What is missing is said below the table, for all models at once or by name."""
    part = table("part", 120, ("fog", "snow"), severities=(1, 5))
    alexnet = load_normaliser("imagenet-c-alexnet")
    lines = provenance_lines(score([part], alexnet), CONTEXT)
    assert ("partial", "2 of 15 corruptions: only snow, fog") in lines
    assert ("partial", "severities 1, 5 of 1, 2, 3, 4, 5") in lines
    both = provenance_lines(score([part, table("whole", 100)], alexnet), CONTEXT)
    assert ("partial", "part: severities 1, 5 of 1, 2, 3, 4, 5") in both
    assert ("note", "the models were measured on different cells: their means cannot be compared") in both
    assert "partial" in printed(score([part], alexnet))


def test_without_a_normaliser_no_number_is_called_mce():
    """A mean error is never shown under the name mCE: the only mCE left is in the footnotes that explain."""
    scores = score([table("a", 100), table("b", 90)])
    for text in (printed(scores), markdown.render(document(scores, CONTEXT))):
        above = re.split(r"^(?:scale|## What)", text, flags=re.MULTILINE)[0]
        assert "CE" not in above
        assert "mean error" in " ".join(above.split()).replace("clean mean error error", "mean error")


def test_an_unknown_score_is_a_dash():
    """A corruption without a CE keeps its mean error; the missing number is a dash, not nan."""
    text = printed(score([table("a", 100, ALL)], load_normaliser("imagenet-c-alexnet")))
    assert re.search(r"speckle_noise +– \(20\.00\)", text)
    assert "nan" not in text.lower().replace("alexnet", "")


def test_no_minus_zero():
    """A number that rounds to zero has no sign."""
    scores = score([table("a", 100), table("b", 100)], baseline="a")
    near = replace(scores["b"], r_net=-0.001)
    text = markdown.render(document(replace(scores, models=(scores["a"], near)), CONTEXT))
    assert re.search(r"\| b \|.* 0\.0 ", text.replace("**", ""))
    assert "-0.0" not in text


def test_markdown_tables_are_well_formed():
    """Every row of a table has as many cells as its heading, and a line of dashes follows the heading."""
    text = markdown.render(document(scored("a|b", "c", "d", baseline="c"), CONTEXT))
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 3
    for heading, rule, *rows in blocks:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in (heading, rule, *rows)}
        assert len(cells) == 1
        assert re.fullmatch(r"\|:--\|(--:\|)+", rule)
        assert rows


def test_json_holds_the_scores_and_their_context():
    """`scores.json` has a schema version, every score and the context, and no NaN."""
    scores = scored("a", "b", baseline="b")
    text = scores_json.render(scores, CONTEXT)
    assert "NaN" not in text
    data = json.loads(text)
    assert data["schema_version"] == 1
    assert data["unit"] == "per cent"
    assert data["context"] == {
        "data": "digits-c", "source": "generated", "protocol": "cifar-c", "images": 500, "seed": 7,
        "generator": "ppbench 0.1.0", "precision": "fp32", "files": None, "jpeg_codec": None,
        "notes": ["a note of the run"],
    }  # fmt: skip
    assert data["normaliser"]["name"] == "measured:a"
    assert [model["mce"] for model in data["models"]] == [100.0, scores["b"].mce]
    assert list(data["models"][0]["corruptions"]) == list(CORRUPTIONS)
    assert list(data["models"][0]["extra"]) == list(EXTRA)


def test_a_lone_file_claims_no_more_than_it_holds():
    """The context of an errors file is its name and its number of images, where all cells agree on it."""
    path = Path("errors.csv")
    assert context_of(path, [table("a", 9)]) == TableContext(data="errors.csv", images=500)
    mixed = ErrorTable("m", Cell(10_000, 3), {("fog", 1): Cell(500, 3)})
    assert context_of(path, [mixed]).images is None
    assert context_of(path, [mixed]).notes == ("cells hold between 500 and 10,000 images",)
    stated = ErrorTable("s", None, {("fog", 1): Cell.of_error(3.0)})
    assert context_of(path, [stated]) == TableContext(data="errors.csv")


def test_intervals_stand_below_the_scores_they_belong_to():
    """Low and high are below each score on the terminal and beside it in Markdown, whole numbers in JSON."""
    scores = scored("a", "b")
    scores = scores.with_intervals(
        {"a": {"mce": (100.0, 100.0), "clean": (2.5, 5.5)}, "b": {"mce": (104.0, 110.5)}}, {"mce": "a"}
    )
    lines = printed(scores).splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("model"))
    assert [line.split() for line in lines[head + 2 : head + 6]] == [
        ["a", "4.00", "20.00", "100.0", "100.0"],
        ["[2.50,", "5.50]"],
        ["b", "4.00", "21.40", "107.0", "108.7"],
        ["[104.0,", "110.5]"],
    ]
    assert lines[head + 5].index("110.5]") + len("110.5]") == lines[head + 4].index("107.0") + len("107.0")
    text = markdown.render(document(scores, CONTEXT))
    assert "| b | 4.00 | 21.40 | 107.0 [104.0, 110.5] | 108.7 |" in text
    assert "| a | 4.00 [2.50, 5.50] | 20.00 | **100.0** | 100.0 |" in text
    assert "**interval**: 95 % over images" in text
    assert "**bold**: better than every other model beyond" in text
    data = json.loads(scores_json.render(scores, CONTEXT))
    assert data["models"][1]["intervals"] == {"mce": [104.0, 110.5]}


def test_without_intervals_none_are_explained():
    """A lone errors file has no images, so no interval and no footnote about one."""
    text = markdown.render(document(scored("a", "b"), CONTEXT))
    assert "interval" not in text
    assert "bold" not in text
    assert "interval" not in printed(scored("a", "b"))


@pytest.mark.parametrize("width", [40, 50, 60, 80, 100])
def test_intervals_fit_any_width(width):
    """Where there is no room an interval goes on in a line of its own, and where there is none it is left out."""
    scores = scored("resnet20-pp", "b", baseline="b")
    ends = dict.fromkeys(("clean", "mean_error", "mce", "relative_mce", "r_net"), (-1234.5, 1234.5))
    text = printed(scores.with_intervals({"resnet20-pp": ends, "b": ends}), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_a_mean_over_a_part_of_the_benchmark_is_called_partial():
    """An mCE over one corruption is not the benchmark's, and its row says so in every format."""
    part, whole = scored("alexnet", names=("fog",)), scored("alexnet")
    for render in (markdown.render, latex.render):
        assert "partial mCE (error)" in render(document(part, CONTEXT))
        assert "partial mCE" not in render(document(whole, CONTEXT))
    assert "partial mCE (error)" in printed(part)


def test_the_summary_of_a_part_of_the_benchmark_is_called_partial_too():
    """Every mean over cells is, the clean error is none."""
    part, whole = scored("alexnet", names=("fog",)), scored("alexnet")
    heading = "| model | clean error | partial mean error | partial mCE | partial relative mCE |"
    assert heading in markdown.render(document(part, CONTEXT))
    assert heading.replace("partial ", "") in markdown.render(document(whole, CONTEXT))
    assert r"model & clean error & partial mean error & partial mCE" in latex.render(document(part, CONTEXT))
