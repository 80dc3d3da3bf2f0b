"""Latency, keeping time, and states saved in the middle (facts: lightning 5.2; 8, check 11)."""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.core.clock import Clock
from mock_rails.core.errors import BadInput, ConservationError, SnapshotError
from mock_rails.core.rail import RailContext
from mock_rails.core.seeds import Seeds
from mock_rails.core.snapshot import canonical_bytes
from mock_rails.lightning.errors import LightningError
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.latency import REALISTIC, TIMES, Latency, Times
from mock_rails.lightning.model import PaymentStatus
from mock_rails.lightning.payments import PaymentRequest
from mock_rails.lightning.rail import Lightning
from mock_rails.lightning.settings import LightningSettings

if TYPE_CHECKING:
    from tests.unit.mock_rails.lightning.conftest import MakeNetwork


def buy(rail: Lightning, amount_msat: int = 5_000, **more: Any) -> Any:
    record = rail.node("merchant").create_invoice(InvoiceRequest(amount_msat, **more))
    return rail.node("payer").start_payment(PaymentRequest(record.text))


def story(seed: str) -> tuple[list[str], bytes]:
    """Payments with latency and faults: what the journal says, and the state in the middle."""
    context = RailContext.create(seed, Clock.frozen(1_767_225_600))
    rail = Lightning(context, LightningSettings(latency="realistic"))
    context.faults.arm({"at": "lightning.forward", "do": "fail", "when": "probability=1/3"})
    for amount_msat in (5_000, 8_000_000_000, 70_000):
        buy(rail, amount_msat)
        for _ in range(40):
            context.clock.advance(timedelta(milliseconds=150))
            rail.catch_up()
    return list(context.journal.lines()), canonical_bytes(rail.snapshot())


def test_one_seed_gives_one_story_to_the_byte() -> None:
    first = story("a")
    assert first == story("a")
    assert first != story("b")
    assert len(first[0]) > 20


def test_realistic_times_have_the_published_shapes() -> None:
    latency = Latency(replace(REALISTIC, slow_per_million=0), Seeds("shape"))
    hops = [latency.hop_us() for _ in range(2_000)]
    assert 99_000 < statistics.mean(hops) < 101_000
    assert 18_000 < statistics.stdev(hops) < 22_000
    payees = [latency.payee_us() - 1_000_000 for _ in range(4_000)]
    assert min(payees) >= 0
    assert 2_800_000 < statistics.mean(payees) < 3_200_000  # exponential, so is its deviation
    assert 2_700_000 < statistics.stdev(payees) < 3_300_000
    invoices = [latency.invoice_us() for _ in range(500)]
    assert 57_000 < statistics.median(invoices) < 63_000
    assert max(invoices) > 90_000
    assert 20_000 < min(invoices) < 40_000
    instant = Latency(TIMES["instant"], Seeds("shape"))
    assert instant.hop_us() == instant.payee_us() == instant.invoice_us() == instant.retry_us() == 0
    assert not instant.has_no_way()


def test_one_payment_of_a_hundred_is_slow_and_three_of_a_thousand_find_no_route() -> None:
    latency = Latency(replace(REALISTIC, payee_tail_us=0), Seeds("tail"))
    slow = [took for _ in range(20_000) if (took := latency.payee_us()) > 1_000_000]
    assert 150 < len(slow) < 250
    assert 9_000_000 <= min(slow) < max(slow) <= 31_000_000
    lost = sum(latency.has_no_way() for _ in range(20_000))
    assert 40 < lost < 80


def test_another_way_takes_a_moment_to_find(make_network: MakeNetwork) -> None:
    rail = make_network("default", times=Times(retry_us=300_000))
    rail.context.faults.arm({"at": "lightning.forward", "do": "fail", "when": "nth=1"})
    payment = buy(rail)
    assert payment.status is PaymentStatus.IN_FLIGHT
    rail.context.clock.advance(1)
    rail.catch_up()
    assert payment.status is PaymentStatus.SUCCEEDED
    first, second = payment.attempts
    assert second.created_us - first.created_us == 300_000


def test_a_payment_may_come_to_nothing_and_be_tried_again(make_network: MakeNetwork) -> None:
    rail = make_network("pair", times=Times(no_way_per_million=500_000))
    record = rail.node("merchant").create_invoice(InvoiceRequest(5_000))
    outcomes = []
    while PaymentStatus.SUCCEEDED not in outcomes:
        payment = rail.node("payer").start_payment(PaymentRequest(record.text))
        outcomes.append(payment.status)
    assert outcomes[:-1] == [PaymentStatus.FAILED] * (len(outcomes) - 1)
    assert rail.node("merchant").balance_msat == 5_000_005_000


def test_latency_passes_on_the_sandboxs_clock(make_network: MakeNetwork) -> None:
    rail = make_network("default", latency="realistic")
    payment = buy(rail)
    assert payment.status is PaymentStatus.IN_FLIGHT
    assert rail.node("payer").balance_msat == 10_000_000_000 - 6_000  # locked, and on its way
    assert rail.node("merchant").balance_msat == 10_000_000_000
    rail.context.clock.advance(3_600)
    assert rail.node("merchant").balance_msat == 10_000_005_000
    took_us = payment.attempts[0].resolved_us - payment.created_us
    assert 1_200_000 < took_us < 60_000_000  # it is over when it was, not when it was looked at


async def test_pay_waits_by_the_sandboxs_clock(make_network: MakeNetwork) -> None:
    rail = make_network("default", latency="realistic")
    record = rail.node("merchant").create_invoice(InvoiceRequest(5_000))
    paying = asyncio.ensure_future(rail.node("payer").pay(record.text))
    for _ in range(100):
        rail.context.clock.advance(1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert (await paying).status is PaymentStatus.SUCCEEDED


async def test_what_is_due_happens_by_itself_while_time_is_kept(make_network: MakeNetwork) -> None:
    rail = make_network("default", latency="realistic")
    keeping = asyncio.ensure_future(rail.keep_time())
    await asyncio.sleep(0)
    with rail.news.listening(("payments", "payer"), lambda one: one.status) as queue:
        buy(rail)
        assert await queue.get() == "IN_FLIGHT"
        for _ in range(300):
            rail.context.clock.advance(timedelta(milliseconds=200))
            for _ in range(5):
                await asyncio.sleep(0)
        assert queue.get_nowait() == "SUCCEEDED"
        rail.reset()
        buy(rail, 1_000)  # and after a reset, with what listened before
        assert await queue.get() == "IN_FLIGHT"
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping


async def test_making_an_invoice_takes_its_time_and_can_be_refused(
    make_network: MakeNetwork,
) -> None:
    rail = make_network("pair", latency="realistic")
    making = asyncio.ensure_future(rail.node("merchant").make_invoice(InvoiceRequest(1_000)))
    await asyncio.sleep(0)
    assert not making.done()
    rail.context.clock.advance(1)
    assert (await making).amount_msat == 1_000
    fault = {"at": "lightning.invoice", "do": "fail", "args": {"message": "closed"}}
    rail.context.faults.arm(fault)
    with pytest.raises(LightningError, match="closed"):
        await rail.node("merchant").make_invoice(InvoiceRequest(1_000))


async def test_an_invoice_that_hangs_hangs_until_it_is_called_off(
    make_network: MakeNetwork,
) -> None:
    rail = make_network("pair")
    rail.context.faults.arm({"at": "lightning.invoice", "do": "hang"})
    making = asyncio.ensure_future(rail.node("merchant").make_invoice(InvoiceRequest(1_000)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not making.done()
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert list(rail.node("merchant").invoices()) == []


# -- snapshots ------------------------------------------------------------------------------------


def test_payments_on_their_way_go_on_from_a_snapshot(make_network: MakeNetwork) -> None:
    rail, other = (make_network("default", latency="realistic") for _ in range(2))
    for amount_msat in (5_000, 8_000_000_000):
        buy(rail, amount_msat)
    for steps in range(12):
        rail.context.clock.advance(timedelta(milliseconds=70))
        rail.catch_up()
        document = rail.snapshot()
        other.restore(document)
        other.check_conservation()
        assert canonical_bytes(other.snapshot()) == canonical_bytes(document), steps
    other.context.seeds.restore(rail.context.seeds.snapshot())
    for one in (rail, other):
        one.context.clock.set_us(1_767_225_700 * 1_000_000)
        one.catch_up()
        states = [payment.status for payment in one.node("payer").payments()]
        assert states == [PaymentStatus.SUCCEEDED] * 2
    assert rail.digest() == other.digest()


def test_a_document_that_does_not_fit_changes_nothing(make_network: MakeNetwork) -> None:
    rail = make_network("default")
    buy(rail)
    buy(rail, payment_hash=bytes(32))
    document = rail.snapshot()
    before = canonical_bytes(document)

    def broken(**parts: Any) -> dict[str, Any]:
        return {**document, **parts}

    payment, channel = document["payments"][0], document["channels"][0]
    entry = document["agenda"][0]
    for one in (
        broken(network="mainnet"),
        broken(version=2),
        broken(nodes=[]),
        broken(channels=[]),
        broken(channels=[{**channel, "capacity_msat": "1"}]),
        broken(channels=[{**channel, "capacity_msat": True}]),
        broken(payments=[{**payment, "status": "LOST"}]),
        broken(payments=[{**payment, "node": "nobody"}]),
        broken(payments=[{**payment, "attempts": [{}]}]),
        broken(payments=[{**payment, "payment_hash": "zz"}]),
        broken(agenda=[{**entry, "what": "os.system"}]),
        broken(agenda=[{}]),
    ):
        with pytest.raises(SnapshotError):
            rail.restore(one)
        assert canonical_bytes(rail.snapshot()) == before


def test_money_that_does_not_add_up_is_noticed(make_network: MakeNetwork) -> None:
    rail = make_network("pair")
    document = rail.snapshot()
    document["channels"][0]["ends"][0]["balance_msat"] += 1
    rail.restore(document)
    with pytest.raises(ConservationError, match="5000000001"):
        rail.check_conservation()


def test_every_move_is_counted(make_network: MakeNetwork) -> None:
    network = make_network("pair").network
    (scid,) = network.channels
    network.lock(scid, "payer", 5)
    for wrong in (
        lambda: network.settle(scid, "payer", 6),
        lambda: network.fail(scid, "merchant", 5),
        lambda: network.lock(scid, "payer", 10**12),
    ):
        with pytest.raises(ConservationError):
            wrong()


@pytest.mark.parametrize(
    "settings", [{"network": "moon"}, {"latency": "slow"}, {"lnd_profile": "1"}]
)
def test_settings_that_are_none_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="is no"):
        LightningSettings(**settings)
