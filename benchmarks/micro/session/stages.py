"""Where the time of a paid request goes, measured in this process on the gate's own calls.

The gate gets the same requests as over the wire, without a wire: what is left of a request's time
on the server when the gate's is taken away is the network (uvicorn, httptools, the kernel). Inside
the gate the stages are timed by making the same calls with the same values once more; `rest` is
what none of them explains (PaidRequest, classification, the receipt, response headers).

`voucher` compares accepting a voucher (signature, rules, store) with what no server can save: one
recovery by libsecp256k1. Both are timed in turns, so that a slow moment of the machine hits both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mpp import Challenge, Credential

from benchmarks.micro.session.our_server import SessionWorld, paid_app, session_world
from benchmarks.micro.session.vouchers import credentials
from benchmarks.micro.session.world import BOOK, PATH, PRICE, REALM, channels, record
from mock_rails.core.clock import Clock
from mock_rails.tempo.crypto import secp256k1
from sandbox.methods.tempo_session import accept_voucher, parse_payload, spend, verify_voucher
from sandbox.methods.tempo_session.protocol import SessionProtocol
from sandbox.methods.tempo_session.voucher import voucher_digest
from sandbox.server.credentials import find_credential
from sandbox.server.request import PaidRequest
from sandbox.server.route import binding
from sandbox.server.session import ChannelBook
from sandbox.server.stores import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sandbox.server.challenges import Challenges

TURNS: Final = 10
PER_TURN: Final = 200
_CLOCK: Final = Clock()


@dataclass(frozen=True, slots=True)
class Split:
    """Microseconds of one paid request inside the gate: of the best turn, the least disturbed."""

    gate: float
    parse: float
    verify: float
    store: float
    handler: float
    voucher: float
    """Accepting a voucher: everything after the challenge was found good."""
    recover: float
    """libsecp256k1's recovery alone."""

    @property
    def rest(self) -> float:
        """What no stage explains."""
        return self.gate - self.parse - self.verify - self.store - self.handler


async def measure(turns: int = TURNS, per_turn: int = PER_TURN) -> Split:
    """Time the stages in turns."""
    through, direct = await session_world(_CLOCK), await session_world(_CLOCK)
    times: dict[str, list[float]] = {}
    paying = paying_credentials(through, turns * per_turn)
    book = await _book()
    for turn in range(turns):
        batch = paying[turn * per_turn : (turn + 1) * per_turn]
        texts = [one.to_authorization() for one in batch]
        requests = [http_scope(text) for text in texts]
        for name, calls in {
            "gate": [sending(through.gate, scope) for scope in requests],
            "handler": [sending(paid_app, scope) for scope in requests],
            "voucher": [
                settling(direct.offer, one, scope)
                for one, scope in zip(batch, requests, strict=True)
            ],
            "store": _stored(book, batch),
        }.items():
            times.setdefault(name, []).append(await _awaited(calls))
        for name, timed in {
            "parse": [parsing(text) for text in texts],
            "verify": [verifying(through.challenges, one) for one in batch],
            "recover": [recovering(one) for one in batch],
        }.items():
            times.setdefault(name, []).append(_called(timed))
    return Split(**{name: min(found) for name, found in times.items()})


def paying_credentials(world: SessionWorld, count: int, *, authorised: int = 0) -> list[Credential]:
    """Credentials for one challenge of this gate, all on one channel, on which vouchers for so many
    requests were given before."""
    bound = binding(world.offer, PaidRequest(http_scope()))
    issued = world.challenges.issue(world.offer, scope=bound)
    challenge = Challenge.from_www_authenticate(issued.header_value)
    return credentials(challenge, channels()[0], authorised * PRICE, count)


async def _book() -> ChannelBook:
    """Channels without a server, to time the store alone."""
    book = ChannelBook(MemoryStore(_CLOCK), _CLOCK)
    for one in channels():
        await book.update(one.id, lambda _, one=one: record(one))  # type: ignore[misc]
    return book


def http_scope(authorization: str | None = None) -> dict[str, Any]:
    """The request as uvicorn hands it over."""
    headers = [(b"host", REALM.encode())]
    if authorization is not None:
        headers.append((b"authorization", authorization.encode()))
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": PATH,
        "query_string": b"",
        "headers": headers,
    }


# -- stages ---------------------------------------------------------------------------------------


def sending(app: Any, scope: dict[str, Any]) -> Callable[[], Awaitable[object]]:
    """A request to an application, which must answer it well."""

    async def send(message: dict[str, Any]) -> None:
        if message.get("status", 200) != 200:
            raise AssertionError(f"the gate refuses: {message}")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    return lambda: app(scope, receive, send)


def settling(
    offer: Any, credential: Credential, scope: dict[str, Any]
) -> Callable[[], Awaitable[object]]:
    """Accepting what a credential pays, after its challenge was found good."""
    request = PaidRequest(scope)
    return lambda: offer.settle(credential, request)


def _stored(
    book: ChannelBook, batch: Sequence[Credential]
) -> list[Callable[[], Awaitable[object]]]:
    """What a voucher costs beside its signature: a look at the store, the rules, an update."""

    async def one(payload: Any) -> None:
        before = await book.get(payload.channel_id)
        assert before is not None
        accepted = accept_voucher(
            before, payload.cumulative, payload.signature, signature_checked=True
        )
        after = spend(accepted, PRICE)
        await book.update(payload.channel_id, lambda _: after)

    payloads = [parse_payload(each.payload, SessionProtocol.V2) for each in batch]
    return [partial(one, payload) for payload in payloads]


def parsing(text: str) -> Callable[[], object]:
    """Reading an Authorization header."""

    def parse() -> None:
        found = find_credential([text])
        assert found is not None
        parse_payload(Credential.from_authorization(found.value).payload, SessionProtocol.V2)

    return parse


def verifying(challenges: Challenges, credential: Credential) -> Callable[[], object]:
    """Checking the echoed challenge and the voucher's signature."""
    payload: Any = parse_payload(credential.payload, SessionProtocol.V2)

    def verify() -> None:
        opened = challenges.open(credential.challenge)
        challenges.check_expiry(credential.challenge, opened)
        signer = payload.descriptor.signer
        verify_voucher(BOOK, payload.channel_id, payload.cumulative, payload.signature, signer)

    return verify


def recovering(credential: Credential) -> Callable[[], object]:
    """libsecp256k1's recovery of the voucher's signer alone."""
    payload: Any = parse_payload(credential.payload, SessionProtocol.V2)
    digest = voucher_digest(BOOK, payload.channel_id, payload.cumulative)
    signature = payload.signature
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    return lambda: secp256k1.recover(digest, signature[64] - 27, r, s)


# -- timing ---------------------------------------------------------------------------------------


async def _awaited(calls: Sequence[Callable[[], Awaitable[object]]]) -> float:
    started = _CLOCK.monotonic_ns()
    for call in calls:
        await call()
    return (_CLOCK.monotonic_ns() - started) / 1_000 / len(calls)


def _called(calls: Sequence[Callable[[], object]]) -> float:
    started = _CLOCK.monotonic_ns()
    for call in calls:
        call()
    return (_CLOCK.monotonic_ns() - started) / 1_000 / len(calls)
