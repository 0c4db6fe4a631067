"""Which process writes and speaks."""

import pytest

from ppbench.training.hardware import is_first_process


@pytest.mark.parametrize(
    ("numbers", "first"),
    [
        ({}, True),
        ({"RANK": "0", "LOCAL_RANK": "0"}, True),
        ({"RANK": "8", "LOCAL_RANK": "0"}, False),
        ({"SLURM_PROCID": "0"}, True),
        ({"SLURM_PROCID": "3"}, False),
        ({"LOCAL_RANK": "1"}, False),
        ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, False),
        ({"NODE_RANK": "1"}, False),
    ],
)
def test_one_process_of_all_is_the_first(
    numbers: dict[str, str], first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By torchrun's number over all, by SLURM's, or by Lightning's two: of the process and of the machine."""
    for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, number in numbers.items():
        monkeypatch.setenv(name, number)
    assert is_first_process() is first
