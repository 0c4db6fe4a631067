"""`ppbench score`: from an errors file to scores, without a model and without torch."""

import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from ppbench.cli.score import score_command
from ppbench.errors import InputError
from ppbench.scoring.cell import Cell
from ppbench.scoring.errors_table import ErrorTable, write_errors_csv
from ppbench.scoring.names import CORRUPTIONS, SEVERITIES

app = typer.Typer()
app.command()(score_command)


@pytest.fixture
def errors(tmp_path):
    """An errors file of two models, alexnet the worse."""
    tables = [
        ErrorTable(name, Cell(500, 20), {(c, s): Cell(500, error) for c in CORRUPTIONS for s in SEVERITIES})
        for name, error in (("alexnet", 200), ("resnet20", 100))
    ]
    write_errors_csv(tmp_path / "errors.csv", tables)
    return tmp_path / "errors.csv"


def run(*arguments):
    """How `ppbench score ARGUMENTS` ends."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_table_goes_to_stdout(errors):
    """With a normaliser the table has CE and mCE, nothing goes to stderr, and the exit code is 0."""
    result = run(errors, "--normaliser", "measured", "--baseline-model", "alexnet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "100.0 (40.00)" in result.stdout
    assert "50.0 (20.00)" in result.stdout
    assert "500 images a cell" in result.stdout


def test_json_is_json_alone(errors):
    """`--json` prints one JSON document; alexnet has mCE 100.0 exactly; R_net is against the named model."""
    result = run(errors, "--normaliser", "measured", "--baseline-model", "alexnet", "--json")
    data = json.loads(result.stdout)
    assert [model["mce"] for model in data["models"]] == [100.0, 50.0]
    assert data["models"][1]["r_net"] == 100 * (40 - 20) / (2 * 4)


def test_without_a_normaliser_the_choice_is_named_on_stderr(errors):
    """Nothing is guessed: mean errors on stdout, the way to an mCE on stderr."""
    result = run(errors, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["models"][0]["mce"] is None
    assert "no CE and no mCE without --normaliser" in result.stderr
    assert "imagenet-c-alexnet" in result.stderr


def test_none_is_a_choice_and_needs_no_advice(errors):
    """`--normaliser none` asks for mean errors only."""
    assert run(errors, "--normaliser", "none").stderr == ""


def test_a_run_folder_and_a_file_as_normaliser(errors):
    """A folder stands for its errors.csv; a file of one model's errors is a normaliser."""
    own = errors.with_name("own.csv")
    lines = errors.read_text().splitlines()
    own.write_text("\n".join([lines[0], *(line for line in lines if line.startswith("resnet20,"))]))
    data = json.loads(run(errors.parent, "--normaliser", own, "--json").stdout)
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
def test_a_wrong_name_is_an_input_error(errors, options, says):
    """Unknown normalisers and models are the user's mistakes, with the near miss."""
    result = run(errors, *options)
    assert isinstance(result.exception, InputError)
    assert says in str(result.exception)
    assert result.stdout == ""


def test_scoring_loads_no_torch(errors):
    """The command finishes without torch, numpy or pandas having been imported."""
    program = (
        "import sys, typer\n"
        "from ppbench.cli.score import score_command\n"
        "app = typer.Typer(); app.command()(score_command)\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as stop: assert not stop.code\n"
        "heavy = {'torch', 'torchvision', 'numpy', 'pandas', 'scipy'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(errors), "--normaliser", "measured"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
