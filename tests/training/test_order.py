"""Which images a step trains on."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from ppbench.training.batches import epoch_order, rows_of_step, seed_of


@given(st.integers(1, 300), st.integers(0, 50), st.integers(0, 50))
def test_an_epoch_has_every_image_once(count: int, seed: int, epoch: int) -> None:
    """A permutation, the same one each time it is asked for."""
    order = epoch_order(count, seed, epoch)
    assert sorted(order.tolist()) == list(range(count))
    assert torch.equal(order, epoch_order(count, seed, epoch))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    """No two are alike, nor is one epoch of a seed the next epoch of the seed before."""
    orders = {tuple(epoch_order(50, seed, epoch).tolist()) for seed in range(6) for epoch in range(6)}
    assert len(orders) == 36


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 6))
def test_processes_share_a_step(processes: int, each: int, steps: int) -> None:
    """Together they have the images that one process would have, each once, and equally many."""
    size = processes * each
    order = epoch_order(size * steps + 1, 0, 0)
    for step in range(steps):
        shares = [rows_of_step(order, size, step, rank, processes).tolist() for rank in range(processes)]
        assert {len(share) for share in shares} == {each}
        assert sorted(row for share in shares for row in share) == sorted(
            rows_of_step(order, size, step).tolist()
        )


def test_seeds_are_of_63_bits_and_tell_parts_apart() -> None:
    """("a", 1, 23) is not ("a", 12, 3)."""
    seeds = {seed_of("a", 1, 23), seed_of("a", 12, 3), seed_of("a", 123), seed_of("b", 1, 23)}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**63 for seed in seeds)
