"""Networks of 1,000 outputs on some of ImageNet's classes: what they answer, and what that may stand beside."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import models

import corruptions
import ppbench
from ppbench.data.classes import class_list
from ppbench.data.sets import open_data
from ppbench.errors import InputError
from ppbench.models.input_spec import IMAGENET_MEAN, IMAGENET_STD, InputSpec
from ppbench.models.loaded_model import LoadedModel
from ppbench.runs.folder import Run
from ppbench.runs.gating import baseline_of, gate_run, write_baseline
from ppbench.runs.pairing import compare_runs
from ppbench.runs.setup_report import check_setups
from ppbench.testing import assert_no_robustness_regression
from tests.models.zoo_files import photographs, saved
from tests.runs.class_subsets import IMAGENET, PLACES, WNIDS, Colours, coloured, written

NOTHING: dict[str, Any] = {"on_warning": lambda _line: None}
SMALL: dict[str, Any] = {"corruptions": "brightness", "severities": [3], "jpeg": False, **NOTHING}
PLAIN = InputSpec(size=224, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def _settled(network: nn.Module, images: Tensor) -> nn.Module:
    """Settle statistics and the last bias: for half of the images one of the six classes is the best of all outputs."""
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = None  # the mean over all batches: here of one
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        network.train()(_normalised(images))
        logits = network.eval()(_normalised(images))
        last.bias -= logits.mean(0)
        logits -= logits.mean(0)
        ahead = logits.amax(1) - logits[:, PLACES].amax(1)
        last.bias[PLACES] += ahead.median() + 1e-3
    return network


def _answered(root: Path, network: nn.Module, images: Tensor) -> Path:
    """Write images into six folders of ImageNet's classes, where the network's best of the six puts them."""
    answers = _logits(network, _cut(images))[:, PLACES].argmax(1)
    return written(root, images, answers.tolist())


def _cut(images: Tensor) -> Tensor:
    return images[:, :, 16:240, 16:240]


def _pixels(root: Path, data: str) -> tuple[Tensor, Tensor]:
    """The clean images of a set and those under brightness 3, uint8 (n, 3, 224, 224), in the order of its ids."""
    found = open_data(data, root=root)
    assert found.clean is not None
    clean = np.asarray(found.clean.images[:])
    bright = corruptions.corrupt(clean, "brightness", 3, protocol="imagenet-c", ids=found.ids.tolist())
    return tuple(torch.from_numpy(each).permute(0, 3, 1, 2) for each in (clean, np.asarray(bright)))  # type: ignore[return-value]


def _normalised(images: Tensor) -> Tensor:
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (images / 255 - mean) / std


def _logits(network: nn.Module, images: Tensor) -> Tensor:
    with torch.inference_mode():
        return torch.as_tensor(network(_normalised(images)))


def _predictions(run: Run) -> npt.NDArray[np.int32]:
    return run.predictions.answers.predictions[0]


@pytest.mark.parametrize("data", ["folder-c", pytest.param("imagenet100-c", marks=pytest.mark.slow)])
def test_torchvisions_resnet18_answers_as_in_plain_torch(data: str, tmp_path: Path) -> None:
    """On clean and corrupted images: the best of the classes' outputs, or of all; NLL is over the same outputs."""
    torch.manual_seed(0)
    images = photographs(256, 4)
    resnet = _settled(models.resnet18(num_classes=1000), _cut(images))
    root = _answered(tmp_path / "val", resnet, images)
    path = saved(tmp_path / "resnet18.safetensors", resnet)
    wnids = WNIDS if data == "folder-c" else class_list("imagenet100")
    columns = torch.tensor([IMAGENET.index(wnid) for wnid in wnids])
    logits = torch.stack([_logits(resnet, images) for images in _pixels(root, data)])
    for outputs in ("subset", "all"):
        run = ppbench.evaluate(
            "torchvision:resnet18", checkpoint=path, data=data, root=root, outputs=outputs, **SMALL
        )
        assert run.predictions.cells == (("clean", 0), ("brightness", 3))
        labels = torch.from_numpy(run.predictions.labels)
        if outputs == "subset":
            few = logits[..., columns]
            wanted, true = few.argmax(2), labels
        else:
            few, best = logits, logits.argmax(2)
            there = (best[..., None] == columns).float()
            wanted = torch.where(there.any(2), there.argmax(2), len(wnids) + best)
            true = columns[labels]
            assert 0 < there.any(2).float().mean() < 1
        np.testing.assert_array_equal(_predictions(run), wanted)
        nll = torch.stack([F.cross_entropy(each, true, reduction="none") for each in few])
        np.testing.assert_allclose(run.predictions.answers.nll[0], nll, atol=1e-4)
        kept = run.manifest.models[0].outputs
        assert kept is not None
        assert (kept.answers, kept.of, list(kept.indices)) == (outputs, 1000, columns.tolist())


def test_a_thousand_classes_and_a_hundred_of_them_agree_on_the_images_they_share(
    tmp_path: Path,
) -> None:
    """Every answer of --outputs all is that of a run over all of ImageNet's classes, and so are all errors."""
    torch.manual_seed(0)
    images = photographs(256, 8)
    network = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 1000))
    root = _answered(tmp_path / "val", _settled(network, _cut(images)), images)
    spec = InputSpec(size=224, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    wnids = class_list("imagenet100")
    runs = {
        (data, outputs): ppbench.evaluate(
            {"net": network}, spec=spec, data=data, root=root, outputs=outputs, **SMALL
        )
        for data, outputs in (
            ("imagenet-c", None), ("imagenet-c", "all"), ("imagenet100-c", "all"), ("imagenet100-c", None)
        )
    }  # fmt: skip
    full, said, part, few = runs.values()
    np.testing.assert_array_equal(full.predictions.ids, part.predictions.ids)
    assert [IMAGENET[k] for k in full.predictions.labels] == [wnids[k] for k in part.predictions.labels]
    outputs = np.where(
        _predictions(part) < 100,
        np.array([IMAGENET.index(wnid) for wnid in wnids])[_predictions(part).clip(max=99)],
        _predictions(part) - 100,
    )
    np.testing.assert_array_equal(outputs, _predictions(full))
    np.testing.assert_array_equal(full.predictions.wrong, part.predictions.wrong)
    for field in ("confidences", "nll", "brier", "in_top5"):
        np.testing.assert_array_equal(
            getattr(full.predictions.answers, field), getattr(part.predictions.answers, field)
        )
    np.testing.assert_array_equal(_predictions(full), _predictions(said))
    assert said.manifest.models[0].outputs is None  # with an output a class there is nothing to choose
    assert (few.predictions.wrong <= part.predictions.wrong).all()
    assert few.predictions.wrong.sum() < part.predictions.wrong.sum()


def _loaded(network: nn.Module, outputs: int = 1000, name: str = "net") -> LoadedModel:
    return LoadedModel(name, name, network, PLAIN, outputs, spec_source="the test")


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seventy-two images that `Colours` answers without an error."""
    return coloured(tmp_path_factory.mktemp("colours") / "val")


def _clean_error(run: Run) -> float | None:
    return run.scores.models[0].clean_error


def test_a_file_says_which_output_is_which_class(colours: Path, tmp_path: Path) -> None:
    """By index and by name, with a background before them or another order altogether; the wrong line is an error."""
    elsewhere = [700, 3, 55, 21, 999, 408]
    by_index, by_name = tmp_path / "indices.txt", tmp_path / "names.txt"
    by_index.write_text("\n".join(map(str, elsewhere)))
    names = [f"thing {k}" for k in range(1001)]
    for place, wnid in zip(elsewhere, WNIDS, strict=True):
        names[place] = wnid
    by_name.write_text(
        "\n".join(f"n{k:08}" if name.startswith("thing") else name for k, name in enumerate(names))
    )
    for network, outputs in (
        (Colours(elsewhere), by_index),
        (Colours(elsewhere, 1001), by_name),
        (Colours(elsewhere, 1001), elsewhere),
        (Colours(elsewhere), f"all:{by_index}"),
        (Colours([1 + place for place in PLACES], 1001), "background-first"),
    ):
        model = _loaded(network, len(network.colours))
        run = ppbench.evaluate(model, data="folder-c", root=colours, outputs=outputs, **SMALL)
        assert _clean_error(run) == 0, outputs
    with pytest.raises(InputError, match="net: expected 6 classes, as folder-c has, got 1001: if output 0"):
        ppbench.evaluate(_loaded(Colours(outputs=1001), 1001), data="folder-c", root=colours, **SMALL)
    with pytest.raises(InputError, match="--outputs background-first is for a network with more outputs"):
        ppbench.evaluate(
            _loaded(Colours(range(6), 6), 6),
            data="folder-c",
            root=colours,
            outputs="background-first",
            **SMALL,
        )


def test_labels_in_any_order_find_their_outputs(colours: Path) -> None:
    """--classes changes the labels and, with them, the order of the outputs: the error stays 0."""
    turned = list(reversed(WNIDS))
    run = ppbench.evaluate(_loaded(Colours()), data="folder-c", root=colours, classes=turned, **SMALL)
    assert _clean_error(run) == 0
    assert run.manifest.models[0].outputs is not None
    assert list(run.manifest.models[0].outputs.indices) == PLACES[::-1]


def test_the_store_knows_the_conventions_apart(colours: Path, tmp_path: Path) -> None:
    """Cells of one are not taken for the other's, those of the same one are."""
    torch.manual_seed(0)
    network = models.squeezenet1_1(num_classes=1000)
    path = saved(tmp_path / "net.safetensors", network)

    def counts(outputs: str | list[int] | None) -> tuple[int, int]:
        run = ppbench.evaluate(
            f"torchvision:squeezenet1_1={path}",
            data="folder-c",
            root=colours,
            outputs=outputs,
            limit=2,
            cache=tmp_path / "cache",
            **SMALL,
        )
        return run.manifest.cells.from_store, run.manifest.cells.evaluated

    given = [None, "all", [*PLACES[1:], PLACES[0]], PLACES, "all"]
    assert [counts(outputs) for outputs in given] == [(0, 2), (0, 2), (0, 2), (2, 0), (2, 0)]


def test_runs_of_both_conventions_are_not_compared(colours: Path, tmp_path: Path) -> None:
    """Nor put into one report; the line names both. A network that has no other outputs may stand beside either."""
    runs = {
        outputs: ppbench.evaluate(
            _loaded(Colours(), name=outputs),
            data="folder-c",
            root=colours,
            outputs=outputs,
            out=tmp_path / outputs,
            **SMALL,
        )
        for outputs in ("subset", "all")
    }
    plain = ppbench.evaluate(_loaded(Colours(range(6), 6), 6), data="folder-c", root=colours, **SMALL)
    with pytest.raises(
        InputError, match=r"all: other answers count as errors .*subset of .*all of .*the same way"
    ):
        compare_runs(list(runs.values()))
    for name, run in runs.items():
        facts = compare_runs([plain, run]).facts
        assert [text for label, text in facts if label == "note" and text.startswith("outputs: ")], name


def test_the_gate_keeps_the_convention(colours: Path, tmp_path: Path) -> None:
    """A baseline of one refuses a run with the other before the work; outputs found otherwise are told."""
    model, path = _loaded(Colours()), tmp_path / "baseline.json"
    options: dict[str, Any] = {
        "data": "folder-c",
        "root": colours,
        "corruptions": "brightness",
        "severities": [3],
    }
    assert_no_robustness_regression(model, baseline=path, outputs="all", update=True, **options)
    found = assert_no_robustness_regression(model, baseline=path, outputs="all", **options)
    assert found is not None
    assert found.identical
    with pytest.raises(InputError, match=r"this run: .*outputs is subset, there all; evaluate the same"):
        assert_no_robustness_regression(model, baseline=path, **options)
    runs = [
        ppbench.evaluate(model, data="folder-c", root=colours, outputs=outputs, **SMALL)
        for outputs in (None, PLACES)
    ]
    write_baseline(baseline_of(runs[0]), path)
    judged = gate_run(runs[1], baseline_of(runs[0]))
    assert judged.judgement.identical
    assert "classes among the outputs is 6 of 1000, by outputs, there 6 of 1000, by ImageNet" in "".join(
        judged.setup_changes
    )
    assert ("outputs", "6 of 1000 (outputs)") in judged.facts
    with pytest.raises(InputError, match="outputs is all, there subset"):
        assert_no_robustness_regression(model, baseline=path, outputs="all", **options)


def _findings(network: nn.Module, root: Path, outputs: object = None) -> dict[str, Any]:
    report = check_setups(_loaded(network), data="folder-c", root=root, outputs=outputs)  # type: ignore[arg-type]
    return {finding.check: finding for finding in report.models[0].check.findings}


def test_the_set_up_check_sees_through_the_choice(colours: Path, tmp_path: Path) -> None:
    """Probabilities are told by all outputs, a wrong order and swapped channels by those of the classes."""
    for outputs in ("subset", "all"):
        good = _findings(Colours(), colours, outputs)
        assert {finding.state for finding in good.values()} <= {"ok", "skipped"}, good
    probable = _findings(Colours(probable=True), colours)["outputs"]
    assert (probable.state, "returns probabilities" in probable.text) == ("notice", True)
    turned = _findings(Colours(), colours, [PLACES[k] for k in (1, 0, 2, 3, 4, 5)])["class order"]
    assert (turned.state, "with the labels in another order" in turned.text) == ("wrong", True)
    swapped = Colours()
    swapped.colours = swapped.colours.flip(1)
    assert "BGR" in _findings(swapped, colours, "all")["other set-ups"].text
    missed = _findings(Colours(elsewhere := [5, 6, 7, 8, 9, 10]), colours, "all")["clean error"]
    assert missed.state == "wrong"
    assert "outputs: ImageNet's 1,000 classes in the order of their WordNet ids; --outputs" in missed.advice
    assert not set(elsewhere) & set(PLACES)


def test_an_onnx_graph_chooses_as_a_module_does(colours: Path, tmp_path: Path) -> None:
    """The choice is made where logits become answers, whoever computed them."""
    onnx = pytest.importorskip("onnx", reason="the package onnx is not installed here")
    pytest.importorskip("onnxruntime", reason="onnxruntime is an extra that is not installed here")
    weight = np.random.default_rng(0).standard_normal((3, 1000)).astype(np.float32)
    nodes = [
        onnx.helper.make_node("ReduceMean", ["image"], ["means"], axes=[2, 3], keepdims=0),
        onnx.helper.make_node("MatMul", ["means", "weight"], ["logits"]),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "means",
        [onnx.helper.make_tensor_value_info("image", kind, ("batch", 3, 224, 224))],
        [onnx.helper.make_tensor_value_info("logits", kind, ("batch", 1000))],
        [onnx.numpy_helper.from_array(weight, "weight")],
    )
    path = tmp_path / "net.onnx"
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(made.SerializeToString())
    twin = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 1000, bias=False))
    twin[2].weight.data = torch.from_numpy(weight.T.copy())
    options: dict[str, Any] = {"data": "folder-c", "root": colours, "limit": 24, **SMALL}
    for outputs in ("subset", "all"):
        spec = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}
        ours = ppbench.evaluate(twin, spec=spec, outputs=outputs, **options)
        np.testing.assert_array_equal(
            _predictions(ppbench.evaluate(path, outputs=outputs, **options)), _predictions(ours)
        )
    assert len(set(_predictions(ours).ravel().tolist())) > 1


@pytest.mark.slow
@pytest.mark.parametrize("outputs", ["subset", "all"])
def test_a_ray_cluster_gives_the_same_answers(outputs: str, colours: Path) -> None:
    """The choice travels with the network."""
    pytest.importorskip("ray", reason="ray is an extra that is not installed here")
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 1000))
    options: dict[str, Any] = {
        "spec": PLAIN,
        "data": "folder-c",
        "root": colours,
        "outputs": outputs,
        **SMALL,
    }
    here = ppbench.evaluate(network, **options)
    there = ppbench.evaluate(network, engine="ray", **options)
    np.testing.assert_array_equal(_predictions(here), _predictions(there))
    assert _predictions(there).max() < 6 if outputs == "subset" else _predictions(there).max() > 6
