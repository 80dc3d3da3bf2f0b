"""Which way a payment goes, and what it costs (facts: lightning 5.1; 8, check 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.lightning.bolt11 import decode
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.model import FailureReason, PaymentStatus
from mock_rails.lightning.network import MOST_IN_FLIGHT
from mock_rails.lightning.payments import PaymentRequest

if TYPE_CHECKING:
    from mock_rails.lightning.model import Payment
    from mock_rails.lightning.rail import Lightning
    from tests.unit.mock_rails.lightning.conftest import MakeNetwork


def pay(rail: Lightning, amount_msat: int, *, payer: str = "payer", **how: Any) -> Payment:
    """Buy something from the merchant."""
    invoice = rail.node("merchant").create_invoice(InvoiceRequest(amount_msat))
    return rail.node(payer).start_payment(PaymentRequest(invoice.text, **how))


def channel(first: str, second: str, **fields: Any) -> dict[str, Any]:
    return {"between": [first, second], "capacity_sat": 10_000_000, **fields}


def network(*channels: dict[str, Any]) -> dict[str, Any]:
    names = sorted({name for one in channels for name in one["between"]})
    return {"nodes": names, "channels": list(channels)}


def via(payment: Payment) -> list[str]:
    return [hop.receiver for hop in payment.alive[0].hops]


def test_fees_are_computed_from_the_payee_backwards(make_network: MakeNetwork) -> None:
    rail = make_network(
        network(
            channel("payer", "a", base_msat=9_999, ppm=9_999),
            channel("a", "b", base_msat=1_000, ppm=2_500),
            channel("b", "merchant", base_msat=3, ppm=777),
        )
    )
    amount = 1_234_567
    last = 3 + amount * 777 // 1_000_000
    first = 1_000 + (amount + last) * 2_500 // 1_000_000
    before = {name: rail.node(name).balance_msat for name in rail.network.nodes}
    payment = pay(rail, amount)
    assert payment.status is PaymentStatus.SUCCEEDED
    assert payment.fee_msat == first + last  # and nothing for the payer's own channel
    moved = {name: rail.node(name).balance_msat - before[name] for name in before}
    assert moved == {"payer": -amount - first - last, "a": first, "b": last, "merchant": amount}


def test_expiries_add_up_from_the_payee_backwards(make_network: MakeNetwork) -> None:
    rail = make_network(
        network(channel("payer", "a"), channel("a", "merchant", cltv_delta=40)),
    )
    first, last = pay(rail, 5_000).alive[0].hops
    assert last.expiry - 840_000 == 80
    assert first.expiry - last.expiry == 40


@pytest.mark.parametrize(
    ("limit", "status"),
    [(None, "SUCCEEDED"), (0, "FAILED"), (1_999, "FAILED"), (2_000, "SUCCEEDED")],
)
def test_a_fee_limit_of_nothing_means_free_routes(
    limit: int | None, status: str, make_network: MakeNetwork
) -> None:
    """What sends aperture's refunds nowhere (facts 2.6.4)."""
    payment = pay(make_network("line"), 100_000, fee_limit_msat=limit)
    assert payment.status == status
    if status == "FAILED":
        assert payment.failure is FailureReason.NO_ROUTE
        assert payment.attempts == []


def test_a_direct_channel_is_free(make_network: MakeNetwork) -> None:
    payment = pay(make_network("pair"), 100_000, fee_limit_msat=0)
    assert (payment.status, payment.fee_msat) == ("SUCCEEDED", 0)


def test_the_cheapest_way_is_taken_and_the_shortest_of_equals(make_network: MakeNetwork) -> None:
    dear = network(
        channel("payer", "a"),
        channel("a", "merchant", base_msat=5_000),
        channel("payer", "b"),
        channel("b", "c", base_msat=10),
        channel("c", "merchant", base_msat=10),
    )
    assert via(pay(make_network(dear), 5_000)) == ["b", "c", "merchant"]
    equal = network(
        channel("payer", "b", base_msat=50_000),  # its own policy is nothing to the payer
        channel("b", "merchant", base_msat=0, ppm=0),
        channel("payer", "a"),
        channel("a", "c", base_msat=0, ppm=0),
        channel("c", "merchant", base_msat=0, ppm=0),
    )
    assert via(pay(make_network(equal), 5_000)) == ["b", "merchant"]


@pytest.mark.parametrize(
    ("fields", "amount", "reason"),
    [
        ({"disabled": True}, 5_000, "NO_ROUTE"),
        ({"min_htlc_msat": 5_001}, 5_000, "NO_ROUTE"),
        ({"max_htlc_msat": 4_999}, 5_000, "NO_ROUTE"),
        ({"max_htlc_msat": 0}, 5_000, "NO_ROUTE"),
        ({}, 999, "NO_ROUTE"),
        ({"local_sat": 0}, 5_000, "INSUFFICIENT_BALANCE"),
        ({"local_sat": 100_000}, 1_000, "INSUFFICIENT_BALANCE"),  # all of it is the reserve
    ],
)
def test_what_a_channel_does_not_take(
    fields: dict[str, Any], amount: int, reason: str, make_network: MakeNetwork
) -> None:
    rail = make_network(network(channel("payer", "merchant", **fields)))
    payment = pay(rail, amount)
    assert payment.failure == f"FAILURE_REASON_{reason}"


def test_the_reserve_stays(make_network: MakeNetwork) -> None:
    rail = make_network("pair")
    assert pay(rail, 4_900_000_001).failure is FailureReason.INSUFFICIENT_BALANCE
    assert pay(rail, 4_900_000_000).status is PaymentStatus.SUCCEEDED
    assert rail.node("payer").balance_msat == 100_000_000


def test_a_channel_carries_483_htlcs_and_no_more(make_network: MakeNetwork) -> None:
    rail = make_network("pair")
    for number in range(MOST_IN_FLIGHT):
        hashed = number.to_bytes(32)
        held = rail.node("merchant").create_invoice(InvoiceRequest(1_000, payment_hash=hashed))
        rail.node("payer").start_payment(PaymentRequest(held.text))
    assert pay(rail, 1_000).failure is FailureReason.NO_ROUTE
    rail.node("merchant").cancel_invoice(bytes(32))
    assert pay(rail, 1_000).status is PaymentStatus.SUCCEEDED


def test_parts_count_against_the_htlcs_in_flight_too(make_network: MakeNetwork) -> None:
    rail = make_network(network(channel("payer", "merchant", max_htlc_msat=100_000_000)))
    for number in range(MOST_IN_FLIGHT - 1):
        hashed = number.to_bytes(32)
        held = rail.node("merchant").create_invoice(InvoiceRequest(1_000, payment_hash=hashed))
        rail.node("payer").start_payment(PaymentRequest(held.text))
    assert pay(rail, 200_000_000).failure is FailureReason.NO_ROUTE


def test_a_private_channel_is_used_by_those_whose_invoice_names_it(
    make_network: MakeNetwork,
) -> None:
    rail = make_network(
        network(channel("payer", "a"), channel("a", "merchant", private=True, ppm=5_000))
    )
    assert pay(rail, 50_000).failure is FailureReason.NO_ROUTE
    hinted = rail.node("merchant").create_invoice(InvoiceRequest(50_000, private=True))
    payment = rail.node("payer").start_payment(PaymentRequest(hinted.text))
    assert (payment.status, payment.fee_msat) == ("SUCCEEDED", 1_250)
    assert pay(rail, 50_000, payer="a").status is PaymentStatus.SUCCEEDED  # its own channel
    rail.network.node("a").online = False
    asked = InvoiceRequest(50_000, private=True)
    unreachable = rail.node("merchant").create_invoice(asked)
    assert decode(unreachable.text).route_hints == ()  # LND names what is active


def test_a_node_that_is_down_is_gone_round(make_network: MakeNetwork) -> None:
    rail = make_network("default")
    rail.network.node("router1").online = False
    payment = pay(rail, 5_000)
    assert payment.status is PaymentStatus.SUCCEEDED
    assert via(payment) == ["router2", "merchant"]
    rail.network.node("router2").online = False
    assert pay(rail, 5_000).failure is FailureReason.NO_ROUTE


def test_a_node_pays_itself_round_a_circle_and_never_back_over_one_channel(
    make_network: MakeNetwork,
) -> None:
    payment = pay(make_network("default"), 5_000, payer="merchant", allow_self_payment=True)
    assert payment.status is PaymentStatus.SUCCEEDED
    assert sorted(via(payment)) == ["merchant", "payer", "router1", "router2"]
    alone = pay(make_network("pair"), 5_000, payer="merchant", allow_self_payment=True)
    assert alone.failure is FailureReason.NO_ROUTE
