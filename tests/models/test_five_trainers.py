"""Five ways to train, each with its own habits of saving: every checkpoint loads and gives its own clean error.

The trainings are real and short, on the embedded digits; those of a ResNet-20 go on from the one that ships. The right
number is computed in plain torch from the network in memory, as its own code would, never through the loader.
"""

import argparse
import enum
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader

import ppbench
from ppbench.data.digits import digits
from ppbench.errors import InputError
from ppbench.models.index import shipped_folder
from ppbench.models.load import load_model
from ppbench.models.registry import architecture
from ppbench.models.requests import Loading, ModelRequest
from ppbench.runs.evaluate import evaluate

MEAN, STD = (0.35, 0.4, 0.35), (0.3, 0.3, 0.3)
SPEC = {"mean": list(MEAN), "std": list(STD)}
STEPS, BATCH = 4, 32
TEST = 150

pytestmark = pytest.mark.slow


class Phase(enum.Enum):
    """Something of a user's that ends up in hyper-parameters."""

    WARM = "warm"


def prepared(images: Any) -> Tensor:
    """Images (N, 32, 32, 3) uint8 as a user's own transforms make them: (N, 3, 32, 32) float."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


@cache
def batches() -> list[tuple[Tensor, Tensor]]:
    """A few batches of training digits."""
    found = digits("train")
    rows = torch.randperm(len(found.images), generator=torch.Generator().manual_seed(0))[
        : STEPS * BATCH
    ].numpy()
    x, y = prepared(found.images[rows]), torch.from_numpy(found.labels[rows])
    return list(zip(x.split(BATCH), y.split(BATCH), strict=True))


@cache
def held_out() -> tuple[Any, Tensor]:
    """Images and labels of the first test digits."""
    found = digits("test")
    return found.images[:TEST], torch.from_numpy(found.labels[:TEST])


@torch.no_grad()
def answers(network: nn.Module) -> Tensor:
    """What a network answers to them, in plain torch."""
    return network.eval()(prepared(held_out()[0])).argmax(1)


@torch.no_grad()
def clean_error(network: nn.Module) -> float:
    """A network's error on all 500 test digits, per cent, in plain torch."""
    found = digits("test")
    return float((network.eval()(prepared(found.images)).argmax(1).numpy() != found.labels).mean() * 100)


def trained(
    network: nn.Module, optimizer: optim.Optimizer | None = None, after: Any = None, rounds: int = 1
) -> nn.Module:
    """The network after a few steps."""
    optimizer = optimizer or optim.SGD(network.parameters(), lr=0.02, momentum=0.9)
    for x, y in batches() * rounds:
        optimizer.zero_grad()
        F.cross_entropy(network.train()(x), y).backward()
        optimizer.step()
        if after is not None:
            after(network)
    return network


def resnet20() -> nn.Module:
    """The network that ships, as somebody else's code would make it."""
    network = architecture("resnet20").build(10, 32)
    network.load_state_dict(load_file(shipped_folder() / "resnet20-digits.safetensors"))
    return network


def check(path: Path, network: nn.Module, models: tuple[str | None, ...], **more: Any) -> None:
    """The file loads by each of these names, answers each image as the network does, and so errs as often."""
    expected = answers(network)
    assert len(expected.unique()) > 4
    images, labels = held_out()
    loaded = [
        load_model(model, checkpoint=path, num_classes=10, image_size=32, spec=SPEC, **more)
        for model in models
    ]
    found = loaded[0].logits(torch.from_numpy(images).permute(0, 3, 1, 2)).argmax(1)
    assert torch.equal(found, expected)
    assert int((found != labels).sum()) == int((expected != labels).sum())
    for other in loaded[1:]:
        for name, tensor in loaded[0].module.state_dict().items():
            assert torch.equal(other.module.state_dict()[name], tensor)


def plain_loop(path: Path) -> nn.Module:
    """What a loop of one's own saves."""
    network = resnet20()
    optimizer = optim.AdamW(network.parameters(), lr=1e-3)
    scheduler = optim.lr_scheduler.MultiStepLR(optimizer, [3])
    trained(network, optimizer)
    history = defaultdict(list, {"loss": [2.3, 1.9]})
    args = argparse.Namespace(lr=1e-3, out=path.parent, phase=Phase.WARM, device=torch.device("cpu"))
    torch.save(
        {
            "epoch": 3,
            "model": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "history": history,
            "args": args,
        },
        path,
    )
    return network


def test_a_plain_loop(tmp_path: Path) -> None:
    """Weights, optimizer, scheduler, history and arguments in a dictionary."""
    check(tmp_path / "w.pt", plain_loop(tmp_path / "w.pt"), ("resnet20", None))


def lightning(path: Path) -> nn.Module:
    """What Lightning's Trainer saves of a module with a weighted criterion, metrics and hyper-parameters."""
    pytest.importorskip("lightning", reason="lightning is an extra that is not installed here")
    import lightning as L
    import torchmetrics

    class Module(L.LightningModule):
        def __init__(self, out: Path, phase: Phase, scales: tuple[float, ...]) -> None:
            super().__init__()
            self.save_hyperparameters({"out": out, "phase": phase, "scales": scales})
            self.model = resnet20()
            self.criterion = nn.CrossEntropyLoss(weight=torch.linspace(0.9, 1.1, 10))
            self.train_acc = torchmetrics.classification.MulticlassAccuracy(10)
            self.train_acc.persistent(True)

        def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
            logits = self.model(batch[0])
            self.train_acc(logits, batch[1])
            loss: Tensor = self.criterion(logits, batch[1])
            return loss

        def configure_optimizers(self) -> Any:
            optimizer = optim.SGD(self.parameters(), lr=0.03, momentum=0.9)
            return [optimizer], [optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9**epoch)]

    module = Module(path.parent, Phase.WARM, (1.0, 2.0))
    trainer = L.Trainer(
        max_epochs=1,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=path.parent,
    )
    trainer.fit(module, DataLoader(batches(), batch_size=None))  # type: ignore[arg-type]  # a list is a data set
    trainer.save_checkpoint(path)
    return module.model


def test_lightning(tmp_path: Path) -> None:
    """The network is found beside criterion and metric, which are named; hyper-parameters are no obstacle."""
    path = tmp_path / "epoch=0-step=4.ckpt"
    network = lightning(path)
    names = torch.load(path, weights_only=False)["state_dict"].keys()
    assert {"criterion.weight", "train_acc.tp"} <= set(names)
    check(path, network, ("resnet20", None))
    report = load_model(checkpoint=path).report
    assert report is not None
    assert "left aside 5 tensors beside the network (criterion.weight, train_acc.tp" in report.summary()


def timm_script(path: Path) -> tuple[nn.Module, nn.Module]:
    """What timm's training script saves, by its own saver: arguments, optimizer, a running average."""
    timm = pytest.importorskip("timm", reason="timm is an extra that is not installed here")
    torch.manual_seed(2)
    network = timm.create_model("test_resnet", num_classes=10)
    optimizer = optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    average = timm.utils.ModelEmaV3(network, decay=0.7)
    trained(network, optimizer, average.update, rounds=8)
    args = argparse.Namespace(model="test_resnet", num_classes=10, img_size=32, mean=MEAN, std=STD, amp=False)
    saver = timm.utils.CheckpointSaver(
        network, optimizer, args=args, model_ema=average, checkpoint_dir=str(path.parent), recovery_dir=""
    )
    saver.save_checkpoint(0, metric=12.5)
    (path.parent / "last.pth.tar").replace(path)
    return network, average.module


def test_timms_training_script(tmp_path: Path) -> None:
    """The running average is taken, or by `--prefix` the network itself; without a name the line says what it is."""
    path = tmp_path / "w.pth.tar"
    network, average = timm_script(path)
    assert not torch.equal(answers(network), answers(average))
    check(path, average, ("timm:test_resnet",))
    check(path, network, ("timm:test_resnet",), prefix="state_dict.")
    with pytest.raises(
        InputError, match=r"name the network with --model .its training calls it 'test_resnet'."
    ):
        load_model(checkpoint=path)


@pytest.mark.parametrize("names", ["_orig_mod.", "module.", "module._orig_mod."])
def test_timms_training_script_of_before(names: str, tmp_path: Path) -> None:
    """Its older versions left the names of torch.compile and DataParallel in both dictionaries."""
    path = tmp_path / "w.pth.tar"
    _, average = timm_script(path)
    content = torch.load(path, weights_only=False)
    for key in ("state_dict", "state_dict_ema"):
        content[key] = {names + name: tensor for name, tensor in content[key].items()}
    torch.save(content, path)
    check(path, average, ("timm:test_resnet",))


class ForImages(nn.Module):
    """A model as it is written for Hugging Face's Trainer: it takes pixel_values and labels."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = resnet20()
        self.loss_fct = nn.CrossEntropyLoss(weight=torch.ones(10))

    def forward(self, pixel_values: Tensor, labels: Tensor | None = None) -> Tensor:
        """The logits, or the loss."""
        logits: Tensor = self.backbone(pixel_values)
        return logits if labels is None else self.loss_fct(logits, labels)


def hugging_face(folder: Path) -> ForImages:
    """The files that Hugging Face's Trainer leaves in a folder, in both of its formats.

    The transformers library takes no part: these are its files' names and formats.
    """
    network = ForImages()
    trained(network)
    save_file(network.state_dict(), folder / "model.safetensors", {"format": "pt"})
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    torch.save(argparse.Namespace(output_dir=str(folder)), folder / "training_args.bin")
    return network


def test_hugging_faces_trainer(tmp_path: Path) -> None:
    """A user's wrapper is a prefix, its criterion lies beside; the arguments' file is no checkpoint."""
    network = hugging_face(tmp_path)
    for file in ("model.safetensors", "pytorch_model.bin"):
        check(tmp_path / file, network, ("resnet20", None))
    with pytest.raises(
        InputError, match=r"training_args.bin: expected a state_dict, got a whole pickled argparse"
    ):
        load_model("resnet20", checkpoint=tmp_path / "training_args.bin")
    with pytest.raises(InputError, match="this is a folder: name the checkpoint in it"):
        load_model("resnet20", checkpoint=tmp_path)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    """A process group of this process alone."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1
    )
    yield
    torch.distributed.destroy_process_group()


def test_ddp_and_compile(group: None, tmp_path: Path) -> None:
    """DistributedDataParallel of a compiled network, a compiled one of it, and compiled layers in it."""
    network = resnet20()
    parallel = nn.parallel.DistributedDataParallel(network)
    trained(parallel)
    layers = resnet20()
    layers.load_state_dict(network.state_dict())
    layers.layer1 = torch.compile(layers.layer1)  # type: ignore[arg-type,assignment]  # a module
    whole: Any = torch.compile(parallel)
    inner: Any = nn.parallel.DistributedDataParallel(torch.compile(network))  # type: ignore[arg-type]  # a module
    saved = {
        "_orig_mod.module.conv1.weight": whole.state_dict(),
        "module._orig_mod.conv1.weight": inner.state_dict(),
        "module.layer1._orig_mod.0.conv1.weight": nn.parallel.DistributedDataParallel(layers).state_dict(),
    }
    for name, state in saved.items():
        assert name in state
        torch.save({"model": state, "step": 4}, tmp_path / "w.pt")
        check(tmp_path / "w.pt", network, ("resnet20", None))


def test_in_one_run(tmp_path: Path) -> None:
    """Through a whole evaluation, as a new user would: each clean error is its own network's."""
    loop = plain_loop(tmp_path / "loop.pt")
    lit = lightning(tmp_path / "lr=0.05.ckpt")
    _, average = timm_script(tmp_path / "timm.pth.tar")
    face = hugging_face(tmp_path)
    compiled: Any = torch.compile(nn.DataParallel(loop))
    torch.save(compiled.state_dict(), tmp_path / "compiled.pt")
    wanted = {
        "loop": (ModelRequest(None, tmp_path / "loop.pt"), loop),
        "lightning": (ModelRequest("resnet20", tmp_path / "lr=0.05.ckpt"), lit),
        "timm": (ModelRequest("timm:test_resnet", tmp_path / "timm.pth.tar"), average),
        "face": (ModelRequest("resnet20", tmp_path / "model.safetensors"), face),
        "compiled": (ModelRequest("resnet20", tmp_path / "compiled.pt"), loop),
    }
    notes: list[str] = []
    run = evaluate(
        [request for request, _ in wanted.values()],
        data="digits-c",
        corruptions="brightness",
        severities="1",
        loading=Loading(spec=SPEC),
        store=False,
        on_note=notes.append,
    )
    found = [scores.clean_error for scores in run.scores.models]
    assert found == pytest.approx([clean_error(network) for _, network in wanted.values()], abs=1e-9)
    assert any("left aside 5 tensors beside the network (criterion.weight" in note for note in notes)
    assert isinstance(run, ppbench.Run)
