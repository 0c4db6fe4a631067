"""The gate: its rules, its decision, its baseline file."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ppbench.errors import InputError
from ppbench.scoring.baseline_file import Baseline, aligned, disagreements, pack, unpack
from ppbench.scoring.gate import decide, judge, pair_with_baseline
from ppbench.scoring.gate_rules import Rule, parse_rule, parse_rules, rules_from_table
from ppbench.scoring.names import CORRUPTIONS, EXTRA, SEVERITIES
from ppbench.scoring.normaliser import load_normaliser, measured
from ppbench.scoring.outcomes import CLEAN_CELL, Outcomes
from ppbench.scoring.pairing import Difference

from .images import Population

FACTS = {"data": "cifar10-c", "protocol": "cifar-c", "seed": 0, "digest": "ab12", "root": None}


@pytest.fixture(scope="module")
def run():
    """Outcomes of alexnet, a model and a weaker one on 200 images in 76 cells."""
    return Population().outcomes(np.random.default_rng(1), 200, {"alexnet": 1.0, "good": 2.4, "weak": 1.9})


@pytest.fixture(scope="module")
def baseline(run):
    """The good model as baseline, normalised by the measured alexnet."""
    alexnet, good, _ = run
    return Baseline(good, np.arange(200) * 7, FACTS, measured(alexnet.table), alexnet)


class TestRules:
    """`SCORE=+POINTS`."""

    @pytest.mark.parametrize(
        "text, rule",
        [
            ("mce=+1.0", Rule("mce", 1.0)),
            ("clean=+0.5", Rule("clean", 0.5)),
            ("ce.fog=+3", Rule("ce.fog", 3.0)),
            ("cell.fog.5=+6", Rule("cell.fog.5", 6.0)),
            (" mean_error = 0 ", Rule("mean_error", 0.0)),
            ("relative_mce=-.5", Rule("relative_mce", -0.5)),
            ("error.speckle_noise=2.", Rule("error.speckle_noise", 2.0)),
        ],
    )
    def test_rules_are_read(self, text, rule):
        """Scores of all four kinds, with or without a sign, with spaces around."""
        assert parse_rule(text) == rule
        assert parse_rule(str(rule)) == rule

    @pytest.mark.parametrize(
        "text, says",
        [
            ("mce", "expected SCORE=+POINTS, for example mce=+1.0, got no '='"),
            ("", "got no '='"),
            ("mcee=+1", "unknown score 'mcee': did you mean 'mce'?"),
            ("=+1", "unknown score ''"),
            ("mce=", "expected points, for example +1.0, got ''"),
            ("mce=+5%", "expected points, for example +1.0, got '+5%'"),
            ("mce=nan", "got 'nan'"),
            ("mce=inf", "got 'inf'"),
            ("mce=1e3", "got '1e3'"),
            ("mce=+1=2", "got '+1=2'"),
            ("ce=+1", "expected ce.CORRUPTION, got ce"),
            ("mce.fog=+1", "expected mce, got mce.fog"),
            ("ce.fgo=+1", "unknown corruption 'fgo': did you mean 'fog'?"),
            ("cell.fog=+1", "expected cell.CORRUPTION.SEVERITY, got cell.fog"),
            ("cell.fog.6=+1", "expected a severity of 1..5, got '6'"),
            ("cell.fog.05=+1", "expected a severity of 1..5, got '05'"),
            ("cell.clean.0=+1", "unknown corruption 'clean'"),
        ],
    )
    def test_what_is_no_rule_is_refused_in_one_line(self, text, says):
        """A wrong rule is quoted, with what was expected."""
        with pytest.raises(InputError) as caught:
            parse_rule(text)
        assert says in str(caught.value)
        assert repr(text) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_score_has_one_rule(self):
        """Two tolerances for the same score are a mistake, not a choice."""
        assert parse_rules(["mce=1", "clean=2"]) == (Rule("mce", 1), Rule("clean", 2))
        with pytest.raises(InputError, match="expected one rule for mce, got mce=\\+1 before"):
            parse_rules(["mce=+1", "clean=2", "mce=2"])

    def test_rules_from_toml(self):
        """Both spellings of a dotted score in TOML are the same rule."""
        import tomllib

        text = 'mce = 1.0\n"ce.fog" = 3\nce.snow = 2\ncell.fog.5 = 6\n'
        rules = rules_from_table(tomllib.loads(text), "pyproject.toml")
        assert set(rules) == {Rule("mce", 1), Rule("ce.fog", 3), Rule("ce.snow", 2), Rule("cell.fog.5", 6)}
        for bad, says in (
            ({"mce": "+1"}, r"expected points for mce, got '\+1'"),
            ({"mce": True}, "expected points for mce, got True"),
            ({"mce": float("nan")}, "expected points for mce, got nan"),
            ({"mcee": 1}, "did you mean 'mce'"),
            (["mce=1"], "expected a table of scores and points"),
        ):
            with pytest.raises(InputError, match=says) as caught:
                rules_from_table(bad, "pyproject.toml")
            assert "pyproject.toml" in str(caught.value)


def rise(difference, low, high):
    """A rise of mCE with its interval."""
    return Difference("mce", 50.0, 50.0 + difference, difference, low, high, None, None, "undecided")


class TestDecision:
    """Fail, pass or inconclusive: where the interval lies of the tolerance."""

    @given(st.floats(-20, 20), st.floats(0.01, 10), st.floats(0.01, 10), st.floats(-20, 20))
    def test_the_interval_decides(self, difference, below, above, tolerance):
        """Wholly above the tolerance fails, wholly within passes, anything else is inconclusive."""
        low, high = difference - below, difference + above
        state = decide(Rule("mce", tolerance), rise(difference, low, high), 200).state
        assert state == ("fail" if low > tolerance else "pass" if high <= tolerance else "inconclusive")

    def test_a_rise_over_the_tolerance_that_may_be_chance_is_no_failure(self):
        """A rise of 2 with an interval of 0.5..3.5 against a tolerance of 1 is not proved to break it."""
        assert decide(Rule("mce", 1.0), rise(2.0, 0.5, 3.5), 200).state == "inconclusive"
        assert decide(Rule("mce", 1.0), rise(2.0, 1.5, 2.5), 200).state == "fail"
        assert decide(Rule("mce", 1.0), rise(0.2, -0.5, 0.9), 200).state == "pass"

    def test_an_interval_that_ends_at_the_tolerance_is_within_it(self):
        """No difference at all passes a tolerance of 0."""
        assert decide(Rule("mce", 0.0), rise(0.0, 0.0, 0.0), 200).state == "pass"

    @given(st.floats(-5, 5), st.floats(0.01, 10), st.floats(0.01, 10), st.integers(50, 50_000))
    def test_as_many_images_as_it_says_would_settle_it(self, difference, below, above, images):
        """An interval that shrinks with the root of the number of images clears the tolerance at that number."""
        found = decide(Rule("mce", 1.0), rise(difference, difference - below, difference + above), images)
        assume(found.state == "inconclusive" and found.images_needed is not None)
        shrink = (images / found.images_needed) ** 0.5
        assert found.images_needed > images
        again = rise(difference, difference - below * shrink, difference + above * shrink)
        assert (
            decide(Rule("mce", 1.0 + 1e-9 * (difference < 1)), again, found.images_needed).state
            != "inconclusive"
        )

    def test_at_the_tolerance_no_number_of_images_settles_it(self):
        """A rise of exactly the tolerance, or as good as, names no number."""
        assert decide(Rule("mce", 1.0), rise(1.0, 0.0, 2.0), 200).images_needed is None
        assert decide(Rule("mce", 1.0), rise(1.0001, 0.0, 2.0), 200).images_needed is None

    def test_the_number_is_rounded_up_to_two_digits(self):
        """It is an estimate and looks like one: 200 images × (1.5 / 1)² = 450; 200 × (3.4 / 1)² = 2,312 -> 2,400."""
        assert decide(Rule("mce", 1.0), rise(2.0, 0.5, 3.5), 200).images_needed == 450
        assert decide(Rule("mce", 1.0), rise(0.0, -3.4, 3.4), 200).images_needed == 2400


class TestJudging:
    """From outcomes to a verdict."""

    def test_the_same_model_passes_whatever_the_number_of_images(self, run, baseline):
        """Identical outcomes everywhere are no chance: every rule passes, a tolerance of 0 too."""
        rules = parse_rules(["mce=0", "clean=+0.1", "cell.fog.5=+1", "ce.snow=0", "mean_error=0"])
        found = judge(rules, pair_with_baseline(run[1], baseline.ids, baseline))
        assert found.identical
        assert found.state == "pass"
        assert [finding.difference.difference for finding in found.findings] == [0] * 5
        assert found.worst == ()
        assert found.exit_code(strict=True) == 0

    def test_a_weaker_model_fails_and_the_worst_corruptions_are_named(self, run, baseline):
        """A regression far over its tolerance fails with exit code 1; the largest proven rises come first."""
        found = judge(
            parse_rules(["mce=+1.0", "clean=+50"]), pair_with_baseline(run[2], baseline.ids, baseline)
        )
        assert [finding.state for finding in found.findings] == ["fail", "pass"]
        assert (found.state, found.exit_code(strict=False)) == ("fail", 1)
        rises = [each.difference for each in found.worst]
        assert rises
        assert rises == sorted(rises, reverse=True)
        assert all(each.low > 0 and each.score.startswith("error.") for each in found.worst)

    def test_a_tolerance_inside_the_interval_is_inconclusive(self, run, baseline):
        """Exit code 3 if that is to be strict, else 0; the number of images that would settle it is given."""
        pairing = pair_with_baseline(run[2], baseline.ids, baseline)
        mce = pairing.difference("mce")
        tolerance = (mce.difference + mce.high) / 2
        found = judge([Rule("mce", tolerance)], pairing)
        assert found.state == "inconclusive"
        assert (found.exit_code(strict=True), found.exit_code(strict=False)) == (3, 0)
        assert found.findings[0].images_needed > 200

    def test_one_failure_outweighs_what_is_inconclusive(self, run, baseline):
        """A gate with a proven regression fails, whatever else is undecided."""
        pairing = pair_with_baseline(run[2], baseline.ids, baseline)
        mce = pairing.difference("mce")
        found = judge([Rule("mce", mce.difference), Rule("mean_error", 0.0)], pairing)
        assert {finding.state for finding in found.findings} == {"inconclusive", "fail"}
        assert found.exit_code(strict=True) == 1

    def test_images_are_paired_by_id_and_cells_by_name(self, run, baseline):
        """A run whose images and cells stand in another order, with a corruption more, is judged the same."""
        weak = run[2]
        order = np.random.default_rng(2).permutation(200)
        cells = (*reversed(weak.cells), (EXTRA[0], 1))
        wrong = np.concatenate([weak.wrong[::-1], np.ones((1, 200), bool)])[:, order]
        shuffled = Outcomes("weak", cells, wrong)
        rules = parse_rules(["mce=+1.0", "cell.fog.5=+6"])
        one = judge(rules, pair_with_baseline(weak, baseline.ids, baseline))
        two = judge(rules, pair_with_baseline(shuffled, baseline.ids[order], baseline))
        assert one == two

    def test_other_images_or_fewer_cells_are_refused(self, run, baseline):
        """What cannot be paired is not judged."""
        with pytest.raises(InputError, match="expected the same 200 images, got 200, 199 of them the same"):
            pair_with_baseline(run[1], baseline.ids + 7, baseline)
        less = Outcomes("good", run[1].cells[:-1], run[1].wrong[:-1])
        with pytest.raises(
            InputError, match="this run has no cell jpeg_compression,5, which the baseline has"
        ):
            pair_with_baseline(less, baseline.ids, baseline)

    def test_a_relative_rule_on_few_images_says_what_it_lacks(self, run, baseline):
        """The normaliser is there, but its rise over its clean error may be chance: the line does not blame it."""
        few = replace(baseline, normaliser=replace(baseline.normaliser, images=2))
        pairing = pair_with_baseline(run[2], baseline.ids, few, resamples=50)
        with pytest.raises(
            InputError, match=r"relative_mce=\+1: relative_mce is not known: .* so many images"
        ):
            judge([Rule("relative_mce", 1.0)], pairing)

    def test_a_rule_for_what_was_not_measured_is_refused(self, run):
        """MCE without a normaliser, or a corruption that is not in the baseline, is no silent pass."""
        bare = Baseline(run[1], np.arange(200), FACTS)
        pairing = pair_with_baseline(run[2], np.arange(200), bare)
        with pytest.raises(InputError, match=r"rule mce=\+1: no normaliser has mce: use mean"):
            judge(parse_rules(["mce=+1"]), pairing)
        with pytest.raises(InputError, match=r"the baseline has no cell\.saturate\.5 among its 75 cells"):
            judge(parse_rules(["cell.saturate.5=+1"]), pairing)
        with pytest.raises(InputError, match="no rule to judge by"):
            judge([], pairing)
        assert judge(parse_rules(["mean_error=-50"]), pairing).state == "fail"

    def test_a_judgement_is_json(self, run, baseline):
        """Everything is plain data, the rules as they are written."""
        found = judge(parse_rules(["mce=+1"]), pair_with_baseline(run[2], baseline.ids, baseline))
        data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert (data["state"], data["rules"][0]["rule"], data["images"]) == ("fail", "mce=+1", 200)


class TestBaselineFile:
    """Small, committed, checked."""

    def test_two_hundred_images_take_little_room(self, baseline):
        """200 images × 76 cells with a measured normaliser: far under 100 kB."""
        assert len(pack(baseline)) < 40_000

    @pytest.mark.parametrize("normaliser", ["measured", "imagenet-c-alexnet", "cifar10-c-alexnet-2020", None])
    def test_what_is_packed_is_unpacked_equal(self, run, normaliser):
        """Outcomes, ids, facts and normaliser come back, and so do the same bytes."""
        along = normaliser == "measured"
        divisor = measured(run[0].table) if along else normaliser and load_normaliser(normaliser)
        before = Baseline(run[1], np.arange(200)[::-1], FACTS, divisor, run[0] if along else None)
        after = unpack(pack(before), "b.json")
        assert (after.outcomes.model, after.outcomes.cells) == ("good", run[1].cells)
        assert np.array_equal(after.outcomes.wrong, run[1].wrong)
        assert np.array_equal(after.ids, before.ids)
        assert (after.facts, after.normaliser) == (FACTS, divisor)
        assert (after.normaliser_outcomes is None) != along
        assert pack(after) == pack(before)

    @given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 2**32))
    def test_any_number_of_images_and_cells(self, images, cells, seed):
        """Numbers that fill no whole byte lose and gain no bit."""
        wrong = np.random.default_rng(seed).random((cells, images)) < 0.5
        names = [CLEAN_CELL, *((c, s) for c in CORRUPTIONS for s in SEVERITIES)][:cells]
        before = Baseline(Outcomes("m", tuple(names), wrong), np.arange(images), {})
        assert np.array_equal(unpack(pack(before), "b").outcomes.wrong, wrong)

    def test_a_changed_file_is_noticed(self, baseline):
        """Any edit of the content fails the checksum; what is no baseline, or of another version, is said."""
        text = pack(baseline)
        data = json.loads(text)
        for key, value in (("images", 100), ("facts", {}), ("normaliser", None), ("ids", data["ids"][::-1])):
            with pytest.raises(
                InputError, match=r"b\.json: expected sha256 .* it was changed; renew it with --update"
            ):
                unpack(json.dumps({**data, key: value}), "b.json")
        for bad, says in (
            (text[:-100], "not a baseline file"),
            ("", "not a baseline file"),
            ("[]", "not a baseline file"),
            ("{}", "not a baseline file"),
            (json.dumps({**data, "schema_version": 2}), "expected schema_version 1, got 2"),
            (json.dumps({**data, "schema_version": True}), "expected schema_version 1, got True"),
        ):
            with pytest.raises(InputError, match=says) as caught:
                unpack(bad, "b.json")
            assert "b.json" in str(caught.value)
            assert "\n" not in str(caught.value)

    def test_a_wrong_size_under_a_right_checksum_is_refused(self, baseline):
        """A file written wrongly by another program is refused, not read past its end."""
        from ppbench.scoring import baseline_file

        for key, value in (
            ("ids", base64.b64encode(bytes(8)).decode()),
            ("ids", "!"),
            ("model", {"name": "x"}),
        ):
            data = {k: v for k, v in json.loads(pack(baseline)).items() if k != "sha256"} | {key: value}
            data["sha256"] = baseline_file._checksum(data)
            with pytest.raises(InputError, match="damaged baseline file"):
                unpack(json.dumps(data), "b.json")

    def test_disagreements_name_each_fact(self):
        """What differs between two measurements is said fact by fact; a missing fact differs too."""
        assert disagreements(FACTS, dict(FACTS)) == []
        assert disagreements({**FACTS, "seed": 1}, FACTS) == ["seed is 1, there 0"]
        without = {name: fact for name, fact in FACTS.items() if name != "root"}
        assert disagreements(without, FACTS) == ["root is not recorded, there None"]
        assert disagreements(FACTS, without) == ["root is None, there not recorded"]

    def test_alignment_needs_the_same_images(self, run):
        """A repeated id cannot be paired."""
        with pytest.raises(InputError, match="expected the same 200 images"):
            aligned(run[1], np.zeros(200, int), np.arange(200))
