"""The load generator as seen from the benchmark: a process that is given orders, or several.

With workers there is Locust's master, and each worker is a process beside it; they may as well be
on other machines (`benchmarks.locustfile`). Without, one process does all.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from benchmarks.fleet import Part, PartFailed
from benchmarks.leg import GENERATOR
from benchmarks.micro.servers import free_port
from benchmarks.recorder import Recorder
from mock_rails.core.errors import BadInput
from mock_rails.listening import LOOPBACK, CannotListen, bind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from benchmarks.orders import Order, Places

_MODULE: Final = "benchmarks.locustfile"


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one order."""

    recorder: Recorder
    busy: float
    """The busiest generator's share of one core."""
    duration_s: float
    reasons: Mapping[str, int]
    """Why requests failed, and how many."""
    locust: Mapping[str, Any]
    """What Locust's own statistics say of it."""
    is_cut: bool = False
    """Whether it was stopped before its time."""
    page: str = ""
    """Locust's own report of it as HTML, where there were workers."""


class Driver:
    """The generator; used as a block."""

    def __init__(self, *, workers: int = 0, web_port: int | None = None) -> None:
        self._workers = workers
        self._web_port = web_port
        self._stack = ExitStack()
        self._head: Part | None = None
        self.lag_at_rest_us = 0
        """How late its timers are (p99) when it has nothing to do."""

    def __enter__(self) -> Self:
        """Start it, and its workers."""
        if self._web_port is not None:
            _check_free(self._web_port)
        with self._stack:
            options = [] if self._web_port is None else ["--web-port", str(self._web_port)]
            if self._workers:
                port = str(free_port())
                options += ["--expect", str(self._workers), "--port", port]
            self._head = self._started(GENERATOR, options, hears=True)
            for number in range(self._workers):
                join = ["--join", LOOPBACK, "--port", port]
                self._started(f"load worker {number + 1}", join)
            self.lag_at_rest_us = self._head.hear()["lag_at_rest_us"]
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._stack.close()

    def run(self, order: Order, places: Places, heard: Callable[[str], None]) -> Load:
        """Have an order carried out. `heard` is called with `began` and with `ended`, as it
        happens. Ctrl-C stops a leg that has begun; what it came to by then is told."""
        assert self._head is not None
        self._head.say({"order": order.to_json(), "places": asdict(places)})
        has_begun = is_cut = False
        while True:
            try:
                said = self._head.hear()
            except KeyboardInterrupt:
                if is_cut or not has_begun:
                    raise
                is_cut = True
                self._head.say({"stop": True})
                continue
            if "failed" in said:
                raise PartFailed(f"{order.operation} could not be measured: {said['failed']}")
            if "result" in said:
                break
            has_begun = True
            heard(next(iter(said)))
        result = said["result"]
        return Load(
            Recorder.from_json(result),
            result["busy"],
            result["duration_s"],
            result["reasons"],
            result["locust"],
            is_cut,
            result["page"],
        )

    def _started(self, name: str, options: list[str], *, hears: bool = False) -> Part:
        part = Part(name, [_MODULE, *options], hears=hears)
        self._stack.callback(part.stop)
        return part


def _check_free(port: int) -> None:
    """Locust would say in a log that nobody reads that its page has no port."""
    try:
        bind(LOOPBACK, port).close()
    except CannotListen as error:
        raise BadInput(f"Locust's page cannot have port {port}: {error}") from None
