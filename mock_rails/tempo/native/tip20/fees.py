"""How a transaction's fee leaves and re-enters a balance: silently, without a log (facts 4.2)."""

from __future__ import annotations

from mock_rails.tempo.native.tip20.ledger import Ledger


class Fees(Ledger):
    """What the fee manager does to balances around a transaction; it runs outside its gas."""

    def collect_fee(self, payer: bytes, collector: bytes, amount: int) -> None:
        """Take a transaction's maximal fee before it runs."""
        self.require_unpaused()
        if not self.registry.authorized_sender(self.policy_id(), payer):
            raise self.PolicyForbids()
        self.debit(payer, amount)
        self.credit(collector, amount)

    def refund_fee(self, collector: bytes, payer: bytes, amount: int) -> None:
        """Give back what the transaction did not use; works even in the transaction that paused."""
        self.debit(collector, amount)
        self.credit(payer, amount)
