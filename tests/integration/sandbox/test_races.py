"""Races over sockets, against one process and against two that share a store, SQLite or Redis.

Issue 3: a credential is charged once however often it is sent at the same time, and racing vouchers
never overspend. Facts: protocol 1.1 rows 16 and 17, 2.5.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import httpx
import pytest
import pytest_asyncio

from mock_rails.core.seeds import Seeds
from sandbox.chain import TempoRpc, read_channel, token_balance
from sandbox.devnet import CURRENCY, Devnet
from sandbox.methods.tempo_session import Channel, SessionReceipt
from sandbox.methods.tempo_session.fields import to_hex
from sandbox.methods.tempo_session.voucher import sign_voucher
from sandbox.server.single_use import PaymentInProgressError
from sandbox.settings import DevnetSettings
from tests.conformance.session.payer import Payer, encode
from tests.integration.sandbox.hostile import Shopper, check_problem
from tests.integration.sandbox.test_crashes import free_port
from tests.unit.sandbox.server.stores.redis_server import running_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUOTE: Final = 10_000
SEARCH: Final = 1_000
TWINS: Final = 200
IN_PROGRESS: Final = PaymentInProgressError.type
"""What a process says of a credential that another one is settling."""


class Arena:
    """A devnet, and clients with many connections."""

    def __init__(self, devnet: Devnet, http: httpx.AsyncClient, rpc: TempoRpc) -> None:
        assert devnet.api_url is not None
        assert devnet.merchants is not None
        self.devnet = devnet
        self.http = http
        self.rpc = rpc
        self.api = devnet.api_url
        self.sessions = devnet.merchants.sessions
        self.shopper = Shopper(devnet, http, rpc)

    async def customer(self, name: str) -> Payer:
        """Somebody with money."""
        payer = Payer(f"{self.api}/search", self.http, self.rpc, f"races {name}")
        await payer.start()
        return payer

    async def earned(self) -> int:
        """What the merchants hold on the chain."""
        return await token_balance(self.rpc, CURRENCY, self.sessions.address)

    async def at_once(
        self, path: str, credentials: list[str], **headers: str
    ) -> list[httpx.Response]:
        """All answers to requests that are under way together."""
        return await asyncio.gather(
            *(
                self.http.get(self.api + path, headers={"authorization": one, **headers})
                for one in credentials
            )
        )

    def check_workers(self) -> None:
        """All processes took part."""
        events = self.devnet.context.journal.read()
        workers = {event.exchange.partition("-")[0] for event in events if event.exchange}
        if self.devnet.settings.workers > 1:
            assert {"w1", "w2"} <= workers


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[(1, "memory"), (2, "sqlite"), (2, "redis")],
    ids=lambda param: "{} processes on {}".format(*param),
)
async def arena(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Arena]:
    workers, store = request.param
    async with AsyncExitStack() as stack:
        if store == "sqlite":
            store = f"sqlite:{tmp_path_factory.mktemp('races') / 'channels.db'}"
        elif store == "redis":
            store = stack.enter_context(running_redis(free_port())).url
        settings = replace(DevnetSettings().with_free_ports(), workers=workers, store=store)
        devnet = await stack.enter_async_context(Devnet(settings))
        limits = httpx.Limits(max_connections=TWINS, max_keepalive_connections=TWINS)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60, limits=limits))
        rpc = await stack.enter_async_context(TempoRpc(devnet.rpc_url))
        yield Arena(devnet, http, rpc)


def split(answers: list[httpx.Response]) -> tuple[list[httpx.Response], Counter[str]]:
    """The deliveries, and why the rest was refused."""
    delivered = [one for one in answers if one.status_code == 200]
    refused = Counter(check_problem(one) for one in answers if one.status_code != 200)
    return delivered, refused


async def test_one_charge_many_times_is_paid_and_delivered_once(arena: Arena) -> None:
    before = await arena.earned()
    credential = encode(await arena.shopper.charge("/quote"))
    delivered, refused = split(await arena.at_once("/quote", [credential] * TWINS))
    assert len(delivered) == 1
    assert sum(refused.values()) == TWINS - 1
    assert set(refused) <= {"invalid-challenge", IN_PROGRESS}
    assert IN_PROGRESS not in refused or arena.devnet.settings.workers > 1
    assert await arena.earned() - before == QUOTE
    arena.check_workers()


async def test_many_charges_at_once_are_each_paid(arena: Arena) -> None:
    """The opposite: nobody is turned away because others pay."""
    before = await arena.earned()
    credentials = [encode(await arena.shopper.charge("/quote")) for _ in range(20)]
    delivered, refused = split(await arena.at_once("/quote", credentials))
    assert (len(delivered), refused) == (20, {})
    assert len({one.headers["payment-receipt"] for one in delivered}) == 20
    assert await arena.earned() - before == 20 * QUOTE


async def test_one_open_many_times_is_one_channel_charged_as_authorised(arena: Arena) -> None:
    payer = await arena.customer("opener")
    had = await token_balance(arena.rpc, CURRENCY, payer.wallet.address)
    known = len(await arena.sessions.channels())
    credential = encode(await payer.members({"do": "open", "deposit": 50, "cumulative": 7}))
    delivered, refused = split(await arena.at_once("/search", [credential] * TWINS))
    assert len(delivered) == 7, refused
    assert refused == {"session/insufficient-balance": TWINS - 7}
    assert len(await arena.sessions.channels()) == known + 1
    channel = await kept(arena, payer)
    assert (channel.spent, channel.accepted, channel.deposit) == (7_000, 7_000, 50_000)
    left = await token_balance(arena.rpc, CURRENCY, payer.wallet.address)
    fees = 5_000
    assert 50_000 <= had - left < 50_000 + fees, "the deposit was taken more than once"
    on_chain = await read_channel(arena.rpc, channel.id, channel.book)
    assert on_chain is not None
    assert on_chain.deposit == 50_000
    arena.check_workers()


async def kept(arena: Arena, payer: Payer) -> Channel:
    """The merchants' record of a payer's channel, and what must always hold of it."""
    assert payer.channel is not None
    channel = await arena.sessions.channel(payer.channel.id)
    assert channel is not None
    assert channel.settled <= channel.spent <= channel.accepted <= channel.deposit
    return channel


async def test_racing_vouchers_never_overspend(arena: Arena) -> None:
    """1,000 of them on 16 connections, in any order, some twice, some beyond the deposit, some
    only to authorise. Each adds a third of the price, so most cover no request of their own."""
    payer = await arena.customer("racer")
    step = {"do": "open", "deposit": 250, "cumulative": 1, "as": "management"}
    opened = await payer.step(step)
    assert opened is not None
    assert opened.status_code == 204
    order = Seeds("races").stream("tests.vouchers")
    amounts = [SEARCH + at * 275 * SEARCH // 800 for at in range(800)]
    amounts += [order.choice(amounts) for _ in range(200)]
    amounts.sort(key=lambda amount: amount + order.integer(0, 2 * SEARCH))
    vouchers = await signed(payer, amounts)
    receipts: list[SessionReceipt] = []
    deliveries = 0
    refused: Counter[str] = Counter()

    async def drive() -> None:
        nonlocal deliveries
        async with httpx.AsyncClient(timeout=60) as http:
            while vouchers:
                credential = vouchers.pop()
                method = "POST" if len(vouchers) % 10 == 0 else "GET"
                headers = {"authorization": credential}
                answer = await http.request(method, payer.url, headers=headers)
                if not answer.is_success:
                    refused[check_problem(answer)] += 1
                    continue
                deliveries += answer.status_code == 200
                receipts.append(SessionReceipt.from_header(answer.headers["payment-receipt"]))

    await asyncio.gather(*(drive() for _ in range(16)))
    channel = await kept(arena, payer)
    assert channel.spent == deliveries * SEARCH
    assert 100 < deliveries <= 250
    assert max(one.accepted for one in receipts) <= channel.accepted  # short ones are kept too
    assert max(one.spent for one in receipts) == channel.spent
    assert all(one.spent <= one.accepted <= channel.deposit for one in receipts)
    assert sum(refused.values()) + len(receipts) == 1_000
    late_or_beyond = {
        "verification-failed",  # a larger one was faster
        "session/amount-exceeds-deposit",
    }
    # Where larger ones overtake often, each that is still good covers a request.
    assert late_or_beyond <= set(refused) <= late_or_beyond | {"session/insufficient-balance"}
    capture = await arena.sessions.close(channel.id)
    assert capture.captured == channel.spent, "the chain paid what was charged"
    arena.check_workers()


async def signed(payer: Payer, amounts: list[int]) -> list[str]:
    """A credential for each amount, the last to be sent first."""
    channel = payer.channel
    assert channel is not None
    like = await payer.members({"do": "voucher", "cumulative": 2})
    made: dict[int, str] = {}
    for amount in set(amounts):
        signature = sign_voucher(channel.book, channel.id, amount, payer.wallet)
        payload = like["payload"] | {
            "cumulativeAmount": str(amount),
            "signature": to_hex(signature),
        }
        made[amount] = encode(like | {"payload": payload})
    return [made[amount] for amount in reversed(amounts)]


async def test_vouchers_race_with_a_close(arena: Arena) -> None:
    """What was delivered before the close is captured, and nothing is delivered after it."""
    payer = await arena.customer("leaver")
    await payer.step({"do": "open", "deposit": 200, "cumulative": 1, "as": "management"})
    await payer.step({"do": "voucher", "cumulative": 100, "as": "management"})
    voucher = encode(await payer.members({"do": "voucher", "cumulative": 100}))
    close = encode(await payer.members({"do": "close", "cumulative": 100}))
    credentials = [voucher] * 80
    credentials.insert(20, close)
    answers = await arena.at_once("/search", credentials)
    closed = answers.pop(20)
    assert closed.status_code == 204
    delivered, refused = split(answers)
    assert set(refused) <= {"session/channel-finalized"}
    channel = await kept(arena, payer)
    assert channel.spent == len(delivered) * SEARCH
    on_chain = await read_channel(arena.rpc, channel.id, channel.book)
    assert on_chain is None or not on_chain.is_open
    assert channel.settled == channel.spent


@pytest.mark.parametrize("kind", ["one credential", "many credentials of one payer"])
async def test_one_idempotency_key_is_one_charge_and_one_answer(arena: Arena, kind: str) -> None:
    before = await arena.earned()
    one = encode(await arena.shopper.charge("/quote"))
    credentials = [one] * 40
    if kind != "one credential":
        credentials[1:] = [encode(await arena.shopper.charge("/quote")) for _ in range(19)]
    key = {"idempotency-key": kind.replace(" ", "-")}
    waiting = credentials
    contents: set[bytes] = set()
    receipts: set[str] = set()
    for _ in range(100):
        answers = await arena.at_once("/quote", waiting, **key)
        again = []
        for credential, answer in zip(waiting, answers, strict=True):
            if answer.status_code == 409:
                assert check_problem(answer).endswith("idempotency-in-progress")
                assert int(answer.headers["retry-after"]) >= 1
                again.append(credential)
                continue
            assert answer.status_code == 200, answer.text
            contents.add(answer.content)
            receipts.add(answer.headers["payment-receipt"])
        waiting = again
        if not waiting:
            break
        await arena.devnet.context.clock.wall_sleep(timedelta(milliseconds=20))
    assert not waiting
    assert (len(contents), len(receipts)) == (1, 1)
    assert json.loads(contents.pop())["quote"]
    assert await arena.earned() - before == QUOTE
