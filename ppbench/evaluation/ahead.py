"""Working ahead: results in order, made by threads a bounded number of tasks before they are asked for."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def ahead(
    tasks: Iterable[Task],
    work: Callable[[Task], Result],
    *,
    workers: int,
    depth: int,
    at_start: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Task, Result]]:
    """Yield every task with its result, in the order of the tasks.

    The tasks are drawn in the caller's thread, only the work is done in others; so whatever draws them needs no lock.
    At most `depth` tasks are under way or wait to be asked for, which bounds memory.

    Args:
        tasks: what is to be done; drawn as places become free. What drawing raises is raised after the results of
            the tasks before it.
        work: called with a task in one of the threads; what it raises is raised here, in the task's turn.
        workers: number of threads.
        depth: number of tasks that are drawn before the first result is asked for.
        at_start: called in each thread before its first task.
    """
    pool = ThreadPoolExecutor(workers, initializer=at_start)
    pending: deque[tuple[Task, Future[Result]]] = deque()
    source, failure = iter(tasks), None
    try:
        while True:
            try:
                task = next(source)
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001  raised again below, in its turn
                failure = error
                break
            pending.append((task, pool.submit(work, task)))
            if len(pending) >= depth:
                first, result = pending.popleft()
                yield first, result.result()
        while pending:
            first, result = pending.popleft()
            yield first, result.result()
        if failure is not None:
            raise failure
    finally:
        pool.shutdown(cancel_futures=True)
