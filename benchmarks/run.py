"""A run: legs on one devnet, and the folder that keeps them with all that is needed to repeat them.

run.json    what was asked for, the command that asks for it again, where it was made
legs/       a folder for each leg (benchmarks.leg)
"""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

from benchmarks.books import Books
from benchmarks.driver import Driver, Load
from benchmarks.environment import fingerprint
from benchmarks.fleet import Fleet, Usage
from benchmarks.ladder import Knee, Rung, marks
from benchmarks.leg import LOCUST, RUN, VERSION, Kind, Leg, Money, Outcome, Phase, write_leg
from benchmarks.orders import Order
from benchmarks.pace import looking
from benchmarks.recorder import LAG
from mock_rails import __version__
from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from benchmarks.operations import Operation
    from benchmarks.orders import Places
    from mock_rails.core.clock import Clock

_ANOTHER: Final = "Name another folder with --out."
_LEAST_REQUESTS: Final = 25
_LONGEST_LOW_S: Final = 6.0
_LEAST_USERS: Final = 8
_MOST_USERS: Final = 24
_USERS_PER_S: Final = 0.1
"""Users for each request a second: enough for answers that take a tenth of a second, and more for
what weighs more. Who is slower makes others wait for a free user, and their latency says so."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What stays the same for all legs of a run."""

    seed: str
    operations: Sequence[Operation]
    workers: int = 0
    """Locust workers; 0 for one generator without a master."""
    users: int | None = None
    """Customers; None for as many as the rate wants."""
    web_port: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """What was asked for besides, to be written down."""


class Run:
    """A run in progress; used as a block. Its folder is complete after every leg."""

    def __init__(
        self,
        folder: Path,
        setup: Setup,
        clock: Clock,
        *,
        command: str,
        heard: Callable[[str], object] = lambda line: None,
    ) -> None:
        self.folder = folder
        self.legs: list[Leg] = []
        """Those that were written."""
        self.reasons: dict[str, int] = {}
        """Why requests failed in the last leg."""
        self._setup = setup
        self._clock = clock
        self._command = command
        self._heard = heard
        self._stack = ExitStack()
        self._about = self._described()

    def __enter__(self) -> Self:
        """Make the folder, start the devnet and the generator."""
        setup = self._setup
        sponsored = any(one.is_sponsored for one in setup.operations)
        with _writing(self.folder):
            if self.folder.exists() and any(self.folder.iterdir()):
                raise BadInput(f"{self.folder} is not empty.", hint=_ANOTHER)
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write()
        with self._stack:
            self._heard("starting the devnet")
            self._fleet = self._stack.enter_context(
                Fleet(self._clock, seed=setup.seed, sponsored=sponsored)
            )
            self._driver = self._stack.enter_context(
                Driver(workers=setup.workers, web_port=setup.web_port)
            )
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End them."""
        self._stack.close()

    def measure(
        self,
        operation: Operation,
        kind: Kind,
        *,
        per_s: float | None,
        duration_s: float,
        round_: int = 0,
        share_of_knee: float | None = None,
        users: int | None = None,
    ) -> Leg:
        """Run one leg and write it."""
        number = len(self.legs) + 1
        order = Order(
            number=number,
            operation=operation.name,
            # A worker without a customer could only let its part of the schedule time out.
            users=max(
                users or self._setup.users or users_for(operation, per_s), self._setup.workers
            ),
            duration_s=duration_s,
            per_s=per_s,
            seed=self._setup.seed,
        )
        at = f"{order.users} users" if per_s is None else f"{per_s:.0f}/s"
        self._heard(f"leg {number}: {operation.name} at {at}")
        with looking() as pace:
            load, before, after, money = self._load(operation, order)
        at_rest_us = self._driver.lag_at_rest_us
        leg = _leg(order, kind, round_, share_of_knee, load, at_rest_us, before, after, money)
        leg = replace(leg, pace_us=pace.us)
        with _writing(self.folder):
            place = write_leg(self.folder, leg, load.recorder.encoded(), load.recorder.samples)
        if load.page:
            (place / LOCUST).write_text(load.page, encoding="utf-8")
        self.legs.append(leg)
        self.reasons = dict(load.reasons)
        if load.is_cut:
            raise KeyboardInterrupt
        self._recorder = load.recorder
        return leg

    def rung(self, operation: Operation, per_s: float, duration_s: float) -> Rung:
        """One rate of a ladder."""
        duration_s = long_enough(per_s, duration_s)
        leg = self.measure(operation, Kind.LADDER, per_s=per_s, duration_s=duration_s)
        requests = sum(leg.counts.values())
        return Rung(
            offered_per_s=requests / duration_s,
            achieved_per_s=leg.achieved_per_s,
            requests=requests,
            failed=requests - leg.counts[Outcome.OK],
            p99_us=self._recorder.percentile_us(Phase.TOTAL, 99),
            generator_busy=leg.generator_cpu,
            server_busy=max(leg.server_cpu.values()),
            users=leg.users,
            users_busy=self._recorder.under_way_us / 1e6 / (leg.users * leg.duration_s),
        )

    def _load(self, operation: Operation, order: Order) -> tuple[Load, Usage, Usage, Money | None]:
        """The generator is waited for outside of event loops, so that Ctrl-C ends the wait."""
        usages: list[Usage] = []
        places = self._fleet.places
        since = asyncio.run(_place(operation, places))
        load = self._driver.run(order, places, lambda what: usages.append(self._fleet.usage()))
        served = load.recorder.counts()[Outcome.OK] + order.users * order.warm_up
        money = asyncio.run(_money(operation, places, since, served * operation.units))
        return load, usages[0], usages[-1], money

    def keep_knees(self, knees: Mapping[str, Knee]) -> None:
        """Write down where the ladders ended."""
        self._about["knees"] = {name: asdict(knee) for name, knee in knees.items()}
        with _writing(self.folder):
            self._write()

    def _write(self) -> None:
        (self.folder / RUN).write_text(json.dumps(self._about, indent=1) + "\n", encoding="utf-8")

    def _described(self) -> dict[str, Any]:
        setup = self._setup
        return {
            "version": VERSION,
            "id": self.folder.name,
            "command": self._command,
            "seed": setup.seed,
            "configuration": {
                "operations": [one.name for one in setup.operations],
                "workers": setup.workers,
                "users": setup.users,
                **setup.options,
            },
            "environment": {"sandbox": __version__, **fingerprint()},
            "made_at": self._clock.utc().isoformat(timespec="seconds"),
        }


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """What cannot be written, for want of a right or of space, is one clear line."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"Cannot write to {folder}: {error.strerror}.", hint=_ANOTHER) from None


def long_enough(per_s: float, duration_s: float) -> float:
    """How long a leg takes that was meant to take so long: more at a low rate, for a few requests
    say nothing."""
    return max(duration_s, min(_LEAST_REQUESTS / per_s, _LONGEST_LOW_S))


def users_for(operation: Operation, per_s: float | None) -> int:
    """How many customers an operation wants at a rate."""
    wanted = round((per_s or 0) * _USERS_PER_S * operation.weight)
    return min(max(wanted, _LEAST_USERS), _MOST_USERS)


async def _place(operation: Operation, places: Places) -> Any:
    async with Books(operation, places) as books:
        return await books.place()


async def _money(operation: Operation, places: Places, since: Any, delivered: int) -> Money | None:
    async with Books(operation, places) as books:
        return await books.money(since, delivered)


def _cut(order: Order, load: Load) -> tuple[str, ...]:
    told = f"stopped after {load.duration_s:.1f} of {order.duration_s:g} s"
    return (told,) if load.is_cut else ()


def _leg(
    order: Order,
    kind: Kind,
    round_: int,
    share_of_knee: float | None,
    load: Load,
    at_rest_us: int,
    before: Usage,
    after: Usage,
    money: Money | None,
) -> Leg:
    recorder = load.recorder
    counts = recorder.counts()
    # A leg that is served well ends with its schedule, its last request taking no longer than any;
    # one that falls behind, with its last answer.
    alone_s = recorder.percentile_us(Phase.SERVICE, 0) / 1e6
    lasted_s = load.duration_s - alone_s
    over_s = max(lasted_s, 1e-6) if load.is_cut else max(order.duration_s, lasted_s)
    lag_p99_us = recorder.percentile_us(LAG, 99)
    return Leg(
        number=order.number,
        operation=order.operation,
        kind=kind,
        round=round_,
        offered_per_s=order.per_s,
        users=order.users,
        duration_s=round(load.duration_s, 6),
        share_of_knee=share_of_knee,
        counts=counts,
        achieved_per_s=round(counts[Outcome.OK] / over_s, 3),
        lag_p99_us=lag_p99_us,
        lag_at_rest_us=at_rest_us,
        generator_cpu=round(load.busy, 4),
        server_cpu=after.busy_since(before),
        server_memory_bytes=after.memory_bytes,
        machine=after.pressure.since(before.pressure),
        marks=(
            *_cut(order, load),
            *marks(
                busy=load.busy,
                lag_p99_us=lag_p99_us,
                lag_at_rest_us=at_rest_us,
                latency_p99_us=recorder.percentile_us(Phase.TOTAL, 99),
            ),
        ),
        money=money,
    )
