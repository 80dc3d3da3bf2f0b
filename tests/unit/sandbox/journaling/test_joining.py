"""Every step of a payment has its exchange, whichever rail says so (DESIGN 2.4)."""

from __future__ import annotations

from typing import Any

from sandbox.journaling import archive, complaints, join, records_of

HASH = "6b80" + "0" * 60
TX = "0x7e43" + "0" * 60
PARTS = {"pages", "entries", "version", "creator"}
REQUEST = {
    "method",
    "url",
    "httpVersion",
    "cookies",
    "headers",
    "queryString",
    "headersSize",
    "bodySize",
}
RESPONSE = {
    "status",
    "statusText",
    "httpVersion",
    "cookies",
    "headers",
    "content",
    "redirectURL",
    "headersSize",
    "bodySize",
}


def event(offset: int, rail: str, kind: str, exchange: str | None = None, **data: Any) -> Any:
    at_us = 1_767_225_600_000_000 + offset * 1_000
    return {
        "offset": offset,
        "at_us": at_us,
        "rail": rail,
        "kind": kind,
        "exchange": exchange,
        "data": data,
    }


def asked(offset: int, challenge: str, offer: str, **request: Any) -> Any:
    offers = [{"challenge": challenge, "offer": offer, "request": request}]
    told = {"method": "GET", "path": "/quote", "status": 402, "offers": offers}
    return event(offset, "sandbox", "exchange.challenged", f"ex-{offset}", **told)


def paid(offset: int, challenge: str, offer: str, **more: Any) -> Any:
    told = {"method": "GET", "path": "/quote", "challenge": challenge, "offer": offer, **more}
    return event(offset, "sandbox", "exchange.paid", f"ex-{offset}", **told)


def delivered(offset: int, exchange: str) -> Any:
    told = {"method": "GET", "path": "/quote", "status": 200}
    return event(offset, "sandbox", "exchange.delivered", exchange, **told)


def owners(events: list[Any]) -> list[tuple[str, ...]]:
    return [one.exchanges for one in join(events)]


def test_a_block_belongs_to_the_exchange_that_names_its_transaction_afterwards() -> None:
    events = [
        asked(1, "c1", "tempo/charge"),
        event(2, "sandbox", "fault.fired", at="tempo.submit", met={"hash": TX}),
        event(3, "tempo", "block.sealed", number=1, hash="0xb1", transactions=[TX]),
        paid(4, "c1", "tempo/charge", txHash=TX, reference=TX),
    ]
    assert owners(events) == [("ex-1",), ("ex-4",), ("ex-4",), ("ex-4",)]


def test_a_block_with_two_payments_is_a_step_of_both() -> None:
    other = TX[:-1] + "1"
    events = [
        event(1, "tempo", "block.sealed", number=1, transactions=[TX, other]),
        paid(2, "c1", "tempo/charge", txHash=TX),
        paid(3, "c2", "tempo/charge", txHash=other),
    ]
    assert owners(events)[0] == ("ex-2", "ex-3")
    assert join(events)[0].to_json()["exchanges"] == ["ex-2", "ex-3"]


def test_stripes_events_and_webhooks_are_tied_by_the_request_that_names_the_challenge() -> None:
    events = [
        event(1, "stripe", "charge.succeeded", event="evt_1", object="ch_1", request="req_1"),
        event(2, "stripe", "request.answered", request="req_1", object="pi_1", challenge_id="c1"),
        paid(3, "c1", "stripe/charge", reference="pi_1"),
        event(4, "stripe", "webhook.delivered", event="evt_1", delivery="dlv_1"),
        event(5, "stripe", "payout.paid", event="evt_2", object="po_1", request=None),
    ]
    assert owners(events) == [("ex-3",), ("ex-3",), ("ex-3",), ("ex-3",), ()]


def test_an_invoice_is_the_402s_and_its_htlcs_are_the_payments() -> None:
    request = {"methodDetails": {"paymentHash": HASH}}
    events = [
        event(1, "lightning", "invoice.created", payment_hash=f"0x{HASH}"),
        asked(2, "c1", "lightning/charge", **request),
        event(3, "lightning", "htlc.added", payment_hash=f"0x{HASH}"),
        paid(4, "c1", "lightning/charge", reference=HASH),
    ]
    assert owners(events) == [("ex-2",), ("ex-2",), ("ex-4",), ("ex-4",)]


def test_money_belongs_to_the_try_that_took_it_not_to_the_one_that_came_next() -> None:
    refused = paid(3, "c1", "tempo/charge", tx=TX) | {"kind": "exchange.refused"}
    events = [
        event(2, "tempo", "block.sealed", number=1, transactions=[TX]),
        refused,
        paid(5, "c1", "tempo/charge", txHash=TX),
    ]
    assert owners(events)[0] == ("ex-5",)
    assert owners(events[:2])[0] == ("ex-3",)


def test_a_challenges_id_leads_to_the_402_and_the_payment_and_their_steps() -> None:
    events = [
        asked(1, "c1", "tempo/charge"),
        event(2, "tempo", "block.sealed", number=1, transactions=[TX]),
        paid(3, "c1", "tempo/charge", txHash=TX),
        delivered(4, "ex-3"),
        asked(5, "c2", "x/y"),
    ]
    found = records_of(join(events), "c1")
    assert [one.event["offset"] for one in found] == [1, 2, 3, 4]


def test_an_archive_has_what_har_1_2_asks_for() -> None:
    receipt = "eyJtZXRob2QiOiJ0ZW1wbyJ9"
    events = [
        asked(1, "c1", "tempo/charge"),
        event(2, "tempo", "block.sealed", number=1, transactions=[TX]),
        paid(3, "c1", "tempo/charge", txHash=TX, receipt=receipt, query="a=1&b=", elapsed_us={}),
        delivered(4, "ex-3"),
    ]
    log = archive(join(events), base_url="http://127.0.0.1:8402")["log"]
    assert set(log) == PARTS
    assert log["version"] == "1.2"
    first, second = log["entries"]
    for entry in (first, second):
        assert {"startedDateTime", "time", "cache", "timings"} <= set(entry)
        assert set(entry["request"]) == REQUEST
        assert set(entry["response"]) == RESPONSE
        assert set(entry["timings"]) == {"send", "wait", "receive"}
        assert {name for name in entry if name.startswith("_")}
    assert (first["response"]["status"], second["response"]["status"]) == (402, 200)
    assert second["request"]["queryString"] == [
        {"name": "a", "value": "1"},
        {"name": "b", "value": ""},
    ]
    assert {"name": "Payment-Receipt", "value": receipt} in second["response"]["headers"]
    assert {"name": "Authorization", "value": "Payment [redacted]"} in second["request"]["headers"]
    assert [one["kind"] for one in second["_steps"]] == ["block.sealed"]


def test_money_without_an_answer_is_a_complaint_until_the_answer_comes() -> None:
    failed = {"method": "GET", "path": "/quote", "reason": "the client left", "paid": True}
    events = [
        paid(1, "c1", "tempo/charge", reference=TX),
        event(2, "sandbox", "exchange.failed", "ex-1", **failed),
    ]
    (told,) = complaints(events)
    assert (told.kind, told.exchange) == ("not-delivered", "ex-1")
    again = event(
        3,
        "sandbox",
        "exchange.delivered",
        "ex-3",
        method="GET",
        path="/quote",
        status=200,
        replayed=True,
        challenge="c1",
        offer="tempo/charge",
    )
    assert complaints([*events, again]) == []


def test_a_card_that_was_charged_for_nothing_is_a_complaint() -> None:
    events = [
        event(1, "stripe", "payment_intent.succeeded", event="e", object="pi_1", request="r1"),
        event(2, "stripe", "request.answered", request="r1", object="pi_1", challenge_id="c1"),
        paid(3, "c1", "stripe/charge", detail="unknown") | {"kind": "exchange.refused"},
    ]
    assert [one.kind for one in complaints(events)] == ["not-delivered"]
    assert (
        complaints([*events[:2], paid(3, "c1", "stripe/charge", reference="pi_1")])[0].kind
        == "not-delivered"
    )  # paid, and never answered
