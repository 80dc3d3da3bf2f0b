"""Merchants that take Lightning are killed at random moments, under load, again and again.

Issue 5; facts: lightning 1.3.7 (taken once, also when delivery failed), 2.5, 2.6. The network lives
in the test's process, the store is a SQLite file. Whoever paid and got no answer shows the same
proof to the next process: nothing is delivered twice, what was taken without an answer is delivered
after all, and of each session every satoshi is spent or goes back.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import orjson
from mpp import Challenge, Credential

from mock_rails.core.clock import Clock
from mock_rails.core.rail import RailContext
from mock_rails.core.seeds import Seeds
from mock_rails.lightning.lnd.api import LndApi
from mock_rails.lightning.rail import Lightning
from mock_rails.server import Host
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.rail import Chain
from sandbox.lightning import LndNode
from tests.integration.sandbox.test_crashes import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "4"))
BUYERS = 3
DEPOSIT_SAT = 100
LONGEST_MS = 300
LATEST_MS = 4
"""A kill comes so soon after a proof was shown, lest all of them come between requests."""
TAKEN_LONG_AGO = "61s"
"""After so long a server that took a payment and said nothing is thought dead."""
CLOCK = Clock()


@dataclass(slots=True)
class Shop:
    """Where the merchants run, and what keeps their money and their books."""

    api: int
    control: int
    options: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api}"

    def start(self) -> subprocess.Popen[bytes]:
        """The merchants as processes of their own, in a group of their own."""
        command = [
            sys.executable, "-m", "sandbox.cli", "up", "--json", "--only", "merchants,control",
            "--api-port", str(self.api), "--control-port", str(self.control), *self.options,
        ]  # fmt: skip
        return subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)

    @asynccontextmanager
    async def runs(self) -> AsyncIterator[subprocess.Popen[bytes]]:
        """The merchants, ready; killed at the end if they still run."""
        process = self.start()
        assert process.stdout is not None
        try:
            line = await asyncio.to_thread(process.stdout.readline)
            assert orjson.loads(line)["ready"]
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.communicate)


@dataclass(slots=True)
class Buyer:
    """Somebody who pays for quotes, one after another, and for searches from a session."""

    shop: Shop
    http: httpx.AsyncClient
    node: LndNode
    showing: asyncio.Event
    """Set when somebody shows a proof: the moment that a kill is to hit."""
    unanswered: list[str] = field(default_factory=list)
    """Proofs that were shown, and nothing came back."""
    delivered: int = 0
    proofs: int = 0
    session: dict[str, str] = field(default_factory=dict)
    searched: int = 0
    lost: int = 0

    async def asked(self, path: str, wish: str) -> Challenge:
        answer = await self.http.get(self.shop.url + path, headers={"Accept-Payment": wish})
        assert answer.status_code == 402, answer.text
        value = answer.headers.get_list("www-authenticate")[0]
        return Challenge.from_www_authenticate(value)

    async def pays(self, invoice: str) -> str:
        return (await self.node.pay(invoice, fee_limit_sat=20, timeout_s=10)).preimage.hex()

    async def shows(self, path: str, proof: str) -> httpx.Response:
        return await self.http.get(self.shop.url + path, headers={"Authorization": proof})

    async def buys(self) -> None:
        """One quote."""
        challenge = await self.asked("/lightning/quote", "lightning/charge")
        preimage = await self.pays(challenge.request["methodDetails"]["invoice"])
        proof = Credential(challenge.to_echo(), {"preimage": preimage}).to_authorization()
        self.proofs += 1
        self.showing.set()
        try:
            answer = await self.shows("/lightning/quote", proof)
        except httpx.TransportError:
            self.unanswered.append(proof)
            raise
        assert answer.status_code == 200, answer.text
        self.delivered += 1

    async def searches(self) -> None:
        """One search, from the session."""
        payload: dict[str, Any] = {"action": "bearer", **self.session}
        challenge = await self.asked("/lightning/search", "lightning/session")
        proof = Credential(challenge.to_echo(), payload).to_authorization()
        try:
            answer = await self.shows("/lightning/search", proof)
        except httpx.TransportError:
            self.lost += 1
            raise
        assert answer.status_code == 200, answer.text
        self.searched += 1

    async def opens(self) -> None:
        """A session, which pays for a search."""
        challenge = await self.asked("/lightning/search", "lightning/session")
        preimage = await self.pays(challenge.request["depositInvoice"])
        back = await self.node.create_invoice(amount_sat=None, memo="", expiry_s=2_592_000)
        payload = {"action": "open", "preimage": preimage, "returnInvoice": back.bolt11}
        proof = Credential(challenge.to_echo(), payload).to_authorization()
        assert (await self.shows("/lightning/search", proof)).status_code == 200
        self.session = {"sessionId": challenge.request["paymentHash"], "preimage": preimage}
        self.searched = 1

    async def shops_until_gone(self) -> None:
        """Buy until the merchants die."""
        try:
            while True:
                await self.buys()
                await self.searches()
        except httpx.TransportError:
            pass

    async def settles(self) -> tuple[int, int]:
        """Show what was not answered: how much is delivered now, and how much was before. The
        same again brings nothing."""
        late = 0
        proofs, self.unanswered = self.unanswered, []
        for proof in proofs:
            first = await self.shows("/lightning/quote", proof)
            again = await self.shows("/lightning/quote", proof)
            assert again.status_code == 402
            assert again.json()["type"].endswith("/lightning/unknown-challenge")
            late += first.status_code == 200
            assert first.status_code in {200, 402}, first.text
        self.delivered += late
        return late, len(proofs) - late

    async def closes(self) -> int:
        """What the session's end sends back."""
        challenge = await self.asked("/lightning/search", "lightning/session")
        payload = {"action": "close", **self.session}
        proof = Credential(challenge.to_echo(), payload).to_authorization()
        answer = (await self.shows("/lightning/search", proof)).json()
        assert answer["refundStatus"] == "succeeded"
        return int(answer["refundSats"])


async def test_no_crash_delivers_twice_or_loses_a_satoshi(tmp_path: Path) -> None:
    moments = Seeds("lightning crashes").stream("tests.moments")
    chain = Chain(RailContext.create(seed="crashes"))
    rail = Lightning(RailContext.create(seed="crashes"))
    lnds = {name: LndApi(rail, name) for name in ("merchant", "payer")}
    async with AsyncExitStack() as stack:
        tempo = await stack.enter_async_context(Host(TempoApi(chain)))
        merchant, payer = [await stack.enter_async_context(Host(one)) for one in lnds.values()]
        shop = Shop(free_port(), free_port(), [
            "--store", f"sqlite:{tmp_path}/books.db", "--chain-url", tempo.url,
            "--lightning-url", merchant.url, "--lightning-macaroon", lnds["merchant"].macaroon(),
        ])  # fmt: skip
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=20))
        node = await stack.enter_async_context(LndNode(payer.url, lnds["payer"].macaroon()))
        showing = asyncio.Event()
        buyers = [Buyer(shop, http, node, showing) for _ in range(BUYERS)]
        late = before = 0
        """Of what was paid without an answer: delivered after all, and delivered before."""
        for at in range(ROUNDS + 1):
            async with shop.runs() as process:
                if at == 0:
                    await asyncio.gather(*(one.opens() for one in buyers))
                if any(one.unanswered for one in buyers):
                    control = f"http://127.0.0.1:{shop.control}/_sandbox/time/advance"
                    await http.post(control, json={"by": TAKEN_LONG_AGO})
                for one in buyers:
                    now, then = await one.settles()
                    late, before = late + now, before + then
                if at == ROUNDS:
                    break
                visits = [asyncio.create_task(one.shops_until_gone()) for one in buyers]
                await CLOCK.wall_sleep(timedelta(milliseconds=moments.integer(1, LONGEST_MS)))
                showing.clear()
                await showing.wait()
                await CLOCK.wall_sleep(timedelta(milliseconds=moments.integer(0, LATEST_MS)))
                os.killpg(process.pid, signal.SIGKILL)
                await asyncio.gather(*visits)
        async with shop.runs():
            for one in buyers:
                spent = DEPOSIT_SAT - await one.closes()
                assert one.searched <= spent <= one.searched + one.lost
    assert sum(one.delivered for one in buyers) + before == sum(one.proofs for one in buyers)
    assert late + before > 0, "no kill hit a request"
    rail.check_conservation()
