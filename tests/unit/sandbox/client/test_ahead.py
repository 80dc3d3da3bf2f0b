"""Vouchers that go along with the request, in one round trip (facts, protocol 2.5 and 2.10)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp import Credential

from mock_rails.core import Clock
from sandbox.client.ahead import KeptChallenges
from sandbox.client.budget import Budget
from sandbox.client.errors import BudgetExceededError, CrossOriginPaymentError
from sandbox.client.events import EventKind
from sandbox.client.ledger import Tally
from sandbox.client.outcome import PaymentMade, payment_of
from sandbox.client.payer import Order
from sandbox.client.selection import Choice, read_challenges
from sandbox.client.session import SessionSettings
from tests.unit.sandbox.client.bazaar import DEPOSIT, PRICE, open_bazaar
from tests.unit.sandbox.client.market import TOKEN, Line, asking, credential_of, paid_by

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sandbox.client.client import PaidClient
    from sandbox.client.events import ClientEvent
    from tests.unit.sandbox.client.bazaar import Bazaar


@asynccontextmanager
async def on_a_line(
    bazaar: Bazaar, line_type: type[Line] = Line, **options: Any
) -> AsyncIterator[tuple[PaidClient, Line]]:
    """A customer that pays by sessions, and the line on which its requests can be counted."""
    options.setdefault("prefer", ["tempo/session"])
    async with httpx.AsyncHTTPTransport() as wire:
        line = line_type(wire)
        http = httpx.AsyncClient(transport=line)
        async with http, bazaar.customer(http=http, **options) as client:
            yield client, line


def unpaid(line: Line) -> list[httpx.Request]:
    """The requests that asked for a challenge."""
    return [one for one in line.sent if credential_of(one) is None and one.method != "HEAD"]


class Forgetful(Line):
    """A server that wants a new challenge for every voucher, and offers it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse the challenge that was answered before."""
        sent = credential_of(request)
        if sent is not None and request.method == "GET":
            challenge_id = Credential.from_authorization(sent).challenge.id
            seen = self.__dict__.setdefault("seen", set())
            if challenge_id in seen:
                self.sent.append(request)
                return await self.refuse(request)
            seen.add(challenge_id)
        return await super().handle_async_request(request)

    async def refuse(self, request: httpx.Request) -> httpx.Response:
        """With a new challenge, by asking the server for one."""
        bare = httpx.Request("GET", request.url, headers={"Accept-Payment": "tempo/session"})
        return await self.inner.handle_async_request(bare)


class Bare(Forgetful):
    """Refuses it with a 400 that offers no new challenge."""

    async def refuse(self, request: httpx.Request) -> httpx.Response:
        """Without a challenge."""
        return httpx.Response(400, json={"type": "https://paymentauth.org/problems/expired"})


async def test_the_second_request_pays_with_its_first_message(bazaar: Bazaar) -> None:
    async with on_a_line(bazaar) as (client, line):
        first = paid_by(await client.get(f"{bazaar.url}/search?q=a"))
        before = len(line.sent)
        made = [paid_by(await client.get(f"{bazaar.url}/search?q=a")) for _ in range(3)]
        assert len(line.sent) == before + 3
        assert [one.attempts for one in made] == [1, 1, 1]
        assert {one.challenge_id for one in made} == {first.challenge_id}
        assert len({one.idempotency_key for one in (first, *made)}) == 4
        assert client.ledger.tally() == Tally(4 * PRICE, 0)
    assert client.sessions.channels()[0].captured == 4 * PRICE


async def test_a_challenge_is_for_its_method_and_query(bazaar: Bazaar) -> None:
    async with on_a_line(bazaar) as (client, line):
        paid_by(await client.get(f"{bazaar.url}/search?q=a"))
        for send in (
            client.get(f"{bazaar.url}/search?q=b"),
            client.get(f"{bazaar.url}/search"),
            client.post(f"{bazaar.url}/search?q=a", content=b"text"),
        ):
            before = len(unpaid(line))
            paid_by(await send)
            assert len(unpaid(line)) == before + 1


async def test_requests_at_the_same_time_share_it(bazaar: Bazaar) -> None:
    async with on_a_line(bazaar) as (client, line):
        paid_by(await client.get(f"{bazaar.url}/search"))
        before = len(unpaid(line))
        answers = await asyncio.gather(*(client.get(f"{bazaar.url}/search") for _ in range(8)))
        assert all(paid_by(one).attempts <= 3 for one in answers)
        assert client.ledger.tally() == Tally(9 * PRICE, 0)
        assert len(unpaid(line)) == before
    assert len(bazaar.served) == 9


async def test_charges_are_never_paid_ahead(bazaar: Bazaar) -> None:
    async with on_a_line(bazaar, prefer=["tempo/charge"]) as (client, line):
        for _ in range(2):
            paid_by(await client.get(f"{bazaar.url}/both"))
        assert len(unpaid(line)) == 2


async def test_who_asks_for_another_method_is_asked(bazaar: Bazaar) -> None:
    async with on_a_line(bazaar, prefer=["tempo/session", "tempo/charge"]) as (client, line):
        paid_by(await client.get(f"{bazaar.url}/both"))
        before = len(unpaid(line))
        await client.get(f"{bazaar.url}/both", headers={"Accept-Payment": "tempo/charge"})
        assert len(unpaid(line)) == before + 1


async def test_a_challenge_that_ends_within_five_seconds_is_not_used() -> None:
    async with open_bazaar(lifetime_s=4) as bazaar, on_a_line(bazaar) as (client, line):
        for _ in range(2):
            paid_by(await client.get(f"{bazaar.url}/search"))
        assert len(unpaid(line)) == 2


@pytest.mark.parametrize("kind", [Forgetful, Bare])
async def test_a_refused_voucher_is_used_for_the_new_challenge(
    bazaar: Bazaar, kind: type[Forgetful]
) -> None:
    """No second payment: what was signed ahead is what the new challenge is answered with. Such a
    server is sent two vouchers ahead, and then asked first."""
    told: list[ClientEvent] = []
    async with on_a_line(bazaar, kind, on_event=told.append) as (client, _):
        attempts = [paid_by(await client.get(f"{bazaar.url}/search")).attempts for _ in range(5)]
        assert attempts == [1, 2, 2, 1, 1]
        assert client.ledger.tally() == Tally(5 * PRICE, 0)
        assert client.sessions.channels()[0].signed == 5 * PRICE
    assert len(bazaar.served) == 5
    ahead = [one for one in told if one.facts.get("ahead")]
    assert [one.kind for one in ahead] == [EventKind.CREDENTIAL_CREATED] * 2
    assert [one.kind for one in told].count(EventKind.PAYMENT_REFUSED) == 2


async def test_the_budget_is_asked_ahead_too(bazaar: Bazaar) -> None:
    budget = Budget(total=2 * PRICE, allowed_currencies=[TOKEN])
    async with on_a_line(bazaar, budget=budget) as (client, line):
        for _ in range(2):
            paid_by(await client.get(f"{bazaar.url}/search"))
        paid = len(line.paid)
        with pytest.raises(BudgetExceededError):
            await client.get(f"{bazaar.url}/search")
        assert len(line.paid) == paid
    assert len(bazaar.served) == 2


async def test_the_deposit_grows_ahead_too(bazaar: Bazaar) -> None:
    async with on_a_line(bazaar) as (client, line):
        for _ in range(DEPOSIT // PRICE + 2):
            paid_by(await client.get(f"{bazaar.url}/search"))
        assert len(unpaid(line)) == 1
        assert client.sessions.channels()[0].deposit > DEPOSIT


async def test_after_a_close_the_server_is_asked_again(bazaar: Bazaar) -> None:
    async with on_a_line(bazaar) as (client, line):
        first = paid_by(await client.get(f"{bazaar.url}/search"))
        await client.sessions.close_all()
        before = len(unpaid(line))
        second = paid_by(await client.get(f"{bazaar.url}/search"))
        assert second.channel_id != first.channel_id
        assert len(unpaid(line)) == before + 1


async def test_a_lost_answer_ahead_is_given_again(bazaar: Bazaar) -> None:
    async with on_a_line(bazaar) as (client, line):
        paid_by(await client.get(f"{bazaar.url}/search"))
        line.accidents += ["answer lost"]
        made = paid_by(await client.get(f"{bazaar.url}/search"))
        assert made.attempts == 1
        assert client.ledger.tally() == Tally(2 * PRICE, 0)
    assert len(bazaar.served) == 2


async def test_streams_are_asked_first(bazaar: Bazaar) -> None:
    """Their challenge is the one that later vouchers answer, so it had better be a new one."""
    async with on_a_line(bazaar) as (client, line):
        for _ in range(2):
            async with client.stream(f"{bazaar.url}/stream") as events:
                assert [data async for data in events]
        assert len([one for one in unpaid(line) if one.method == "GET"]) == 2


async def test_a_redirect_elsewhere_takes_no_voucher_along(bazaar: Bazaar) -> None:
    """What is kept is for the URL that was asked; another origin is not paid unasked."""

    async def elsewhere(request: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"Location": f"{bazaar.url}/search"})

    class Crossing(Line):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.host == "elsewhere.example":
                return await elsewhere(request)
            return await super().handle_async_request(request)

    async with on_a_line(bazaar, Crossing) as (client, line):
        paid_by(await client.get(f"{bazaar.url}/search"))
        paid = len(line.paid)
        with pytest.raises(CrossOriginPaymentError):
            await client.get("http://elsewhere.example/", follow_redirects=True)
        assert len(line.paid) == paid


async def test_a_payer_from_the_book_says_which_channel_it_has(
    bazaar: Bazaar, tmp_path: Path
) -> None:
    """Until the server has spoken of it: then it knows from the receipts (protocol 2.6)."""
    stay = SessionSettings(close_on_exit=False)
    async with on_a_line(bazaar, state=tmp_path, session=stay) as (client, line):
        for query in ("?a", "?b"):
            paid_by(await client.get(f"{bazaar.url}/search{query}"))
        assert not any("payment-session" in one.headers for one in line.sent)
    async with on_a_line(bazaar, state=tmp_path, session=stay) as (client, line):
        # Signed for a request that was never sent: only the server knows that nothing came of it.
        [account] = client.sessions._registry.all()
        account.sign_for(signed=3 * PRICE, claimed=3 * PRICE)
    async with on_a_line(bazaar, state=tmp_path) as (client, line):
        for query in ("?c", "?d"):
            paid_by(await client.get(f"{bazaar.url}/search{query}"))
        [channel] = client.sessions.channels()
        assert channel.signed == 4 * PRICE  # the voucher of before was used for ?c
        hinted = [one.headers.get("payment-session") for one in unpaid(line)]
        assert hinted == [f"0x{channel.id.hex()}", None]


async def test_what_is_kept_is_bounded(bazaar: Bazaar) -> None:
    async with on_a_line(bazaar) as (client, _):
        answer = await client.get(f"{bazaar.url}/search")
        assert isinstance(payment_of(answer), PaymentMade)
        kept = client._http._transport.kept  # type: ignore[attr-defined]
        order = Order(f"{bazaar.url}/search", "GET", httpx.URL(bazaar.url).netloc.decode())
        choice = kept.find(replace(order, url=f"{order.url}#part"))
        assert choice is not None
        small = KeptChallenges(Clock(), most=2)
        asked = [replace(order, url=f"{order.url}?{at}") for at in range(3)]
        for one in asked:
            small.taken(one, choice, has_receipt=True)
        assert len(small) == 2
        assert [small.find(one) is not None for one in asked] == [False, True, True]
        small.taken(asked[2], choice, has_receipt=False)
        assert small.find(asked[2]) is None
        # A charge's challenge is for one payment, whoever could pay it.
        [charge] = read_challenges(asking()).challenges
        small.taken(asked[0], Choice(charge, client.payers[0]), has_receipt=True)
        assert small.find(asked[0]) is None
