"""A whole network in a file that holds more than a network."""

import collections
import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import torch
import torchvision
from torch import nn
from typer.testing import CliRunner

from ppbench.cli import app
from ppbench.errors import InputError
from ppbench.evaluation.keys import identified
from ppbench.models.checkpoint import fill, read_weights
from ppbench.models.inspection import inspect
from ppbench.models.load import load_model
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.state_dict import clean, readings
from tests.models.foreign_files import State, images_of, network_of, write

CRITERION = {"criterion.weight": torch.ones(10)}
METRICS = {
    "train_acc.correct": torch.tensor(5),
    "train_acc.total": torch.tensor(9),
    "val_metrics.f1.tp": torch.ones(10),
    "val_loss.value": torch.tensor(0.5),
}


def under(prefix: str, state: State) -> State:
    """The same tensors, their names after a prefix."""
    return {prefix + name: tensor for name, tensor in state.items()}


def other(state: State) -> State:
    """Weights of the same network with other values."""
    return {name: t + 1 if t.is_floating_point() else t.clone() for name, t in state.items()}


def wrapped(state: State, wrap: Callable[[str], str]) -> State:
    """The same tensors, each name changed."""
    return {wrap(name): tensor for name, tensor in state.items()}


def layers_wrapped(word: str) -> Callable[[str], str]:
    """How names look after each layer of a network was wrapped."""
    return lambda name: name.replace(".0.", f".0.{word}.", 1).replace("layer2.", f"layer2.{word}.", 1)


FILES: dict[str, Callable[[State], dict[str, Any]]] = {
    "a Lightning module with a criterion": lambda s: {"state_dict": {**under("model.", s), **CRITERION}},
    "and metrics": lambda s: {"state_dict": {**under("net.", s), **CRITERION, **METRICS}},
    "a module that is the network, with both": lambda s: {"state_dict": {**s, **CRITERION, **METRICS}},
    "a compiled network in a Lightning module": lambda s: {
        "state_dict": {**under("model._orig_mod.", s), **METRICS}
    },
    "a wrapper of a user's": lambda s: under("encoder.resnet.", s),
    "a wrapper of a user's, and more": lambda s: {
        **under("encoder.resnet.", s),
        "projector.0.weight": torch.ones(128, 64),
    },
    "DDP of a wrapper": lambda s: {"model": under("module.student.", s), "epoch": 3},
    "a running average beside, by a name of a user's": lambda s: {
        "state_dict": {**under("net.", other(s)), **under("net_ema.module.", s), **CRITERION}
    },
    "a running average inside": lambda s: {**other(s), **under("ema.module.", s)},
    "the same weights twice": lambda s: {**under("model.", s), **under("backbone.", s)},
    "a dictionary of a user's": lambda s: {"generation": 3, "individual": s, "seed": torch.tensor(3)},
    "dictionaries in dictionaries": lambda s: {"best": {"epoch": 3, "weights_of": {"net": s}}},
    "DeepSpeed": lambda s: {
        "module": {k: v.half() if v.is_floating_point() else v for k, v in s.items()},
        "param_shapes": [collections.OrderedDict((k, v.shape) for k, v in s.items())],
        "optimizer": None,
        "ds_config": {"train_batch_size": 8},
        "ds_version": "0.14.0",
        "mp_world_size": 1,
    },
    "a normalisation layer in a Lightning module": lambda s: {
        "state_dict": {
            "model.0.mean": torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1),
            "model.0.std": torch.tensor([0.2, 0.3, 0.4]).view(1, 3, 1, 1),
            **under("model.1.", s),
            **CRITERION,
        }
    },
    **{
        f"layers in {word}": lambda s, word=word: {"state_dict": wrapped(s, layers_wrapped(word))}  # type: ignore[misc]  # mypy knows no default of a lambda
        for word in ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "module")
    },
    "all in all": lambda s: {
        "state_dict": under(
            "_forward_module.model.", wrapped(s, layers_wrapped("_orig_mod._fsdp_wrapped_module"))
        )
        | METRICS
    },
}


def said(loaded: LoadedModel) -> str:
    """What loading said."""
    assert loaded.report is not None
    return loaded.report.summary()


@pytest.mark.parametrize("what", FILES)
def test_the_network_is_found(what: str, tmp_path: Path) -> None:
    """Named or not, the whole network answers as it did; half precision is the only difference."""
    network = network_of("resnet20")
    if what == "DeepSpeed":
        network.half().float()
    path = write(tmp_path / "w.pt", FILES[what](network.state_dict()), "zip")
    for model in ("resnet20", None):
        loaded = load_model(model, checkpoint=path)
        assert loaded.architecture == "resnet20"
        assert torch.equal(loaded.module(images_of()), network(images_of()))
        assert loaded.report is not None
        assert loaded.report.tensors == len(network.state_dict())
        if "normalisation" in what:
            assert loaded.spec.mean == pytest.approx((0.4, 0.5, 0.6))
            assert "normalisation layer" in loaded.spec_source


@pytest.mark.parametrize("model", ["resnet20", None])
@pytest.mark.parametrize(
    "content",
    [
        lambda s: {"model": other(s), "ema": s},
        lambda s: {"state_dict": {**under("net.", other(s)), **under("net_ema.module.", s)}},
    ],
    ids=["dictionaries", "prefixes"],
)
def test_a_running_average_that_is_taken_is_remarked(
    content: Callable[[State], object], model: str | None, tmp_path: Path
) -> None:
    """Which of two networks was evaluated decides every number, whether the network was named or not."""
    path = write(tmp_path / "w.pt", content(network_of("resnet20").state_dict()), "zip")
    loaded = load_model(model, checkpoint=path)
    assert loaded.report is not None
    assert any("averaged weights" in each and "--prefix" in each for each in loaded.report.remarks)


@pytest.mark.parametrize("what", FILES)
def test_inspect_sees_the_same(what: str, tmp_path: Path) -> None:
    """`ppbench models inspect` shows what loading takes, and what it leaves aside."""
    path = write(tmp_path / "w.pt", FILES[what](network_of("resnet20").state_dict()), "zip")
    found = inspect(path)
    loaded = load_model(checkpoint=path)
    assert loaded.report is not None
    assert found["architecture"] == "resnet20"
    assert found["tensors"] == loaded.report.tensors
    assumed = {f"assumed {clause}" for clause in loaded.assumed}
    assert set(found["notes"]) == {*loaded.report.notes, *assumed}


def test_what_is_left_aside_is_said(tmp_path: Path) -> None:
    """By name and number, and as a remark that every user sees."""
    path = write(tmp_path / "w.pt", FILES["and metrics"](network_of("resnet20").state_dict()), "zip")
    loaded = load_model(checkpoint=path)
    line = "left aside 5 tensors beside the network (criterion.weight, train_acc.correct, train_acc.total, …)"
    assert "took the network whose names begin with 'net.'" in said(loaded)
    assert loaded.report is not None
    assert loaded.report.remarks == (line,)
    assert line in loaded.report.notes


@pytest.mark.parametrize(
    "beside, said",
    [
        ({"head.weight": torch.ones(5, 10)}, True),
        ({"head.weight": torch.ones(5, 64)}, False),
        ({"metric_confmat.confmat": torch.ones(10, 10)}, False),
        ({"teacher.0.weight": torch.ones(5, 10)}, False),
    ],
)
def test_a_layer_after_the_network_is_pointed_out(beside: State, said: bool, tmp_path: Path) -> None:
    """What takes as many values as the network gives may come after it: then its answers are not the user's."""
    state = under("backbone.", network_of("resnet20").state_dict()) | beside
    report = load_model(checkpoint=write(tmp_path / "w.pt", state, "zip")).report
    assert report is not None
    assert ("head.weight may be a layer after it: if so, evaluate both with" in report.remarks[0]) == said


def test_the_remark_is_printed(tmp_path: Path) -> None:
    """Also where the network is named and nothing else would be said of its file."""
    network = network_of("resnet20")
    path = write(tmp_path / "w.pt", FILES["and metrics"](network.state_dict()), "zip")
    out = tmp_path / "out"
    arguments = ["--corruptions", "brightness", "--severities", "1", "--limit", "10", "--out", str(out)]
    done = CliRunner().invoke(app, ["eval", "--model", f"resnet20={path}", *arguments])
    assert done.exit_code == 0, done.output
    assert "left aside 5 tensors beside the network" in " ".join(done.stderr.split())


def test_a_layer_compiled_network_keeps_its_depth(tmp_path: Path) -> None:
    """Wrapped blocks are blocks; wrapped in what nobody knows, they are no shallower network either."""
    state = network_of("resnet20").state_dict()
    path = write(
        tmp_path / "w.pt", wrapped(state, lambda n: n.replace("layer1.", "layer1._orig_mod.")), "zip"
    )
    assert load_model(checkpoint=path).architecture == "resnet20"
    path = write(tmp_path / "w.pt", wrapped(state, lambda n: n.replace("layer1.", "layer1.mine.")), "zip")
    with pytest.raises(InputError) as caught:
        load_model(checkpoint=path)
    assert "resnet8" not in str(caught.value)
    assert "a resnet with blocks that are not counted from 0" in str(caught.value)


@pytest.mark.parametrize(
    "beside, words",
    [
        ({"extra.weight": torch.zeros(3)}, "extra.weight"),
        ({"attention.weight": torch.zeros(3)}, "attention.weight"),
        ({"layer1.3.conv1.weight": torch.zeros(3)}, "layer1.3.conv1.weight"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "model."])
def test_what_may_be_a_layer_is_not_left_aside(
    beside: State, words: str, prefix: str, tmp_path: Path
) -> None:
    """A tensor among the network's own that is no criterion, metric or average may be a part of it: refused."""
    state = under(prefix, network_of("resnet20").state_dict() | beside) | CRITERION
    path = write(tmp_path / "w.pt", state, "zip")
    with pytest.raises(InputError, match=words if not prefix else "missing"):
        load_model("resnet20", checkpoint=path)


def test_nothing_is_read_in_part(tmp_path: Path) -> None:
    """One tensor less, or one of another shape, is no whole network, wherever it lies."""
    state = network_of("resnet20").state_dict()
    for damaged in (
        {name: t for name, t in state.items() if name != "layer2.1.bn2.running_mean"},
        state | {"fc.weight": torch.zeros(10, 63)},
    ):
        path = write(tmp_path / "w.pt", under("model.", damaged) | CRITERION, "zip")
        for model in ("resnet20", None):
            with pytest.raises(InputError):
                load_model(model, checkpoint=path)


def _two(path: Path) -> tuple[Path, nn.Module, nn.Module]:
    student, teacher = network_of("resnet20"), network_of("resnet20")
    teacher.load_state_dict(other(student.state_dict()))
    content = {**under("student.", student.state_dict()), **under("teacher.", teacher.state_dict())}
    return write(path, {"state_dict": content | CRITERION}, "zip"), student, teacher


def test_a_student_and_a_teacher(tmp_path: Path) -> None:
    """Which of two is meant is asked for in one line; `--prefix` says it, and the answers are that one's."""
    path, student, teacher = _two(tmp_path / "w.pt")
    for model in ("resnet20", None):
        with pytest.raises(
            InputError,
            match=r"w.pt: holds 2 networks with different weights; their names begin with "
            r"'student.', 'teacher.': choose one, as with --prefix student\.$",
        ):
            load_model(model, checkpoint=path)
        for prefix, network in (("student.", student), ("teacher.", teacher), ("teacher", teacher)):
            loaded = load_model(model, checkpoint=path, prefix=prefix)
            assert torch.equal(loaded.module(images_of()), network(images_of()))
            assert "(--prefix)" in said(loaded)
    with pytest.raises(
        InputError, match=r"expected names that begin with 'tutor.' .--prefix., got student., "
    ):
        load_model("resnet20", checkpoint=path, prefix="tutor")


def test_two_dictionaries(tmp_path: Path) -> None:
    """A student and a teacher in dictionaries of their own are asked for in the same way, and so is the raw network."""
    _, student, teacher = _two(tmp_path / "x.pt")
    content = {"student": student.state_dict(), "teacher": teacher.state_dict(), "epoch": 3}
    path = write(tmp_path / "w.pt", content, "zip")
    with pytest.raises(InputError, match=r"'student.', 'teacher.'"):
        load_model(checkpoint=path)
    assert torch.equal(
        load_model(checkpoint=path, prefix="teacher").module(images_of()), teacher(images_of())
    )
    content = {"state_dict": student.state_dict(), "state_dict_ema": teacher.state_dict()}
    path = write(tmp_path / "w.pt", content, "zip")
    assert torch.equal(load_model(checkpoint=path).module(images_of()), teacher(images_of()))
    raw = load_model(checkpoint=path, prefix="state_dict.")
    assert torch.equal(raw.module(images_of()), student(images_of()))


def test_the_choice_is_part_of_the_identity(tmp_path: Path) -> None:
    """Two networks of one file never share a cell of the store; run.json says which one was meant."""
    from ppbench.evaluation.keys import _model_facts
    from ppbench.runs.description import describe_model

    path, *_ = _two(tmp_path / "w.pt")
    loaded = [load_model("resnet20", checkpoint=path, prefix=each) for each in ("student.", "teacher.")]
    assert all(identified(each) for each in loaded)
    assert _model_facts(loaded[0]) != _model_facts(loaded[1])
    assert describe_model(loaded[1], unchanged=True).checkpoint_prefix == "teacher."


def test_a_prefix_from_the_command_line(tmp_path: Path) -> None:
    """`eval --prefix` and `models inspect --prefix` take it; without a file of weights it is refused."""
    path, *_ = _two(tmp_path / "w.pt")
    asked = ["--corruptions", "fog", "--severities", "1", "--limit", "10", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["eval", "--checkpoint", str(path), "--prefix", "teacher.", *asked])
    assert done.exit_code == 0, done.output
    assert (
        json.loads((tmp_path / "out" / "run.json").read_text())["models"][0]["checkpoint_prefix"]
        == "teacher."
    )
    done = CliRunner().invoke(app, ["models", "inspect", str(path), "--prefix", "teacher.", "--json"])
    assert json.loads(done.stdout)["architecture"] == "resnet20"
    done = CliRunner().invoke(app, ["eval", "--model", "resnet20", "--prefix", "x.", *asked])
    assert isinstance(done.exception, InputError)
    assert "--prefix x. chooses a network in a file" in str(done.exception)


def test_networks_of_two_kinds_in_one_file(tmp_path: Path) -> None:
    """Without a name it is asked which; the name of one says it."""
    small, large = network_of("resnet20"), network_of("resnet32")
    content = {**under("student.", small.state_dict()), **under("teacher.", large.state_dict())}
    path = write(tmp_path / "w.pt", content, "zip")
    with pytest.raises(InputError, match="holds 2 networks with different weights"):
        load_model(checkpoint=path)
    for name, network in (("resnet20", small), ("resnet32", large)):
        assert torch.equal(load_model(name, checkpoint=path).module(images_of()), network(images_of()))


def test_an_average_of_another_network_is_none(tmp_path: Path) -> None:
    """A name alone does not make the weights of another network a running average of this one."""
    small, large = network_of("resnet20"), network_of("resnet20-pp2020")
    content = {**under("model.", small.state_dict()), **under("teacher_ema.", large.state_dict())}
    path = write(tmp_path / "w.pt", content, "zip")
    with pytest.raises(InputError, match="holds 2 networks with different weights"):
        load_model(checkpoint=path)
    for name, network in (("resnet20", small), ("resnet20-pp2020", large)):
        assert torch.equal(load_model(name, checkpoint=path).module(images_of()), network(images_of()))


def test_others_names_under_a_prefix(tmp_path: Path) -> None:
    """The names of other repositories are known below a prefix too."""
    from tests.models.foreign_files import SCHEMES

    for scheme in ("he", "authors-2024"):
        network = network_of("resnet20-pp2020")
        state = under("backbone.", SCHEMES[scheme](network.state_dict()))
        loaded = load_model(checkpoint=write(tmp_path / "w.pt", state | CRITERION, "zip"))
        assert loaded.architecture == "resnet20-pp2020"
        assert torch.equal(loaded.module(images_of()), network(images_of()))


def test_push_pull_units_without_a_name(tmp_path: Path) -> None:
    """What leaves no trace is asked for as ever, and the name settles it."""
    network = network_of("resnet20-pp")
    path = write(tmp_path / "w.pt", under("model.", network.state_dict()) | CRITERION, "zip")
    with pytest.raises(InputError, match="one of resnet20-pp0, resnet20-pp, resnet20-pp5"):
        load_model(checkpoint=path)
    loaded = load_model("resnet20-pp", checkpoint=path)
    assert torch.equal(loaded.module(images_of()), network(images_of()))


def test_a_network_of_a_zoo(tmp_path: Path) -> None:
    """A network that ppbench does not recognise is found by its name, in the same files."""
    torch.manual_seed(0)
    network = torchvision.models.get_model("shufflenet_v2_x0_5", num_classes=10).eval()
    x = torch.randn(1, 3, 64, 64)
    for what in ("and metrics", "a wrapper of a user's, and more", "all in all", "a running average inside"):
        path = write(tmp_path / "w.pt", FILES[what](network.state_dict()), "zip")
        loaded = load_model("torchvision:shufflenet_v2_x0_5", checkpoint=path, num_classes=10, image_size=64)
        with torch.inference_mode():
            assert torch.equal(loaded.module(x), network(x))


OWN = """
import torch
from torch import nn

class Tiny(nn.Module):
    def __init__(self, normalise=False):
        super().__init__()
        self.module = nn.Linear(3, 10)  # a name that frameworks use
        if normalise:
            self.register_buffer("mean", torch.zeros(1, 3, 1, 1))
            self.register_buffer("std", torch.ones(1, 3, 1, 1))
        self.normalise = normalise

    def forward(self, x):
        if self.normalise:
            x = (x - self.mean) / self.std
        return self.module(x.mean((2, 3)))

def plain():
    return Tiny()

def normalising():
    return Tiny(True)
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's file of models."""
    (tmp_path / "mine.py").write_text(OWN)
    return tmp_path / "mine.py"


@pytest.mark.parametrize("prefix", ["", "_orig_mod.", "net.", "lit.model._orig_mod."])
def test_a_network_of_a_users(prefix: str, own: Path, tmp_path: Path) -> None:
    """Found in the same files, also where its own names are those of a wrapper."""
    state = {"module.weight": torch.randn(10, 3), "module.bias": torch.randn(10)}
    path = write(tmp_path / "w.pt", {"state_dict": under(prefix, state) | CRITERION}, "zip")
    loaded = load_model(f"{own}:plain", checkpoint=path, image_size=32)
    assert torch.equal(loaded.module.state_dict()["module.weight"], state["module.weight"])


@pytest.mark.parametrize("prefix", ["", "_orig_mod.", "net."])
def test_a_network_that_is_compiled_itself(prefix: str, tmp_path: Path) -> None:
    """A factory may return what torch.compile made: its names are the network's all the same."""
    network: Any = torch.compile(nn.Sequential(nn.Linear(3, 10)))
    state = {"0.weight": torch.randn(10, 3), "0.bias": torch.randn(10)}
    path = write(tmp_path / "w.pt", under(prefix, state) | CRITERION, "zip")
    fill(network, read_weights(path), "compiled")
    assert torch.equal(network.state_dict()["_orig_mod.0.weight"], state["0.weight"])


def test_a_network_that_normalises_by_itself(own: Path, tmp_path: Path) -> None:
    """Its layer's mean and std are weights of its own, and no contract for its input."""
    state = {
        "module.weight": torch.randn(10, 3),
        "module.bias": torch.randn(10),
        "mean": torch.full((1, 3, 1, 1), 0.5),
        "std": torch.full((1, 3, 1, 1), 0.25),
    }
    path = write(tmp_path / "w.pt", state, "zip")
    loaded = load_model(f"{own}:normalising", checkpoint=path, image_size=32)
    assert torch.equal(loaded.module.state_dict()["mean"], state["mean"])
    assert loaded.spec_source == "the default for images of 32 pixels"
    bare = load_model(f"{own}:plain", checkpoint=path, image_size=32)
    assert bare.spec.mean == (0.5, 0.5, 0.5)
    assert bare.spec_source == "the checkpoint's normalisation layer"


@pytest.mark.parametrize("where", ["alone", "in a dictionary", "in DataParallel"])
def test_a_network_that_was_pickled_whole(where: str, tmp_path: Path) -> None:
    """Its tensors are taken out without its code; buffers that a state_dict leaves out stay out."""
    network = network_of("resnet20")
    network.register_buffer("grid", torch.ones(3), persistent=False)
    content = {
        "alone": network,
        "in a dictionary": {"epoch": 3, "model": network},
        "in DataParallel": nn.DataParallel(network),
    }[where]
    torch.save(content, tmp_path / "w.pt")
    loaded = load_model(checkpoint=tmp_path / "w.pt")
    assert loaded.architecture == "resnet20"
    assert torch.equal(loaded.module(images_of()), network(images_of()))
    assert "whose code was not run" in said(loaded)


def test_many_names_take_seconds() -> None:
    """A file of 30,000 layers of one tensor is looked at once, and not once for each of their names."""
    one = torch.ones(1)
    started = perf_counter()
    assert clean({f"x{number}": {"w": one} for number in range(30_000)}).notes
    many = {**{f"x{number}.w": one for number in range(30_000)}, "net.w": one, "net.b": one + 1}
    found = readings(many, lambda below: None if len(below) > 2 else ({n: n for n in below}, ()), least=2)
    assert [(each.prefix, each.tensors) for each in found] == [("net.", {"w": one, "b": one + 1})]
    assert perf_counter() - started < 10
