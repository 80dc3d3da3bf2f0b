"""What an answer says about the payment it was sent (facts, protocol 1.4, 1.5; 2.14, D5, D12)."""

from __future__ import annotations

import httpx
import pytest
from mpp import Receipt

from sandbox.client.errors import PaymentNotMadeError
from sandbox.client.outcome import (
    PaymentMade,
    PaymentNotMade,
    Verdict,
    judge,
    note,
    payment_of,
    read_problem,
    read_receipt,
)

BASE = "https://paymentauth.org/problems/"


def verdict(status: int, kind: str | None = None, intent: str = "charge") -> Verdict:
    problem = None if kind is None else {"type": kind}
    return judge(httpx.Response(status), problem, intent=intent)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (402, None),
        (402, BASE + "verification-failed"),
        (402, "urn:payment:error:expired"),  # D8
        (403, BASE + "verification-failed"),  # pympp, of a credential that was used (D5)
        (400, BASE + "method-unsupported"),
    ],
)
def test_refusals(status: int, kind: str | None) -> None:
    assert verdict(status, kind) is Verdict.REFUSED


@pytest.mark.parametrize("status", [200, 204, 302, 400, 403, 404, 422])
def test_the_applications_own_answers(status: int) -> None:
    assert verdict(status) is Verdict.TAKEN


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504])
def test_a_failure_without_a_receipt_says_nothing_about_a_charge(status: int) -> None:
    assert verdict(status) is Verdict.LOST


def test_a_voucher_survives_the_applications_failure_but_not_the_payments() -> None:
    assert verdict(500, intent="session") is Verdict.TAKEN
    assert verdict(503, intent="session") is Verdict.LOST
    assert verdict(500, BASE + "internal-payment-error", "session") is Verdict.LOST


def test_gone_is_a_channels_end_where_there_is_a_channel() -> None:
    assert verdict(410, intent="session") is Verdict.REFUSED
    assert verdict(410, BASE + "session/channel-not-found") is Verdict.REFUSED
    assert verdict(410) is Verdict.TAKEN


def test_a_request_in_progress_is_asked_again() -> None:
    assert verdict(409, "urn:mpp-sandbox:problem:idempotency-in-progress") is Verdict.LOST
    assert verdict(409, "urn:mpp-sandbox:problem:payment-in-progress") is Verdict.LOST


def test_a_receipt_settles_it() -> None:
    receipt = Receipt.success("0xab").to_payment_receipt()
    response = httpx.Response(500, headers={"Payment-Receipt": receipt})
    assert judge(response, None, intent="charge") is Verdict.TAKEN
    assert (read_receipt(response) or {})["reference"] == "0xab"


@pytest.mark.parametrize("text", ["", "!", "e30=x", "bm8", "W10", "A" * 20_000])
def test_a_receipt_that_cannot_be_read_is_none(text: str) -> None:
    assert read_receipt(httpx.Response(200, headers={"Payment-Receipt": text})) is None


def test_problems_are_json_objects_that_say_so() -> None:
    assert read_problem(httpx.Response(402, json={"type": "x"})) == {"type": "x"}
    assert read_problem(httpx.Response(402, json=["x"])) is None
    assert read_problem(httpx.Response(402, text='{"type": "x"}')) is None
    broken = {"Content-Type": "application/problem+json"}
    assert read_problem(httpx.Response(402, content=b"{", headers=broken)) is None


def test_the_outcome_stays_with_the_response() -> None:
    response = httpx.Response(200, extensions={"http_version": b"HTTP/2"})
    assert payment_of(response) is None
    made = PaymentMade("tempo/charge", "c", {"amount": "1"}, {"reference": "0x1"}, 1, "key")
    note(response, made)
    assert payment_of(response) is made
    assert response.extensions["http_version"] == b"HTTP/2"
    assert made.reference == "0x1"
    made.raise_if_unpaid()


def test_who_wants_an_error_gets_one_with_the_servers_words() -> None:
    refused = PaymentNotMade(
        "The server refused every payment.",
        offered=("tempo/charge",),
        problem={"type": BASE + "payment-insufficient", "detail": "It costs more."},
        attempts=3,
    )
    with pytest.raises(PaymentNotMadeError, match="It costs more") as error:
        refused.raise_if_unpaid()
    assert error.value.details["attempts"] == 3
