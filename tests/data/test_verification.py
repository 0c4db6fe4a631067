"""What sums say of the files of a -C folder."""

import pytest

from ppbench.data.file_sums import Sums
from ppbench.data.generated_set import GeneratedSet
from ppbench.data.published_sums import PUBLISHED_SUMS, PublishedFile, published_file
from ppbench.data.verification import (
    Verdict,
    counted,
    is_known,
    judge_array,
    judge_tree,
    missing_files,
    set_of,
)
from ppbench.scoring.names import ALL

TEN, HUNDRED = PUBLISHED_SUMS["CIFAR-10-C"], PUBLISHED_SUMS["CIFAR-100-C"]
OTHER = Sums("0" * 32, tuple("abcde"))
MADE = GeneratedSet("ppbench 0.1.0", 3, {f"fog/{k}": digest for k, digest in enumerate("abcde", 1)}, "labels")


def test_every_file_of_both_sets_has_a_sum_of_its_own() -> None:
    """19 corruptions and the labels each: 40 different sums of 32 digits."""
    for sums in PUBLISHED_SUMS.values():
        assert set(sums) == {"labels.npy", *(f"{name}.npy" for name in ALL)}
    every = [*TEN.values(), *HUNDRED.values()]
    assert len(set(every)) == 40
    assert all(len(md5) == 32 and set(md5) <= set("0123456789abcdef") for md5 in every)


def test_a_sum_names_its_file() -> None:
    """Whatever the file is called."""
    assert published_file(HUNDRED["snow.npy"]) == PublishedFile("CIFAR-100-C", "snow.npy")
    assert published_file("0" * 32) is None
    assert published_file(None) is None


def test_a_published_file_under_its_name_is_published() -> None:
    """Name, set and sum agree."""
    verdict = judge_array("fog.npy", Sums(TEN["fog.npy"]), of="CIFAR-10-C", made=None)
    assert verdict == Verdict("fog.npy", "published", "CIFAR-10-C", TEN["fog.npy"])


@pytest.mark.parametrize(
    "md5, text",
    [(TEN["snow.npy"], "it is snow.npy of CIFAR-10-C"), (HUNDRED["fog.npy"], "it is fog.npy of CIFAR-100-C")],
)
@pytest.mark.parametrize("made", [None, MADE])
def test_a_published_file_under_another_name_is_misplaced(
    md5: str, text: str, made: GeneratedSet | None
) -> None:
    """Another corruption's, or another set's: both have the right shape, and would be read."""
    verdict = judge_array("fog.npy", Sums(md5), of="CIFAR-10-C", made=made)
    assert (verdict.state, verdict.text) == ("misplaced", text)


def test_a_published_sum_counts_before_a_manifest() -> None:
    """Files that ppbench made to the last byte are the published ones."""
    sums = Sums(TEN["fog.npy"], tuple("abcde"))
    assert judge_array("fog.npy", sums, of="CIFAR-10-C", made=MADE).state == "published"


def test_a_generated_file_has_all_digests_of_its_manifest() -> None:
    """The verdict says which version made it, with which seed."""
    verdict = judge_array("fog.npy", OTHER, of=None, made=MADE)
    assert (verdict.state, verdict.text) == ("generated", "ppbench 0.1.0, seed 3")


@pytest.mark.parametrize(
    "blocks, which",
    [
        ("abxde", "severity 3"),
        ("xbxde", "severity 1, 3"),
        ("", "all severities"),
        ("vwxyz", "all severities"),
    ],
)
def test_a_changed_file_says_where(blocks: str, which: str) -> None:
    """The severities whose digests differ; a file that is no whole array any more has none."""
    verdict = judge_array("fog.npy", Sums("0" * 32, tuple(blocks)), of=None, made=MADE)
    assert (verdict.state, verdict.text) == ("changed", f"since ppbench 0.1.0 generated it: {which}")


def test_a_severity_that_a_manifest_lacks_is_a_change() -> None:
    """What is in a file and in no manifest, ppbench did not finish."""
    made = GeneratedSet("ppbench 0.1.0", 0, {"fog/1": "a", "fog/2": "b", "fog/3": "c", "fog/4": "d"})
    assert judge_array("fog.npy", OTHER, of=None, made=made).text.endswith("severity 5")


def test_labels_have_one_digest_for_all_severities() -> None:
    """They are the same five times."""
    same, other = (Sums("0" * 32, blocks) for blocks in (("labels",) * 5, ("labels",) * 4 + ("x",)))
    assert judge_array("labels.npy", same, of=None, made=MADE).state == "generated"
    assert judge_array("labels.npy", other, of=None, made=MADE).state == "changed"


def test_a_plug_in_is_found_under_its_own_name() -> None:
    """Its file goes without the prefix that tables give it."""
    made = GeneratedSet(
        "ppbench 0.1.0", 0, {f"plugin:mist/{k}": digest for k, digest in enumerate("abcde", 1)}
    )
    assert judge_array("mist.npy", OTHER, of=None, made=made).state == "generated"


def test_an_unknown_file_says_why() -> None:
    """Not in the manifest; a manifest without digests; not the published file of its name; nothing at all."""
    old = GeneratedSet("ppbench 0.0.9", 0)
    whys = [
        judge_array("mist.npy", None, of=None, made=MADE),
        judge_array("fog.npy", OTHER, of=None, made=old),
        judge_array("fog.npy", OTHER, of="CIFAR-10-C", made=None),
        judge_array("mist.npy", OTHER, of="CIFAR-10-C", made=None),
    ]
    assert {why.state for why in whys} == {"unknown"}
    assert [why.text for why in whys] == [
        "it is not in the manifest of ppbench 0.1.0",
        "the manifest of ppbench 0.0.9 has no digests to compare with",
        "it is not fog.npy of CIFAR-10-C",
        "no published file has its sum",
    ]


def test_a_tree_is_known_by_its_manifest_only() -> None:
    """Published sums are of whole archives: without a manifest the reason is in the verdict."""
    assert judge_tree("fog", dict(zip("12345", "abcde", strict=True)), MADE).state == "generated"
    assert judge_tree("fog", dict(zip("12345", "abxde", strict=True)), MADE).state == "changed"
    assert judge_tree("fog", dict(zip("1234", "abcd", strict=True)), MADE).text.endswith("severity 5")
    assert judge_tree("snow", {}, MADE).state == "unknown"
    assert "archives" in judge_tree("fog", {}, None).text


def test_the_labels_decide_which_set_a_folder_stands_for() -> None:
    """Without them most of its files do; a folder may be called anything."""
    ten = {name: Sums(TEN[name]) for name in ("fog.npy", "snow.npy")}
    assert set_of({**ten, "frost.npy": Sums(HUNDRED["frost.npy"])}) == "CIFAR-10-C"
    assert set_of({**ten, "labels.npy": Sums(HUNDRED["labels.npy"])}) == "CIFAR-100-C"
    assert set_of({"fog.npy": OTHER, "snow.npy": None}) is None


def test_a_folder_is_counted() -> None:
    """The good ones first; what is missing of the published set by name."""
    verdicts = [Verdict("fog.npy", state, "") for state in ("unknown", "changed", "changed", "published")]
    assert counted(verdicts) == "1 published, 2 changed, 1 unknown"
    assert not is_known(verdicts)
    assert is_known(verdicts[-1:])
    assert len(missing_files(verdicts, "CIFAR-10-C")) == 19
    assert missing_files(verdicts, None) == []
