"""Whatever is lost in whatever order, the client's ledger says what its node has paid.

Facts: lightning 1.5, 2.5, 5.3. Requests are sent while answers of the shop, of the payer's node and
of the network are lost at random; at the end everything is looked up and closed. Then what was
spent by the ledger is what is missing in the node's channels, to the satoshi, and no charge was
delivered more often than it was paid for.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_rails.core.errors import SandboxError
from tests.unit.sandbox.client.lightning.world import (
    PRICE,
    customer,
    debits,
    lossy,
    sell_small,
    wallet,
)
from tests.unit.sandbox.server.lightning.support import World, opened

ACCIDENTS: Final = ("answer lost", "request lost", "no connection", "gateway")
FAULTS: Final = (
    ("lightning.pay", "lose_response", {}),
    ("lightning.pay", "no_route", {}),
    ("lightning.htlc", "stuck_then_settle", {"s": 90}),
    ("lightning.htlc", "stuck_then_fail", {"s": 90}),
    ("lightning.htlc", "settle_late", {"s": 90}),
)

step = st.tuples(
    st.sampled_from(["/charge", "/charge", "/small", "/small", "/session"]),
    st.lists(st.sampled_from(ACCIDENTS), max_size=3),
    st.none() | st.sampled_from(FAULTS),
    st.booleans(),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(step, min_size=1, max_size=7))
def test_the_ledger_and_the_node_agree(
    steps: list[tuple[str, list[str], tuple[str, str, dict[str, int]] | None, bool]],
) -> None:
    asyncio.run(_agree(steps))


async def _agree(
    steps: list[tuple[str, list[str], tuple[str, str, dict[str, int]] | None, bool]],
) -> None:
    async with opened() as world:
        sell_small(world)
        before_msat = world.balance()
        line = lossy(world)
        hasty = wallet(world, timeout_s=0, patience_ms=0)  # whatever is stuck is unknown at once
        async with customer(world, line, pays=hasty) as client:
            for url, accidents, fault, waits in steps:
                line.accidents = list(accidents)
                if fault is not None:
                    at, do, args = fault
                    armed = {"at": at, "do": do, "args": args, "when": "nth=1"}
                    world.rail.context.faults.arm(armed)
                with suppress(SandboxError, httpx.TransportError):
                    await client.get(url)
                world.rail.context.faults.clear()
                if waits:
                    world.clock.advance(100)
            line.accidents = []
            world.clock.advance(100)
            await client.reconcile()
            for _ in range(2):  # a session whose opening was lost may have to be shown first
                await client.lightning_sessions.close_all()
            await client.reconcile()
            tally = client.lightning_ledger.tally()
            missing_msat = before_msat - world.balance()
            assert missing_msat == (tally.spent + tally.reserved) * 1_000
            # What is still set aside are deposits that came too late to open anything with.
            left = {one.payment.session for one in client.lightning_ledger.unknown}
            assert left.isdisjoint(one.id.hex() for one in await world.server.sessions())
            assert bool(left) == bool(tally.reserved)
            assert "IN_FLIGHT" not in debits(world)
            assert world.app.served.count("/charge") <= _charges_paid(world)


def _charges_paid(world: World) -> int:
    paid = (one for one in world.rail.node("payer").payments() if one.preimage is not None)
    return sum(one.amount_msat == PRICE * 1_000 for one in paid)
