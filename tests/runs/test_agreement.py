"""What has to agree before two runs of published images are paired."""

from dataclasses import replace

import pytest

from ppbench.errors import InputError
from ppbench.runs.agreement import measured_facts, require_agreement
from ppbench.runs.manifest import DataFacts, FileFacts


def _published(**digests: str) -> DataFacts:
    """What a run on some corruptions of a published folder says of its images."""
    return DataFacts(
        name="cifar10-c",
        source="published",
        protocol="cifar-c",
        images=100,
        num_classes=10,
        image_size=(32, 32),
        digest="ab" * 32,
        limit=None,
        seed=0,
        corruptions=tuple(digests),
        severities=(1, 2, 3, 4, 5),
        generator=None,
        jpeg_quality=None,
        corruption_versions=None,
        corruption_digests=digests,
    )


def _require(ours: DataFacts, theirs: DataFacts) -> None:
    require_agreement(
        measured_facts(ours, "fp32"), measured_facts(theirs, "fp32"), where="this run", other="the baseline"
    )


def test_more_corruptions_do_not_disagree() -> None:
    """Only those that both have are compared: a run may have more of a published folder than its baseline."""
    _require(_published(fog="01" * 32, snow="02" * 32), _published(fog="01" * 32))
    _require(_published(fog="01" * 32), _published(snow="02" * 32, fog="01" * 32))


def test_other_images_of_a_corruption_disagree() -> None:
    """The line names the corruption, with the first digits of both digests."""
    with pytest.raises(InputError, match="images of fog is 030303030303…, there 010101010101…"):
        _require(_published(fog="03" * 32, snow="02" * 32), _published(fog="01" * 32, snow="02" * 32))


def test_only_the_corruptions_asked_for_count() -> None:
    """A gate's facts are those of its baseline's corruptions."""
    facts = measured_facts(_published(fog="01" * 32, snow="02" * 32), "fp32", ["snow"])
    assert {name for name in facts if " of " in name} == {"images of snow"}


def test_another_file_disagrees_by_its_sum() -> None:
    """The digest of a corruption is of a sample; a run that took the sum of the whole file knows better."""
    ours, theirs = (
        replace(
            _published(fog="01" * 32),
            files=FileFacts(
                compared_with="CIFAR-10-C", states={}, md5={"fog.npy": md5, "labels.npy": "cd" * 16}
            ),
        )
        for md5 in ("02" * 16, "03" * 16)
    )
    with pytest.raises(InputError, match=r"images of fog\.npy is 020202020202…, there 030303030303…"):
        _require(ours, theirs)
    _require(ours, ours)
    _require(ours, _published(fog="01" * 32))
    assert "images of fog.npy" not in measured_facts(ours, "fp32", ["snow"])
    assert "images of labels.npy" in measured_facts(ours, "fp32", ["snow"])


def test_a_run_without_digests_of_corruptions_is_paired() -> None:
    """Runs of before they were recorded are compared by what they have."""
    _require(replace(_published(), corruption_digests=None), _published(fog="01" * 32))
