"""What run.json holds: everything that a run's numbers rest on, as types.

Plain dataclasses, so that a run in memory is what its file says. Reading checks every field, by pydantic; the schema in
`docs/run.schema.json` is made from the same types (`python -m ppbench.runs.manifest`).
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

from annotated_types import Ge, Le, Len

from ppbench.data.verification import State
from ppbench.errors import InputError, unknown
from ppbench.evaluation.precision import Precision
from ppbench.models.input_spec import InputSpec
from ppbench.models.output_choice import Answering, OutputChoice
from ppbench.reporting.provenance_line import TableContext
from ppbench.scoring.normaliser import Normaliser
from ppbench.setup.finding import Finding, SetupCheck
from ppbench.spelling import spelled_content
from ppbench.validation import adapter, refuse_misspelt, validated

FILE = "run.json"
SCHEMA_VERSION = 1

Sha256 = Annotated[str, Len(64, 64)]
Count = Annotated[int, Ge(0)]
Severity = Annotated[int, Ge(1), Le(5)]


@dataclass(frozen=True, kw_only=True)
class GitRevision:
    """The checkout that a command ran in.

    Attributes:
        commit: HEAD.
        dirty: Whether tracked files had uncommitted changes.
    """

    commit: Annotated[str, Len(40, 64)]
    dirty: bool


@dataclass(frozen=True, kw_only=True)
class DeviceFacts:
    """What the networks ran on.

    Attributes:
        engine: One process, or a Ray cluster; absent from runs of older versions, which were local.
        type: cpu, cuda or mps.
        name: Of the processor or the GPU; of a cluster, what it had.
        threads: CPU threads that torch used.
    """

    engine: Literal["local", "ray"] = "local"
    type: str
    name: str
    threads: int


@dataclass(frozen=True, kw_only=True)
class SetupFacts:
    """What the set-up check found of a network (docs/setup.md).

    Attributes:
        verdict: The gravest of the findings.
        outputs: What the network returns; of probabilities the logarithm was taken. Log-probabilities do as logits.
        depends_on: What its answers depend on beside the image: the other images of the batch, or chance. Such numbers
            cannot be compared.
        findings: One for each thing that was looked at.
    """

    verdict: Literal["ok", "notice", "wrong"]
    outputs: Literal["logits", "probabilities"]
    depends_on: Literal["batch", "chance"] | None
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, check: SetupCheck) -> "SetupFacts":
        """Return what run.json says of a check."""
        verdict = check.verdict
        assert verdict != "skipped"  # it counts for nothing
        return cls(
            verdict=verdict, outputs=check.outputs, depends_on=check.depends_on, findings=check.findings
        )


@dataclass(frozen=True, kw_only=True)
class OutputFacts:
    """How the outputs of a network became answers about the classes, where it has more outputs than the data classes.

    Attributes:
        answers: subset: the best of the outputs of the data's classes; all: the best of all outputs, and one that is
            none of the classes is an error. Its prediction is then the number of classes plus the output's index.
        of: Outputs of the network.
        by: How the outputs of the classes were found, in words.
        indices: The output of each class, label 0 first.
        digest: SHA-256 of the indices, label 0 first, joined by line feeds.
    """

    answers: Answering
    of: Count
    by: str
    indices: tuple[Count, ...]
    digest: Sha256

    @classmethod
    def of_choice(cls, choice: OutputChoice) -> "OutputFacts":
        """Return what run.json says of a choice."""
        return cls(
            answers=choice.kind,
            of=choice.outputs,
            by=choice.by,
            indices=choice.indices,
            digest=choice.digest,
        )

    def __str__(self) -> str:
        """Return it in a few words, as tables have it: ``100 of 1000``, ``all 1000``."""
        return str(OutputChoice(self.answers, self.indices, self.of, self.by))


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """A network of a run.

    Attributes:
        name: What tables call it; different for each model of a run.
        architecture: A name of `ppbench models --architectures`, torchvision:NAME, timm:NAME or FILE.py:factory.
        num_classes: Width of the output.
        outputs: Which outputs answer for the classes of the data, where the data have fewer; null where each output is
            a class. Absent in older runs, in which each was.
        checkpoint: The file of the weights; null where there is none.
        checkpoint_sha256: Of that file.
        checkpoint_prefix: How the names of the weights begin in that file, where --prefix chose among several networks.
        input_spec: How images become the network's input.
        input_spec_source: Who said so: flags, factory, checkpoint metadata, index, zoo, or a default.
        assumed: What neither the file nor the user says of the network and was taken for granted, a clause each:
            strides and pooling, which weights of a zoo, whether a fine-tuned network kept the zoo's input. Absent in
            older runs.
        caveats: What every table says of these weights, a clause each: what they are not. Absent in older runs.
        identified: Whether checkpoint_sha256, or the version of published weights, tells all that it computes: not of
            code of one's own, nor of a network handed over in Python, which may have changed.
        setup: What the set-up check found of it; null in runs of older versions.
    """

    name: str
    architecture: str
    num_classes: Count
    outputs: OutputFacts | None = None
    checkpoint: str | None
    checkpoint_sha256: Sha256 | None
    checkpoint_prefix: str = ""
    input_spec: InputSpec
    input_spec_source: str
    assumed: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    identified: bool = False
    setup: SetupFacts | None = None


@dataclass(frozen=True, kw_only=True)
class ClassFacts:
    """Which class folder has which label.

    Attributes:
        order: What decided: the set's own list of classes, the folders' names sorted as text or by the numbers in them,
            or a list of the user's (--classes).
        folders: The folders' names, label 0 first; null for the set's own list.
        digest: SHA-256 of the names, label 0 first, joined by line feeds.
    """

    order: Literal["known", "text", "numbers", "file"]
    folders: tuple[str, ...] | None
    digest: Sha256


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """Whether the files of the corrupted images are the published ones.

    Attributes:
        compared_with: The published set, e.g. CIFAR-10-C; null where single files of it have no published sums.
        states: File to what it is. published: it has the published sum. generated: it has the digests of the manifest
            that `ppbench generate` wrote beside it. changed: the manifest has other digests. misplaced: it has the sum
            of another published file. unknown: nothing says what it is. Empty for image files, which are not checked.
        md5: File to its MD5 sum, of files that have the size of a published one or are in the manifest.
    """

    compared_with: str | None
    states: Mapping[str, State]
    md5: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """The images and cells of a run.

    Two runs can be paired if all of this agrees but limit, corruptions and severities.

    Attributes:
        name: The data set, e.g. cifar10-c.
        source: Corrupted here, or read from the official files.
        protocol: The set of severity constants: cifar-c, tiny-imagenet-c, imagenet-c.
        images: In each cell.
        num_classes: Of the data.
        image_size: Height and width in pixels.
        digest: SHA-256 of images, labels and ids; of large published sets, of a sample.
        classes: Which class folder has which label; null where the labels are in a file. Absent from runs of older
            versions, which sorted folders as text.
        limit: --limit; null for all images.
        seed: Of generated corruptions and of the subset.
        corruptions: In the order of the benchmark.
        severities: Ascending.
        generator: What made the corrupted images, with its version; null for published files.
        jpeg_quality: Of the JPEG step of generated images; null for none.
        jpeg_codec: Whose JPEG that step and jpeg_compression are: IJG's libjpeg 9, or libjpeg-turbo, which decodes what
            is stored in either case; null where no cell has any. Absent from older runs, which had libjpeg-turbo's.
        corruption_versions: Corruption to code version, which changes with the pixels it makes; null for published
            files.
        corruption_digests: Corruption to SHA-256 of a sample of its published images; null for generated ones.
        files: Whether the files are the published ones; null for images that were corrupted here. Absent from runs of
            older versions, which did not check.
        size: own where the images keep the size they have (--size own); null where it is that of the protocol. Absent
            from older runs.
        root: --root; null for the usual places or an embedded set.
        layout: How the images lie on the disk: arrays, tree (one image file each), webdataset or parquet; null where
            clean images lie otherwise. Absent from older runs.
    """

    name: str
    source: Literal["generated", "published"]
    protocol: str
    images: Annotated[int, Ge(1)]
    num_classes: Count
    image_size: tuple[int, int]
    digest: Sha256
    classes: ClassFacts | None = None
    limit: Annotated[int, Ge(1)] | None
    seed: int
    corruptions: tuple[str, ...]
    severities: tuple[Severity, ...]
    generator: str | None
    jpeg_quality: int | None
    jpeg_codec: Literal["ijg9", "turbo"] | None = None
    corruption_versions: Mapping[str, str | int] | None
    corruption_digests: Mapping[str, str] | None = None
    files: FileFacts | None = None
    root: str | None = None
    layout: str | None = None
    size: Literal["own"] | None = None


@dataclass(frozen=True, kw_only=True)
class CellCounts:
    """Model-cell pairs of a run.

    Attributes:
        from_store: Answered by an earlier run; the versions are then those of that run.
        evaluated: Evaluated in this run.
        first_measured: When the first of those from the store was measured, in UTC; null without one.
        last_measured: When the last of them was.
    """

    from_store: Count
    evaluated: Count
    first_measured: str | None = None
    last_measured: str | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What the numbers of a run folder rest on.

    Within one schema_version keys may be added, none is removed or changes its meaning.

    Attributes:
        schema_version: Of this file.
        status: run.json is written last: a folder with it is whole.
        command: The command line; null for a run from Python.
        started: When, in UTC.
        seconds: How long the evaluation took; a run answered from the cell store takes none.
        versions: Versions of Python and of the packages that numbers depend on; null for one that is not installed.
        git: The checkout that the command ran in; null outside of one.
        device: What the networks ran on.
        precision: Of the networks' arithmetic: fp32, bf16 or fp16.
        compiled: Whether torch compiled the networks; absent from runs of older versions, which never did.
        batch_size: Images per forward pass; the last one, where memory was too small for the first.
        cells: Model-cell pairs: taken from the cell store, or evaluated in this run.
        models: The networks, in the order of every table.
        data: The images and cells.
        normaliser: What CE and mCE divide by, with its numbers; null for none.
        normaliser_notes: Those of the notes in context that are about the normaliser; they hold for no other.
        context: What stands below every table of the run.
        baseline_model: The model that R_net compares with.
    """

    schema_version: Literal[1] = 1
    status: Literal["complete"] = "complete"
    command: str | None
    started: str
    seconds: Annotated[float, Ge(0)]
    versions: Mapping[str, str | None]
    git: GitRevision | None
    device: DeviceFacts
    precision: Precision
    compiled: bool = False
    batch_size: Annotated[int, Ge(1)]
    cells: CellCounts
    models: Annotated[tuple[ModelFacts, ...], Len(1)]
    data: DataFacts
    normaliser: Normaliser | None
    normaliser_notes: tuple[str, ...] = ()
    context: TableContext
    baseline_model: str | None

    def model(self, name: str) -> ModelFacts:
        """Return what is said of a model.

        Raises:
            InputError: there is none of that name.
        """
        for model in self.models:
            if model.name == name:
                return model
        raise unknown("model", name, [model.name for model in self.models])

    def to_json(self) -> str:
        """Return the text of run.json."""
        return json.dumps(spelled_content(asdict(self)), indent=2, allow_nan=False, ensure_ascii=False)


def read_manifest(folder: Path) -> Manifest:
    """Return what a run's run.json says.

    Raises:
        InputError: there is none, it is damaged, or another version wrote it.
    """
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["schema_version"]
    except FileNotFoundError:
        raise InputError(f"{folder}: has no {FILE}: name the folder of a finished run") from None
    except NotADirectoryError:
        raise InputError(f"{folder}: this is a file: name the folder of a finished run") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: damaged file ({error}): evaluate again") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: cannot be read as a run ({type(error).__name__}: {error}): evaluate again"
        ) from None
    if type(version) is not int or version != SCHEMA_VERSION:  # true and 1.0 are equal to 1
        newer = isinstance(version, int) and version > SCHEMA_VERSION
        advice = "use a newer ppbench" if newer else "evaluate again"
        raise InputError(f"{path}: expected schema_version {SCHEMA_VERSION}, got {version!r}: {advice}")
    where = f"{path}: not the run.json of a whole run: "
    found = validated(Manifest, content, lambda _field: where)
    refuse_misspelt(Manifest, content, where)
    return found


def schema() -> dict[str, Any]:
    """Return the JSON schema of run.json; what each key is for is taken from the classes' own words."""
    made = adapter(Manifest).json_schema()
    for kind in _kinds(Manifest):
        known = made if kind is Manifest else made["$defs"][kind.__name__]
        about, fields = _described(kind)
        known["description"] = about
        for name, text in fields.items():
            if name in known["properties"]:
                known["properties"][name]["description"] = text
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "run.json of ppbench", **made}


def _kinds(kind: Any) -> Iterator[type]:
    """Yield a dataclass and all those in its fields."""
    if is_dataclass(kind) and isinstance(kind, type):
        yield kind
        for hint in get_type_hints(kind).values():
            yield from _kinds(hint)
    for part in get_args(kind):
        yield from _kinds(part)


def _described(kind: type) -> tuple[str, dict[str, str]]:
    """Return what a class says of itself, and what its section `Attributes` says of each field."""
    # Cleaned: from Python 3.13 on docstrings are without their indentation.
    about, _, section = cleandoc(kind.__doc__ or "").partition("Attributes:")
    fields = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return " ".join(about.split()), {name: " ".join(text.split()) for name, text in fields}


if __name__ == "__main__":
    json.dump(schema(), sys.stdout, indent=2)
    sys.stdout.write("\n")
