"""What run.json says of this machine, the models and the data of a run."""

import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

import torch

import corruptions
from ppbench.data.cifar_c import NpyFolder
from ppbench.data.class_order import Classes
from ppbench.data.image_set import Rows
from ppbench.data.own_name import own_name
from ppbench.data.packed import PackedFolder, PackedImages, layout_of
from ppbench.data.source import DataSource
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.keys import identified
from ppbench.installed import DECISIVE, version_of
from ppbench.models.load import LoadedModel
from ppbench.runs.manifest import (
    ClassFacts,
    DataFacts,
    DeviceFacts,
    FileFacts,
    GitRevision,
    ModelFacts,
    OutputFacts,
)


def versions() -> dict[str, str | None]:
    """Return the versions of Python and of the packages that numbers depend on."""
    return {"python": platform.python_version(), **{package: version_of(package) for package in DECISIVE}}


def git_revision(folder: Path) -> GitRevision | None:
    """Return commit and dirty flag of the checkout that `folder` lies in, or None outside of one."""
    commit = _git(folder, "rev-parse", "HEAD")
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return None if commit is None or status is None else GitRevision(commit=commit, dirty=bool(status))


def device_facts(device: torch.device) -> DeviceFacts:
    """Return what the device is: its type, its name, and the number of CPU threads torch uses."""
    name = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else platform.processor() or platform.machine()
    )
    return DeviceFacts(type=device.type, name=name, threads=torch.get_num_threads())


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607  git is found the way the user finds it
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def describe_model(model: LoadedModel, *, unchanged: bool) -> ModelFacts:
    """Return a model's identity: name, architecture, weights, input contract, where that came from, what was assumed.

    Args:
        model: the network.
        unchanged: whether it is as its checkpoint says; one that a caller hands in may have been trained since.
    """
    return ModelFacts(
        name=model.name,
        architecture=model.architecture,
        num_classes=model.num_classes,
        outputs=None if model.choice is None else OutputFacts.of_choice(model.choice),
        checkpoint=None if model.checkpoint is None else str(model.checkpoint),
        checkpoint_sha256=model.sha256,
        checkpoint_prefix=model.prefix,
        input_spec=model.spec,
        input_spec_source=model.spec_source,
        assumed=model.assumed,
        caveats=model.caveats,
        identified=unchanged and identified(model),
    )


def generator_text(generator: Generator) -> str:
    """Return what made the corrupted images, with its version."""
    package = "ppbench" if generator.name == "ppbench" else generator.name
    constants = "" if generator.name == "ppbench" else " (ImageNet's constants at every size)"
    return f"{package} {version_of(package)}{constants}"


def describe_data(
    images: DataSource,
    cells: Sequence[tuple[str, int]],
    *,
    generator: Generator,
    limit: int | None,
    root: Path | None = None,
    files: FileFacts | None = None,
) -> DataFacts:
    """Return the identity of a run's images and cells."""
    names = tuple(dict.fromkeys(corruption for corruption, severity in cells if severity > 0))
    generated = images.source == "generated"
    versions = None
    if generated:  # what a published set has of its own, no code here makes
        versions = {name: corruptions.code_version(own_name(name), generator.jpeg_codec) for name in names}
    return DataFacts(
        name=images.name,
        source=images.source,
        protocol=images.protocol,
        images=len(images.ids),
        num_classes=images.num_classes,
        image_size=images.image_size,
        digest=images.digest,
        classes=None if images.classes is None else _class_facts(images.classes),
        limit=limit,
        seed=generator.seed,
        corruptions=names,
        severities=tuple(sorted({severity for _, severity in cells if severity > 0})),
        generator=generator_text(generator) if generated else None,
        jpeg_quality=generator.quality(images.protocol) if generated else None,
        jpeg_codec=generator.codec_of(names, images.protocol) if generated else None,
        corruption_versions=versions,
        corruption_digests=images.corruption_digests(names),
        files=files,
        root=None if root is None else str(root),
        layout=_layout(images),
        size=None if images.sizes is None else "own",
    )


def _layout(images: DataSource) -> str | None:
    """Return how the images that a run reads lie on the disk; None for clean ones that are not in shards."""
    if isinstance(images.published, PackedFolder):
        return images.published.layout
    if images.published is not None:
        return "arrays" if isinstance(images.published, NpyFolder) else "tree"
    pixels = None if images.clean is None else images.clean.images
    pixels = pixels.base if isinstance(pixels, Rows) else pixels
    return layout_of(pixels.shards) if isinstance(pixels, PackedImages) else None


def _class_facts(classes: Classes) -> ClassFacts:
    """Return which class folder has which label: of a set's own list only its digest."""
    assert classes.by != "any"  # folders that have been found are in some order
    folders = None if classes.by == "known" else classes.names
    return ClassFacts(order=classes.by, folders=folders, digest=classes.digest)
