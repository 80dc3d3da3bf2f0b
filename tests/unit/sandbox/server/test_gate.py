"""The gate answers as facts, protocol 1.5 lists it: who pays is served, who does not learns why."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from mpp.errors import (
    CredentialReplayedError,
    InternalPaymentError,
    PaymentOutcomeUnknownError,
)

from mock_rails.core.errors import BadInput
from sandbox.methods.tempo_session.problems import ChannelNotFoundError
from sandbox.server.request import PaidRequest
from sandbox.server.route import Route
from tests.unit.sandbox.server.support import (
    FakeOffer,
    Shop,
    challenge_of,
    challenges_of,
    credential,
    paid,
    problem,
)


async def test_who_does_not_pay_is_asked_to() -> None:
    async with Shop(FakeOffer(description="one look")) as shop:
        answer = await shop.get()
        assert answer.status_code == 402
        assert problem(answer) == "payment-required"
        assert answer.headers["cache-control"] == "no-store"
        challenge = challenge_of(answer)
        assert (challenge.method, challenge.intent, challenge.realm) == (
            "fake",
            "charge",
            "shop.test",
        )
        assert challenge.description == "one look"
        assert answer.json()["challengeId"] == challenge.id
        assert shop.app.scopes == []


async def test_who_pays_gets_the_goods_a_receipt_and_nothing_for_shared_caches() -> None:
    async with Shop() as shop:
        answer = await shop.pay()
        assert (answer.status_code, answer.text) == (200, "the goods")
        assert "payment-receipt" in answer.headers
        assert answer.headers["cache-control"] == "private"
        assert shop.app.scopes[0]["mpp"].reference == "payment-1"


async def test_other_routes_and_other_methods_cost_nothing() -> None:
    async with Shop() as shop:
        assert (await shop.get("/elsewhere")).status_code == 200
        assert (await shop.http.put("/goods")).status_code == 200
        assert (await shop.http.post("/more")).status_code == 200
        assert all("mpp" not in scope for scope in shop.app.scopes)
        assert (await shop.http.head("/goods")).status_code == 402


async def test_every_offer_has_a_header_of_its_own_in_the_clients_order() -> None:
    offers = (FakeOffer(), FakeOffer(method="other"), FakeOffer(intent="session"))
    async with Shop(*offers) as shop:
        named = [f"{c.method}/{c.intent}" for c in challenges_of(await shop.get())]
        assert named == ["fake/charge", "other/charge", "fake/session"]
        wish = {"Accept-Payment": "fake/session, other/*;q=0.5, fake/charge;q=0"}
        named = [f"{c.method}/{c.intent}" for c in challenges_of(await shop.get(headers=wish))]
        assert named == ["fake/session", "other/charge"]


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ["Payment", "Payment !", "Payment e30", "Payment W10", "Payment " + "x" * 70_000],
)
async def test_what_cannot_be_read_is_malformed(value: str) -> None:
    async with Shop() as shop:
        answer = await shop.get(headers={"Authorization": value})
        assert (answer.status_code, problem(answer)) == (402, "malformed-credential")
        assert challenge_of(answer).id


@pytest.mark.parametrize("damage", ["{}=====", "{} ", "{}=A", "{}\x80", ".{}", "{}+/", "{0} {0}"])
async def test_a_credential_is_base64url_and_nothing_else(damage: str) -> None:
    """Python's decoder reads over what is none; a blank at the end is the field's."""
    async with Shop() as shop:
        good = credential(challenge_of(await shop.get())).removeprefix("Payment ")
        damaged = f"Payment {damage.format(good)}".encode("latin-1")
        answer = await shop.get(headers=[(b"authorization", damaged)])
        if damage.endswith(" "):
            assert answer.status_code == 200
        else:
            assert (answer.status_code, problem(answer)) == (402, "malformed-credential")
            assert shop.app.scopes == []


async def test_a_credential_nested_without_end_is_malformed() -> None:
    deep = base64.urlsafe_b64encode(b'{"challenge":' + b"[" * 40_000).decode().rstrip("=")
    async with Shop() as shop:
        answer = await shop.get(headers={"Authorization": f"Payment {deep}"})
        assert problem(answer) == "malformed-credential"


async def test_two_credentials_are_one_too_many_and_no_challenge_answers_them() -> None:
    async with Shop() as shop:
        good = credential(challenge_of(await shop.get()))
        for headers in (
            {"Authorization": f"{good}, {good}"},
            {"Authorization": good, "Payment-Authorization": good},
        ):
            answer = await shop.get(headers=headers)
            assert (answer.status_code, problem(answer)) == (400, "bad-request")
            assert challenges_of(answer) == []
        assert shop.offers[0].settled == []


async def test_a_method_that_is_not_offered_is_unsupported() -> None:
    async with Shop(FakeOffer(method="other")) as other, Shop() as shop:
        foreign = challenge_of(await other.get())
        answer = await shop.get(headers=paid(foreign))
        assert (answer.status_code, problem(answer)) == (400, "method-unsupported")
        assert challenges_of(answer) == []


async def test_policy_refuses_whatever_is_paid_and_asks_for_nothing() -> None:
    async with Shop(policy=lambda request: "not from here") as shop:
        for headers in ({}, {"Authorization": "Payment e30"}):
            answer = await shop.get(headers=headers)
            assert (answer.status_code, problem(answer)) == (403, "policy-refused")
            assert challenges_of(answer) == []
            assert "not from here" in answer.text


async def test_a_bad_proof_is_told_so_with_a_fresh_challenge_and_may_be_mended() -> None:
    """G18: pympp offers the old challenge again; the draft and mppx make a new one (D4)."""
    async with Shop() as shop:
        challenge = challenge_of(await shop.get())
        answer = await shop.get(headers=paid(challenge, payload={"proof": "bad"}))
        assert (answer.status_code, problem(answer)) == (402, "verification-failed")
        assert challenge_of(answer).id != challenge.id
        assert (await shop.get(headers=paid(challenge))).status_code == 200


async def test_an_expired_challenge_pays_nothing() -> None:
    async with Shop() as shop:
        challenge = challenge_of(await shop.get())
        shop.clock.advance(300)
        answer = await shop.get(headers=paid(challenge))
        assert (answer.status_code, problem(answer)) == (402, "payment-expired")
        assert challenge_of(answer).id != challenge.id


async def test_another_offers_price_does_not_pay_this_one() -> None:
    async with Shop(FakeOffer(amount="1")) as cheap, Shop(FakeOffer(amount="1000")) as shop:
        answer = await shop.get(headers=paid(challenge_of(await cheap.get())))
        assert (answer.status_code, problem(answer)) == (402, "invalid-challenge")


@pytest.mark.parametrize(
    ("method", "url"),
    [("GET", "/more"), ("GET", "/goods?q=dogs"), ("GET", "/goods"), ("POST", "/goods?q=cats")],
)
async def test_a_credential_pays_its_own_route_method_and_query_only(method: str, url: str) -> None:
    """Facts 1.1, row 18."""
    async with Shop() as shop:
        headers = paid(challenge_of(await shop.get("/goods?q=cats")))
        answer = await shop.http.request(method, url, headers=headers)
        assert (answer.status_code, problem(answer)) == (402, "invalid-challenge")
        assert (await shop.get("/goods?q=cats", headers=headers)).status_code == 200


async def test_a_long_query_is_bound_by_its_hash() -> None:
    async with Shop() as shop:
        url = "/goods?q=" + "x" * 5_000
        challenge = challenge_of(await shop.get(url))
        assert (challenge.opaque or {})["query"].startswith("sha256:")
        assert (await shop.get(url + "x", headers=paid(challenge))).status_code == 402
        assert (await shop.get(url, headers=paid(challenge))).status_code == 200


async def test_a_session_is_spoken_of_with_any_method_at_its_own_url_only() -> None:
    """Facts 2.5: vouchers are POSTs to the URL that was read with GET, with its challenge."""
    offer = FakeOffer(intent="session", is_single_use=False)
    async with Shop(offer, methods=frozenset({"GET"})) as shop:
        headers = paid(challenge_of(await shop.get("/goods?q=1")))
        assert (await shop.get("/goods?q=1", headers=headers)).status_code == 200
        assert (await shop.get("/goods?q=1", headers=headers)).status_code == 200
        offer.delivers = False
        taken = await shop.http.post("/goods?q=1", headers=headers)
        assert (taken.status_code, taken.content) == (204, b"")
        assert "payment-receipt" in taken.headers
        assert offer.asked[-1].query == b""  # a POST to a GET route is about the channel
        assert (await shop.get("/goods?q=2", headers=headers)).status_code == 402
        assert (await shop.get("/more", headers=headers)).status_code == 402
        assert len(shop.app.scopes) == 2
        assert (await shop.http.post("/goods?q=1")).status_code == 200  # no credential: not ours


# -- bodies ----------------------------------------------------------------------------------------


async def test_a_body_is_bound_and_reaches_the_application() -> None:
    async with Shop() as shop:
        asked = await shop.http.post("/goods", content=b"cats")
        challenge = challenge_of(asked)
        assert challenge.digest is not None
        assert challenge.digest.startswith("sha-256=")
        for body in (b"dogs", b""):
            answer = await shop.http.post("/goods", content=body, headers=paid(challenge))
            assert problem(answer) == "invalid-challenge"
        answer = await shop.http.post("/goods", content=b"cats", headers=paid(challenge))
        assert (answer.status_code, answer.text) == (200, "cats")


async def test_a_body_without_a_digest_in_the_challenge_is_refused() -> None:
    async with Shop() as shop:
        challenge = challenge_of(await shop.http.post("/goods"))
        answer = await shop.http.post("/goods", content=b"cats", headers=paid(challenge))
        assert problem(answer) == "invalid-challenge"


async def test_a_body_over_the_limit_is_refused_before_anything_is_charged() -> None:
    async def pieces() -> Any:
        for _ in range(20):
            yield b"x" * 100

    async with Shop(body_limit=1_000) as shop:
        for content in (b"x" * 1_001, pieces()):
            headers = paid(challenge_of(await shop.http.post("/goods")))
            answer = await shop.http.post("/goods", content=content, headers=headers)
            assert (answer.status_code, problem(answer)) == (413, "content-too-large")
        assert shop.offers[0].asked == []


# -- once ------------------------------------------------------------------------------------------


async def test_a_credential_pays_once() -> None:
    async with Shop() as shop:
        challenge = challenge_of(await shop.get())
        assert (await shop.get(headers=paid(challenge))).status_code == 200
        again = await shop.get(headers=paid(challenge))
        assert (again.status_code, problem(again)) == (402, "invalid-challenge")
        assert "used already" in again.json()["detail"]
        assert challenge_of(again).id != challenge.id
        assert len(shop.offers[0].settled) == len(shop.app.scopes) == 1


async def test_of_200_uses_at_once_one_is_settled_and_delivered() -> None:
    """Facts 1.1, row 17."""
    async with Shop() as shop:
        shop.offers[0].before = shop.clock.yield_to_loop
        headers = paid(challenge_of(await shop.get()))
        answers = await asyncio.gather(*(shop.get(headers=headers) for _ in range(200)))
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(200) == 1
        assert statuses.count(402) == 199
        assert len(shop.offers[0].settled) == len(shop.app.scopes) == 1


@pytest.mark.parametrize(
    "error",
    [InternalPaymentError(), RuntimeError("the node is gone"), "unknown", TimeoutError()],
)
async def test_an_unknown_outcome_keeps_the_credential_and_invites_no_second_payment(
    error: Any,
) -> None:
    async with Shop() as shop:
        (offer,) = shop.offers
        challenge = challenge_of(await shop.get())
        if error == "unknown":
            error = PaymentOutcomeUnknownError(challenge, OSError(), transaction_hash="0xabc")
        offer.fails = error
        for attempt in ("first", "again"):
            answer = await shop.get(headers=paid(challenge))
            assert (answer.status_code, problem(answer)) == (500, "internal-payment-error"), attempt
            assert challenges_of(answer) == []
            assert "Do not pay again" in answer.json()["hint"]
            assert "the node is gone" not in answer.text
            offer.fails = None
        assert offer.settled == []


async def test_a_settlement_that_is_cancelled_may_have_charged() -> None:
    async with Shop() as shop:
        (offer,) = shop.offers
        offer.fails = asyncio.CancelledError()
        challenge = challenge_of(await shop.get())
        with pytest.raises(asyncio.CancelledError):
            await shop.get(headers=paid(challenge))
        offer.fails = None
        assert problem(await shop.get(headers=paid(challenge))) == "internal-payment-error"
        assert offer.settled == []


async def test_a_store_that_keeps_no_mark_takes_no_payment() -> None:
    async with Shop() as shop:
        challenge = challenge_of(await shop.get())
        await shop.store.close()
        answer = await shop.get(headers=paid(challenge))
        assert (answer.status_code, problem(answer)) == (503, "internal-payment-error")
        assert "Nothing was charged" in answer.text
        assert shop.offers[0].asked == []


async def test_a_store_that_fails_is_told_of_at_once_and_then_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A line for each request would fill the disk that is full."""
    async with Shop() as shop:
        headers = paid(challenge_of(await shop.get()))
        await shop.store.close()
        for _ in range(5):
            assert (await shop.get(headers=headers)).status_code == 503
        assert len(caplog.messages) == 1
        shop.clock.advance(59)
        await shop.get(headers=headers)
        assert len(caplog.messages) == 1
        shop.clock.advance(1)
        await shop.get(headers=headers)
        assert len(caplog.messages) == 2
        assert caplog.messages[1] == f"{caplog.messages[0]} (5 more requests since)"


async def test_a_store_that_fails_after_the_settlement_takes_nothing_back() -> None:
    async with Shop() as shop:
        challenge = challenge_of(await shop.get())
        shop.offers[0].before = shop.store.close
        assert (await shop.get(headers=paid(challenge))).status_code == 200


async def test_a_credential_that_was_left_while_settling_may_have_paid() -> None:
    """The server died between mark and settlement: a second one must not ask for more money."""
    async with Shop() as shop:
        challenge = challenge_of(await shop.get())
        await shop.store.replays().put(f"mpp:credential:{challenge.id}", "taken")
        answer = await shop.get(headers=paid(challenge))
        assert (answer.status_code, problem(answer)) == (500, "internal-payment-error")


async def test_a_credential_that_another_process_is_settling_has_to_wait() -> None:
    """Neither a second payment nor an alarm: the first request may well succeed. After a minute it
    must be taken for dead."""
    async with Shop() as shop:
        challenge = challenge_of(await shop.get())
        now_s = shop.clock.now_s()
        await shop.store.replays().put(f"mpp:credential:{challenge.id}", f"taken {now_s}")
        answer = await shop.get(headers=paid(challenge))
        assert (answer.status_code, problem(answer)) == (409, "payment-in-progress")
        assert answer.headers["retry-after"] == "1"
        assert "www-authenticate" not in answer.headers
        shop.clock.advance(60)
        answer = await shop.get(headers=paid(challenge))
        assert (answer.status_code, problem(answer)) == (500, "internal-payment-error")


@pytest.mark.parametrize(
    ("error", "status", "asks"),
    [(ChannelNotFoundError("x"), 410, True), (CredentialReplayedError("used"), 403, False)],
)
async def test_an_offers_own_status_is_the_answers_status(
    error: Exception, status: int, asks: bool
) -> None:
    """G7: pympp flattens all but 403 to 402."""
    async with Shop() as shop:
        shop.offers[0].fails = error
        answer = await shop.pay()
        assert answer.status_code == status
        assert problem(answer)
        assert bool(challenges_of(answer)) is asks


# -- sessions --------------------------------------------------------------------------------------


async def test_a_head_asks_for_the_bootstrap_and_answers_with_the_channel() -> None:
    """Facts 2.6."""
    proof = FakeOffer(amount="0")
    proof.delivers = False
    proof.headers = (("Payment-Session", "0x01"),)
    session = FakeOffer(intent="session", is_single_use=False, bootstrap=proof)
    async with Shop(session, FakeOffer(method="other")) as shop:
        asked = await shop.http.head("/goods")
        assert (asked.status_code, asked.content) == (402, b"")
        challenge = challenge_of(asked)
        assert challenge.request["amount"] == "0"
        answer = await shop.http.head("/goods", headers=paid(challenge))
        assert (answer.status_code, answer.headers["payment-session"]) == (204, "0x01")
        assert shop.app.scopes == []


async def test_a_head_may_still_speak_of_a_channel() -> None:
    """Facts 2.5: HEAD is a message, too, whatever it would have been asked for."""
    session = FakeOffer(intent="session", is_single_use=False, bootstrap=FakeOffer(amount="0"))
    session.delivers = False
    async with Shop(session) as shop:
        headers = paid(challenge_of(await shop.get()))
        assert (await shop.http.head("/goods", headers=headers)).status_code == 204


async def test_a_client_that_names_its_channel_is_told_about_it() -> None:
    offer = FakeOffer(intent="session", is_single_use=False)
    offer.snapshot = {"spent": "3"}
    async with Shop(offer) as shop:
        assert "snapshot" not in challenge_of(await shop.get()).request
        challenge = challenge_of(await shop.get(headers={"Payment-Session": "0x01"}))
        assert challenge.request["snapshot"] == {"spent": "3"}
        assert (await shop.get(headers=paid(challenge))).status_code == 200


async def test_a_channel_that_cannot_be_looked_up_does_not_stand_in_the_way() -> None:
    offer = FakeOffer(intent="session", is_single_use=False)

    async def lost(request: PaidRequest) -> None:
        raise OSError

    offer.personal_request = lost  # type: ignore[method-assign]
    async with Shop(offer) as shop:
        answer = await shop.get(headers={"Payment-Session": "0x01"})
        assert challenge_of(answer).request == offer.request


async def test_a_sockets_frame_is_settled_as_a_post_with_nothing_but_its_credential() -> None:
    """Facts 2.9."""
    offer = FakeOffer(intent="session", is_single_use=False)
    async with Shop(offer) as shop:
        challenge = challenge_of(await shop.get("/goods?q=1"))
        scope = {"type": "websocket", "path": "/socket", "query_string": b"q=1", "headers": []}
        handshake = PaidRequest({**scope, "method": "GET"})
        settlement, answered, _ = await shop.gate.pay_once(
            credential(challenge), shop.routes[0], handshake
        )
        assert (settlement.reference, answered) == ("payment-1", challenge.id)
        asked = offer.asked[0]
        assert (asked.method, asked.path, asked.query) == ("POST", "/goods", b"")
        assert [name for name, _ in asked.headers] == [b"authorization"]


# -- the journal -----------------------------------------------------------------------------------


async def test_the_journal_tells_each_exchange_with_its_checks_and_times() -> None:
    async with Shop() as shop:
        challenge = challenge_of(await shop.get("/goods?q=1"))
        await shop.get("/goods?q=2", headers=paid(challenge))
        await shop.get("/goods?q=1", headers=paid(challenge))
        asked, refused, settled, delivered = shop.journal.read()
        assert [event.kind for event in (asked, refused, settled, delivered)] == [
            "exchange.challenged",
            "exchange.refused",
            "exchange.paid",
            "exchange.delivered",
        ]
        assert asked.data["offers"][0]["challenge"] == challenge.id
        assert len({event.exchange for event in (asked, refused, settled)}) == 3
        assert settled.exchange == delivered.exchange
        checks = {check["name"]: check for check in refused.data["checks"]}
        assert checks["challenge"]["passed"] is True
        assert checks["route"]["passed"] is False
        assert checks["route"]["expected"] == {"route": "GET /goods", "query": "q=2"}
        assert checks["route"]["got"] == {"route": "GET /goods", "query": "q=1"}
        assert checks["expires"]["passed"] is None
        assert (settled.data["amount"], settled.data["reference"]) == (1000, "payment-1")
        assert set(delivered.data["elapsed_us"]) == {"parse", "verify", "settle", "deliver"}
        assert '"good"' not in "".join(event.to_json() for event in shop.journal.read())


# -- routes ----------------------------------------------------------------------------------------


async def test_routes_are_checked_when_they_are_made() -> None:
    with pytest.raises(BadInput, match="begins with"):
        Route("goods", (FakeOffer(),))
    with pytest.raises(BadInput, match="no way"):
        Route("/goods", ())
    with pytest.raises(BadInput, match="begins with"):
        Route("/goods", (FakeOffer(),), socket_path="socket")
    with pytest.raises(BadInput, match="starts from a GET"):
        Route("/goods", (FakeOffer(),), methods=frozenset({"POST"}), socket_path="/socket")
