"""What `ppbench eval` and `ppbench gate` both take: which models, on which images, how."""

import inspect
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from ppbench.cli.corruption_choice import CorruptionFiles, load_files

if TYPE_CHECKING:
    from ppbench.models.requests import Loading
    from ppbench.runs.folder import Run
    from ppbench.runs.plan import Plan
    from ppbench.runs.setup_report import SetupReport
    from ppbench.setup.finding import SetupCheck


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """The options of an evaluation, as the command line gives them."""

    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A name of `ppbench models`, torchvision:NAME, FILE.py:factory, FILE or NAME=FILE. Repeatable.",
            show_default=False,
        ),
    ] = None
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="Weights for --model. Repeatable, in the same order.", show_default=False),
    ] = None
    turn_into: Annotated[
        str | None,
        typer.Option("--as", help="Turn a plain stem into a push-pull one: resnet50-pp.", show_default=False),
    ] = None
    trust_checkpoint: Annotated[
        bool,
        typer.Option(
            "--trust-checkpoint", help="Unpickle whatever a checkpoint asks for: it can run any code."
        ),
    ] = False
    prefix: Annotated[
        str | None,
        typer.Option(
            help="Where a checkpoint holds several networks: how the names of the one meant begin, e.g. student.",
            show_default=False,
        ),
    ] = None
    mean: Annotated[
        str | None,
        typer.Option(help="Of the model's input, for example 0.49,0.48,0.45.", show_default=False),
    ] = None
    std: Annotated[str | None, typer.Option(help="As --mean.", show_default=False)] = None
    resize: Annotated[
        int | None, typer.Option(help="The shorter side after resizing, in pixels.", show_default=False)
    ] = None
    crop: Annotated[
        int | None, typer.Option(help="Side of the central crop, in pixels.", show_default=False)
    ] = None
    interpolation: Annotated[
        str | None, typer.Option(help="nearest, bilinear or bicubic.", show_default=False)
    ] = None
    value_range: Annotated[
        str | None, typer.Option(help="What 0 and 255 become; 0,1 unless set.", show_default=False)
    ] = None
    normalised_inside: Annotated[
        bool | None,
        typer.Option(
            "--normalised-inside/--normalised-outside",
            help="Whether the model normalises by itself.",
            show_default=False,
        ),
    ] = None
    data: Annotated[
        str | None,
        typer.Option(
            help="The data set: `ppbench data` lists them. Default: digits-c, but not with --root.",
            show_default=False,
        ),
    ] = None
    root: Annotated[
        Path | None,
        typer.Option(help="A published -C folder, a clean data set, or an .npz.", show_default=False),
    ] = None
    classes: Annotated[
        str | None,
        typer.Option(
            help="The order of class folders: text (as torchvision's ImageFolder), numbers (as timm), or a file with a "
            "folder's name a line, label 0 first.",
            show_default=False,
        ),
    ] = None
    source: Annotated[str, typer.Option(help="auto, published (official files) or generated.")] = "auto"
    corruptions: Annotated[
        str, typer.Option(help="benchmark (15), all (15 + 4), extra, a group, or names with commas.")
    ] = "benchmark"
    corruption_file: CorruptionFiles = None
    severities: Annotated[str, typer.Option(help="For example 1-5 or 1,3,5.")] = "1-5"
    limit: Annotated[
        int | None,
        typer.Option(help="A stratified subset of so many images, fixed by --seed.", show_default=False),
    ] = None
    seed: Annotated[int, typer.Option(min=0, help="Seed of the generated corruptions and of the subset.")] = 0
    generator: Annotated[
        str, typer.Option(help="ppbench, or imagecorruptions (the PyPI package, mended) to compare with.")
    ] = "ppbench"
    jpeg: Annotated[
        bool,
        typer.Option(
            "--jpeg/--no-jpeg", help="The JPEG step of generated ImageNet-C and Tiny-ImageNet-C images."
        ),
    ] = True
    jpeg_codec: Annotated[
        str | None,
        typer.Option(
            help="Whose JPEG generated images have: ijg9 (the authors' library) or turbo (today's). Default: ijg9.",
            show_default=False,
        ),
    ] = None
    batch_size: Annotated[
        int | None,
        typer.Option(help="Images per forward pass. Default: what suits the device.", show_default=False),
    ] = None
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto"
    precision: Annotated[
        str, typer.Option(help="fp32; bf16 and fp16 are faster on a GPU, and give other numbers.")
    ] = "fp32"
    compiled: Annotated[bool, typer.Option("--compile", help="Have torch compile the networks.")] = False
    engine: Annotated[str, typer.Option(help="local, or ray for the CPUs and GPUs of a cluster.")] = "local"
    ray_address: Annotated[
        str | None,
        typer.Option(
            help="HOST:PORT of the cluster's head, or auto. Default: a cluster of this machine.",
            show_default=False,
        ),
    ] = None
    normaliser: Annotated[
        str, typer.Option(help="auto, measured (an AlexNet of this run), none, a table's name, or a file.")
    ] = "auto"
    fresh: Annotated[bool, typer.Option("--fresh", help="Make every cell again, whatever the store has.")] = (
        False
    )
    store: Annotated[
        bool, typer.Option("--store/--no-store", help="Keep finished cells, and take them from the store.")
    ] = True
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Where finished cells and decoded images are kept. Default: $PPBENCH_CACHE, else the user's cache.",
            show_default=False,
        ),
    ] = None

    def evaluate(
        self,
        out: Path | None,
        *,
        check: "Callable[[Plan], None] | None" = None,
        check_setups: "Callable[[Sequence[SetupCheck]], None] | None" = None,
        **output: Any,
    ) -> "Run":
        """Evaluate with progress on stderr.

        Args:
            out: the run's folder; None writes none.
            check: what ends the run before the work by what it raises, see `Listeners`.
            check_setups: the same, when the set-ups have been looked at.
            output: fields of `EvaluationConfig` about what is written and shown.

        Raises:
            InputError: bad input.
        """
        from ppbench.cli.failure import interruptible
        from ppbench.cli.progress import eval_progress
        from ppbench.models.requests import pair
        from ppbench.runs.config import EvaluationConfig
        from ppbench.runs.evaluate import run
        from ppbench.runs.listeners import Listeners

        load_files(self.corruption_file or [], self.corruptions)
        models = pair(self.model or [], self.checkpoint or [])
        given = {name: getattr(self, name) for name in NAMES if name not in (*_READ_HERE, *_SPEC)}
        config = EvaluationConfig(
            **given,
            **output,
            out=out,
            loading=self._loading(),
            command=shlex.join(["ppbench", *sys.argv[1:]]),
        )
        kept = (
            "finished cells are kept, the same command goes on from them"
            if self.store
            else "nothing was kept (--no-store)"
        )
        with interruptible(kept), eval_progress() as progress:
            listeners = Listeners(
                warning=lambda line: progress.say(f"warning: {line}"),
                batch=progress.on_batch,
                standing=progress.on_standing,
                note=progress.say,
                check=check or (lambda _plan: None),
                check_setups=check_setups or (lambda _checks: None),
            )
            return run(models, config, listeners)

    def check_setups(self) -> "SetupReport":
        """Check the set-ups of the models on clean images; only the options of `SETUP_NAMES` have an effect.

        Raises:
            InputError: bad input.
        """
        from ppbench.models.requests import pair
        from ppbench.runs.setup_report import check_setups

        return check_setups(
            pair(self.model or [], self.checkpoint or []),
            **{name: getattr(self, name) for name in _ON_CLEAN_IMAGES},
            loading=self._loading(),
            on_note=lambda line: typer.echo(f"ppbench: {line}", err=True),
        )

    def _loading(self) -> "Loading":
        from ppbench.models.input_spec import spec_fields
        from ppbench.models.requests import Loading

        spec = spec_fields(**{name: getattr(self, name) for name in _SPEC})
        return Loading(spec, self.turn_into, self.trust_checkpoint, self.prefix)


NAMES = tuple(field.name for field in fields(EvaluationOptions))

_READ_HERE = ("model", "checkpoint", "corruption_file", "turn_into", "trust_checkpoint", "prefix")
"""The options that say which models and corruptions; those not named here or below are handed on as they are."""

_SPEC = ("mean", "std", "resize", "crop", "interpolation", "value_range", "normalised_inside")
"""The options that set fields of the models' input contract."""

_ON_CLEAN_IMAGES = ("data", "root", "classes", "limit", "seed", "batch_size", "device", "precision")
"""The options that a set-up check hands on as they are."""

SETUP_NAMES = (*(name for name in _READ_HERE if name != "corruption_file"), *_SPEC, *_ON_CLEAN_IMAGES)
"""The options that have an effect on a set-up check."""


def given_options(context: typer.Context, parameters: Iterable[str]) -> list[str]:
    """Return how the user wrote those of some options that stand on the command line.

    Args:
        context: of the command.
        parameters: the names of the options' parameters.
    """
    sources = {name: context.get_parameter_source(name) for name in parameters}
    return [
        spelling(context, name)
        for name, source in sources.items()
        if source is not None and source.name == "COMMANDLINE"
    ]


def spelling(context: typer.Context, parameter: str) -> str:
    """Return how the user wrote an option, or would have: a parameter's name is not always its option's.

    Args:
        context: of the command.
        parameter: the name of the option's parameter, as `context.params` has it.
    """
    option = next(each for each in context.command.params if each.name == parameter)
    turned_off = context.params[parameter] is False and option.secondary_opts
    return (option.secondary_opts if turned_off else option.opts)[0]


def with_evaluation_options(
    *, own_first: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of an evaluation, which it takes together as its argument `options`.

    The parser reads options off a signature, so the wrapper's has one parameter for each of them.

    Args:
        own_first: let `--help` show the command's own options before those of the evaluation.
    """
    hints = get_type_hints(EvaluationOptions, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter(field.name, keyword, default=field.default, annotation=hints[field.name])
        for field in fields(EvaluationOptions)
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [
            each.replace(kind=keyword)
            for each in inspect.signature(command).parameters.values()
            if each.name != "options"
        ]
        parameters = [*own, *shared] if own_first else [*shared, *own]

        @wraps(command)
        def wrapper(**given: Any) -> None:
            options = EvaluationOptions(**{name: given.pop(name) for name in NAMES})
            command(options=options, **given)

        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions may have one
        wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
        return wrapper

    return decorate
