"""Streams that cannot print every character: nothing ends after its work, tables stay aligned, JSON means the same."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from ppbench.cli.streams import json_for, plain

ENCODINGS = ["cp1252", "latin-1", "cp437", "shift_jis", "ascii"]
CHECKPOINTS = Path(__file__).parent.parent.parent / "checkpoints"

PROGRAM = """
import json, sys
from ppbench.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["ppbench", *arguments]
    code = 0
    try:
        main()
    except SystemExit as stop:
        code = stop.code
    sys.stdout.write(f"@@{code}@@")
    sys.stdout.flush()
"""


def _printed(encoding: str, *commands: list[str], **environment: str) -> tuple[list[str], str]:
    """What each command prints in a process with streams of that encoding, and all of stderr."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        env={**os.environ, "PYTHONIOENCODING": encoding, **environment},
        capture_output=True,
    )
    out, err = done.stdout.decode(encoding), done.stderr.decode(encoding)  # strictly: it is in that encoding
    assert "Traceback" not in err, err
    parts = out.split("@@")
    assert parts[1::2] == ["0"] * len(commands), out + err
    return parts[:-1:2], err


QUICK = [["--help"], ["score", "--help"], ["gate", "--help"], ["models"]]


@pytest.fixture(scope="module")
def quick() -> list[str]:
    """What commands without torch print in UTF-8."""
    return _printed("utf-8", *QUICK, COLUMNS="80")[0]


@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(each, marks=pytest.mark.slow) for each in ENCODINGS[:-1])]
)
def test_help_and_lists(encoding: str, quick: list[str]) -> None:
    """With dots and dashes in them; their lines are as wide as in UTF-8."""
    found, _ = _printed(encoding, *QUICK, COLUMNS="80")
    assert "RUN" in found[1]
    for text, right in zip(found, quick, strict=True):
        assert [cell_len(line) for line in text.splitlines()] == [
            cell_len(line) for line in right.splitlines()
        ]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two networks whose names no small encoding has."""
    from ppbench.models.requests import ModelRequest
    from ppbench.runs.evaluate import evaluate

    folder = tmp_path_factory.mktemp("streams")
    requests = []
    for name in ("café – 網", "±2 × œ"):
        shutil.copy(CHECKPOINTS / "resnet20-digits.safetensors", folder / f"{name}.safetensors")
        requests.append(ModelRequest("resnet20", folder / f"{name}.safetensors"))
    evaluate(requests, corruptions="fog", severities="1", limit=60, out=folder / "run")
    return folder / "run"


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_commands_with_results(encoding: str, run: Path, tmp_path: Path) -> None:
    """Every command that prints a table or JSON, and what it writes is in UTF-8 all the same."""
    small = ["--corruptions", "fog", "--severities", "1", "--limit", "60"]
    models = [f"--model=resnet20={file}" for file in sorted(run.parent.glob("*.safetensors"))]
    judged = "resnet20 (café – 網)"
    commands = [
        ["eval", *models, *small, "--metrics", "--heatmap", "--out", str(tmp_path / "run")],
        ["eval", *models, *small, "--json", "--no-report", "--overwrite", "--out", str(tmp_path / "run")],
        ["score", str(run)],
        ["score", str(run), "--json"],
        ["score", str(run), "--format", "md"],
        ["compare", str(run)],
        ["compare", str(run), "--json"],
        ["gate", str(run), "--baseline", str(tmp_path / "b.json"), "--judge", judged, "--update"],
        ["gate", str(run), "--baseline", str(tmp_path / "b.json"), "--judge", judged],
        ["gate", str(run), "--baseline", str(tmp_path / "b.json"), "--judge", judged, "--json"],
        ["corruptions"],
        ["corruptions", "--json"],
        ["data"],
        ["data", "--json"],
        ["models", "inspect", str(next(run.parent.glob("*.safetensors")))],
        ["export", "--csv", str(run)],
        ["doctor", "--no-trial"],
        ["doctor", "--no-trial", "--json"],
        ["report", str(run), "--out", str(tmp_path / "report.html")],
    ]
    found, _ = _printed(encoding, *commands, COLUMNS="80")
    names = [model["name"] for model in json.loads((run / "run.json").read_text(encoding="utf-8"))["models"]]
    assert judged in names
    for place in (1, 3):
        assert [model["model"] for model in json.loads(found[place])["models"]] == names
    assert json.loads(found[3]) == json.loads((run / "scores.json").read_text(encoding="utf-8"))
    assert judged in json.dumps(json.loads(found[6]), ensure_ascii=False)
    assert judged in json.dumps(json.loads(found[9]), ensure_ascii=False)
    assert judged in (tmp_path / "run" / "table.md").read_text(encoding="utf-8")
    expected, _ = _printed("utf-8", *commands[2:3], *commands[5:6], COLUMNS="80")
    for text, right in zip((found[2], found[5]), expected, strict=True):
        lines = list(zip(text.splitlines(), right.splitlines(), strict=True))
        numbers = [(line.replace("|", " ").rstrip(), other) for line, other in lines if "." in other]
        assert len(numbers) >= 4
        assert [cell_len(line) for line, _ in numbers] == [cell_len(other) for _, other in numbers]


def test_the_c_locale(tmp_path: Path) -> None:
    """Where Python is told to take it at its word, output is ASCII, also what click would send as UTF-8."""
    done = subprocess.run(
        [sys.executable, "-m", "ppbench", "score", str(tmp_path / "é – ü")],
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
    )
    assert done.returncode == 2
    line = done.stderr.decode("ascii")
    assert line.count("\n") == 1
    assert "Traceback" not in line


@pytest.mark.parametrize(
    ("character", "stand_in"),
    [
        ("–", "-"),
        ("×", "x"),
        ("─", "-"),
        ("é", "e"),
        ("網", "??"),
        ("ł", "?"),
        ("\u0301", ""),
        ("\udce9", "\\xe9"),
    ],
)
def test_a_stand_in_is_as_wide_as_its_character(character: str, stand_in: str) -> None:
    """But for a byte of a file name, which is spelled out."""
    assert plain(character) == stand_in
    assert cell_len(stand_in) == cell_len(character) or character == "\udce9"


def test_json_is_escaped_only_where_it_must_be() -> None:
    """And says the same, with a character outside the basic plane too."""
    text = json.dumps({"é": "網 😀 – ±"}, ensure_ascii=False)
    for encoding in (*ENCODINGS, "utf-8"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        made = json_for(text, stream)
        assert json.loads(made) == json.loads(text)
        made.encode(encoding)
    assert json_for(text, io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) == text
