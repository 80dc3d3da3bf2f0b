"""Invoices: made, refused, paid, held, expired, forgotten (facts: lightning 4.3, 5.4)."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from mock_rails.lightning import invoices
from mock_rails.lightning.bolt11 import decode
from mock_rails.lightning.errors import NOT_FOUND, LightningError
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.model import FailureReason, HeldState, InvoiceState, PaymentStatus
from mock_rails.lightning.payments import PaymentRequest

if TYPE_CHECKING:
    from tests.unit.mock_rails.lightning.conftest import MakeNetwork

PREIMAGE = bytes(range(32))
HASH = sha256(PREIMAGE).digest()


def test_an_invoice_says_what_was_asked_for(make_network: MakeNetwork) -> None:
    node = make_network("pair").node("merchant")
    record = node.create_invoice(InvoiceRequest(21_000, "tea", expiry_s=600, preimage=PREIMAGE))
    read = decode(record.text)
    assert read.payment_hash == HASH == record.payment_hash
    assert (read.amount_msat, read.description, read.expiry_s) == (21_000, "tea", 600)
    assert (read.payee, read.min_final_cltv) == (node.pubkey, 80)
    assert node.invoice(HASH) is record
    assert [one.add_index for one in node.invoices()] == [1]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (InvoiceRequest(0), "negative value or of nothing"),
        (InvoiceRequest(-1), "negative value"),
        (InvoiceRequest(10**19), "too large"),
        (InvoiceRequest(1, "é" * 513), "memo too large"),
        (InvoiceRequest(1, "x" * 640), "at most 639 bytes"),
        (InvoiceRequest(1, expiry_s=0), "expiry must lie"),
        (InvoiceRequest(1, expiry_s=31_536_001), "expiry must lie"),
        (InvoiceRequest(1, preimage=b"short"), "preimage has 32 bytes"),
        (InvoiceRequest(1, payment_hash=b"short"), "payment hash has 32 bytes"),
        (InvoiceRequest(1, payment_hash=HASH, preimage=PREIMAGE), "cannot both"),
        (InvoiceRequest(1, description_hash=b"short"), "32 bytes"),
        (InvoiceRequest(1, min_final_cltv=23), "CLTV delta of 23"),
    ],
)
def test_what_lnd_refuses_is_refused(
    request_: InvoiceRequest, said: str, make_network: MakeNetwork
) -> None:
    node = make_network("pair").node("merchant")
    with pytest.raises(LightningError, match=said):
        node.create_invoice(request_)
    assert list(node.invoices()) == []


def test_the_older_lnd_takes_a_smaller_delta(make_network: MakeNetwork) -> None:
    node = make_network("pair", lnd_profile="0.20").node("merchant")
    node.create_invoice(InvoiceRequest(1, min_final_cltv=18))
    with pytest.raises(LightningError, match="CLTV delta of 17"):
        node.create_invoice(InvoiceRequest(1, min_final_cltv=17))


def test_a_hash_is_used_once_and_a_node_that_is_down_makes_none(make_network: MakeNetwork) -> None:
    rail = make_network("pair")
    node = rail.node("merchant")
    node.create_invoice(InvoiceRequest(1_000, preimage=PREIMAGE))
    with pytest.raises(LightningError, match="already exists"):
        node.create_invoice(InvoiceRequest(2_000, payment_hash=HASH))
    rail.network.node("merchant").online = False
    with pytest.raises(LightningError, match="down"):
        node.create_invoice(InvoiceRequest(1_000))


def test_ten_thousand_unpaid_invoices_leave_nothing(make_network: MakeNetwork) -> None:
    """A bearer call of a session leaves one each time (facts 2.1)."""
    rail = make_network("pair", expired_kept_s=60)
    node, clock = rail.node("merchant"), rail.context.clock
    kept = node.create_invoice(InvoiceRequest(1_000, expiry_s=86_400))
    for _ in range(10_000):
        node.create_invoice(InvoiceRequest(1_000, expiry_s=600))
    canceled = node.create_invoice(InvoiceRequest(1_000, expiry_s=600))
    node.cancel_invoice(canceled.payment_hash)
    clock.advance(600)
    states = {one.state for one in node.invoices()}
    assert states == {InvoiceState.OPEN, InvoiceState.CANCELED}
    clock.advance(60)
    assert list(node.invoices()) == [kept]
    assert len(rail.agenda.entries()) == 1  # the one that waits for the end of what was kept


def test_canceled_invoices_are_kept_to_a_number(make_network: MakeNetwork) -> None:
    """A shop whose sessions are used makes an invoice a request that nobody pays (facts 2.1): an
    hour of them is more than is kept."""
    rail = make_network("pair", payments_kept=10)
    node = rail.node("merchant")
    request = InvoiceRequest(1_000, expiry_s=60)
    made = [node.create_invoice(request).payment_hash for _ in range(30)]
    rail.context.clock.advance(60)
    assert [one.payment_hash for one in node.invoices()] == made[-10:]
    rail.restore(rail.snapshot())
    assert node.cancel_invoice(node.create_invoice(request).payment_hash).state == "CANCELED"
    assert [one.payment_hash for one in node.invoices()][:-1] == made[-9:]
    rail.context.clock.advance(3_660)
    assert list(node.invoices()) == []
    rail.check_conservation()


def test_what_is_forgotten_does_not_wait_for_its_time(
    make_network: MakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoices, "_SWEEP", 50)
    rail = make_network("pair", payments_kept=10)
    node = rail.node("merchant")
    for _ in range(49):
        node.cancel_invoice(node.create_invoice(InvoiceRequest(1_000)).payment_hash)
    assert len(rail.agenda.entries()) == 2 * 49
    node.create_invoice(InvoiceRequest(1_000))
    assert len(rail.agenda.entries()) == 10 + 1


def test_settled_invoices_are_kept_to_a_number(make_network: MakeNetwork) -> None:
    rail = make_network("pair", payments_kept=5)
    merchant, payer = rail.node("merchant"), rail.node("payer")
    for _ in range(12):
        payer.start_payment(PaymentRequest(merchant.create_invoice(InvoiceRequest(1_000)).text))
    assert [one.settle_index for one in merchant.invoices()] == [8, 9, 10, 11, 12]
    assert [one.index for one in payer.payments()] == [8, 9, 10, 11, 12]
    rail.restore(rail.snapshot())
    payer.start_payment(PaymentRequest(merchant.create_invoice(InvoiceRequest(1_000)).text))
    assert [one.settle_index for one in merchant.invoices()] == [9, 10, 11, 12, 13]


def test_settled_invoices_do_not_wait_for_their_end(
    make_network: MakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day of payments must not wait on the agenda for a day."""
    monkeypatch.setattr(invoices, "_SWEEP", 50)
    rail = make_network("pair")
    merchant, payer = rail.node("merchant"), rail.node("payer")
    unpaid = merchant.create_invoice(InvoiceRequest(1_000))
    for _ in range(120):
        record = merchant.create_invoice(InvoiceRequest(1_000))
        payer.start_payment(PaymentRequest(record.text))
    ends = [one.args[1] for one in rail.agenda.entries() if one.what == invoices.EXPIRE]
    assert unpaid.payment_hash.hex() in ends
    assert len(ends) < 50


def test_an_expired_invoice_can_be_paid_no_more(make_network: MakeNetwork) -> None:
    """Facts 8, check 3."""
    rail = make_network("pair")
    record = rail.node("merchant").create_invoice(InvoiceRequest(1_000, expiry_s=60))
    rail.context.clock.advance(60)
    with pytest.raises(LightningError, match=f"expired. Valid until {record.expires_at_s}"):
        rail.node("payer").start_payment(PaymentRequest(record.text))
    assert record.state is InvoiceState.CANCELED


def test_an_invoice_that_ends_while_it_is_being_paid_takes_nothing(
    make_network: MakeNetwork,
) -> None:
    rail = make_network("pair")
    rail.context.faults.arm({"at": "lightning.htlc", "do": "stuck_then_settle", "args": {"s": 61}})
    record = rail.node("merchant").create_invoice(InvoiceRequest(1_000, expiry_s=60))
    payment = rail.node("payer").start_payment(PaymentRequest(record.text))
    rail.context.clock.advance(61)
    rail.catch_up()
    assert payment.failure is FailureReason.INCORRECT_DETAILS
    assert rail.node("payer").balance_msat == 5_000_000_000


class TestHolding:
    """Facts 5.4: open, accepted, and then what its owner says."""

    def test_it_is_settled_with_the_preimage(self, make_network: MakeNetwork) -> None:
        rail = make_network("default")
        merchant, payer = rail.node("merchant"), rail.node("payer")
        record = merchant.create_invoice(InvoiceRequest(5_000, payment_hash=HASH))
        assert record.preimage is None
        with pytest.raises(LightningError, match="still open"):
            merchant.settle_invoice(PREIMAGE)
        payment = payer.start_payment(PaymentRequest(record.text))
        assert (record.state, payment.status) == ("ACCEPTED", "IN_FLIGHT")
        assert merchant.balance_msat == 10_000_000_000
        merchant.settle_invoice(PREIMAGE)
        assert (record.state, payment.status) == ("SETTLED", "SUCCEEDED")
        assert payment.preimage == PREIMAGE
        assert merchant.balance_msat == 10_000_005_000
        for again in (merchant.settle_invoice, lambda _: merchant.cancel_invoice(HASH)):
            with pytest.raises(LightningError, match="already settled"):
                again(PREIMAGE)

    def test_it_is_canceled_and_the_money_goes_back(self, make_network: MakeNetwork) -> None:
        rail = make_network("default")
        merchant, payer = rail.node("merchant"), rail.node("payer")
        record = merchant.create_invoice(InvoiceRequest(5_000, payment_hash=HASH))
        payment = payer.start_payment(PaymentRequest(record.text))
        rail.context.clock.advance(86_400)
        rail.catch_up()
        assert record.state is InvoiceState.ACCEPTED  # its time was for paying, not for holding
        merchant.cancel_invoice(HASH)
        merchant.cancel_invoice(HASH)  # once more is nothing
        assert payment.failure is FailureReason.INCORRECT_DETAILS
        assert payer.balance_msat == 10_000_000_000
        assert [one.state for one in record.htlcs] == [HeldState.CANCELED]
        with pytest.raises(LightningError, match="already canceled"):
            merchant.settle_invoice(PREIMAGE)
        rail.context.clock.advance(3_600)
        assert merchant.invoice(HASH) is None

    def test_nobody_else_pays_it_meanwhile(self, make_network: MakeNetwork) -> None:
        rail = make_network("hub")
        record = rail.node("merchant").create_invoice(InvoiceRequest(5_000, payment_hash=HASH))
        first = rail.node("payer").start_payment(PaymentRequest(record.text))
        second = rail.node("wallet").start_payment(PaymentRequest(record.text))
        assert (first.status, second.failure) == ("IN_FLIGHT", FailureReason.INCORRECT_DETAILS)

    def test_what_is_unknown_is_said_to_be(self, make_network: MakeNetwork) -> None:
        merchant = make_network("pair").node("merchant")
        for ask in (merchant.cancel_invoice, merchant.settle_invoice):
            with pytest.raises(LightningError, match="unable to locate invoice") as refusal:
                ask(HASH)
            assert refusal.value.grpc_code == NOT_FOUND


def test_less_than_asked_is_not_taken_and_more_up_to_twice_is(make_network: MakeNetwork) -> None:
    """BOLT 4. A payer cannot choose on an amounted invoice, so it is tried at the payee itself."""
    rail = make_network("pair")
    merchant, payer = rail.node("merchant"), rail.node("payer")
    for total, failure in ((9_999, True), (10_000, False), (20_000, False), (20_001, True)):
        record = merchant.create_invoice(InvoiceRequest(None))
        record.amount_msat = 10_000
        payment = payer.start_payment(PaymentRequest(record.text, amount_msat=total))
        assert (payment.status is PaymentStatus.FAILED) is failure
        assert record.paid_msat == (0 if failure else total)


async def test_followers_hear_of_each_state(make_network: MakeNetwork) -> None:
    rail = make_network("pair")
    merchant = rail.node("merchant")
    async with aclosing(merchant.follow_invoices()) as states:
        first = asyncio.ensure_future(anext(states))
        await asyncio.sleep(0)
        with rail.news.listening(("invoices", "merchant"), lambda one: one.state) as queue:
            record = merchant.create_invoice(InvoiceRequest(5_000, payment_hash=HASH))
            rail.node("payer").start_payment(PaymentRequest(record.text))
            merchant.settle_invoice(PREIMAGE)
            seen = [queue.get_nowait() for _ in range(queue.qsize())]
        assert seen == ["OPEN", "ACCEPTED", "SETTLED"]
        assert [await first, await anext(states), await anext(states)] == [record] * 3


def test_the_journal_tells_no_preimage(make_network: MakeNetwork) -> None:
    """Facts 7.1.7."""
    rail = make_network("default")
    record = rail.node("merchant").create_invoice(InvoiceRequest(5_000, preimage=PREIMAGE))
    rail.node("payer").start_payment(PaymentRequest(record.text))
    lines = list(rail.context.journal.lines())
    kinds = [one.kind for one in rail.context.journal.read()]
    assert kinds == [
        "invoice.created",
        "payment.started",
        "htlc.added",
        "htlc.added",
        "invoice.settled",
        "htlc.settled",
        "htlc.settled",
        "payment.succeeded",
    ]
    assert PREIMAGE.hex() not in "".join(lines)
