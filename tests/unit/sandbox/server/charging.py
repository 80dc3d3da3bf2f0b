"""A shop that takes pympp's tempo charges, on a chain in the same process, and what may go wrong.

The credentials are those of pympp's own client, and the node is asked by ASGI: no answer is lost
that a test does not lose.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from mpp import Challenge, Credential
from mpp.methods.tempo import client as tempo_client
from mpp.methods.tempo import server as tempo_server
from mpp.runtime import CredentialParams

from mock_rails.core import Clock
from mock_rails.server import Host
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.rail import Chain
from sandbox.chain import TempoRpc, token_balance
from sandbox.client.wallet import Wallet
from sandbox.server.charge import charge_offers
from sandbox.server.charge_lookup import on_chain
from sandbox.server.single_use import mark_key, proof_hash
from sandbox.server.stores import MemoryStore
from tests.unit.sandbox.server.support import Shop, challenge_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.server.offer import Settlement

PAYER, PAYEE = Wallet.dev(1), Wallet.dev(2)
NODE = "http://chain.test"
PRICE = 250_000


@dataclass
class World:
    """A shop that takes a quarter dollar, its store, and the chain."""

    shop: Shop
    chain: Chain
    rpc: TempoRpc
    node_url: str

    async def credential(self) -> str:
        """What pympp's client answers a challenge with; nothing is sent yet."""
        challenge: Challenge = challenge_of(await self.shop.get())
        wallet = tempo_client.charge(account=PAYER.tempo_account(), rpc_url=self.node_url)
        return await wallet.create_credential(CredentialParams(challenge=challenge))

    def arm(self, at: str, do: str, **rest: Any) -> str:
        """Let the chain fail; returns what `disarm` takes."""
        return self.chain.context.faults.arm({"at": at, "do": do, **rest})

    def disarm(self, fault: str) -> None:
        """The chain is well again."""
        self.chain.context.faults.disarm(fault)

    async def take(self, authorization: str) -> None:
        """Somebody puts the mark, and is not heard of again."""
        await self.mark(authorization, f"taken {self.shop.clock.now_s()}")

    async def mark(self, authorization: str, state: str) -> None:
        """Put the mark of a credential."""
        taken = Credential.from_authorization(authorization)
        mark = f"{state} {proof_hash(taken)}"
        await self.shop.store.replays().put(mark_key(taken.challenge.id), mark)

    async def settle(self, authorization: str) -> Settlement:
        """What a server does between the mark and the answer; pympp's own mark stays too."""
        (offer,) = self.shop.offers
        settlement: Settlement = await offer.settle(
            Credential.from_authorization(authorization), None
        )
        return settlement

    async def show(self, authorization: str, **headers: str) -> httpx.Response:
        """The credential comes again."""
        return await self.shop.get(headers={"Authorization": authorization, **headers})

    async def income(self) -> int:
        """What the payee holds."""
        return await token_balance(self.rpc, PATH_USD, PAYEE.address)


@asynccontextmanager
async def opened(*, looks: bool = True, **method: Any) -> AsyncIterator[World]:
    """The shop is open; `method` are options of pympp's charge."""
    async with AsyncExitStack() as stack:
        chain = Chain()
        api = TempoApi(chain)
        host = await stack.enter_async_context(Host(api))
        http = httpx.AsyncClient(transport=httpx.ASGITransport(api))
        await stack.enter_async_context(http)
        rpc = TempoRpc(NODE, http=http)
        clock = Clock()
        store = MemoryStore(clock)
        methods = tempo_server.charge(
            recipient=f"0x{PAYEE.address.hex()}",
            currencies=[f"0x{PATH_USD.hex()}"],
            chain_id=1337,
            rpc_url=NODE,
            http_client=http,
            store=store.replays(),
            **method,
        )
        offers = charge_offers(methods, amount="0.25", find=on_chain(rpc) if looks else None)
        shop = await stack.enter_async_context(Shop(*offers, clock=clock, store=store))
        yield World(shop, chain, rpc, host.url)
