"""What a report shows is what the runs hold: merged, compared, re-made from the data they name."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import corruptions
import ppbench
from ppbench.data.sets import open_data
from ppbench.errors import InputError
from ppbench.models.load import load_model
from ppbench.runs.example_images import CELLS, IMAGES, chosen_images, worst_cells
from ppbench.runs.folder import load_run
from ppbench.runs.merging import merge
from ppbench.runs.report import report_content
from ppbench.scoring.comparison import compare
from ppbench.scoring.pairing import pair
from ppbench.scoring.reliability import reliability
from tests.data.cifar_folders import published
from tests.report.made_runs import broken, part, run_of

SMALL = {"corruptions": "noise", "severities": "5", "limit": 40}


@pytest.fixture(scope="module")
def content(base_run):
    """What the report of the real run shows."""
    return report_content([base_run])


def test_scores_and_intervals_are_those_of_the_run(base_run, content):
    """A report computes nothing anew: its scores are the run's, to the last bit."""
    assert content.scores == base_run.scores
    assert content.tables == base_run.tables


def test_decided_cells_are_those_of_a_comparison(base_run, content):
    """Bold are the cells that `ppbench compare` calls better or worse."""
    outcomes = base_run.predictions.outcomes()
    found = compare(pair(list(outcomes), base_run.scores, "resnet20", "resnet20-pp"))
    decided = {each.score for each in found.cells if each.verdict != "undecided"}
    assert decided
    assert {f"cell.{c}.{s}" for c, s in content.decided["resnet20-pp"] if s} == decided
    assert content.decided["resnet20"] == frozenset()


def test_several_runs_are_one_report(base_run, tmp_path):
    """Models of one name get their run's folder appended; the baseline is the first that a run names."""
    again = run_of(base_run, ("resnet20", "other"), tmp_path / "again")
    content = report_content([base_run, again])
    assert content.models == ("resnet20 (run)", "resnet20-pp", "resnet20 (again)", "other")
    assert content.baseline == "resnet20 (run)"
    assert len(content.runs) == 2
    assert content.scores["resnet20 (again)"].mean_error == content.scores["resnet20 (run)"].mean_error


@pytest.mark.parametrize("what", [{"seed": 1}, {"limit": 41}], ids=str)
def test_runs_of_other_images_are_refused(tmp_path, what):
    """Another seed, another subset: one line says what differs."""
    for name, options in (("a", SMALL), ("b", SMALL | what)):
        ppbench.evaluate("resnet20", out=tmp_path / name, **options)
    with pytest.raises(InputError, match=r"not measured on the same as .*a: ") as raised:
        report_content([load_run(tmp_path / name) for name in "ab"])
    assert "\n" not in str(raised.value)


def test_examples_are_the_very_images(base_run, content):
    """A corrupted example is the image that the models answered, byte for byte, beside its clean one."""
    source = open_data("digits-c", limit=80, seed=0)
    clean = torch.from_numpy(np.asarray(source.clean.images[:])).permute(0, 3, 1, 2)
    ids = source.ids.tolist()
    assert len(content.examples.cells) == CELLS
    for cell in content.examples.cells:
        whole = corruptions.corrupt(
            clean, cell.corruption, cell.severity, protocol="cifar-c", ids=torch.as_tensor(source.ids), seed=0
        )
        assert 0 < len(cell.examples) <= IMAGES
        for example in cell.examples:
            row = ids.index(example.image)
            assert np.array_equal(example.corrupted, whole[row].permute(1, 2, 0).numpy())
            assert np.array_equal(example.clean, clean[row].permute(1, 2, 0).numpy())
            assert example.truth == str(source.labels[row])


def test_examples_say_what_the_models_said(base_run, content):
    """Predicted classes and confidences are those of predictions.npz, and at least one of them is wrong."""
    kept = base_run.predictions
    for cell in content.examples.cells:
        k = kept.cells.index((cell.corruption, cell.severity))
        for example in cell.examples:
            n = kept.ids.tolist().index(example.image)
            for m, model in enumerate(kept.models):
                label, confidence = example.answers[model]
                assert label == str(kept.answers.predictions[m, k, n])
                assert confidence == pytest.approx(100 * kept.answers.confidences[m, k, n])
            assert any(label != example.truth for label, _ in example.answers.values())


def test_the_worst_cells(base_run):
    """One cell a corruption, the largest mean errors first; the images are those that most models get wrong there."""
    merged = merge([base_run])
    found = worst_cells(merged)
    mean = {
        key: np.mean([table.cells[key].error for table in base_run.tables])
        for key in base_run.tables[0].cells
    }
    worst_of_each = {c: max(error for (name, _), error in mean.items() if name == c) for c, _ in mean}
    assert list(found.values()) == pytest.approx(sorted(worst_of_each.values(), reverse=True)[:CELLS])
    cell = next(iter(found))
    wrong = base_run.predictions.wrong[:, base_run.predictions.cells.index(cell)].sum(axis=0)
    shown = wrong[chosen_images(merged, cell)]
    assert shown.min() >= np.sort(wrong)[-IMAGES:].min()


def test_a_report_without_the_images_says_why(base_run, tmp_path):
    """Where the data are not there any more, or are others, the report has one sentence instead of a strip."""
    manifest = base_run.manifest
    data = replace(manifest.data, name="cifar10-c", root=str(tmp_path / "gone"))
    moved = replace(base_run, manifest=replace(manifest, data=data))
    strip = report_content([moved]).examples
    assert strip.cells == ()
    assert strip.note.startswith("No example images: ")
    assert "gone" in strip.note
    other = replace(manifest.data, digest="0" * 64)
    changed = replace(base_run, manifest=replace(manifest, data=other))
    assert "another digest" in report_content([changed]).examples.note


def test_examples_of_published_files(tmp_path):
    """Published cells are read from the files, there are no clean images beside them; changed files show nothing."""
    made = published(tmp_path / "CIFAR-10-C", count=20)
    model = load_model("resnet20", data="digits-c")
    ppbench.evaluate(
        model,
        data="cifar10-c",
        root=tmp_path / "CIFAR-10-C",
        corruptions="fog,snow",
        out=tmp_path / "run",
    )
    content = report_content([load_run(tmp_path / "run")])
    assert {cell.corruption for cell in content.examples.cells} == {"fog", "snow"}
    for cell in content.examples.cells:
        for example in cell.examples:
            assert example.clean is None
            assert np.array_equal(
                example.corrupted, made[cell.corruption][20 * (cell.severity - 1) + example.image]
            )
    made["fog"][:] = 0
    np.save(tmp_path / "CIFAR-10-C" / "fog.npy", made["fog"])
    assert "the files of fog changed" in report_content([load_run(tmp_path / "run")]).examples.note


def test_examples_of_other_code_are_not_shown(base_run):
    """Where a corruption is computed in another way since, its images are not those that the models answered."""
    worst = next(iter(worst_cells(merge([base_run]))))[0]
    versions = {**base_run.manifest.data.corruption_versions, worst: "older"}
    data = replace(base_run.manifest.data, corruption_versions=versions)
    changed = replace(base_run.manifest, data=data)
    assert (
        f"the code of {worst} changed" in report_content([replace(base_run, manifest=changed)]).examples.note
    )


def test_kernels_are_those_of_the_network(base_run, content):
    """Push, pull and strengths are the loaded network's; the pull is the push mirrored in the middle of its range."""
    (stem,) = content.stems
    unit = load_model("resnet20-pp", data="digits-c").module.conv1
    assert stem.model == "resnet20-pp"
    assert np.array_equal(stem.push, unit.push_conv.weight.detach().numpy())
    assert np.array_equal(stem.strengths, unit.pull_inhibition_strength.detach().numpy())
    middle = stem.push.max(axis=(1, 2, 3)) + stem.push.min(axis=(1, 2, 3))
    np.testing.assert_allclose(
        stem.push + stem.pull, np.broadcast_to(middle[:, None, None, None], stem.push.shape), atol=1e-6
    )


def test_a_checkpoint_that_was_changed_shows_no_kernels(base_run, tmp_path):
    """Kernels of other weights than those that were evaluated would be a lie: the report says why there are none."""
    file = tmp_path / "weights.safetensors"
    model = base_run.manifest.models[1]
    shutil.copy(model.checkpoint, file)
    moved = _with_checkpoint(base_run, str(file))
    assert report_content([moved]).stems[0].push is not None
    file.write_bytes(file.read_bytes() + b" ")
    assert "SHA-256 is another" in report_content([moved]).stems[0].note
    file.unlink()
    assert "not there any more" in report_content([moved]).stems[0].note
    assert report_content([moved]).stems[0].push is None


def _with_checkpoint(run, path):
    first, second, *rest = run.manifest.models
    models = (first, replace(second, checkpoint=path), *rest)
    return replace(run, manifest=replace(run.manifest, models=models))


def test_calibration_is_of_the_answers(base_run, content):
    """The bins of clean images and of all corrupted cells are made from the confidences of predictions.npz."""
    kept = base_run.predictions
    for m, found in enumerate(content.reliability):
        sure, right = kept.answers.confidences[m], ~kept.wrong[m]
        assert found.clean == reliability(sure[0], right[0])
        assert found.corrupted == reliability(sure[1:].ravel(), right[1:].ravel())
        assert sum(each.images for each in found.corrupted) == 75 * 80


def test_models_on_different_cells(base_run, tmp_path):
    """Runs of different cells stand together: differences of the cells that both have, examples of shared cells."""
    little = part(base_run, [("clean", 0), ("fog", 5), ("snow", 5)], tmp_path / "little")
    content = report_content([base_run, little])
    assert {(cell.corruption, cell.severity) for cell in content.examples.cells} == {("fog", 5), ("snow", 5)}
    assert any("different cells" in note for note in content.scores.notes)


def test_broken_outputs_are_the_lowest_bin(base_run, tmp_path):
    """Outputs that are not finite count as errors of no confidence."""
    found = report_content([broken(base_run, tmp_path / "run")]).reliability[-1].clean
    assert found[0].images == 27
    assert (found[0].confidence, found[0].accuracy) == (0.0, 0.0)


def test_published_results_of_other_data_are_refused(base_run):
    """Errors on other images do not compare: one line."""
    with pytest.raises(
        InputError, match="--reference cifar10-c: expected a run on cifar10-c, got one on digits-c"
    ):
        report_content([base_run], reference="cifar10-c")


def test_a_normaliser_that_divides_nothing_is_not_spoken_of(base_run):
    """Of a second run its notes are kept but those about its own normaliser: all are divided by the first's."""
    of_divisor, other = "old-table was measured on other images", "a stratified subset"
    second = replace(
        base_run,
        manifest=replace(base_run.manifest, normaliser_notes=(of_divisor,)),
        context=replace(base_run.context, notes=(of_divisor, other)),
    )
    assert of_divisor in merge([second]).context.notes
    notes = merge([base_run, second]).context.notes
    assert other in notes
    assert of_divisor not in notes
