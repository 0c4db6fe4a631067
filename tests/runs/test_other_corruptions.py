"""Published sets with corruptions that the benchmark does not have, as 3DCC and C-bar."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import ppbench
from ppbench.errors import InputError
from ppbench.evaluation.cells import parse_corruptions
from ppbench.models.input_spec import default_spec
from ppbench.reporting.cell_heatmap import _groups
from ppbench.reporting.score_tables import corruptions as corruptions_table
from ppbench.runs.folder import Run
from ppbench.scoring.names import taken_for

THREE_D = [
    "bit_error",
    "color_quant",
    "far_focus",
    "flash",
    "fog_3d",
    "h265_abr",
    "h265_crf",
    "iso_noise",
    "low_light",
    "near_focus",
    "xy_motion_blur",
    "z_motion_blur",
]
BAR = [
    "blue_noise_sample",
    "brownish_noise",
    "caustic_refraction",
    "checkerboard_cutout",
    "circular_motion_blur",
    "cocentric_sine_waves",
    "inverse_sparkles",
    "lines",
    "perlin_noise",
    "pinch_and_twirl",
    "plasma_noise",
    "ripple",
    "single_frequency_greyscale",
    "sparkles",
    "transverse_chromatic_abberation",
]


def _arrays(root: Path, names: Sequence[str], images: int = 20) -> Path:
    """Write a folder as CIFAR-10-C-Bar: one .npy a corruption, severity-major, and the labels five times."""
    root.mkdir(parents=True, exist_ok=True)
    np.save(root / "labels.npy", np.tile(np.arange(images) % 10, 5))
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).integers(0, 256, (5 * images, 32, 32, 3), dtype=np.uint8)
        np.save(root / f"{name}.npy", pixels)
    return root


def _tree(root: Path, names: Sequence[str], severities: Sequence[int] = (1, 2, 3, 4, 5)) -> Path:
    """Write a folder as 3DCC: <corruption>/<severity>/<class>/<name>.JPEG."""
    for name in names:
        for severity in severities:
            for wnid in ("n01443537", "n01629819"):
                place = root / name / str(severity) / wnid
                place.mkdir(parents=True)
                Image.new("RGB", (64, 64), (40 * severity, 0, 0)).save(place / "a.JPEG")
    return root


def _evaluated(root: Path, data: str = "cifar10-c", **options: Any) -> Run:
    """Evaluate a small network without training."""
    torch.manual_seed(0)
    classes, size = (10, 32) if data == "cifar10-c" else (200, 64)
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, classes))
    return ppbench.evaluate(network, spec=default_spec(size), data=data, root=root, **options)


def test_a_set_of_others_is_scored_in_no_mean(tmp_path: Path) -> None:
    """Each corruption has a row under its own name; there is no mean error, no mCE, and a note says why."""
    root = _arrays(tmp_path / "CIFAR-10-C-Bar", ["blue_noise_sample", "sparkles"])
    run = _evaluated(root, out=tmp_path / "run")
    (scores,) = run.scores.models
    assert [row.corruption for row in scores.others] == ["other:blue_noise_sample", "other:sparkles"]
    assert (scores.mean_error, scores.mce, scores.corruptions, scores.plugins) == (None, None, (), ())
    assert "this set has none of the 15 + 4 corruptions: its own 2 are evaluated, which are in no mean" in (
        run.context.notes
    )
    table = corruptions_table(run.scores)
    assert [(section.title, [row.title for row in section.rows]) for section in table.sections][-1] == (
        "others of this set (in no mean)",
        ["blue_noise_sample", "sparkles"],
    )
    assert dict(_groups(run.tables)) == {
        "others of this set": ["other:blue_noise_sample", "other:sparkles"],
    }
    assert set(run.errors.query("severity > 0")["group"]) == {"other"}
    said = json.loads((tmp_path / "run" / "run.json").read_text())["data"]
    assert said["corruptions"] == ["other:blue_noise_sample", "other:sparkles"]
    assert set(said["corruption_digests"]) == set(said["corruptions"])
    again = ppbench.score(tmp_path / "run" / "errors.csv", "none")
    assert [row.mean_error for row in next(iter(again.models)).others] == [
        row.mean_error for row in scores.others
    ]


def test_the_error_is_that_of_the_files(tmp_path: Path) -> None:
    """The rows of the array that belong to a severity are what is counted, corruption for corruption."""
    root = _arrays(tmp_path / "bar", ["ripple"], images=10)
    images = np.load(root / "ripple.npy")
    images[30:40] = 0  # severity 4: ten equal pictures get ten equal answers, of which one is right
    np.save(root / "ripple.npy", images)
    (table,) = _evaluated(root, corruptions="ripple").tables
    assert table.cells["other:ripple", 4].errors == 9


def test_trees_of_others_are_read(tmp_path: Path) -> None:
    """3DCC's layout, here with a part of the severities, chosen by name or all together."""
    root = _tree(tmp_path / "3dcc", ["fog_3d", "iso_noise"], severities=(1, 3))
    run = _evaluated(root, "tiny-imagenet-c", corruptions="others", severities="1,3")
    (scores,) = run.scores.models
    assert [(row.corruption, row.severities) for row in scores.others] == [
        ("other:fog_3d", (1, 3)),
        ("other:iso_noise", (1, 3)),
    ]
    (table,) = _evaluated(root, "tiny-imagenet-c", corruptions="fog_3d", severities=[1]).tables
    assert list(table.cells) == [("other:fog_3d", 1)]
    with pytest.raises(InputError, match=r"fog_3d.2: the folder of this severity is missing"):
        _evaluated(root, "tiny-imagenet-c")


def test_others_beside_the_benchmarks_are_named_and_left_out(tmp_path: Path) -> None:
    """Without being asked for they are not evaluated, and a line says how; with them the mean is that of ours."""
    root = _arrays(tmp_path / "both", ["fog", "snow", "ripple"])
    told: list[str] = []
    run = _evaluated(root, corruptions="fog,snow", on_note=told.append)
    assert not run.scores.models[0].others
    (line,) = (line for line in told if "ripple" in line)
    assert line.startswith(
        "not evaluated: 1 of this set beside the 15 + 4 corruptions (ripple): add others to"
    )
    wide = _evaluated(root, corruptions="fog,snow,others").scores.models[0]
    assert [row.corruption for row in wide.others] == ["other:ripple"]
    assert wide.mean_error == run.scores.models[0].mean_error


def test_a_slip_does_not_pass_as_another_corruption(tmp_path: Path) -> None:
    """A file called gausian_noise is not scored under that name unless the user says so, and then a note does."""
    root = _arrays(tmp_path / "slip", ["gausian_noise", "ripple"])
    for wanted in ("others", "gausian_noise"):
        with pytest.raises(
            InputError, match=r"^gausian_noise: .* is gaussian_noise meant\? rename it, or name other"
        ):
            _evaluated(root, corruptions=wanted)
    with pytest.raises(InputError, match=r"has no gaussian_noise\.npy: there is gausian_noise"):
        _evaluated(root)
    run = _evaluated(root, corruptions="other:gausian_noise")
    note = "gausian_noise is scored as a corruption of its own, though its name is like gaussian_noise"
    assert note in run.context.notes


def test_names_of_the_field_are_no_slips() -> None:
    """3DCC's and C-bar's names are others; misspelt ones, other spellings and other collections' words are ours."""
    assert [name for name in (*THREE_D, *BAR) if taken_for(name)] == []
    slips = {
        "gausian_noise": "gaussian_noise",
        "GaussianNoise": "gaussian_noise",
        "jpeg-compression": "jpeg_compression",
        "brightnes": "brightness",
        "forst": "frost",
        "elastic": "elastic_transform",
        "frosted_glass_blur": "glass_blur",
    }
    assert {name: taken_for(name) for name in slips} == slips


def test_the_selection_asks_the_set_for_names_that_are_not_ours() -> None:
    """A plug-in of the same name goes first; a name that nothing has is refused with the near miss of all."""
    there = ["fog", "ripple"]
    assert parse_corruptions("fog", there=lambda: pytest.fail("nobody needs it")) == ("fog",)
    assert parse_corruptions("other:ripple,fog", tuple, lambda: there) == ("fog", "other:ripple")
    assert parse_corruptions("ripple", lambda: ["ripple"], lambda: there) == ("plugin:ripple",)
    assert parse_corruptions("benchmark", tuple, lambda: ["a", "b"]) == ("other:a", "other:b")
    with pytest.raises(InputError, match="unknown corruption 'riple': did you mean 'ripple'"):
        parse_corruptions("riple", tuple, lambda: there)
    with pytest.raises(InputError, match="unknown corruption 'other:fog'"):
        parse_corruptions("other:fog", tuple, lambda: there)
    with pytest.raises(InputError, match=r"this set has no corruptions beside the 15 \+ 4"):
        parse_corruptions("others", tuple, lambda: ["fog"])
