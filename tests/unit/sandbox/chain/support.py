"""A chain in this process, spoken to over its JSON-RPC, and the people who do business on it.

desk = ChainDesk()
channel = await desk.open(SessionProtocol.V2, deposit=1_000)
await desk.payee.send([settle_call(desk.authorise(channel, 400))])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from mock_rails.core import Clock, RailContext
from mock_rails.core.seeds import Seeds
from mock_rails.tempo.addresses import (
    ALPHA_USD,
    CHANNEL_RESERVE,
    PATH_USD,
    SESSION_ESCROW,
    ZERO_ADDRESS,
)
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.rail import Chain
from mock_rails.tempo.tx.model import Call
from sandbox.chain import Sender, TempoRpc
from sandbox.client.wallet import Wallet
from sandbox.methods.tempo_session import (
    Book,
    Channel,
    Descriptor,
    SessionProtocol,
    Status,
    channel_id,
    sign_voucher,
)
from sandbox.methods.tempo_session.calls import OpenTerms, open_calls

if TYPE_CHECKING:
    from collections.abc import Callable

NOW_S = 1_767_225_600
URL = "http://tempo.test"
SALT = b"\x05" * 32
PROTOCOLS = tuple(SessionProtocol)


class ChainDesk:
    """A fresh chain; fees are paid in another token than the channels' so that amounts are plain.

    Used as a block, so that its client is closed.
    """

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock.frozen(NOW_S)
        self.context = RailContext.create("chain", self.clock)
        self.chain = Chain(self.context, ChainSettings(**settings))
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(TempoApi(self.chain)))
        self.rpc = TempoRpc(URL, http=self.http)
        self.seeds = Seeds("chain")
        self.payer, self.payee, self.sponsor = (self.sender(index) for index in (1, 2, 3))

    async def __aenter__(self) -> ChainDesk:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    def sender(self, index: int) -> Sender:
        """A development account that sends."""
        return Sender(
            self.rpc, Wallet.dev(index), clock=self.clock, seeds=self.seeds, fee_token=ALPHA_USD
        )

    def book(self, protocol: SessionProtocol) -> Book:
        """Where vouchers of a generation count."""
        escrow = CHANNEL_RESERVE if protocol is SessionProtocol.V2 else SESSION_ESCROW
        return Book(protocol, self.chain.chain_id, escrow)

    async def open(self, protocol: SessionProtocol, deposit: int) -> Channel:
        """A channel from payer to payee, opened on the chain."""
        book, payee = self.book(protocol), self.payee.address
        calls = open_calls(book, OpenTerms(payee, PATH_USD, deposit, SALT, ZERO_ADDRESS))
        signed = await self.payer.sign(calls)
        receipt = self.chain.send(signed.raw)
        assert receipt is not None
        assert receipt.status
        bound_to = signed.context_hash if protocol is SessionProtocol.V2 else bytes(32)
        descriptor = Descriptor(
            self.payer.address, payee, ZERO_ADDRESS, PATH_USD, SALT, ZERO_ADDRESS, bound_to
        )
        return Channel(
            id=channel_id(protocol, descriptor, book.chain_id, book.escrow),
            protocol=protocol,
            descriptor=descriptor,
            chain_id=book.chain_id,
            escrow=book.escrow,
            deposit=deposit,
            accepted=0,
            signature=b"",
            status=Status.OPEN,
        )

    def authorise(self, channel: Channel, amount: int) -> Channel:
        """The channel with the payer's voucher for `amount`."""
        signature = sign_voucher(channel.book, channel.id, amount, self.payer.wallet)
        return channel._replace(accepted=amount, signature=signature)


def answering(respond: Callable[[dict[str, Any]], httpx.Response]) -> TempoRpc:
    """A node that says what the test wants; the caller closes its client."""
    import json

    def handle(request: httpx.Request) -> httpx.Response:
        return respond(json.loads(request.content))

    return TempoRpc(URL, http=httpx.AsyncClient(transport=httpx.MockTransport(handle)))


def transfer(to: bytes, amount: int, token: bytes = PATH_USD) -> Call:
    """A plain payment."""
    data = bytes.fromhex("a9059cbb") + bytes(12) + to + amount.to_bytes(32)
    return Call(token, 0, data)
