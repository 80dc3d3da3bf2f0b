"""Work over several processes, with the results in the order of the tasks (style 4.4)."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future, ProcessPoolExecutor

Task = TypeVar("Task")
Done = TypeVar("Done")


@contextmanager
def map_in_order(
    work: Callable[[Task], Done], tasks: Iterable[Task], jobs: int
) -> Iterator[Iterator[Done]]:
    """Results as they are asked for; no more than two tasks a process are ever under way.

    One job works here, without a pool. Who leaves early cancels what has not begun.
    """
    if jobs <= 1:
        yield map(work, tasks)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Spawned, not forked: a forked process would share this one's threads and loops half-way.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    try:
        yield _ahead(pool, work, iter(tasks), 2 * jobs)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ahead(
    pool: ProcessPoolExecutor, work: Callable[[Task], Done], tasks: Iterator[Task], most: int
) -> Iterator[Done]:
    waiting: deque[Future[Done]] = deque()
    for task in tasks:
        waiting.append(pool.submit(work, task))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
