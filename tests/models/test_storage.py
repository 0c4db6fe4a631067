"""Weights that a file stores in fewer bits than they are used in."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ppbench.errors import InputError
from ppbench.models.checkpoint import save_checkpoint
from ppbench.models.load import load_model
from ppbench.models.registry import architecture
from ppbench.models.storage import BITS, SCALE, Bits, checked_bits, packed, rounded, unpacked

FACTS = {"architecture": "resnet20-pp", "num_classes": 10, "image_size": 32}
INF, NAN = float("inf"), float("nan")
GREATEST = torch.finfo(torch.float32).max  # 127 times a 127th of it is infinite
KERNEL = "layer3.0.conv2.weight"


def file_of(folder: Path, bits: Bits, **changes: Tensor | None) -> Path:
    """A file with random weights, and with tensors changed, or left out, after it was written."""
    torch.manual_seed(3)
    path = folder / f"{bits}.safetensors"
    save_checkpoint(path, architecture("resnet20-pp").build(10, 32), FACTS, bits=bits)
    if changes:
        stored = {name: tensor for name, tensor in (load_file(path) | changes).items() if tensor is not None}
        save_file(stored, path, {"ppbench": json.dumps({**FACTS, "bits": bits})})
    return path


@pytest.mark.parametrize(("bits", "share"), [(16, 0.6), (8, 0.4)])
def test_what_is_loaded_is_what_was_measured(tmp_path: Path, bits: Bits, share: float) -> None:
    """A smaller file gives back the network that `rounded` made, bit for bit, in single precision."""
    path = file_of(tmp_path, bits)
    torch.manual_seed(3)
    expected = rounded(architecture("resnet20-pp").build(10, 32), bits).state_dict()
    loaded = load_model("resnet20-pp", checkpoint=path, num_classes=10, image_size=32).module.state_dict()
    assert path.stat().st_size < share * file_of(tmp_path, 32).stat().st_size
    assert loaded.keys() == expected.keys()
    for name, value in loaded.items():
        assert value.dtype == expected[name].dtype
        assert torch.equal(value, expected[name])


def test_the_ordinary_loader_needs_no_option(tmp_path: Path) -> None:
    """The file says how it is stored, and is recognised without --model."""
    loaded = load_model(checkpoint=file_of(tmp_path, 8))
    assert loaded.architecture == "resnet20-pp"
    assert all(tensor.dtype is torch.float32 for tensor in loaded.module.parameters())


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    """Nothing in the file depends on when it was written."""
    assert file_of(tmp_path, 8).read_bytes() == file_of(tmp_path, 8).read_bytes()


@given(st.integers(0, 2**32 - 1), st.floats(1e-30, 1e30))
def test_eight_bits_are_off_by_half_a_step_at_most(seed: int, size: float) -> None:
    """A step is a 127th of the largest weight of the output channel, which comes back as it was."""
    draws = torch.Generator().manual_seed(seed)
    kernel = torch.randn(16, 4, 8, 8, generator=draws) * size
    kernel[3] = 0
    back = unpacked(packed({"w": kernel}, 8), 8)["w"]
    largest = kernel.flatten(1).abs().amax(1).view(-1, 1, 1, 1)
    assert bool(((back - kernel).abs() <= largest / 127 * 0.5001).all())
    assert torch.equal(back[3], kernel[3])
    assert torch.allclose(back.flatten(1).abs().amax(1), largest.flatten(), rtol=1e-6, atol=0)


@given(st.integers(0, 2**32 - 1))
def test_what_is_stored_again_stays_the_same(seed: int) -> None:
    """The whole numbers of a network that came from 8 bits are those that it came from."""
    kernel = torch.randn(16, 4, 8, 8, generator=torch.Generator().manual_seed(seed))
    stored = packed({"w": kernel}, 8)
    again = packed(unpacked(stored, 8), 8)
    assert torch.equal(stored["w"], again["w"])


def test_small_kernels_and_vectors_are_stored_as_they_are() -> None:
    """They are few, and a first convolution is what push-pull is about."""
    state = architecture("resnet20-pp").build(10, 32).state_dict()
    stored = packed(state, 8)
    small = [name for name, tensor in state.items() if tensor.ndim < 2 or tensor.numel() < 4096]
    assert "conv1.push_conv.weight" in small
    assert all(stored[name] is state[name] for name in small)
    assert {name for name in state if name + SCALE in stored} == set(state) - set(small)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({KERNEL + SCALE: None}, rf"without its scales \({KERNEL}\)"),
        ({KERNEL + SCALE: torch.ones(63)}, "other scales than a number for each of 64 channels"),
        ({KERNEL + SCALE: torch.ones(64, dtype=torch.float64)}, "other scales than"),
        ({KERNEL + SCALE: torch.full((64,), float("nan"))}, "a scale that is no positive number"),
        ({KERNEL + SCALE: torch.full((64,), float("inf"))}, "a scale that is no positive number"),
        ({KERNEL + SCALE: torch.full((64,), -1.0)}, "a scale that is no positive number"),
        ({KERNEL + SCALE: torch.zeros(64)}, "a scale that is no positive number"),
        ({KERNEL: torch.zeros(64, 64, 3, 3)}, rf"scales without a kernel of 8 bits \({KERNEL}{SCALE}\)"),
        ({KERNEL: torch.zeros(64, dtype=torch.int8)}, "a kernel of 8 bits that is none"),
    ],
)
def test_damaged_files_end_in_one_line(
    tmp_path: Path, changes: dict[str, Tensor | None], reason: str
) -> None:
    """Numbers without their scales would be weights a thousand times too large, in silence."""
    with pytest.raises(InputError, match=f"expected a checkpoint, got a damaged file of ppbench, .*{reason}"):
        load_model(checkpoint=file_of(tmp_path, 8, **changes))


@pytest.mark.parametrize("bits", [7, "8", None, [8], 4.5, True])
def test_other_numbers_of_bits_are_refused(tmp_path: Path, bits: object) -> None:
    """In a file of a later ppbench, say."""
    path = file_of(tmp_path, 8)
    save_file(load_file(path), path, {"ppbench": json.dumps({**FACTS, "bits": bits})})
    with pytest.raises(InputError, match=r"with kernels of .* bits: expected 32 or 16 or 8"):
        load_model(checkpoint=path)
    if isinstance(bits, int):
        with pytest.raises(InputError, match="expected weights saved in 32, 16 or 8 bits, got"):
            checked_bits(bits)


def test_int8_of_others_is_not_taken_for_ours(tmp_path: Path) -> None:
    """Without ppbench's own word in the header there is no telling what the scale is."""
    path = file_of(tmp_path, 8)
    save_file(load_file(path), path)
    with pytest.raises(InputError, match="unexpected"):
        load_model("resnet20-pp", checkpoint=path)


def test_every_number_of_bits_is_offered() -> None:
    """What the command line takes is what files are written with."""
    assert [checked_bits(bits) for bits in BITS] == [32, 16, 8]


@pytest.mark.parametrize(
    ("bits", "value", "line"),
    [
        *(
            (8, value, "w: expected finite numbers to store in 8 bits")
            for value in (INF, -INF, NAN, GREATEST)
        ),
        *(
            (16, value, "w: expected numbers of at most 65,504 to store in 16 bits")
            for value in (INF, NAN, 65_520.0)
        ),
    ],
)
def test_what_cannot_be_stored_is_refused(tmp_path: Path, bits: Bits, value: float, line: str) -> None:
    """Weights that would come back as others, or not at all, are refused before there is a file; 32 bits store them."""
    module = nn.Module()
    module.w = nn.Parameter(torch.zeros(16, 4, 8, 8))
    with torch.no_grad():
        module.w[3, 1, 2, 2] = value
    with pytest.raises(InputError, match=rf"^{line}, got larger ones or none \(inf or nan\): take --bits 32"):
        rounded(module, bits)
    with pytest.raises(InputError, match=f"^{line}"):
        save_checkpoint(tmp_path / "w.safetensors", module, {}, bits=bits)
    assert not list(tmp_path.iterdir())
    save_checkpoint(tmp_path / "w.safetensors", module, {}, bits=32)
    assert torch.equal(
        load_file(tmp_path / "w.safetensors")["w"].view(torch.int32), module.w.view(torch.int32)
    )


def test_the_largest_numbers_of_half_precision_are_stored() -> None:
    """They come back as they were, those that half precision rounds to them too."""
    kernel = torch.tensor([[65_504.0, -65_504.0, 65_519.0]])
    assert packed({"w": kernel}, 16)["w"].tolist() == [[65_504, -65_504, 65_504]]
