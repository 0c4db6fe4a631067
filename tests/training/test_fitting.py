"""Training: the same weights each time, cut off or not."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ppbench.errors import InputError
from ppbench.models.registry import architecture
from ppbench.training.fitting import fit
from ppbench.training.hardware import Hardware
from ppbench.training.progress import Progress
from tests.training.easy import easy_images, error_of, short_recipe

CPU = Hardware("cpu")


def _small() -> nn.Module:
    """Batch statistics and dropout, in a network that takes milliseconds."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(8, 4),
    )


def _network(name: str) -> Callable[[], nn.Module]:
    return lambda: architecture(name).build(4, 32)


def _weights(
    folder: Path, build: Callable[[], nn.Module] = _small, seed: int = 1, **changes: object
) -> dict[str, Tensor]:
    network = fit(build, short_recipe(**changes), easy_images(), seed=seed, folder=folder, hardware=CPU)
    assert network is not None
    return network.state_dict()


def _equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", ["alexnet", "resnet20-pp"])
def test_the_same_seed_gives_the_same_weights(name: str, tmp_path: Path) -> None:
    """Bit for bit, dropout and batch statistics included, whatever was drawn before; another seed gives others."""
    build = _network(name)
    first = _weights(tmp_path / "a", build, 1)
    torch.randn(5)
    second, other = _weights(tmp_path / "b", build, 1), _weights(tmp_path / "c", build, 2)
    assert _equal(first, second)
    assert not _equal(first, other)


@pytest.mark.parametrize(
    "changes",
    [
        {"augmentation": "prime", "jsd": 12.0},
        {"augmentation": "augmix", "jsd": 12.0, "grad_clip": 0.5},
        {"augmentation": "trivialaugment", "schedule": "one-cycle-2024"},
        {"precision": "bf16", "flip": True, "shift_fill": "zero"},
        {"precision": "bf16", "augmentation": "prime"},
    ],
    ids=["prime", "augmix", "trivialaugment", "bf16", "bf16-prime"],
)
def test_augmented_trainings_repeat_themselves(changes: dict[str, object], tmp_path: Path) -> None:
    """Whatever an augmentation draws follows from the seed; and it is not the training without it."""
    first, second = _weights(tmp_path / "a", **changes), _weights(tmp_path / "b", **changes)
    assert _equal(first, second)
    assert not _equal(first, _weights(tmp_path / "c"))


def test_the_callers_random_state_is_left_alone(tmp_path: Path) -> None:
    """Training in the middle of an experiment does not change the experiment."""
    torch.manual_seed(4)
    expected = torch.randn(3)
    torch.manual_seed(4)
    _weights(tmp_path)
    assert torch.equal(torch.randn(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory


class _CutError(Exception):
    """A training that dies."""


@pytest.mark.parametrize("last", [1, 3, 4, 5, 8, 9, 11, 12])
@pytest.mark.parametrize("every_step", [False, True], ids=["epochs", "steps"])
def test_a_training_that_was_cut_off_goes_on_to_the_same_weights(
    last: int, every_step: bool, tmp_path: Path
) -> None:
    """Wherever it dies, within an epoch or at its end, and whenever it was kept: after epochs, or after each step."""
    hardware = Hardware("cpu", keep_every=0.0 if every_step else 1e9)
    undisturbed = _weights(tmp_path / "a", epochs=3)
    seen: list[int] = []

    def until_it_dies(done: Progress) -> None:
        seen.append(done.step)
        if done.step == last and len(seen) == last:
            raise _CutError

    def go() -> nn.Module | None:
        return fit(
            _small,
            short_recipe(epochs=3),
            easy_images(),
            seed=1,
            folder=tmp_path / "b",
            hardware=hardware,
            on_step=until_it_dies,
        )

    with pytest.raises(_CutError):
        go()
    network = go()
    assert network is not None
    kept = last if every_step else last // 4 * 4
    assert seen == [*range(1, last + 1), *range(kept + 1, 13)]
    assert _equal(undisturbed, network.state_dict())
    assert [path.name for path in sorted((tmp_path / "b" / "logs").iterdir())] == ["start-1", "start-2"]


def test_another_training_does_not_go_on_from_a_kept_state(tmp_path: Path) -> None:
    """The line says what differs; --fresh starts again."""

    def dies(done: Progress) -> None:
        if done.step == 5:
            raise _CutError

    arguments = {"seed": 1, "folder": tmp_path, "hardware": CPU}
    with pytest.raises(_CutError):
        fit(_small, short_recipe(), easy_images(), **arguments, on_step=dies)
    with pytest.raises(
        InputError, match=r'last\.ckpt: .* recipe \{"lr": 0\.5\}, got \{"lr": 0\.02\}\): .*--fresh'
    ):
        fit(_small, short_recipe(lr=0.5), easy_images(), **arguments)
    with pytest.raises(InputError, match=r"expected seed 2, got 1"):
        fit(_small, short_recipe(), easy_images(), **{**arguments, "seed": 2})
    with pytest.raises(InputError, match=r"expected data"):
        fit(_small, short_recipe(), easy_images(48), **arguments)
    network = fit(_small, short_recipe(lr=0.5), easy_images(), **arguments, fresh=True)
    assert network is not None
    assert _equal(network.state_dict(), _weights(tmp_path / "other", lr=0.5))


def test_a_damaged_state_is_one_line(tmp_path: Path) -> None:
    """Half a file is no state to go on from."""
    (tmp_path / "last.ckpt").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputError, match="damaged state of a training"):
        _weights(tmp_path)


def test_a_network_learns(tmp_path: Path) -> None:
    """A linear look at the mean colour goes from three wrong of four to none wrong."""
    recipe, images = short_recipe(epochs=6, lr=0.5), easy_images(256)

    def build() -> nn.Module:
        linear = nn.Linear(3, 4)
        nn.init.zeros_(linear.weight)
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)

    losses: list[float] = []
    network = fit(
        build,
        recipe,
        images,
        seed=0,
        folder=tmp_path,
        hardware=CPU,
        on_step=lambda done: losses.append(float(done.loss)),
    )
    assert network is not None
    assert not network.training
    assert error_of(build(), recipe, images) > 50.0
    assert error_of(network, recipe, images) == 0.0
    assert len(losses) == 6 * 16
    assert losses[-1] < losses[0]
    text = (tmp_path / "logs" / "start-1" / "metrics.csv").read_text()
    assert "loss_step" in text
    assert list((tmp_path / "logs" / "start-1").glob("events.out.tfevents*"))


def test_a_diverging_run_stops_with_advice_and_keeps_the_last_good_state(tmp_path: Path) -> None:
    """Not a number is no result, and never replaces one."""

    class Spoilt(nn.Module):
        """Answers with NaN after five steps."""

        def __init__(self) -> None:
            super().__init__()
            self.inner, self.calls = _small(), 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            answer: Tensor = self.inner(x)
            return answer * float("nan") if self.calls > 5 else answer

    with pytest.raises(
        InputError, match="expected a finite loss, got nan in step 6 of 8: choose a smaller lr"
    ):
        _weights(tmp_path, Spoilt)
    kept = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert kept["global_step"] == 4
    assert all(torch.isfinite(value).all() for value in kept["state_dict"].values())


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    """Less than one batch would train nothing, in silence."""
    with pytest.raises(
        InputError, match="64 training images do not fill a batch of 128: --set batch_size=64"
    ):
        _weights(tmp_path, batch_size=128)


@pytest.mark.parametrize(
    "hardware, changes, message",
    [
        (
            Hardware("cpu", strategy="bogus"),
            {},
            "Lightning cannot use this strategy or these devices here: .*bogus",
        ),
        (CPU, {"precision": "16"}, "expected precision 32 or bf16 on the CPU, got 16"),
    ],
    ids=["strategy", "precision"],
)
def test_what_the_hardware_cannot_do_is_one_line(
    hardware: Hardware, changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    """Lightning would end in a traceback, or train in another precision than the file then says."""
    with pytest.raises(InputError, match=message):
        fit(_small, short_recipe(**changes), easy_images(), seed=0, folder=tmp_path, hardware=hardware)


def test_an_unknown_device_is_one_line(tmp_path: Path) -> None:
    """Whatever torch says of it."""
    with pytest.raises(
        InputError, match=r"expected a device that this machine has \(cpu, cuda, cuda:1 or mps\), got 'gpu'"
    ):
        fit(_small, short_recipe(), easy_images(), seed=0, folder=tmp_path, hardware=Hardware("gpu"))
