import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from corruptions import (
    GROUPS,
    NAMES,
    Corruption,
    CorruptionError,
    code_version,
    corrupt,
    load_file,
    plugins,
    register,
)

SHIFT = """
import torch
from corruptions import Corruption

def draw(images, constants, random):
    return {"shift": random.integers("shift", low=0, high=int(constants["most"]) + 1)}

def apply(images, constants, fields):
    return (images.to(torch.int64) + fields["shift"][:, None, None, None]).clamp(max=255).to(torch.uint8)

LIGHTER = Corruption("lighter", "weather", version=1, apply=apply, draw=draw,
                     constants=[{"most": 10 * s} for s in range(1, 6)])
"""
IMAGES = np.full((6, 32, 32, 3), 100, np.uint8)


def test_a_file_adds_a_corruption(tmp_path: Path) -> None:
    """A corruption from a file is drawn per image id and seed, like the built-in ones, in a group of its own."""
    (tmp_path / "lighter.py").write_text(SHIFT)
    assert load_file(tmp_path / "lighter.py") == ("lighter",)
    assert plugins()["lighter"].group == "plugin"
    assert "lighter" not in NAMES
    assert "lighter" not in GROUPS
    out = corrupt(IMAGES, "lighter", 5)
    assert len(np.unique(out[:, 0, 0, 0])) > 1
    assert np.array_equal(corrupt(IMAGES[4:], "lighter", 5, ids=[4, 5]), out[4:])
    assert not np.array_equal(corrupt(IMAGES, "lighter", 5, seed=1), out)
    assert corrupt(IMAGES, "lighter", 1).max() <= 110


def test_an_edited_file_has_another_version(tmp_path: Path) -> None:
    """Results made with another version of the file have another key."""
    file = tmp_path / "lighter.py"
    file.write_text(SHIFT)
    load_file(file)
    before = code_version("lighter")
    file.write_text(SHIFT.replace("10 * s", "20 * s"))
    load_file(file)
    assert code_version("lighter") != before


def test_an_installed_package_adds_a_corruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package's entry point is found by the corruption's name."""
    (tmp_path / "rainy.py").write_text(SHIFT.replace('"lighter"', '"rain"'))
    info = tmp_path / "rainy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rainy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ppbench.corruptions]\nrain = rainy:LIGHTER\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from corruptions.plugins import _load_installed

    _load_installed.cache_clear()
    assert corrupt(IMAGES, "rain", 2).shape == IMAGES.shape
    assert plugins()["rain"].group == "plugin"


@pytest.mark.parametrize(
    "text, message",
    [
        ("x = 1", "at the top level of {file}, got none"),
        ("1 / 0", "expected {file} to run, got ZeroDivisionError: division by zero"),
        (SHIFT.replace('"lighter"', '"light er"'), "to be letters, digits and _, got 'light er'"),
        (SHIFT.replace("range(1, 6)", "range(4)"), "constants of plug-in 'lighter' to be five mappings"),
        (SHIFT.replace('"lighter"', '"fog"'), "of a new name at the top level of {file}, got none"),
    ],
)
def test_a_bad_file_is_said_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    """A file without a plug-in, one that fails, and one with a wrong plug-in are refused by name."""
    file = tmp_path / "plugin.py"
    file.write_text(text)
    with pytest.raises(CorruptionError, match=re.escape(message.format(file=file))) as caught:
        load_file(file)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_registered() -> None:
    """A missing file, a built-in's name and another kind of object are refused."""
    with pytest.raises(CorruptionError, match=re.escape("got no file nowhere.py")):
        load_file("nowhere.py")
    with pytest.raises(CorruptionError, match="a name of its own, got the built-in 'fog'"):
        register(Corruption("fog", "x", version=1, apply=lambda images, *_: images, constants=[{}] * 5))
    with pytest.raises(CorruptionError, match=re.escape("to be a corruptions.Corruption, got int")):
        register(3)  # type: ignore[arg-type] - wrong on purpose
    register(Corruption("lighter", "x", version=1, apply=lambda images, *_: images, constants=[{}] * 5))
    with pytest.raises(CorruptionError, match="did you mean 'lighter'"):
        corrupt(IMAGES, "lightr", 1)


def _plugin(apply: Callable[..., torch.Tensor]) -> str:
    return register(Corruption("mended", "plugin", 1, apply, constants=[{"x": 1}] * 5))


def test_a_plug_in_that_works_in_place_leaves_the_images_alone() -> None:
    """Whatever a third party's code does to its argument, the caller's images stay as they were."""
    images = torch.full((2, 3, 32, 32), 100, dtype=torch.uint8)
    made = corrupt(images, _plugin(lambda chunk, _constants, _fields: chunk.bitwise_right_shift_(1)), 3)
    assert (images == 100).all()
    assert (made == 50).all()


@pytest.mark.parametrize(
    "apply",
    [lambda chunk, *_: chunk.float() + 100, lambda chunk, *_: chunk[:1], lambda chunk, *_: chunk[..., :16]],
)
def test_a_plug_in_that_returns_something_else_is_refused(apply: Callable[..., torch.Tensor]) -> None:
    """Floats would wrap and smaller arrays be repeated, in silence."""
    images = torch.full((2, 3, 32, 32), 200, dtype=torch.uint8)
    with pytest.raises(CorruptionError, match=r"expected mended to return uint8 of shape \(2, 3, 32, 32\)"):
        corrupt(images, _plugin(apply), 3)
