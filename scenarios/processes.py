"""Work over several processes, with the results in the order of the tasks (style 4.4).

They are this machine's, or those of a Dask cluster, whose workers must have the same code.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mock_rails import __version__
from mock_rails.core.errors import BadInput
from scenarios.checkout import commit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

Task = TypeVar("Task")
Done = TypeVar("Done")
Workers = int | str
"""How many processes of this machine, or the address of a Dask scheduler."""

_CONNECT_S: Final = 10
_AHEAD: Final = 2
"""Tasks under way for each process: one at work and one waiting."""


@contextmanager
def map_in_order(
    work: Callable[[Task], Done], tasks: Iterable[Task], workers: Workers
) -> Iterator[Iterator[Done]]:
    """Results as they are asked for; no more than two tasks a process are ever under way.

    One process is this one, without a pool. Who leaves early cancels what has not begun.
    """
    if isinstance(workers, str):
        with _cluster(workers) as (client, most):
            yield _ahead(lambda task: client.submit(work, task, pure=False), iter(tasks), most)
        return
    if workers <= 1:
        yield map(work, tasks)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Spawned, not forked: a forked process would share this one's threads and loops half-way.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        yield _ahead(lambda task: pool.submit(work, task), iter(tasks), _AHEAD * workers)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ahead(
    submit: Callable[[Task], Future[Done]], tasks: Iterator[Task], most: int
) -> Iterator[Done]:
    waiting: deque[Future[Done]] = deque()
    for task in tasks:
        waiting.append(submit(task))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def _cluster(address: str) -> Iterator[tuple[Any, int]]:
    """A client of the scheduler, and how many tasks it should have; closed with what is left."""
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise BadInput(
            "A cluster needs Dask's distributed, which is not installed.",
            hint="pip install 'mpp-sandbox[cluster]'",
        ) from None
    try:
        client: Any = Client(  # type: ignore[no-untyped-call]
            address, timeout=_CONNECT_S, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise BadInput(
            f"No Dask scheduler answers at {address!r} ({type(error).__name__}).",
            hint="Start one with `dask scheduler`, and give the address that it prints.",
        ) from None
    with client:
        threads = client.nthreads()
        if not threads:
            raise BadInput(
                f"The scheduler at {address} has no workers.",
                hint=f"Start some with `dask worker {address} --nthreads 1`.",
            )
        here = _code()
        others = {name for name, code in client.run(_code).items() if code != here}
        if others:
            raise BadInput(
                f"{len(others)} of {len(threads)} workers at {address} have other code than this"
                " program, and would give other numbers.",
                hint="Install the same version, or check out the same commit, everywhere.",
            )
        yield client, _AHEAD * sum(threads.values())


def _code() -> tuple[str, str | None]:
    """Which code a process runs."""
    return __version__, commit()
