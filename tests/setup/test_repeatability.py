"""Does an image get the same answer alone, in any batch, and every time?"""

import json
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import ppbench
from ppbench.errors import InputError
from ppbench.evaluation.cells import CLEAN
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.keys import Keys
from ppbench.models.load import load_model
from ppbench.runs.evaluate import evaluate
from ppbench.runs.gating import baseline_of, gate_run
from ppbench.runs.pairing import compare_runs
from ppbench.runs.setups import Setups
from ppbench.setup.checking import Checker
from ppbench.setup.repeatability import TOLERANCES, judge, spread_between, suspects, tolerance
from tests.evaluation.noise import noise_source
from tests.setup.networks import Small, Stubborn, loaded

CPU = torch.device("cpu")
SMALL = {"corruptions": "pixelate", "severities": "5", "limit": 40, "store": False}


class _OverTheBatch(Small):
    """Divides by the spread of the whole batch, without a layer that shows it."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x / x.std())


class _Drops(Small):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.dropout(x, 0.5))


BATCH_NORM = nn.BatchNorm2d(8, track_running_stats=False)

CASES = {
    "right": (Small(nn.BatchNorm2d(8)), None, ""),
    "no running statistics": (Small(BATCH_NORM), "batch", "1 BatchNorm2d without running statistics"),
    "training mode": (Stubborn(nn.BatchNorm2d(8)), "batch", "1 BatchNorm2d in training mode"),
    "over the batch": (_OverTheBatch(), "batch", "alone gets another answer"),
    "dropout": (Stubborn(nn.Dropout(0.5)), "chance", "1 Dropout in training mode"),
    "dropout of a function": (_Drops(), "chance", "other answers each time"),
    "dropout of rate 0": (Stubborn(nn.Dropout(0.0)), None, ""),
}


@pytest.mark.parametrize("case", CASES)
def test_what_answers_depend_on(case: str) -> None:
    """Batch statistics and dropout are found, and named where a layer shows them; a sound network passes."""
    module, depends_on, says = CASES[case]
    check = Checker(noise_source(40), CLEAN, CPU).probe(loaded(module))
    assert check.depends_on == depends_on
    batch = next(finding for finding in check.findings if finding.check == "batch")
    assert batch.state == ("ok" if depends_on is None else "wrong")
    assert says in batch.text


def test_torchscript_is_looked_into() -> None:
    """A batch norm keeps its name in a program."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # deprecated, but files of it are around
        program = torch.jit.script(Stubborn(nn.BatchNorm2d(8)))
    assert suspects(program) == ["1 BatchNorm2d in training mode"]


def test_the_check_leaves_no_trace() -> None:
    """Running statistics, which training mode moves at every call, and torch's random state are as they were."""
    module = Stubborn(nn.Sequential(nn.BatchNorm2d(8), nn.Dropout(0.5)))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    torch.manual_seed(5)
    state = torch.get_rng_state()
    Checker(noise_source(40), CLEAN, CPU).probe(loaded(module))
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_rounding_passes_and_more_does_not() -> None:
    """A difference is measured by the spread of the logits; each precision has a limit of its own."""
    once = torch.randn(8, 10, generator=torch.Generator().manual_seed(0))
    spread = float((once.amax(1) - once.amin(1))[:4].max())
    for kind, limit in TOLERANCES.items():
        assert tolerance(Small().to(kind), torch.float32) == limit
        assert tolerance(Small(), kind) == limit
        assert judge(once, once, once[:4] + 0.9 * limit * spread, limit, [])[0] is None
        assert judge(once, once, once[:4] + 1.1 * limit * spread, limit, [])[0] == "batch"
    assert judge(once, once + spread, None, 1e-3, [])[0] == "chance"
    assert judge(once, once, None, 1e-3, [])[0] == "batch"
    assert spread_between(once, torch.where(once > 2, torch.nan, once)) == 0
    assert spread_between(once + 1e6, once + 1e6 + 0.06) < 1e-3  # float32 rounds there


def test_a_failing_network_is_no_error_of_the_check() -> None:
    """What a network does wrong in the check the run itself will say, or not; that it could not be asked is said."""

    class Sulking(Small):
        sulks = False

        def forward(self, x: Tensor) -> Tensor:
            if type(self).sulks:
                type(self).sulks = False
                raise RuntimeError("not now")
            return super().forward(x)

    model, warnings, notes = loaded(Sulking()), [], []
    Sulking.sulks = True
    run = evaluate(model, **SMALL, on_warning=warnings.append, on_note=notes.append)
    finding = next(each for each in run.manifest.models[0].setup.findings if each.check == "batch")
    assert finding.state == "skipped"
    assert "not now" in finding.text
    assert any("not now" in line for line in warnings)
    assert not any("nothing looks wrong" in line for line in notes)


def test_no_more_images_than_the_run_asks_for() -> None:
    """A network that takes five images at most is asked for five."""

    class Few(Small):
        def forward(self, x: Tensor) -> Tensor:
            if len(x) > 5:
                raise RuntimeError("five at most")
            return super().forward(x)

    run = evaluate(loaded(Few()), **SMALL, batch_size=5)
    finding = next(each for each in run.manifest.models[0].setup.findings if each.check == "batch")
    assert finding.state == "ok"


def test_a_network_that_keeps_a_state_answers_as_without_the_check() -> None:
    """Buffers that it replaces, and numbers that it counts, are those of a network that was never asked."""

    class Counting(Small):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.zeros(1))
            self.calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.seen = self.seen + len(x)
            self.calls += 1
            return super().forward(x)

    model = loaded(Counting())
    before = float(model.module.seen), model.module.calls
    Checker(noise_source(40), CLEAN, CPU).probe(model)
    assert (float(model.module.seen), model.module.calls) == before


def test_a_memory_that_is_too_small_takes_fewer_images() -> None:
    """Room for four images is enough; room for none is said, and such a check is not kept."""

    class Tight(Small):
        room = 4

        def forward(self, x: Tensor) -> Tensor:
            if len(x) > self.room:
                raise torch.OutOfMemoryError("out of memory")
            return super().forward(x)

    module = Tight(nn.BatchNorm2d(8, track_running_stats=False))
    checker = Checker(noise_source(40), CLEAN, CPU)
    assert checker.probe(loaded(module)).depends_on == "batch"
    module.room = 0
    check = checker.probe(loaded(module))
    assert (check.depends_on, check.complete) == (None, False)


@pytest.fixture(scope="module")
def dependent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a network without running statistics, beside a sound one."""
    out = tmp_path_factory.mktemp("dependent") / "run"
    lines: list[str] = []
    models = [loaded(CASES["no running statistics"][0], "without"), loaded(CASES["right"][0], "with")]
    evaluate(models, **SMALL, normaliser="none", out=out, on_warning=lines.append)
    assert [line for line in lines if "without: an image alone gets another answer" in line]
    return out


def test_run_json_says_it(dependent: Path) -> None:
    """For each model by itself; every table has a note."""
    models = json.loads((dependent / "run.json").read_text())["models"]
    assert [model["setup"]["depends_on"] for model in models] == ["batch", None]
    assert models[0]["setup"]["verdict"] == "wrong"
    told = "without: its answers depend on the other images of their batch: its numbers cannot be compared"
    assert told in (dependent / "table.md").read_text()


def test_compare_refuses_it(dependent: Path) -> None:
    """Its numbers are another batch size's other numbers: one line that names the model and the run."""
    with pytest.raises(InputError, match=r"run: without: its answers depend on ") as caught:
        compare_runs([ppbench.load_run(dependent)])
    assert "\n" not in str(caught.value)


def test_gate_refuses_it(dependent: Path) -> None:
    """Neither is it a baseline nor is it judged; the sound network of the same run is."""
    run = ppbench.load_run(dependent)
    good = baseline_of(run, "with")
    with pytest.raises(InputError, match="without: its answers depend on "):
        baseline_of(run, "without")
    with pytest.raises(InputError, match="without: its answers depend on "):
        gate_run(run, good, model="without")
    assert gate_run(run, good, model="with").judgement.exit_code(strict=True) == 0


def test_its_cells_are_not_kept() -> None:
    """Even a network that a digest identifies is made again where its answers depend on the batch."""
    model, source = load_model("resnet20", data="digits-c"), noise_source(40)
    for layer in model.module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.track_running_stats, layer.running_mean, layer.running_var = False, None, None
    keys = Keys([model], {"resnet20"}, source, Generator(), CPU)
    assert keys.knows("resnet20")
    setups = Setups([model], Checker(source, CLEAN, CPU), None, keys)
    assert setups.repeatable == frozenset()
    assert not keys.of(setups.models, {"resnet20"} & setups.repeatable).knows("resnet20")
