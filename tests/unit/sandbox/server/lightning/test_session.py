"""Sessions at the gate: facts, lightning 2.1 to 2.5, and checks 8 and 9 of 8."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from mock_rails.lightning.bolt11 import decode
from sandbox.methods.lightning_session import Refund, Status
from tests.unit.sandbox.server.lightning.support import (
    DEPOSIT,
    FEE_MSAT,
    UNIT,
    authorization,
    events_of,
    opened,
    problem,
)
from tests.unit.sandbox.server.lightning.test_charge import receipt_of

# -- the challenge --------------------------------------------------------------------------------


async def test_a_challenge_offers_a_deposit_flat_and_in_satoshis() -> None:
    async with opened() as world:
        challenge = await world.challenge("/session")
        request = challenge.request
        deposit = decode(request["depositInvoice"])
        assert request == {
            "amount": str(UNIT),
            "currency": "sat",
            "depositAmount": str(DEPOSIT),
            "idleTimeout": "300",
            "depositInvoice": deposit.text,
            "paymentHash": deposit.payment_hash.hex(),
        }
        assert deposit.amount_msat == DEPOSIT * 1_000


async def test_a_deposit_covers_twenty_units_unless_it_is_said() -> None:
    async with opened() as world:
        assert world.server.session(7).request["depositAmount"] == "140"


async def test_behind_private_channels_both_invoices_say_the_way() -> None:
    """Nobody is told of a private channel but by an invoice's route hints (facts 3.2)."""
    async with opened(topology="private") as world:
        challenge = await world.challenge()
        paid = {"preimage": await world.pay(challenge)}
        assert (await world.show(challenge, paid)).status_code == 200
        before = world.balance()
        session, answer = await world.open()
        assert answer.status_code == 200
        closed = (await world.close(session)).json()
        assert (closed["refundSats"], closed["refundStatus"]) == (DEPOSIT - UNIT, "succeeded")
        fees_there = 2 * FEE_MSAT
        assert before - world.balance() == UNIT * 1_000 + fees_there


# -- open and bearer ------------------------------------------------------------------------------


async def test_a_session_is_opened_spent_and_closed() -> None:
    async with opened() as world:
        before = world.balance()
        session, answer = await world.open()
        assert (answer.status_code, answer.text) == (200, "the goods")
        receipt = receipt_of(answer)
        assert receipt["reference"] == session["sessionId"]
        assert "refundSats" not in receipt
        for _ in range(3):
            answer = await world.bearer(session)
            assert (answer.status_code, answer.text) == (200, "the goods")
        closed = await world.close(session)
        left = DEPOSIT - 4 * UNIT
        assert (closed.status_code, closed.json()) == (
            200,
            {"status": "closed", "refundSats": left, "refundStatus": "succeeded"},
        )
        told = receipt_of(closed)
        assert (told["refundSats"], told["refundStatus"]) == (left, "succeeded")
        assert before - world.balance() == 4 * UNIT * 1_000 + FEE_MSAT
        record = await world.record(session)
        assert (record.status, record.spent_sat, record.units) == (Status.CLOSED, 8, 4)


async def test_a_deposit_that_is_used_up_is_told_so() -> None:
    async with opened() as world:
        session, _ = await world.open()
        for _ in range(DEPOSIT // UNIT - 1):
            assert (await world.bearer(session)).status_code == 200
        assert problem(await world.bearer(session)) == "insufficient-balance"
        assert (await world.top_up(session)).json() == {"status": "ok"}
        assert (await world.bearer(session)).status_code == 200


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"action": "voucher"},
        {"action": ["open"]},
        {"action": "open", "preimage": "00" * 32},
        {"action": "open", "preimage": "00", "returnInvoice": "x"},
        {"action": "bearer", "preimage": "00" * 32},
        {"action": "bearer", "sessionId": "zz", "preimage": "00" * 32},
        {"action": "topUp", "sessionId": "00" * 32, "preimage": "00" * 32},
        {"action": "close", "sessionId": "00" * 32},
    ],
)
async def test_a_payload_that_is_none_is_malformed(payload: dict[str, Any]) -> None:
    async with opened() as world:
        answer = await world.show(await world.challenge("/session"), payload, "/session")
        assert problem(answer) == "malformed-credential"


async def test_who_shows_no_session_or_anothers_preimage_gets_nothing() -> None:
    async with opened() as world:
        session, _ = await world.open()
        stranger = {"sessionId": "11" * 32, "preimage": "11" * 32}
        assert problem(await world.bearer(stranger)) == "session-not-found"
        assert problem(await world.close(stranger)) == "session-not-found"
        thief = {**session, "preimage": "22" * 32}
        assert problem(await world.bearer(thief)) == "invalid-preimage"
        assert problem(await world.close(thief)) == "invalid-preimage"
        await world.close(session)
        assert problem(await world.bearer(session)) == "session-closed"
        assert problem(await world.close(session)) == "session-closed"
        assert problem(await world.top_up(session)) == "session-closed"


async def test_a_late_open_is_told_that_its_challenge_has_expired() -> None:
    async with opened() as world:
        challenge = await world.challenge("/session")
        payload = {
            "action": "open",
            "preimage": await world.pay(challenge),
            "returnInvoice": await world.return_invoice(),
        }
        world.clock.advance(300)
        assert problem(await world.show(challenge, payload, "/session")) == "challenge-expired"


async def test_a_session_pays_on_every_route_of_the_realm() -> None:
    async with opened() as world:
        session, _ = await world.open()
        world.app.words = 3
        stream = await world.bearer(session, "/stream")
        assert [one.data for one in events_of(stream) if one.is_message][:3] == [
            "word 0",
            "word 1",
            "word 2",
        ]


# -- the return invoice ---------------------------------------------------------------------------


async def test_a_return_invoice_that_cannot_be_used_leaves_the_deposit() -> None:
    """Checked before the deposit is taken: the client mends it and opens with what it has paid."""
    async with opened() as world:
        challenge = await world.challenge("/session")
        preimage = await world.pay(challenge)
        amounted = await world.payer.create_invoice(amount_sat=5, memo="", expiry_s=600)
        short = await world.return_invoice(expiry_s=10)
        world.clock.advance(10)
        wrong = ["nonsense", amounted.bolt11, short, short.upper(), short[:-1]]
        for text in wrong:
            payload = {"action": "open", "preimage": preimage, "returnInvoice": text}
            answer = await world.show(challenge, payload, "/session")
            assert problem(answer) == "invalid-return-invoice"
        payload["returnInvoice"] = await world.return_invoice()
        assert (await world.show(challenge, payload, "/session")).status_code == 200


# -- streams --------------------------------------------------------------------------------------


async def test_a_deposit_streams_exactly_what_it_covers_then_asks_for_more() -> None:
    """Facts 8, check 8: 300 sat at 2 sat a unit are 150 chunks; a top-up goes on in the same
    answer; close sends back the rest."""
    async with opened() as world:
        world.app.words = 160
        challenge = await world.challenge("/stream")
        payload = {
            "action": "open",
            "preimage": await world.pay(challenge),
            "returnInvoice": await world.return_invoice(),
        }
        session = {"sessionId": challenge.request["paymentHash"], "preimage": payload["preimage"]}
        headers = {"Authorization": authorization(challenge, payload)}
        chunks: list[str] = []
        needs: list[Any] = []
        rest: list[tuple[str, str]] = []
        name = ""
        async with world.http.stream("GET", "/stream", headers=headers) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert "no-cache" in answer.headers["cache-control"]
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    data = line.removeprefix("data: ")
                    if name == "payment-need-topup":
                        needs.append(json.loads(data))
                        assert len(chunks) == 150
                        assert (await world.top_up(session)).json() == {"status": "ok"}
                    elif name or data == "[DONE]":
                        rest.append((name, data))
                    else:
                        chunks.append(data)
                    name = ""
        assert chunks == [f"word {number}" for number in range(160)]
        need = {"sessionId": session["sessionId"], "balanceSpent": 300, "balanceRequired": UNIT}
        assert needs == [need]
        (kind, text), done = rest
        assert (kind, done) == ("payment-receipt", ("", "[DONE]"))
        receipt = json.loads(text)
        assert (receipt["spent"], receipt["units"]) == (320, 160)
        assert receipt["reference"] == session["sessionId"]
        closed = (await world.close(session)).json()
        assert closed["refundSats"] == 2 * DEPOSIT - 320
        assert closed["refundStatus"] == "succeeded"


async def test_showing_a_session_to_a_stream_costs_nothing_yet() -> None:
    """Trap 6: aperture deducts at bearer time; the draft does with each chunk."""
    async with opened() as world:
        world.app.words = 0
        session, answer = await world.open("/stream")
        assert answer.status_code == 200
        await world.bearer(session, "/stream")
        assert (await world.record(session)).spent_sat == 0


async def test_a_stream_that_nobody_tops_up_times_out_without_a_receipt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sandbox.server.streaming import sse
    from sandbox.server.streaming.hold import Hold

    def hasty(meter: Any, **options: Any) -> Hold:
        return Hold(meter, **{**options, "hold_s": 0.05})

    monkeypatch.setattr(sse, "Hold", hasty)
    async with opened() as world:
        session, answer = await world.open("/stream")
        events = events_of(answer)
        named = [(one.name, one.data) for one in events if not one.is_message]
        need = {"sessionId": session["sessionId"], "balanceSpent": 300, "balanceRequired": UNIT}
        assert [(name, json.loads(data or "")) for name, data in named if data] == [
            ("payment-need-topup", need),
            ("session-timeout", need),
        ]
        assert len([one for one in events if one.is_message]) == 150
        assert b"[DONE]" not in answer.content
        assert (await world.record(session)).status is Status.OPEN


async def test_a_close_ends_the_stream_that_waits(caplog: pytest.LogCaptureFixture) -> None:
    async with opened() as world:
        session, _ = await world.open()
        challenge = await world.challenge("/stream")
        headers = {"Authorization": authorization(challenge, {"action": "bearer", **session})}
        seen = []
        async with world.http.stream("GET", "/stream", headers=headers) as answer:
            async for line in answer.aiter_lines():
                seen.append(line)
                if line == "event: payment-need-topup":
                    closed = await world.close(session)
                    assert closed.json()["refundStatus"] == "skipped"
        assert "event: payment-receipt" in seen
        assert "data: [DONE]" not in seen
        assert (await world.record(session)).spent_sat == DEPOSIT


async def test_top_up_and_close_are_taken_with_get_where_a_stream_is_posted() -> None:
    """The SDKs' clients fetch the challenge with a plain GET (facts 2.2)."""
    async with opened() as world:
        world.app.words = 2
        url = "/stream/posted"
        challenge = await world.challenge(url, method="POST", json={"q": 1})
        payload = {
            "action": "open",
            "preimage": await world.pay(challenge),
            "returnInvoice": await world.return_invoice(),
        }
        answer = await world.show(challenge, payload, url, "POST", json={"q": 1})
        assert answer.status_code == 200
        session = {"sessionId": challenge.request["paymentHash"], "preimage": payload["preimage"]}
        assert (await world.top_up(session, url)).json() == {"status": "ok"}
        assert (await world.close(session, url)).json()["refundSats"] == 2 * DEPOSIT - 2 * UNIT


# -- answers that were lost -----------------------------------------------------------------------


async def test_an_open_that_is_shown_again_is_answered_as_before() -> None:
    """Facts 8, check 9: a lost answer must not strand the deposit."""
    async with opened() as world:
        challenge = await world.challenge("/session")
        payload = {
            "action": "open",
            "preimage": await world.pay(challenge),
            "returnInvoice": await world.return_invoice(),
        }
        first = await world.show(challenge, payload, "/session")
        again = await world.show(challenge, payload, "/session")
        assert (again.status_code, again.text) == (200, "the goods")
        assert again.headers["payment-receipt"] == first.headers["payment-receipt"]
        assert world.app.served == ["/session"]
        (session,) = await world.server.sessions()
        assert session.spent_sat == UNIT


async def test_top_up_and_close_that_are_shown_again_are_answered_as_before() -> None:
    async with opened() as world:
        session, _ = await world.open()
        challenge = await world.challenge("/session")
        more = {
            "action": "topUp",
            "sessionId": session["sessionId"],
            "topUpPreimage": await world.pay(challenge),
        }
        first = await world.show(challenge, more, "/session")
        again = await world.show(challenge, more, "/session")
        assert (again.status_code, again.json()) == (200, {"status": "ok"})
        assert again.headers["payment-receipt"] == first.headers["payment-receipt"]
        assert (await world.record(session)).deposit_sat == 2 * DEPOSIT
        closing = await world.challenge("/session")
        end = {"action": "close", **session}
        first = await world.show(closing, end, "/session")
        again = await world.show(closing, end, "/session")
        assert (again.status_code, again.json()) == (200, first.json())
        assert len(list(world.rail.node("merchant").payments())) == 1


async def test_what_is_answered_again_is_only_told_to_who_has_paid() -> None:
    """A challenge's id without its preimage buys nothing that somebody else has bought."""
    async with opened() as world:
        challenge = await world.challenge("/session")
        payload = {
            "action": "open",
            "preimage": await world.pay(challenge),
            "returnInvoice": await world.return_invoice(),
        }
        await world.show(challenge, payload, "/session")
        guess = {**payload, "preimage": "00" * 32}
        assert problem(await world.show(challenge, guess, "/session")) == "invalid-preimage"


async def test_a_bearer_that_is_shown_again_pays_again() -> None:
    async with opened() as world:
        session, _ = await world.open()
        challenge = await world.challenge("/session")
        for _ in range(2):
            answer = await world.show(challenge, {"action": "bearer", **session}, "/session")
            assert answer.status_code == 200
        assert (await world.record(session)).spent_sat == 3 * UNIT


async def test_a_bearer_with_an_idempotency_key_pays_once() -> None:
    async with opened() as world:
        session, _ = await world.open()
        for _ in range(3):
            answer = await world.bearer(session, headers={"Idempotency-Key": "one"})
            assert answer.status_code == 200
        assert (await world.record(session)).spent_sat == 2 * UNIT


async def test_a_streamed_open_that_is_shown_again_costs_nothing_more() -> None:
    async with opened() as world:
        world.app.words = 5
        challenge = await world.challenge("/stream")
        payload = {
            "action": "open",
            "preimage": await world.pay(challenge),
            "returnInvoice": await world.return_invoice(),
        }
        assert (await world.show(challenge, payload, "/stream")).status_code == 200
        again = await world.show(challenge, payload, "/stream")
        assert again.status_code == 409
        assert "answer-not-kept" in again.json()["type"]
        session = {"sessionId": challenge.request["paymentHash"], "preimage": payload["preimage"]}
        assert (await world.record(session)).spent_sat == 5 * UNIT
        assert (await world.bearer(session, "/stream")).status_code == 200


# -- secrets --------------------------------------------------------------------------------------


async def test_preimages_are_in_no_log_no_journal_and_no_refusal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened() as world:
        session, _ = await world.open()
        said = (await world.bearer({**session, "sessionId": "11" * 32})).text
        said += (await world.top_up(session)).text
        said += (
            await world.show(await world.challenge("/session"), dict(session), "/session")
        ).text
        said += (await world.close(session)).text + (await world.bearer(session)).text
        said += repr(await world.server.sessions()) + world.told() + caplog.text
        assert session["preimage"] not in said
        assert session["sessionId"] in said
        assert (await world.record(session)).refund is Refund.SUCCEEDED


async def test_two_identical_opens_at_once_open_one_session() -> None:
    async with opened() as world:
        challenge = await world.challenge("/session")
        payload = {
            "action": "open",
            "preimage": await world.pay(challenge),
            "returnInvoice": await world.return_invoice(),
        }
        answers = await asyncio.gather(
            *(world.show(challenge, payload, "/session") for _ in range(10))
        )
        assert {one.status_code for one in answers} <= {200, 409}
        assert world.app.served == ["/session"]
        (session,) = await world.server.sessions()
        assert session.spent_sat == UNIT
