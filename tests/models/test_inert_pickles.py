"""What trainers pickle beside the weights is read past: nothing of it is made, run or imported."""

import argparse
import collections
import datetime as dt
import decimal
import enum
import functools
import pathlib
import sys
import types
import uuid
import zoneinfo
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn, optim

from ppbench.errors import InputError
from ppbench.models.load import load_model
from ppbench.models.reading import read
from tests.models.files_that_lie import Call, pickled, zip_file
from tests.models.foreign_files import images_of, network_of


class Colour(enum.Enum):
    """A user's enumeration; before Python 3.12 its members are pickled as attributes."""

    RED = 1


class Level(enum.IntEnum):
    """Another one."""

    HIGH = 3


class Point(NamedTuple):
    """A user's named tuple."""

    x: int
    y: int


class Node(dict):  # type: ignore[type-arg]  # as yacs and easydict make them
    """A dictionary with attributes, as configuration libraries have them."""

    def __init__(self, **items: Any) -> None:
        super().__init__(**items)
        self.__dict__["frozen"] = True


class Registry(dict):  # type: ignore[type-arg]  # as configuration libraries have them
    """A dictionary with a class inside, which is a list."""

    class Entries(list):  # type: ignore[type-arg]  # a plain subclass
        """Pickled as an attribute of the dictionary's class."""


class Steps(list):  # type: ignore[type-arg]  # a plain subclass
    """A list of a user's own."""


class Config:
    """A user's configuration, with a class inside."""

    class Model:
        """Pickled as an attribute of the other one."""

    def __init__(self) -> None:
        self.model = Config.Model()
        self.model.width = 16  # type: ignore[attr-defined]  # as such classes are used
        self.kinds = {Colour.RED: Level.HIGH}

    def schedule(self, epoch: int) -> float:
        """A learning rate: the method itself is pickled."""
        return 0.1**epoch


class Slotted:
    """An object whose state is a pair."""

    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a, self.b = 1, [2]


# By the public reports of what torch's own reader refuses: each is in somebody's checkpoints.
BESIDE: dict[str, Any] = {
    "a path": pathlib.PurePosixPath("runs/1"),
    "a path of this system": Path("runs") / "1",
    "a path of Windows": pathlib.PureWindowsPath("C:\\runs\\1"),
    "a path made on Windows": Call(pathlib.WindowsPath, "C:\\", "runs"),
    "a default dictionary": collections.defaultdict(list, {"loss": [1.0, 2.0]}),
    "an empty default dictionary": collections.defaultdict(list),
    "a default dictionary of dictionaries": collections.defaultdict(dict, {"a": {"b": 1}}),
    "a queue": collections.deque([1, 2, 3], maxlen=5),
    "an empty queue": collections.deque(),
    "a counter": collections.Counter({30: 1, 60: 1}),
    "a time": dt.datetime(2025, 1, 2, 3, 4, tzinfo=dt.UTC),
    "a time of a place": dt.datetime(2025, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC")),
    "a span of time": dt.timedelta(hours=3),
    "arguments": argparse.Namespace(lr=0.1, out=Path("x"), steps=[30, 60], amp=torch.float16),
    "a namespace": types.SimpleNamespace(a=1, b={"c": 2}),
    "an enumeration": Colour.RED,
    "a number with a name": Level.HIGH,
    "a named tuple": Point(1, 2),
    "a configuration": Config(),
    "a dictionary of a user's": Node(lr=0.1, inner=Node(a=1)),
    "a list of a user's": Steps([1, 2, 3]),
    "slots": Slotted(),
    "a class in a dictionary's": [Registry(a=1), Registry.Entries([1, 2])],
    "a method": Config().schedule,
    "a function": functools.partial(nn.functional.cross_entropy, label_smoothing=0.1),
    "classes": [optim.SGD, nn.ReLU, Config, Config.Model, dict, type(None)],
    "a partial optimizer": functools.partial(optim.AdamW, lr=1e-3, betas=(0.9, 0.95)),
    "numbers": [np.float64(1.5), np.float32(2.5), np.int64(3), np.bool_(True), decimal.Decimal("0.1")],
    "arrays": {"a": np.arange(6).reshape(2, 3), "b": np.array(["x", "y"]), "c": np.array([None, {}])},
    "random states": {"numpy": np.random.get_state(), "torch": torch.get_rng_state()},  # noqa: NPY002  as trainers save them
    "a generator": np.random.default_rng(3),
    "torch's own": [torch.Size([1, 2]), torch.device("cpu"), torch.float16, torch.strided],
    "torch's version": torch.__version__,
    "sets": [{1, 2}, frozenset({"a"})],
    "bytes": b"\x00\x80abc",
    "a number": uuid.UUID(int=5),
    "complex": [slice(1, 2), range(3), torch.complex64, torch.uint16],
    "a module": nn.CrossEntropyLoss(weight=torch.ones(10)),
}
# Torch's old format keeps modules and their classes with their source, which its own line refuses.
OLD = [what for what in BESIDE if what not in ("classes", "a module")]


@pytest.mark.parametrize(
    "what, kind", [*((what, "zip") for what in BESIDE), *((what, "legacy") for what in OLD)]
)
def test_what_lies_beside_the_weights(what: str, kind: str, tmp_path: Path) -> None:
    """The weights come back bit for bit, whatever lies beside them."""
    weight = torch.randn(4, 3)
    content = {"epoch": 3, "beside": BESIDE[what], "model": {"fc.weight": weight}, "also": [BESIDE[what]]}
    torch.save(content, tmp_path / "w.pt", _use_new_zipfile_serialization=kind == "zip")
    found = read(tmp_path / "w.pt").content
    assert list(found) == list(content)
    assert found["epoch"] == 3
    assert torch.equal(found["model"]["fc.weight"], weight)


def test_what_has_items_keeps_them(tmp_path: Path) -> None:
    """Dictionaries and lists, of whatever class, are read as plain ones: weights may lie in them."""
    weight = torch.randn(3)
    torch.save(
        {
            "a": collections.defaultdict(list, {"w": weight}),
            "b": Node(inner=Node(w=weight)),
            "c": Steps([1, weight]),
            "d": collections.deque([weight]),
        },
        tmp_path / "w.pt",
    )
    found = read(tmp_path / "w.pt").content
    assert torch.equal(found["a"]["w"], weight)
    assert torch.equal(found["b"]["inner"]["w"], weight)
    assert torch.equal(found["c"][1], weight)
    assert torch.equal(found["d"][0], weight)
    assert type(found["b"]) is collections.OrderedDict
    assert type(found["d"]) is list


def test_paths_of_python_3_13(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are pickled under the name of another module, which is not there in other versions."""
    module = types.ModuleType("pathlib._local")
    cls = type("PosixPath", (), {"__module__": "pathlib._local", "__reduce__": lambda _: (cls, ("a", "b"))})
    module.PosixPath = cls  # type: ignore[attr-defined]  # a module made for the test
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pathlib._local", module)
        torch.save({"model": {"w": torch.ones(2)}, "out": cls()}, tmp_path / "w.pt")
    assert torch.equal(read(tmp_path / "w.pt").content["model"]["w"], torch.ones(2))


OPTIMIZERS = [name for name in optim.__all__ if isinstance(getattr(optim, name, None), type)]


@pytest.mark.parametrize(
    "name", [n for n in OPTIMIZERS if n not in ("Optimizer", "SparseAdam", "LBFGS", "Muon")]
)
def test_optimizers(name: str, tmp_path: Path) -> None:
    """The state of each optimizer of torch after a step is no obstacle."""
    network = nn.Linear(3, 2)
    optimizer = getattr(optim, name)(network.parameters(), lr=0.1)
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    torch.save({"state_dict": network.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "w.pt")
    assert torch.equal(read(tmp_path / "w.pt").content["state_dict"]["weight"], network.weight)


def _schedulers(optimizer: optim.Optimizer) -> dict[str, Any]:
    kinds = optim.lr_scheduler
    warm = kinds.LinearLR(optimizer)
    return {
        "LambdaLR": kinds.LambdaLR(optimizer, Config().schedule),
        "MultiStepLR": kinds.MultiStepLR(optimizer, [30, 60]),
        "OneCycleLR": kinds.OneCycleLR(optimizer, 0.1, total_steps=10),
        "ReduceLROnPlateau": kinds.ReduceLROnPlateau(optimizer),
        "SequentialLR": kinds.SequentialLR(optimizer, [warm, kinds.CosineAnnealingLR(optimizer, 5)], [3]),
        "CyclicLR": kinds.CyclicLR(optimizer, 0.01, 0.1),
    }


def test_schedulers_and_scalers(tmp_path: Path) -> None:
    """So are those of schedulers, of the scaler of mixed precision, and these objects themselves."""
    network = nn.Linear(3, 2)
    made = _schedulers(optim.SGD(network.parameters(), lr=0.1, momentum=0.9))
    torch.save(
        {
            "model": network.state_dict(),
            "schedulers": {name: each.state_dict() for name, each in made.items()},
            "scheduler": made["MultiStepLR"],
            "optimizer": optim.AdamW(network.parameters()),
            "scaler": torch.amp.GradScaler("cpu").state_dict(),
        },
        tmp_path / "w.pt",
    )
    assert torch.equal(read(tmp_path / "w.pt").content["model"]["weight"], network.weight)


def test_omegaconf_like_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers whose state names types, as OmegaConf's do: `typing.Any` and a union among them."""
    state = {"_metadata": {"ref_type": Any, "object_type": dict, "optional": True}, "_content": {"lr": 0.1}}
    module = types.ModuleType("configs_of_others")
    config = type("DictConfig", (), {"__module__": module.__name__, "__getstate__": lambda _: state})
    module.DictConfig = config  # type: ignore[attr-defined]  # a module made for the test
    monkeypatch.setitem(sys.modules, module.__name__, module)
    torch.save(
        {"state_dict": {"w": torch.ones(2)}, "hyper_parameters": config(), "t": int | None}, tmp_path / "w"
    )
    raw = read(tmp_path / "w")
    assert torch.equal(raw.content["state_dict"]["w"], torch.ones(2))
    assert raw.closed == ("configs_of_others.DictConfig",)


def test_what_others_let_torch_make_is_not_made(tmp_path: Path) -> None:
    """Libraries may have told torch's reader of classes of theirs: no file makes them, and they stay told of."""
    told = [np.dtype, np.ndarray, Node, Config]
    with torch.serialization.safe_globals(told):
        before = torch.serialization.get_safe_globals()
        torch.save(
            {"model": {"w": torch.ones(2)}, "a": [np.float64(1), Node(a=1), Config()]}, tmp_path / "w.pt"
        )
        found = read(tmp_path / "w.pt").content
        assert set(torch.serialization.get_safe_globals()) == set(before) >= set(told)
    assert torch.equal(found["model"]["w"], torch.ones(2))
    assert not any(isinstance(each, (np.generic, Node, Config)) for each in found["a"])


def test_threads_read_files_of_different_classes(tmp_path: Path) -> None:
    """Files that need different stand-ins are read, and torch's reader knows afterwards what it knew before."""
    for name, beside in {"a": Config(), "b": Node(a=1), "c": Steps([1])}.items():
        torch.save({"model": {"w": torch.ones(2)}, "beside": [beside] * 50}, tmp_path / name)
    every = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with torch.serialization.safe_globals([Config]), ThreadPoolExecutor(8) as threads:
            before = set(torch.serialization.get_safe_globals())
            found = list(threads.map(read, [tmp_path / name for name in "abc" * 20]))
            after = set(torch.serialization.get_safe_globals())
    finally:
        sys.setswitchinterval(every)
    assert after == before
    assert all(torch.equal(raw.content["model"]["w"], torch.ones(2)) for raw in found)


def test_what_torch_makes_itself_is_never_called_inert() -> None:
    """Of what torch's reader makes by itself, all that is not known to be harmless is refused, none stood in for."""
    from torch._weights_only_unpickler import _get_allowed_globals

    from ppbench.models.pickle_safety import _is_inert, _is_known

    made = _get_allowed_globals()
    assert len(made) > 50
    assert [name for name in made if _is_inert(name) and not _is_known(name)] == []


def test_nothing_that_a_file_names_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the user's that has moved since, or does something on import, is not looked for."""
    (tmp_path / "moved_away.py").write_text("class Args:\n    pass\n")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        module = __import__("moved_away")
        network = network_of("resnet20")
        torch.save({"model": network.state_dict(), "args": module.Args()}, tmp_path / "w.pt")
    (tmp_path / "moved_away.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.delitem(sys.modules, "moved_away")
    monkeypatch.syspath_prepend(str(tmp_path))
    loaded = load_model(checkpoint=tmp_path / "w.pt")
    assert "moved_away" not in sys.modules
    assert torch.equal(loaded.module(images_of()), network(images_of()))
    assert loaded.report is not None
    assert "not read, as it is no part of the weights: moved_away.Args" in loaded.report.summary()


@pytest.mark.parametrize(
    "call",
    [
        Call(getattr, "x", "upper"),
        Call(getattr, torch.Size, "x", None),
        Call(getattr, [1], "append"),
        Call(getattr, torch.nn.Parameter(torch.ones(1)), "numpy"),
    ],
)
def test_attributes_of_what_is_real_are_refused(call: Call, tmp_path: Path) -> None:
    """An attribute is harmless where it is a stand-in's only."""
    torch.save({"model": {"w": torch.ones(2)}, "a": call}, tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"a pickle that needs builtins.getattr"):
        read(tmp_path / "w.pt")


def test_a_flood_of_classes_is_refused(tmp_path: Path) -> None:
    """Each costs memory: more than anything beside weights has are one line, by whichever way they are named."""
    listed = b"\x80\x02](" + b"".join(b"cothers\nC%d\n" % number for number in range(2000)) + b"e."
    with pytest.raises(InputError, match="names too much beside its weights"):
        read(zip_file(tmp_path / "many.pt", listed, {}))
    nested = [Call(getattr, Config, f"x{number}") for number in range(2000)]
    with pytest.raises(InputError, match="names too much beside its weights"):
        read(zip_file(tmp_path / "nested.pt", pickled(nested), {}))


class Keyed:
    """An object that is made with keywords: of protocol 2, a partial call that is called."""

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, int]]:
        return (), {"a": 1}

    def __new__(cls, a: int = 0) -> "Keyed":  # noqa: ARG004  what is pickled
        """Make one."""
        return super().__new__(cls)


def test_what_is_called_after_it_was_made_is_refused(tmp_path: Path) -> None:
    """Torch's reader calls nothing that a pickle has made: the line names it, and does not speak of damage."""
    torch.save({"model": {"w": torch.ones(2)}, "a": Keyed()}, tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"a pickle that needs functools.partial, .* --trust-checkpoint"):
        read(tmp_path / "w.pt")
    assert torch.equal(read(tmp_path / "w.pt", trust=True).content["model"]["w"], torch.ones(2))


def test_a_class_that_is_list_and_dictionary_at_once(tmp_path: Path) -> None:
    """Torch's reader fills no such thing: the line names the class."""
    # A class of that name, an empty list of arguments, one item appended, one item set.
    data = pickled({}).replace(b"}", b"cothers\nOdd\n)\x81K\x01aK\x01K\x02s", 1)
    with pytest.raises(InputError, match=r"a pickle that needs others\.Odd"):
        read(zip_file(tmp_path / "odd.pt", data, {}))
