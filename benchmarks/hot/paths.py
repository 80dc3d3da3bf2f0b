"""The hot paths: what every paid request or payment goes through, as batches of calls.

A path makes a fresh batch for every round, since most payments can be made only once. Clocks stand
still: a session's server looks at the chain again every few seconds, which is not what is timed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from benchmarks.micro.payments import transaction, transfer_call
from benchmarks.micro.session import stages
from benchmarks.micro.session.our_server import session_world
from benchmarks.micro.session.world import PATH
from mock_rails.core.clock import Clock
from mock_rails.core.rail import RailContext
from mock_rails.lightning.bolt11 import decode, encode
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.payments import PaymentRequest
from mock_rails.lightning.rail import Lightning
from mock_rails.tempo.genesis import dev_accounts
from mock_rails.tempo.rail import Chain
from mock_rails.tempo.tx.sign import sign_transaction
from sandbox.server.request import PaidRequest
from sandbox.server.route import binding

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    Batch = list[Callable[[], object]]

BATCH: Final = 100
"""Calls of a round."""
_NOW_S: Final = 1_767_225_600
_KEY: Final = bytes(range(1, 33))
_ASKED: Final = InvoiceRequest(amount_msat=20_000, description="one page")


def session_requests() -> Iterator[Batch]:
    """A session-paid request through the whole gate, no network."""
    world = asyncio.run(session_world(Clock.frozen(_NOW_S)))
    authorised = 0
    while True:
        paid = stages.paying_credentials(world, BATCH, authorised=authorised)
        authorised += BATCH
        texts = [one.to_authorization() for one in paid]
        yield [_driven(stages.sending(world.gate, stages.http_scope(text))) for text in texts]


def voucher_checks() -> Iterator[Batch]:
    """The echoed challenge and the voucher's signature."""
    world = asyncio.run(session_world(Clock.frozen(_NOW_S)))
    paid = stages.paying_credentials(world, BATCH)
    while True:
        yield [stages.verifying(world.challenges, one) for one in paid]


def credential_reads() -> Iterator[Batch]:
    """An Authorization header, read."""
    world = asyncio.run(session_world(Clock.frozen(_NOW_S)))
    texts = [one.to_authorization() for one in stages.paying_credentials(world, BATCH)]
    while True:
        yield [stages.parsing(text) for text in texts]


def challenges_issued() -> Iterator[Batch]:
    """A 402's challenge, made and signed."""
    world = asyncio.run(session_world(Clock.frozen(_NOW_S)))
    bound = binding(world.offer, PaidRequest(stages.http_scope()))
    while True:
        yield [lambda: world.challenges.issue(world.offer, scope=bound)] * BATCH


def chain_payments() -> Iterator[Batch]:
    """A signed TIP-20 payment, decoded, executed and sealed."""
    chain, sender, nonce = (
        Chain(RailContext.create("hot", Clock.frozen(_NOW_S))),
        dev_accounts()[0],
        0,
    )
    while True:
        batch = [transaction(nonce + number, transfer_call()) for number in range(BATCH)]
        nonce += BATCH
        yield [_sent(chain, sign_transaction(one, sender.key).raw) for one in batch]


def lightning_payments() -> Iterator[Batch]:
    """A payment over two hops, from the invoice's text to the preimage."""
    rail = _lightning()
    merchant, payer = rail.node("merchant"), rail.node("payer")
    while True:
        texts = [merchant.create_invoice(_ASKED).text for _ in range(BATCH)]
        yield [_paid(payer, text) for text in texts]


def invoices_made() -> Iterator[Batch]:
    """An invoice of the merchants' node."""
    merchant = _lightning().node("merchant")
    while True:
        yield [lambda: merchant.create_invoice(_ASKED)] * BATCH


def invoices_read() -> Iterator[Batch]:
    """An invoice's text, decoded and its signature checked."""
    text = _lightning().node("merchant").create_invoice(_ASKED).text
    while True:
        yield [lambda: decode(text)] * BATCH


def invoices_written() -> Iterator[Batch]:
    """An invoice, encoded and signed."""
    invoice = decode(_lightning().node("merchant").create_invoice(_ASKED).text)
    while True:
        yield [lambda: encode(invoice, _KEY)] * BATCH


PATHS: Final[dict[str, Callable[[], Iterator[Batch]]]] = {
    f"GET {PATH}, session-paid": session_requests,
    "voucher checked": voucher_checks,
    "credential read": credential_reads,
    "challenge issued": challenges_issued,
    "TIP-20 payment": chain_payments,
    "Lightning payment": lightning_payments,
    "invoice made": invoices_made,
    "BOLT 11 read": invoices_read,
    "BOLT 11 written": invoices_written,
}


def _lightning() -> Lightning:
    return Lightning(RailContext.create("hot", Clock.frozen(_NOW_S)))


def _sent(chain: Chain, raw: bytes) -> Callable[[], object]:
    def send() -> None:
        receipt = chain.send(raw)
        assert receipt is not None
        assert receipt.status == 1

    return send


def _paid(payer: Any, text: str) -> Callable[[], object]:
    return lambda: payer.start_payment(PaymentRequest(text))


def _driven(call: Callable[[], Awaitable[object]]) -> Callable[[], object]:
    """Run a coroutine that waits for nobody, without a loop: the loop is not what is timed."""

    def drive() -> None:
        try:
            call().__await__().send(None)
        except StopIteration:
            return
        raise AssertionError("a request in memory waits for somebody")

    return drive
