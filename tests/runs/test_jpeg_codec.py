"""Whose JPEG generated images have: a choice that is in keys, files and tables, and that comparisons rest on."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from corruptions import jpeg_round_trip
from corruptions.jpeg_codec import Library
from ppbench.data.digits import digits
from ppbench.errors import InputError
from ppbench.evaluation.generator import Generator
from ppbench.generation.generate import GenerationConfig, generate
from ppbench.reporting.provenance_line import data_sentence
from ppbench.runs.agreement import measured_facts, require_agreement
from ppbench.runs.evaluate import evaluate
from ppbench.runs.folder import Run, load_run
from ppbench.runs.gating import baseline_of, require_same_images
from ppbench.runs.manifest import DataFacts
from ppbench.scoring.baseline_file import Fact
from ppbench.testing import assert_no_robustness_regression

IDS = torch.arange(2)
NOISE = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 64, 64), np.uint8))
SMALL = {"corruptions": "jpeg_compression,pixelate", "severities": "5", "limit": 40}


def _made(codec: Library, corruption: str, protocol: str) -> torch.Tensor:
    return Generator(jpeg_codec=codec).corrupt(NOISE, corruption, 5, protocol=protocol, ids=IDS)


def test_both_places_follow_the_choice() -> None:
    """jpeg_compression and the storage of ImageNet-C's protocols; nothing else changes."""
    for codec, stored, compressed in (("ijg9", "published", "ijg9"), ("turbo", "turbo", "turbo")):
        plain = Generator(jpeg=False).corrupt(NOISE, "pixelate", 5, protocol="tiny-imagenet-c", ids=IDS)
        kept = jpeg_round_trip(plain, 85, codec=stored)  # type: ignore[call-overload]  # spelled out above
        assert torch.equal(_made(codec, "pixelate", "tiny-imagenet-c"), kept)  # type: ignore[arg-type]  # likewise
        lossy = jpeg_round_trip(NOISE, 40, codec=compressed)  # type: ignore[call-overload]  # likewise
        assert torch.equal(_made(codec, "jpeg_compression", "cifar-c"), lossy)  # type: ignore[arg-type]  # likewise
    assert torch.equal(_made("ijg9", "pixelate", "cifar-c"), _made("turbo", "pixelate", "cifar-c"))


@pytest.mark.parametrize(
    "corruption, protocol, jpeg, shared",
    [
        ("fog", "cifar-c", True, True),
        ("fog", "imagenet-c", False, True),
        ("fog", "imagenet-c", True, False),
        ("fog", "tiny-imagenet-c", True, False),
        ("jpeg_compression", "cifar-c", True, False),
        ("jpeg_compression", "imagenet-c", False, False),
    ],
)
def test_cells_without_jpeg_are_shared(corruption: str, protocol: str, jpeg: bool, shared: bool) -> None:
    """A cell that has been through JPEG is kept under its codec; any other one serves both."""
    first, second = (
        Generator(jpeg=jpeg, jpeg_codec=codec).facts(corruption, protocol) for codec in ("ijg9", "turbo")
    )
    assert (first == second) == shared


def test_cells_of_before_are_not_read() -> None:
    """The facts of a stored cell were the quality alone, of libjpeg-turbo's JPEG: neither codec takes these."""
    for codec in ("ijg9", "turbo"):
        facts = Generator(jpeg_codec=codec).facts("fog", "imagenet-c")
        assert facts is not None
        assert facts["jpeg"] == 85
        assert facts.pop("jpeg_codec") == codec


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """The same small evaluation with either codec, read from its folder."""
    made = {}
    for codec in ("ijg9", "turbo"):
        out = tmp_path_factory.mktemp(codec) / "run"
        evaluate("resnet20", **SMALL, jpeg_codec=codec, out=out)  # type: ignore[arg-type]  # options, and one of two
        made[codec] = load_run(out)
    return made


def test_the_run_and_its_table_name_it(runs: dict[str, Run]) -> None:
    """run.json has the codec and the code that made jpeg_compression; the sentence below every table has its name."""
    for codec, name, version in (
        ("ijg9", "IJG's libjpeg 9", "1.2"),
        ("turbo", "libjpeg-turbo", "1.1"),
    ):
        run = runs[codec]
        assert run.folder is not None
        data = json.loads((run.folder / "run.json").read_text())["data"]
        assert data["jpeg_codec"] == codec
        assert data["corruption_versions"]["jpeg_compression"] == version
        assert f"; JPEG of {name}" in data_sentence(run.context)
        assert f"JPEG of {name}" in (run.folder / "table.md").read_text()


def test_what_has_no_jpeg_names_none() -> None:
    """A run without jpeg_compression on a set of raw pixels."""
    run = evaluate("resnet20", corruptions="pixelate", severities="5", limit=20)
    assert run.manifest.data.jpeg_codec is None
    assert "JPEG" not in data_sentence(run.context)


def test_only_the_cells_with_jpeg_are_made_again(runs: dict[str, Run]) -> None:
    """After both codecs, a run of either takes all from the store; clean and pixelate were made once."""
    assert runs["turbo"].manifest.cells.from_store >= 2
    assert runs["turbo"].manifest.cells.evaluated >= 1
    first, second = (runs[codec].predictions.answers.confidences[0] for codec in ("ijg9", "turbo"))
    same = {
        cell: bool((a == b).all())
        for cell, a, b in zip(runs["ijg9"].predictions.cells, first, second, strict=True)
    }
    assert same == {("clean", 0): True, ("pixelate", 5): True, ("jpeg_compression", 5): False}


def test_another_codec_is_not_compared(runs: dict[str, Run]) -> None:
    """A baseline of the other library's JPEG is refused in a line that says so; of its other corruptions it serves."""
    ours, model = runs["ijg9"].manifest.data, runs["ijg9"].manifest.models[0]
    with pytest.raises(InputError, match="jpeg_codec is ijg9, there turbo"):
        require_same_images(ours, "fp32", model, baseline_of(runs["turbo"]), where="the baseline")
    require_same_images(ours, "fp32", model, baseline_of(runs["ijg9"]), where="the baseline")
    without = measured_facts(runs["turbo"].manifest.data, "fp32", ["pixelate"])
    require_agreement(measured_facts(ours, "fp32"), without, where="this run", other="the baseline")


def _stored(codec: Library | None, version: str = "1.1") -> DataFacts:
    """Return what run.json says of generated ImageNet-C images."""
    return DataFacts(
        name="imagenet-c",
        source="generated",
        protocol="imagenet-c",
        images=100,
        num_classes=1000,
        image_size=(224, 224),
        digest="ab" * 32,
        limit=None,
        seed=0,
        corruptions=("fog",),
        severities=(5,),
        generator="ppbench 0.1.0",
        jpeg_quality=85,
        jpeg_codec=codec,
        corruption_versions={"fog": version},
    )


@pytest.mark.parametrize("codec", ["ijg9", "turbo"])
def test_what_is_older_than_the_choice_is_not_compared(codec: Library) -> None:
    """Runs and baselines of before are refused, and the line says what they had; with each other they agree."""
    old = measured_facts(_stored(None), "fp32")
    new = measured_facts(_stored(codec), "fp32")
    in_a_file: dict[str, Fact] = {name: fact for name, fact in old.items() if name != "jpeg_codec"}
    says = rf"jpeg_codec is {codec}, there not recorded \(libjpeg-turbo\)"
    for theirs in (old, in_a_file):
        with pytest.raises(InputError, match=says):
            require_agreement(new, theirs, where="this run", other="the baseline")
        require_agreement(old, theirs, where="this run", other="the baseline")


def test_older_runs_without_jpeg_are_compared() -> None:
    """Raw pixels never had a codec."""
    facts = measured_facts(replace(_stored(None), jpeg_quality=None), "fp32")
    assert "jpeg_codec" not in facts


def _clean(folder: Path) -> Path:
    """Write 30 digits as a clean set of CIFAR's kind."""
    clean = digits("test")
    np.savez(folder / "clean.npz", images=clean.images[:30], labels=clean.labels[:30])
    return folder / "clean.npz"


def test_published_files_are_what_they_are(tmp_path: Path) -> None:
    """A choice that can have no effect is refused before the work, in one line."""
    out = tmp_path / "CIFAR-10-C"
    config = GenerationConfig("cifar10-c", _clean(tmp_path), None, 0, out, jpeg_codec="turbo")
    generate(config, ["jpeg_compression"], workers=1)
    with pytest.raises(InputError, match="expected no --jpeg-codec for published files, got ijg9"):
        evaluate(
            "resnet20-jpeg-cifar10",
            data="cifar10-c",
            root=out,
            corruptions="jpeg_compression",
            jpeg_codec="ijg9",
        )
    run = evaluate("resnet20-jpeg-cifar10", data="cifar10-c", root=out, corruptions="jpeg_compression")
    assert "JPEG of libjpeg-turbo" in data_sentence(run.context)  # its manifest says so


def test_a_folder_of_another_codec_is_not_continued(tmp_path: Path) -> None:
    """The files of two libraries are not mixed."""
    config = GenerationConfig("cifar10-c", _clean(tmp_path), None, 0, tmp_path / "out")
    generate(config, ["jpeg_compression"], workers=1)
    with pytest.raises(
        InputError, match="expected a set with jpeg_codec 'turbo', got 'ijg9': use another --out"
    ):
        generate(replace(config, jpeg_codec="turbo"), ["jpeg_compression"], workers=1)


def test_files_of_turbos_are_pillows(tmp_path: Path) -> None:
    """A tree that is generated with the codec of today has the files that Pillow writes."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    (tmp_path / "clean" / "a").mkdir(parents=True)
    Image.fromarray(pixels).save(tmp_path / "clean" / "a" / "x.png")
    config = GenerationConfig("folder-c", tmp_path / "clean", None, 0, tmp_path / "tree", jpeg_codec="turbo")
    generate(config, ["pixelate"], workers=1)
    source = config.open()
    assert source.clean is not None
    made = Generator(jpeg=False).corrupt(
        torch.from_numpy(source.clean.images[:]).permute(0, 3, 1, 2),
        "pixelate",
        2,
        protocol=source.protocol,
        ids=torch.as_tensor(source.ids),
    )
    expected = BytesIO()
    Image.fromarray(made[0].permute(1, 2, 0).numpy()).save(expected, "JPEG", quality=85, optimize=True)
    assert (tmp_path / "tree" / "pixelate" / "2" / "a" / "x.JPEG").read_bytes() == expected.getvalue()


def test_the_assertion_takes_it(runs: dict[str, Run]) -> None:
    """The gate in a test suite, with the codec of its baseline and with the other one."""
    baseline = runs["turbo"].folder
    assert baseline is not None
    options = {**SMALL, "allow": ["clean=+1"], "baseline": baseline}
    assert_no_robustness_regression("resnet20", **options, jpeg_codec="turbo")  # type: ignore[arg-type]  # options
    with pytest.raises(InputError, match="jpeg_codec is ijg9, there turbo"):
        assert_no_robustness_regression("resnet20", **options)  # type: ignore[arg-type]  # options


def test_a_codec_that_there_is_not() -> None:
    """One line with the near miss, or with both."""
    with pytest.raises(InputError, match="JPEG codec 'turb': did you mean 'turbo'"):
        evaluate("resnet20", **SMALL, jpeg_codec="turb")  # type: ignore[arg-type]  # wrong on purpose
