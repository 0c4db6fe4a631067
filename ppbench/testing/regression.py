"""The gate as an assertion."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import torch
from torch import nn

from ppbench.data.registry import data_set, meant
from ppbench.errors import InputError
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.module import Contract, copied
from ppbench.reporting.gate_tables import WORST, headline, sentence
from ppbench.reporting.table import signed
from ppbench.runs.agreement import require_repeatable_setups
from ppbench.runs.caller_warnings import at_the_caller
from ppbench.runs.config import EvaluationConfig, JpegCodec
from ppbench.runs.evaluate import run
from ppbench.runs.gating import (
    baseline_of,
    check_baseline_place,
    check_planned,
    check_rules,
    gate_run,
    read_baseline,
    write_baseline,
)
from ppbench.runs.listeners import Listeners
from ppbench.runs.loading import Model, said
from ppbench.runs.output_wish import Outputs
from ppbench.scoring.gate import Judgement
from ppbench.scoring.gate_rules import parse_rules


class InconclusiveWarning(UserWarning):
    """The evidence is too thin to say whether a rule is kept."""


def assert_no_robustness_regression(
    model: Model,
    *,
    baseline: str | PathLike[str],
    allow: Sequence[str] = (),
    data: str | None = None,
    root: str | PathLike[str] | None = None,
    classes: str | Path | Sequence[str] | None = None,
    outputs: Outputs | None = None,
    source: str = "auto",
    corruptions: str | Iterable[str] = "benchmark",
    severities: str | int | Iterable[int] = "1-5",
    limit: int | None = None,
    seed: int = 0,
    generator: str = "ppbench",
    jpeg: bool = True,
    jpeg_codec: JpegCodec | None = None,
    spec: Contract | None = None,
    num_classes: int | None = None,
    device: str | torch.device | None = None,
    precision: str = "fp32",
    compiled: bool = False,
    batch_size: int | None = None,
    normaliser: str | PathLike[str] = "auto",
    cache: str | PathLike[str] | None = None,
    strict: bool = False,
    update: bool = False,
) -> Judgement | None:
    """Evaluate a model on clean and corrupted images, and fail where it is really worse than its baseline.

    Args:
        model: a name of `ppbench models`, the path of a checkpoint, a loaded model, or a network. A network is
            copied: the caller's one keeps its device and its mode.
        baseline: a file that `update` (or `ppbench gate --update`) wrote, or a run's folder.
        allow: rules such as ``"mean_error=+1"``, ``"clean=+2"``, ``"error.fog=+3"``; none allows the mean error to rise
            by 1 point and the clean error by 2.
        data: a data set's name; None is the embedded ``digits-c``, and with a `root` refused.
        root: where its images are; None looks in the usual places.
        classes: which class folder has which label, see `ppbench.evaluate`.
        outputs: which outputs of a network with more of them are the classes, see `ppbench.evaluate`; an answer that is
            an error for the baseline has to be one here, too.
        source: ``"auto"``, ``"published"`` or ``"generated"``.
        corruptions: the selection, see `ppbench.evaluate`.
        severities: likewise.
        limit: a stratified subset of so many images, fixed by `seed`; the same as the baseline's.
        seed: of the generated corruptions and of the subset.
        generator: of the corrupted images; the same as the baseline's.
        jpeg: whether generated images have the JPEG step of the published files; likewise.
        jpeg_codec: whose JPEG generated images have: ``"ijg9"`` or ``"turbo"``, see `ppbench.evaluate`; likewise.
        spec: the input contract of a network, see `ppbench.loaded`; needed with a network, and only there.
        num_classes: width of the network's output; None takes the data set's.
        device: a torch device; None takes the best one here.
        precision: ``"fp32"``, ``"bf16"`` or ``"fp16"``; the same as the baseline's.
        compiled: have torch compile the network.
        batch_size: images per forward pass.
        normaliser: what CE divides by, kept with the baseline that `update` writes.
        cache: the folder of finished cells and of decoded images; None takes ``$PPBENCH_CACHE`` or the user's.
        strict: fail, too, where the evidence is too thin to decide; otherwise that is an `InconclusiveWarning`.
        update: write the baseline instead of judging by it.

    Returns:
        What became of each rule; None after an update.

    Raises:
        AssertionError: a rule is broken; the message says by how much, and which corruptions are worst.
        InputError: the baseline is missing or of other images, a name does not exist, or the model's answers depend on
            more than the image; each is found before the corrupted images are asked for.
    """
    __tracebackhide__ = True  # pytest then shows the caller's line
    rules, path = parse_rules(allow), Path(baseline).expanduser()
    if update:
        check_baseline_place(path)
    against = None if update else read_baseline(path)
    if against is not None:
        check_rules(rules, against)
    if num_classes is not None:
        _check_classes(model, num_classes, meant(data, None if root is None else Path(root)))
    config = EvaluationConfig(
        data=data,
        root=root,
        classes=classes,
        outputs=outputs,
        source=source,
        limit=limit,
        corruptions=corruptions,
        severities=severities,
        seed=seed,
        generator=generator,
        jpeg=jpeg,
        jpeg_codec=jpeg_codec,
        batch_size=batch_size,
        device=device,
        precision=precision,
        compiled=compiled,
        cache=cache,
        normaliser=normaliser,
    )
    listeners = Listeners(
        warning=at_the_caller(),
        check=lambda plan: check_planned(plan, against, None, where=str(path)),
        check_setups=require_repeatable_setups,
    )
    # A copy: the caller's network keeps its device and its mode.
    own = replace(model, module=copied(model.module, model.name)) if isinstance(model, LoadedModel) else model
    made = run(own, config, listeners, spec)
    if against is None:
        write_baseline(baseline_of(made), path)
        return None
    found = gate_run(made, against, rules, where=str(path)).judgement
    _raise_or_warn(found, strict)
    return found


def _check_classes(model: Model, num_classes: int, data: str) -> None:
    """Refuse a width where it can have no effect, or is not that of the data."""
    if not isinstance(model, nn.Module):
        raise InputError(
            f"expected num_classes with a network only, got it with {said(model)}: it has its own"
        )
    wanted = data_set(data).num_classes
    if wanted is not None and num_classes < wanted:
        raise InputError(f"expected num_classes={wanted}, as {data} has, got {num_classes}")


def _raise_or_warn(found: Judgement, strict: bool) -> None:
    __tracebackhide__ = True
    lines = [sentence(finding) for finding in found.findings if finding.state != "pass"]
    if found.exit_code(strict=strict):
        worst = [
            f"{each.score.removeprefix('error.')} {signed(each.difference, 2)}"
            for each in found.worst[:WORST]
        ]
        if worst:
            lines.append(f"worst: {', '.join(worst)} points")
        raise AssertionError("\n".join([headline(found), *lines]))
    warn = at_the_caller(InconclusiveWarning)
    for line in lines:
        warn(line)
