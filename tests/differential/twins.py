"""Two chains that are sent the same payments and must answer alike."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY
from tests.differential.flaws import FLAWS, Attempt
from tests.differential.outcomes import REFUSED, Ledger
from tests.differential.payments import Approve, Payment

if TYPE_CHECKING:
    from types import TracebackType

    from tests.differential.chains import Anvil, Sandbox
    from tests.differential.outcomes import Approval, Outcome


_numbers = count()


class Twins:
    """Both chains for the length of one test, after which they are as before.

    with Twins(ours, anvil) as twins:
        assert twins.pay(payment).status == "succeeded"
        twins.compare()
    """

    def __init__(self, ours: Sandbox, anvil: Anvil) -> None:
        self.ours = Ledger(ours)
        self.anvil = Ledger(anvil)
        # Anvil knows what it mined even after it was put back, so no two tests send the same bytes.
        self._number = next(_numbers)
        self._nonces: Counter[tuple[str, int]] = Counter()
        self._approved: set[Approval] = set()

    def __enter__(self) -> Twins:
        self._marks = [ledger.rpc("evm_snapshot") for ledger in (self.ours, self.anvil)]
        # Going back set anvil's clock back as well; from here it follows the wall's again.
        self.anvil.rpc("evm_setTime", self.now_s())
        self._supplies = self.ours.supplies(), self.anvil.supplies()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for ledger, mark in zip((self.ours, self.anvil), self._marks, strict=True):
            assert ledger.rpc("evm_revert", mark) is True, ledger.rpc.name

    def pay(self, payment: Payment) -> Outcome:
        """Have both chains execute a payment with the nonce that is due."""
        outcome = self.send(payment.sign(self.attempt(payment).transaction()))
        if outcome != REFUSED:
            self._nonces[payment.sender, payment.nonce_key] += 1
            for part in payment.parts:
                if isinstance(part, Approve):
                    self._approved.add((part.token, payment.sender, part.to))
        return outcome

    def refuse(self, payment: Payment, flaw: str) -> None:
        """Have both chains refuse a payment that is spoiled."""
        assert self.send(FLAWS[flaw](self.attempt(payment))) == REFUSED

    def attempt(self, payment: Payment) -> Attempt:
        """A payment with its nonce and the time."""
        payment = replace(payment, gas_limit=payment.gas_limit + self._number)
        return Attempt(payment, self._nonces[payment.sender, payment.nonce_key], self.now_s())

    def send(self, raw: bytes) -> Outcome:
        """What both chains make of a transaction, which has to be the same."""
        ours = self.ours.send(raw)
        anvil = self.anvil.send(raw)
        assert ours == anvil, f"ours: {ours}\nanvil: {anvil}"
        return ours

    def compare(self) -> None:
        """Both chains must hold the same, net of fees, and have lost or made no money."""
        _require_equal(self.ours.balances(), self.anvil.balances())
        assert (self.ours.supplies(), self.anvil.supplies()) == self._supplies
        lanes = sorted({lane for _, lane in self._nonces} - {0, EXPIRING_NONCE_KEY})
        nonces = self.ours.nonces(lanes)
        _require_equal(nonces, self.anvil.nonces(lanes))
        for (sender, lane), due in self._nonces.items():
            if lane != EXPIRING_NONCE_KEY:
                _require_equal({sender: nonces[sender, lane]}, {sender: due})
        approved = sorted(self._approved)
        _require_equal(self.ours.allowances(approved), self.anvil.allowances(approved))

    def now_s(self) -> int:
        """The time to sign for: the wall's, which both chains follow."""
        return int(time.time())


def _require_equal(ours: dict[Any, int], anvil: dict[Any, int]) -> None:
    differing = {key: (ours[key], anvil[key]) for key in ours if ours[key] != anvil[key]}
    assert not differing, f"(ours, anvil): {differing}"
