"""The set-up check at work: it asks a network about a few images, and puts what it finds together.

It never changes a number: a copy of the network is asked, random states are afterwards what they were, and what goes
wrong with a trial is a finding and no error. Of a network that cannot be copied the buffers are put back.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ppbench.data.class_names import class_names
from ppbench.data.image_set import Images, Pixels
from ppbench.data.source import DataSource
from ppbench.errors import InputError
from ppbench.evaluation.answers import INVALID
from ppbench.evaluation.batch_size import is_out_of_memory
from ppbench.evaluation.cells import CLEAN, CellId
from ppbench.evaluation.chosen_outputs import ChosenOutputs
from ppbench.evaluation.network import Network
from ppbench.evaluation.precision import dtype_of
from ppbench.evaluation.reduction import fetch
from ppbench.models.known_error import KnownError, known_error
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.module import copied
from ppbench.setup import alternatives, class_order, clean_error, outputs, pixels, repeatability, untrained
from ppbench.setup.alternatives import Alternative
from ppbench.setup.better import clearly_better
from ppbench.setup.finding import BATCH, CLEAN_ERROR, CONTRACT, Finding, SetupCheck

TOGETHER = 16
"""Images that a network answers together, twice."""

ALONE = 4
"""So many of them it answers one by one, too."""

_GRID_IMAGES = 512  # that are looked at for traces of JPEG: small ones, and no network sees them
_SHARE = 0.03  # of a run's forward passes that a search for a better set-up may take
_TIMED = 8  # images by which its cost is estimated
_SECONDS = 5.0  # that its first part may take in any run: several times what a small network needs on a quiet machine

Predictions = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Checker:
    """Checks the set-ups of a run's networks.

    Attributes:
        source: the images.
        cell: the one whose images are taken: the clean one, or the first published one where there are no clean images.
        device: where the networks are asked.
        precision: that they are asked in.
        batch_size: images that the run asks for at a time: a network may take no more.
        cells: of the run; what the search for a better set-up may cost is a share of them.
        unchanged: the names of the models whose weights are what their checkpoint's digest says.
        clock: seconds.
    """

    source: DataSource
    cell: CellId
    device: torch.device
    precision: str = "fp32"
    batch_size: int = TOGETHER
    cells: int = 1
    unchanged: Set[str] = frozenset()
    clock: Callable[[], float] = time.perf_counter

    def probe(self, model: LoadedModel) -> SetupCheck:
        """Return what can be found before a run: contract, images, weights, batch, outputs.

        Args:
            model: as it was loaded; it is moved to the device.
        """
        model.to(self.device)
        findings = [_contract(model), self._images_finding, untrained.judge(model.module)]
        try:
            with _apart(model, self.device) as trial:
                once, again, alone = self._answers(trial)
        except Exception as error:  # noqa: BLE001  whatever a network does wrong, the run itself will say
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            skipped = Finding(BATCH, "skipped", f"{self._count(TOGETHER)} images failed ({reason})")
            return SetupCheck(model.name, "logits", None, (*findings, skipped))
        limit = repeatability.tolerance(model.module, dtype_of(self.precision))
        causes = repeatability.suspects(model.module)
        depends_on, batch = repeatability.judge(once, again, alone, limit, causes)
        kind, answers = outputs.judge(_that_count(once, model), self.precision)
        return SetupCheck(model.name, kind, depends_on, (*findings, batch, answers))

    def finish(self, check: SetupCheck, model: LoadedModel, predictions: Predictions) -> SetupCheck:
        """Return the check with what the answers to all clean images say.

        Args:
            check: what `probe` found.
            model: the network, its outputs decided.
            predictions: (N,), for the images of the source.
        """
        labels = self.source.labels
        right = predictions == labels
        invalid = int((predictions == INVALID).sum())
        findings = [self.clean_error(model, predictions)] if invalid < len(labels) else []
        if invalid and not any(
            each.check == outputs.OUTPUTS and each.state == "wrong" for each in check.findings
        ):
            text = f"{invalid} of {len(labels):,} clean images get answers that are not finite, which count as errors"
            findings.append(
                Finding(outputs.OUTPUTS, "wrong", text, outputs.not_finite_advice(self.precision))
            )
        if clean_error.suspicious(int((~right).sum()), len(labels), self._known(model)):
            findings += self._searched(check, model, predictions)
        return replace(check, findings=(*check.findings, *findings))

    def renewed(self, check: SetupCheck, model: LoadedModel, predictions: Predictions) -> SetupCheck:
        """Return a check that was kept, with the contract of this run and what is known of the network today."""
        now = {CONTRACT: _contract(model), CLEAN_ERROR: self.clean_error(model, predictions)}
        return replace(check, findings=tuple(now.get(each.check, each) for each in check.findings))

    def clean_error(self, model: LoadedModel, predictions: Predictions) -> Finding:
        """Return how the error on the clean images compares with what is known and with guessing."""
        labels = self.source.labels
        whole = len(np.unique(labels)) == self.source.num_classes
        errors = int((predictions != labels).sum())
        classes = self.source.classes
        order = None if classes is None or classes.by == "known" else f"{classes}; --classes"
        if model.choice is not None:  # by names, which no order of folders changes, or as the user says
            order = f"outputs: {model.choice.by}; --outputs"
        return clean_error.judge(
            model, errors, len(labels), self._known(model), all_classes=whole, order=order
        )

    @property
    def images(self) -> int:
        """How many images there are to look at."""
        return len(self.source.labels)

    def rows(self, count: int) -> npt.NDArray[np.int64]:
        """Return rows spread evenly over the set, in their order: the first ones may all be of one class."""
        return np.linspace(0, len(self.source.labels) - 1, self._count(count)).round().astype(np.int64)

    def batch(self, count: int) -> Tensor:
        """Return the images of `rows` on the device, uint8 (n, 3, H, W)."""
        return self._on_device(self.rows(count))

    def _on_device(self, rows: npt.NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(self._pixels(rows)).permute(0, 3, 1, 2).to(self.device)

    def _pixels(self, rows: npt.NDArray[np.int64]) -> Pixels:
        return np.ascontiguousarray(self._images[rows])

    def _count(self, count: int) -> int:
        return min(count, len(self.source.labels))

    @cached_property
    def _images(self) -> Images:
        if self.cell == CLEAN:
            assert self.source.clean is not None  # or no clean cell is planned
            return self.source.clean.images
        return self.source.cell(self.cell.corruption, self.cell.severity).images

    @cached_property
    def _images_finding(self) -> Finding:
        # The sets of this protocol are stored without loss; others' images are JPEG files.
        lossless = self.cell == CLEAN and self.source.protocol == "cifar-c"
        return pixels.judge(
            self._pixels(self.rows(_GRID_IMAGES if lossless else TOGETHER)),
            self.source.labels,
            self.source.num_classes,
            never_jpeg=lossless,
            in_colour=self.source.name != "folder-c",
        )

    def _known(self, model: LoadedModel) -> KnownError | None:
        told = self.source.own_images and model.name in self.unchanged
        return known_error(model, self.source.name) if told else None

    def _answers(self, model: LoadedModel) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return the answers of `_asked`, to a smaller batch where the memory is too small."""
        most = max(2, self.batch_size)  # one image is no batch
        for count in (min(TOGETHER, most), min(ALONE, most)):
            try:
                return self._asked(model, count)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
        return self._asked(model, 2)

    def _asked(self, model: LoadedModel, count: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return the answers to a batch, to the batch again, and to its first images one by one, on the CPU."""
        network = Network(replace(model, outputs="logits"), self.precision)
        images = self.batch(count)
        once, again = network.logits(images), network.logits(images)
        try:
            alone = torch.cat([network.logits(images[at : at + 1]) for at in range(min(ALONE, len(images)))])
        except (ValueError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and is_out_of_memory(error):
                raise
            alone = None
        return once.cpu(), again.cpu(), None if alone is None else alone.cpu()

    def _searched(self, check: SetupCheck, model: LoadedModel, predictions: Predictions) -> list[Finding]:
        if (predictions == INVALID).any():
            why = "not tried: some answers are not finite"
            return [Finding(name, "skipped", why) for name in (class_order.CLASS_ORDER, alternatives.OTHERS)]
        labels = self.source.labels
        names = class_names(self.source.name, self.source.num_classes, self.source.classes)
        # An output that is none of the classes has no label under any order.
        classes = np.where(predictions < self.source.num_classes, predictions, INVALID).astype(np.int64)
        order = class_order.judge(classes, labels, self.source.num_classes, names)
        if order.state != "ok":
            return [order]
        if check.depends_on is not None:
            why = "not tried: its answers depend on more than the image"
            return [order, Finding(alternatives.OTHERS, "skipped", why)]
        return [order, self._others(model, predictions)]

    def _others(self, model: LoadedModel, predictions: Predictions) -> Finding:
        """Try other set-ups, as far as a share of the run or a part of a second goes."""
        ways = alternatives.alternatives(model.spec, self.source.image_size[0])
        try:
            with _apart(model, self.device) as trial:
                return self._tried(trial, predictions == self.source.labels, ways)
        except Exception as error:  # noqa: BLE001  as above
            return Finding(alternatives.OTHERS, "skipped", f"failed: {type(error).__name__}")

    def _tried(
        self, model: LoadedModel, right: npt.NDArray[np.bool_], ways: Sequence[Alternative]
    ) -> Finding:
        rows = self.rows(alternatives.IMAGES)
        began = self.clock()
        self._right(model, ways[0], rows[:_TIMED])
        each = (self.clock() - began) / len(rows[:_TIMED])
        affordable = max(_SHARE * len(right) * self.cells, _SECONDS / max(each, 1e-9))
        if len(rows) < alternatives.FEWEST:
            return alternatives.FEW_IMAGES
        if affordable < len(rows) * len(ways):
            return alternatives.MUCH_WORK
        tried = []
        for way in ways:
            try:
                tried.append((way, self._right(model, way, rows)))
            except Exception:  # noqa: BLE001, S112  a network may not take another size
                continue
        now = right[rows]
        if best := alternatives.settled(now, tried):
            return alternatives.found(best, now, dict(tried)[best])
        others = np.setdiff1d(self.rows(len(rows) + alternatives.MORE_IMAGES), rows)
        best = alternatives.promising(now, tried)
        if best is None or len(others) < alternatives.FEWEST:
            return alternatives.nothing_found(len(tried), len(rows))
        then, now = self._right(model, best, others), right[others]
        if clearly_better(now, then, 1):  # images that had no part in its being chosen
            return alternatives.found(best, now, then)
        return alternatives.nothing_found(len(tried), len(rows) + len(others))

    def _right(
        self, model: LoadedModel, way: Alternative, rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """Return which images would be right with another set-up, (n,)."""
        network = Network(replace(model, spec=way.spec), self.precision)
        parts = [rows[start : start + 32] for start in range(0, len(rows), 32)]
        answers = [
            network(
                way.images(self._on_device(part)), torch.from_numpy(self.source.labels[part]).to(self.device)
            )
            for part in parts
        ]
        right: npt.NDArray[np.bool_] = fetch(answers).predictions == self.source.labels[rows]
        return right


def _that_count(logits: Tensor, model: LoadedModel) -> Tensor:
    """Return the outputs that say what a network returns: all, or the classes' where the others are not finite.

    Probabilities are told by their sum over all outputs; one that is switched off by -inf is nobody's answer.
    """
    choice = model.choice
    if choice is None or choice.kind == "all" or logits.isfinite().all():
        return logits
    return ChosenOutputs(choice, logits.device).of_classes(logits)


def _contract(model: LoadedModel) -> Finding:
    text = f"{model.spec.summary()}; from {model.spec_source}"
    if model.spec_guessed:
        return Finding(CONTRACT, "notice", text, "nothing said so: is it what the network was trained with?")
    return Finding(CONTRACT, "ok", text)


@contextmanager
def _apart(model: LoadedModel, device: torch.device) -> Iterator[LoadedModel]:
    """Yield a model with a network of its own, and leave all random states as they were.

    A network in training mode changes its buffers, one that adapts itself anything. One that cannot be copied (a graph,
    say) is yielded itself, and its buffers are put back.
    """
    try:
        trial = replace(model, module=copied(model.module, model.name))
    except InputError:
        trial = model
    buffers = [(buffer, buffer.clone()) for buffer in model.module.buffers()] if trial is model else []
    cuda = (
        [torch.cuda.current_device() if device.index is None else device.index]
        if device.type == "cuda"
        else []
    )
    others = random.getstate(), np.random.get_state()  # noqa: NPY002  what a network may draw from
    with torch.random.fork_rng(devices=cuda):
        try:
            yield trial
        finally:
            random.setstate(others[0])
            np.random.set_state(others[1])  # noqa: NPY002  as above
            with torch.inference_mode():
                for buffer, before in buffers:
                    buffer.copy_(before)
