"""What a study of push-pull makes of right and wrong answers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.push_pull_study.cifar10_jpeg import CIFAR10_JPEG
from benchmarks.push_pull_study.digits import DIGITS
from benchmarks.push_pull_study.inhibition import inhibition
from benchmarks.push_pull_study.networks import check
from benchmarks.push_pull_study.statistics import Measured, Row, rows
from benchmarks.push_pull_study.tables import by_corruption_and_severity, document, verdicts
from ppbench.errors import InputError
from ppbench.evaluation.cells import plan
from ppbench.models.checkpoint import save_checkpoint
from ppbench.models.push_pull import PushPullConv2d
from ppbench.models.registry import architecture
from ppbench.scoring.names import CORRUPTIONS, SEVERITIES
from ppbench.scoring.normaliser import default_normaliser
from ppbench.scoring.outcomes import Outcomes
from ppbench.scoring.scores import score
from ppbench.training.recipe import load_recipe
from ppbench.training.resume import identity_of

STUDY, VARIANTS = CIFAR10_JPEG, CIFAR10_JPEG.variants
CELLS = tuple((cell.corruption, cell.severity) for cell in plan(CORRUPTIONS, SEVERITIES, clean=True))
IMAGES = 400


def _made(rates: dict[tuple[str, int], float]) -> dict:
    """Networks that are wrong by chance, at a rate of their own; correlated over cells, as real ones are."""
    rng = np.random.default_rng(0)
    hard = rng.random(IMAGES)
    made = {}
    for variant, seed in STUDY.trainings():
        rate = rates.get((variant.label, seed), 0.3)
        noise = 0.5 * rng.random((len(CELLS), IMAGES)) + 0.5 * hard
        made[variant, seed] = Outcomes(f"{variant.label} {seed}", CELLS, noise < rate)
    return made


@pytest.fixture(scope="module")
def outcomes() -> dict:
    """PP3 better in all seeds, PP5 in none."""
    rates = {("PP3", seed): 0.22 for seed in range(3)} | {("PP5", seed): 0.38 for seed in range(3)}
    return _made(rates)


def test_figures_are_those_of_scoring(outcomes: dict) -> None:
    """Clean error, mean error, mCE and R_net of each seed are what `ppbench score` says of the same answers."""
    normaliser = default_normaliser("cifar10-c")
    assert normaliser is not None
    made = rows(STUDY, outcomes, normaliser)
    assert [row.variant for row in made] == list(VARIANTS)
    for row in made:
        for position, seed in enumerate(row.variant.seeds):
            plain = outcomes[VARIANTS[0], seed]
            one = outcomes[row.variant, seed]
            tables = (one.table,) if one is plain else (one.table, plain.table)
            said = score(tables, normaliser, baseline=plain.model).models[0]
            assert row.figures["clean error"].seeds[position] == pytest.approx(said.clean_error)
            assert row.figures["mean error"].seeds[position] == pytest.approx(said.mean_error)
            assert row.figures["mCE"].seeds[position] == pytest.approx(said.mce)
            if one is not plain:
                assert row.figures["R_net"].seeds[position] == pytest.approx(said.r_net)


def test_differences_are_paired(outcomes: dict) -> None:
    """Variant minus the same augmentation's baseline; pairing makes the interval narrower than both figures' own."""
    normaliser = default_normaliser("cifar10-c")
    assert normaliser is not None
    for row in rows(STUDY, outcomes, normaliser):
        if row.variant.stem == "":
            assert not row.differences
            continue
        base = next(
            r for r in rows(STUDY, outcomes, normaliser) if r.variant == STUDY.baseline_of(row.variant)
        )
        mean = row.differences["mean error"]
        assert mean.value == pytest.approx(row.figures["mean error"].value - base.figures["mean error"].value)
        assert mean.low <= mean.value <= mean.high
        own = [one.figures["mean error"] for one in (row, base)]
        assert mean.high - mean.low < sum(one.high - one.low for one in own) / 2


def test_the_document_says_what_the_figures_say(outcomes: dict) -> None:
    """Better, worse, undecided, over images and over seeds; one seed is called one seed; what is missing is named."""
    normaliser = default_normaliser("cifar10-c")
    assert normaliser is not None
    text = document(
        STUDY,
        rows(STUDY, outcomes, normaliser),
        images=IMAGES,
        epochs=15,
        normaliser="by X",
        missing=["PRIME + PP3 seed 0"],
    )
    said = {line.split("**")[1]: line for line in text.splitlines() if line.startswith("- **")}
    assert "better, in 3 of 3 seeds; the interval over seeds, −" in said["PP3"]
    assert "worse, in 3 of 3 seeds; the interval over seeds, +" in said["PP5"]
    assert all("is clear of zero." in said[name] for name in ("PP3", "PP5"))
    assert "The paper's −2.20 points are outside the interval over images and seeds;" in said["PP5"]
    assert "one seed" in said["AugMix + PP3"]
    assert "JPEG re-encodings" in text
    assert "1 trainings are missing: PRIME + PP3 seed 0" in text
    assert text.count("\n| PP3 |") == 4
    ours = [part for part in text.split("\n## ") if "\n| PP3 |" in part]
    assert all("*Trained on JPEG re-encodings" in part for part in ours)


def test_a_study_that_is_not_finished_has_rows_for_what_is_there(outcomes: dict) -> None:
    """The first two networks make two rows."""
    normaliser = default_normaliser("cifar10-c")
    assert normaliser is not None
    part = {key: one for key, one in outcomes.items() if key in STUDY.trainings()[:2]}
    made = rows(STUDY, part, normaliser)
    assert [row.variant.label for row in made] == ["baseline", "PP3"]
    assert made[1].differences["mean error"].spread is None


def test_networks_are_compared_with_those_of_their_own_seed(outcomes: dict) -> None:
    """Whatever is missing: PP3 of seeds 0 and 2 beside a baseline of seeds 1 and 2 is one pair, of seed 2."""
    normaliser = default_normaliser("cifar10-c")
    assert normaliser is not None
    plain, push_pull = VARIANTS[:2]
    there = [(plain, 1), (plain, 2), (push_pull, 0), (push_pull, 2)]
    part = rows(STUDY, {key: outcomes[key] for key in there}, normaliser)[1]
    whole = rows(STUDY, outcomes, normaliser)[1]
    assert part.differences["mean error"].seeds == (whole.differences["mean error"].seeds[2],)
    assert part.figures["R_net"].seeds == (whole.figures["R_net"].seeds[2],)
    assert not rows(STUDY, {(push_pull, 0): outcomes[push_pull, 0]}, normaliser)[0].differences


def test_an_interval_over_seeds_is_students() -> None:
    """Of three values: mean ± 4.303 standard errors, the quantile of the printed tables."""
    low, high = Measured(-2.0, -3.0, -1.0, 1.0, (-3.0, -2.0, -1.0)).over_seeds()
    assert (low, high) == pytest.approx((-2.0 - 4.303 / 3**0.5, -2.0 + 4.303 / 3**0.5), abs=1e-3)


def _verdict_on_pp3(rates: dict[tuple[str, int], float]) -> str:
    """What the document says of PP3, where networks are wrong at these rates."""
    normaliser = default_normaliser("cifar10-c")
    assert normaliser is not None
    made = rows(STUDY, _made(rates), normaliser)
    text = document(STUDY, made, images=IMAGES, epochs=15, normaliser="by X", missing=[])
    return next(line for line in text.splitlines() if line.startswith("- **PP3"))


def test_seeds_that_agree_by_chance_are_not_called_decided() -> None:
    """All three trainings better, but by such different amounts that a fourth may be worse."""
    verdict = _verdict_on_pp3({("PP3", 0): 0.15, ("PP3", 1): 0.285, ("PP3", 2): 0.285})
    assert "better, in 3 of 3 seeds" in verdict
    assert "holds zero" in verdict


@pytest.mark.parametrize(
    ("seeds", "points", "share"),
    [
        ((-1.0, 0.0, 1.0), "outside the interval over images, inside the interval over seeds", None),
        ((-0.1, 0.0, 0.1), "outside the interval over images and seeds", None),
        ((0.0,), "outside the interval over images", "outside the interval over images"),
    ],
)
def test_a_verdict_says_whether_the_papers_effect_is_ruled_out(
    seeds: tuple[float, ...], points: str, share: str | None
) -> None:
    """Of 0 ± 0.5 over images it is, but trainings that differ by a point leave room for it; 3.3 % of 25.4 are 0.84."""
    spread = float(np.std(seeds, ddof=1)) if len(seeds) > 1 else None
    measured = Measured(0.0, -0.5, 0.5, spread, seeds)
    mean = Measured(25.4, 24.0, 27.0, spread, seeds)
    row = Row(VARIANTS[1], {"mean error": mean}, {"mean error": measured, "clean error": measured})
    told = verdicts(STUDY, [row])
    assert (
        f"The paper's −2.20 points are {points}; its −3.30 % of the errors, −0.84 points here, are " in told
    )
    assert ("mean error over seeds −" in told) == (len(seeds) > 1)
    assert ("One seed says nothing of other trainings." in told) == (len(seeds) == 1)
    assert share is None or f"here, are {share}." in told


def test_seeds_that_disagree_are_not_called_better() -> None:
    """Three trainings of which one went the other way: the mean says one thing, and another training may another."""
    verdict = _verdict_on_pp3({("PP3", 0): 0.15, ("PP3", 1): 0.15, ("PP3", 2): 0.33})
    assert "better in the mean, but in 2 of 3 seeds only: another training may differ." in verdict


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, None),
        ({"seed": 1}, "seed 0, got 1"),
        ({"data_digest": "00"}, "data digest "),
        ({"recipe": {}}, "recipe "),
    ],
    ids=["the plan's", "seed", "images", "recipe"],
)
def test_a_network_that_the_plan_does_not_describe_is_refused(
    changes: dict, told: str | None, tmp_path: Path
) -> None:
    """The study speaks of its networks by the plan: a file says of itself whether it is the one it is named after."""
    variant = VARIANTS[1]
    identity = identity_of(load_recipe(variant.recipe, model=variant.model), 0, STUDY.digest)
    network = architecture(variant.model).build(10, 32)
    save_checkpoint(
        variant.file(tmp_path, 0), network, {"architecture": variant.model, **identity, **changes}
    )
    if told is None:
        check(STUDY, [(variant, 0)], tmp_path)
        return
    with pytest.raises(InputError, match=f"seed0.safetensors: expected a training with {told}"):
        check(STUDY, [(variant, 0)], tmp_path)


def test_what_is_asked_of_the_digits_is_asked_of_five_trainings(tmp_path: Path) -> None:
    """Where push-pull gains and loses, and what training left of its inhibition, of files that are there."""
    network = architecture("resnet20-pp").build(10, 32)
    variant = DIGITS.variants[1]
    layer = next(module for module in network.modules() if isinstance(module, PushPullConv2d))
    with torch.no_grad():
        layer.pull_inhibition_strength.copy_(torch.arange(16) / 16 - 0.1)
    facts = {"architecture": "resnet20-pp", "image_size": 32, "num_classes": 10}
    save_checkpoint(variant.file(tmp_path, 3), network, facts)
    assert [len(each.seeds) for each in DIGITS.variants] == [5, 5, 5]
    table = inhibition(DIGITS, [(DIGITS.plain, 0), (variant, 3)], tmp_path)
    assert table.splitlines()[2:] == ["| PP3 | 16 | 0.37 | 0.37 | 0.84 | 25 % | 12 % |"]


def test_the_table_of_corruptions_and_severities_has_all_of_them(outcomes: dict) -> None:
    """Their means are the mean error's difference."""
    normaliser = default_normaliser("cifar10-c")
    assert normaliser is not None
    made = rows(STUDY, outcomes, normaliser)
    told = by_corruption_and_severity(made).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in told if line.startswith("| ")] == [
        *["", *CORRUPTIONS],
        *["", *(f"severity {severity}" for severity in SEVERITIES)],
    ]
    for row in made[1:3]:
        for names in (CORRUPTIONS, [f"severity {severity}" for severity in SEVERITIES]):
            mean = np.mean([row.differences[name].value for name in names])
            assert mean == pytest.approx(row.differences["mean error"].value)
