"""`ppbench score`: from an errors file to scores, without a model and without torch."""

import json
import subprocess
import sys

import pytest

from ppbench.scoring.cell import Cell
from ppbench.scoring.errors_table import ErrorTable, write_errors_csv
from ppbench.scoring.names import CORRUPTIONS, SEVERITIES


@pytest.fixture
def errors(tmp_path):
    """An errors file of two models, alexnet the worse."""
    tables = [
        ErrorTable(name, Cell(500, 20), {(c, s): Cell(500, error) for c in CORRUPTIONS for s in SEVERITIES})
        for name, error in (("alexnet", 200), ("resnet20", 100))
    ]
    write_errors_csv(tmp_path / "errors.csv", tables)
    return tmp_path / "errors.csv"


def test_the_table_goes_to_stdout(ppbench, errors):
    """With a normaliser the table has CE and mCE, nothing goes to stderr, and the exit code is 0."""
    result = ppbench("score", errors, "--normaliser", "measured", "--baseline-model", "alexnet")
    assert (result.code, result.err) == (0, "")
    assert "100.0 (40.00)" in result.out
    assert "50.0 (20.00)" in result.out
    assert "500 images a cell" in " ".join(result.out.split())  # wherever a narrow terminal breaks the line


def test_json_is_json_alone(ppbench, errors):
    """`--json` prints one JSON document; alexnet has mCE 100.0 exactly; R_net is against the named model."""
    result = ppbench("score", errors, "--normaliser", "measured", "--baseline-model", "alexnet", "--json")
    data = json.loads(result.out)
    assert [model["mce"] for model in data["models"]] == [100.0, 50.0]
    assert data["models"][1]["r_net"] == 100 * (40 - 20) / (2 * 4)


def test_without_a_normaliser_the_choice_is_named_on_stderr(ppbench, errors):
    """Nothing is guessed: mean errors on stdout, the way to an mCE on stderr."""
    result = ppbench("score", errors, "--json")
    assert result.code == 0
    assert json.loads(result.out)["models"][0]["mce"] is None
    assert "no CE and no mCE without --normaliser" in result.err
    assert "imagenet-c-alexnet" in result.err


def test_none_is_a_choice_and_needs_no_advice(ppbench, errors):
    """`--normaliser none` asks for mean errors only."""
    assert ppbench("score", errors, "--normaliser", "none").err == ""


def test_a_run_folder_and_a_file_as_normaliser(ppbench, errors):
    """A folder stands for its errors.csv; a file of one model's errors is a normaliser."""
    own = errors.with_name("own.csv")
    lines = errors.read_text().splitlines()
    own.write_text("\n".join([lines[0], *(line for line in lines if line.startswith("resnet20,"))]))
    data = json.loads(ppbench("score", errors.parent, "--normaliser", own, "--json").out)
    assert [model["mce"] for model in data["models"]] == [200.0, 100.0]
    assert data["normaliser"]["name"] == "own.csv"


@pytest.mark.parametrize(
    "options, says",
    [
        (["--normaliser", "imagenet-alexnet"], "did you mean 'imagenet-c-alexnet'?"),
        (["--normaliser", "measured:resnet"], "did you mean 'resnet20'?"),
        (["--baseline-model", "resnet"], "unknown baseline model 'resnet': did you mean 'resnet20'?"),
    ],
)
def test_a_wrong_name_is_one_line_and_exit_code_2(ppbench, errors, options, says):
    """Unknown normalisers and models are the user's mistakes, with the near miss."""
    result = ppbench("score", errors, *options)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert says in result.err


def test_scoring_loads_no_torch(errors):
    """The command finishes without torch, numpy or pandas having been imported."""
    program = (
        "import sys\n"
        "from ppbench.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: assert not stop.code\n"
        "heavy = {'torch', 'torchvision', 'numpy', 'pandas', 'scipy'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "score", str(errors), "--normaliser", "measured"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
