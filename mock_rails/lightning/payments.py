"""Paying an invoice: checks, attempts, parts, and an end that may come late (facts 4.3, 5.3).

A payment's timeout stops new attempts and nothing else: HTLCs that are in flight go on, so what
looks like a failure may succeed minutes later. That state is called in flight here, whatever a
client makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from mock_rails.lightning import faults, routing
from mock_rails.lightning.bolt11 import Bolt11, Bolt11Error, decode
from mock_rails.lightning.bolt11.invoice import MULTI_PART
from mock_rails.lightning.errors import ALREADY_EXISTS, UNAVAILABLE, LightningError
from mock_rails.lightning.model import (
    Attempt,
    Avoided,
    FailureReason,
    HtlcFailure,
    Payment,
    PaymentStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mock_rails.core.faults import Faults
    from mock_rails.core.journal import Journal
    from mock_rails.lightning.agenda import Agenda
    from mock_rails.lightning.invoices import Invoices
    from mock_rails.lightning.latency import Latency
    from mock_rails.lightning.model import Hop
    from mock_rails.lightning.network import Network
    from mock_rails.lightning.news import News
    from mock_rails.lightning.settings import LightningSettings
    from mock_rails.lightning.travel import Travel

DEFAULT_TIMEOUT_S: Final = 60
DEFAULT_PARTS: Final = 16
TIME_OUT: Final = "payment.time_out"

LEAST_PART_MSAT: Final = 10_000_000
"""Smaller parts are not made by splitting, as LND has it: 10,000 satoshis."""

_US: Final = 1_000_000
_SLACK: Final = 16
_REASONS: Final = {
    "no_route": FailureReason.NO_ROUTE,
    "insufficient_balance": FailureReason.INSUFFICIENT_BALANCE,
    "incorrect_details": FailureReason.INCORRECT_DETAILS,
    "timeout": FailureReason.TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What somebody asks a node to pay."""

    invoice: str
    amount_msat: int | None = None
    """For invoices that name none."""
    fee_limit_msat: int | None = None
    """None for any fee; 0 for free routes only, as LND has it."""
    timeout_s: int = DEFAULT_TIMEOUT_S
    max_parts: int = DEFAULT_PARTS
    allow_self_payment: bool = False


class Payments:
    """The payments of all nodes, by node and payment hash."""

    def __init__(
        self,
        network: Network,
        invoices: Invoices,
        travel: Travel,
        agenda: Agenda,
        latency: Latency,
        fault_plan: Faults,
        journal: Journal,
        news: News,
        settings: LightningSettings,
    ) -> None:
        self.records: dict[tuple[str, bytes], Payment] = {}
        self._network = network
        self._invoices = invoices
        self._travel = travel
        self._agenda = agenda
        self._latency = latency
        self._faults = fault_plan
        self._journal = journal
        self._news = news
        self._settings = settings
        travel.ended = self._attempt_ended

    # -- beginning --------------------------------------------------------------------------------

    def start(self, node_name: str, request: PaymentRequest) -> Payment:
        """Begin to pay, or raise what LND says of a request that it does not begin."""
        node = self._network.node(node_name)
        if not node.online:
            raise LightningError(f"the node {node_name} is down", UNAVAILABLE)
        invoice, amount_msat = self._checked(node_name, request)
        before = self.records.get((node_name, invoice.payment_hash))
        if before is not None and before.status is PaymentStatus.SUCCEEDED:
            raise LightningError("invoice is already paid", ALREADY_EXISTS)
        if before is not None and before.status is PaymentStatus.IN_FLIGHT:
            raise LightningError("payment is in transition", ALREADY_EXISTS)
        node.payment_index += 1
        now_us = self._agenda.now_us()
        payment = Payment(
            node=node_name,
            payment_hash=invoice.payment_hash,
            invoice=invoice.text,
            amount_msat=amount_msat,
            fee_limit_msat=request.fee_limit_msat,
            created_us=now_us,
            deadline_us=now_us + request.timeout_s * _US,
            max_parts=request.max_parts if invoice.has(MULTI_PART) else 1,
            index=node.payment_index,
            allow_self=request.allow_self_payment,
        )
        self._remember(payment)
        self._tell("payment.started", payment)
        self._begin(payment, invoice)
        return payment

    def _checked(self, node_name: str, request: PaymentRequest) -> tuple[Bolt11, int]:
        """The invoice and the amount, in the order of LND's own checks."""
        try:
            invoice = decode(request.invoice)
        except Bolt11Error as error:
            raise LightningError(error.detail) from None
        network = self._settings.network
        if invoice.network != network:
            raise LightningError(f"invoice not for current active network '{network}'")
        if self._agenda.now_s() >= invoice.expires_at_s:
            raise LightningError(f"invoice expired. Valid until {invoice.expires_at_s}")
        if invoice.amount_msat is None:
            if not request.amount_msat or request.amount_msat < 0:
                raise LightningError("amount must be specified when paying a zero amount invoice")
            amount_msat = request.amount_msat
        else:
            if request.amount_msat:
                raise LightningError(
                    "amount must not be specified when paying a non-zero amount invoice"
                )
            amount_msat = invoice.amount_msat
        own = self._network.node(node_name).pubkey == invoice.payee
        if own and not request.allow_self_payment:
            raise LightningError("self-payments not allowed")
        if request.timeout_s <= 0 or request.max_parts < 1:
            raise LightningError("timeout_seconds and max_parts must be positive")
        return invoice, amount_msat

    def _begin(self, payment: Payment, invoice: Bolt11) -> None:
        fault = self._faults.check(
            faults.PAY,
            node=payment.node,
            payment_hash=payment.payment_hash,
            memo=invoice.description,
            amount_msat=payment.amount_msat,
        )
        if fault is not None and fault.do in _REASONS:
            self._fail(payment, _REASONS[fault.do])
            return
        payment.loses_response = fault is not None
        if self._latency.has_no_way():
            self._fail(payment, FailureReason.NO_ROUTE)
            return
        self._agenda.add(payment.deadline_us, TIME_OUT, payment.node, payment.payment_hash.hex())
        self._go_on(payment, invoice)

    def _remember(self, payment: Payment) -> None:
        key = (payment.node, payment.payment_hash)
        self.records.pop(key, None)  # one that failed may be tried again
        self.records[key] = payment
        most = self._settings.payments_kept
        if len(self.records) > most + most // _SLACK:
            self._forget_oldest(len(self.records) - most)

    def _forget_oldest(self, count: int) -> None:
        """Many at once: looking for the oldest costs as much as forgetting them."""
        over = (
            key for key, one in self.records.items() if one.status is not PaymentStatus.IN_FLIGHT
        )
        for key in list(islice(over, count)):
            del self.records[key]

    # -- looking ----------------------------------------------------------------------------------

    def find(self, node: str, payment_hash: bytes) -> Payment | None:
        """A node's payment of that hash."""
        return self.records.get((node, payment_hash))

    def of_node(self, node: str) -> Iterator[Payment]:
        """A node's payments, in their order."""
        return (one for (name, _), one in self.records.items() if name == node)

    # -- going on ---------------------------------------------------------------------------------

    def time_out(self, node: str, payment_hash: str) -> None:
        """The payment's time is over: nothing new is tried."""
        payment = self.find(node, bytes.fromhex(payment_hash))
        if payment is None or payment.status is not PaymentStatus.IN_FLIGHT:
            return
        if self._agenda.now_us() >= payment.deadline_us and not payment.in_flight:
            self._fail(payment, FailureReason.TIMEOUT)

    def _go_on(self, payment: Payment, invoice: Bolt11 | None = None) -> None:
        """Send what is neither sent nor arrived, in one part or several."""
        missing_msat = payment.amount_msat - sum(one.amount_msat for one in payment.alive)
        if self._agenda.now_us() >= payment.deadline_us:
            self._give_up(payment, FailureReason.TIMEOUT)
            return
        invoice = invoice or decode(payment.invoice)
        parts = self._plan(payment, invoice, missing_msat)
        if not parts:
            self._give_up(payment, self._why_not(payment, missing_msat))
            return
        for amount_msat, hops in parts:
            self._launch(payment, amount_msat, invoice.payment_secret, hops)
        self._news.tell(("payment", payment.node, payment.payment_hash), payment)

    def _give_up(self, payment: Payment, reason: FailureReason) -> None:
        """Try nothing new; it is over when nothing is in flight any more."""
        if payment.failure is FailureReason.NONE:
            payment.failure = reason
        if payment.in_flight:
            self._news.tell(("payment", payment.node, payment.payment_hash), payment)
        else:
            self._fail(payment, payment.failure)

    def _plan(
        self, payment: Payment, invoice: Bolt11, missing_msat: int
    ) -> list[tuple[int, tuple[Hop, ...]]]:
        """Routes for all that is missing, in as few parts as possible; nothing if there are none
        within the limits."""
        count = 1
        spare = payment.max_parts - len(payment.in_flight)
        while count <= spare and (count == 1 or missing_msat // count >= LEAST_PART_MSAT):
            parts = self._split(payment, invoice, missing_msat, count)
            if parts:
                return parts
            count *= 2
        return []

    def _split(
        self, payment: Payment, invoice: Bolt11, missing_msat: int, count: int
    ) -> list[tuple[int, tuple[Hop, ...]]]:
        payee = self._network.by_pubkey.get(invoice.payee)
        if payee is None:
            return []
        budget_msat = payment.fee_limit_msat
        if budget_msat is not None:
            budget_msat -= sum(one.fee_msat for one in payment.alive)
        reserved: dict[int, list[int]] = {}
        parts: list[tuple[int, tuple[Hop, ...]]] = []
        for place in range(count):
            amount_msat = missing_msat * (place + 1) // count - missing_msat * place // count
            wish = routing.Wish(
                payment.node, payee, amount_msat, invoice, payment.avoided, reserved
            )
            hops = routing.find(self._network, wish)
            if hops is None:
                return []
            fee_msat = hops[0].amount_msat - amount_msat
            if budget_msat is not None:
                budget_msat -= fee_msat
                if budget_msat < 0:
                    return []
            first = hops[0]
            reserved.setdefault(first.scid, []).append(first.amount_msat)
            parts.append((amount_msat, hops))
        return parts

    def _launch(
        self, payment: Payment, amount_msat: int, payment_secret: bytes, hops: Sequence[Hop]
    ) -> None:
        self._travel.count += 1
        attempt = Attempt(
            id=self._travel.count,
            payer=payment.node,
            payment_hash=payment.payment_hash,
            amount_msat=amount_msat,
            total_msat=payment.amount_msat,
            payment_secret=payment_secret,
            hops=tuple(hops),
            created_us=self._agenda.now_us(),
        )
        payment.attempts.append(attempt)
        self._travel.launch(attempt)

    def _why_not(self, payment: Payment, missing_msat: int) -> FailureReason:
        """The word for having found no route."""
        if self._network.spendable_msat(payment.node) < missing_msat:
            return FailureReason.INSUFFICIENT_BALANCE
        return FailureReason.NO_ROUTE

    def _attempt_ended(self, attempt: Attempt) -> None:
        payment = self.records[attempt.payer, attempt.payment_hash]
        if attempt.status is PaymentStatus.SUCCEEDED:
            assert attempt.preimage is not None
            assert sha256(attempt.preimage).digest() == payment.payment_hash
            payment.preimage = attempt.preimage
        if payment.preimage is not None:
            self._one_came_through(payment)
        elif attempt.failure is HtlcFailure.INCORRECT_DETAILS:
            self._give_up(payment, FailureReason.INCORRECT_DETAILS)
        elif attempt.failure is HtlcFailure.MPP_TIMEOUT:
            self._give_up(payment, FailureReason.TIMEOUT)
        elif payment.failure is not FailureReason.NONE:
            self._give_up(payment, payment.failure)
        else:
            self._avoid(payment, attempt)
            self._go_on(payment)

    def _one_came_through(self, payment: Payment) -> None:
        """The payee takes all parts or none, so that the others follow."""
        if payment.in_flight:
            self._news.tell(("payment", payment.node, payment.payment_hash), payment)
        else:
            self._finish(payment, PaymentStatus.SUCCEEDED, FailureReason.NONE)

    def _avoid(self, payment: Payment, attempt: Attempt) -> None:
        """Do not try again what an attempt ran into: the hop after the one that sent it back. A
        channel that is short of money may have enough for a smaller part."""
        at = min(attempt.failed_at + 1, len(attempt.hops) - 1)
        hop = attempt.hops[at]
        short = attempt.failure is HtlcFailure.TEMPORARY_CHANNEL_FAILURE
        from_msat = hop.amount_msat if short else 0
        payment.avoided.append(Avoided(hop.scid, hop.sender, from_msat))

    def _fail(self, payment: Payment, reason: FailureReason) -> None:
        self._finish(payment, PaymentStatus.FAILED, reason)

    def _finish(self, payment: Payment, status: PaymentStatus, reason: FailureReason) -> None:
        payment.status, payment.failure = status, reason
        self._tell(f"payment.{status.lower()}", payment)

    def _tell(self, kind: str, payment: Payment) -> None:
        data: dict[str, Any] = {
            "node": payment.node,
            "payment_hash": payment.payment_hash,
            "amount_msat": payment.amount_msat,
            "fee_msat": payment.fee_msat,
        }
        if payment.failure is not FailureReason.NONE:
            data["failure"] = payment.failure
        self._journal.append("lightning", kind, data)
        self._news.tell(("payment", payment.node, payment.payment_hash), payment)
        self._news.tell(("payments", payment.node), payment)
