"""Work over several processes, with the results in the order of the tasks (style 4.4).

They are this machine's, or those of a Dask cluster, whose workers must have the same code.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager
from signal import SIG_DFL, SIGINT, signal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mock_rails import __version__
from mock_rails.core.errors import BadInput
from scenarios.checkout import commit

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

Task = TypeVar("Task")
Done = TypeVar("Done")

_CONNECT_S: Final = 10
_AHEAD: Final = 2
"""Tasks under way for each process: one at work and one waiting."""


class Pool:
    """Processes that are there already, so that several runs need not start them again."""

    def __init__(self, submit: Callable[..., Any] | None = None, most: int = 1) -> None:
        self._submit = submit
        """Takes a function and a task, gives a future; None for this very process."""
        self._most = most

    def in_order(
        self, work: Callable[[Task], Done], tasks: Iterable[Task]
    ) -> Generator[Done, None, None]:
        """Results as they are asked for, no more than a few tasks ahead. Who leaves early closes
        the iterator, and what has not begun is cancelled."""
        if self._submit is None:
            yield from map(work, tasks)
            return
        waiting: deque[Any] = deque()
        try:
            for task in tasks:
                waiting.append(self._submit(work, task))
                if len(waiting) >= self._most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


Workers = int | str | Pool
"""How many processes of this machine, the address of a Dask scheduler, or a pool that is open."""


@contextmanager
def opened(workers: Workers) -> Iterator[Pool]:
    """The processes for as long as they are needed; one process is this one."""
    if isinstance(workers, Pool):
        yield workers
    elif isinstance(workers, str):
        with _cluster(workers) as pool:
            yield pool
    elif workers <= 1:
        yield Pool()
    else:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        # Spawned, not forked: a forked process would share this one's threads and loops half-way.
        local = ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_end_when_interrupted
        )
        try:
            yield Pool(local.submit, _AHEAD * workers)
        finally:
            local.shutdown(wait=True, cancel_futures=True)


def _end_when_interrupted() -> None:
    """Ctrl-C goes to every process of a terminal: a worker ends at once, and has nothing to say."""
    signal(SIGINT, SIG_DFL)


@contextmanager
def _cluster(address: str) -> Iterator[Pool]:
    """A client of the scheduler, closed with what is left; refused where it would not do."""
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise BadInput(
            "A cluster needs Dask's distributed, which is not installed.",
            hint="pip install 'mpp-sandbox[cluster]'",
        ) from None
    if wrong := _what_is_wrong_with(address):
        raise BadInput(
            f"No Dask scheduler answers at {address!r} ({wrong}).",
            hint="Start one with `dask scheduler`, and give the address that it prints.",
        )
    client: Any = Client(  # type: ignore[no-untyped-call]
        address, timeout=_CONNECT_S, set_as_default=False
    )
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
        yield Pool(
            lambda work, task: client.submit(work, task, pure=False), _AHEAD * sum(threads.values())
        )


def _what_is_wrong_with(address: str) -> str | None:
    """Ask who is there, before a client is made: one that cannot connect is closed at the
    program's end, after twenty seconds and with a traceback."""
    from distributed.core import rpc

    async def introduced() -> str:
        async with rpc(address, timeout=_CONNECT_S) as there:  # type: ignore[no-untyped-call]
            return str((await there.identity())["type"])

    try:
        found = asyncio.run(asyncio.wait_for(introduced(), _CONNECT_S))
    except TimeoutError:
        return f"nothing for {_CONNECT_S} s"
    except OSError as error:
        return type(error).__name__
    except ValueError as error:
        return str(error).splitlines()[0]
    except (MemoryError, EOFError, TypeError, KeyError):
        return "what answers speaks another protocol"
    return None if found == "Scheduler" else f"it is a {found.lower()}"


def _code() -> tuple[str, str | None]:
    """Which code a process runs."""
    return __version__, commit()
