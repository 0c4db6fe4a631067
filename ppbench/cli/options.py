"""The options that several commands share, each declared once: its name, its help, what it takes and completes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ppbench.cli import completion


def option(panel: str, help_: str, *names: str, **more: Any) -> Any:
    """Return the declaration of an option.

    Args:
        panel: of `help_screen.PANELS`, where `--help` shows it.
        help_: what it does.
        names: as the user writes it, where that is not the parameter's name.
        more: what `typer.Option` takes; a default of None is not shown.
    """
    return typer.Option(*names, help=help_, rich_help_panel=panel, **more)


def argument(help_: str, **more: Any) -> Any:
    """Return the declaration of an argument, as `option`."""
    return typer.Argument(help=help_, **{"show_default": False, **more})


Models = Annotated[
    list[str] | None,
    option(
        "Model",
        "A name of `ppbench models`, torchvision:NAME, timm:NAME, FILE.py:FUNCTION, FILE or NAME=FILE. Repeatable.",
        metavar="NAME",
        show_default=False,
        autocompletion=completion.one_of(completion.models),
    ),
]
Checkpoints = Annotated[
    list[Path] | None,
    option(
        "Model",
        "Weights for --model. Repeatable, in the same order.",
        metavar="FILE",
        show_default=False,
    ),
]
TurnInto = Annotated[
    str | None,
    option(
        "Model",
        "Turn a plain stem into a push-pull one: resnet50-pp.",
        "--as",
        metavar="NAME",
        show_default=False,
        autocompletion=completion.one_of(completion.architectures),
    ),
]
Prefix = Annotated[
    str | None,
    option(
        "Model",
        "Where a checkpoint holds several networks: how the names of the one meant begin, e.g. student.",
        metavar="WORD",
        show_default=False,
    ),
]
TrustCheckpoint = Annotated[
    bool,
    option(
        "Model",
        "Unpickle whatever a checkpoint asks for: it can run any code.",
        "--trust-checkpoint",
    ),
]

Data = Annotated[
    str | None,
    option(
        "Data",
        "The data set: `ppbench data` lists them. Default: digits-c, but not with --root.",
        metavar="NAME",
        show_default=False,
        autocompletion=completion.one_of(completion.data_sets),
    ),
]
Root = Annotated[
    Path | None,
    option(
        "Data",
        "A published -C folder, a clean data set, or an .npz.",
        metavar="PATH",
        show_default=False,
    ),
]
CleanRoot = Annotated[
    Path | None,
    option(
        "Data",
        "A folder of clean images, or an .npz.",
        "--root",
        metavar="PATH",
        show_default=False,
    ),
]
Classes = Annotated[
    str | None,
    option(
        "Data",
        "The order of class folders: text (as torchvision's ImageFolder), numbers (as timm), or a file with a folder's "
        "name a line, label 0 first.",
        metavar="ORDER",
        show_default=False,
        autocompletion=completion.words("text", "numbers"),
    ),
]
Outputs = Annotated[
    str | None,
    option(
        "Data",
        "Of a network with more outputs than classes: subset (the best of the classes' outputs; default), all (any "
        "other answer is an error), background-first, or a file: an output's index for each class, or a name for each "
        "output.",
        metavar="WHICH",
        show_default=False,
        autocompletion=completion.words("subset", "all", "background-first"),
    ),
]
Limit = Annotated[
    int | None,
    option(
        "Data",
        "A stratified subset of so many images, fixed by --seed.",
        metavar="N",
        show_default=False,
    ),
]

Size = Annotated[
    str | None,
    option(
        "Data",
        "own: the images of folder-c keep the size they have. Default: that of the protocol.",
        metavar="own",
        show_default=False,
        autocompletion=completion.words("own"),
    ),
]
Protocol = Annotated[
    str | None,
    option(
        "Data",
        "With --size own: whose constants. Default: those made for the nearest size.",
        metavar="NAME",
        show_default=False,
        autocompletion=completion.one_of(completion.protocols),
    ),
]

Corruptions = Annotated[
    str,
    option(
        "Corruptions",
        "benchmark (15), all (15 + 4), extra, others (a published set's own), a group, or names with commas.",
        metavar="NAMES",
        autocompletion=completion.several_of(completion.corruptions),
    ),
]
CorruptionFiles = Annotated[
    list[Path] | None,
    option(
        "Corruptions",
        "A Python file with corruptions of your own, named as the others are. Repeatable.",
        metavar="FILE",
        show_default=False,
    ),
]
Severities = Annotated[str, option("Corruptions", "For example 1-5 or 1,3,5.", metavar="NUMBERS")]
CorruptionSeed = Annotated[
    int,
    option("Corruptions", "Seed of the generated corruptions and of the subset.", min=0, metavar="N"),
]

JpegCodec = Annotated[
    str,
    option(
        "Corruptions",
        "Whose JPEG: ijg9 (the authors' library) or turbo (today's).",
        metavar="NAME",
        autocompletion=completion.words("ijg9", "turbo"),
    ),
]
EvaluationJpegCodec = Annotated[
    str | None,
    option(
        "Corruptions",
        "Whose JPEG generated images have: ijg9 (the authors' library) or turbo (today's). Default: ijg9.",
        "--jpeg-codec",
        metavar="NAME",
        show_default=False,
        autocompletion=completion.words("ijg9", "turbo"),
    ),
]

Device = Annotated[
    str,
    option(
        "Numerics",
        "auto, cpu, cuda, cuda:1, mps.",
        metavar="NAME",
        autocompletion=completion.words("auto", "cpu", "cuda", "mps"),
    ),
]

Cache = Annotated[
    Path | None,
    option(
        "Run",
        "Where finished cells and decoded images are kept. Default: $PPBENCH_CACHE, else the user's cache.",
        metavar="FOLDER",
        show_default=False,
    ),
]

Normaliser = Annotated[
    str | None,
    option(
        "Output",
        "What CE divides by: imagenet-c-alexnet, cifar10-c-alexnet-2020, measured (the alexnet of this run), "
        "measured:MODEL, none, or a file (errors of one model, or TOML). Default: what suits the data, or that of the "
        "run.",
        metavar="NAME",
        show_default=False,
        autocompletion=completion.one_of(completion.normalisers),
    ),
]
ComparedWith = Annotated[
    str | None,
    option(
        "Output",
        "The model of this run that R_net compares with.",
        "--baseline-model",
        metavar="NAME",
        show_default=False,
    ),
]
PublishedResults = Annotated[
    str | None,
    option(
        "Output",
        "Add published results: imagenet-c, imagenet100-c, cifar10-c or cifar100-c.",
        "--reference",
        metavar="DATA",
        show_default=False,
        autocompletion=completion.one_of(completion.references),
    ),
]
Overwrite = Annotated[
    bool,
    option("Output", "Replace the run in --out, though it has what this one has not.", "--overwrite"),
]
Json = Annotated[bool, option("Output", "Print JSON instead of what people read.", "--json")]
JsonFormat = Annotated[bool, option("Output", "The same as --format json.", "--json")]

Runs = Annotated[
    list[Path], argument("Folders of finished runs; compared ones are on the same images.", metavar="RUN")
]
