"""The gate as an assertion."""

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from ppbench.data.registry import data_set
from ppbench.errors import InputError
from ppbench.models.input_spec import InputSpec
from ppbench.models.load import LoadedModel
from ppbench.models.requests import ModelRequest, pair
from ppbench.reporting.comparison_layout import signed
from ppbench.reporting.gate_tables import WORST, headline, sentence
from ppbench.runs.evaluate import evaluate
from ppbench.runs.gating import (
    baseline_of,
    check_rules,
    gate_run,
    read_baseline,
    require_same_images,
    write_baseline,
)
from ppbench.scoring.gate import Judgement
from ppbench.scoring.gate_rules import parse_rules

Subject = str | Path | ModelRequest | LoadedModel | nn.Module


class InconclusiveWarning(UserWarning):
    """The evidence is too thin to say whether a rule is kept."""


def assert_no_robustness_regression(
    model: Subject,
    *,
    baseline: str | Path,
    allow: Sequence[str] = (),
    data: str = "digits-c",
    root: str | Path | None = None,
    classes: str | Path | Sequence[str] | None = None,
    source: str = "auto",
    corruptions: str | Sequence[str] = "benchmark",
    severities: str | Sequence[int] = "1-5",
    limit: int | None = None,
    seed: int = 0,
    spec: InputSpec | Mapping[str, Any] | None = None,
    num_classes: int | None = None,
    device: str | None = None,
    batch_size: int | None = None,
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
        data: a data set's name.
        root: where its images are; None looks in the usual places.
        classes: which class folder has which label, see `ppbench.evaluate`.
        source: ``"auto"``, ``"published"`` or ``"generated"``.
        corruptions: the selection, see `ppbench.evaluate`.
        severities: likewise.
        limit: a stratified subset of so many images, fixed by `seed`; the same as the baseline's.
        seed: of the generated corruptions and of the subset.
        spec: the input contract of a network: size, mean, std and so on; needed with a network, and only there.
        num_classes: width of the network's output; None takes the data set's.
        device: a torch device; None takes the best one here.
        batch_size: images per forward pass.
        strict: fail, too, where the evidence is too thin to decide; otherwise that is an `InconclusiveWarning`.
        update: write the baseline instead of judging by it.

    Returns:
        What became of each rule; None after an update.

    Raises:
        AssertionError: a rule is broken; the message says by how much, and which corruptions are worst.
        InputError: the baseline is missing or of other images, or a name does not exist.
    """
    __tracebackhide__ = True  # pytest then shows the caller's line
    rules, path = parse_rules(allow), Path(baseline)
    against = None if update else read_baseline(path)
    if against is not None:
        check_rules(rules, against)
    run = evaluate(
        _subject(model, spec, num_classes, data),
        data=data,
        root=None if root is None else Path(root),
        classes=classes,
        source=source,
        corruptions=corruptions,
        severities=severities,
        limit=limit,
        seed=seed,
        device=device,
        batch_size=batch_size,
        on_warning=lambda line: warnings.warn(line, stacklevel=4),
        check=lambda about: (
            None if against is None else require_same_images(about, "fp32", against, where=str(path))
        ),
    )
    if against is None:
        write_baseline(baseline_of(run), path)
        return None
    found = gate_run(run, against, rules, where=str(path)).judgement
    _raise_or_warn(found, strict)
    return found


def _subject(
    model: Subject, spec: InputSpec | Mapping[str, Any] | None, num_classes: int | None, data: str
) -> str | ModelRequest | LoadedModel:
    if not isinstance(model, nn.Module):
        if spec is not None or num_classes is not None:
            raise InputError(
                f"expected spec and num_classes with a network only, got them with {model!r}: it has its own"
            )
        if isinstance(model, LoadedModel):
            return replace(model, module=copy.deepcopy(model.module))
        if isinstance(model, ModelRequest):
            return model
        return ModelRequest(None, Path(model)) if Path(model).is_file() else pair([str(model)], [])[0]
    if spec is None:
        raise InputError(
            "expected spec= with a network: how images become its input, for example "
            "ppbench.testing.InputSpec(size=32, mean=…, std=…)"
        )
    classes = num_classes or data_set(data).num_classes
    if classes is None:
        raise InputError(f"expected num_classes= with a network on {data}, got none: its folders decide")
    contract = spec if isinstance(spec, InputSpec) else InputSpec.from_dict(spec)
    name = type(model).__name__
    return LoadedModel(name, name, copy.deepcopy(model), contract, classes, spec_source="the caller")


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
    for line in lines:
        warnings.warn(InconclusiveWarning(line), stacklevel=3)
