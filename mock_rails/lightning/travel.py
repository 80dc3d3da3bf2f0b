"""How an HTLC travels: locked hop by hop to the payee, settled or sent back hop by hop (facts 5.1).

Each step is an entry of the agenda, also where it takes no time, so that a payment in the middle of
its route can be saved, and one that is stuck stays stuck until its time comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.lightning import faults, routing
from mock_rails.lightning.model import Attempt, HtlcFailure, PaymentStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_rails.core.faults import Faults
    from mock_rails.core.journal import Journal
    from mock_rails.lightning.agenda import Agenda
    from mock_rails.lightning.invoices import Invoices
    from mock_rails.lightning.latency import Latency
    from mock_rails.lightning.model import Hop
    from mock_rails.lightning.network import Network

ARRIVE: Final = "htlc.arrive"
RECEIVE: Final = "htlc.receive"
SETTLE: Final = "htlc.settle"
FAIL: Final = "htlc.fail"

_US: Final = 1_000_000
_STUCK_S: Final = 120


class Travel:
    """The HTLCs on their way."""

    def __init__(
        self,
        network: Network,
        invoices: Invoices,
        agenda: Agenda,
        latency: Latency,
        fault_plan: Faults,
        journal: Journal,
    ) -> None:
        self.attempts: dict[int, Attempt] = {}
        """Those that nobody knows the end of."""
        self.count = 0
        self._network = network
        self._invoices = invoices
        self._agenda = agenda
        self._latency = latency
        self._faults = fault_plan
        self._journal = journal
        self.ended: Callable[[Attempt], None]
        """Told of each attempt that is over; the payments set it."""
        invoices.settle = self.settle_from_payee
        invoices.send_back = self._send_back_from_payee
        invoices.attempt = self.attempts.__getitem__

    def launch(self, attempt: Attempt) -> None:
        """Lock the first hop; the caller has found that it can be."""
        self.attempts[attempt.id] = attempt
        self._lock(attempt, 0)

    def arrive(self, attempt_id: int, at: int) -> None:
        """An HTLC has reached the receiver of a hop."""
        attempt = self.attempts[attempt_id]
        if at == len(attempt.hops) - 1:
            self._at_payee(attempt)
            return
        following = attempt.hops[at + 1]
        failure = self._obstacle(attempt, following)
        if failure is None:
            self._lock(attempt, at + 1)
        else:
            self._send_back(attempt, at, failure)

    def receive(self, attempt_id: int) -> None:
        """The payee looks at an HTLC, perhaps late."""
        attempt = self.attempts[attempt_id]
        failure = self._invoices.receive(attempt)
        if failure is not None:
            self._send_back(attempt, len(attempt.hops) - 1, failure)

    def settle(self, attempt_id: int, at: int) -> None:
        """The receiver of a hop has shown the preimage to its sender."""
        attempt = self.attempts[attempt_id]
        hop = attempt.hops[at]
        self._network.settle(hop.scid, hop.sender, hop.amount_msat)
        attempt.locked -= 1
        self._tell("htlc.settled", attempt, hop)
        if at:
            late_us = attempt.settle_delay_us if at == 1 else 0
            self._soon(SETTLE, attempt.id, at - 1, late_us=late_us)
        else:
            self._end(attempt, PaymentStatus.SUCCEEDED)

    def fail(self, attempt_id: int, at: int) -> None:
        """The receiver of a hop has sent the HTLC back to its sender."""
        attempt = self.attempts[attempt_id]
        hop = attempt.hops[at]
        self._network.fail(hop.scid, hop.sender, hop.amount_msat)
        attempt.locked -= 1
        self._tell("htlc.failed", attempt, hop, failure=attempt.failure)
        if at:
            self._fail_soon(attempt, at - 1)
        else:
            self._end(attempt, PaymentStatus.FAILED)

    def settle_from_payee(self, attempt: Attempt, preimage: bytes) -> None:
        """The payee takes it: the preimage begins its way back. An armed delay keeps it from the
        payer, and from those on the way only where there is nobody else to keep it from."""
        attempt.preimage = preimage
        last = len(attempt.hops) - 1
        self._soon(SETTLE, attempt.id, last, late_us=0 if last else attempt.settle_delay_us)

    # -- inside -----------------------------------------------------------------------------------

    def _lock(self, attempt: Attempt, at: int) -> None:
        hop = attempt.hops[at]
        self._network.lock(hop.scid, hop.sender, hop.amount_msat)
        attempt.locked += 1
        self._tell("htlc.added", attempt, hop)
        self._soon(ARRIVE, attempt.id, at)

    def _obstacle(self, attempt: Attempt, hop: Hop) -> HtlcFailure | None:
        """What keeps a node from forwarding."""
        fault = self._faults.check(
            faults.FORWARD,
            node=hop.sender,
            scid=hop.scid,
            payment_hash=attempt.payment_hash,
            amount_msat=hop.amount_msat,
        )
        if fault is not None and fault.do == "fail":
            return HtlcFailure.TEMPORARY_CHANNEL_FAILURE
        if fault is not None or not self._network.node(hop.receiver).online:
            return HtlcFailure.UNKNOWN_NEXT_PEER
        return routing.obstacle(self._network.channels[hop.scid], hop.sender, hop.amount_msat)

    def _at_payee(self, attempt: Attempt) -> None:
        payee = attempt.hops[-1].receiver
        record = self._invoices.find(payee, attempt.payment_hash)
        fault = self._faults.check(
            faults.HTLC,
            node=payee,
            payment_hash=attempt.payment_hash,
            memo=None if record is None else record.description,
            amount_msat=attempt.amount_msat,
        )
        late_us = self._agenda.now_us() + self._latency.payee_us()
        if fault is None:
            self._agenda.add(late_us, RECEIVE, attempt.id)
            return
        stuck_us = self._agenda.now_us() + fault.args.get("s", _STUCK_S) * _US
        if fault.do == "stuck_then_settle":
            self._agenda.add(stuck_us, RECEIVE, attempt.id)
        elif fault.do == "settle_late":
            attempt.settle_delay_us = fault.args.get("s", _STUCK_S) * _US
            self._agenda.add(late_us, RECEIVE, attempt.id)
        else:
            attempt.failure = HtlcFailure.INCORRECT_DETAILS
            if fault.do == "stuck_then_fail":
                attempt.failure = HtlcFailure.TEMPORARY_CHANNEL_FAILURE
                late_us = stuck_us
            attempt.failed_at = len(attempt.hops) - 1
            self._agenda.add(late_us, FAIL, attempt.id, attempt.failed_at)

    def _send_back_from_payee(self, attempt: Attempt, failure: HtlcFailure) -> None:
        self._send_back(attempt, len(attempt.hops) - 1, failure)

    def _send_back(self, attempt: Attempt, at: int, failure: HtlcFailure) -> None:
        """The receiver of a hop sends it back."""
        attempt.failure, attempt.failed_at = failure, at
        self._fail_soon(attempt, at)

    def _fail_soon(self, attempt: Attempt, at: int) -> None:
        """A payer takes a moment to find another way, once it knows."""
        self._soon(FAIL, attempt.id, at, late_us=0 if at else self._latency.retry_us())

    def _soon(self, what: str, *args: Any, late_us: int = 0) -> None:
        due_us = self._agenda.now_us() + self._latency.hop_us() + late_us
        self._agenda.add(due_us, what, *args)

    def _end(self, attempt: Attempt, status: PaymentStatus) -> None:
        attempt.status = status
        attempt.resolved_us = self._agenda.now_us()
        del self.attempts[attempt.id]
        self.ended(attempt)

    def _tell(self, kind: str, attempt: Attempt, hop: Hop, **more: Any) -> None:
        self._journal.append(
            "lightning",
            kind,
            {
                "payment_hash": attempt.payment_hash,
                "attempt": attempt.id,
                "from": hop.sender,
                "to": hop.receiver,
                "amount_msat": hop.amount_msat,
                **more,
            },
        )
