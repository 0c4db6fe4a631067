"""Working ahead: in order, bounded, and never silent about a failure."""

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppbench.evaluation.ahead import ahead


@given(st.lists(st.integers()), st.integers(1, 4), st.integers(1, 6))
def test_every_task_comes_back_with_its_result_in_order(tasks: list[int], workers: int, depth: int) -> None:
    """Whatever the number of threads and however far they run ahead."""
    done = list(ahead(tasks, lambda task: task * 2, workers=workers, depth=depth))
    assert done == [(task, task * 2) for task in tasks]


@pytest.mark.parametrize("depth", [1, 3])
def test_no_more_tasks_are_drawn_than_the_depth_allows(depth: int) -> None:
    """A reader that is faster than the device does not fill the memory."""
    drawn = 0

    def tasks() -> Iterator[int]:
        nonlocal drawn
        for task in range(50):
            drawn += 1
            yield task

    for taken, _ in enumerate(ahead(tasks(), lambda task: task, workers=2, depth=depth)):
        assert drawn <= taken + depth


def test_tasks_are_drawn_in_the_callers_thread() -> None:
    """So that claims and progress need no lock."""
    threads: list[int] = []

    def tasks() -> Iterator[int]:
        for task in range(5):
            threads.append(threading.get_ident())
            yield task

    assert len(list(ahead(tasks(), lambda task: task, workers=2, depth=2))) == 5
    assert set(threads) == {threading.get_ident()}


def test_a_failure_to_draw_comes_after_the_results_before_it() -> None:
    """A reader that fails far ahead of the device costs nothing that was read before."""

    def tasks() -> Iterator[int]:
        yield from (0, 1, 2)
        raise ValueError("no more")

    done = ahead(tasks(), lambda task: task, workers=2, depth=10)
    assert [next(done), next(done), next(done)] == [(0, 0), (1, 1), (2, 2)]
    with pytest.raises(ValueError, match="no more"):
        next(done)


def test_a_failure_is_raised_in_its_turn_and_ends_the_rest() -> None:
    """The results before it stand; tasks that have not begun are not begun."""
    begun: list[int] = []

    def work(task: int) -> int:
        begun.append(task)
        time.sleep(0.01)
        if task == 2:
            raise ValueError("broken")
        return task

    done = ahead(range(100), work, workers=1, depth=5)
    assert [next(done), next(done)] == [(0, 0), (1, 1)]
    with pytest.raises(ValueError, match="broken"):
        next(done)
    assert max(begun) < 10
