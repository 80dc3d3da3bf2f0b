"""One seed, from the first request to the last invariant."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tests.simulation.world.faults import Chaos
from tests.simulation.world.invariants import BrokenError, Invariants, need
from tests.simulation.world.loop import VirtualClock, VirtualLoop, libraries_go_by
from tests.simulation.world.sockets import sockets_go_by
from tests.simulation.world.workload import ROUTES, Customer, must_serve
from tests.simulation.world.world import World

PAYERS: Final = 2
DEEDS: Final = 7
"""What each payer does while the storm lasts."""
SHOWN: Final = 20
_LONGEST_S: Final = 100_000
_VOID_S: Final = 61
"""What was not mined by then never will be."""
_LOOKS_S: Final = 6
"""By then the merchants' watch has looked."""
_SENDING_S: Final = 45
"""Merchants that wait for a transaction of theirs give up by then, and have sent another."""
_GRACE_S: Final = 961
"""After this a payer may take what its payee did not capture (facts: protocol 2.5)."""
_FORGOTTEN_S: Final = 3_600
"""An opening that was never mined is forgotten by then."""
_INVOICES_END: Final = timedelta(days=60)
"""No return invoice is good for longer."""


class SeedFailedError(AssertionError):
    """A seed has found something; its text is all that is needed to look at it."""

    def __init__(self, seed: int, text: str, invariant: str) -> None:
        super().__init__(text)
        self.seed = seed
        self.invariant = invariant
        """Which one did not hold; nothing if the world itself broke down."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of a world."""

    seed: int
    trace: str
    digest: str
    """A hash of the trace and of the rails' final states."""


def simulate(seed: int, *, payers: int = PAYERS, deeds: int = DEEDS) -> Lived:
    """Run one seed; raises `SeedFailedError` if an invariant did not hold."""
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    logs = logging.getLogger("sandbox"), logging.getLogger("mpp")
    levels = [one.level for one in logs]
    for one in logs:
        one.setLevel(logging.CRITICAL + 1)  # what goes wrong on purpose is not news
    asyncio.set_event_loop(loop)
    try:
        with libraries_go_by(clock):
            world = World(seed, loop, clock)
            try:
                with sockets_go_by(world.network, lambda: world.app):
                    loop.run_until_complete(_live(world, payers, deeds))
            except Exception as error:
                raise _failed(world, error) from error
            finally:
                loop.run_until_complete(_end(world))
            digests = [one.digest() for one in (world.chain, world.stripe, world.lightning)]
            trace = "\n".join(world.trace)
            whole = hashlib.sha256("\n".join((trace, *digests)).encode()).hexdigest()
            return Lived(seed, trace, whole)
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        for one, level in zip(logs, levels, strict=True):
            one.setLevel(level)


async def _live(world: World, payers: int, deeds: int) -> None:
    async with asyncio.timeout(_LONGEST_S):
        await world.open(payers)
        checks = Invariants(world)

        async def check() -> None:
            await checks.check(world.kept)

        chaos = Chaos(world)
        customers = [Customer(world, payer) for payer in world.payers]
        storm = world.spawn("world", chaos.run())
        async with asyncio.TaskGroup() as tasks:
            for customer in customers:
                tasks.create_task(customer.work(deeds, check))
        chaos.heal()
        await storm
        await _see_out(world, customers)
        await check()
        for place, customer in enumerate(customers):
            for route in ROUTES[(world.seed + place) % 2 :: 2]:  # all of them, between the payers
                await must_serve(world, customer, route)
            await check()
        await _close(world, customers)
        await checks.check_closed(world.kept)
        await _find_out(world)
        checks.check_ledgers()
        errors = world.loop.errors()
        need(not errors, "no error is lost", "; ".join(errors))


async def _see_out(world: World, customers: list[Customer]) -> None:
    """Let what is under way end: transactions become void, marks are given up."""
    for _ in range(2):
        world.clock.advance(_VOID_S)
        await world.clock.wall_sleep(timedelta(seconds=_LOOKS_S))
        for customer in customers:
            await customer.do("reconcile")
    if any(customer.has_left for customer in customers):
        await world.clock.wall_sleep(timedelta(seconds=_SENDING_S))
        world.clock.advance(_GRACE_S)
        for customer in customers:
            await customer.do("return")


async def _close(world: World, customers: list[Customer]) -> None:
    """Close everything on both sides. What is old and led to nothing is forgotten meanwhile."""
    assert world.shop is not None
    for customer in customers:
        await customer.do("close")
    await world.spawn(world.network.program("merchants"), world.shop.merchants.stop())
    world.clock.advance(_FORGOTTEN_S)
    await world.spawn(world.network.program("merchants"), world.shop.merchants.sessions.look())
    for customer in customers:
        await customer.do("close")


async def _find_out(world: World) -> None:
    """A deposit that bought nothing may come back until the invoice for it ends."""
    world.clock.advance(_INVOICES_END)
    for payer in world.payers:
        left = await payer.client.reconcile()
        need(not left, "every outcome is known", f"{payer.name}: {left}")
        said = await payer.tickets.show_late()
        need(said in {None, 402}, "a ticket ends", f"{payer.name}'s still opens: {said}")


async def _end(world: World) -> None:
    """Close the world, whatever state it is in."""
    with suppress(Exception):
        await world.aclose()
    while rest := [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]:
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


def _failed(world: World, error: BaseException) -> SeedFailedError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    what = str(error) if isinstance(error, BrokenError) else repr(error)
    text = (
        f"seed {world.seed}, step {len(world.trace)}: {what}\n"
        + "\n".join(f"    {line}" for line in world.trace[-SHOWN:])
        + f"\nAgain: make fuzz SEEDS=1 FIRST={world.seed}"
    )
    invariant = error.invariant if isinstance(error, BrokenError) else ""
    return SeedFailedError(world.seed, text, invariant)


def failure(seed: int, *, payers: int = PAYERS, deeds: int = DEEDS) -> SeedFailedError | None:
    """What a seed has found, or nothing."""
    try:
        simulate(seed, payers=payers, deeds=deeds)
    except SeedFailedError as error:
        return error
    return None
