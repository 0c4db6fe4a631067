"""One run in every format: the numbers that are parsed back are those of scores.json."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import ppbench as api
from ppbench.scoring.names import CORRUPTIONS

MODELS = ["alexnet", "resnet20", "resnet20-pp"]
HEADLINES = {"clean error": "clean", "mean error": "mean_error", "mCE": "mce", "relative mCE": "relative_mce"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run of three models on a few images."""
    out = tmp_path_factory.mktemp("formats") / "run"
    api.evaluate(MODELS, limit=20, out=out, baseline_model="resnet20")
    return out


@pytest.fixture(scope="module")
def known(run: Path) -> dict[str, dict[str, float]]:
    """Model -> what scores.json says of it, under the names of a table."""
    found = {}
    for model in json.loads((run / "scores.json").read_text())["models"]:
        values = {"clean error": model["clean_error"], "mean error": model["mean_error"], "mCE": model["mce"],
                  "relative mCE": model["relative_mce"], "R_net": model["r_net"]}  # fmt: skip
        for name, row in model["corruptions"].items():
            values[f"CE {name}"], values[f"error {name}"] = row["ce"], row["mean_error"]
        found[model["model"]] = values
    return found


def agrees(text: str, value: float) -> bool:
    """Whether a printed number is the value, rounded to the digits it has."""
    decimals = len(text.partition(".")[2])
    return abs(float(text) - value) <= 0.5 * 10**-decimals + 1e-9


def compare(tables: list[list[list[str]]], known: dict[str, dict[str, float]]) -> int:
    """Check a summary and a table of corruptions, both rows of texts, and return how many numbers they held."""
    summary, corruptions = tables
    checked = 0
    for row in summary[1:]:
        if row[0] in known:
            for heading, text in zip(summary[0][1:], row[1:], strict=True):
                assert agrees(text.split()[0], known[row[0]][heading]), (row, heading)
                checked += 1
    for row in corruptions[1:]:
        name = row[0].split()[0]
        if name in CORRUPTIONS:
            for model, text in zip(corruptions[0][1:], row[1:], strict=True):
                ce, error = re.findall(r"[\d.]+", text)
                assert agrees(ce, known[model][f"CE {name}"]), (row, model)
                assert agrees(error, known[model][f"error {name}"]), (row, model)
                checked += 2
    return checked


NUMBERS = 3 * 4 + 3 * 15 * 2  # no relative mCE: 20 images leave no rise certain


def test_markdown(ppbench, run, known) -> None:
    """`table.md`, which `--format md` prints again byte for byte."""
    text = ppbench("score", run, "--format", "md").out
    assert text == (run / "table.md").read_text()
    blocks = [block.splitlines() for block in text.replace("**", "").split("\n\n") if block.startswith("|")]
    rows = [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in [block[0], *block[2:]]]
        for block in blocks
    ]
    assert compare(rows, known) == NUMBERS


def _tabulars(text: str) -> list[list[list[str]]]:
    """The rows of each tabular, bold and braces taken off, CE and error of a model put together again."""
    tables = []
    for body in re.findall(r"\\begin\{tabular\}(.*?)\\end\{tabular\}", text, re.DOTALL):
        rows = []
        for line in body.splitlines():
            if line.endswith(r"\\"):
                plain = re.sub(
                    r"\\textbf\{([^}]*)\}|\\bfseries |\$-\$",
                    lambda m: m[1] or ("-" if "$" in m[0] else ""),
                    line,
                )
                plain = re.sub(r"\\multicolumn\{2\}\{c\}\{([^}]*)\}", r"\1 & ", plain)
                rows.append([cell.strip(" {}").replace(r"\_", "_") for cell in plain[:-2].split("&")])
        tables.append(rows)
    summary, corruptions = tables
    names = [name for name in corruptions[0] if name]
    joined = [
        [row[0], *(f"{ce} ({error})" for ce, error in zip(row[1::2], row[2::2], strict=True))]
        for row in corruptions[2:]
        if len(row) > 2
    ]
    return [[row for row in summary if row[0]], [["corruption", *names], *joined]]


@pytest.mark.parametrize("option", [[], ["--siunitx"]])
def test_latex(ppbench, run, known, option) -> None:
    """`table.tex`, which `--format latex` prints again; with siunitx the numbers are the same."""
    text = ppbench("score", run, "--format", "latex", *option).out
    assert option or text == (run / "table.tex").read_text()
    assert compare(_tabulars(text), known) == NUMBERS


class _Rows(HTMLParser):
    """The rows of each table of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.inside = False

    def handle_starttag(self, tag, attrs) -> None:  # noqa: ARG002  the parser passes both
        self.inside = tag in ("td", "th", "strong")
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag) -> None:
        self.inside = tag == "strong"

    def handle_data(self, data) -> None:
        if self.inside:
            self.tables[-1][-1][-1] += data


def test_html(ppbench, run, known) -> None:
    """The page's tables, as a parser of the standard library reads them."""
    page = _Rows()
    page.feed(ppbench("score", run, "--format", "html").out)
    assert compare(page.tables, known) == NUMBERS


def test_csv(ppbench, run, known) -> None:
    """Every score and bound in full precision, under one name a column."""
    rows = list(csv.DictReader(io.StringIO(ppbench("score", run, "--format", "csv").out)))
    assert [row["model"] for row in rows] == MODELS
    models = {model["model"]: model for model in json.loads((run / "scores.json").read_text())["models"]}
    for row in rows:
        expected = known[row["model"]]
        for heading, name in HEADLINES.items():
            assert row[name] == ("" if expected[heading] is None else repr(expected[heading]))
        for name in CORRUPTIONS:
            assert float(row[f"ce.{name}"]) == expected[f"CE {name}"]
            assert float(row[f"error.{name}"]) == expected[f"error {name}"]
        for name, (low, high) in models[row["model"]]["intervals"].items():
            if f"{name}_low" in row:
                assert (float(row[f"{name}_low"]), float(row[f"{name}_high"])) == (low, high)
        low, error, high = (float(row[f"mean_error{end}"]) for end in ("_low", "", "_high"))
        assert low <= error <= high


def test_json(ppbench, run) -> None:
    """`--format json` and `--json` print scores.json itself."""
    written = (run / "scores.json").read_text()
    assert ppbench("score", run, "--format", "json").out == written
    assert ppbench("score", run, "--json").out == written


def test_terminal(ppbench, run, known) -> None:
    """The printed summary and corruptions hold the same numbers."""
    lines = ppbench("score", run).out.splitlines()
    for name in MODELS:
        (row,) = [line.split() for line in lines if line.startswith(f"{name} ")]
        headings = [name for name in (*HEADLINES, "R_net") if name != "relative mCE"]
        for heading, text in zip(headings, row[1:], strict=True):
            assert agrees(text, known[name][heading])
    for name in CORRUPTIONS:
        (row,) = [line for line in lines if line.startswith(f"  {name} ")]
        numbers = re.findall(r"[\d.]+", row.removeprefix(f"  {name} "))
        for model, ce, error in zip(MODELS, numbers[::2], numbers[1::2], strict=True):
            assert agrees(ce, known[model][f"CE {name}"])
            assert agrees(error, known[model][f"error {name}"])


def test_without_intervals_there_are_none(ppbench, run) -> None:
    """`--no-intervals` takes them out of every format, and leaves the scores as they are."""
    for format_ in ("md", "latex", "html", "csv", "json"):
        text = ppbench("score", run, "--format", format_, "--no-intervals").out
        assert not re.search(r"\d\.\d+, -?\d+\.\d+\]", text)
        assert "_low" not in text
    with_them = json.loads((run / "scores.json").read_text())
    without = json.loads(ppbench("score", run, "--json", "--no-intervals").out)
    for old, new in zip(with_them["models"], without["models"], strict=True):
        assert new["intervals"] == {}
        assert {**old, "intervals": {}} == new


@pytest.mark.parametrize(
    "options, says",
    [
        (["--format", "pdf"], "unknown format 'pdf': expected one of md, csv, latex, json, html"),
        (["--format", "md", "--json"], "expected one of --format, --json and --heatmap, got several"),
        (["--siunitx"], "--siunitx is for --format latex"),
    ],
)
def test_formats_that_do_not_go_are_one_line(ppbench, run, options, says) -> None:
    """A wrong name or two formats at once end before anything is printed."""
    done = ppbench("score", run, *options)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert done.err.count("\n") == 1
