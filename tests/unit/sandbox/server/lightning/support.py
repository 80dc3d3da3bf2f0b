"""A shop that takes Lightning, and a payer: two nodes of one network, each behind its LND."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from mpp import Challenge, Credential

from mock_rails.core import Clock, Journal
from mock_rails.core.rail import RailContext
from mock_rails.core.seeds import Seeds
from mock_rails.lightning.lnd.api import LndApi
from mock_rails.lightning.rail import Lightning
from mock_rails.lightning.topology import Topology
from sandbox.lightning import LndNode, LocalApp
from sandbox.methods.lightning_session import RETURN_EXPIRY_S
from sandbox.server.challenges import Challenges
from sandbox.server.gate import Gate
from sandbox.server.lightning import LightningServer
from sandbox.server.route import Route
from sandbox.server.stores import MemoryStore
from sandbox.streaming.events import EventParser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from sandbox.streaming.events import Event

START_S = 1_767_225_600
SECRET = "a secret of thirty-two bytes, all of it"

UNIT = 2
DEPOSIT = 300
FEE_MSAT = 1_000
"""Of the cheaper of the two routes."""


@dataclass
class Goods:
    """The application: says the path, streams words under /stream, counts what it answered."""

    words: int = 1_000
    served: list[str] = field(default_factory=list)
    status: int = 200

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.served.append(scope["path"])
        if not scope["path"].startswith("/stream"):
            headers = [(b"content-type", b"text/plain")]
            start = {"type": "http.response.start", "status": self.status, "headers": headers}
            await send(start)
            await send({"type": "http.response.body", "body": b"the goods"})
            return
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number in range(self.words):
            body = f"data: word {number}\n\n".encode()
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


@dataclass
class World:
    """The shop, the network, and the payer's node."""

    rail: Lightning
    server: LightningServer
    payer: LndNode
    merchant: LndNode
    http: httpx.AsyncClient
    app: Goods
    journal: Journal
    clock: Clock
    store: Any
    stack: AsyncExitStack
    gate: Gate

    # -- asking -----------------------------------------------------------------------------------

    async def challenges(
        self, url: str = "/charge", method: str = "GET", **options: Any
    ) -> list[Challenge]:
        answer = await self.http.request(method, url, **options)
        assert answer.status_code == 402, answer.text
        values = answer.headers.get_list("www-authenticate")
        return [Challenge.from_www_authenticate(one) for one in values]

    async def challenge(self, url: str = "/charge", **options: Any) -> Challenge:
        (challenge,) = await self.challenges(url, **options)
        return challenge

    async def show(
        self,
        challenge: Challenge,
        payload: dict[str, Any],
        url: str = "/charge",
        method: str = "GET",
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """The shop's answer to a credential."""
        fields = {**(headers or {}), "Authorization": authorization(challenge, payload)}
        return await self.http.request(method, url, headers=fields, **options)

    # -- paying -----------------------------------------------------------------------------------

    async def pay(self, challenge: Challenge) -> str:
        """Pay the invoice of a challenge; the preimage."""
        request = challenge.request
        invoice = request.get("depositInvoice") or request["methodDetails"]["invoice"]
        paid = await self.payer.pay(invoice, fee_limit_sat=20, timeout_s=5)
        return paid.preimage.hex()

    async def return_invoice(self, expiry_s: int = RETURN_EXPIRY_S) -> str:
        """Where the rest is to go."""
        made = await self.payer.create_invoice(
            amount_sat=None, memo="Session refund", expiry_s=expiry_s
        )
        return made.bolt11

    async def open(
        self, url: str = "/session", *, return_invoice: str | None = None, **options: Any
    ) -> tuple[dict[str, str], httpx.Response]:
        """Open a session; what a bearer shows, and the answer."""
        challenge = await self.challenge(url)
        preimage = await self.pay(challenge)
        back = return_invoice or await self.return_invoice()
        payload = {"action": "open", "preimage": preimage, "returnInvoice": back}
        answer = await self.show(challenge, payload, url, **options)
        return {"sessionId": challenge.request["paymentHash"], "preimage": preimage}, answer

    async def bearer(
        self, session: dict[str, str], url: str = "/session", **options: Any
    ) -> httpx.Response:
        return await self.show(
            await self.challenge(url), {"action": "bearer", **session}, url, **options
        )

    async def close(self, session: dict[str, str], url: str = "/session") -> httpx.Response:
        return await self.show(await self.challenge(url), {"action": "close", **session}, url)

    async def top_up(self, session: dict[str, str], url: str = "/session") -> httpx.Response:
        challenge = await self.challenge(url)
        payload = {
            "action": "topUp",
            "sessionId": session["sessionId"],
            "topUpPreimage": await self.pay(challenge),
        }
        return await self.show(challenge, payload, url)

    async def record(self, session: dict[str, str]) -> Any:
        found = await self.server.session_of(bytes.fromhex(session["sessionId"]))
        assert found is not None
        return found

    async def until(self, session: dict[str, str], ready: Callable[[Any], bool]) -> bool:
        """Wait until the session's record is as wished; whether it is, after a while."""
        book = self.server._context.book
        return await book.wait_for(bytes.fromhex(session["sessionId"]), ready, 10)

    def arm(self, at: str, do: str, **args: Any) -> None:
        self.rail.context.faults.arm({"at": at, "do": do, "args": args})

    def balance(self, name: str = "payer") -> int:
        return self.rail.node(name).balance_msat

    def told(self) -> str:
        """All that the journals say."""
        events = [*self.journal.read(), *self.rail.context.journal.read()]
        return "".join(event.to_json() for event in events)


def authorization(challenge: Challenge, payload: dict[str, Any]) -> str:
    return Credential(challenge.to_echo(), payload).to_authorization()


def problem(answer: httpx.Response) -> str:
    """A refusal's type, after checking that it is one as the drafts want it."""
    assert answer.status_code == 402, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers.get_list("www-authenticate")
    assert "payment-receipt" not in answer.headers
    kind = str(answer.json()["type"])
    return kind.removeprefix("https://paymentauth.org/problems/lightning/")


def events_of(answer: httpx.Response) -> list[Event]:
    """A whole stream's events."""
    return list(EventParser().feed(answer.content))


async def lnd(rail: Lightning, name: str, stack: AsyncExitStack, grace_s: float = 0.1) -> LndNode:
    """A node of the network over its LND."""
    api = LndApi(rail, name)
    http = await stack.enter_async_context(httpx.AsyncClient(transport=LocalApp(api)))
    return LndNode("http://lnd.internal", api.macaroon(), http=http, grace_s=grace_s)


@asynccontextmanager
async def opened(
    *,
    store: Any = None,
    routes: Sequence[Route] = (),
    payee: str = "merchant",
    at_s: int | None = START_S,
    topology: str = "default",
    **options: Any,
) -> AsyncIterator[World]:
    """The shop is open: a charge, a session by the request, one by the unit of a stream."""
    async with AsyncExitStack() as stack:
        rail = Lightning(
            RailContext.create("lightning", Clock() if at_s is None else Clock.frozen(at_s)),
            topology=Topology.preset(topology),
        )
        clock = rail.context.clock
        journal = Journal(clock)
        store = store(clock) if callable(store) else store or MemoryStore(clock)
        merchant = await lnd(rail, payee, stack)
        server = LightningServer(
            node=merchant, store=store, clock=clock, journal=journal, **options
        )
        app = Goods()
        gate = gate_of(app, server, journal, store, clock, routes)
        http = httpx.AsyncClient(
            transport=LocalApp(gate), base_url="http://shop.test", timeout=httpx.Timeout(5)
        )
        await stack.enter_async_context(http)
        payer = await lnd(rail, "payer", stack)
        yield World(rail, server, payer, merchant, http, app, journal, clock, store, stack, gate)
        await server.stop()
        rail.check_conservation()


def gate_of(
    app: Any,
    server: LightningServer,
    journal: Journal,
    store: Any,
    clock: Clock,
    routes: Sequence[Route] = (),
) -> Gate:
    """One process of the shop."""
    stream = server.session(UNIT, deposit_sat=DEPOSIT, unit_type="word", streams=True)
    return Gate(
        app,
        [
            Route("/charge", (server.charge(100, description="coffee"),)),
            Route("/session", (server.session(UNIT, deposit_sat=DEPOSIT),)),
            Route("/stream", (stream,), streams=True),
            Route("/stream/posted", (stream,), methods=frozenset({"POST"}), streams=True),
            *routes,
        ],
        challenges=Challenges(
            realm="shop.test", secret=SECRET, clock=clock, seeds=Seeds("gate"), lifetime_s=600
        ),
        store=store,
        clock=clock,
        journal=journal,
    )
