"""What is answered before torch is loaded, which takes two seconds of processor time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "torchvision", "scipy", "sklearn", "pandas", "matplotlib")

_PROGRAM = """
import contextlib, io, json, sys
from ppbench.cli import main
loaded = {}
for argv in json.loads(sys.argv[1]):
    sys.argv = ["ppbench", *argv]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
    loaded[" ".join(argv)] = [code, [name for name in json.loads(sys.argv[0]) if name in sys.modules]]
print(json.dumps(loaded))
""".replace("json.loads(sys.argv[0])", repr(HEAVY))


def _run(program: str, *arguments: str, folder: Path) -> str:
    """Run a program in a process of its own, in an empty folder, and return what it prints."""
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r})\n{program}", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "module",
    [
        "corruptions",
        "ppbench",
        "ppbench.data.sets",
        "ppbench.models.naming",
        "ppbench.runs.asked",
        "ppbench.runs.config",
        "ppbench.runs.pairing",
        "ppbench.runs.gating",
        "ppbench.training.recipe",
    ],
)
def test_names_errors_and_constants_need_no_torch(module: str, tmp_path: Path) -> None:
    """Importing what knows names, errors, constants and finished runs loads nothing heavy."""
    program = f"import {module}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    assert _run(program, folder=tmp_path).strip() == "[]"


def test_lists_and_help_need_no_torch(tmp_path: Path) -> None:
    """What only tells names is answered without anything heavy."""
    commands = [
        ["--help"],
        *([name, "--help"] for name in ("eval", "gate", "train", "models", "preview", "doctor")),
        ["models"],
        ["models", "--architectures"],
        ["data"],
        ["corruptions"],
        ["cache"],
    ]
    found = json.loads(_run(_PROGRAM, json.dumps(commands), folder=tmp_path))
    assert found == {" ".join(command): [0, []] for command in commands}


def test_mistakes_are_refused_without_torch(tmp_path: Path) -> None:
    """A wrong name, a wrong option or a missing file is refused before anything heavy is loaded."""
    commands = [
        ["eval", *words]
        for words in (
            [],
            ["--foo"],
            ["--model", "nope"],
            ["--model", "resnet50-pp", "--data", "imagenet-c"],
            ["--model", "resnet20", "--checkpoint", "nowhere.pt"],
            ["--model", "resnet20=nowhere.pt"],
            ["--model", "net.py:make"],
            ["--model", "torchvision:resnet50:IMAGENET1K_V1"],
            ["--model", "resnet20", "--as", "nope"],
            ["--model", "resnet20", "--corruptions", "gaussian"],
            ["--model", "resnet20", "--severities", "6"],
            ["--model", "resnet20", "--data", "nope"],
            ["--model", "resnet20", "--data", "cifar10-c"],
            ["--model", "resnet20", "--data", "cifar10-c", "--root", "nowhere"],
            ["--model", "resnet20", "--root", "."],
            ["--model", "resnet20", "--source", "nope"],
            ["--model", "resnet20", "--precision", "nope"],
            ["--model", "resnet20", "--engine", "nope"],
            ["--model", "resnet20", "--generator", "nope"],
            ["--model", "resnet20", "--normaliser", "nope"],
            ["--model", "resnet20", "--reference", "nope"],
            ["--model", "resnet20", "--batch-size", "0"],
        )
    ]
    commands += [
        ["gate", "--model", "resnet20", "--baseline", "nowhere.json"],
        ["preview", "--corruptions", "nope"],
        ["preview", "--protocol", "nope"],
        ["generate", "--out", "made", "--corruptions", "nope"],
        ["generate", "--out", "made", "--data", "cifar10-c"],
        ["train", "--recipe", "nope"],
        ["train", "--model", "nope"],
        ["train", "--augmentation", "nope"],
        ["train", "--recipe", "cifar10-fast"],
        ["train", "--recipe", "cifar10-fast", "--root", "nowhere"],
        ["doctor", "--model", "nope"],
        ["models", "inspect", "nowhere.pt"],
        ["models", "add", "nowhere.pt"],
        ["models", "remove", "nope"],
        ["data", "get", "nope"],
        ["corruptions", "--protocol", "nope"],
        *([name, "nowhere"] for name in ("score", "report", "compare")),
    ]
    found = json.loads(_run(_PROGRAM, json.dumps(commands), folder=tmp_path))
    assert found == {" ".join(command): [2, []] for command in commands}


def test_a_run_of_a_small_network_loads_only_what_it_needs(tmp_path: Path) -> None:
    """An evaluation on the embedded images needs torch, but neither its compiler nor torchvision nor scikit-learn."""
    command = ["eval", "--model", "resnet20", "--limit", "10", "--corruptions", "fog", "--severities", "1"]
    program = (
        f"sys.argv = {['ppbench', *command, '--no-report', '--out', 'run', '--cache', 'cache']!r}\n"
        "from ppbench.cli import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code\n"
        "slow = ('torch._dynamo', 'torchvision', 'sklearn', 'scipy', 'pandas', 'matplotlib')\n"
        "print([name for name in slow if name in sys.modules])"
    )
    assert _run(program, folder=tmp_path).splitlines()[-1] == "[]"
