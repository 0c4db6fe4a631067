"""From what a user calls a model to a network that answers."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ppbench.atomic import sha256_of
from ppbench.errors import InputError
from ppbench.models import python_file, timm_models
from ppbench.models.checkpoint import (
    LoadReport,
    Weights,
    build,
    chosen,
    classes_of,
    fill,
    outputs_in,
    read_weights,
    recognise,
)
from ppbench.models.index import IndexEntry, known_index, with_sha256
from ppbench.models.input_spec import Claim, InputSpec, default_spec, settle
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.naming import meaning
from ppbench.models.onnx_graphs import graph_sha256, load_graph
from ppbench.models.programs import KINDS, load_program
from ppbench.models.reading import Format, file_format
from ppbench.models.recognise import unseen, without_memory
from ppbench.models.registry import Architecture, architecture
from ppbench.models.requests import TIMM, is_file, path_of
from ppbench.models.state_dict import normalisations
from ppbench.models.stem_swap import with_stem
from ppbench.models.zoo_contract import ZooContract

UNTRAINED = "its push-pull stem was made from a plain one by --as and is not trained"


@dataclass(frozen=True)
class Loader:
    """What `load_model` is told beside the name: what is known of the images, and what the user insists on."""

    data: str | None
    num_classes: int | None
    image_size: int | None
    flags: Mapping[str, Any]
    turn_into: str | None
    trust: bool
    prefix: str | None = None
    wider: bool = False

    def named(self, model: str, path: Path | None) -> LoadedModel:
        """Return the model of that name: the user's own, torchvision's, the index's, or a network with a file."""
        meant = meaning(model, path, self.data)
        if meant.function is not None:
            return self.own(*meant.function, path)
        if meant.zoo:
            return self.zoo(model, path)
        if meant.entry is not None:
            return self.indexed(meant.entry)
        assert meant.file is not None
        return self.file(meant.file, meant.architecture)

    def indexed(self, entry: IndexEntry) -> LoadedModel:
        """Return a checkpoint of the index, downloaded where it does not ship, and proved by its hash."""
        path = entry.path if entry.url is None else _fetched(entry)
        if not path.is_file():
            raise InputError(
                f"{entry.id}: its weights are gone ({path}): install ppbench again, or add it again"
            )
        if (found := sha256_of(path)) != entry.sha256:
            raise InputError(
                f"{path}: expected sha256 {entry.sha256} (index), got {found}: the file was changed"
            )
        return self.file(path, architecture(entry.architecture))

    def file(self, path: Path, wanted: Architecture | None = None) -> LoadedModel:
        """Return the network of a file of weights: a named architecture, or the one it is recognised as."""
        if wanted is None and (kind := file_format(path)) in KINDS:
            return self.program(path, kind)
        if wanted is None and kind == "onnx":
            return self.graph(path)
        weights = read_weights(path, trust=self.trust, prefix=self.prefix)
        sha256 = sha256_of(path)
        entry = with_sha256(known_index(), sha256)
        notes: tuple[str, ...] = ()
        if wanted is None and entry is not None:
            wanted, notes = (
                architecture(entry.architecture),
                (f"known by its sha256 as {entry.id} of the index", f"recognised {weights.describe()}"),
            )
        elif wanted is None:
            wanted, notes = recognise(weights)
        weights = chosen(weights, wanted)
        told = entry.architecture if entry else weights.raw.metadata.get("architecture")
        assumed = (
            () if told == wanted.name or weights.traits is None else (unseen(wanted, weights.traits.kernel),)
        )
        if self.turn_into is not None:
            wanted = architecture(self.turn_into)
            weights = with_stem(weights, wanted)
        caveats: tuple[str, ...] = (entry.caveat,) if entry and entry.caveat else ()
        if self.turn_into is not None:
            caveats += (UNTRAINED,)
        size = self.image_size or _size_of(weights, entry)
        classes = self._width(weights, partial(_skeleton, wanted, size))
        network, report = build(weights, wanted, num_classes=classes, image_size=size)
        claims: list[Claim] = [
            *_claims_of(weights, default_spec(size)),
            Claim(f"index entry {entry.id}" if entry else "", entry.spec if entry else None),
            _default(size),
        ]
        contract = settle(claims, self.flags, self.image_size)
        return LoadedModel(
            name=wanted.name,
            architecture=wanted.name,
            module=network,
            spec=contract.spec,
            num_classes=classes_of(weights, classes),
            checkpoint=path,
            sha256=sha256,
            report=replace(report, notes=notes + report.notes),
            spec_source=contract.source,
            spec_guessed=contract.guess,
            assumed=assumed,
            caveats=caveats,
        )

    def zoo(self, model: str, path: Path | None) -> LoadedModel:
        """Return a network of torchvision's or timm's zoo, with its own weights or with a file's."""
        size, interpolation = self.image_size or 224, self.flags.get("interpolation")
        if path is not None:
            return self._zoo_file(model, path, size)
        if model.startswith(TIMM):
            network, contract = timm_models.pretrained(model, interpolation)
            loaded = self._foreign(model, network, [contract.claim(size)])
            return replace(loaded, class_list=timm_models.class_list(model, loaded.num_classes, contract))
        from ppbench.models import torchvision_models  # slow to import; see `ppbench.models.resnet.resnet`

        name, weights_name = torchvision_models.split(model)
        network, contract, used = torchvision_models.pretrained(name, weights_name, interpolation)
        loaded = self._foreign(f"torchvision:{name}@{used}", network, [contract.claim(size)])
        return replace(loaded, assumed=torchvision_models.without_transform_input(name, self._given()))

    def _zoo_file(self, model: str, path: Path, size: int) -> LoadedModel:
        """Return a network of a zoo with a file's weights: their own word on the input counts, then the zoo's."""
        from ppbench.models import torchvision_models  # as in `zoo`

        if model.startswith("hf-hub:"):
            raise InputError(
                f"{model}: a model of the hub has weights of its own: expected timm:NAME with --checkpoint"
            )
        interpolation = self.flags.get("interpolation")
        weights, sha256 = read_weights(path, trust=self.trust, prefix=self.prefix), sha256_of(path)
        if model.startswith(TIMM):
            wanted, contract = timm_models.with_file(model, weights, sha256, size, interpolation)
        else:
            wanted, weights, contract = torchvision_models.with_file(
                model, weights, sha256, size, interpolation
            )
        classes = self._width(weights, partial(_skeleton, wanted, size)) or contract.num_classes or 1000
        network, report = build(weights, wanted, num_classes=classes, image_size=size)
        own = _claims_of(weights, contract.for_images(size))
        loaded = self._foreign(wanted.name, network, [*own, contract.claim(size)])
        assumed: tuple[str, ...] = ()
        if all(claim.spec is None for claim in own) and not {"mean", "std"} <= set(self._given()):
            assumed = contract.assumed + _fine_tuned(loaded, contract)
        elif model.startswith("torchvision:"):
            assumed = torchvision_models.without_transform_input(wanted.base, self._given())
        named = timm_models.class_list(model, loaded.num_classes, contract)
        loaded = replace(loaded, checkpoint=path, sha256=sha256, report=report, assumed=assumed)
        return replace(loaded, class_list=named)

    def _given(self) -> list[str]:
        """The fields of the contract that the user insists on."""
        return [name for name, value in self.flags.items() if value is not None]

    def own(self, file: Path, function: str, path: Path | None) -> LoadedModel:
        """Return a user's module, with the weights it comes with or with a file's."""
        size, classes = self.image_size or 224, self.num_classes or 1000
        network, spec = python_file.from_factory(file, function, num_classes=classes, image_size=size)
        name = f"{file.name}:{function}"
        default = _default(size)
        if path is None:
            return self._foreign(name, network, [Claim(f"factory {name}", spec), default])
        with python_file.standing_in(file) if self.trust else nullcontext():
            weights = read_weights(path, trust=self.trust, prefix=self.prefix)
        width = outputs_in(weights, network, classes) if self.wider else None
        if width is not None and width > classes:
            network, spec = python_file.from_factory(file, function, num_classes=width, image_size=size)
        # A normalisation layer of the network's own, which takes the file's, is no contract for its input.
        said = [] if normalisations(network.state_dict()) else _claims_of(weights, default_spec(size))
        loaded = self._foreign(name, network, [Claim(f"factory {name}", spec), *said, default])
        report = fill(network, weights, name)
        return replace(loaded, checkpoint=path, sha256=sha256_of(path), report=report)

    def program(self, path: Path, kind: Format) -> LoadedModel:
        """Return a TorchScript or exported program, on the user's trust."""
        size = self.image_size or 224
        network = load_program(path, kind, trust=self.trust, image_size=self._side_seen() or size)
        return self._runnable(path, network, size, sha256_of(path), KINDS[kind])

    def graph(self, path: Path) -> LoadedModel:
        """Return an ONNX graph."""
        network, tried = load_graph(path, image_size=self._side_seen() or self.image_size)
        return self._runnable(
            path, network, self.image_size or tried, graph_sha256(path), network.input.describe()
        )

    def _width(self, weights: Weights, network: Callable[[int], nn.Module]) -> int | None:
        """Return how many outputs the network of a file is to have; None where neither the user nor the file shows it.

        Args:
            weights: of the file.
            network: makes the network for a number of classes.
        """
        shown = weights.traits.num_classes if weights.traits else None
        if self.num_classes is None or not self.wider:
            return self.num_classes or shown
        if shown is None:
            shown = outputs_in(weights, network(self.num_classes), self.num_classes)
        return max(self.num_classes, shown or 0)  # fewer are refused where they are loaded

    def _side_seen(self) -> int | None:
        """Side of the images after the user's own resizing and cropping, None where there is neither."""
        side: int | None = self.flags.get("crop") or self.flags.get("resize")
        return side

    def _runnable(self, path: Path, network: nn.Module, size: int, sha256: str, what: str) -> LoadedModel:
        if self.prefix is not None:
            raise InputError(
                f"{path}: --prefix {self.prefix} chooses weights by their names, and this is {what}: leave it out"
            )
        claims: list[Claim] = [_default(size)]
        loaded = self._foreign(path.name, network, claims)
        return replace(loaded, checkpoint=path, sha256=sha256, report=LoadReport(0, 0, (what,)))

    def _foreign(self, name: str, network: nn.Module, claims: list[Claim]) -> LoadedModel:
        if self.turn_into is not None:
            raise InputError(
                f"{name}: --as {self.turn_into} takes only weights of a network that ppbench builds: leave it out"
            )
        contract = settle(claims, self.flags, self.image_size)
        outputs = count_outputs(network, contract.spec.size, name)
        wide_enough = self.wider and outputs > (self.num_classes or 0)
        if self.num_classes is not None and outputs != self.num_classes and not wide_enough:
            raise InputError(f"{name}: expected {self.num_classes} classes, got a network with {outputs}")
        return LoadedModel(
            name,
            name,
            network,
            contract.spec,
            outputs,
            spec_source=contract.source,
            spec_guessed=contract.guess,
        )


def _skeleton(wanted: Architecture, image_size: int, classes: int) -> nn.Module:
    with without_memory():
        return wanted.build(classes, image_size)


def _fetched(entry: IndexEntry) -> Path:
    from ppbench.models.download import fetch  # brings requests and pooch

    return fetch(entry)


def _default(size: int) -> Claim:
    return Claim(f"the default for images of {size} pixels", default_spec(size), guess=True)


def _fine_tuned(loaded: LoadedModel, contract: ZooContract) -> tuple[str, ...]:
    """Say that a zoo's contract is taken for weights that cannot be the zoo's."""
    if contract.num_classes in (None, loaded.num_classes):
        return ()
    clause = (
        f"the zoo's own input, although these weights tell {loaded.num_classes} classes apart and the zoo's "
        f"{contract.num_classes or 'none'}: pass --mean, --std and --resize if they were trained with another"
    )
    return (clause,)


def _claims_of(weights: Weights, otherwise: InputSpec) -> list[Claim]:
    """What a checkpoint itself says of its input; a normalisation layer says mean and std, and nothing of the rest."""
    own = weights.raw.metadata.get("input")
    inside = weights.state.normalisation
    layer = replace(otherwise, mean=inside[0], std=inside[1]) if inside else None
    return [
        Claim("checkpoint metadata", InputSpec.from_dict(own) if isinstance(own, dict) else None),
        Claim("the checkpoint's normalisation layer", layer),
    ]


def _size_of(weights: Weights, entry: IndexEntry | None) -> int:
    """The image size where the data do not say it: the metadata's, the index's, or what the stem is made for."""
    stated = weights.raw.metadata.get("image_size")
    if isinstance(stated, int):
        return stated
    return entry.image_size if entry else weights.traits.stem_size if weights.traits else 224


@torch.inference_mode()
def count_outputs(network: nn.Module, size: int, name: str) -> int:
    """Ask the network itself how many classes it has: one black image through it, before any long run."""
    parameter = next(network.parameters(), None)
    black = torch.zeros(1, 3, size, size, device=None if parameter is None else parameter.device)
    try:
        logits = network.eval()(black)
    except Exception as error:
        if parameter is not None and parameter.dtype != torch.float32:
            kind = str(parameter.dtype).removeprefix("torch.")
            raise InputError(
                f"{name}: expected weights in float32, got {kind}: call .float() on it"
            ) from error
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{name}: cannot take images of {size} pixels ({type(error).__name__}: {reason})"
        ) from error
    logits = getattr(logits, "logits", logits)
    if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != 1:
        got = tuple(logits.shape) if isinstance(logits, torch.Tensor) else f"a {type(logits).__name__}"
        raise InputError(
            f"{name}: expected one tensor of logits (1, classes) for one image, got {got}: return that tensor alone, "
            "from a FILE.py:FUNCTION"
        )
    return logits.shape[1]


def for_images(model: LoadedModel, size: int) -> LoadedModel:
    """Return a model whose contract is nobody's word, but the default for another size, with the default for this one.

    Args:
        model: as it was loaded, when nobody knew the images.
        size: side of the images that it will answer, in pixels.

    Raises:
        InputError: it cannot take images of this size.
    """
    if not model.spec_guessed or model.spec.size == size or model.spec != default_spec(model.spec.size):
        return model
    count_outputs(model.module, size, model.name)
    default = _default(size)
    assert default.spec is not None
    return replace(model, spec=default.spec, spec_source=default.who)


__all__ = ["LoadedModel", "for_images", "load_model"]


def load_model(
    model: str | PathLike[str] | None = None,
    *,
    checkpoint: str | PathLike[str] | None = None,
    data: str | None = None,
    num_classes: int | None = None,
    wider: bool = False,
    image_size: int | None = None,
    spec: Mapping[str, Any] | None = None,
    turn_into: str | None = None,
    trust: bool = False,
    prefix: str | None = None,
    name: str | None = None,
) -> LoadedModel:
    """Return a network with its weights, ready to answer.

    Args:
        model: an id of the checkpoint index, an architecture, ``torchvision:NAME[@WEIGHTS]``, ``timm:NAME``,
            ``hf-hub:OWNER/NAME``, ``FILE.py:factory``, or a file of weights or ONNX graph, as for
            None and `checkpoint`; None recognises the network from the checkpoint. Every path is a file.
        checkpoint: a file of weights; needed for an architecture that the index has no weights of. Without a `model`
            it may also be a TorchScript or `torch.export` program, or an ONNX graph.
        data: the data set that the model will answer, e.g. ``"digits-c"``: it picks the weights of an architecture.
        num_classes: of the data; None takes what the weights have.
        wider: take a network with more outputs than `num_classes`, too: which of them are the classes,
            `ppbench.evaluate` finds out.
        image_size: of the data, in pixels; None takes what the model is made for.
        spec: fields of `InputSpec` that count before everything that the model says.
        turn_into: the push-pull network that a plain one's weights are turned into, e.g. ``"resnet50-pp"``.
        trust: unpickle whatever the checkpoint asks for, and run programs: either can run any code.
        prefix: how the names of the weights begin that are meant, e.g. ``student.``, where the checkpoint holds several
            networks; None takes the only one, or the running average.
        name: what tables call the model; None takes `turn_into`, `model`, or what was recognised.

    Raises:
        InputError: there is no such model or file, the weights do not fit, or there are none.
    """
    loader = Loader(data, num_classes, image_size, dict(spec or {}), turn_into, trust, prefix, wider)
    for given in (model, checkpoint):
        if not isinstance(given, str | PathLike | None):
            raise InputError(f"expected a model's name or the path of a file, got {type(given).__name__}")
    path = None if checkpoint is None else path_of(checkpoint)
    if isinstance(model, PathLike) and path is not None:
        raise InputError(f"two files of weights, {model} and {path}: give one, and the name of its network")
    if isinstance(model, PathLike) or (path is None and model is not None and is_file(model)):
        path, model = path_of(model), None
    if model is None and path is None:
        raise InputError("no model and no checkpoint named: `ppbench models` lists what is known")
    if prefix is not None and path is None:
        raise InputError(f"--prefix {prefix} chooses a network in a file: name the file with --checkpoint")
    loaded = loader.file(path) if model is None and path else loader.named(str(model), path)
    called = name or turn_into or model or loaded.architecture
    return replace(loaded, name=called, prefix=prefix or "")
