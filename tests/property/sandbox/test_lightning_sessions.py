"""However bearers, streams, top-ups and closes interleave, every satoshi is spent or goes back.

Facts: lightning 2.5 and 2.6. Two processes share a store whose every step lets others in between.
Batches of actions run at once; the model adds up what was delivered and what was paid in. In the
end each deposit that was shown at all opens a session, unless the first one has had it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from mpp.errors import PaymentError

from mock_rails.core import Clock
from mock_rails.lightning.bolt11 import Bolt11, decode, encode
from sandbox.lightning import NEVER_BEGUN, MadeInvoice, Paid, PaymentFailed
from sandbox.methods.lightning_session import (
    Bearer,
    Close,
    Open,
    Session,
    SessionRequest,
    Status,
    TopUp,
)
from sandbox.server.lightning import LightningServer
from sandbox.server.lightning.meter import LightningMeter
from sandbox.server.stores import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

NOW_S = 1_767_225_600
DEPOSIT = 20
PRICE = 3
IDLE_S = 100

ACTIONS = st.sampled_from(
    ["bearer", "stream", "top up", "replay a top-up", "replay the open", "close", "look", "wait"]
)
BATCHES = st.lists(st.lists(ACTIONS, min_size=1, max_size=6), max_size=6)


def invoice(preimage: bytes, amount_sat: int | None) -> Bolt11:
    unsigned = Bolt11(
        network="regtest",
        payment_hash=sha256(preimage).digest(),
        payment_secret=bytes(32),
        timestamp_s=NOW_S,
        amount_msat=None if amount_sat is None else amount_sat * 1_000,
        description="",
        expiry_s=10**6,
    )
    return decode(encode(unsigned, b"k" * 32))


@dataclass
class Node:
    """A node that sends refunds, and counts them."""

    clock: Clock
    network: str = "regtest"
    sent: list[int] = field(default_factory=list)

    async def create_invoice(self, **asked: Any) -> MadeInvoice:
        raise NotImplementedError

    async def pay(self, bolt11: str, *, amount_sat: int | None = None, **limits: Any) -> Paid:
        await self.clock.yield_to_loop()
        self.sent.append(amount_sat or 0)
        await self.clock.yield_to_loop()
        return Paid(bytes(32), 0)

    async def find_payment(self, payment_hash: bytes) -> Paid | PaymentFailed | None:
        await self.clock.yield_to_loop()
        return Paid(bytes(32), 0) if self.sent else PaymentFailed(NEVER_BEGUN)

    async def settled(self, payment_hash: bytes) -> bool:
        return False

    async def aclose(self) -> None:
        pass


class Interrupted:
    """A store of which every step lets all other tasks run before it and after it."""

    def __init__(self, store: Any, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def records(self, name: str, codec: Any) -> Any:
        return Interrupted(self._store.records(name, codec), self._clock)

    def replays(self) -> Any:
        return Interrupted(self._store.replays(), self._clock)

    async def _step(self, name: str, *args: Any, **options: Any) -> Any:
        await self._clock.yield_to_loop()
        found = await getattr(self._store, name)(*args, **options)
        await self._clock.yield_to_loop()
        return found

    async def get(self, key: str) -> Any:
        return await self._step("get", key)

    async def update(self, key: str, change: Callable[[Any], Any]) -> Any:
        return await self._step("update", key, change)

    async def put_if_absent(self, key: str, value: str, **options: Any) -> Any:
        return await self._step("put_if_absent", key, value, **options)

    async def delete(self, key: str) -> None:
        await self._step("delete", key)

    async def scan(self) -> AsyncIterator[tuple[str, Any]]:
        async for one in self._store.scan():
            await self._clock.yield_to_loop()
            yield one


class Shop:
    """Two processes of one merchant, and one payer's session."""

    def __init__(self) -> None:
        self.clock = Clock.frozen(NOW_S)
        self.node = Node(self.clock)
        store = MemoryStore(self.clock)
        self.servers = [
            LightningServer(
                node=self.node,
                store=Interrupted(store, self.clock),  # type: ignore[arg-type]
                clock=self.clock,
                idle_timeout_s=IDLE_S,
            )
            for _ in range(2)
        ]
        self.delivered = 0
        self.paid_in = 0
        self.top_ups: list[bytes] = []
        self.shown: list[bytes] = []
        """The preimages of all deposits but the first, credited or not."""
        self.count = 0
        self.opening = b"o" * 32
        self.id = sha256(self.opening).digest()

    async def open(self) -> None:
        back = invoice(b"r" * 32, None).text
        await self.servers[0]._context.actions.open(
            self.asked(self.opening), Open(self.opening, back), 0, 0
        )
        self.paid_in += DEPOSIT

    def asked(self, preimage: bytes) -> SessionRequest:
        deposit = invoice(preimage, DEPOSIT)
        return SessionRequest(PRICE, deposit.payment_hash, deposit)

    async def do(self, action: str) -> None:
        """One action at one of the two processes; a refusal has no effect."""
        self.count += 1
        context = self.servers[self.count % 2]._context
        try:
            if action == "bearer":
                bearer = Bearer(self.id, self.opening)
                await context.actions.bearer(bearer, PRICE, 1)
                self.delivered += PRICE
            elif action == "stream":
                await self.stream(context)
            elif action == "top up":
                await self.top_up(context, b"t%031d" % self.count)
            elif action == "replay a top-up" and self.top_ups:
                await self.top_up(context, self.top_ups[-1])
            elif action == "replay the open":
                await self.top_up(context, self.opening)
            elif action == "close":
                await context.actions.close(Close(self.id, self.opening))
            elif action == "look":
                await context.closer.look()
            elif action == "wait":
                self.clock.advance(IDLE_S)
        except PaymentError:
            pass

    async def stream(self, context: Any) -> None:
        session = await context.actions.bearer(Bearer(self.id, self.opening), 0, 0)
        meter = LightningMeter(
            context.book,
            session,
            amount_sat=PRICE,
            challenge_id="c",
            clock=self.clock,
            used=context.closer.used,
        )
        for _ in range(3):
            await meter.charge()
            self.delivered += PRICE

    async def top_up(self, context: Any, preimage: bytes) -> None:
        self.shown.append(preimage)
        asked, payload = self.asked(preimage), TopUp(self.id, preimage)
        await context.actions.top_up(asked, payload)
        self.top_ups.append(preimage)
        self.paid_in += DEPOSIT

    async def open_another(self, preimage: bytes) -> bool:
        """Whether a deposit opens a session of its own."""
        back = invoice(sha256(preimage).digest(), None).text
        try:
            await self.servers[0]._context.actions.open(
                self.asked(preimage), Open(preimage, back), 0, 0
            )
        except PaymentError:
            return False
        return True

    async def session(self) -> Session:
        found = await self.servers[0].session_of(self.id)
        assert found is not None
        return found


async def play(batches: list[list[str]]) -> None:
    shop = Shop()
    await shop.open()
    for batch in batches:
        await asyncio.gather(*map(shop.do, batch))
        session = await shop.session()
        assert session.spent_sat == shop.delivered <= session.deposit_sat == shop.paid_in
        if session.status is Status.OPEN:
            assert shop.node.sent == []
    for server in shop.servers:
        await server.stop(close_sessions=True)
    session = await shop.session()
    assert session.status is Status.CLOSED
    left = shop.paid_in - shop.delivered
    assert session.refund_sat == left
    assert shop.node.sent == ([left] if left else [])
    assert len(set(shop.top_ups)) == len(shop.top_ups)
    for preimage in {shop.opening, *shop.shown}:
        had = sha256(preimage).digest() in session.deposits
        assert await shop.open_another(preimage) is not had


@given(BATCHES)
def test_every_satoshi_is_spent_or_goes_back_once(batches: list[list[str]]) -> None:
    asyncio.run(play(batches))
