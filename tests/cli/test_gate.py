"""`ppbench gate`: exit codes, outputs, the baseline file, settings of a repository."""

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import ppbench as api
from ppbench.models.requests import ModelRequest

SMALL = {"corruptions": "noise,fog,contrast", "severities": "3,5", "limit": 100}
OPTIONS = [word for name, value in SMALL.items() for word in (f"--{name}", value)]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pyproject.toml and no GitHub around but those of a test."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of resnet20, and of one whose first convolution got noise of half its weights' spread."""
    folder = tmp_path_factory.mktemp("gated")
    good = api.load_model("resnet20", data="digits-c").checkpoint
    assert good is not None
    with safe_open(good, "pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    weight = tensors["conv1.weight"]
    noise = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    spoilt = {**tensors, "conv1.weight": weight + 0.5 * weight.std() * noise}
    save_file(spoilt, folder / "noisy.safetensors", metadata)  # the metadata hold the input contract
    without = {**SMALL, "normaliser": "none"}
    api.evaluate("resnet20", out=folder / "good", **without)
    api.evaluate(ModelRequest("resnet20", folder / "noisy.safetensors"), out=folder / "noisy", **without)
    return folder


@pytest.fixture(scope="module")
def baseline(runs: Path) -> Path:
    """A baseline file of the good run."""
    from ppbench.runs.gating import baseline_of, write_baseline

    write_baseline(baseline_of(api.load_run(runs / "good")), runs / "baseline.json")
    return runs / "baseline.json"


@pytest.mark.parametrize("kind", ["file", "run"])
def test_the_same_model_passes(ppbench, runs, baseline, kind):
    """Identical answers do not differ by chance: 0, even strictly and with a tolerance of 0."""
    against = baseline if kind == "file" else runs / "good"
    done = ppbench("gate", runs / "good", "--baseline", against, "--allow", "mean_error=0", "--strict")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("gate: pass, 1 rule kept\n")
    assert "same outcome on every image" in " ".join(done.out.split())
    assert "weights trained on digits-c to show ppbench at work" in " ".join(done.out.split())


def test_a_spoilt_model_fails_and_the_worst_corruptions_are_named(ppbench, runs, baseline):
    """Noise on the weights of the first convolution: exit code 1, and where it hurts most."""
    done = ppbench("gate", runs / "noisy", "--baseline", baseline, "--json")
    assert done.code == 1
    data = json.loads(done.out)
    assert (data["state"], data["exit_code"], data["images"]) == ("fail", 1, 100)
    errors = [
        {name: row["mean_error"] for name, row in json.loads(path.read_text())["models"][0]["corruptions"].items()}
        for path in (runs / "good" / "scores.json", runs / "noisy" / "scores.json")
    ]  # fmt: skip
    rises = {f"error.{name}": errors[1][name] - errors[0][name] for name in errors[0]}
    worst = max(rises, key=lambda name: rises[name])
    assert data["worst"][0]["score"] == worst
    assert data["worst"][0]["difference"] == pytest.approx(rises[worst])
    table = ppbench("gate", runs / "noisy", "--baseline", baseline).out
    assert f"rose most on {worst.removeprefix('error.')} +" in " ".join(table.split())
    assert "partial 5 of 15 corruptions: only" in " ".join(table.split())


def test_rules_nobody_gave_are_said(ppbench, runs, baseline):
    """Without rules the mean error may rise by 1 point and the clean error by 2; stderr says so."""
    done = ppbench("gate", runs / "good", "--baseline", baseline)
    assert done.code == 0
    assert "no rules given, these were taken: mean_error=+1 and clean=+2" in done.err
    assert re.search(r"^mean_error=\+1 .*pass$", done.out, re.MULTILINE)
    assert re.search(r"^clean=\+2 .*pass$", done.out, re.MULTILINE)


def test_a_tolerance_inside_the_interval_is_inconclusive(ppbench, runs, baseline):
    """The evidence is too thin: 3 with --strict, otherwise 0; either says how many images would settle it."""
    whole = json.loads(
        ppbench("gate", runs / "noisy", "--baseline", baseline, "--allow", "error.fog=0", "--json").out
    )
    found = whole["rules"][0]["difference"]
    inside = found["difference"] + 0.3 * (found["high"] - found["difference"])
    rule = ["--allow", f"error.fog={inside:.3f}"]
    loose = ppbench("gate", runs / "noisy", "--baseline", baseline, *rule)
    strict = ppbench("gate", runs / "noisy", "--baseline", baseline, *rule, "--strict")
    assert (loose.code, strict.code) == (0, 3)
    assert "warning: this is no proof" in loose.err
    assert strict.err == ""
    for done in (loose, strict):
        assert done.out.startswith("gate: inconclusive")
        assert re.search(r"about [\d,]+ images would settle it", " ".join(done.out.split()))


def test_one_command_evaluates_and_judges(ppbench, runs, baseline, tmp_path):
    """With --model instead of a run: the same verdict as of the run, and --out keeps the run."""
    noisy = ["--model", "resnet20", "--checkpoint", runs / "noisy.safetensors", *OPTIONS]
    done = ppbench("gate", *noisy, "--baseline", baseline, "--json", "--out", tmp_path / "kept")
    assert done.code == 1, done.err
    of_the_run = json.loads(ppbench("gate", runs / "noisy", "--baseline", baseline, "--json").out)
    assert json.loads(done.out) == of_the_run
    assert (tmp_path / "kept" / "run.json").exists()
    assert ppbench("gate", "--model", "resnet20", *OPTIONS, "--baseline", baseline).code == 0
    assert not (tmp_path / "results").exists()


def test_update_writes_a_small_file_that_is_the_same_each_time(ppbench, runs, tmp_path):
    """The baseline of an evaluation and of its run are the same bytes; the model itself passes it."""
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    done = ppbench(
        "gate", "--model", "resnet20", *OPTIONS, "--normaliser", "none", "--baseline", one, "--update"
    )
    assert done.code == 0, done.err
    assert "resnet20 on 100 images in 11 cells" in done.out
    assert ppbench("gate", runs / "good", "--baseline", two, "--update").code == 0
    assert one.read_bytes() == two.read_bytes()
    assert len(one.read_bytes()) < 10_000
    assert ppbench("gate", runs / "good", "--baseline", one).code == 0


def test_a_measured_alexnet_normalises_and_is_not_judged(ppbench, tmp_path):
    """The AlexNet of a run is its normaliser, so that the other model is the one to judge, and mCE has rules."""
    two = ["--model", "alexnet", "--model", "resnet20", *OPTIONS]
    assert ppbench("gate", *two, "--baseline", "b.json", "--update").code == 0
    done = ppbench(
        "gate", "--model", "resnet20", *OPTIONS, "--baseline", "b.json", "--allow", "mce=0", "--json"
    )
    data = json.loads(done.out)
    assert (done.code, data["model"], data["normaliser"]) == (0, "resnet20", "measured:alexnet")
    assert data["rules"][0]["difference"]["score"] == "mce"


def test_a_model_of_several_is_named(ppbench, tmp_path):
    """A run of two models needs --judge, a baseline that is such a run --baseline-model."""
    api.evaluate(["resnet20", "alexnet"], normaliser="none", out=tmp_path / "two", **SMALL)
    gate = ["gate", "two", "--baseline", "two"]
    assert "name the one to judge with --judge" in ppbench(*gate).err
    done = ppbench(*gate, "--judge", "resnet20", "--baseline-model", "resnet20", "--json")
    assert (done.code, json.loads(done.out)["identical"]) == (0, True)
    done = ppbench(*gate, "--judge", "alexnet", "--baseline-model", "resnet20", "--json")
    assert json.loads(done.out)["identical"] is False


class TestOutputs:
    """What CI systems read."""

    def test_files_on_request(self, ppbench, runs, baseline, tmp_path):
        """JUnit with a test case a rule, and Markdown whose table is whole."""
        done = ppbench("gate", runs / "noisy", "--baseline", baseline, "--allow", "mean_error=1",
                       "--allow", "clean=90", "--junit", "junit.xml", "--summary", "summary.md")  # fmt: skip
        assert done.code == 1
        cases = ET.fromstring((tmp_path / "junit.xml").read_text()).iter("testcase")
        assert {case.get("name"): case.find("failure") is not None for case in cases} == {
            "mean_error=+1": True, "clean=+90": False,
        }  # fmt: skip
        text = (tmp_path / "summary.md").read_text()
        assert text.startswith("## gate: fail, 1 of 2 rules broken\n")
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert len(rows) == 4
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}

    def test_the_summary_of_a_github_job(self, ppbench, runs, baseline, tmp_path, monkeypatch):
        """It is appended to what the step has written before; annotations go to the log; JSON stays alone."""
        summary = tmp_path / "step-summary"
        summary.write_text("before\n")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        done = ppbench("gate", runs / "noisy", "--baseline", baseline, "--allow", "mean_error=1")
        assert summary.read_text().startswith("before\n## gate: fail, 1 of 1 rule broken\n")
        assert re.search(
            r"^::error title=ppbench gate%3A mean_error=\+1::mean_error went from ", done.out, re.MULTILINE
        )
        done = ppbench("gate", runs / "noisy", "--baseline", baseline, "--allow", "mean_error=1", "--json")
        assert json.loads(done.out)["state"] == "fail"
        assert "::error title=" in done.err

    def test_a_pass_annotates_nothing(self, ppbench, runs, baseline, monkeypatch):
        """A rule that is kept needs no line in the log."""
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        assert "::" not in ppbench("gate", runs / "good", "--baseline", baseline).out


class TestSettings:
    """`[tool.ppbench.gate]` of ./pyproject.toml."""

    def test_rules_baseline_and_strictness(self, ppbench, runs, baseline, tmp_path):
        """The file's rules hold; one of the command line counts before the file's for the same score."""
        shutil.copy(baseline, tmp_path / "base.json")
        Path("pyproject.toml").write_text(
            '[tool.ppbench.gate]\nbaseline = "base.json"\nstrict = true\n'
            'allow = {mean_error = 90, "error.fog" = 95}\n'
        )
        done = ppbench("gate", runs / "noisy", "--json")
        data = json.loads(done.out)
        assert ([rule["rule"] for rule in data["rules"]], done.code) == (
            ["mean_error=+90", "error.fog=+95"],
            0,
        )
        done = ppbench("gate", runs / "noisy", "--json", "--allow", "mean_error=1")
        data = json.loads(done.out)
        assert ([rule["rule"] for rule in data["rules"]], done.code) == (
            ["mean_error=+1", "error.fog=+95"],
            1,
        )
        found = data["rules"][0]["difference"]
        thin = found["difference"] + 0.3 * (found["high"] - found["difference"])
        assert ppbench("gate", runs / "noisy", "--allow", f"mean_error={thin:.3f}").code == 3

    @pytest.mark.parametrize(
        "text, says",
        [
            ("[tool.ppbench.gate]\nallowed = {mce = 1}", "unknown field 'allowed': did you mean 'allow'?"),
            ("[tool.ppbench.gate]\nallow = {mcee = 1}", "did you mean 'mce'?"),
            ("[tool.ppbench.gate]\nstrict = 1", "expected strict to be true or false, got 1"),
            ("[tool.ppbench.gate]\nbaseline = 1", "expected baseline to be a text, got 1"),
            ("[tool.ppbench]\ngate = 1", "expected a table, got 1"),
            ("[tool", "not valid TOML"),
        ],
    )
    def test_what_it_should_not_hold(self, ppbench, runs, baseline, text, says):
        """A mistake in the file is one line that names the file."""
        Path("pyproject.toml").write_text(text)
        done = ppbench("gate", runs / "good", "--baseline", baseline)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert says in done.err
        assert "pyproject.toml" in done.err


class TestRefusals:
    """Wrong input: one line, exit code 2, before the work."""

    def test_other_images_are_refused(self, ppbench, baseline):
        """Another subset, another seed, fewer cells: a gate never judges what it cannot pair."""
        for options, says in (
            (["--limit", 99], "images is 99, there 100"),
            (["--seed", 1], "seed is 1, there 0"),
            (["--severities", "3"], "this run: has no cell "),
        ):
            done = ppbench("gate", "--model", "resnet20", *OPTIONS, *options, "--baseline", baseline)
            assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
            assert says in done.err

    def test_more_cells_than_the_baseline_are_left_out(self, ppbench, tmp_path, baseline):
        """The baseline says which cells are compared; another corruption in the run changes nothing."""
        api.evaluate("resnet20", out=tmp_path / "more", **{**SMALL, "corruptions": "noise,fog,contrast,snow"})
        done = ppbench("gate", "more", "--baseline", baseline, "--json")
        assert (done.code, json.loads(done.out)["identical"]) == (0, True)

    @pytest.mark.parametrize(
        "arguments, says",
        [
            (["RUN"], "expected --baseline FILE or RUN"),
            (
                ["RUN", "--baseline", "no.json"],
                "no.json: no such baseline: make it from a good model with --update",
            ),
            (["RUN", "--baseline", "BASELINE", "--limit", "5"], "got both"),
            (["--baseline", "BASELINE"], "expected a RUN, or --model or --checkpoint"),
            (["RUN", "--baseline", "BASELINE", "--allow", "mce=1"], "no normaliser has mce"),
            (["RUN", "--baseline", "BASELINE", "--allow", "fog=1"], "unknown score 'fog'"),
            (["RUN", "--baseline", "BASELINE", "--judge", "resnet2"], "did you mean 'resnet20'?"),
            (["RUN", "--baseline", "BASELINE", "--baseline-model", "x"], "unknown baseline model 'x'"),
            (["RUN", "--baseline", "RUN", "--update"], "name a file to write the baseline to"),
            (["nowhere", "--baseline", "BASELINE"], "run.json"),
            (["RUN", "--baseline", "BASELINE", "--as", "resnet20-pp"], "and --as"),
            (["RUN", "--baseline", "BASELINE", "--compile"], "and --compile"),
            (["RUN", "--baseline", "BASELINE", "--no-jpeg"], "and --no-jpeg"),
            (["RUN", "--baseline", "BASELINE", "--batch-size", "5"], "and --batch-size"),
            (["RUN", "--baseline", "BASELINE", "--out", "kept"], "and --out"),
        ],
    )
    def test_wrong_usage(self, ppbench, runs, baseline, arguments, says):
        """What is missing, contradicts itself or does not exist is said."""
        places = {"RUN": str(runs / "good"), "BASELINE": str(baseline)}
        done = ppbench("gate", *(places.get(word, word) for word in arguments))
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
        assert says in done.err


def test_a_baseline_of_another_precision_is_judged_by_its_own(ppbench, tmp_path):
    """What --update wrote in bf16 passes in bf16, and in fp32 is refused for that reason alone."""
    gate = ["gate", "--model", "resnet20", *OPTIONS, "--baseline", "half.json"]
    assert ppbench(*gate, "--precision", "bf16", "--update").code == 0
    done = ppbench(*gate, "--precision", "bf16", "--json")
    assert (done.code, json.loads(done.out)["identical"]) == (0, True), done.err
    done = ppbench(*gate)
    assert (done.code, done.out) == (2, "")
    assert "precision is fp32, there bf16; evaluate the same" in done.err


@pytest.mark.parametrize(
    "options, says",
    [
        (["--judge", "resnet2"], "unknown model 'resnet2': did you mean 'resnet20'?"),
        (["--update", "--judge", "resnet2"], "unknown model 'resnet2': did you mean 'resnet20'?"),
        (["--model", "resnet20-pp", "--normaliser", "none"], "name the one to judge with --judge"),
        (["--baseline", ".", "--update"], "this is a folder: name a file to write the baseline to"),
        (
            ["--baseline", "no/such/b.json", "--update"],
            "for the folder 'no/such': choose another with --baseline",
        ),
        (["--junit", "no/junit.xml"], "for the folder 'no': choose another with --junit"),
        (
            ["--summary", "."],
            "this is a folder: choose another with --summary",
        ),
        (["--out", "baseline.json"], "baseline.json: cannot be written to"),
        (["--precision", "bf16"], "precision is bf16, there fp32"),
    ],
)
def test_a_mistake_is_found_before_the_evaluation(ppbench, baseline, tmp_path, options, says):
    """One line, and not one cell was evaluated: hours of work must not end in a wrong name."""
    shutil.copy(baseline, tmp_path / "baseline.json")
    first = [] if "--baseline" in options else ["--baseline", "baseline.json"]
    done = ppbench("gate", "--model", "resnet20", *OPTIONS, "--cache", "cache", *first, *options)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
    assert says in done.err
    assert not list((tmp_path / "cache").rglob("*.cell"))
    assert (tmp_path / "baseline.json").read_bytes() == baseline.read_bytes()


def test_a_kept_evaluation_of_another_model_is_replaced_where_that_is_asked_for(
    ppbench, runs, baseline, tmp_path
):
    """`--out` twice, as on a machine that keeps its folders: the line names an option that the gate has."""
    options = (*OPTIONS, "--normaliser", "none", "--baseline", baseline, "--out", tmp_path / "kept")
    assert ppbench("gate", "--model", "resnet20", *options).code == 0
    spoilt = ("gate", "--model", "resnet20", "--checkpoint", runs / "noisy.safetensors", *options)
    done = ppbench(*spoilt)
    assert done.code == 2
    assert done.err.splitlines()[-1].endswith("choose another --out or pass --overwrite")
    assert ppbench(*spoilt, "--overwrite").code == 1


def test_a_job_summary_that_cannot_be_added_to_is_found_before_the_evaluation(
    ppbench, baseline, tmp_path, monkeypatch
):
    """GitHub's own variable may name what a container does not have."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "none" / "summary"))
    done = ppbench("gate", "--model", "resnet20", *OPTIONS, "--cache", "cache", "--baseline", baseline)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "none/summary" in done.err
    assert not list((tmp_path / "cache").rglob("*.cell"))
