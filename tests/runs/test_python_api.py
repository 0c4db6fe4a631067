"""The Python API as a user of other tools would type it."""

import copy
import inspect
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.transforms._presets import ImageClassification

import ppbench
from ppbench.errors import InputError
from ppbench.evaluation.cells import parse_severities
from ppbench.models.index import shipped_index
from ppbench.models.loaded_model import LoadedModel
from ppbench.runs.folder import Run

SMALL = {"corruptions": "fog", "severities": "3", "limit": 40}


class Shifted(nn.Module):
    """A network whose class scores come out in another order: every answer is wrong."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits, each in the place of the next class."""
        return self.network(x).roll(1, dims=1)


class Uncopyable(nn.Module):
    """A network that cannot be copied: it holds an open file."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3 * 32 * 32, 10)
        self.log = Path(__file__).open(encoding="utf-8")  # noqa: SIM115  for as long as the network lives

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.layer(x.flatten(1))


@pytest.fixture(scope="module")
def resnet20() -> LoadedModel:
    """The shipped network for digits-c."""
    return ppbench.load_model("resnet20", data="digits-c")


@pytest.fixture(scope="module")
def wanted() -> Run:
    """What its name gives."""
    return ppbench.evaluate("resnet20", **SMALL)


@pytest.fixture
def no_warning() -> Iterator[None]:
    """A warning would be an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


class TestPaths:
    """Texts are accepted wherever paths are."""

    @pytest.mark.usefixtures("no_warning")
    def test_texts_for_paths_and_a_text_for_severities(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The data, the run's folder and the cache, all as texts."""
        monkeypatch.chdir(tmp_path)
        images = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
        (tmp_path / "data").mkdir()
        np.savez(tmp_path / "data" / "some.npz", images=images, labels=np.arange(20) % 10)
        run = ppbench.evaluate(
            ["resnet20-jpeg-cifar10"], data="cifar10-c", root="data/some.npz", out="x", cache="c", severities="1",
            corruptions="contrast", on_warning=lambda _line: None,
        )  # fmt: skip
        assert run.folder == Path("x")
        assert len(list(Path("c", "cells").rglob("*.cell"))) == 2
        assert ppbench.load_run("x").tables == run.tables
        assert run.manifest.data.root == "data/some.npz"

    def test_a_tilde_is_the_home_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A shell would have put it in; Python callers have none."""
        monkeypatch.setenv("HOME", str(tmp_path))
        ppbench.evaluate("resnet20", out="~/run", **SMALL)
        assert (tmp_path / "run" / "run.json").is_file()
        assert ppbench.load_run("~/run").context.images == 40

    def test_an_errors_file_is_scored_by_its_path_and_a_normalisers_name(
        self, wanted: Run, tmp_path: Path
    ) -> None:
        """The scores are those of the run."""
        ppbench.evaluate("resnet20", out=tmp_path / "run", **SMALL)
        scores = ppbench.score(str(tmp_path / "run" / "errors.csv"), "digits-c-alexnet")
        assert scores["resnet20"].mce == wanted.scores["resnet20"].mce
        assert ppbench.score(tmp_path / "run" / "errors.csv", "none").normaliser is None

    def test_a_checkpoint_by_its_path(self, resnet20: LoadedModel, wanted: Run) -> None:
        """As a path, as a text, and with the network's name before it."""
        file = resnet20.checkpoint
        assert file is not None
        for model in (file, str(file), f"resnet20={file}"):
            assert ppbench.evaluate(model, **SMALL).tables[0].cells == wanted.tables[0].cells

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        """A text that ends like weights is no unknown model."""
        with pytest.raises(InputError, match=r"weights\.pt"):
            ppbench.evaluate(str(tmp_path / "weights.pt"), **SMALL)


class TestModules:
    """A network of the caller's own."""

    def test_it_answers_as_its_checkpoint_does_and_stays_as_it_was(
        self, resnet20: LoadedModel, wanted: Run
    ) -> None:
        """The errors are those of the name; mode and weights of the caller's module are left alone."""
        module = copy.deepcopy(resnet20.module).train()
        before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
        run = ppbench.evaluate([module], spec=resnet20.spec, **SMALL)
        assert run.tables[0].model == type(module).__name__
        assert run.tables[0].cells == wanted.tables[0].cells
        assert run.tables[0].clean == wanted.tables[0].clean
        assert all(part.training for part in module.modules())
        assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
        (about,) = run.manifest.models
        assert (about.input_spec_source, about.identified) == ("the caller", False)

    def test_a_contract_in_every_form_is_the_same(self, resnet20: LoadedModel) -> None:
        """A spec, its fields without the size, timm's configuration, and torchvision's transforms."""
        spec = resnet20.spec
        for given in (
            spec,
            spec.to_dict(),
            {"mean": spec.mean, "std": spec.std},
            {"input_size": (3, 32, 32), "mean": spec.mean, "std": spec.std, "interpolation": "bilinear", "crop_pct": 1},
            ImageClassification(crop_size=32, mean=spec.mean, std=spec.std),
        ):  # fmt: skip
            (model,) = ppbench.evaluate(resnet20.module, spec=given, **SMALL).manifest.models
            assert model.input_spec == spec

    def test_timm_and_torchvision_say_that_images_are_resized(self) -> None:
        """A network for 224 pixels has images of 32 enlarged, by the interpolation it was trained with."""
        timm = {
            "input_size": (3, 224, 224),
            "mean": (0.5,) * 3,
            "std": (0.5,) * 3,
            "interpolation": "bicubic",
        }
        module = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 10))
        found = ppbench.loaded(module, timm, image_size=32).spec
        assert (found.size, found.resize, found.interpolation, found.mean) == (
            224,
            224,
            "bicubic",
            (0.5,) * 3,
        )
        zoo = ImageClassification(crop_size=224)
        assert ppbench.loaded(module, zoo, image_size=32).spec.resize == 224
        assert ppbench.loaded(module, zoo).spec.resize is None

    def test_a_network_that_normalises_by_itself_needs_no_numbers(self, resnet20: LoadedModel) -> None:
        """As the models of RobustBench: values from 0 to 1 go in."""
        spec = resnet20.spec

        class Inside(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.network = resnet20.module
                self.register_buffer("mean", torch.tensor(spec.mean).view(3, 1, 1))
                self.register_buffer("std", torch.tensor(spec.std).view(3, 1, 1))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.network((x - self.mean) / self.std)

        inside = ppbench.evaluate(Inside(), spec={"normalised_inside": True}, **SMALL)
        assert inside.tables[0].cells == ppbench.evaluate(resnet20, **SMALL).tables[0].cells

    def test_a_dictionary_names_them_and_one_spec_is_for_all(self, resnet20: LoadedModel) -> None:
        """Modules and names may stand side by side."""
        run = ppbench.evaluate(
            {"mine": resnet20.module, "wrong": Shifted(resnet20.module), "shipped": "resnet20"},
            spec=resnet20.spec,
            on_warning=lambda _line: None,
            **SMALL,
        )
        assert [table.model for table in run.tables] == ["mine", "wrong", "shipped"]
        assert run.tables[0].cells == run.tables[2].cells
        assert run.tables[1].clean is not None
        assert run.tables[1].clean.error > 90

    def test_a_contract_and_a_name_of_its_own(self, resnet20: LoadedModel, wanted: Run) -> None:
        """`loaded` copies, so that the model may be evaluated while the module is trained on."""
        module = copy.deepcopy(resnet20.module).train()
        mine = ppbench.loaded(module, resnet20.spec, name="mine")
        assert module.training
        assert mine.num_classes == 10
        with torch.no_grad():
            module.get_parameter("conv1.weight").zero_()
        run = ppbench.evaluate(mine, **SMALL)
        assert run.tables[0].model == "mine"
        assert run.tables[0].cells == wanted.tables[0].cells

    def test_what_a_network_keeps_of_a_training_is_no_hindrance(self) -> None:
        """A loss that was kept, and torch's older weight_norm, have a history, which a plain deepcopy refuses."""
        torch.manual_seed(0)
        plain = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
        normed = copy.deepcopy(plain)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            nn.utils.weight_norm(normed[1])
        normed.loss = normed[1].weight.square().sum()  # type: ignore[assignment]  # as a training loop does
        spec, options = {"normalised_inside": True}, {**SMALL, "on_warning": lambda _line: None}
        runs = [ppbench.evaluate(network, spec=spec, **options) for network in (plain, normed)]
        assert runs[0].tables[0].cells == runs[1].tables[0].cells

    def test_a_class_that_is_called_like_a_network_of_ours_is_not_it(self, resnet20: LoadedModel) -> None:
        """Neither AlexNet, which CE divides by, nor one whose memory layout may be changed."""
        alexnet = type("alexnet", (Shifted,), {})(resnet20.module)
        run = ppbench.evaluate({"mine": alexnet}, spec=resnet20.spec, on_warning=lambda _line: None, **SMALL)
        assert run.architectures == {"mine": f"{__name__}.alexnet"}
        assert run.scores.normaliser is not None
        assert run.scores.normaliser.name == "digits-c-alexnet"

    def test_what_is_missing_is_said_in_a_line(self, resnet20: LoadedModel) -> None:
        """Each line says how it is given."""
        module, spec = resnet20.module, resnet20.spec
        for model, options, says in (
            (module, {}, r"a network needs spec=, .* spec=\{'mean'"),
            ("resnet20", {"spec": spec}, "has its own: ppbench.load_model takes a spec"),
            (resnet20, {"spec": spec}, "and resnet20 has its own"),
            (torch.zeros(2, 2), {"spec": spec}, "a torch.nn.Module with its spec, got tensor"),
            ([], {}, "no model named"),
            (None, {}, "expected a model's name, the path of a checkpoint, .* got None"),
            ([lambda x: x], {}, "a torch.nn.Module with its spec, got <function"),
            (nn.Linear, {"spec": spec}, "a torch.nn.Module with its spec, got <class"),
            (Uncopyable(), {"spec": spec}, "this network cannot be copied"),
            (module, {"spec": "imagenet"}, "expected spec to be a ppbench.InputSpec or a mapping, got str"),
            (module, {"spec": {"mean": (0, 0, 0)}}, "an input spec without 'std'"),
            (module, {"spec": {"input_size": (3, 32, 32)}}, "a data configuration of timm"),
            (module, {"spec": replace(spec, size=64)}, "got 64: set resize in its input spec"),
            (nn.Sequential(nn.Flatten(), nn.Linear(3072, 7)), {"spec": spec}, "expected 10 classes, .*, got 7"),
            (nn.Sequential(nn.Flatten(), nn.Linear(9, 10)), {"spec": spec}, "cannot take images of 32 pixels"),
        ):  # fmt: skip
            with pytest.raises(InputError, match=says) as caught:
                ppbench.evaluate(model, **SMALL, **options)
            assert "\n" not in str(caught.value)


class TestWarnings:
    """What looks wrong reaches a Python caller."""

    def test_an_error_near_chance_is_a_warning_at_the_callers_line(self, resnet20: LoadedModel) -> None:
        """The warning's file and line are those of the call, so that it is found and can be filtered."""
        line = inspect.currentframe().f_lineno + 2  # type: ignore[union-attr]  # CPython has frames
        with pytest.warns(ppbench.EvaluationWarning, match="is near chance") as caught:
            ppbench.evaluate(Shifted(resnet20.module), spec=resnet20.spec, **SMALL)
        assert {(warning.filename, warning.lineno) for warning in caught} == {(__file__, line)}
        assert issubclass(ppbench.EvaluationWarning, UserWarning)

    @pytest.mark.usefixtures("no_warning")
    def test_a_function_of_the_callers_takes_the_lines_instead(self, resnet20: LoadedModel) -> None:
        """With `on_warning` nothing is warned about twice."""
        lines: list[str] = []
        ppbench.evaluate(Shifted(resnet20.module), spec=resnet20.spec, on_warning=lines.append, **SMALL)
        assert [line for line in lines if "is near chance" in line]

    @pytest.mark.usefixtures("no_warning")
    def test_a_good_run_is_quiet(self, resnet20: LoadedModel, capfd: pytest.CaptureFixture[str]) -> None:
        """Remarks about what was inferred, and progress, are for those who ask."""
        notes: list[str] = []
        ppbench.evaluate(resnet20.checkpoint, **SMALL)
        assert capfd.readouterr() == ("", "")
        ppbench.evaluate(resnet20.checkpoint, on_note=notes.append, **SMALL)
        assert notes


class TestNotebook:
    """What a run shows of itself."""

    def test_a_run_shows_its_tables(self, wanted: Run) -> None:
        """The cell's HTML has the numbers of `score --format html`, without a page or a style around them."""
        html = wanted._repr_html_()
        assert html.count("<table>") == 2
        assert f"<td>{wanted.scores['resnet20'].mean_error:.2f}" in html
        assert "digits-c" in html
        for outer in ("<html", "<style", "<body", "<script"):
            assert outer not in html

    def test_hostile_names_are_text(self, resnet20: LoadedModel) -> None:
        """A model called like markup stays a name."""
        run = ppbench.evaluate({"<img src=x onerror=alert(1)>": resnet20.module}, spec=resnet20.spec, **SMALL)
        assert "&lt;img src=x" in run._repr_html_()
        assert "<img" not in run._repr_html_()

    def test_docstrings_say_what_the_tables_have(self, wanted: Run) -> None:
        """Every column of the tables that is said to be there is there, and units are named."""
        for name, columns in (
            ("errors", ["model", "corruption", "group", "severity", "n", "errors", "error", "ci_low", "ci_high"]),
            ("summary", ["clean", "mean_error", "mce", "relative_mce", "mce_low", "error.fog", "ce.fog"]),
            ("answers", ["id", "label", "prediction", "correct", "confidence", "nll", "brier", "in_top5"]),
        ):  # fmt: skip
            text = inspect.getdoc(inspect.getattr_static(Run, name))
            assert text is not None
            assert all(f"``{column}``" in text for column in columns)
            assert set(columns) <= set(getattr(wanted, name).columns)
        assert "per cent" in str(inspect.getdoc(Run))

    def test_a_name_and_its_file(self, wanted: Run) -> None:
        """Weights are named beside a network, or alone; a network that is no name has its own."""
        file = next(entry.path for entry in shipped_index() if entry.id == "resnet20-digits")
        for run in (
            ppbench.evaluate("resnet20", checkpoint=str(file), **SMALL),
            ppbench.evaluate(checkpoint=file, **SMALL),
        ):
            assert [table.cells for table in run.tables] == [table.cells for table in wanted.tables]
        with pytest.raises(InputError, match="expected the name of a model with checkpoint="):
            ppbench.evaluate(ppbench.load_model(checkpoint=file), checkpoint=file, **SMALL)
        with pytest.raises(
            InputError, match=r"expected a model's name, the path of a checkpoint, .* got None"
        ):
            ppbench.evaluate(**SMALL)

    def test_a_network_of_a_file_fits_any_data(self, tmp_path: Path) -> None:
        """Loaded when nobody knew the images, it takes theirs, by the default for their size, and says so."""
        (tmp_path / "mynet.py").write_text(
            "from torch import nn\n\ndef net(num_classes):\n"
            "    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, num_classes))\n"
        )
        name = f"{tmp_path / 'mynet.py'}:net"
        model = ppbench.load_model(name, num_classes=10)
        assert model.spec.size == 224
        run = ppbench.evaluate(model, **SMALL)
        assert run.manifest.models[0].input_spec.size == 32
        assert "the default for images of 32 pixels" in run.manifest.models[0].input_spec_source
        with pytest.raises(
            InputError, match=r"expected 10 classes, .* got 1000: pass num_classes=10 to ppbench"
        ):
            ppbench.evaluate(ppbench.load_model(name), **SMALL)

    def test_names_can_be_completed(self) -> None:
        """The public names are listed though they are imported on first use."""
        assert dir(ppbench) == sorted(ppbench.__all__)
        assert {"evaluate", "load_run", "load_model", "loaded", "score", "InputSpec"} <= set(dir(ppbench))
        assert all(getattr(ppbench, name) is not None for name in ppbench.__all__)


@pytest.mark.parametrize(
    "given, means",
    [(3, (3,)), ([1, 3], (1, 3)), ((5, 1), (1, 5)), (range(1, 4), (1, 2, 3)), (np.int64(2), (2,)), ("2", (2,)),
     (np.array([4, 5]), (4, 5)), ({1, 2}, (1, 2)), (["1-2", 5], (1, 2, 5))],
)  # fmt: skip
def test_severities_as_anybody_would_write_them(given: object, means: tuple[int, ...]) -> None:
    """A number, numbers, a range, an array, a text."""
    assert parse_severities(given) == means  # type: ignore[arg-type]  # callers are not type-checked


@pytest.mark.parametrize("given", [0, 6, 2.5, True, None, [], [0], "x", [None]])
def test_severities_that_are_none(given: object) -> None:
    """A line says what was expected; nothing is rounded or guessed."""
    with pytest.raises(InputError, match=r"expected .*severit.* from 1 to 5, got|no severity named"):
        parse_severities(given)  # type: ignore[arg-type]  # as above


def test_an_unknown_argument_is_named() -> None:
    """Python's own error, before anything is read."""
    with pytest.raises(TypeError, match="severity"):
        ppbench.evaluate("resnet20", severity=3)  # type: ignore[call-arg]  # a mistake


def test_other_things_of_the_wrong_kind_are_a_line() -> None:
    """Not a traceback from the depth."""
    for options, says in (
        ({"corruptions": None}, "unknown corruption 'None'"),
        ({"corruptions": ["fog", 3]}, "unknown corruption '3'"),
        ({"precision": torch.bfloat16}, "unknown precision torch.bfloat16: expected one of fp32"),
    ):
        with pytest.raises(InputError, match=says):
            ppbench.evaluate("resnet20", **{**SMALL, **options})


def test_a_device_may_be_torchs_own(wanted: Run) -> None:
    """`torch.device("cpu")` is what "cpu" is."""
    assert ppbench.evaluate("resnet20", device=torch.device("cpu"), **SMALL).tables == wanted.tables
