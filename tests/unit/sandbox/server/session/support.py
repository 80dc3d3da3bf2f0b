"""A payee's session server and a payer, over a real chain in the same process.

async with make_world() as world:
    offer = world.offer(amount=100)
    payer = world.payer(offer)
    await payer.open(deposit=1_000)
    paid = await payer.voucher(200)
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx
from mpp import ChallengeEcho, Credential
from mpp._canonical import canonical_b64url

from mock_rails.core import Clock, RailContext, Seeds
from mock_rails.tempo.addresses import ALPHA_USD, PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.rail import Chain
from sandbox.chain import Sender, TempoRpc, token_balance
from sandbox.client.wallet import Wallet
from sandbox.methods.tempo_session import (
    Channel,
    Close,
    Descriptor,
    Open,
    SessionProtocol,
    SessionReceipt,
    TopUp,
    Voucher,
    channel_id,
    sign_voucher,
)
from sandbox.methods.tempo_session.calls import (
    OpenTerms,
    open_calls,
    request_close_call,
    top_up_calls,
    withdraw_call,
)
from sandbox.server.request import PaidRequest
from sandbox.server.session import SessionOffer, SessionServer
from sandbox.server.stores import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core import Journal
    from sandbox.chain import TxResult
    from sandbox.methods.tempo_session import Payload
    from sandbox.server.offer import Settlement
    from sandbox.server.stores import Store

V1, V2 = SessionProtocol.V1, SessionProtocol.V2
NOW_S: Final = 1_767_225_600
PAYEE: Final = Wallet.dev(2)
RATES: Final = {"fee_token": ALPHA_USD}


class Line(httpx.ASGITransport):
    """The way to the chain: `is_cut` before the request gets there, `loses` the answers after."""

    is_cut = False
    loses: str | None = None
    requests: list[str]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = request.content.decode()
        if self.is_cut:
            raise httpx.ConnectError("the line is cut", request=request)
        self.requests.append(body)
        response = await super().handle_async_request(request)
        if self.loses is not None and self.loses in body:
            await response.aclose()
            raise httpx.ReadError("the answer is lost", request=request)
        return response


class World:
    """A chain, a store, and servers that share both."""

    def __init__(self, chain: Chain, store: Store, line: Line, http: httpx.AsyncClient) -> None:
        self.chain = chain
        self.clock = chain.context.clock
        self.journal: Journal = chain.context.journal
        self.store = store
        self.line = line
        self.http = http
        self.rpc = TempoRpc("http://chain.test", http=http)
        self.server = self.make_server()

    def make_server(self, **settings: Any) -> SessionServer:
        """Another server of the same payee on the same store, as after a restart."""
        fields: dict[str, Any] = {
            "rpc": self.rpc,
            "payee": PAYEE,
            "store": self.store,
            "clock": self.clock,
            "seeds": Seeds(f"server {len(self.line.requests)}"),
            "journal": self.journal,
            "fee_token": ALPHA_USD,
        }
        self.server = SessionServer(**(fields | settings))
        return self.server

    def offer(self, **changes: Any) -> SessionOffer:
        """An offer of 100 base units a request."""
        fields: dict[str, Any] = {
            "amount": 100,
            "currency": PATH_USD,
            "unit_type": "request",
            "suggested_deposit": 1_000,
            "chain_id": self.chain.chain_id,
        }
        return self.server.offer(**(fields | changes))

    def payer(self, offer: SessionOffer, wallet: Wallet | None = None) -> Payer:
        """Somebody who pays this offer; the first development account with tokens."""
        return Payer(self, offer, wallet or Wallet.dev(1))

    async def balance(self, address: bytes) -> int:
        """What an account holds of the currency; fees are paid in another token."""
        return await token_balance(self.rpc, PATH_USD, address)

    def events(self, kind: str) -> list[Any]:
        """The data of the journal's events of this kind."""
        return [event.data for event in self.journal.read() if event.kind == kind]


def make_request(method: str = "GET", path: str = "/paid", **headers: str) -> PaidRequest:
    """A request as the gate sees it; header names are written with underscores."""
    fields = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": fields}
    return PaidRequest(scope)


GET, POST, HEAD = make_request(), make_request("POST"), make_request("HEAD")


class Payer:
    """Makes credentials as mppx's client does, for one channel."""

    def __init__(self, world: World, offer: SessionOffer, wallet: Wallet) -> None:
        self.world = world
        self.offer = offer
        self.wallet = wallet
        self.sender = Sender(
            world.rpc, wallet, clock=world.clock, seeds=Seeds("payer"), fee_token=ALPHA_USD
        )
        self.id = bytes(32)
        self.descriptor = Descriptor(*([bytes(20)] * 4), bytes(32), bytes(20), bytes(32))
        self.salt = 0

    # -- credentials ------------------------------------------------------------------------------

    def credential(self, payload: Payload, *, source: str | None = None) -> Credential:
        """A credential for a challenge of the offer."""
        echo = ChallengeEcho(
            id="challenge-1",
            realm="shop.test",
            method="tempo",
            intent="session",
            request=canonical_b64url(dict(self.offer.request)),
        )
        terms = self.offer.terms
        did = f"did:pkh:eip155:{terms.chain_id}:0x{self.wallet.address.hex()}"
        return Credential(echo, payload.to_json(), did if source is None else source)

    def sign(self, cumulative: int) -> bytes:
        """A voucher's signature."""
        return sign_voucher(self.offer.terms.book, self.id, cumulative, self.wallet)

    @property
    def shown(self) -> Descriptor | None:
        """The descriptor, where the protocol shows it."""
        return self.descriptor if self.offer.terms.protocol is V2 else None

    async def make_open(
        self, deposit: int = 1_000, cumulative: int | None = None, *, sponsored: bool = False
    ) -> Open:
        """An open payload; from here on this payer speaks of that channel."""
        terms, self.salt = self.offer.terms, self.salt + 1
        chosen = OpenTerms(
            terms.recipient, terms.currency, deposit, self.salt.to_bytes(32), ZERO_ADDRESS,
            terms.expected_operator,
        )  # fmt: skip
        signed = await self.sender.sign(open_calls(terms.book, chosen), sponsored=sponsored)
        if sponsored:
            from mock_rails.tempo.tx.hashes import context_hash

            raw, bound_to = signed.encode(), context_hash(signed.tx, signed.sender)
        else:
            raw, bound_to = signed.raw, signed.context_hash
        self.descriptor = Descriptor(
            self.wallet.address, terms.recipient, terms.expected_operator, terms.currency,
            chosen.salt, ZERO_ADDRESS, bound_to if terms.protocol is V2 else bytes(32),
        )  # fmt: skip
        self.id = channel_id(terms.protocol, self.descriptor, terms.chain_id, terms.escrow)
        amount = terms.amount if cumulative is None else cumulative
        return Open(self.id, self.shown, raw, amount, self.sign(amount))

    def make_voucher(self, cumulative: int) -> Voucher:
        """A voucher payload."""
        return Voucher(self.id, self.shown, cumulative, self.sign(cumulative))

    # -- conversations ----------------------------------------------------------------------------

    async def send(self, payload: Payload, request: PaidRequest = GET) -> Settlement:
        """Show a credential."""
        return await self.offer.settle(self.credential(payload), request)

    async def open(
        self, deposit: int = 1_000, cumulative: int | None = None, request: PaidRequest = GET
    ) -> Settlement:
        """Open a channel and pay the first request with it."""
        return await self.send(await self.make_open(deposit, cumulative), request)

    async def voucher(self, cumulative: int, request: PaidRequest = GET) -> Settlement:
        """Pay with a voucher."""
        return await self.send(self.make_voucher(cumulative), request)

    async def top_up(self, additional: int) -> Settlement:
        """Add to the deposit."""
        return await self.send(await self.make_top_up(additional), POST)

    async def make_top_up(self, additional: int) -> TopUp:
        """A topUp payload."""
        signed = await self.sender.sign(top_up_calls(await self.record(), additional))
        return TopUp(self.id, self.shown, signed.raw, additional)

    async def close(self, cumulative: int) -> Settlement:
        """Close the channel."""
        return await self.send(self.make_close(cumulative), POST)

    def make_close(self, cumulative: int) -> Close:
        """A close payload."""
        return Close(self.id, self.shown, cumulative, self.sign(cumulative))

    # -- without the server -----------------------------------------------------------------------

    async def record(self) -> Channel:
        """What the server knows of the channel."""
        channel = await self.world.server.channel(self.id)
        assert channel is not None
        return channel

    async def request_close(self) -> TxResult:
        """Ask the chain to be let go."""
        return await self.sender.send([request_close_call(await self.record())])

    async def withdraw(self) -> TxResult:
        """Leave with what was not captured."""
        return await self.sender.send([withdraw_call(await self.record())])


def receipt_of(settlement: Settlement) -> SessionReceipt:
    """The receipt that the client is shown."""
    return SessionReceipt.from_header(settlement.receipt)


@asynccontextmanager
async def make_world(store: Store | None = None, **settings: Any) -> AsyncIterator[World]:
    """A world whose clock stands still; `settings` are the server's."""
    chain = Chain(RailContext.create("test", Clock.frozen(NOW_S)), ChainSettings())
    line = Line(app=TempoApi(chain))
    line.requests = []
    async with httpx.AsyncClient(transport=line) as http:
        world = World(chain, store or MemoryStore(chain.context.clock), line, http)
        if settings:
            world.make_server(**settings)
        try:
            yield world
        finally:
            await world.server._background.cancel("watch")
            await world.server._background.join()
