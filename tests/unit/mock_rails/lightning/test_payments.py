"""Paying: LND's refusals, outcomes that come late, parts (facts: lightning 4.3, 5.3; 8)."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.lightning.bolt11 import decode, encode
from mock_rails.lightning.bolt11.invoice import PAYMENT_SECRET, VAR_ONION
from mock_rails.lightning.errors import ALREADY_EXISTS, LightningError, ResponseLostError
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.model import FailureReason, HtlcFailure, InvoiceState, PaymentStatus
from mock_rails.lightning.payments import PaymentRequest

if TYPE_CHECKING:
    from mock_rails.lightning.model import InvoiceRecord, Payment
    from mock_rails.lightning.rail import Lightning
    from tests.unit.mock_rails.lightning.conftest import MakeNetwork

HALVES = 8_000_000_000
"""More than one of the default network's channels carries."""


def invoice(rail: Lightning, amount_msat: int | None = 5_000, **more: Any) -> InvoiceRecord:
    return rail.node("merchant").create_invoice(InvoiceRequest(amount_msat, **more))


def start(rail: Lightning, text: str, payer: str = "payer", **how: Any) -> Payment:
    return rail.node(payer).start_payment(PaymentRequest(text, **how))


def arm(rail: Lightning, at: str, do: str, when: str = "always", **more: Any) -> None:
    rail.context.faults.arm({"at": f"lightning.{at}", "do": do, "when": when, **more})


# -- refusals, facts 8, check 3 -------------------------------------------------------------------


def test_an_invoice_is_paid_once(make_network: MakeNetwork) -> None:
    rail = make_network("pair")
    record = invoice(rail)
    assert start(rail, record.text).status is PaymentStatus.SUCCEEDED
    with pytest.raises(LightningError, match="invoice is already paid") as refusal:
        start(rail, record.text)
    assert refusal.value.grpc_code == ALREADY_EXISTS
    assert rail.node("merchant").balance_msat == 5_000_005_000


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"amount_msat": 5_000}, "amount must not be specified"),
        ({"timeout_s": 0}, "must be positive"),
        ({"max_parts": 0}, "must be positive"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused(
    how: dict[str, int], said: str, make_network: MakeNetwork
) -> None:
    rail = make_network("pair")
    with pytest.raises(LightningError, match=said):
        start(rail, invoice(rail).text, **how)
    assert list(rail.node("payer").payments()) == []


@pytest.mark.parametrize("amount", [None, 0, -5])
def test_an_invoice_without_amount_needs_one(amount: int | None, make_network: MakeNetwork) -> None:
    rail = make_network("pair")
    record = invoice(rail, None)
    with pytest.raises(LightningError, match="amount must be specified"):
        start(rail, record.text, amount_msat=amount)
    assert start(rail, record.text, amount_msat=7_000).amount_msat == 7_000


def test_other_texts_networks_and_ones_own_invoices_are_refused(make_network: MakeNetwork) -> None:
    rail, elsewhere = make_network("pair"), make_network("pair", network="mainnet")
    with pytest.raises(LightningError, match="prefix"):
        start(rail, "hello")
    with pytest.raises(LightningError, match="not for current active network 'regtest'"):
        start(rail, invoice(elsewhere).text)
    with pytest.raises(LightningError, match="self-payments not allowed"):
        start(rail, invoice(rail).text, payer="merchant")
    rail.network.node("payer").online = False
    with pytest.raises(LightningError, match="down"):
        start(rail, invoice(rail).text)


# -- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "do", "reason"),
    [
        ("pay", "no_route", "NO_ROUTE"),
        ("pay", "insufficient_balance", "INSUFFICIENT_BALANCE"),
        ("pay", "incorrect_details", "INCORRECT_PAYMENT_DETAILS"),
        ("pay", "timeout", "TIMEOUT"),
        ("htlc", "incorrect_details", "INCORRECT_PAYMENT_DETAILS"),
        ("forward", "fail", "NO_ROUTE"),
        ("forward", "unknown_next_peer", "NO_ROUTE"),
    ],
)
def test_armed_failures_have_lnds_words_and_move_nothing(
    point: str, do: str, reason: str, make_network: MakeNetwork
) -> None:
    rail = make_network("default")
    arm(rail, point, do)
    record = invoice(rail)
    payment = start(rail, record.text)
    assert payment.failure == f"FAILURE_REASON_{reason}"
    assert rail.node("payer").balance_msat == 10_000_000_000
    rail.context.faults.clear()
    assert start(rail, record.text).status is PaymentStatus.SUCCEEDED  # one that failed: again


def test_faults_are_aimed_by_memo_node_hash_and_call(make_network: MakeNetwork) -> None:
    """Facts 7.1.5."""
    rail = make_network("pair")
    arm(rail, "pay", "no_route", where={"memo": "tea"})
    assert start(rail, invoice(rail, description="tea").text).status == "FAILED"
    assert start(rail, invoice(rail, description="milk").text).status == "SUCCEEDED"
    wanted = invoice(rail)
    where = {"payment_hash": "0x" + wanted.payment_hash.hex(), "node": "merchant"}
    arm(rail, "htlc", "incorrect_details", where=where)
    assert start(rail, invoice(rail).text).status == "SUCCEEDED"
    assert start(rail, wanted.text).status == "FAILED"


def test_another_way_is_tried_after_a_temporary_failure(make_network: MakeNetwork) -> None:
    rail = make_network("default")
    arm(rail, "forward", "fail", "nth=1")
    payment = start(rail, invoice(rail).text)
    failed, arrived = payment.attempts
    assert (failed.failure, failed.failed_at) == (HtlcFailure.TEMPORARY_CHANNEL_FAILURE, 0)
    assert [hop.receiver for hop in failed.hops] == ["router1", "merchant"]
    assert [hop.receiver for hop in arrived.hops] == ["router2", "merchant"]
    assert payment.fee_msat == arrived.fee_msat == 2_000


def test_hops_without_money_end_in_no_route(make_network: MakeNetwork) -> None:
    rail = make_network("drained")
    payment = start(rail, invoice(rail).text)
    assert payment.failure is FailureReason.NO_ROUTE
    assert [one.failure for one in payment.attempts] == [HtlcFailure.TEMPORARY_CHANNEL_FAILURE] * 2
    assert rail.node("payer").balance_msat == 10_000_000_000


# -- late ends, facts 8, check 10 -----------------------------------------------------------------


async def test_a_timeout_is_no_end_and_the_payment_settles_later(
    make_network: MakeNetwork,
) -> None:
    rail = make_network("default")
    arm(rail, "htlc", "stuck_then_settle", "nth=1", args={"s": 300})
    record, payer, clock = invoice(rail), rail.node("payer"), rail.context.clock
    with rail.news.listening(("payments", "payer")):
        payment = start(rail, record.text, timeout_s=60)
    clock.advance(61)
    await rail.wait_for(payment, payment.deadline_us)
    assert payment.status is PaymentStatus.IN_FLIGHT
    with pytest.raises(LightningError, match="payment is in transition") as refusal:
        start(rail, record.text)
    assert refusal.value.grpc_code == ALREADY_EXISTS
    clock.advance(240)
    found = payer.payment(record.payment_hash)
    assert found is payment
    assert found.status is PaymentStatus.SUCCEEDED
    with pytest.raises(LightningError, match="already paid"):
        start(rail, record.text)
    assert payer.balance_msat == 10_000_000_000 - 6_000


def test_stuck_and_then_sent_back_after_the_timeout_is_a_timeout(
    make_network: MakeNetwork,
) -> None:
    rail = make_network("default")
    arm(rail, "htlc", "stuck_then_fail", "nth=1", args={"s": 300})
    payment = start(rail, invoice(rail).text, timeout_s=60)
    rail.context.clock.advance(300)
    rail.catch_up()
    assert payment.failure is FailureReason.TIMEOUT
    assert len(payment.attempts) == 1
    assert rail.node("payer").balance_msat == 10_000_000_000


def test_settled_late_is_late_for_the_payer_alone(make_network: MakeNetwork) -> None:
    rail = make_network("default")
    arm(rail, "htlc", "settle_late", args={"s": 300})
    record = invoice(rail)
    payment = start(rail, record.text)
    assert (record.state, payment.status) == (InvoiceState.SETTLED, PaymentStatus.IN_FLIGHT)
    assert rail.node("merchant").balance_msat == 10_000_005_000
    rail.context.clock.advance(300)
    rail.catch_up()
    assert payment.status is PaymentStatus.SUCCEEDED


def test_of_two_who_pay_at_once_one_wins(make_network: MakeNetwork) -> None:
    rail = make_network("hub", latency="realistic")
    record = invoice(rail)
    payments = [start(rail, record.text, payer) for payer in ("payer", "wallet")]
    assert [one.status for one in payments] == ["IN_FLIGHT"] * 2
    rail.context.clock.advance(3_000)
    rail.catch_up()
    assert sorted(one.status for one in payments) == ["FAILED", "SUCCEEDED"]
    assert rail.node("merchant").balance_msat == 5_000_005_000
    assert record.paid_msat == 5_000


async def test_an_answer_may_be_lost_after_the_payment(make_network: MakeNetwork) -> None:
    rail = make_network("pair")
    arm(rail, "pay", "lose_response")
    arm(rail, "invoice", "lose_response")
    with pytest.raises(ResponseLostError):
        await rail.node("merchant").make_invoice(InvoiceRequest(5_000))
    (record,) = rail.node("merchant").invoices()
    with pytest.raises(ResponseLostError):
        await rail.node("payer").pay(record.text)
    assert record.state is InvoiceState.SETTLED


async def test_followers_see_a_payment_to_its_end(make_network: MakeNetwork) -> None:
    rail = make_network("default", latency="realistic")
    payment = start(rail, invoice(rail).text)
    seen = []
    async with aclosing(rail.node("payer").follow_payment(payment.payment_hash)) as states:
        async for one in states:
            seen.append(one.status)
            rail.context.clock.advance(60)
            rail.catch_up()
    assert seen[0] == "IN_FLIGHT"
    assert seen[-1] == "SUCCEEDED"


def test_who_does_not_know_the_invoices_secret_is_told_nothing(make_network: MakeNetwork) -> None:
    """A hash alone pays nothing (facts 5.3): the secret is what only the invoice says."""
    rail = make_network("default")
    record = invoice(rail)
    forged = replace(decode(record.text), payment_secret=bytes(32))
    payment = start(rail, encode(forged, rail.network.node("merchant").key))
    assert payment.failure is FailureReason.INCORRECT_DETAILS
    assert payment.attempts[0].failure is HtlcFailure.INCORRECT_DETAILS
    assert record.state is InvoiceState.OPEN
    assert start(rail, record.text).status is PaymentStatus.SUCCEEDED


# -- parts ----------------------------------------------------------------------------------------


def test_what_one_channel_cannot_carry_goes_in_parts(make_network: MakeNetwork) -> None:
    rail = make_network("default")
    record = invoice(rail, HALVES)
    payment = start(rail, record.text)
    assert payment.status is PaymentStatus.SUCCEEDED
    assert [one.amount_msat for one in payment.alive] == [HALVES // 2] * 2
    assert payment.fee_msat == sum(one.fee_msat for one in payment.attempts)
    assert record.paid_msat == HALVES
    assert len(record.htlcs) == 2


def test_parts_are_not_made_where_they_are_not_allowed(make_network: MakeNetwork) -> None:
    rail = make_network("default")
    assert start(rail, invoice(rail, HALVES).text, max_parts=1).failure is FailureReason.NO_ROUTE
    # The payee's invoice must offer it (facts 3.3); bit 16 demands it and will do as well.
    record = invoice(rail, HALVES)
    for features, status in ((0, "FAILED"), (1 << 16, "SUCCEEDED")):
        plain = decode(record.text)
        fields = {name: getattr(plain, name) for name in plain.__dataclass_fields__}
        fields["features"] = VAR_ONION | PAYMENT_SECRET | features
        text = encode(type(plain)(**fields), rail.network.node("merchant").key)
        assert start(rail, text).status == status


def test_a_part_that_fails_is_sent_again_while_the_other_waits(make_network: MakeNetwork) -> None:
    shape = {
        "nodes": ["merchant", "payer", "a", "b", "c"],
        "channels": [
            {"between": [first, second], "capacity_sat": 10_000_000}
            for router in ("a", "b", "c")
            for first, second in (("payer", router), (router, "merchant"))
        ],
    }
    rail = make_network(shape)
    arm(rail, "forward", "unknown_next_peer", "nth=2")
    payment = start(rail, invoice(rail, HALVES).text)
    assert payment.status is PaymentStatus.SUCCEEDED
    assert [one.status for one in payment.attempts].count(PaymentStatus.FAILED) == 1
    assert len({one.hops[0].receiver for one in payment.attempts}) == 3


def test_the_fee_limit_is_one_for_all_parts(make_network: MakeNetwork) -> None:
    """Also for one that replaces another while the rest is under way."""
    shape = {
        "nodes": ["merchant", "payer", "a", "b", "c"],
        "channels": [
            {"between": [first, second], "capacity_sat": 10_000_000, "base_msat": fee, "ppm": 0}
            for router, fee in (("a", 100), ("b", 100), ("c", 900))
            for first, second in (("payer", router), (router, "merchant"))
        ],
    }
    for limit, status in ((199, "FAILED"), (999, "IN_FLIGHT"), (1_000, "SUCCEEDED")):
        rail = make_network(shape)
        arm(rail, "forward", "unknown_next_peer", "nth=2")
        payment = start(rail, invoice(rail, HALVES).text, fee_limit_msat=limit)
        assert payment.status == status
        rail.context.clock.advance(61)
        rail.catch_up()
        assert payment.failure is not FailureReason.NONE or payment.fee_msat == 1_000


def test_a_channel_that_is_short_may_carry_a_smaller_part(make_network: MakeNetwork) -> None:
    shape = {
        "nodes": ["merchant", "payer", "a"],
        "channels": [
            {"between": ["payer", "a"], "capacity_sat": 30_000_000},
            {"between": ["a", "merchant"], "capacity_sat": 10_000_000},
            {"between": ["a", "merchant"], "capacity_sat": 10_000_000},
        ],
    }
    rail = make_network(shape)
    payment = start(rail, invoice(rail, HALVES).text)
    assert payment.status is PaymentStatus.SUCCEEDED
    # Whole over each of the two, then halves, of which the second finds the first one's channel
    # empty: what is in flight elsewhere a payer learns by trying.
    assert [one.amount_msat for one in payment.attempts] == [HALVES] * 2 + [HALVES // 2] * 3
    assert [one.amount_msat for one in payment.alive] == [HALVES // 2] * 2


def test_parts_that_never_come_are_given_up_after_a_minute(make_network: MakeNetwork) -> None:
    """BOLT 4: the payee waits 60 s for the set."""
    rail = make_network("default")
    arm(rail, "htlc", "stuck_then_fail", "nth=2", args={"s": 600})
    payment = start(rail, invoice(rail, HALVES).text, timeout_s=30)
    rail.context.clock.advance(59)
    rail.catch_up()
    assert [one.status for one in payment.attempts] == ["IN_FLIGHT"] * 2
    rail.context.clock.advance(1)
    rail.catch_up()
    assert payment.attempts[0].failure is HtlcFailure.MPP_TIMEOUT
    assert payment.status is PaymentStatus.IN_FLIGHT  # the other one is still out
    rail.context.clock.advance(600)
    rail.catch_up()
    assert payment.failure is FailureReason.TIMEOUT
    assert rail.node("payer").balance_msat == 10_000_000_000


def test_small_amounts_are_not_split(make_network: MakeNetwork) -> None:
    """LND's smallest part is 10,000 satoshis."""
    shape = {
        "nodes": ["merchant", "payer"],
        "channels": [
            {"between": ["payer", "merchant"], "capacity_sat": 100_000, "local_sat": 10_000}
        ]
        * 2,
    }
    rail = make_network(shape)  # 9,000 sat over each
    assert start(rail, invoice(rail, 17_000_000).text).failure is FailureReason.NO_ROUTE
    assert start(rail, invoice(rail, 9_000_000).text).status is PaymentStatus.SUCCEEDED
