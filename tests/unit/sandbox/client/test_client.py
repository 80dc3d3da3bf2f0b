"""A client pays a real pympp shop on a chain in this process (facts, protocol 1.1 and 2.1)."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.tempo.addresses import ALPHA_USD
from mock_rails.tempo.api import TempoApi
from sandbox.chain import receipt
from sandbox.client.budget import Budget, Limit
from sandbox.client.client import PaidClient
from sandbox.client.errors import (
    BodyTooLargeError,
    BudgetExceededError,
    CurrencyNotAllowedError,
    HostNotAllowedError,
)
from sandbox.client.events import ClientEvent, EventKind
from sandbox.client.ledger import Tally
from sandbox.client.outcome import payment_of
from sandbox.client.session import BookDamagedError
from sandbox.client.session.book import FILE_NAME as BOOK
from sandbox.client.transport import TransportSettings
from tests.unit.sandbox.client.market import (
    PAYER,
    PRICE,
    SHOP,
    SPONSOR,
    TOKEN,
    Line,
    Market,
    asking,
    credential_of,
    customer,
    paid_by,
    unpaid_by,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.client.payer import Attempt


async def test_a_request_is_paid_and_its_receipt_names_the_transfer(market: Market) -> None:
    async with customer(market, market.shop()) as client:
        made = paid_by(await client.get("/paid"))
        assert client.ledger.tally() == Tally(PRICE, 0)
    assert (made.method, made.attempts) == ("tempo/charge", 1)
    assert made.request["amount"] == str(PRICE)
    assert made.reference is not None
    mined = await receipt(market.node, bytes.fromhex(made.reference[2:]))
    assert mined is not None
    assert mined.success
    assert await market.sold() == 1
    assert market.delivered == [("GET", b"")]


async def test_what_is_free_is_not_paid(market: Market) -> None:
    async with customer(market, market.shop()) as client:
        response = await client.get("/free")
        assert response.json() == {"free": True}
        assert payment_of(response) is None
        assert client.ledger.tally() == Tally(0, 0)


async def test_a_sponsored_charge_is_paid_and_costs_the_payer_no_fee(market: Market) -> None:
    async with customer(market, market.shop(fee_payer=True)) as client:
        made = paid_by(await client.get("/paid"))
    assert made.reference is not None
    mined = await receipt(market.node, bytes.fromhex(made.reference[2:]))
    assert mined is not None
    assert mined.fee_payer == SPONSOR.address


async def test_splits_are_counted_to_those_who_get_them(market: Market) -> None:
    friend = f"0x{SPONSOR.address.hex()}"
    shop = market.shop("1", splits=[{"amount": "150000", "recipient": friend}])
    async with customer(market, shop) as client:
        paid_by(await client.get("/paid"))
        assert client.ledger.tally(Limit.PER_RECIPIENT, friend) == Tally(150_000, 0)
        to_shop = client.ledger.tally(Limit.PER_RECIPIENT, f"0x{SHOP.address.hex()}")
        assert to_shop == Tally(850_000, 0)


async def test_a_body_is_sent_again_with_the_payment(market: Market) -> None:
    line = Line(market.shop())
    async with customer(market, line) as client:
        paid_by(await client.post("/paid", content=b"a question"))
    assert market.delivered == [("POST", b"a question")]
    assert [len(one.content) for one in line.sent] == [10, 10]


async def test_a_streamed_body_is_kept_up_to_a_limit(market: Market) -> None:
    async def parts() -> Any:
        yield b"a long "
        yield b"question"

    line = Line(market.shop())
    settings = TransportSettings(body_limit=15)
    async with customer(market, line, settings=settings) as client:
        paid_by(await client.put("/paid", content=parts()))
    assert market.delivered == [("PUT", b"a long question")]
    assert "transfer-encoding" not in line.sent[0].headers

    settings = TransportSettings(body_limit=14)
    async with customer(market, line, settings=settings) as client:
        with pytest.raises(BodyTooLargeError):
            await client.post("/paid", content=parts())
    assert len(line.sent) == 2


async def test_the_body_that_a_challenge_is_for_is_paid_and_no_other(market: Market) -> None:
    body = json.dumps({"a": 1}).encode()
    async with customer(market, market.shop(body=body)) as client:
        paid_by(await client.post("/paid", content=body))
        refused = await client.post("/paid", content=b"another")
        assert refused.status_code == 402
        assert unpaid_by(refused).attempts == 0
        assert client.ledger.tally() == Tally(PRICE, 0)


async def test_the_credential_goes_where_the_challenge_says(market: Market) -> None:
    # Protocol 1.1, row 4: the application keeps its own Authorization.
    line = Line(market.shop(requires_auth=True))
    async with customer(market, line) as client:
        headers = {"Authorization": "Bearer of a name"}
        paid_by(await client.get("/paid", headers=headers))
    [paid] = line.paid
    assert paid.headers["Authorization"] == "Bearer of a name"
    assert paid.headers["Payment-Authorization"].startswith("Payment ")


async def test_paid_requests_carry_an_idempotency_key_of_their_own(market: Market) -> None:
    line = Line(market.shop())
    async with customer(market, line) as client:
        made = [paid_by(await client.get("/paid")) for _ in range(2)]
        paid_by(await client.get("/paid", headers={"Idempotency-Key": "mine"}))
    keys = [one.headers["Idempotency-Key"] for one in line.paid]
    assert keys[:2] == [one.idempotency_key for one in made]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"
    assert "Idempotency-Key" not in line.sent[0].headers


async def test_clients_of_one_seed_do_not_share_keys(market: Market) -> None:
    line = Line(market.shop())
    for _ in range(2):
        async with customer(market, line) as client:
            paid_by(await client.get("/paid"))
    first, second = (one.headers["Idempotency-Key"] for one in line.paid)
    assert first != second


async def test_concurrent_requests_are_paid_each(market: Market) -> None:
    async with customer(market, market.shop()) as client:
        responses = await asyncio.gather(*(client.get("/paid") for _ in range(8)))
        for response in responses:
            paid_by(response)
        assert client.ledger.tally() == Tally(8 * PRICE, 0)
    assert await market.sold() == 8


async def test_the_client_says_what_it_could_pay(market: Market) -> None:
    line = Line(market.shop())
    async with customer(market, line) as client:
        await client.get("/free")
        await client.get("/free", headers={"Accept-Payment": "stripe/charge"})
    assert line.sent[0].headers["Accept-Payment"].startswith("tempo/")
    assert line.sent[1].headers["Accept-Payment"] == "stripe/charge"


async def test_the_chain_may_be_in_the_same_process(market: Market) -> None:
    node = httpx.AsyncClient(transport=httpx.ASGITransport(TempoApi(market.chain)))
    http = httpx.AsyncClient(transport=market.shop(), base_url="https://shop.example")
    url = "http://tempo.internal"
    async with node, http, PaidClient(PAYER, http=http, rpc_http=node, rpc_url=url) as client:
        paid_by(await client.get("/paid"))
    assert await market.sold() == 1


async def test_a_chain_whose_time_is_not_the_walls_is_paid_on(market: Market) -> None:
    market.chain.context.clock.advance(timedelta(days=40))
    async with customer(market, market.shop()) as client:
        paid_by(await client.get("/paid"))
    assert await market.sold() == 1


# -- the budget, before anything is signed ---------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "limit"),
    [
        ({"per_request": PRICE - 1}, "per_request"),
        ({"per_recipient": PRICE - 1}, "per_recipient"),
        ({"total": PRICE - 1}, "total"),
    ],
)
async def test_a_limit_refuses_what_exceeds_it(
    market: Market, budget: dict[str, int], limit: str
) -> None:
    line, events = Line(market.shop()), list[ClientEvent]()
    asked = Budget(allowed_currencies=[TOKEN], **budget)
    async with customer(market, line, budget=asked, on_event=events.append) as client:
        with pytest.raises(BudgetExceededError) as refusal:
            await client.get("/paid")
        assert client.ledger.tally() == Tally(0, 0)
    assert (refusal.value.limit, refusal.value.excess) == (limit, 1)
    assert line.paid == []
    assert [event.kind for event in events] == [EventKind.CHALLENGE_RECEIVED]


async def test_a_total_is_spent_to_the_last_unit(market: Market) -> None:
    budget = Budget(total=2 * PRICE, allowed_currencies=[TOKEN])
    async with customer(market, market.shop(), budget=budget) as client:
        for _ in range(2):
            paid_by(await client.get("/paid"))
        with pytest.raises(BudgetExceededError):
            await client.get("/paid")
    assert await market.sold() == 2


async def test_other_hosts_and_currencies_are_not_paid(market: Market) -> None:
    line = Line(market.shop())
    async with customer(market, line, budget=Budget(allowed_hosts=["api.example"])) as client:
        with pytest.raises(HostNotAllowedError):
            await client.get("/paid")
    elsewhere = Budget(allowed_currencies=[f"0x{ALPHA_USD.hex()}"])
    async with customer(market, line, budget=elsewhere) as client:
        with pytest.raises(CurrencyNotAllowedError):
            await client.get("/paid")
    assert line.paid == []


# -- refusals and fresh challenges -----------------------------------------------------------------


async def test_at_most_three_payments_are_made_for_a_request(market: Market) -> None:
    # Protocol 1.1, row 25. The refused transfers could still be made: their money stays aside.
    async def world(request: httpx.Request) -> httpx.Response:
        return asking(problem="verification-failed")

    line = Line(httpx.MockTransport(world))
    async with customer(market, line) as client:
        response = await client.get("/paid")
        assert client.ledger.tally() == Tally(0, 3 * PRICE)
    assert response.status_code == 402
    assert response.json()["detail"] == "It is refused."
    found = unpaid_by(response)
    assert found.attempts == 3
    assert (found.problem or {})["type"].endswith("verification-failed")
    assert len(line.paid) == 3
    assert len({one.headers["Idempotency-Key"] for one in line.paid}) == 1


async def test_refused_money_is_free_again_when_the_transfer_can_no_longer_be_made(
    market: Market,
) -> None:
    shop, refusing = market.shop(), [True]

    async def world(request: httpx.Request) -> httpx.Response:
        if refusing and credential_of(request):
            return asking(problem="verification-failed")
        return await shop.handle_async_request(request)

    budget = Budget(total=PRICE, allowed_currencies=[TOKEN])
    async with customer(market, httpx.MockTransport(world), budget=budget) as client:
        response = await client.get("/paid")  # the second attempt would exceed the budget
        assert unpaid_by(response).attempts == 1
        assert client.ledger.tally() == Tally(0, PRICE)
        refusing.clear()
        with pytest.raises(BudgetExceededError):
            await client.get("/paid")
        market.chain.mine(2, interval_s=120)
        await client.reconcile()
        assert client.ledger.tally() == Tally(0, 0)
    assert await market.sold() == 0


async def test_an_expired_challenge_is_exchanged_for_a_fresh_one_once(market: Market) -> None:
    shop, stale = market.shop(), [1, 2]

    async def world(request: httpx.Request) -> httpx.Response:
        if stale:
            stale.pop()
            return asking(expires="2020-01-01T00:00:00Z")
        return await shop.handle_async_request(request)

    line = Line(httpx.MockTransport(world))
    async with customer(market, line) as client:
        assert (
            unpaid_by(await client.get("/paid")).reason == "The server's challenges have expired."
        )
        assert len(line.sent) == 2
        stale.append(1)
        paid_by(await client.get("/paid"))
    assert len(line.sent) == 5


async def test_challenges_may_come_in_one_field_or_in_several(market: Market) -> None:
    shop = market.shop()

    async def world(request: httpx.Request) -> httpx.Response:
        response = await shop.handle_async_request(request)
        if response.status_code != 402:
            return response
        ours = response.headers["WWW-Authenticate"]
        stripe = asking(method="stripe").headers["WWW-Authenticate"]
        broken = 'Payment id="x", realm="y", method="tempo", intent="charge", request="?"'
        fields = (
            [f'Basic realm="a, b", {stripe}, {ours}']
            if "one" in request.url.query.decode()
            else [
                'Bearer realm="x"',
                broken,
                stripe,
                ours,
            ]
        )
        return httpx.Response(402, headers=[("WWW-Authenticate", one) for one in fields])

    async with customer(market, httpx.MockTransport(world)) as client:
        paid_by(await client.get("/paid?one"))
        paid_by(await client.get("/paid?several"))


async def test_events_tell_the_story_without_the_secret(market: Market) -> None:
    events: list[ClientEvent] = []
    line = Line(market.shop())
    async with customer(market, line, on_event=events.append) as client:
        paid_by(await client.get("/paid"))
    assert [event.kind.value for event in events] == [
        "challenge.received",
        "credential.created",
        "payment.taken",
    ]
    challenge, credential, taken = (event.facts for event in events)
    assert challenge["challenge"]["request"]["amount"] == str(PRICE)
    assert credential["payload"]["type"] == "transaction"
    assert taken["receipt"]["status"] == "success"
    sent = credential_of(line.paid[0])
    assert sent is not None
    assert sent.removeprefix("Payment ") not in repr(events)
    assert credential["payload"]["signature"].startswith("<")


async def test_an_observer_that_fails_changes_nothing(
    market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    def observe(event: ClientEvent) -> None:
        raise ValueError("no ink")

    async with customer(market, market.shop(), on_event=observe) as client:
        paid_by(await client.get("/paid"))
    assert "no ink" in caplog.text


def marks(state: Path) -> list[Path]:
    """The signs of life of runs that have not ended (living.py)."""
    return list(state.glob("*.alive"))


async def test_a_client_that_cannot_begin_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / BOOK).write_bytes(b"not a database, but long enough to be looked at" * 40)
    with pytest.raises(BookDamagedError):
        PaidClient(PAYER, state=tmp_path)
    assert marks(tmp_path) == []


async def test_a_payer_that_fails_at_the_end_keeps_nobody_from_ending(tmp_path: Path) -> None:
    ended: list[str] = []

    class Last:
        def __init__(self, name: str) -> None:
            self.name = name

        def can_pay(self, challenge: object) -> bool:
            return False

        async def prepare(self, challenge: object, order: object) -> Attempt:
            raise AssertionError("it can pay nothing")

        async def close(self) -> None:
            ended.append(self.name)
            raise RuntimeError(self.name)

    client = PaidClient(PAYER, state=tmp_path, prefer=[], payers=[Last("a"), Last("b")])
    with pytest.raises(RuntimeError):
        await client.aclose()
    assert ended == ["a", "b"]
    assert client._raw.is_closed
    assert marks(tmp_path) == []
