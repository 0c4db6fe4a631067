"""Giving a file of weights a name, and taking it back."""

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from ppbench.cli import app
from ppbench.errors import InputError
from ppbench.models.checkpoint import save_checkpoint
from ppbench.models.index import INDEX_FILE, read_index, shipped_index, user_index
from ppbench.models.input_spec import InputSpec
from ppbench.models.load import load_model
from ppbench.models.own_index import add, remove, to_toml
from ppbench.models.registry import architecture
from ppbench.models.storage import Bits


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, empty."""
    monkeypatch.setenv("PPBENCH_CHECKPOINTS", str(tmp_path / "own"))
    return tmp_path / "own"


def _file(folder: Path, *, bits: Bits = 32, classes: int = 10, **changes: object) -> Path:
    """A file as `ppbench train` writes it, with random weights."""
    torch.manual_seed(3)
    facts = {
        "architecture": "resnet20-pp",
        "num_classes": classes,
        "image_size": 32,
        "input": InputSpec(32, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2)).to_dict(),
        "data": "digits-c",
        "recipe": {"name": "mine"},
        "clean_error": 12.5,
    }
    path = folder / "trained.safetensors"
    network = architecture("resnet20-pp").build(classes, 32)
    save_checkpoint(
        path, network, {key: value for key, value in (facts | changes).items() if value}, bits=bits
    )
    return path


def models(*arguments: object) -> Result:
    """Run `ppbench models …`."""
    return CliRunner().invoke(app, ["models", *map(str, arguments)])


def test_an_added_file_has_a_name(own: Path, tmp_path: Path) -> None:
    """It is listed, loaded by its id with its own input contract, and kept when the original goes."""
    file = _file(tmp_path)
    assert models("add", file, "--id", "my-net").exit_code == 0
    file.unlink()
    assert any(line.startswith("my-net ") and "your own" in line for line in models().stdout.splitlines())
    loaded = load_model("my-net", data="digits-c", num_classes=10, image_size=32)
    assert loaded.architecture == "resnet20-pp"
    assert loaded.spec.mean == (0.5, 0.4, 0.3)
    assert loaded.checkpoint == own / "my-net.safetensors"


def test_several_can_be_added(own: Path, tmp_path: Path) -> None:
    """Those added before stay; what ships stays first."""
    file = _file(tmp_path)
    add(file, "a")
    add(file, "b")
    assert [entry.id for entry in user_index()] == ["a", "b"]
    assert user_index()[0].clean_error == 12.5
    assert user_index()[0].recipe == "mine"
    assert not user_index()[0].shipped
    loaded = load_model("resnet20-pp", data="digits-c", num_classes=10, image_size=32)
    assert loaded.checkpoint is not None
    assert loaded.checkpoint.parent != own


def test_only_its_id_finds_an_added_file(own: Path, tmp_path: Path) -> None:
    """An architecture's name does not choose among what the user has trained: the line says which ids there are."""
    add(_file(tmp_path, data="cifar100-c", classes=100), "mine")
    assert own.exists()
    with pytest.raises(InputError, match="--model mine"):
        load_model("resnet20-pp", data="cifar100-c", num_classes=100, image_size=32)


def test_a_removed_file_is_gone(own: Path, tmp_path: Path) -> None:
    """Its id is free again, the others stay."""
    file = _file(tmp_path)
    for name in ("a", "b"):
        add(file, name)
    done = models("remove", "a")
    assert (done.exit_code, done.stdout) == (0, f"a: removed, {own / 'a.safetensors'} too\n")
    assert [entry.id for entry in user_index()] == ["b"]
    assert sorted(path.name for path in own.iterdir()) == ["b.safetensors", INDEX_FILE]
    assert file.exists()
    add(file, "a")
    assert load_model("a", data="digits-c", num_classes=10, image_size=32).checkpoint == own / "a.safetensors"


def test_the_last_one_can_be_removed(own: Path, tmp_path: Path) -> None:
    """An index without entries is one."""
    add(_file(tmp_path), "a")
    remove("a")
    assert user_index() == ()
    assert "resnet20-digits" in models().stdout


def test_the_card_goes_with_the_file(own: Path, tmp_path: Path) -> None:
    """Into the user's folder, and out of it."""
    file = _file(tmp_path)
    file.with_suffix(".md").write_text("# A card")
    add(file, "a")
    assert (own / "a.md").read_text() == "# A card"
    remove("a")
    assert sorted(path.name for path in own.iterdir()) == [INDEX_FILE]
    assert file.with_suffix(".md").exists()


@pytest.mark.parametrize(
    "name, why",
    [
        ("resnet20-digits", "'resnet20-digits' ships with ppbench"),
        ("nothing", "you have no id 'nothing': `ppbench models` lists"),
    ],
)
def test_what_was_not_added_cannot_be_removed(own: Path, name: str, why: str) -> None:
    """What ships stays."""
    with pytest.raises(InputError, match=why):
        remove(name)
    assert not own.exists()


def test_an_entry_survives_the_way_to_toml_and_back(tmp_path: Path) -> None:
    """Every entry that ships, URLs and sources too."""
    path = tmp_path / INDEX_FILE
    path.write_text("\n".join(to_toml(entry) for entry in shipped_index()))
    for before, after in zip(shipped_index(), read_index(path), strict=True):
        assert to_toml(before) == to_toml(after)
        assert before.named_only == after.named_only
        assert (before.spec, before.url, before.sha256) == (after.spec, after.url, after.sha256)


def test_what_cannot_be_added_is_one_line(own: Path, tmp_path: Path) -> None:
    """A taken id, a bad one, a file that says too little or is of another network; nothing is left behind."""
    file = _file(tmp_path)
    with pytest.raises(InputError, match="the id 'resnet20-digits' is taken"):
        add(file, "resnet20-digits")
    with pytest.raises(InputError, match="the id 'resnet20-pp' is taken"):
        add(file, "resnet20-pp")
    with pytest.raises(InputError, match=r"an id of letters, digits.*got '\.\./x'"):
        add(file, "../x")
    with pytest.raises(
        InputError, match=r"trained\.safetensors: not a file that `ppbench train` wrote: .*'data'"
    ):
        add(_file(tmp_path, data=""), "mine")
    with pytest.raises(InputError, match=r"trained\.safetensors: not a file .*'num_classes'"):
        add(_file(tmp_path, num_classes="ten"), "mine")
    with pytest.raises(InputError, match=r"trained\.safetensors: an input spec without 'mean'"):
        add(_file(tmp_path, input={"size": 32}), "mine")
    with pytest.raises(InputError, match=r"trained\.safetensors: expected the weights of resnet32"):
        add(_file(tmp_path, architecture="resnet32"), "mine")
    with pytest.raises(InputError, match="no such file"):
        add(tmp_path / "nowhere.safetensors", "mine")
    assert not own.exists()


def test_an_error_that_is_no_number_does_not_spoil_the_index(own: Path, tmp_path: Path) -> None:
    """It is left out: an index with NaN in it could not be read any more."""
    add(_file(tmp_path, clean_error=float("nan")), "mine")
    assert [(entry.id, entry.clean_error) for entry in user_index()] == [("mine", None)]
