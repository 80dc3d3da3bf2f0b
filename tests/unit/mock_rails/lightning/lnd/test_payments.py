"""Paying over LND's REST (facts: lightning 4.3, 4.4 and the acceptance checks 3, 5, 6 and 10)."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from mock_rails.lightning.lnd.shapes import NO_PREIMAGE

if TYPE_CHECKING:
    from tests.unit.mock_rails.lightning.lnd.conftest import Lnd, Nodes

SEND = "/v2/router/send"
SEND_SYNC = "/v1/channels/transactions"


def limited(invoice: str, **fields: Any) -> dict[str, Any]:
    return {"payment_request": invoice, "fee_limit_sat": 100, **fields}


async def test_a_payment_is_told_step_by_step(payer: Lnd, merchant: Lnd) -> None:
    first, sent, last = await payer.send(await merchant.invoice(value=100))
    assert (first["status"], first["htlcs"]) == ("IN_FLIGHT", [])
    assert first["payment_preimage"] == NO_PREIMAGE
    assert [one["status"] for one in sent["htlcs"]] == ["IN_FLIGHT"]
    assert last["status"] == "SUCCEEDED"
    assert last["failure_reason"] == "FAILURE_REASON_NONE"
    preimage = bytes.fromhex(last["payment_preimage"])
    assert sha256(preimage).hexdigest() == last["payment_hash"]
    assert base64.b64decode(last["htlcs"][0]["preimage"]) == preimage


async def test_without_updates_the_whole_body_is_one_object(payer: Lnd, merchant: Lnd) -> None:
    """As LNbits reads it (check 5)."""
    invoice = await merchant.invoice(value=100)
    answer = await payer.http.post(SEND, json=limited(invoice, no_inflight_updates=True))
    assert answer.json()["result"]["status"] == "SUCCEEDED"
    assert answer.text.endswith("}\n")


async def test_an_invoice_is_paid_once(payer: Lnd, merchant: Lnd) -> None:
    invoice = await merchant.invoice(value=100)
    await payer.send(invoice)
    assert await payer.refused(SEND, **limited(invoice)) == (409, 6, "invoice is already paid")


async def test_an_expired_invoice_is_refused(nodes: Nodes) -> None:
    invoice = await nodes.merchant.invoice(value=100, expiry=60)
    ends_s = nodes.rail.context.clock.now_s() + 60
    nodes.rail.context.clock.advance(61)
    refusal = (500, 2, f"invoice expired. Valid until {ends_s}")
    assert await nodes.payer.refused(SEND, **limited(invoice)) == refusal


@pytest.mark.parametrize(
    ("value", "amount", "message"),
    [
        (100, {"amt": 100}, "amount must not be specified when paying a non-zero amount invoice"),
        (0, {}, "amount must be specified when paying a zero amount invoice"),
        (0, {"amt": 1, "amt_msat": 1}, "sat and msat arguments are mutually exclusive"),
        (0, {"amt": -1}, "amount cannot be negative"),
    ],
)
async def test_amounts_are_either_the_invoices_or_the_payers(
    payer: Lnd, merchant: Lnd, value: int, amount: dict[str, int], message: str
) -> None:
    invoice = await merchant.invoice(value=value)
    assert await payer.refused(SEND, **limited(invoice, **amount)) == (500, 2, message)


async def test_an_invoice_without_amount_takes_the_payers(payer: Lnd, merchant: Lnd) -> None:
    invoice = await merchant.invoice(value="0")
    *_, last = await payer.send(invoice, amt_msat="1500")
    assert (last["value_msat"], last["value_sat"]) == ("1500", "1")


async def test_a_node_does_not_pay_itself(merchant: Lnd) -> None:
    own = await merchant.invoice(value=100)
    assert await merchant.refused(SEND, **limited(own)) == (500, 2, "self-payments not allowed")


@pytest.mark.parametrize("text", ["lnbcrt1nonsense", "hello", "lnbc" + "1" * 8_000])
async def test_no_invoice_is_an_error_of_unknown_kind(payer: Lnd, text: str) -> None:
    assert (await payer.refused(SEND, **limited(text)))[:2] == (500, 2)


async def test_what_is_not_emulated_is_refused_by_name(payer: Lnd, merchant: Lnd) -> None:
    invoice = await merchant.invoice(value=100)
    refusal = (501, 12, "outgoing_chan_ids is not emulated")
    assert await payer.refused(SEND, **limited(invoice, outgoing_chan_ids=["1"])) == refusal


async def test_a_failure_can_be_tried_again(payer: Lnd, merchant: Lnd) -> None:
    invoice = await merchant.invoice(value=100)
    *_, failed = await payer.send(invoice, fee_limit_sat=0)
    assert (failed["status"], failed["failure_reason"]) == ("FAILED", "FAILURE_REASON_NO_ROUTE")
    *_, paid = await payer.send(invoice)
    assert paid["status"] == "SUCCEEDED"


async def test_a_large_payment_comes_in_parts(nodes: Nodes) -> None:
    """No channel has so much; the two routes together do, and the payee counts both."""
    *_, last = await nodes.payer.send(
        await nodes.merchant.invoice(value=7_000_000), fee_limit_sat=10_000
    )
    parts = [htlc["route"]["hops"][-1] for htlc in last["htlcs"]]
    assert last["status"] == "SUCCEEDED"
    assert {part["mpp_record"]["total_amt_msat"] for part in parts} == {"7000000000"}
    assert sum(int(part["amt_to_forward_msat"]) for part in parts) == 7_000_000_000
    whole = await nodes.merchant.invoice(value=2_500_000)
    *_, single = await nodes.payer.send(whole, fee_limit_sat=10_000, max_parts=1)
    assert single["failure_reason"] == "FAILURE_REASON_NO_ROUTE"


# -- tracking -------------------------------------------------------------------------------------


def url64(payment_hash: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(payment_hash)).decode()


async def test_a_payment_that_is_over_is_tracked_in_one_line(payer: Lnd, merchant: Lnd) -> None:
    *_, paid = await payer.send(await merchant.invoice(value=100))
    answer = await payer.http.get(f"/v2/router/track/{url64(paid['payment_hash'])}")
    assert [json.loads(line)["result"] for line in answer.text.splitlines()] == [paid]


async def test_a_hash_in_the_path_may_be_standard_base64_if_it_is_escaped(payer: Lnd) -> None:
    """A slash within the hash is not one of the path."""
    written = quote(base64.b64encode(b"\xff" * 32).decode(), safe="")
    assert "%2F" in written
    answer = await payer.http.get(f"/v2/router/track/{written}")
    assert answer.json()["error"]["message"] == "payment isn't initiated"


async def test_a_hash_that_is_no_base64_is_a_wrong_parameter(payer: Lnd) -> None:
    answer = await payer.http.get("/v2/router/track/a")
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert answer.json()["message"].startswith("type mismatch, parameter: payment_hash")


async def test_an_unknown_payment_is_an_error_before_the_first_line(payer: Lnd) -> None:
    answer = await payer.http.get(f"/v2/router/track/{url64('11' * 32)}")
    error = {"code": 5, "message": "payment isn't initiated", "details": []}
    assert (answer.status_code, answer.json()) == (404, {"error": error})


async def test_a_stuck_htlc_settles_after_the_client_gave_up(nodes: Nodes) -> None:
    """Check 10: the client's time is over, the payment is not; nothing is debited twice."""
    rail, payer = nodes.rail, nodes.payer
    before = int((await payer.get("/v1/balance/channels"))["local_balance"]["msat"])
    invoice = await nodes.merchant.invoice(value=100, memo="stuck")
    where = {"memo": "stuck"}
    fault = {"at": "lightning.htlc", "do": "stuck_then_settle", "where": where, "args": {"s": 300}}
    rail.context.faults.arm(fault)
    async with asyncio.timeout(30):
        sending = asyncio.ensure_future(payer.send(invoice, timeout_seconds=5))
        await rail.context.clock.yield_to_loop()
        while rail.node("payer").payment(hash_of(await payer.get(f"/v1/payreq/{invoice}"))) is None:
            await rail.context.clock.yield_to_loop()
        rail.context.clock.advance(timedelta(seconds=10))
        assert await payer.refused(SEND, **limited(invoice)) == (409, 6, "payment is in transition")
        assert not sending.done()
        rail.context.clock.advance(timedelta(seconds=300))
        rail.catch_up()
        *_, last = await sending
    assert last["status"] == "SUCCEEDED"
    tracked = await payer.http.get(f"/v2/router/track/{url64(last['payment_hash'])}")
    assert tracked.json()["result"]["status"] == "SUCCEEDED"
    assert await payer.refused(SEND, **limited(invoice)) == (409, 6, "invoice is already paid")
    after = int((await payer.get("/v1/balance/channels"))["local_balance"]["msat"])
    assert before - after == 101_000


def hash_of(pay_req: dict[str, str]) -> bytes:
    return bytes.fromhex(pay_req["payment_hash"])


# -- the list -------------------------------------------------------------------------------------


async def test_the_list_has_what_succeeded_or_everything(payer: Lnd, merchant: Lnd) -> None:
    invoices = [await merchant.invoice(value=value) for value in (1, 2, 3)]
    for invoice in invoices:
        await payer.send(invoice)
    await payer.send(await merchant.invoice(value=4), fee_limit_sat=0)
    done = await payer.get("/v1/payments")
    assert [one["value_sat"] for one in done["payments"]] == ["1", "2", "3"]
    assert (done["first_index_offset"], done["last_index_offset"]) == ("1", "3")
    everything = await payer.get("/v1/payments", include_incomplete="true")
    assert [one["status"] for one in everything["payments"]][-1] == "FAILED"
    last = await payer.get("/v1/payments", reversed="true", max_payments=1)
    assert [one["value_sat"] for one in last["payments"]] == ["3"]
    before = await payer.get("/v1/payments", reversed="true", index_offset=3)
    assert [one["value_sat"] for one in before["payments"]] == ["1", "2"]


# -- profiles -------------------------------------------------------------------------------------


async def test_since_0_21_the_old_call_is_gone(payer: Lnd, merchant: Lnd) -> None:
    """Check 6."""
    invoice = await merchant.invoice(value=100)
    answer = await payer.http.post(SEND_SYNC, json={"payment_request": invoice})
    assert answer.status_code == 404
    assert answer.text == '{"code":5,"message":"Not Found","details":[]}'


async def test_since_0_21_the_singular_channel_is_an_unknown_field(payer: Lnd) -> None:
    answer = await payer.http.post(SEND, json={"outgoing_chan_id": "0"})
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


@pytest.mark.parametrize("profile", ["0.20"])
class TestSendPaymentSync:
    """What 0.21 removed (facts 4.4)."""

    async def test_it_pays(self, payer: Lnd, merchant: Lnd) -> None:
        invoice = await merchant.invoice(value=100)
        done = await payer.post(SEND_SYNC, payment_request=invoice)
        assert done["payment_error"] == ""
        preimage = base64.b64decode(done["payment_preimage"])
        assert sha256(preimage).digest() == base64.b64decode(done["payment_hash"])
        assert done["payment_route"]["total_fees_msat"] == "1000"

    async def test_failures_have_status_200_and_a_word(self, payer: Lnd, merchant: Lnd) -> None:
        invoice = await merchant.invoice(value=100)
        done = await payer.post(SEND_SYNC, payment_request=invoice, fee_limit={"fixed_msat": "1"})
        assert (done["payment_error"], done["payment_preimage"]) == ("no_route", "")
        much = await merchant.invoice(value=20_000_000)
        done = await payer.post(SEND_SYNC, payment_request=much)
        assert done["payment_error"] == "insufficient_balance"

    async def test_an_amount_for_an_invoice_that_has_one_is_passed_over(
        self, payer: Lnd, merchant: Lnd
    ) -> None:
        invoice = await merchant.invoice(value=100)
        done = await payer.post(SEND_SYNC, payment_request=invoice, amt="5")
        assert done["payment_route"]["total_amt"] == "101"

    async def test_what_is_no_invoice_fails_as_a_call(self, payer: Lnd) -> None:
        assert (await payer.refused(SEND_SYNC, payment_request="lnbcrt1x"))[:2] == (500, 2)

    async def test_the_singular_channel_is_known(self, payer: Lnd, merchant: Lnd) -> None:
        paid = await payer.send(await merchant.invoice(value=100), outgoing_chan_id="0")
        assert paid[-1]["status"] == "SUCCEEDED"

    async def test_the_final_delta_may_be_shorter(self, merchant: Lnd) -> None:
        await merchant.invoice(value=1, cltv_expiry=18)


async def test_since_0_21_the_final_delta_is_24_at_least(merchant: Lnd) -> None:
    assert (await merchant.refused("/v1/invoices", value=1, cltv_expiry=18))[:2] == (500, 2)
    await merchant.invoice(value=1, cltv_expiry=24)
