"""Every rule of a session (protocol 2.4-2.7), over a socket, against our merchants and our gate.

The merchants sell through the TIP-1034 reserve. A shop beside them, on the same chain, has what
they do not: the v1 escrow contract, and offers whose vouchers must grow by twice the price. One
devnet serves all cases, for each has a payer of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route as Endpoint

from mock_rails.server import Host
from sandbox.chain import TempoRpc
from sandbox.client.wallet import Wallet
from sandbox.devnet import CURRENCY, Devnet
from sandbox.methods.tempo_session import SessionProtocol
from sandbox.server.challenges import Challenges
from sandbox.server.gate import Gate
from sandbox.server.route import Route
from sandbox.server.session import SessionServer
from sandbox.server.stores import MemoryStore
from sandbox.settings import DevnetSettings
from tests.conformance.session.cases import fits, load_cases
from tests.conformance.session.payer import Payer
from tests.conformance.session.play import play

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from tests.conformance.session.cases import Case

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICE: Final = 1_000
CASES: Final = load_cases()


class Shelf(NamedTuple):
    """An offer of the shop."""

    protocol: SessionProtocol
    min_voucher_delta: int | None = None

    @property
    def details(self) -> dict[str, object]:
        """What decides which rules are about it."""
        found: dict[str, object] = {"sessionProtocol": self.protocol.value}
        return found | ({} if self.min_voucher_delta is None else {"minVoucherDelta": True})


SHELVES: Final = {
    "/v1": Shelf(SessionProtocol.V1),
    "/v1-delta": Shelf(SessionProtocol.V1, 2 * PRICE),
    "/v2-delta": Shelf(SessionProtocol.V2, 2 * PRICE),
}
MERCHANTS: Final = Shelf(SessionProtocol.V2)


class Street(NamedTuple):
    """The servers under test, and the chain they share."""

    merchants: str
    shop: str
    rpc: TempoRpc
    http: httpx.AsyncClient


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street() -> AsyncIterator[Street]:
    async with Devnet(DevnetSettings().with_free_ports()) as devnet, httpx.AsyncClient() as http:
        assert devnet.rpc is not None
        chain = devnet.info()["tempo"]["url"]
        sessions, gate = shop(devnet, devnet.rpc)
        async with Host(gate) as host, TempoRpc(chain) as rpc:
            await sessions.start()
            yield Street(f"{devnet.api_url}/search", host.url, rpc, http)
            await sessions.stop()


def shop(devnet: Devnet, rpc: TempoRpc) -> tuple[SessionServer, Gate]:
    """A shop with the shelves, for a payee of its own, and its books."""
    clock = devnet.context.clock
    store = MemoryStore(clock)
    sessions = SessionServer(
        rpc=rpc, payee=Wallet.dev(8), store=store, clock=clock, watch_interval_s=1
    )
    routes = [
        Route(
            path,
            (
                sessions.offer(
                    amount=PRICE,
                    currency=CURRENCY,
                    unit_type="request",
                    chain_id=devnet.settings.chain_id,
                    suggested_deposit=100 * PRICE,
                    protocol=shelf.protocol,
                    min_voucher_delta=shelf.min_voucher_delta,
                ),
            ),
        )
        for path, shelf in SHELVES.items()
    ]
    app = Starlette(routes=[Endpoint(path, goods) for path in SHELVES])
    challenges = Challenges(realm="127.0.0.1", secret="conformance " * 4, clock=clock)
    return sessions, Gate(app, routes, challenges=challenges, store=store, clock=clock)


async def goods(request: Request) -> PlainTextResponse:
    return PlainTextResponse("what was paid for")


async def test_each_rule_has_a_name_of_its_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES) > 50


async def test_each_rule_is_about_an_offer() -> None:
    shelves = (MERCHANTS, *SHELVES.values())
    for case in CASES:
        assert any(fits(case, shelf.details) for shelf in shelves), case.id


async def test_each_offer_is_what_the_cases_take_it_for(street: Street) -> None:
    shelves = {street.merchants: MERCHANTS}
    shelves |= {street.shop + path: shelf for path, shelf in SHELVES.items()}
    for url, shelf in shelves.items():
        payer = Payer(url, street.http, street.rpc, "window-shopper")
        told = (await payer.challenge()).request["methodDetails"]
        assert [fits(case, told) for case in CASES] == [fits(case, shelf.details) for case in CASES]


@pytest.mark.parametrize(
    "case", [one for one in CASES if fits(one, MERCHANTS.details)], ids=lambda case: case.id
)
async def test_the_merchants_keep_the_rule(case: Case, street: Street) -> None:
    assert await play(case, street.merchants, street.http, street.rpc) == []


@pytest.mark.parametrize(
    "case", [one for one in CASES if fits(one, SHELVES["/v1"].details)], ids=lambda case: case.id
)
async def test_the_v1_escrow_keeps_the_rule(case: Case, street: Street) -> None:
    assert await play(case, f"{street.shop}/v1", street.http, street.rpc) == []


@pytest.mark.parametrize("path", ["/v1-delta", "/v2-delta"])
@pytest.mark.parametrize(
    "case", [one for one in CASES if one.needs == "minVoucherDelta"], ids=lambda case: case.id
)
async def test_vouchers_grow_by_the_smallest_delta(case: Case, path: str, street: Street) -> None:
    assert await play(case, street.shop + path, street.http, street.rpc) == []
