"""A zoo's network with a file's weights takes the zoo's own input contract: every network, and by its own answers."""

import argparse
import json
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
import torchvision.transforms.v2.functional as TF
from safetensors.torch import save_file
from torch import nn
from typer.testing import CliRunner

from ppbench.cli import app
from ppbench.errors import InputError
from ppbench.models import timm_models, torchvision_models
from ppbench.models.checkpoint import Weights, read_weights
from ppbench.models.input_spec import IMAGENET_MEAN, IMAGENET_STD
from ppbench.models.load import load_model
from tests.models.foreign_files import write
from tests.models.zoo_files import answering, photographs, saved

NO_FILE = "0" * 64
TORCHVISION = torchvision.models.list_models(module=torchvision.models)
WITH_TRANSFORM_INPUT = ("googlenet", "inception_v3")


@pytest.fixture
def timm() -> Any:
    """The timm library."""
    return pytest.importorskip("timm", reason="timm is an extra that is not installed here")


@pytest.fixture(scope="module")
def unlike_any(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Weights that show nothing of their network."""
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    return read_weights(path)


def every_torchvision() -> list[tuple[str, str]]:
    """Every network of torchvision with each of its weights that classify."""
    return [
        (name, weights.name)
        for name in TORCHVISION
        for weights in torchvision.models.get_model_weights(name)
        if weights.meta["categories"] is not None
    ]


@pytest.mark.parametrize(("name", "weights_name"), every_torchvision())
def test_every_torchvision_network(name: str, weights_name: str, unlike_any: Weights) -> None:
    """The contract of NAME@WEIGHTS with a file is that of torchvision's own transforms of these weights."""
    model = f"torchvision:{name}@{weights_name}"
    _, _, contract = torchvision_models.with_file(model, unlike_any, NO_FILE, 224)
    theirs = torchvision.models.get_model_weights(name)[weights_name].transforms()
    spec = contract.spec
    assert [spec.size, spec.crop, spec.resize] == [*theirs.crop_size, *theirs.crop_size, *theirs.resize_size]
    assert (spec.interpolation, spec.antialias) == (theirs.interpolation.value, theirs.antialias)
    half = [0.5, 0.5, 0.5]
    expected = (half, half) if name in WITH_TRANSFORM_INPUT else (theirs.mean, theirs.std)
    assert (list(spec.mean), list(spec.std)) == expected
    assert contract.num_classes == 1000
    assert contract.assumed == ()


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_without_named_weights(name: str, unlike_any: Weights) -> None:
    """Without @WEIGHTS torchvision's default ones count, and where others want another input, that is said."""
    _, _, contract = torchvision_models.with_file(f"torchvision:{name}", unlike_any, NO_FILE, 224)
    kinds = torchvision.models.get_model_weights(name)
    assert contract.said_by.startswith(f"torchvision's transforms of {kinds.DEFAULT.name}")
    seen = {
        (t.crop_size[0], tuple(t.mean), tuple(t.std), t.interpolation if t.crop_size != [224] else None)
        for t in (each.transforms() for each in kinds if each.meta["categories"] is not None)
    }
    said = [clause for clause in contract.assumed if clause.startswith("the input of")]
    assert len(said) == (len(seen) > 1)


@pytest.mark.parametrize("name", WITH_TRANSFORM_INPUT)
def test_transform_input_is_part_of_the_contract(name: str, tmp_path: Path) -> None:
    """What torchvision's network makes of an image before its first layer is what ppbench's sees of it."""
    make = getattr(torchvision.models, name)
    theirs = make(weights=None, init_weights=False, transform_input=True).eval()
    loaded = load_model(
        f"torchvision:{name}", checkpoint=saved(tmp_path / "w.safetensors", theirs), image_size=224
    )
    assert loaded.module.transform_input is False
    images = photographs(loaded.spec.size, 4)
    normalised = TF.normalize(images / 255, IMAGENET_MEAN, IMAGENET_STD)
    torch.testing.assert_close(loaded.prepare(images), theirs._transform_input(normalised), rtol=0, atol=1e-6)
    assert "transform_input, which torchvision's weights come with" in loaded.assumed[0]
    scratch = load_model(
        f"torchvision:{name}",
        checkpoint=tmp_path / "w.safetensors",
        spec={"mean": IMAGENET_MEAN, "std": IMAGENET_STD},
    )
    torch.testing.assert_close(scratch.prepare(images), normalised, rtol=0, atol=1e-6)
    # Right for a network of one's own, and wrong for torchvision's weights: it is remarked.
    (clause,) = scratch.assumed
    assert "transform_input is off" in clause


@pytest.mark.parametrize("heads", ["with", "without", "of other classes"])
def test_auxiliary_heads_do_not_matter(heads: str, tmp_path: Path) -> None:
    """Answers do not use googlenet's auxiliary heads: a file has them, has them not, or has those of ImageNet."""
    theirs = torchvision.models.googlenet(
        weights=None, init_weights=False, num_classes=7, aux_logits=heads != "without"
    )
    if heads == "of other classes":
        theirs.aux1.fc2 = nn.Linear(1024, 1000)
    path = saved(tmp_path / "w.safetensors", theirs)
    loaded = load_model("torchvision:googlenet", checkpoint=path, num_classes=7, image_size=224)
    x = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded.module(x), theirs.eval()(x))


def test_the_file_itself_says_which_weights_it_has(unlike_any: Weights) -> None:
    """A file as torchvision publishes it is known by its digest; naming other weights for it is refused."""
    v1 = torchvision.models.EfficientNet_B1_Weights.IMAGENET1K_V1
    sha256 = v1.url.rpartition("-")[2].removesuffix(".pth").ljust(64, "0")
    _, _, contract = torchvision_models.with_file("torchvision:efficientnet_b1", unlike_any, sha256, 224)
    assert (contract.spec.interpolation, contract.spec.resize, contract.assumed) == ("bicubic", 256, ())
    named = "torchvision:efficientnet_b1@IMAGENET1K_V2"
    with pytest.raises(
        InputError,
        match="expected IMAGENET1K_V2 of torchvision:efficientnet_b1, got the file of IMAGENET1K_V1",
    ):
        torchvision_models.with_file(named, unlike_any, sha256, 224)


def test_unknown_weights_with_a_file(tmp_path: Path) -> None:
    """Weights that torchvision does not have are refused, although the file has others of its own."""
    path = saved(tmp_path / "w.safetensors", torchvision.models.mobilenet_v2())
    with pytest.raises(InputError, match="unknown weights of torchvision:mobilenet_v2 'IMAGENET1K_V3'"):
        load_model("torchvision:mobilenet_v2@IMAGENET1K_V3", checkpoint=path)


@pytest.mark.parametrize(
    ("side", "interpolation", "source"),
    [
        (
            224,
            "bilinear",
            "transforms of IMAGENET1K_V1 (its resize and crop left out: the images have that size)",
        ),
        (384, "bicubic", "transforms of IMAGENET1K_SWAG_E2E_V1"),
        (256, "bilinear", "transforms of IMAGENET1K_V1, 256 pixels by its position embeddings"),
    ],
)
def test_a_transformer_has_the_size_of_its_position_embeddings(
    side: int, interpolation: str, source: str, tmp_path: Path
) -> None:
    """Of torchvision's ViT weights those of the file's size are taken; a size of one's own is taken as well."""
    # Two layers instead of twelve would be another network: the embeddings alone are looked at.
    positions = {"encoder.pos_embedding": torch.zeros(1, (side // 16) ** 2 + 1, 768)}
    path = write(tmp_path / "w.pt", positions | {"conv_proj.weight": torch.zeros(768, 3, 16, 16)}, "zip")
    architecture, _, contract = torchvision_models.with_file(
        "torchvision:vit_b_16", read_weights(path), NO_FILE, 224
    )
    with torch.device("meta"):
        network = architecture.build(10, 224)
    assert network.state_dict()["encoder.pos_embedding"].shape == positions["encoder.pos_embedding"].shape
    claim = contract.claim(224)
    said, spec = claim.who, claim.spec
    assert said.endswith(source)
    assert (spec.size, spec.resize, spec.interpolation) == (
        side,
        None if side == 224 else side,
        interpolation,
    )


def check_timm(timm: Any, name: str, weights: Weights) -> None:
    """Compare a contract with the transform that timm itself makes for a network."""
    config = timm.data.resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    if config["input_size"][1] != config["input_size"][2]:
        with pytest.raises(InputError, match=f"timm:{name}: expected a network of square images"):
            timm_models.with_file(f"timm:{name}", weights, NO_FILE, 224)
        return
    _, contract = timm_models.with_file(f"timm:{name}", weights, NO_FILE, 224)
    spec = contract.spec
    steps = {type(step).__name__: step for step in timm.data.create_transform(**config).transforms}
    normalise = steps["Normalize"]
    assert torch.equal(torch.tensor(spec.mean), normalise.mean), name
    assert torch.equal(torch.tensor(spec.std), normalise.std), name
    assert spec.size == config["input_size"][-1], name
    assert spec.resize == floor(spec.size / config["crop_pct"]), name
    if config["crop_mode"] == "center":
        assert (spec.resize, (spec.crop,) * 2) == (steps["Resize"].size, tuple(steps["CenterCrop"].size)), (
            name
        )
        assert spec.interpolation == steps["Resize"].interpolation.value, name
    assert spec.interpolation == config["interpolation"], name


@pytest.mark.parametrize(
    "name", ["vit_tiny_patch16_224", "mobilevit_xxs", "tf_efficientnet_lite0", "eva02_tiny_patch14_224"]
)
def test_timm_contracts(name: str, timm: Any, unlike_any: Weights) -> None:
    """The contract of a timm network with a file is that of timm's own transform."""
    check_timm(timm, name, unlike_any)


@pytest.mark.slow
def test_timm_contracts_of_every_network(timm: Any, unlike_any: Weights) -> None:
    """So it is for every network of timm."""
    for name in timm.list_models():
        check_timm(timm, name, unlike_any)


@pytest.mark.slow
def test_timms_networks_say_the_same(timm: Any) -> None:
    """A network itself carries the configuration that the list has for its name: one network of each family."""
    families = {timm.models._registry._model_to_module[name]: name for name in reversed(timm.list_models())}
    assert len(families) >= 60
    for name in families.values():
        with torch.device("meta"):
            network = timm.create_model(name)
        assert network.pretrained_cfg == timm.get_pretrained_cfg(name).to_dict(), name


def test_names_of_timms_past(timm: Any, unlike_any: Weights) -> None:
    """A name that timm still takes for another network has that one's contract."""
    with pytest.warns(UserWarning, match="deprecated"):
        _, contract = timm_models.with_file("timm:vit_base_patch16_224_in21k", unlike_any, NO_FILE, 224)
    assert contract.said_by == "timm's configuration of vit_base_patch16_224.augreg_in21k"
    assert contract.spec.mean == (0.5, 0.5, 0.5)


def test_tags_of_timm(timm: Any, unlike_any: Weights) -> None:
    """NAME.TAG chooses; without a tag timm's default counts, and where other tags want another input, that is said."""
    _, default = timm_models.with_file("timm:tf_efficientnet_b0", unlike_any, NO_FILE, 224)
    (said,) = default.assumed
    assert said == (
        "the input of tf_efficientnet_b0.ns_jft_in1k, timm's default; that of tf_efficientnet_b0.ap_in1k differs: "
        "--model timm:tf_efficientnet_b0.ap_in1k takes it"
    )
    _, other = timm_models.with_file("timm:tf_efficientnet_b0.ap_in1k", unlike_any, NO_FILE, 224)
    assert (other.spec.mean, other.assumed) == ((0.5, 0.5, 0.5), ())
    url = timm.get_pretrained_cfg("tf_efficientnet_b0.ap_in1k").url
    sha256 = url.rpartition("-")[2].removesuffix(".pth").ljust(64, "0")
    _, known = timm_models.with_file("timm:tf_efficientnet_b0", unlike_any, sha256, 224)
    assert known == other
    with pytest.raises(InputError, match="unknown weights of timm:tf_efficientnet_b0"):
        timm_models.with_file("timm:tf_efficientnet_b0.apin1k", unlike_any, NO_FILE, 224)


def test_what_timms_training_left_in_the_file(timm: Any, tmp_path: Path) -> None:
    """The arguments of timm's train script go before its configuration, as they do in timm itself."""
    network = timm.create_model("test_vit", num_classes=7)
    arguments = argparse.Namespace(
        model="test_vit.r160_in1k",
        img_size=None,
        mean=[0.1, 0.2, 0.3],
        std=[0.5],
        interpolation="",
        crop_pct=1.0,
    )
    arguments.std = [0.4, 0.5, 0.6]
    content = {
        "epoch": 3,
        "arch": "test_vit",
        "state_dict": network.state_dict(),
        "version": 2,
        "args": arguments,
    }
    loaded = load_model(
        "timm:test_vit",
        checkpoint=write(tmp_path / "w.pth.tar", content, "zip"),
        num_classes=7,
        image_size=224,
    )
    theirs = timm.data.resolve_data_config(vars(arguments), model=network)
    assert (loaded.spec.mean, loaded.spec.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert (loaded.spec.mean, loaded.spec.size) == (theirs["mean"], theirs["input_size"][-1])
    assert (
        loaded.spec_source == "timm's training in the file, over timm's configuration of test_vit.r160_in1k"
    )
    assert loaded.assumed == ()


def test_odd_arguments_of_timms_training(timm: Any, tmp_path: Path) -> None:
    """Arguments that timm itself would not take are one line."""
    network = timm.create_model("test_vit", num_classes=7)
    for odd in (
        {"img_size": "big"},
        {"mean": [1, 2]},
        {"crop_pct": "x"},
        {"input_size": [3]},
    ):
        content = {
            "arch": "test_vit",
            "state_dict": network.state_dict(),
            "args": argparse.Namespace(model="test_vit", **odd),
        }
        path = write(tmp_path / "w.pth.tar", content, "zip")
        with pytest.raises(InputError, match="expected"):
            load_model("timm:test_vit", checkpoint=path, num_classes=7, image_size=160)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input_size": (1, 224, 224)}, r"timm:m: expected a network of 3 channels \(RGB\), got 1"),
        ({"input_size": (3, 224, 192)}, "timm:m: expected a network of square images, got 224x192 pixels"),
        (
            {"interpolation": "lanczos"},
            "timm:m: expected an interpolation of nearest, bilinear, bicubic, got 'lanczos'",
        ),
        ({"interpolation": "random"}, "got 'random' from its zoo: choose one of these with --interpolation"),
    ],
)
def test_what_ppbench_cannot_do_is_refused(change: dict[str, Any], words: str, timm: Any) -> None:
    """Networks of other images, and interpolations that ppbench lacks, are refused: nothing takes their place."""
    network = nn.Identity()
    network.pretrained_cfg = timm.get_pretrained_cfg("resnet18").to_dict() | change
    with pytest.raises(InputError, match=words):
        timm_models.contract_of(network, "timm:m")
    if "interpolation" in change:
        assert timm_models.contract_of(network, "timm:m", "bicubic").spec.interpolation == "bicubic"


def test_nearest_exact_is_our_nearest(timm: Any) -> None:
    """What torchvision calls nearest-exact is what ppbench does where nearest is asked for."""
    network = nn.Identity()
    network.pretrained_cfg = timm.get_pretrained_cfg("resnet18").to_dict() | {
        "interpolation": "nearest-exact"
    }
    assert timm_models.contract_of(network, "timm:m").spec.interpolation == "nearest"


def test_a_fine_tuned_network_is_said_to_be_one(timm: Any, tmp_path: Path) -> None:
    """With other classes the zoo's contract still counts, as an assumption; with its own classes nothing is assumed."""
    for classes, clauses in ((7, 1), (1000, 0)):
        path = saved(
            tmp_path / "w.safetensors", timm.create_model("vit_tiny_patch16_224", num_classes=classes)
        )
        loaded = load_model("timm:vit_tiny_patch16_224", checkpoint=path, num_classes=classes, image_size=224)
        assert loaded.spec.mean == (0.5, 0.5, 0.5)
        assert len(loaded.assumed) == clauses
    assert loaded.spec_source.startswith("timm's configuration of vit_tiny_patch16_224.augreg_in21k_ft_in1k")


def test_the_checkpoint_goes_before_the_zoo(timm: Any, tmp_path: Path) -> None:
    """A normalisation layer in the file says mean and std; size and interpolation stay the zoo's."""
    network = timm.create_model("vit_tiny_patch16_224", num_classes=7)
    layer = {"0.mean": torch.tensor([0.4, 0.5, 0.6]), "0.std": torch.tensor([0.2, 0.3, 0.4])}
    content = layer | {f"1.{key}": value for key, value in network.state_dict().items()}
    path = write(tmp_path / "w.safetensors", content, "safetensors")
    loaded = load_model("timm:vit_tiny_patch16_224", checkpoint=path, num_classes=7, image_size=32)
    assert loaded.spec.mean == pytest.approx((0.4, 0.5, 0.6))
    assert (loaded.spec.size, loaded.spec.resize, loaded.spec.interpolation) == (224, 224, "bicubic")
    assert (loaded.spec_source, loaded.assumed) == ("the checkpoint's normalisation layer", ())


def test_images_of_another_size() -> None:
    """Published 224-pixel images are resized only for a network of another size, not cropped, and both is said."""
    weights = torchvision.models.Inception_V3_Weights.DEFAULT
    contract = torchvision_models.contract_of("inception_v3", weights)
    claim = contract.claim(224)
    said, spec = claim.who, claim.spec
    assert (spec.size, spec.resize, spec.crop) == (299, 299, None)
    assert spec.summary().startswith("299 pixels, resize 299 (bilinear), mean (0.5")
    assert said.endswith("(its crop left out: --resize 342 --crop 299 for whole photographs)")
    usual = torchvision.models.ResNet50_Weights.DEFAULT
    claim = torchvision_models.contract_of("resnet50", usual).claim(224)
    said, spec = claim.who, claim.spec
    assert (spec.size, spec.resize, spec.crop) == (224, None, None)
    assert said.endswith("(its resize and crop left out: the images have that size)")


def error_of(model: str, path: Path, images: torch.Tensor, labels: torch.Tensor, **spec: Any) -> float:
    """The clean error of a file through ppbench, in per cent."""
    loaded = load_model(model, checkpoint=path, image_size=images.shape[-1], spec=spec)
    return 100 * (loaded.logits(images).argmax(1) != labels).double().mean().item()


LARGER_TORCHVISION = ["googlenet", "efficientnet_b1", "inception_v3", "vit_b_32"]


@pytest.mark.parametrize(
    "name",
    [
        "mobilenet_v3_small",
        *(pytest.param(name, marks=pytest.mark.slow) for name in LARGER_TORCHVISION),
    ],
)
def test_torchvisions_own_answers(name: str, tmp_path: Path) -> None:
    """Images of a network's own size that are labelled by its own answers have a clean error of 0."""
    torch.manual_seed(0)
    options = {"transform_input": True, "init_weights": False} if name in WITH_TRANSFORM_INPUT else {}
    network = torchvision.models.get_model(name, weights=None, **options)
    transforms = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    transforms.resize_size = transforms.crop_size  # the images are cut already
    images = photographs(transforms.crop_size[0])
    labels = answering(network, transforms, images)
    assert len(labels.unique()) > 6
    path = saved(tmp_path / "w.safetensors", network)
    assert error_of(f"torchvision:{name}", path, images, labels) == 0
    if name == "googlenet":
        assert (
            error_of(f"torchvision:{name}", path, images, labels, mean=IMAGENET_MEAN, std=IMAGENET_STD) > 20
        )


def test_resizing_is_torchvisions(tmp_path: Path) -> None:
    """224-pixel images become those of a 240-pixel network as torchvision resizes them, by either set of weights."""
    path = saved(tmp_path / "w.safetensors", torchvision.models.efficientnet_b1())
    images = photographs(224, 4)
    for weights in torchvision.models.EfficientNet_B1_Weights:
        loaded = load_model(f"torchvision:efficientnet_b1@{weights.name}", checkpoint=path, image_size=224)
        theirs = weights.transforms()
        resized = TF.resize(images / 255, [240], theirs.interpolation, antialias=True).clamp(0, 1)
        expected = TF.normalize(resized, theirs.mean, theirs.std)
        torch.testing.assert_close(loaded.prepare(images), expected, rtol=0, atol=1e-5)


SMALL_TIMM = ["test_vit", "test_efficientnet", "levit_128s"]
LARGER_TIMM = [
    "tf_efficientnet_lite0",
    "vit_tiny_patch16_224",
    "eva02_tiny_patch14_224",  # CLIP's mean and std, and rotary positions that no state dict has
    "mobilevit_xxs",  # mean 0, std 1
    "xcit_nano_12_p16_224",
    "convnext_atto",
]  # fmt: skip


@pytest.mark.parametrize(
    "name", [*SMALL_TIMM, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGER_TIMM)]
)
def test_timms_own_answers(name: str, timm: Any, tmp_path: Path) -> None:
    """Images of a network's own size that are labelled by its own answers, behind timm's transform, have error 0."""
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=1000)
    config = timm.data.resolve_model_data_config(network)
    transform = timm.data.create_transform(**(config | {"crop_pct": 1.0}))  # the images are cut already
    images = photographs(config["input_size"][-1])
    labels = answering(network, transform, images)
    assert len(labels.unique()) > 6
    assert error_of(f"timm:{name}", saved(tmp_path / "w.safetensors", network), images, labels) == 0


@pytest.mark.slow
def test_on_the_command_line(timm: Any, tmp_path: Path) -> None:
    """`ppbench eval` has the clean error 0 where the zoo's contract is right, says whose it is, and records it."""
    torch.manual_seed(0)
    network = timm.create_model("vit_tiny_patch16_224", num_classes=1000)
    config = timm.data.resolve_model_data_config(network)
    images = photographs(224)
    labels = answering(network, timm.data.create_transform(**(config | {"crop_pct": 1.0})), images)
    np.savez(tmp_path / "d.npz", images=images.permute(0, 2, 3, 1).numpy(), labels=labels.numpy())
    path, run = saved(tmp_path / "v.safetensors", network), tmp_path / "run"
    asked = [
        "--model",
        f"timm:vit_tiny_patch16_224={path}",
        "--data",
        "imagenet-c",
        "--root",
        str(tmp_path / "d.npz"),
    ]
    few = ["--corruptions", "brightness", "--severities", "1", "--device", "cpu", "--no-jpeg", "--no-store"]
    errors = {}
    for kind, flags in (
        ("zoo's", []),
        ("wrong", ["--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225"]),
    ):
        done = CliRunner().invoke(app, ["eval", *asked, *few, *flags, "--out", str(run), "--overwrite"])
        assert done.exit_code == 0, done.output
        (model,) = json.loads((run / "run.json").read_text())["models"]
        errors[kind] = float((run / "errors.csv").read_text().splitlines()[1].split(",")[5])
        if kind == "zoo's":
            assert model["input_spec"]["mean"] == [0.5, 0.5, 0.5]
            assert model["input_spec_source"].startswith("timm's configuration of vit_tiny_patch16_224")
            said = "".join(done.stderr.split())
            line = "224 pixels, mean (0.5, 0.5, 0.5), std (0.5, 0.5, 0.5): from timm's configuration"
            assert "".join(line.split()) in said
    assert errors["zoo's"] == 0
    assert errors["wrong"] > 20
