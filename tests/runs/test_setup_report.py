"""The set-up check by itself, and the batches in which it asks a network."""

import numpy as np
import pytest
import torch
from torch import Tensor

from ppbench.errors import InputError
from ppbench.runs.setup_report import check_setups
from tests.setup.networks import Small, loaded


class _Limited(Small):
    """Takes so many images at once and no more."""

    def __init__(self, room: int, error: type[Exception]) -> None:
        super().__init__()
        self.room, self.error = room, error

    def forward(self, x: Tensor) -> Tensor:
        """Answer, or fail."""
        if len(x) > self.room:
            raise self.error("out of memory" if self.error is torch.OutOfMemoryError else "too many images")
        return super().forward(x)


def _text_of_the_clean_error(module: Small, batch_size: int | None, limit: int | None) -> str:
    (looked,) = check_setups(loaded(module), limit=limit, batch_size=batch_size, device="cpu").models
    return next(each.text for each in looked.check.findings if each.check == "clean error")


@pytest.mark.parametrize("limit", [100, None])
def test_no_batch_is_larger_than_the_user_says(limit: int | None) -> None:
    """A network that takes at most 8 images is judged with a batch size of 4, timed or not."""
    told = _text_of_the_clean_error(_Limited(8, ValueError), 4, limit)
    assert told == _text_of_the_clean_error(Small(), None, limit)


@pytest.mark.parametrize("limit", [100, None])
def test_a_memory_that_is_too_small_takes_smaller_batches(limit: int | None) -> None:
    """Room for 3 images at a time is enough, for the timing and for the answers, which stay the same."""
    told = _text_of_the_clean_error(_Limited(3, torch.OutOfMemoryError), None, limit)
    assert told == _text_of_the_clean_error(Small(), None, limit)


def test_no_room_for_one_image_is_one_line() -> None:
    """The command ends as an evaluation does."""
    with pytest.raises(InputError, match="ran out of memory with one image at a time"):
        check_setups(loaded(_Limited(0, torch.OutOfMemoryError)), device="cpu")


def test_each_image_is_answered_once_whatever_the_batch_size() -> None:
    """Predictions of the shown images are the same in batches of 7, of 1,000, and of less than was asked for."""
    whole, part, halved = (
        check_setups(loaded(module), batch_size=size, device="cpu", shown=500).models[0]
        for module, size in (
            (Small(), 1000),
            (Small(), 7),
            (_Limited(10, torch.OutOfMemoryError), 64),
        )
    )
    assert len(whole.predictions) == 500
    np.testing.assert_array_equal(part.predictions, whole.predictions)
    np.testing.assert_array_equal(halved.predictions, whole.predictions)
