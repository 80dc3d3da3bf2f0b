"""What the tests of the gate share: a fake offer, an application, and a client of the protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from mpp import Challenge, Credential, Receipt
from mpp.errors import VerificationFailedError

from mock_rails.core import Clock, Journal
from mock_rails.core.seeds import Seeds
from sandbox.server.challenges import Challenges
from sandbox.server.gate import Gate
from sandbox.server.offer import Settlement
from sandbox.server.route import Route
from sandbox.server.stores import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sandbox.server.request import PaidRequest

REALM = "shop.test"
SECRET = "a secret of thirty-two bytes, all of it"

Message = dict[str, Any]


class FakeOffer:
    """An offer that takes `{"proof": "good"}` and counts what it took."""

    def __init__(
        self,
        *,
        method: str = "fake",
        intent: str = "charge",
        amount: str = "1000",
        is_single_use: bool = True,
        description: str | None = None,
        bootstrap: FakeOffer | None = None,
    ) -> None:
        self.method = method
        self.intent = intent
        self.request: Mapping[str, Any] = {
            "amount": amount,
            "currency": "coin",
            "recipient": "the shop",
        }
        self.is_single_use = is_single_use
        self.description = description
        self.bootstrap = bootstrap
        self.settled: list[str] = []
        self.asked: list[PaidRequest] = []
        self.fails: BaseException | None = None
        self.before: Callable[[], Awaitable[None]] | None = None
        self.delivers = True
        self.meter: Any = None
        self.headers: tuple[tuple[str, str], ...] = ()
        self.snapshot: dict[str, Any] | None = None

    async def personal_request(self, request: PaidRequest) -> Mapping[str, Any] | None:
        return None if self.snapshot is None else {**self.request, "snapshot": self.snapshot}

    def matches(self, echoed: Mapping[str, Any]) -> bool:
        return {k: v for k, v in echoed.items() if k != "snapshot"} == self.request

    async def settle(self, credential: Credential, request: PaidRequest) -> Settlement:
        self.asked.append(request)
        if self.before is not None:
            await self.before()
        if self.fails is not None:
            raise self.fails
        if credential.payload != {"proof": "good"}:
            raise VerificationFailedError("the proof is bad")
        self.settled.append(credential.challenge.id)
        receipt = Receipt.success(f"payment-{len(self.settled)}", method=self.method)
        return Settlement(
            receipt=receipt.to_payment_receipt(),
            reference=receipt.reference,
            amount=int(self.request["amount"]),
            currency="coin",
            payer=credential.source,
            delivers=self.delivers,
            headers=self.headers,
            meter=self.meter,
        )


class ProvingOffer(FakeOffer):
    """An offer that can tell who pays before it charges."""

    async def prove(self, credential: Credential, request: PaidRequest) -> str | None:
        return credential.source


@dataclass
class App:
    """The application behind the gate: says what it was asked, and counts."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes | None = None
    fails: BaseException | None = None
    fails_late: bool = False
    scopes: list[Any] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        seen = (await receive())["body"] if scope["method"] == "POST" else b""
        if self.fails is not None and not self.fails_late:
            raise self.fails
        body = seen or b"the goods" if self.body is None else self.body
        headers = [(b"content-type", b"text/plain"), *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if self.fails is not None:
            raise self.fails
        await send({"type": "http.response.body", "body": body})


class Shop:
    """A gate before an application, and a client in the same process."""

    def __init__(
        self,
        *offers: Any,
        clock: Clock | None = None,
        store: MemoryStore | None = None,
        app: Any = None,
        header: str | None = None,
        body_limit: int = 1_000,
        server_timing: bool = False,
        **route: Any,
    ) -> None:
        self.clock = clock or Clock.frozen(1_767_225_600)
        self.store = store or MemoryStore(self.clock)
        self.journal = Journal(self.clock)
        self.app = app or App()
        self.challenges = Challenges(
            realm=REALM, secret=SECRET, clock=self.clock, header=header, seeds=Seeds("gate")
        )
        self.offers = offers or (FakeOffer(),)
        options: dict[str, Any] = {"methods": frozenset({"GET", "POST"}), **route}
        self.routes = [
            Route("/goods", self.offers, **options),
            Route("/more", self.offers, methods=frozenset({"GET"})),
        ]
        self.gate = Gate(
            self.app,
            self.routes,
            challenges=self.challenges,
            store=self.store,
            clock=self.clock,
            journal=self.journal,
            body_limit=body_limit,
            server_timing=server_timing,
        )
        transport = httpx.ASGITransport(self.gate, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://shop.test")

    async def __aenter__(self) -> Shop:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def get(self, url: str = "/goods", **options: Any) -> httpx.Response:
        return await self.http.get(url, **options)

    async def pay(
        self,
        url: str = "/goods",
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Ask, and ask again with a good credential."""
        asked = await self.http.request(method, url, **options)
        more = {**(headers or {}), **paid(challenge_of(asked))}
        return await self.http.request(method, url, headers=more, **options)

    def kinds(self) -> list[str]:
        """What the journal says happened."""
        return [event.kind for event in self.journal.read()]


def challenges_of(response: httpx.Response) -> list[Challenge]:
    """The challenges of an answer, as pympp's client reads them."""
    values = response.headers.get_list("www-authenticate")
    return [Challenge.from_www_authenticate(value) for value in values]


def challenge_of(response: httpx.Response) -> Challenge:
    """The only one."""
    (challenge,) = challenges_of(response)
    return challenge


def credential(
    challenge: Challenge, *, payload: Any = None, source: str | None = "did:pkh:x:1:payer"
) -> str:
    """A credential for a challenge, as pympp's client writes it."""
    made = Credential(challenge.to_echo(), payload or {"proof": "good"}, source)
    return made.to_authorization()


def paid(challenge: Challenge, **options: Any) -> dict[str, str]:
    """The header of a good credential."""
    return {"Authorization": credential(challenge, **options)}


def problem(response: httpx.Response) -> str:
    """The last part of an answer's problem type, after checking that its status is the body's."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert "payment-receipt" not in response.headers
    return str(document["type"]).rpartition("/")[2].rpartition(":")[2]
