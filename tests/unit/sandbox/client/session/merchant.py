"""A payee for the payer's tests: the pure rules behind a mock transport, on a chain in the process.

async with Street() as street:
    answer = await street.buy()          # 402, prepare, pay, told the outcome
    assert street.shop.channel.spent == PRICE

The shop is honest unless a test tells it otherwise: to lose answers, to refuse, to forget.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
from mpp import Challenge, Credential
from mpp.errors import PaymentError, PaymentRequiredError, VerificationFailedError

from mock_rails.core import Clock, RailContext
from mock_rails.core.seeds import Seeds
from mock_rails.tempo.addresses import ALPHA_USD, CHANNEL_RESERVE, PATH_USD, SESSION_ESCROW
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.rail import Chain
from mock_rails.tempo.tx.handoff import Handoff
from sandbox.chain import Sender, TempoRpc, broadcast, co_sign, token_balance
from sandbox.client.amounts import host_of
from sandbox.client.budget import Budget
from sandbox.client.ledger import Ledger
from sandbox.client.payer import Order
from sandbox.client.selection import read_challenges
from sandbox.client.session import SessionPayer, SessionSettings
from sandbox.client.wallet import Wallet
from sandbox.methods.tempo_session import (
    Channel,
    Close,
    Open,
    SessionProtocol,
    SessionReceipt,
    SessionRequest,
    Snapshot,
    TopUp,
    Voucher,
    accept_voucher,
    begin_close,
    check_channel,
    check_opening,
    check_source,
    check_top_up,
    open_channel,
    parse_payload,
    rules,
    spend,
)
from sandbox.methods.tempo_session.calls import close_call, settle_call
from sandbox.server.classify import RequestKind, classify, has_body

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.methods.tempo_session import Payload

V1, V2 = SessionProtocol.V1, SessionProtocol.V2
NOW_S = 1_767_225_600
PRICE = 100
URL = "http://shop.test/quote"
HOST = host_of(URL)
SECRET = "the shop signs its challenges with this"
CURRENCY = "0x" + PATH_USD.hex()


class Shop:
    """A payee that serves /quote for a price, session by session."""

    def __init__(self, street: Street, protocol: SessionProtocol, **offer: Any) -> None:
        self.street = street
        self.sender = street.sender(2)
        self.sponsor = Wallet.dev(3)
        escrow = CHANNEL_RESERVE if protocol is V2 else SESSION_ESCROW
        fields: dict[str, Any] = {
            "amount": PRICE,
            "unit_type": "request",
            "currency": PATH_USD,
            "recipient": self.sender.address,
            "chain_id": street.chain.chain_id,
            "protocol": protocol,
            "escrow": escrow,
            "suggested_deposit": 10 * PRICE,
        }
        self.request = SessionRequest(**(fields | offer))
        self.channels: dict[bytes, Channel] = {}
        self.seen: list[Payload] = []
        self.lose: list[bool] = []
        """For each coming credential: is its answer lost (True) or the request itself (False)?"""
        self.slow = 0
        """How many turns of the loop a request takes to get here; used to mix their order up."""
        self.shows_snapshot = False
        self.is_asleep = False
        self.closes_truly = True
        self.lies_about_top_ups = False

    @property
    def channel(self) -> Channel:
        """The only channel."""
        (channel,) = self.channels.values()
        return channel

    def actions(self) -> list[str]:
        """What was said to the shop, in order."""
        return [payload.action for payload in self.seen]

    # -- HTTP -------------------------------------------------------------------------------------

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Serve one request."""
        if self.is_asleep:
            raise httpx.ConnectError("nobody is there", request=request)
        header = request.headers.get("authorization")
        if request.method == "HEAD":
            return self._bootstrap(header)
        if header is None:
            return self._refuse(PaymentRequiredError())
        for _ in range(self.slow):
            await asyncio.sleep(0)
        fate = self.lose.pop(0) if self.lose else None
        if fate is False:
            raise httpx.ReadError("the request was lost", request=request)
        try:
            response = await self._serve(request, header)
        except PaymentError as error:
            response = self._refuse(error)
        if fate is True:
            raise httpx.ReadError("the answer was lost", request=request)
        return response

    async def _serve(self, request: httpx.Request, header: str) -> httpx.Response:
        credential = Credential.from_authorization(header)
        challenge = self._authentic(credential)
        payload = parse_payload(credential.payload, self.request.protocol)
        self.seen.append(payload)
        body = has_body(request.headers.get("content-length"), None)
        kind = classify(request.method, query=request.url.query, body=body)
        tx_hash = None
        if isinstance(payload, Open):
            channel, tx_hash = await self._open(payload)
        else:
            found = self.channels.get(payload.channel_id)
            channel = check_channel(self.request, payload, found)
            if isinstance(payload, Voucher):
                check_source(channel, credential.source)
                channel = accept_voucher(
                    channel,
                    payload.cumulative,
                    payload.signature,
                    min_delta=self.request.min_voucher_delta or 0,
                )
            elif isinstance(payload, TopUp):
                channel, tx_hash = await self._top_up(channel, payload)
            else:
                channel, tx_hash = await self._close(channel, payload)
        self.channels[channel.id] = channel
        serves = kind is RequestKind.CONTENT and isinstance(payload, Open | Voucher)
        if serves:
            channel = self.channels[channel.id] = spend(channel, self.request.amount)
        receipt = SessionReceipt.of(
            channel,
            challenge.id,
            now_us=self.street.clock.now_us(),
            tx_hash=tx_hash,
            accepted=payload.cumulative if isinstance(payload, Close) else None,
        )
        headers = {"Payment-Receipt": receipt.to_header()}
        return httpx.Response(200 if serves else 204, headers=headers)

    def _authentic(self, credential: Credential) -> Challenge:
        echo = credential.challenge
        fresh = self._challenge(expires=echo.expires)
        # The request may have carried a snapshot; its base64 is part of what was signed.
        if not echo.realm == fresh.realm or not echo.expires:
            raise VerificationFailedError("not our challenge")
        if echo.expires < self._expiry(0):
            raise VerificationFailedError("the challenge has expired")
        return Challenge(echo.id, echo.method, echo.intent, {}, realm=echo.realm)

    def _refuse(self, error: PaymentError) -> httpx.Response:
        challenge = self._challenge(expires=self._expiry(300))
        problem = error.to_problem_details(challenge.id)
        headers = {"Content-Type": "application/problem+json"}
        if error.status == 402:
            headers["WWW-Authenticate"] = challenge.to_www_authenticate(challenge.realm)
        return httpx.Response(error.status, json=problem, headers=headers)

    def _challenge(self, *, expires: str | None) -> Challenge:
        request = self.request.to_json()
        if self.shows_snapshot and self.channels:
            newest = list(self.channels.values())[-1]
            snapshot = Snapshot.of(newest, self.request.amount)
            if snapshot is not None:
                request["methodDetails"]["sessionSnapshot"] = snapshot.to_json()
        return Challenge.create(
            secret_key=SECRET,
            realm="shop.test",
            method="tempo",
            intent="session",
            request=request,
            expires=expires,
        )

    def _expiry(self, lead_s: int) -> str:
        at = self.street.clock.now_s() + lead_s
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _bootstrap(self, header: str | None) -> httpx.Response:
        if header is None:
            request = {
                "amount": "0",
                "currency": CURRENCY,
                "recipient": "0x" + self.request.recipient.hex(),
                "methodDetails": {"chainId": self.request.chain_id},
            }
            challenge = Challenge.create(
                secret_key=SECRET, realm="shop.test", method="tempo", intent="charge",
                request=request, expires=self._expiry(300),
            )  # fmt: skip
            value = challenge.to_www_authenticate("shop.test")
            return httpx.Response(402, headers={"WWW-Authenticate": value})
        credential = Credential.from_authorization(header)
        assert credential.payload["type"] == "proof"
        headers = {}
        for channel in self.channels.values():
            snapshot = Snapshot.of(channel, 0)
            if snapshot is not None:
                headers["Payment-Session"] = "0x" + channel.id.hex()
                headers["Payment-Session-Snapshot"] = snapshot.to_header()
        return httpx.Response(204, headers=headers)

    # -- actions ----------------------------------------------------------------------------------

    async def _open(self, payload: Open) -> tuple[Channel, bytes]:
        opening = check_opening(self.request, payload)
        channel = open_channel(
            self.channels.get(payload.channel_id), opening, now_s=self.street.clock.now_s()
        )
        tx_hash = await self._broadcast(opening.transaction.signed)
        return rules.confirm_open(channel, tx_hash), tx_hash

    async def _top_up(self, channel: Channel, payload: TopUp) -> tuple[Channel, bytes]:
        transaction = check_top_up(self.request, channel, payload)
        if self.lies_about_top_ups:
            return channel, b"\xcc" * 32
        tx_hash = await self._broadcast(transaction.signed)
        return rules.top_up(channel, channel.deposit + payload.additional_deposit), tx_hash

    async def _close(self, channel: Channel, payload: Close) -> tuple[Channel, bytes]:
        channel = begin_close(
            channel, payload.cumulative, payload.signature, closer=self.sender.address
        )
        order = channel.close_order
        assert order is not None
        if not self.closes_truly:
            return channel, b"\xcc" * 32
        result = await self.sender.send([close_call(channel, order)])
        assert result.success
        return rules.finish_close(channel, result.hash, order.capture), result.hash

    async def _broadcast(self, signed: Any) -> bytes:
        if isinstance(signed, Handoff):
            signed = co_sign(signed, self.sponsor, ALPHA_USD)
        result = await broadcast(self.street.rpc, signed.raw)
        if not result.success:
            raise VerificationFailedError("the transaction reverted")
        return result.hash

    async def settle(self) -> None:
        """Capture the highest voucher and leave the channel open."""
        result = await self.sender.send([settle_call(self.channel)])
        assert result.success
        settled = rules.note_settled(self.channel, self.channel.accepted, now_s=NOW_S)
        self.channels[settled.id] = settled


class Street:
    """A chain, a shop on it, and a payer who walks in."""

    def __init__(
        self,
        protocol: SessionProtocol = V2,
        *,
        budget: Budget | None = None,
        settings: SessionSettings | None = None,
        state: Path | None = None,
        **offer: Any,
    ) -> None:
        self.clock = Clock.frozen(NOW_S)
        self.context = RailContext.create("street", self.clock)
        self.chain = Chain(self.context)
        self.node = httpx.AsyncClient(transport=httpx.ASGITransport(TempoApi(self.chain)))
        self.rpc = TempoRpc("http://tempo.test", http=self.node)
        self.shop = Shop(self, protocol, **offer)
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self.shop))
        self.wallet = Wallet.dev(1)
        self.budget = budget or Budget()
        self.settings = settings or SessionSettings(close_on_exit=False)
        self.state = state
        self.payer: SessionPayer
        self.start()

    def start(self) -> None:
        """The payer's process begins, perhaps again: all it knows is in the book."""
        self.ledger = Ledger(self.budget, self.clock)
        self.payer = SessionPayer(
            self.wallet,
            self.ledger,
            rpc_for=self._rpc_for,
            send=self.http.send,
            clock=self.clock,
            seeds=Seeds("payer"),
            settings=self.settings,
            state=self.state,
        )

    def _rpc_for(self, chain_id: int) -> TempoRpc:
        return {self.chain.chain_id: self.rpc}[chain_id]

    async def __aenter__(self) -> Street:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.shop.is_asleep = False
        await self.payer.close()
        await self.http.aclose()
        await self.node.aclose()

    def sender(self, index: int) -> Sender:
        """A development account that sends; fees are paid in another token than the channels'."""
        return Sender(
            self.rpc,
            Wallet.dev(index),
            clock=self.clock,
            seeds=Seeds("street"),
            fee_token=ALPHA_USD,
        )

    async def balance(self, address: bytes | None = None) -> int:
        """What the payer, or another, holds."""
        return await token_balance(self.rpc, PATH_USD, address or self.wallet.address)

    async def challenge(self, url: str = URL) -> Challenge:
        """What the shop asks for."""
        response = await self.http.get(url)
        assert response.status_code == 402
        (challenge,) = read_challenges(response).challenges
        return challenge

    async def buy(self, url: str = URL, *, attempts: int = 3) -> httpx.Response:
        """What a paying client does for one request."""
        response = await self.http.get(url)
        for _ in range(attempts):
            found = read_challenges(response).challenges
            if not found:
                found = (await self.challenge(url),)
            order = Order(url, "GET", host_of(url))
            attempt = await self.payer.prepare(found[0], order)
            headers = {"Authorization": attempt.authorization}
            while True:
                try:
                    response = await self.http.get(url, headers=headers)
                    break
                except httpx.TransportError as error:
                    await attempt.lost(error)
            if response.status_code not in {402, 410}:
                await attempt.taken(response)
                return response
            if not await attempt.refused(response):
                return response
        return response
