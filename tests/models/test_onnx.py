"""ONNX graphs, written with the `onnx` package and run by onnxruntime."""

import hashlib
import json
import random
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from ppbench.cli import app
from ppbench.errors import InputError
from ppbench.models.load import load_model
from ppbench.models.onnx_graphs import providers
from tests.models.foreign_files import images_of, network_of
from tests.models.test_fuzz import DAMAGES

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed here")
pytest.importorskip("onnxruntime", reason="onnxruntime is an extra that is not installed here")

WEIGHT = np.random.default_rng(0).standard_normal((3, 10)).astype(np.float32)


def graph(
    path: Path,
    shape: tuple[Any, ...] = ("batch", 3, 32, 32),
    *,
    outputs: int = 1,
    kind: type[np.generic] = np.float32,
    external: str | None = None,
) -> Path:
    """A graph whose logits are the channels' means times WEIGHT; its further outputs are those negated."""
    from onnx import helper, numpy_helper

    taken = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    inner: type[np.generic] = np.float32 if kind is np.uint8 else kind
    given = helper.np_dtype_to_tensor_dtype(np.dtype(inner))
    weight = np.resize(WEIGHT, (shape[1], 10)).astype(inner)
    nodes = [
        helper.make_node("Cast", ["image"], ["numbers"], to=given),
        helper.make_node("ReduceMean", ["numbers"], ["means"], axes=list(range(2, len(shape))), keepdims=0),
        helper.make_node("MatMul", ["means", "weight"], ["logits0"]),
        *(helper.make_node("Neg", ["logits0"], [f"logits{n}"]) for n in range(1, outputs)),
    ]
    made = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info("image", taken, shape)],
        [helper.make_tensor_value_info(f"logits{n}", given, (shape[0], 10)) for n in range(outputs)],
        [numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if external is None:
        path.write_bytes(model.SerializeToString())
    else:
        (path.parent / external).parent.mkdir(exist_ok=True)
        onnx.save_model(model, path, save_as_external_data=True, location=external, size_threshold=0)
    return path


def expected(images: torch.Tensor) -> torch.Tensor:
    """What the graph answers."""
    return images.mean((2, 3)) @ torch.from_numpy(WEIGHT)


@pytest.mark.parametrize("named", [False, True])
def test_a_graph_answers(named: bool, tmp_path: Path) -> None:
    """A graph of any batch size gives its logits, by --checkpoint or by --model; what it is gets reported."""
    path = graph(tmp_path / "net.onnx")
    loaded = load_model(str(path)) if named else load_model(checkpoint=path, num_classes=10, image_size=32)
    x = torch.randn(5, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(loaded.module(x), expected(x))
    assert loaded.logits(torch.zeros(4, 3, 32, 32, dtype=torch.uint8)).shape == (4, 10)
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.checkpoint == path
    assert (loaded.num_classes, loaded.spec.size) == (10, 32)
    assert loaded.spec_source == "the default for images of 32 pixels"
    assert loaded.report is not None
    assert loaded.report.summary() == "an ONNX graph, input 'image', 32 pixels, any batch size"


@pytest.mark.parametrize("fixed", [None, 1, 4])
def test_a_network_that_torch_exported(fixed: int | None, tmp_path: Path) -> None:
    """A push-pull ResNet that torch exported gives the logits of the network itself."""
    network, path = network_of("resnet20-pp"), tmp_path / "net.onnx"
    axes = {"x": {0: "batch"}} if fixed is None else None
    x = images_of().repeat(2, 1, 1, 1)[:fixed]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no further package is called legacy
        torch.onnx.export(network, (x,), str(path), dynamo=False, input_names=["x"], dynamic_axes=axes)
    loaded = load_model(checkpoint=path, num_classes=10, image_size=32)
    images = torch.randn(6, 3, 32, 32)
    torch.testing.assert_close(loaded.module(images), network(images).detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch, count", [(1, 3), (4, 1), (4, 4), (4, 9)])
def test_a_fixed_batch(batch: int, count: int, tmp_path: Path) -> None:
    """A graph made for one batch size answers for any number of images; the padding is cut off again."""
    loaded = load_model(checkpoint=graph(tmp_path / "net.onnx", (batch, 3, 32, 32)), image_size=32)
    x = torch.randn(count, 3, 32, 32)
    torch.testing.assert_close(loaded.module(x), expected(x))
    assert loaded.report is not None
    assert f"batches of {batch}, the last one padded" in loaded.report.summary()


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_other_precisions(kind: type[np.floating[Any]], tmp_path: Path) -> None:
    """Half and double precision are the graph's own affair: images come and logits go as float32."""
    loaded = load_model(checkpoint=graph(tmp_path / "net.onnx", kind=kind), image_size=32)
    images = torch.randint(256, (2, 3, 32, 32), dtype=torch.uint8)
    logits = loaded.logits(images)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, expected(loaded.prepare(images)), rtol=5e-3, atol=5e-3)


def test_the_size_of_the_images(tmp_path: Path) -> None:
    """Images of another size than the graph's are refused until the user has them resized; any size is any size."""
    path = graph(tmp_path / "net.onnx", ("batch", 3, 64, 64))
    with pytest.raises(InputError, match=r"expected images of 64 pixels.*got 32: pass --resize 64"):
        load_model(checkpoint=path, image_size=32)
    resized = load_model(checkpoint=path, image_size=32, spec={"resize": 64})
    assert resized.spec.size == 64
    assert resized.spec_source == "flags (resize) over the default for images of 32 pixels"
    assert resized.logits(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape == (2, 10)
    cropped = load_model(checkpoint=path, image_size=32, spec={"resize": 72, "crop": 64})
    assert cropped.prepare(torch.zeros(1, 3, 32, 32, dtype=torch.uint8)).shape == (1, 3, 64, 64)
    free = graph(tmp_path / "free.onnx", ("n", 3, "h", "w"))
    assert load_model(checkpoint=free, image_size=48).spec.size == 48


def test_flags_come_first(tmp_path: Path) -> None:
    """The input contract that the user gives counts, and the report says so."""
    flags = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}
    loaded = load_model(checkpoint=graph(tmp_path / "net.onnx"), image_size=32, spec=flags)
    assert loaded.spec.mean == (0.5, 0.5, 0.5)
    assert loaded.spec_source == "flags (mean, std) over the default for images of 32 pixels"


def refusal(path: Path, **wish: Any) -> str:
    """The line that loading a graph ends in."""
    with pytest.raises(InputError) as caught:
        load_model(checkpoint=path, **wish)
    line = str(caught.value)
    assert line.startswith(str(path) if "num_classes" not in wish else path.name)
    assert "\n" not in line
    return line


def test_class_count(tmp_path: Path) -> None:
    """The classes are counted before the run."""
    line = refusal(graph(tmp_path / "net.onnx"), image_size=32, num_classes=100)
    assert "expected 100 classes, got a network with 10" in line


def test_other_graphs(tmp_path: Path) -> None:
    """A graph that is no classifier of images is called what it is."""
    path = tmp_path / "net.onnx"
    assert "(N, 3, size, size), got (1, 32, 32, 3)" in refusal(graph(path, (1, 32, 32, 3)))
    assert "(N, 3, size, size), got (batch, 1, 28, 28)" in refusal(graph(path, ("batch", 1, 28, 28)))
    assert "(N, 3, size, size), got (batch, 3, 32)" in refusal(graph(path, ("batch", 3, 32)))
    assert "one output, got 2 ('logits0', 'logits1')" in refusal(graph(path, outputs=2))
    assert "got tensor(uint8)" in refusal(graph(path, kind=np.uint8))


def test_with_a_name_of_ours(tmp_path: Path) -> None:
    """A graph holds no weights for a network of ours; the line says how to run it."""
    with pytest.raises(InputError, match="got an ONNX graph: leave out --model to run it"):
        load_model("resnet20", checkpoint=graph(tmp_path / "net.onnx"))


def test_damaged_files(tmp_path: Path) -> None:
    """Damaged and cut files are one line, and a web page under the name is called one."""
    path = graph(tmp_path / "net.onnx")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cannot run this graph" in refusal(path)
    path.write_bytes(whole.replace(b"ReduceMean", b"ReduceMoan"))
    assert "cannot run this graph" in refusal(path)
    path.write_bytes(b"<!DOCTYPE html><html>Not found</html>")
    assert "a web page" in refusal(path)
    with pytest.raises(InputError, match="no such file"):
        load_model(str(tmp_path / "none.onnx"))


def test_weights_in_another_file(tmp_path: Path) -> None:
    """Weights beside the graph are found, and count in its sha256: other weights are another model."""
    for name in ("weights.bin", "w" * 150 + "/weights.bin"):
        path = graph(tmp_path / "net.onnx", external=name)
        loaded = load_model(checkpoint=path, image_size=32)
        x = images_of()
        torch.testing.assert_close(loaded.module(x), expected(x))
        weights = tmp_path / name
        lines = "".join(
            f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {shown}\n"
            for file, shown in ((path, "net.onnx"), (weights, name))
        )
        assert loaded.sha256 == hashlib.sha256(lines.encode()).hexdigest()
        weights.write_bytes(bytes(weights.stat().st_size))
        assert load_model(checkpoint=path, image_size=32).sha256 != loaded.sha256
        weights.unlink()
        assert "cannot run this graph" in refusal(path)


def test_weights_from_elsewhere(tmp_path: Path) -> None:
    """A graph does not reach for files outside its folder."""
    (tmp_path / "inside").mkdir()
    path = graph(tmp_path / "inside" / "net.onnx", external="aa/secrets")
    (tmp_path / "inside" / "aa" / "secrets").rename(tmp_path / "secrets")
    path.write_bytes(path.read_bytes().replace(b"aa/secrets", b"../secrets"))
    line = refusal(path)
    assert "cannot run this graph" in line or "outside its own folder" in line


def test_without_onnxruntime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without onnxruntime, one line says how to install it."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"needs the package onnxruntime: pip install onnxruntime"):
        load_model(checkpoint=graph(tmp_path / "net.onnx"))


def test_where_it_runs() -> None:
    """On a CUDA device onnxruntime runs there if it can; the CPU is always the last resort."""
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    cuda = ("CUDAExecutionProvider", {"device_id": 1})
    assert providers(torch.device("cuda:1"), both) == [cuda, "CPUExecutionProvider"]
    assert providers(torch.device("cuda"), both[1:]) == ["CPUExecutionProvider"]
    assert providers(torch.device("cpu"), both) == ["CPUExecutionProvider"]


@pytest.mark.parametrize("flag", ["--checkpoint", "--model"])
def test_on_the_command_line(flag: str, tmp_path: Path) -> None:
    """`ppbench eval` takes a graph by either flag; stderr says what it is and where its input comes from."""
    path, run = graph(tmp_path / "net.onnx", ("batch", 3, 8, 8)), tmp_path / "run"
    few = ["--corruptions", "brightness", "--severities", "1", "--limit", "20", "--resize", "8"]
    done = CliRunner().invoke(app, ["eval", flag, str(path), *few, "--device", "cpu", "--out", str(run)])
    assert done.exit_code == 0, done.output
    said = "".join(done.stderr.split())
    assert "anONNXgraph,input'image',8pixels,anybatchsize" in said
    assert "from flags (resize) over the default for images of".replace(" ", "") in said
    (model,) = json.loads((run / "run.json").read_text())["models"]
    assert model["name"] == "net.onnx"
    assert model["checkpoint_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("seeds", [range(300), pytest.param(range(300, 2300), marks=pytest.mark.slow)])
def test_damage(seeds: range, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Randomly damaged graphs are one line or a graph that answers; nothing is printed beside it."""
    path = graph(tmp_path / "net.onnx")
    pristine, outcomes = path.read_bytes(), Counter[str]()
    for seed in seeds:
        rng = random.Random(seed)  # noqa: S311  not a secret
        path.write_bytes(rng.choice(DAMAGES)(bytearray(pristine), rng))
        try:
            loaded = load_model(checkpoint=path, image_size=32, num_classes=10)
        except InputError as error:
            assert "\n" not in str(error), seed  # noqa: PT017  either outcome is right; this is one of them
            outcomes["refused"] += 1
        else:
            assert loaded.module(torch.zeros(3, 3, 32, 32)).shape == (3, 10), seed
            outcomes["answered"] += 1
    assert set(outcomes) == {"refused", "answered"}
    assert capfd.readouterr() == ("", "")
