import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ppbench.atomic import sha256_of
from ppbench.errors import InputError
from ppbench.models.checkpoint import save_checkpoint
from ppbench.models.index import IndexEntry, shipped_index
from ppbench.models.input_spec import InputSpec, default_spec
from ppbench.models.load import load_model
from ppbench.models.naming import RECIPES
from ppbench.models.reading import stated_classes
from ppbench.models.registry import architecture
from ppbench.models.requests import ModelRequest, model_requests
from ppbench.training.recipe import load_recipe
from tests.models.foreign_files import images_of, network_of, write
from tests.models.specs import PUSHPULL_2020

PUBLISHED = {"resnet20-cifar10": "resnet-20", "resnet20-pp2020-cifar10": "resnet-20-pp"}


def published(test_data: Path, folder: str) -> Path:
    """A checkpoint of the 2020 push-pull paper."""
    return test_data / "pushpull-2020" / folder / "checkpoint.pth.tar"


@pytest.mark.parametrize("entry", PUBLISHED)
@pytest.mark.parametrize("given", ["architecture", "nothing"])
def test_published_checkpoints(entry: str, given: str, test_data: Path) -> None:
    """The 2020 checkpoints load whole, named or not; their input contract is the index's, known by the file's hash."""
    path = published(test_data, PUBLISHED[entry])
    architecture_name = entry.removesuffix("-cifar10")
    loaded = load_model(
        architecture_name if given == "architecture" else None,
        checkpoint=path,
        data="cifar10-c",
        num_classes=10,
        image_size=32,
    )
    assert loaded.architecture == loaded.name == architecture_name
    assert loaded.spec == PUSHPULL_2020
    assert loaded.spec_source == f"index entry {entry}"
    assert loaded.report is not None
    assert loaded.report.tensors == 128
    assert loaded.sha256 == sha256_of(path)
    assert ("recognised" in loaded.report.summary()) == (given == "nothing")


def test_published_error_through_the_loader(test_data: Path) -> None:
    """uint8 images through `logits` give the published network's known error on the first 1,000 test images."""
    loaded = load_model(checkpoint=published(test_data, "resnet-20"))
    with np.load(test_data / "cifar10" / "test-first1000.npz") as file:
        images = torch.from_numpy(file["images"]).permute(0, 3, 1, 2)
        labels = torch.from_numpy(file["labels"])
    error = 100 * (loaded.logits(images).argmax(1) != labels).double().mean().item()
    assert error == pytest.approx(7.4, abs=0.05)


@pytest.mark.parametrize("model", ["resnet20-cifar10", "resnet20"])
def test_index_from_the_cache(
    model: str, test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id, or an architecture with the data set, takes the index's file from the cache without a network."""
    monkeypatch.setenv("PPBENCH_CACHE", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    shutil.copy(published(test_data, "resnet-20"), tmp_path / "checkpoints" / "resnet20-cifar10.pth.tar")
    loaded = load_model(model, data="cifar10-c", num_classes=10, image_size=32)
    assert loaded.name == model
    assert loaded.checkpoint == tmp_path / "checkpoints" / "resnet20-cifar10.pth.tar"
    assert loaded.spec == PUSHPULL_2020


SHIPPED = [entry for entry in shipped_index() if entry.shipped]


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.id)
def test_shipped_checkpoints(entry: IndexEntry) -> None:
    """Every shipped checkpoint is there, is what the index and its card say, and loads by its names."""
    assert sha256_of(entry.path) == entry.sha256
    assert entry.sha256 in entry.path.with_suffix(".md").read_text()
    for model in (entry.id, entry.architecture)[: 1 if entry.named_only else 2]:
        loaded = load_model(
            model, data=entry.data, num_classes=entry.num_classes, image_size=entry.image_size
        )
        assert loaded.checkpoint == entry.path
        assert loaded.spec == entry.spec


@pytest.mark.parametrize(
    "entry", [entry for entry in SHIPPED if entry.data == "cifar10-c"], ids=lambda entry: entry.id
)
def test_networks_trained_on_jpegs_say_so(entry: IndexEntry) -> None:
    """Their ids and cards do, the corruption that they thereby know is named, and only their ids find them."""
    assert "jpeg" in entry.id
    assert entry.named_only
    card = entry.path.with_suffix(".md").read_text()
    assert "**as JPEGs of quality 75**" in card
    assert "| overlap with the benchmark | **jpeg_compression**" in card
    assert f"| clean error | {entry.clean_error:.2f} % of 1,000 test images" in card
    assert entry.path.stat().st_size < 1_000_000


@pytest.mark.parametrize(
    "entry", [entry for entry in SHIPPED if entry.data == "cifar10-c"], ids=lambda entry: entry.id
)
def test_networks_trained_on_jpegs_err_as_their_cards_say(entry: IndexEntry, test_data: Path) -> None:
    """On the 1,000 lossless test images; one image is 0.1 points, and another processor may see one otherwise."""
    with np.load(test_data / "cifar10" / "test-first1000.npz") as file:
        images, labels = file["images"], file["labels"]
    answers = load_model(entry.id).logits(torch.from_numpy(images).permute(0, 3, 1, 2)).argmax(1)
    assert 100 * (answers.numpy() != labels).mean() == pytest.approx(entry.clean_error, abs=0.21)


def test_weights_of_an_unusual_training_do_not_stand_for_their_architecture() -> None:
    """The line names the ids that would do."""
    with pytest.raises(InputError, match="resnet20-pp-jpeg-cifar10 or resnet20-pp-prime-jpeg-cifar10"):
        load_model("resnet20-pp", data="cifar10-c", num_classes=10, image_size=32)


def test_the_user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An architecture without an index entry takes the user's own file of its name and data set."""
    monkeypatch.setenv("PPBENCH_CHECKPOINTS", str(tmp_path))
    network = network_of("resnet56a-pp5")
    save_checkpoint(
        tmp_path / "resnet56a-pp5-digits-c.safetensors", network, {"architecture": "resnet56a-pp5"}
    )
    loaded = load_model("resnet56a-pp5", data="digits-c")
    assert torch.equal(loaded.module(images_of()), network(images_of()))
    with pytest.raises(
        InputError, match="resnet56a-pp5: no published weights for cifar10-c: give yours with --checkpoint"
    ):
        load_model("resnet56a-pp5", data="cifar10-c")


def test_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without weights, one short line says what to do: a file, a plain network's weights, or a training."""
    monkeypatch.setenv("PPBENCH_CHECKPOINTS", str(tmp_path))
    with pytest.raises(InputError) as caught:
        load_model("resnet50-pp", data="imagenet-c")
    assert str(caught.value) == (
        "resnet50-pp: no published weights for imagenet-c: give yours with --checkpoint FILE, or a plain resnet50's "
        "with --as resnet50-pp (not trained as push-pull, which every table says), or train it: "
        "ppbench train --recipe imagenet-paper --model resnet50-pp"
    )


def test_the_recipes_that_are_named_are_for_those_data() -> None:
    """A recipe that a message names exists, and trains for the data that were asked for."""
    assert {load_recipe(recipe).data: recipe for recipe in RECIPES.values()} == RECIPES


def test_own_metadata_comes_back(tmp_path: Path) -> None:
    """What is saved beside the weights recognises the network and sets its input contract; same input, same bytes."""
    spec = InputSpec(32, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7))
    network = network_of("resnet18-pp5")
    metadata = {"architecture": "resnet18-pp5", "num_classes": 10, "image_size": 32, "input": spec.to_dict()}
    for name in ("a.safetensors", "b.safetensors"):
        save_checkpoint(
            tmp_path / name, network, metadata | {"seed": 3, "recipe": "digits", "data": "digits-c"}
        )
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    loaded = load_model(checkpoint=tmp_path / "a.safetensors")
    assert loaded.architecture == "resnet18-pp5"
    assert (loaded.spec, loaded.spec_source) == (spec, "checkpoint metadata")
    assert torch.equal(loaded.module(images_of()), network(images_of()))


def test_flags_come_first(tmp_path: Path) -> None:
    """A flag counts before everything else, field by field, and is named as the source."""
    spec = InputSpec(32, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7))
    save_checkpoint(
        tmp_path / "f", network_of("resnet20"), {"architecture": "resnet20", "input": spec.to_dict()}
    )
    loaded = load_model(checkpoint=tmp_path / "f", spec={"mean": [0.0, 0.0, 0.0], "std": None})
    assert loaded.spec == InputSpec(32, (0, 0, 0), (0.5, 0.6, 0.7))
    assert loaded.spec_source == "flags (mean) over checkpoint metadata"


def test_the_default_contract(tmp_path: Path) -> None:
    """Where nothing says otherwise the contract is the usual one for the image size, and says so."""
    path = write(tmp_path / "f", network_of("resnet20").state_dict(), "zip")
    loaded = load_model("resnet20", checkpoint=path, image_size=32)
    assert (loaded.spec, loaded.spec_source) == (default_spec(32), "the default for images of 32 pixels")


def test_other_image_size(tmp_path: Path) -> None:
    """Images of another size than the checkpoint's are refused unless a flag says how to bring them to it."""
    spec = default_spec(32)
    path = tmp_path / "f"
    save_checkpoint(path, network_of("resnet20"), {"architecture": "resnet20", "input": spec.to_dict()})
    with pytest.raises(InputError, match=r"expected images of 32 pixels .*, got 64: pass --resize 32"):
        load_model("resnet20", checkpoint=path, image_size=64)
    loaded = load_model("resnet20", checkpoint=path, image_size=64, spec={"resize": 32})
    assert loaded.prepare(torch.zeros(1, 3, 64, 64, dtype=torch.uint8)).shape == (1, 3, 32, 32)


WRONG = {
    "another class count": (
        "resnet20",
        7,
        {"num_classes": 10},
        "expected 10 classes, got resnet20 .*7 classes",
    ),
    "another depth": (
        "resnet20",
        10,
        {"model": "resnet32"},
        "expected the weights of resnet32, got resnet20 .*16 3x3",
    ),
    "another family": (
        "resnet20",
        10,
        {"model": "resnet18"},
        "expected the weights of resnet18, got resnet20",
    ),
    "a push-pull network": (
        "resnet20-pp",
        10,
        {"model": "resnet20"},
        "got resnet20 .push-pull stem with trained",
    ),
    "a plain network": ("resnet20", 10, {"model": "resnet20-pp"}, "3 missing .*1 unexpected .conv1.weight"),
    "the other shortcuts": ("resnet20a", 10, {"model": "resnet20"}, "10 missing .layer2.0.downsample"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_networks(case: str, tmp_path: Path) -> None:
    """Weights of another network are refused, with what they look like and what does not fit; nothing loads in part."""
    name, classes, arguments, words = WRONG[case]
    path = write(tmp_path / "w.pt", network_of(name, classes).state_dict(), "zip")
    with pytest.raises(InputError, match=words) as caught:
        load_model(**{"model": name, "checkpoint": path, "image_size": 32, **arguments})  # type: ignore[arg-type]  # a table of keyword arguments
    assert str(caught.value).startswith(str(path))


def test_a_partial_file(tmp_path: Path) -> None:
    """A file that lacks one tensor, or has one too many, is refused."""
    state = network_of("resnet20").state_dict()
    path = write(
        tmp_path / "w.pt", {k: v for k, v in state.items() if k != "layer2.1.bn2.running_mean"}, "zip"
    )
    with pytest.raises(InputError, match=r"1 missing \(layer2.1.bn2.running_mean\)"):
        load_model("resnet20", checkpoint=path)
    path = write(tmp_path / "w.pt", state | {"extra.weight": torch.zeros(3)}, "zip")
    with pytest.raises(InputError, match=r"1 unexpected \(extra.weight\)"):
        load_model("resnet20", checkpoint=path)


@pytest.mark.parametrize(
    "content, words",
    [
        ([1, 2], "expected a dictionary of weights, got a list"),
        ({"epoch": 3}, "expected weights, got a dictionary of epoch"),
        ({}, "a dictionary of nothing"),
        ({1: torch.zeros(1)}, "expected a dictionary of weights, got a dict"),
        (torch.zeros(3), "expected a dictionary of weights, got a Tensor"),
        ({"state_dict": {"state_dict": {}}}, "expected weights, got a dictionary of state_dict"),
    ],
)
def test_no_weights_inside(content: object, words: str, tmp_path: Path) -> None:
    """A file of torch.save without weights in it is refused with what there is."""
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(InputError, match=words):
        load_model("resnet20", checkpoint=tmp_path / "w.pt")


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({}, "no model and no checkpoint named"),
        (
            {"model": "resnet20-cifar10", "checkpoint": "x.pt"},
            "has weights of its own: leave out --checkpoint x.pt",
        ),
        ({"model": "resnet20-cifar10", "data": "digits-c"}, "expected data cifar10-c"),
        ({"model": "rensnet50"}, "did you mean 'resnet50'"),
        ({"model": "resnet20-pp2020-cifar1"}, "did you mean 'resnet20-pp2020-cifar10'"),
        ({"model": "torchvision:resnet51"}, "unknown torchvision model 'resnet51': did you mean 'resnet50'"),
        ({"model": "torchvision:resnet50@IMAGENET1K_V3"}, "did you mean 'IMAGENET1K_V2'"),
        ({"model": "nowhere.py:make"}, "nowhere.py: no such file: --model FILE.py:FUNCTION"),
    ],
)
def test_refused_requests(arguments: dict[str, str], words: str) -> None:
    """Names that do not exist and requests that contradict themselves get one line."""
    with pytest.raises(InputError, match=words):
        load_model(**arguments)  # type: ignore[arg-type]  # a table of keyword arguments


def test_stems_follow_the_weights(tmp_path: Path) -> None:
    """A network with the ImageNet stem answers small images too: the stem is the weights', not the image size's."""
    network = architecture("resnet18").build(10, 224).eval()
    path = write(tmp_path / "w.pt", network.state_dict(), "zip")
    loaded = load_model("resnet18", checkpoint=path, image_size=64)
    x = images_of(64)
    assert torch.equal(loaded.module(x), network(x))


def test_logits_follow_the_contract() -> None:
    """`logits` scales, resizes, crops, changes the range and normalises, in this order."""
    from ppbench.models.loaded_model import LoadedModel

    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Identity())
    images = torch.randint(0, 256, (2, 3, 12, 8), dtype=torch.uint8)
    spec = InputSpec(4, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), resize=6, crop=4, value_range=(0, 255))
    x = torch.nn.functional.interpolate(images.float() / 255, (9, 6), mode="bilinear", antialias=True)[
        ..., 2:6, 1:5
    ]
    expected = (x * 255 - torch.tensor(spec.mean).view(3, 1, 1)) / torch.tensor(spec.std).view(3, 1, 1)
    torch.testing.assert_close(LoadedModel("m", "m", module, spec, 48).logits(images), expected.flatten(1))
    inside = InputSpec(12, (0, 0, 0), (1, 1, 1), normalised_inside=True)
    torch.testing.assert_close(
        LoadedModel("m", "m", module, inside, 288).logits(images), images.flatten(1) / 255
    )


def test_normalisation_has_the_usual_bits() -> None:
    """The input is bit for bit that of ToTensor and Normalize, so that published errors can be met exactly."""
    from torchvision.transforms.functional import normalize, to_tensor

    from ppbench.models.loaded_model import LoadedModel

    loaded = LoadedModel("m", "m", torch.nn.Identity(), default_spec(32), 10)
    images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    expected = [
        normalize(to_tensor(image.permute(1, 2, 0).numpy()), list(loaded.spec.mean), list(loaded.spec.std))
        for image in images
    ]
    assert torch.equal(loaded.prepare(images), torch.stack(expected))


def test_wrong_logits() -> None:
    """A network that gives something else than (N, classes) is caught at the first batch."""
    from ppbench.models.loaded_model import LoadedModel

    loaded = LoadedModel("odd", "odd", torch.nn.Identity(), default_spec(32), 10)
    with pytest.raises(InputError, match=r"odd: expected logits \(2, 10\), got \(2, 3, 32, 32\)"):
        loaded.logits(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))


@pytest.mark.parametrize("called", ["w.safetensors", "w.bin", "w", "w.pt"])
def test_the_class_order_is_read_whatever_the_file_is_called(called: str, tmp_path: Path) -> None:
    """A safetensors file says what it was trained on under any name under which it loads; no other file does."""
    path = tmp_path / called
    facts = {"architecture": "resnet20", "num_classes": 3, "image_size": 32, "classes": ["1", "2", "10"]}
    save_checkpoint(path, architecture("resnet20").build(3, 32), facts)
    assert load_model(checkpoint=path).num_classes == 3
    assert stated_classes(path) == ("1", "2", "10")
    torch.save({"conv1.weight": torch.ones(2)}, path)
    assert stated_classes(path) is None
    path.unlink()
    assert stated_classes(path) is None


def test_paths_of_every_kind_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `Path` is a file as a text is, whatever it is called, and ``~`` is the home folder in both arguments."""
    monkeypatch.setenv("HOME", str(tmp_path))
    file = write(tmp_path / "w.safetensors", network_of("resnet20").state_dict(), "safetensors")
    shutil.copy(file, tmp_path / "resnet20")
    loaded = [
        load_model(file),
        load_model("~/w.safetensors"),
        load_model(Path("~/w.safetensors")),
        load_model(tmp_path / "resnet20"),
        load_model("resnet20", checkpoint="~/w.safetensors"),
        load_model("resnet20", checkpoint=Path("~/resnet20")),
    ]
    assert {each.sha256 for each in loaded} == {sha256_of(file)}
    assert {each.name for each in loaded} == {"resnet20"}
    assert [each.checkpoint for each in loaded] == [
        *[file] * 3,
        tmp_path / "resnet20",
        file,
        tmp_path / "resnet20",
    ]
    assert model_requests(["resnet20=~/w.safetensors", "~/w.safetensors"], []) == [
        ModelRequest("resnet20", file),
        ModelRequest(None, file),
    ]


@pytest.mark.parametrize(
    ("model", "checkpoint", "line"),
    [
        ("~no-such-user/w.pt", None, "~no-such-user/w.pt: no such file of weights: check its path"),
        (5, None, "expected a model's name or the path of a file, got int"),
        ("resnet20", b"w.pt", "expected a model's name or the path of a file, got bytes"),
        (Path("a.pt"), "b.pt", "two files of weights, a.pt and b.pt: give one"),
    ],
)
def test_what_is_no_path_is_one_line(model: Any, checkpoint: Any, line: str) -> None:
    """A home that is not there, and what is neither a name nor a path, are said."""
    with pytest.raises(InputError, match=f"^{line}"):
        load_model(model, checkpoint=checkpoint)
