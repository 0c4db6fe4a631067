"""The networks of a run: loaded or taken as they are, named, and checked against the images."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike

from torch import nn

from ppbench.data.source import DataSource
from ppbench.errors import InputError
from ppbench.models.load import for_images, load_model
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.module import Contract, loaded
from ppbench.models.output_choice import ClassList
from ppbench.models.reading import stated_classes
from ppbench.models.requests import Loading, ModelRequest, model_requests, path_of, unique_names
from ppbench.runs.choosing_outputs import DataClasses, NetworkOutputs, choose
from ppbench.runs.output_wish import OutputWish
from ppbench.spelling import spelled

Model = str | PathLike[str] | ModelRequest | LoadedModel | nn.Module
"""What a run can be asked to evaluate: a name as `--model` takes it, the file of a checkpoint, or a network."""

Models = Model | Iterable[Model] | Mapping[str, Model]


Files = str | PathLike[str] | Sequence[str | PathLike[str]]


def with_files(models: Models | None, files: Files | None) -> Models:
    """Return models with the files of their weights, paired as the command line pairs them.

    Args:
        models: names, where there are files.
        files: of weights; None leaves the models as they are.

    Raises:
        InputError: there is neither, or names and files cannot be paired.
    """
    if files is None:
        if models is None:
            raise _no_model(models)
        return models
    names = [] if models is None else [models] if isinstance(models, str) else models
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise InputError(f"expected the name of a model with checkpoint=, got {said(models)}")
    paths = [files] if isinstance(files, str | PathLike) else files
    return model_requests([str(name) for name in names], [path_of(path) for path in paths])


@dataclass(frozen=True)
class Loaded:
    """The networks of a run.

    Attributes:
        models: each with a name of its own.
        unchanged: the names of those that were loaded here and nowhere else: what their checkpoint's digest says of
            them is true. A network that a caller hands in may have been trained or pruned since it was loaded.
    """

    models: list[LoadedModel]
    unchanged: frozenset[str]


def load_models(
    models: Models,
    images: DataSource,
    loading: Loading,
    on_note: Callable[[str], None],
    spec: Contract | None = None,
    wish: OutputWish | None = None,
) -> Loaded:
    """Return the networks, with the right classes and size for the images.

    Args:
        models: one, several, or several by the names that tables are to call them.
        images: that they will answer.
        loading: how checkpoints are read.
        on_note: called with one line about what was inferred from a checkpoint.
        spec: the input contract of those that are modules; see `loaded`.
        wish: which outputs of a network with more of them are the classes of the images; None leaves it to what both
            say of themselves.

    Raises:
        InputError: there is no such model, or it does not fit the images.
    """
    wanted = _listed(models)
    requests = [as_request(model) for model in wanted.values()]
    if loading.prefix is not None and not any(
        isinstance(request, ModelRequest) and request.checkpoint for request in requests
    ):
        raise InputError(
            f"--prefix {loading.prefix} chooses a network in a file: name the file with --checkpoint"
        )
    if spec is not None and not any(isinstance(request, nn.Module) for request in requests):
        raise InputError(
            f"spec= is for networks in Python, and {said(next(iter(wanted.values())))} has its own: "
            "ppbench.load_model takes a spec that counts before that"
        )
    networks = [_network(request, images, loading, spec) for request in requests]
    for model in networks:
        _check_classes(model, images)
    asked = [isinstance(request, ModelRequest) for request in requests]
    networks = _with_choices(networks, asked, images, wish or OutputWish())
    for request, model in zip(requests, networks, strict=True):
        if isinstance(request, ModelRequest) and request.model is None and model.report is not None:
            on_note(f"{model.checkpoint}: {model.architecture}: {model.report.summary()}")
        elif isinstance(request, ModelRequest) and model.report is not None:
            for remark in model.report.remarks:
                on_note(f"{model.checkpoint}: {remark}")
    plain = [
        name if isinstance(name, str) else model.name for name, model in zip(wanted, networks, strict=True)
    ]
    names = unique_names(
        plain,
        [ModelRequest(name, model.checkpoint) for name, model in zip(plain, networks, strict=True)],
    )
    names = list(map(spelled, names))  # a name that comes from a file's must go into every table
    return Loaded(
        [replace(model, name=name) for model, name in zip(networks, names, strict=True)],
        frozenset(
            name for name, request in zip(names, requests, strict=True) if isinstance(request, ModelRequest)
        ),
    )


def _with_choices(
    models: Sequence[LoadedModel], asked: Sequence[bool], images: DataSource, wish: OutputWish
) -> list[LoadedModel]:
    """Return the models, those with more outputs than classes with what their outputs are.

    Args:
        models: of the run.
        asked: whether each was loaded for these images, and not handed over by the caller.
        images: that they will answer.
        wish: what the user says.

    Raises:
        InputError: nothing says which outputs are the classes, or what the user says is for none of the models.
    """
    classes = DataClasses.of(images)
    if wish.maps and all(model.num_classes == classes.count for model in models):
        raise InputError(
            f"--outputs {wish.where or 'background-first'} is for a network with more outputs than the "
            f"{classes.count} classes of {images.name}, and {models[0].name} has no more: leave it out"
        )
    return [
        replace(model, choice=choose(_outputs_of(model, classes, here), classes, wish), class_list=None)
        for model, here in zip(models, asked, strict=True)
    ]


def _outputs_of(model: LoadedModel, classes: DataClasses, asked: bool) -> NetworkOutputs:
    names = model.class_list
    if names is None and model.checkpoint is not None and model.num_classes > classes.count:
        stated = stated_classes(model.checkpoint)
        names = (
            None if stated is None else ClassList(stated, f"{model.checkpoint.name}'s own list of classes")
        )
    return NetworkOutputs(
        model.name, model.num_classes, names, "" if asked else _made_with(model, classes.count)
    )


def _made_with(model: LoadedModel, classes: int) -> str:
    """Return how a network of one's own is made for so many classes; empty for others."""
    own = ".py:" in model.architecture and model.checkpoint is None
    return f"pass num_classes={classes} to ppbench.load_model" if own else ""


def _check_classes(model: LoadedModel, images: DataSource) -> None:
    """Refuse images whose class folders are not those that a network's file says it was trained on.

    Raises:
        InputError: a label means another class.
    """
    ours = None if images.classes is None or images.classes.by == "known" else images.classes.names
    theirs = None if ours is None or model.checkpoint is None else stated_classes(model.checkpoint)
    if ours is None or theirs is None or len(ours) != len(theirs):
        return
    label = next((k for k, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1]), None)
    if label is not None:
        raise InputError(
            f"{model.checkpoint}: trained with other class folders: its label {label} is {theirs[label]!r}, here it is "
            f"{ours[label]!r}: give --classes the order that it was trained in"
        )


def as_request(model: Model) -> ModelRequest | LoadedModel | nn.Module:
    """Return what a caller means by a model.

    A text is what `--model` takes, ``NAME=FILE`` too; one that names a file of weights, and every path, is that file.

    Raises:
        InputError: it is nothing that can be evaluated.
    """
    if isinstance(model, ModelRequest | LoadedModel | nn.Module):
        return model
    if isinstance(model, str):
        # A name without a dot is a name, though a file may happen to be called like it.
        file = path_of(model)
        if file.suffix and file.is_file():
            return ModelRequest(None, file)
        return model_requests([model], [])[0]
    if isinstance(model, PathLike):
        return ModelRequest(None, path_of(model))
    raise _no_model(model)


def _no_model(given: object) -> InputError:
    return InputError(
        "expected a model's name, the path of a checkpoint, a model of ppbench.load_model, or a torch.nn.Module with "
        f"its spec, got {said(given)}"
    )


def said(model: object) -> str:
    """Return what was given as a model, in a few words of one line."""
    text = model.name if isinstance(model, LoadedModel) else repr(model)
    return " ".join(text.split())[:200]


def _listed(models: Models) -> dict[str | int, Model]:
    """Return what was asked for, by the names that the caller gave, or else by number."""
    if isinstance(models, Mapping):
        found: dict[str | int, Model] = {str(name): model for name, model in models.items()}
    elif isinstance(models, str | PathLike | nn.Module) or not isinstance(models, Iterable):
        found = {0: models}
    else:
        found = dict(enumerate(models))
    if not found:
        raise InputError("no model named: give at least one")
    return found


def _network(
    request: ModelRequest | LoadedModel | nn.Module,
    images: DataSource,
    loading: Loading,
    spec: Contract | None,
) -> LoadedModel:
    if isinstance(request, nn.Module):
        return _fitting(loaded(request, spec, image_size=images.image_size[0]), images)
    if isinstance(request, LoadedModel):
        return _fitting(request, images)
    return load_model(
        request.model,
        checkpoint=request.checkpoint,
        data=images.name,
        num_classes=images.num_classes,
        wider=True,
        image_size=images.image_size[0],
        spec=loading.spec,
        turn_into=loading.turn_into,
        trust=loading.trust,
        prefix=loading.prefix if request.checkpoint is not None else None,
    )


def _fitting(model: LoadedModel, images: DataSource) -> LoadedModel:
    if model.num_classes < images.num_classes:
        advice = _made_with(model, images.num_classes)
        raise InputError(
            f"{model.name}: expected {images.num_classes} classes, as {images.name} has, got {model.num_classes}"
            f"{f': {advice}' if advice else ''}"
        )
    size = images.image_size[0]
    model = for_images(model, size)
    if model.spec.size != size and model.spec.resize is None and model.spec.crop is None:
        raise InputError(
            f"{model.name}: expected an input of {size} pixels, as {images.name} has, got {model.spec.size}: "
            "set resize in its input spec to have the images resized"
        )
    return model
