"""Scores that cannot be known, or are of a part: what is said then, and what is refused."""

import pytest

from ppbench.errors import InputError
from ppbench.scoring.cell import Cell
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.names import ALL, CORRUPTIONS
from ppbench.scoring.normaliser import load_normaliser, measured
from ppbench.scoring.scores import score

from .tables import stated, subset

FULL = stated("a", {c: [10.0, 20.0, 30.0, 40.0, 50.0] for c in CORRUPTIONS}, 5.0)
ALEXNET = load_normaliser("imagenet-c-alexnet")


def test_a_full_table_is_not_partial():
    """15 × 5 cells and the clean row lack nothing and need no note."""
    mine = score([FULL], ALEXNET)["a"]
    assert mine.partial == ()
    assert mine.notes == ()


@pytest.mark.parametrize(
    "table, says",
    [
        (subset(FULL, severities=(1, 3, 5)), ("severities 1, 3, 5 of 1, 2, 3, 4, 5",)),
        (subset(FULL, CORRUPTIONS[:14]), ("14 of 15 corruptions: without jpeg_compression",)),
        (subset(FULL, ("fog", "snow")), ("2 of 15 corruptions: only snow, fog",)),
        (ErrorTable("a", None, FULL.cells), ("the clean error is missing",)),
        (ErrorTable("a", FULL.clean, {}), ("0 of 15 corruptions",)),
        (
            ErrorTable("a", FULL.clean, {k: v for k, v in FULL.cells.items() if k != ("fog", 2)}),
            ("fog: severities 1, 3, 4, 5 of 1, 2, 3, 4, 5",),
        ),
    ],
)
def test_partial_says_what_is_missing(table, says):
    """Missing severities, corruptions and clean images are each named."""
    assert score([table], ALEXNET)["a"].partial == says


def test_a_subset_is_divided_by_the_same_subset_of_the_normaliser():
    """With severities 1 and 5 of fog, CE divides by AlexNet's errors at severities 1 and 5 of fog."""
    table = subset(FULL, ("fog",), (1, 5))
    mine = score([table], ALEXNET)["a"]
    assert mine.mce == pytest.approx(100 * 60 / (67.474 + 94.5))
    assert mine.relative_mce == pytest.approx(100 * 50 / (67.474 + 94.5 - 2 * 43.478))
    assert mine.row("fog").severities == (1, 5)
    assert mine.row("snow") is None


def test_severity_means_cannot_normalise_a_subset():
    """With fewer severities than were averaged, CE is None with a reason, not a wrong number."""
    mine = score([subset(FULL, severities=(5,))], load_normaliser("cifar10-c-alexnet-2020"))["a"]
    assert (mine.mce, mine.relative_mce) == (None, None)
    assert mine.mean_error == 50.0
    assert mine.notes == (
        "no CE: cifar10-c-alexnet-2020 knows only the mean over five severities, got severities 5",
    )


def test_a_corruption_the_normaliser_lacks_has_no_ce_and_the_mean_says_so():
    """The mean is over the corruptions that can be normalised, and the note counts them."""
    norm = measured(subset(stated("n", {c: [50.0] * 5 for c in CORRUPTIONS}, 5), CORRUPTIONS[1:]))
    mine = score([FULL], norm)["a"]
    assert mine.row("gaussian_noise").ce is None
    assert mine.mce == pytest.approx(60.0)
    assert "no CE for gaussian_noise: measured:n does not have it" in mine.notes
    assert "mCE is over 14 of the 15 measured corruptions" in mine.notes


def test_extra_corruptions_without_a_normaliser_keep_their_mean_error():
    """The ImageNet list has no extra corruptions: their CE is None with one shared note, mCE is unharmed."""
    table = stated("a", {c: [10.0, 20.0, 30.0, 40.0, 50.0] for c in ALL}, 5.0)
    mine = score([table], ALEXNET)["a"]
    assert mine.row("saturate").ce is None
    assert mine.row("saturate").mean_error == 30.0
    assert mine.mce == score([FULL], ALEXNET)["a"].mce
    assert mine.notes == (
        "no CE for speckle_noise, gaussian_blur, spatter, saturate: imagenet-c-alexnet does not have it",
    )


@pytest.mark.parametrize("brightness", [3.0, 5.0, 5.05])
def test_a_relative_ce_over_nothing_is_undefined(brightness):
    """Where the normaliser is no worse than on clean images, or hardly, relative CE is None and CE stays."""
    rows = {c: [50.0] * 5 for c in CORRUPTIONS} | {"brightness": [brightness] * 5}
    mine = score([FULL], measured(stated("n", rows, 5.0)))["a"]
    assert mine.row("brightness").relative_ce is None
    assert mine.row("brightness").ce == pytest.approx(100 * 30 / brightness)
    assert mine.relative_mce == pytest.approx(100 * 25 / 45)
    assert mine.notes == (
        "no relative CE for brightness: measured:n is hardly worse there than on clean images",
        "relative mCE is over 14 of the 15 measured corruptions",
    )


def test_a_normaliser_without_errors_does_not_divide_by_zero():
    """A perfect normaliser gives no CE instead of an infinite one."""
    rows = {c: [50.0] * 5 for c in CORRUPTIONS} | {"fog": [0.0] * 5}
    mine = score([FULL], measured(stated("n", rows, 0.0)))["a"]
    assert mine.row("fog").ce is None
    assert "no CE for fog: measured:n makes no error there" in mine.notes


def test_without_clean_errors_there_is_no_relative_score():
    """A missing clean error, of the model or of the normaliser, leaves relative CE and R_net undefined."""
    unclean = ErrorTable("a", None, FULL.cells)
    mine = score([unclean], ALEXNET, baseline="a")["a"]
    assert (mine.clean_error, mine.relative_mce, mine.r_net) == (None, None, None)
    assert mine.mce is not None
    assert mine.notes == (
        "no relative CE: the clean error was not measured",
        "no R_net: it needs the clean error and the mean error of both models",
    )
    mine = score([FULL], measured(ErrorTable("n", None, FULL.cells)))["a"]
    assert mine.relative_mce is None
    assert mine.notes == ("no relative CE: measured:n has no clean error",)


def test_without_a_normaliser_there_is_the_mean_error_only():
    """No normaliser: mean error and R_net, no CE, one note for all models."""
    scores = score([FULL], None, baseline="a")
    mine = scores["a"]
    assert (mine.mean_error, mine.r_net, mine.mce, mine.relative_mce) == (30.0, 0.0, None, None)
    assert scores.notes == ("no normaliser: CE, mCE and their relative forms are not defined",)
    assert mine.notes == ()


def test_models_on_different_cells_are_not_compared():
    """A baseline on other cells gives no R_net, and the table says that the means cannot be compared."""
    part = ErrorTable("b", FULL.clean, subset(FULL, ("fog",)).cells)
    scores = score([FULL, part], ALEXNET, baseline="a")
    assert scores["b"].r_net is None
    assert scores["b"].notes == ("no R_net: the baseline a was measured on other cells",)
    assert scores.notes == ("the models were measured on different cells: their means cannot be compared",)


def test_a_baseline_without_clean_errors_does_not_divide_by_zero():
    """R_net over a baseline that is perfect on clean images is None with a reason."""
    perfect = ErrorTable("b", Cell(100, 0), FULL.cells)
    scores = score([FULL, perfect], ALEXNET, baseline="b")
    assert scores["a"].r_net is None
    assert scores["a"].notes == ("no R_net: the baseline b makes no clean error",)


def test_bad_calls_are_refused():
    """No tables, two models of one name, an unknown baseline: one line each."""
    with pytest.raises(InputError, match="no model to score"):
        score([])
    with pytest.raises(InputError, match="two models are called 'a'"):
        score([FULL, FULL])
    with pytest.raises(InputError, match="unknown baseline model 'aa': did you mean 'a'"):
        score([FULL], ALEXNET, baseline="aa")
    with pytest.raises(InputError, match="unknown model 'x'"):
        score([FULL])["x"]


def test_cells_outside_the_benchmark_are_refused():
    """A table holds known corruptions at severities 1..5, and sensible counts, or it is not made."""
    with pytest.raises(InputError, match="unknown corruption 'fogg': did you mean 'fog'"):
        ErrorTable("a", None, {("fogg", 1): Cell(1, 1)})
    with pytest.raises(InputError, match=r"expected a severity of 1\.\.5 for fog, got 6"):
        ErrorTable("a", None, {("fog", 6): Cell(1, 1)})
    for bad in (
        (0, 0, None),
        (5, 6, None),
        (5, -1, None),
        (5, None, None),
        (None, None, float("nan")),
        (5, 1, 2.0),
    ):
        with pytest.raises(InputError, match="expected"):
            Cell(*bad)
    with pytest.raises(InputError, match=r"expected an error of 0\.\.100 per cent, got 101"):
        Cell.of_error(101)


BY_CHANCE = "on so few images it may be chance that measured:n is worse there than on clean ones"


def counted(model, clean, error, images):
    """A model that errs on a share of its clean images, and on another of them in every cell; both in per cent."""
    cells = {(c, s): Cell(images, images * error // 100) for c in CORRUPTIONS for s in range(1, 6)}
    return ErrorTable(model, Cell(images, images * clean // 100), cells)


@pytest.mark.parametrize("images, known", [(200, False), (1000, True)])
def test_a_rise_that_may_be_chance_is_divided_by_nowhere(images, known):
    """From 20 to 28 % is 1.9 standard errors on 200 images and 4.2 on 1,000; CE does not depend on it."""
    mine = score([counted("a", 10, 20, images)], measured(counted("n", 20, 28, images)))["a"]
    assert mine.mce == pytest.approx(100 * 20 / 28)
    if known:
        assert mine.relative_mce == pytest.approx(100 * 10 / 8)
        assert mine.notes == ()
    else:
        assert mine.relative_mce is None
        assert mine.notes == (f"no relative CE: {BY_CHANCE}",)


def test_a_relative_mce_is_over_all_corruptions_or_not_at_all():
    """One corruption whose rise may be chance leaves the others their relative CE, and the mean none."""
    norm = counted("n", 20, 60, 200)
    norm = ErrorTable("n", norm.clean, norm.cells | {("fog", s): Cell(200, 50) for s in range(1, 6)})
    mine = score([counted("a", 10, 20, 200)], measured(norm))["a"]
    assert mine.row("fog").relative_ce is None
    assert mine.row("snow").relative_ce == pytest.approx(100 * 10 / 40)
    assert mine.relative_mce is None
    assert mine.notes == (
        f"no relative CE for fog: {BY_CHANCE}",
        "no relative mCE: with so few images 1 of the 15 corruptions have no relative CE",
    )


@pytest.mark.parametrize(
    "name, hint",
    [
        ("fogg", "did you mean 'fog'?"),
        ("gaussian", "did you mean 'gaussian_noise' or 'gaussian_blur'?"),
        ("rain", ", plugin:rain"),
        ("plugin: rain", "did you mean 'plugin:rain'?"),
        ("clean", ""),
    ],
)
def test_a_corruption_that_there_is_not_is_refused(name: str, hint: str):
    """A misspelt name is no corruption that was not measured: scores and counts say which is meant."""
    table = ErrorTable("a", None, {("fog", 1): Cell(10, 1), ("plugin:rain", 1): Cell(10, 1)})
    mine = score([table])["a"]
    assert mine.row("snow") is None
    assert mine.row("plugin:hail") is None
    assert table.errors_of("snow") == {}
    for ask in (mine.row, table.errors_of):
        with pytest.raises(InputError, match=r"^unknown corruption") as caught:
            ask(name)
        assert hint in str(caught.value)
