"""An exchange read from the gate's events: how far it came and what it cost."""

from __future__ import annotations

import base64

import pytest

from sandbox.inspection import Finding, Kind, Outcome, Verdict, read_exchange, render
from tests.unit.sandbox.inspection import events


def test_a_402_asks_for_its_first_offers_price() -> None:
    found = read_exchange([events.asked(1)])
    assert found.outcome is Outcome.CHALLENGED
    assert found.price == (10_000, events.TOKEN)
    assert found.method_and_intent == "tempo/charge"
    assert found.checks == ()


def test_a_paid_and_delivered_charge() -> None:
    found = read_exchange([events.paid(3), events.delivered(4, of=3)])
    assert (found.id, found.outcome, found.status) == ("ex-3", Outcome.DELIVERED, 200)
    assert found.price == (10_000, events.TOKEN)
    assert found.tx_hash == events.TX
    assert found.channel is None
    assert found.elapsed_us == 50 + 334 + 4_000 + 300
    assert {check.verdict for check in found.checks} == {Verdict.PASSED}


@pytest.mark.parametrize(
    ("action", "words"),
    [("open", "opened, paid"), ("voucher", "paid"), ("topUp", "topped up"), ("close", "closed")],
)
def test_a_session_says_what_its_credential_did(action: str, words: str) -> None:
    found = read_exchange([events.voucher(3, action), events.delivered(4, of=3)])
    assert found.words == words
    assert found.channel == events.CHANNEL


def test_checks_after_the_one_that_failed_were_skipped() -> None:
    found = read_exchange([events.refused(5, "route", {"route": "/report"}, {"route": "/quote"})])
    verdicts = [check.verdict for check in found.checks]
    at = verdicts.index(Verdict.FAILED)
    assert found.checks[at].name == "route"
    assert set(verdicts[:at]) == {Verdict.PASSED}
    assert set(verdicts[at + 1 :]) == {Verdict.SKIPPED}
    assert found.outcome is Outcome.REFUSED
    assert found.price is None


def test_an_outcome_that_nobody_knows_is_no_refusal() -> None:
    found = read_exchange([events.refused(5, "payment", None, None, unknown=True, status=500)])
    assert found.outcome is Outcome.UNKNOWN


def test_paid_and_not_delivered() -> None:
    failed = events.event(4, "exchange.failed", "ex-3", status=500, reason="it raised", paid=True)
    found = read_exchange([events.paid(3), failed])
    assert (found.outcome, found.reason) == (Outcome.FAILED, "it raised")


def test_a_replayed_answer_costs_nothing() -> None:
    again = events.event(4, "exchange.delivered", "ex-4", status=200, replayed=True)
    found = read_exchange([again])
    assert (found.outcome, found.price) == (Outcome.REPLAYED, None)


def test_headers_and_the_receipt_are_decoded() -> None:
    event = events.paid(3)
    receipt = base64.urlsafe_b64encode(b'{"status":"success"}').decode().rstrip("=")
    headers = {"challenge": {"realm": "here"}, "payload": {"type": "transaction"}}
    event["data"] |= {"receipt": receipt, "headers": headers}
    found = read_exchange([event])
    assert found.receipt == {"status": "success"}
    assert found.headers == headers
    shown = render(Finding(Kind.EXCHANGE, "ex-3", (found,), (), ()))
    for words in ("realm: here", "type: transaction", "status: success"):
        assert words in shown


@pytest.mark.parametrize("header", [None, 5, "?", "bm8", "WzFd"])
def test_a_receipt_that_is_none_is_left_out(header: object) -> None:
    event = events.paid(3)
    event["data"] |= {"receipt": header}
    assert read_exchange([event]).receipt is None
