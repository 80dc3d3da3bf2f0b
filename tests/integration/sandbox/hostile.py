"""What the hostile tests share: a devnet with honest customers, and a check that nothing moved.

An attack is a credential that would be taken but for one thing, so each test first makes a good one
and then spoils it. `Site.refused` sends it, and looks at the answer and at all that the merchants
and the chain remember.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx
from mpp import Challenge

from sandbox.chain import TempoRpc, token_balance
from sandbox.client.charge_signer import NodeMethod
from sandbox.client.wallet import Wallet
from sandbox.devnet import CURRENCY, Devnet
from sandbox.server.idempotency import IdempotencyCodec, State
from sandbox.settings import DevnetSettings
from tests.conformance.session.payer import Payer, encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROBLEMS: Final = "https://paymentauth.org/problems/"
CHAT: Final = "/v1/chat/completions"
CHARGED: Final = Wallet.dev(2)
"""Pays the charges."""

DEEP: Final = "[" * 5_000 + "]" * 5_000
WRONG: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1.5,
    1 << 300,
    float("nan"),
    "",
    "0x",
    "-1",
    "1e9",
    "9" * 300,
    "\x00",
    "\N{ARABIC-INDIC DIGIT ONE}",
    "é" * 40,
    "0x" + "f" * 200,
    "0x" + "00" * 32,
    [],
    {},
    [[[]]],
    {"a": {"b": None}},
)
"""No member of a credential may have one of these values instead of its own."""

ECHOED: Final = ("id", "realm", "method", "intent", "request", "expires", "digest", "opaque")

Members = dict[str, Any]


def spoilt(members: Members, path: str, value: Any) -> Members:
    """The credential with one member replaced."""
    changed = copy.deepcopy(members)
    *parents, last = path.split(".")
    inner: Any = changed
    for name in parents:
        inner = inner[name]
    inner[last] = value
    return changed


def paths(members: Members) -> list[str]:
    """All members of a credential, with those inside."""

    def inside(value: Any, prefix: str) -> list[str]:
        found = []
        for name, inner in value.items():
            found.append(prefix + name)
            if isinstance(inner, dict):
                found += inside(inner, f"{prefix}{name}.")
        return found

    return inside(members, "")


def members_of(authorization: str) -> Members:
    """A credential's JSON."""
    text = authorization.removeprefix("Payment ")
    found: Members = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def echo_of(challenge: Challenge) -> dict[str, Any]:
    """A challenge as credentials echo it."""
    echo = challenge.to_echo()
    return {name: value for name in ECHOED if (value := getattr(echo, name)) is not None}


def base64url(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Shopper:
    """Reads what the merchants' routes ask for, and signs charges."""

    def __init__(self, devnet: Devnet, http: httpx.AsyncClient, rpc: TempoRpc) -> None:
        assert devnet.api_url is not None
        self.devnet = devnet
        self.http = http
        self.rpc = rpc
        self.api = devnet.api_url

    async def challenges(
        self, path: str, method: str = "GET", **options: Any
    ) -> dict[str, Challenge]:
        """What a route asks for on the chain, by intent."""
        response = await self.http.request(method, self.api + path, **options)
        assert response.status_code == 402, response.text
        fields = response.headers.get_list("www-authenticate")
        asked = map(Challenge.from_www_authenticate, fields)
        return {one.intent: one for one in asked if one.method == "tempo"}

    async def charge(self, path: str, **options: Any) -> Members:
        """A charge that would be taken: a signed transfer, not broadcast yet."""
        challenge = (await self.challenges(path, **options))["charge"]
        method = NodeMethod(CHARGED, self.rpc, self.devnet.context.clock)
        credential = await method.create_credential(challenge)
        return members_of(credential.to_authorization())


class Site(Shopper):
    """A devnet under attack."""

    def __init__(self, devnet: Devnet, http: httpx.AsyncClient, rpc: TempoRpc) -> None:
        super().__init__(devnet, http, rpc)
        self.searcher = self.customer("/search", "searcher")
        self.victim = self.customer("/search", "victim")
        self.reporter = self.customer("/report", "reporter")
        self.streamer = self.customer("/complete", "streamer")

    def customer(self, path: str, name: str) -> Payer:
        """Somebody who pays for one route by a session."""
        return Payer(self.api + path, self.http, self.rpc, f"hostile {name}")

    async def open(self) -> None:
        """All customers open a channel, and use some of it."""
        for payer in (self.searcher, self.victim, self.reporter, self.streamer):
            await payer.start()
            step = {"do": "open", "deposit": 1_000, "cumulative": 3, "as": "management"}
            response = await payer.step(step)
            assert response is not None
            assert response.status_code == 204, response.text

    async def remembers(self) -> Any:
        """All that the merchants keep, the chain's state, and who has how much."""
        assert self.devnet.merchants is not None
        assert self.devnet.chain is not None
        store: Any = self.devnet.merchants.till.store
        kept = {name: dict(one._kept) for name, one in store._collections.items()}
        people = [one.wallet.address for one in (self.searcher, self.victim, self.reporter)]
        people += [CHARGED.address, self.devnet.merchants.till.payee.address]
        balances = [await token_balance(self.rpc, CURRENCY, one) for one in people]
        return kept, dict(store._replays._marks), self.devnet.chain.digest(), balances

    async def answered(self) -> None:
        """Wait until the answers to requests with a key are kept, which is after they were sent."""
        merchants = self.devnet.merchants
        assert merchants is not None
        records = merchants.till.store.records("idempotency", IdempotencyCodec())
        while any([one.state is State.RUNNING async for _, one in records.scan()]):
            await self.devnet.context.clock.wall_sleep(timedelta(milliseconds=5))

    # -- good credentials -------------------------------------------------------------------------

    async def voucher(self, payer: Payer, cumulative: int = 4) -> Members:
        """A voucher that would be taken."""
        return await payer.members({"do": "voucher", "cumulative": cumulative})

    # -- attacks ----------------------------------------------------------------------------------

    async def send(
        self, path: str, credential: Any, method: str = "GET", **options: Any
    ) -> httpx.Response:
        """Send members, or a field's value as it is."""
        headers = httpx.Headers(options.pop("headers", None))
        value = encode(credential) if isinstance(credential, dict) else credential
        headers["authorization"] = value
        return await self.http.request(method, self.api + path, headers=headers, **options)

    async def refused(
        self, path: str, credential: Any, *types: str, before: Any = None, **options: Any
    ) -> str:
        """The credential is refused for one of these reasons, which is returned."""
        if before is None:
            before = await self.remembers()
        kind = check_problem(await self.send(path, credential, **options), *types)
        assert await self.remembers() == before, f"{kind}, and yet something was changed"
        return kind


def check_problem(response: httpx.Response, *types: str) -> str:
    """The answer is a problem document that invites to pay where paying helps; its type's slug."""
    assert 400 <= response.status_code < 500, (response.status_code, response.text)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert "payment-receipt" not in response.headers
    assert "Traceback" not in response.text
    assert len(response.content) < 4_096, "the refusal repeats what was sent"
    problem = response.json()
    assert problem["status"] == response.status_code
    invites = response.status_code in {402, 410}
    assert ("www-authenticate" in response.headers) is invites
    kind: str = problem["type"].removeprefix(PROBLEMS)
    assert not types or kind in types, f"{kind}: {problem['detail']}"
    return kind


async def raw(
    site: Site, *fields: bytes, line: bytes = b"GET /search HTTP/1.1"
) -> tuple[int, bytes, bytes]:
    """One request as bytes, on a connection of its own: status, head in lower case, body."""
    host, _, port = site.api.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        lines = [line, b"host: x", b"connection: close", *fields, b"", b""]
        writer.write(b"\r\n".join(lines))
        await writer.drain()
        async with asyncio.timeout(10):
            answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), head.lower(), body


@asynccontextmanager
async def open_site() -> AsyncIterator[Site]:
    """A devnet in this process, on real ports."""
    async with AsyncExitStack() as stack:
        devnet = await stack.enter_async_context(Devnet(DevnetSettings().with_free_ports()))
        limits = httpx.Limits(max_connections=200)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60, limits=limits))
        rpc = await stack.enter_async_context(TempoRpc(devnet.rpc_url))
        site = Site(devnet, http, rpc)
        await site.open()
        yield site
