"""From a recipe to a file of weights, through the command line too."""

import itertools
import json
import re
import shlex
import sys
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from safetensors import safe_open

import ppbench.training
from ppbench.atomic import sha256_of
from ppbench.cli.train import train
from ppbench.data.classes import class_list
from ppbench.data.training_sets import open_training
from ppbench.errors import InputError
from ppbench.models.load import load_model
from ppbench.models.storage import Bits
from ppbench.training.progress import Progress
from ppbench.training.recipe import load_recipe
from ppbench.training.run import Trained, run_recipe
from tests.data.cifar_folders import clean_cifar, images_of
from tests.training.easy import small_recipe


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Eighty training and twenty test images in CIFAR-10's layout, and a recipe for them."""
    small_recipe(tmp_path)
    return clean_cifar(tmp_path, 16)


def _alexnet(
    root: Path, out: Path, *, seed: int = 0, epochs: int = 1, bits: Bits = 32, fresh: bool = False
) -> bytes:
    """Train a small AlexNet on the set in a folder, and return the bytes of its file."""
    recipe, changes = str(out.parent / "small.toml"), {"epochs": epochs}
    run_recipe(
        recipe, model="alexnet", seed=seed, root=root, out=out, overrides=changes, bits=bits, fresh=fresh
    )
    return out.read_bytes()


def test_a_trained_file_is_ready_to_be_loaded(root: Path) -> None:
    """It says of itself what it is, and the loaded network answers as it did in training."""
    out = root / "mine.safetensors"
    done = run_recipe(
        str(root / "small.toml"), model="alexnet", seed=3, root=root, out=out, overrides={"epochs": 1}
    )
    with safe_open(out, "pt") as file:
        metadata = json.loads(next(iter(file.metadata().values())))
    train_set, test = open_training("cifar10-c", root=root)
    assert metadata["architecture"] == "alexnet"
    assert metadata["seed"] == 3
    assert metadata["recipe"]["epochs"] == 1
    assert metadata["data_digest"] == train_set.digest
    assert done is not None
    model = load_model("alexnet", checkpoint=out, data="cifar10-c", num_classes=10, image_size=32)
    assert model.spec.mean == done.recipe.mean
    with torch.inference_mode():
        answers = model.logits(torch.from_numpy(test.images[:]).permute(0, 3, 1, 2)).argmax(1)
    wrong = int((answers != torch.from_numpy(test.labels)).sum())
    assert done.clean_error == metadata["clean_error"] == 100.0 * wrong / 20


def test_a_file_says_which_class_folders_it_was_trained_on(root: Path) -> None:
    """Numbered ones, in the order that was said; CIFAR's own names need no saying. What was passed over is told."""
    notes: list[str] = []
    numbers, names = [f"{k}" for k in range(10)], list(class_list("cifar10"))
    for folders, told in ((numbers, numbers[::-1]), (names, None)):
        place = root / folders[0]
        for part in ("train", "val"):
            for k, name in enumerate(folders):
                (place / part / name).mkdir(parents=True)
                for number in range(8):
                    Image.new("RGB", (32, 32), (20 * k, 10 * number, 0)).save(
                        place / part / name / f"{number}.png"
                    )
        (place / "val" / folders[3] / "notes.txt").write_text("")
        out = root / f"{folders[0]}.safetensors"
        run_recipe(
            str(root / "small.toml"),
            model="alexnet",
            root=place,
            classes=told,
            out=out,
            overrides={"epochs": 1},
            on_note=notes.append,
        )
        with safe_open(out, "pt") as file:
            metadata = json.loads(next(iter(file.metadata().values())))
        assert metadata.get("classes") == told
    assert [note.rpartition("files")[2] for note in notes] == [
        " with another ending: 1 (such as 3/notes.txt)",
        " with another ending: 1 (such as cat/notes.txt)",
    ]


def test_two_runs_write_the_same_bytes(root: Path) -> None:
    """One recipe and one seed, one file."""
    files = [root / "a.safetensors", root / "b.safetensors"]
    for file in files:
        done = run_recipe(
            str(root / "small.toml"), model="resnet20-pp", root=root, out=file, overrides={"epochs": 1}
        )
        assert done is not None
        assert done.sha256 == sha256_of(file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_command_prints_the_result_and_reports_on_stderr(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result and the next command are on stdout, epochs on stderr; the file is in this folder, logs beside it."""
    monkeypatch.chdir(root)
    train(recipe="small.toml", model="alexnet", epochs=2, root=root, device="cpu")
    out, err = capsys.readouterr()
    assert out.count("\n") == 2
    assert out.startswith("alexnet-small.safetensors: alexnet, clean error")
    told = f"ppbench eval --checkpoint alexnet-small.safetensors --data cifar10-c --root {root}"
    assert out.splitlines()[1].endswith(told)
    assert "on 20 test images of cifar10-c, recipe small, seed 0" in out
    assert [line.split()[1] for line in err.splitlines()] == ["1/2", "2/2"]
    train(recipe="small.toml", model="alexnet", epochs=2, root=root, device="cpu", json=True)
    assert json.loads(capsys.readouterr().out)["recipe"]["epochs"] == 2
    assert (root / "alexnet-small.safetensors").is_file()
    assert (root / "alexnet-small.training" / "logs" / "start-1" / "metrics.csv").is_file()


def test_every_field_can_be_set_on_the_command_line(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers, truths, words and lists, as TOML has them; a word needs no quotes."""
    monkeypatch.chdir(root)
    changes = ["lr=0.01", "flip=true", "shift_fill=zero", "mean=[0.5, 0.5, 0.5]", 'precision="bf16"']
    train(
        recipe="small.toml",
        model="alexnet",
        augmentation="trivialaugment",
        epochs=1,
        change=changes,
        root=root,
        device="cpu",
        json=True,
    )
    recipe = json.loads(capsys.readouterr().out)["recipe"]
    expected = {
        "lr": 0.01,
        "flip": True,
        "shift_fill": "zero",
        "mean": [0.5, 0.5, 0.5],
        "precision": "bf16",
        "augmentation": "trivialaugment",
    }
    assert {key: recipe[key] for key in expected} == expected
    with pytest.raises(InputError, match="expected --set FIELD=VALUE, got 'lr'"):
        train(recipe="small.toml", change=["lr"], root=root, device="cpu")


def test_the_package_for_training_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra: one line that says how to get it."""
    # The import below sets this attribute to a package without modules: put back, as the modules are.
    monkeypatch.setattr(ppbench, "training", ppbench.training)
    for name in [name for name in sys.modules if name.startswith(("lightning", "ppbench.training"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lightning", None)
    with pytest.raises(
        InputError, match=r"expected the package lightning, got none: pip install lightning tensorboard"
    ):
        train()


def test_a_card_says_what_the_network_was_shown(root: Path) -> None:
    """With the augmentation's overlap with the benchmark, which a reader of its numbers must know."""
    out = root / "mine.safetensors"
    changes = {"epochs": 1, "augmentation": "randaugment", "flip": True}
    done = run_recipe(
        str(root / "small.toml"), model="alexnet", root=root, out=out, overrides=changes, bits=16
    )
    assert done is not None
    text = (root / "mine.md").read_text()
    for words in (
        "| overlap with the benchmark | **brightness, contrast, saturate, gaussian_blur**",
        "| augmentation | shifts of up to 2 pixels (edge at the edges), mirroring, randaugment |",
        "80 training images of cifar10-c",
        f"{done.clean_error:.2f} % of 20 test images",
        done.sha256,
    ):
        assert words in text


def test_a_card_gives_the_command_of_a_recipe_file_with_its_changes(root: Path) -> None:
    """Whoever runs it gets the same network."""
    changes = {"epochs": 1, "augmentation": "trivialaugment", "mean": (0.5, 0.5, 0.5), "precision": "bf16"}
    run_recipe(
        str(root / "small.toml"),
        model="alexnet",
        root=root,
        out=root / "mine.safetensors",
        overrides=changes,
    )
    command = (root / "mine.md").read_text().split("Made by `")[1].split("`")[0]
    told = shlex.split(command)
    assert told[:6] == ["ppbench", "train", "--recipe", "small.toml", "--model", "alexnet"]
    set_to = {word for option, word in itertools.pairwise(told) if option == "--set"}
    assert set_to == {
        "epochs=1",
        "augmentation=trivialaugment",
        "mean=[0.5, 0.5, 0.5]",
        "precision=bf16",
    }


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "unknown recipe": ({"recipe": "digts"}, "did you mean 'digits'"),
    "unknown model": ({"model": "resnet21"}, "unknown model 'resnet21'"),
    "no epoch": ({"overrides": {"epochs": 0}}, "epochs to be at least 1"),
    "another suffix": ({"out": Path("weights.pt")}, r"has to end in \.safetensors"),
    "no such folder": ({"out": Path("nowhere/w.safetensors")}, "in a folder that does not exist"),
    "a root for digits": ({"root": Path()}, "leave --root and --test out"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_mistakes_are_found_before_the_training(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody trains for an hour to learn that the folder is not there; nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    changes, message = REFUSED[case]

    def never(_progress: object) -> None:
        pytest.fail("it trained")

    arguments: dict[str, object] = {"recipe": "digits", **changes}
    run: Callable[..., object] = run_recipe
    with pytest.raises(InputError, match=message):
        run(**arguments, on_step=never)
    assert not list(tmp_path.iterdir())


def test_a_damaged_test_image_is_found_before_the_training(root: Path) -> None:
    """The test images are looked at once, at the end; that one of them cannot be read is known at the start."""
    test = root / "test"
    images = images_of(10)
    for label, name in enumerate(class_list("cifar10")):
        (test / name).mkdir(parents=True)
        Image.fromarray(images[label]).save(test / name / "0.png")
    damaged = test / "ship" / "0.png"
    damaged.write_bytes(damaged.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"ship/0\.png"):
        run_recipe(
            str(root / "small.toml"),
            model="alexnet",
            root=root,
            test=test,
            out=root / "w.safetensors",
            on_step=lambda _progress: pytest.fail("it trained"),
        )
    assert not (root / "w.training").exists()


def test_ctrl_c_while_it_starts_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The imports take seconds: 130, and how to go on."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["ppbench.cli.train"], "_require_extra", interrupt)
    with pytest.raises(typer.Exit) as ended:
        train()
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err.startswith("ppbench: interrupted: the same command goes on from")


def test_a_disk_that_is_full_at_the_end_does_not_cost_the_training(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state of the last step is there until the file is; the same command then trains no step again."""
    out = root / "w.safetensors"

    def full(*_: object, **__: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    steps: list[int] = []

    def train_it() -> None:
        run_recipe(
            str(root / "small.toml"),
            model="alexnet",
            root=root,
            out=out,
            overrides={"epochs": 2},
            on_step=lambda done: steps.append(done.step),
        )

    with monkeypatch.context() as patch:
        patch.setattr("ppbench.training.run.save_checkpoint", full)
        with pytest.raises(OSError, match="No space"):
            train_it()
    assert not out.exists()
    assert (root / "w.training" / "last.ckpt").is_file()
    assert steps == list(range(1, 11))
    train_it()
    assert steps == list(range(1, 11))
    assert out.is_file()
    assert not (root / "w.training" / "last.ckpt").exists()


def test_another_trainings_file_is_not_replaced_in_silence(root: Path) -> None:
    """The default name has neither seed nor changes in it; --fresh replaces whatever is there."""
    out = root / "w.safetensors"
    first = _alexnet(root, out)
    for changes, other in (
        ({"seed": 1}, "seed 1, got 0"),
        ({"epochs": 2}, 'recipe {"epochs": 2}, got {"epochs": 1}'),
        ({"bits": 8}, "kernels of 8 bits, got them in 32"),
    ):
        with pytest.raises(
            InputError,
            match=rf"w\.safetensors: is there already, .*\(expected {re.escape(other)}\): choose another --out",
        ):
            _alexnet(root, out, **changes)
    with pytest.raises(InputError, match=r"another training \(expected data digest"):
        _alexnet(clean_cifar(root / "others", 17), out)
    assert out.read_bytes() == first
    assert _alexnet(root, out, seed=1, fresh=True) != first


def test_a_finished_training_is_not_repeated(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command trains no step, returns what the file says, and says so once, in the first process."""
    out = root / "w.safetensors"
    steps: list[int] = []
    notes: list[str] = []

    def again() -> Trained | None:
        return run_recipe(
            str(root / "small.toml"),
            model="alexnet",
            root=root,
            out=out,
            overrides={"epochs": 1},
            on_step=lambda done: steps.append(done.step),
            on_note=notes.append,
        )

    first = again()
    trained, content = len(steps), out.read_bytes()
    assert trained > 0
    assert notes == []
    assert again() == first
    monkeypatch.setenv("RANK", "1")
    assert again() is None
    assert len(steps) == trained
    assert notes == [f"{out}: this training is done, nothing was trained; --fresh trains again"]
    assert out.read_bytes() == content


class _CutError(Exception):
    """A training that dies."""


def _cut_off(root: Path, out: Path, *, seed: int, fresh: bool) -> None:
    """Start a training of two epochs that dies in the second."""

    def dies(done: Progress) -> None:
        if done.step == 7:
            raise _CutError

    with pytest.raises(_CutError):
        run_recipe(
            str(root / "small.toml"),
            model="alexnet",
            seed=seed,
            root=root,
            out=out,
            overrides={"epochs": 2},
            fresh=fresh,
            on_step=dies,
        )


def test_a_training_that_replaces_anothers_file_goes_on_after_a_kill(root: Path) -> None:
    """--fresh was said once: the same command without it goes on from the state, whatever file is still there."""
    out = root / "w.safetensors"
    first = _alexnet(root, out)
    _cut_off(root, out, seed=1, fresh=True)
    assert out.read_bytes() == first
    steps: list[int] = []
    run_recipe(
        str(root / "small.toml"),
        model="alexnet",
        seed=1,
        root=root,
        out=out,
        overrides={"epochs": 2},
        on_step=lambda done: steps.append(done.step),
    )
    assert steps == list(range(6, 11))
    assert out.read_bytes() == _alexnet(root, root / "undisturbed.safetensors", seed=1, epochs=2)


def test_a_finished_file_is_there_whatever_state_lies_beside_it(root: Path) -> None:
    """Another training has begun to replace it and was cut off: this one is still done, and that one can go on."""
    out = root / "w.safetensors"
    first = _alexnet(root, out)
    _cut_off(root, out, seed=1, fresh=True)
    assert _alexnet(root, out) == first
    assert (root / "w.training" / "last.ckpt").exists()


def test_other_test_images_are_looked_at(root: Path) -> None:
    """The clean error of a finished network is that of the test images of this command, not of those at its end."""
    out, notes = root / "w.safetensors", list[str]()
    _, test = open_training("cifar10-c", root=root)
    np.savez(root / "five.npz", images=test.images[:5], labels=test.labels[:5])
    content = _alexnet(root, out)

    def again(**changes: Path) -> Trained:
        done = run_recipe(
            str(root / "small.toml"),
            model="alexnet",
            root=root,
            out=out,
            overrides={"epochs": 1},
            on_note=notes.append,
            **changes,
        )
        assert done is not None
        return done

    other = again(test=root / "five.npz")
    assert len(notes) == 2
    assert "other test images" in notes[1]
    assert other.test_images == 5
    model = load_model("alexnet", checkpoint=out, data="cifar10-c", num_classes=10, image_size=32)
    answers = model.logits(torch.from_numpy(test.images[:5]).permute(0, 3, 1, 2)).argmax(1)
    assert other.clean_error == 20.0 * int((answers != torch.from_numpy(test.labels[:5])).sum())
    assert again().test_images == 20
    assert len(notes) == 3
    assert out.read_bytes() == content


def test_a_recipe_described_otherwise_is_the_same_training(root: Path) -> None:
    """Words decide no weights."""
    out = root / "w.safetensors"
    content = _alexnet(root, out)
    recipe = root / "small.toml"
    recipe.write_text(recipe.read_text().replace("the embedded digits", "a few images"))
    assert load_recipe(str(recipe)).description.startswith("a few images")
    assert _alexnet(root, out) == content


def test_what_was_cut_off_behind_the_weights_is_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the file and its card: the state is still there, and the same command writes the card."""
    out = root / "w.safetensors"

    def full(*_: object, **__: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ppbench.training.run.write_text", full)
        with pytest.raises(OSError, match="No space"):
            _alexnet(root, out)
    content = out.read_bytes()
    assert not out.with_suffix(".md").exists()
    assert _alexnet(root, out) == content
    assert out.with_suffix(".md").exists()
