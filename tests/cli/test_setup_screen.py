"""`ppbench doctor --model …`: the set-up on one screen, as JSON, and its strip of images."""

import json

import numpy as np
import pytest
from PIL import Image

from ppbench.reporting.contact_strip import COLUMNS, ROWS, in_half_blocks, picture

DOCTOR = ("doctor", "--model", "resnet20", "--limit", "100")
CHECKS = ["contract", "images", "weights", "batch", "outputs", "clean error"]


def test_a_right_set_up(ppbench):
    """Every check has its line, nothing is wider than a terminal or coloured, and the last line is the verdict."""
    done = ppbench(*DOCTOR)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "resnet20 on digits-c"
    assert [line[3:16].strip() for line in lines if line.startswith("ok ")] == CHECKS
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    assert lines[-1] == "Nothing looks wrong with the set-up."
    assert "\x1b" not in done.out
    assert "label → answer of 5 images: " in done.out


def test_a_wrong_set_up_is_exit_code_2(ppbench):
    """What is wrong is marked, and what would be better is named."""
    done = ppbench(*DOCTOR, "--mean", "1.9,1.9,1.9", "--limit", "200")
    assert done.code == 2
    assert "!! clean error" in done.out
    assert "!! other set-ups" in done.out
    assert done.out.splitlines()[-1].startswith("Something is wrong with the set-up")


def test_json(ppbench):
    """One document, what run.json has of each model."""
    data = json.loads(ppbench(*DOCTOR, "--json").out)
    assert (data["schema_version"], data["data"]) == (1, "digits-c")
    (model,) = data["models"]
    assert (model["name"], model["verdict"], model["outputs"], model["depends_on"]) == (
        "resnet20",
        "ok",
        "logits",
        None,
    )
    assert [finding["check"] for finding in model["findings"]] == CHECKS


def test_the_strip_is_a_picture(ppbench, tmp_path):
    """Images side by side, one row for each model."""
    assert ppbench(*DOCTOR, "--model", "resnet20-pp", "--strip", tmp_path / "strip.png").code == 0
    with Image.open(tmp_path / "strip.png") as strip:
        assert strip.width > 5 * 128
        assert strip.height > 2 * 128
    done = ppbench(*DOCTOR, "--strip", tmp_path / "strip.text")
    assert done.code == 2
    assert "strip.text: expected a file name that ends in .png" in done.err


@pytest.mark.parametrize("arguments", [("--data", "cifar10-c"), ("--strip", "x.png"), ("--limit", "5")])
def test_options_without_a_model_are_refused(ppbench, arguments):
    """They could have no effect; the line names the option."""
    done = ppbench("doctor", *arguments)
    assert (done.code, done.out) == (2, "")
    assert f"expected --model or --checkpoint with {arguments[0]}, got neither" in done.err
    assert done.err.count("\n") == 1


def test_what_cannot_be_looked_at_is_one_line(ppbench, tmp_path):
    """A limit beyond the set, published corruptions without clean images."""
    assert "expected a limit from 1 to the 500 images" in ppbench(*DOCTOR, "--limit", "501").err
    np.save(tmp_path / "fog.npy", np.zeros((50_000, 32, 32, 3), np.uint8))
    np.save(tmp_path / "labels.npy", np.zeros(50_000, np.int64))
    done = ppbench("doctor", "--model", "resnet20-cifar10", "--data", "cifar10-c", "--root", tmp_path)
    assert done.code == 2
    assert "a set-up is checked on clean images" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--corruptions", "nope"),
        ("--engine", "ray"),
        ("--source", "generated"),
        ("--severities", "9"),
        ("--normaliser", "none"),
        ("--no-store",),
        ("--no-jpeg",),
        ("--compile",),
        ("--fresh",),
        ("--corruption-file", "mine.py"),
    ],
)
def test_options_without_effect_are_not_offered(ppbench, arguments):
    """Right or wrong, what is not about the model and the clean images is no option: help does not list it."""
    done = ppbench(*DOCTOR, *arguments)
    assert (done.code, done.out) == (2, "")
    assert f"No such option: {arguments[0]}" in done.err
    assert arguments[0] not in ppbench("doctor", "--help").out.split()


def test_a_trial_with_a_model_is_refused(ppbench):
    """What is about the machine is named as the user wrote it."""
    done = ppbench(*DOCTOR, "--no-trial")
    assert (done.code, done.out) == (2, "")
    assert "got --no-trial, which has no effect on the set-up check: leave it out" in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("model", [True, False])
def test_ctrl_c_is_one_line(ppbench, monkeypatch, tmp_path, model):
    """130, and what became of it, with a model and without one."""
    (tmp_path / "net.py").write_text("def net():\n    raise KeyboardInterrupt\n")

    def interrupt(**_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("ppbench.diagnosis.diagnose.diagnose", interrupt)
    done = ppbench("doctor", *(("--model", f"{tmp_path}/net.py:net") if model else ()))
    assert (done.code, done.out) == (130, "")
    assert done.err == "ppbench: interrupted: nothing was kept, the same command begins again\n"


@pytest.mark.parametrize("size", [0, -3])
def test_a_batch_size_below_one_is_refused(ppbench, size):
    """As `eval` refuses it, in one line and before the model is loaded."""
    done = ppbench(*DOCTOR, "--batch-size", size)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"ppbench: expected a batch size of at least 1, got {size}\n"


def test_half_blocks():
    """Each line shows two rows of pixels in 24-bit colour: the upper one as ink, the lower one as paper."""
    image = np.zeros((2 * ROWS, COLUMNS, 3), np.uint8)
    image[0::2] = (255, 0, 16)
    lines = in_half_blocks(np.stack([image, 255 - image]))
    assert len(lines) == ROWS
    assert {len(line) for line in lines} == {2 * COLUMNS + 1}
    assert str(lines[0].spans[0].style) == "#ff0010 on #000000"
    assert str(lines[0].spans[-1].style) == "#00ffef on #ffffff"


def test_small_and_large_images_fit_their_tiles():
    """32 pixels are enlarged in whole steps, 224 are shrunk."""
    for side in (32, 224):
        strip = picture(np.full((3, side, side, 3), 9, np.uint8), ["a"] * 3, ["a", "b", "c"])
        assert strip.getpixel((10, 10)) == (9, 9, 9)
        assert strip.getpixel((127, 127)) == (9, 9, 9)
        assert strip.getpixel((130, 10)) == (255, 255, 255)


def test_gate_refuses_what_cannot_be_repeated_before_the_work(ppbench, tmp_path):
    """One line and exit code 2 after the batch test; a baseline is not written."""
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\ndef net():\n"
        "    return nn.Sequential(nn.Conv2d(3, 8, 5, stride=3), nn.BatchNorm2d(8, track_running_stats=False),\n"
        "        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))\n"
    )
    baseline = tmp_path / "baseline.json"
    command = ("--model", f"{tmp_path}/net.py:net", "--limit", "40", "--corruptions", "fog", "--no-store")
    done = ppbench("gate", *command, "--update", "--baseline", baseline)
    assert (done.code, done.out) == (2, "")
    assert "its answers depend on the other images" in done.err
    assert not baseline.exists()
