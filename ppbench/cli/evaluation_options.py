"""What `ppbench eval` and `ppbench gate` both take: which models, on which images, how."""

import inspect
import shlex
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from ppbench.cli import completion, options
from ppbench.cli.corruption_choice import load_files
from ppbench.cli.options import option

if TYPE_CHECKING:
    from ppbench.models.requests import Loading
    from ppbench.runs.folder import Run
    from ppbench.runs.plan import Plan
    from ppbench.runs.setup_report import SetupReport
    from ppbench.setup.finding import SetupCheck


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """The options of an evaluation, as the command line gives them."""

    model: options.Models = None
    checkpoint: options.Checkpoints = None
    turn_into: options.TurnInto = None
    prefix: options.Prefix = None
    trust_checkpoint: options.TrustCheckpoint = False

    mean: Annotated[
        str | None,
        option("Input", "Of each channel, for example 0.49,0.48,0.45.", metavar="R,G,B", show_default=False),
    ] = None
    std: Annotated[str | None, option("Input", "As --mean.", metavar="R,G,B", show_default=False)] = None
    resize: Annotated[
        int | None,
        option("Input", "The shorter side after resizing, in pixels.", metavar="N", show_default=False),
    ] = None
    crop: Annotated[
        int | None,
        option("Input", "Side of the central crop, in pixels.", metavar="N", show_default=False),
    ] = None
    interpolation: Annotated[
        str | None,
        option(
            "Input",
            "nearest, bilinear or bicubic.",
            metavar="NAME",
            show_default=False,
            autocompletion=completion.words("nearest", "bilinear", "bicubic"),
        ),
    ] = None
    value_range: Annotated[
        str | None,
        option("Input", "What 0 and 255 become; 0,1 unless set.", metavar="LOW,HIGH", show_default=False),
    ] = None
    normalised_inside: Annotated[
        bool | None,
        option(
            "Input",
            "Whether the model normalises by itself.",
            "--normalised-inside/--normalised-outside",
            show_default=False,
        ),
    ] = None

    data: options.Data = None
    root: options.Root = None
    limit: options.Limit = None
    source: Annotated[
        str,
        option(
            "Data",
            "auto, published (official files) or generated.",
            metavar="KIND",
            autocompletion=completion.words("auto", "published", "generated"),
        ),
    ] = "auto"
    classes: options.Classes = None
    size: options.Size = None
    protocol: options.Protocol = None
    outputs: options.Outputs = None

    corruptions: options.Corruptions = "benchmark"
    severities: options.Severities = "1-5"
    seed: options.CorruptionSeed = 0
    corruption_file: options.CorruptionFiles = None
    jpeg: Annotated[
        bool,
        option(
            "Corruptions",
            "The JPEG step of generated ImageNet-C and Tiny-ImageNet-C images.",
            "--jpeg/--no-jpeg",
        ),
    ] = True
    jpeg_codec: options.EvaluationJpegCodec = None
    generator: Annotated[
        str,
        option(
            "Corruptions",
            "ppbench, or imagecorruptions (the PyPI package, mended) to compare with.",
            metavar="NAME",
            autocompletion=completion.words("ppbench", "imagecorruptions"),
        ),
    ] = "ppbench"

    device: options.Device = "auto"
    batch_size: Annotated[
        int | None,
        option(
            "Numerics",
            "Images per forward pass. Default: what suits the device.",
            metavar="N",
            show_default=False,
        ),
    ] = None
    precision: Annotated[
        str,
        option(
            "Numerics",
            "fp32; bf16 and fp16 are faster on a GPU, and give other numbers.",
            metavar="NAME",
            autocompletion=completion.words("fp32", "bf16", "fp16"),
        ),
    ] = "fp32"
    compiled: Annotated[bool, option("Numerics", "Have torch compile the networks.", "--compile")] = False

    fresh: Annotated[bool, option("Run", "Make every cell again, whatever the store has.", "--fresh")] = False
    store: Annotated[
        bool, option("Run", "Keep finished cells, and take them from the store.", "--store/--no-store")
    ] = True
    cache: options.Cache = None
    engine: Annotated[
        str,
        option(
            "Run",
            "local, or ray for the CPUs and GPUs of a cluster.",
            metavar="NAME",
            autocompletion=completion.words("local", "ray"),
        ),
    ] = "local"
    ray_address: Annotated[
        str | None,
        option(
            "Run",
            "HOST:PORT of the cluster's head, or auto. Default: a cluster of this machine.",
            metavar="ADDRESS",
            show_default=False,
        ),
    ] = None

    normaliser: options.Normaliser = "auto"

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
        from ppbench.models.requests import model_requests
        from ppbench.runs.asked import check_asked
        from ppbench.runs.config import EvaluationConfig

        load_files(self.corruption_file or [], self.corruptions)
        models = model_requests(self.model or [], self.checkpoint or [])
        given = {name: getattr(self, name) for name in NAMES if name not in (*_READ_HERE, *_SPEC)}
        config = EvaluationConfig(
            **given,
            **output,
            out=out,
            loading=self._loading(),
            command=shlex.join(["ppbench", *sys.argv[1:]]),
        )
        check_asked(models, config)  # before torch, which takes seconds to import
        from ppbench.runs.evaluate import run
        from ppbench.runs.listeners import Listeners

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
        from ppbench.data.registry import meant
        from ppbench.data.sets import find_data
        from ppbench.device import check_device_name
        from ppbench.evaluation.precision import check_precision
        from ppbench.models.requests import model_requests
        from ppbench.runs.asked import check_models
        from ppbench.runs.output_wish import read_wish

        models, loading = model_requests(self.model or [], self.checkpoint or []), self._loading()
        # Before torch, which takes seconds to import.
        data = find_data(meant(self.data, self.root), root=self.root, classes=self.classes)
        read_wish(self.outputs)
        check_precision(self.precision)
        check_device_name(self.device)
        check_models(models, loading, data.name)
        from ppbench.runs.setup_report import check_setups

        return check_setups(
            models,
            **{name: getattr(self, name) for name in _ON_CLEAN_IMAGES},
            loading=loading,
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

_ON_CLEAN_IMAGES = (
    "data",
    "root",
    "classes",
    "outputs",
    "limit",
    "seed",
    "batch_size",
    "device",
    "precision",
)
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
    only: Collection[str] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of an evaluation, which it takes together as its argument `options`.

    The parser reads options off a signature, so the wrapper's has one parameter for each of them.

    Args:
        only: the names of those that have an effect on the command; None gives all.
    """
    hints = get_type_hints(EvaluationOptions, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter(field.name, keyword, default=field.default, annotation=hints[field.name])
        for field in fields(EvaluationOptions)
        if only is None or field.name in only
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [
            each.replace(kind=keyword)
            for each in inspect.signature(command).parameters.values()
            if each.name != "options"
        ]
        parameters = [*own, *shared]

        @wraps(command)
        def wrapper(**given: Any) -> None:
            chosen = EvaluationOptions(**{each.name: given.pop(each.name) for each in shared})
            command(options=chosen, **given)

        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions may have one
        wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
        return wrapper

    return decorate
