"""Whatever sellers, buyers and banks do, the books balance and say what the objects say.

Facts: stripe 1.6 (never refunded more than charged), 1.8 (net = amount - fee, and the balance is
the sum of the nets), 3 (fees).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from mock_rails.core import Clock, RailContext
from mock_rails.stripe import intents, ledger
from mock_rails.stripe.endpoint import Call
from mock_rails.stripe.errors import InvalidRequest, StripeError
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.resources import disputes, payouts, refunds

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

CARDS = (
    "visa",
    "amex",
    "bypassPending",
    "pendingRefund",
    "refundFail",
    "createDispute",
    "createDisputeInquiry",
    "createMultipleDisputes",
    "visa_chargeDeclined",
)
EVIDENCE = ("winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "a story")

OPEN = {
    "payment_intents": ("requires_capture",),
    "disputes": (
        "needs_response",
        "under_review",
        "warning_needs_response",
        "warning_under_review",
    ),
    "payouts": ("pending", "in_transit", "paid"),
}
"""Statuses in which there is something to be done."""

some = st.integers(0, 10**6)
amounts = st.integers(50, 5_000)


def payment(card: str, amount: int, currency: str) -> dict[str, Any]:
    """What a PaymentIntent is created with to charge a test card at once."""
    return {
        "amount": amount,
        "currency": currency,
        "payment_method": f"pm_card_{card}",
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    }


class Money(RuleBasedStateMachine):
    """One account that sells in two currencies."""

    def __init__(self) -> None:
        super().__init__()
        self.rail = Stripe(RailContext.create("money", Clock.frozen(1_767_225_600)))

    @initialize(amounts=st.lists(amounts, min_size=len(CARDS), max_size=len(CARDS)))
    def open_shop(self, amounts: list[int]) -> None:
        """Every card was used once, and there is enough to pay out."""
        for card, amount in zip(CARDS, amounts, strict=True):
            self.pay(card, amount, "usd", manual=False)
        self.pay("bypassPending", 50_000, "usd", manual=False)
        self.rail.catch_up()

    # -- what happens -----------------------------------------------------------------------------

    @rule(
        card=st.sampled_from(CARDS),
        amount=amounts,
        currency=st.sampled_from(("usd", "eur")),
        manual=st.booleans(),
    )
    def pay(self, card: str, amount: int, currency: str, manual: bool) -> None:
        given = payment(card, amount, currency)
        if manual:
            given["capture_method"] = "manual"
        self.call(lambda op: intents.create(op, given))

    @precondition(lambda self: self.any_open("payment_intents"))
    @rule(which=some, amount=amounts)
    def capture(self, which: int, amount: int) -> None:
        """A part of what is held: amounts beyond it are brought within."""
        intent = self.pick("payment_intents", which, *OPEN["payment_intents"])
        if intent is not None:
            part = 1 + amount % intent["amount_capturable"]
            self.call(lambda op: intents.capture(op, intent, {"amount_to_capture": part}))

    @rule(which=some, amount=st.none() | amounts)
    def refund(self, which: int, amount: int | None) -> None:
        charge = self.pick("charges", which)
        if charge is not None:
            given = {"charge": charge.id} | ({} if amount is None else {"amount": amount})
            self.call(lambda op: refunds.create(op, given))

    @rule(which=some, beyond=st.sampled_from((-1, 0, 1)))
    def refund_the_rest(self, which: int, beyond: int) -> None:
        """All that is left, a cent less, or the cent more that must be refused."""
        charge = self.pick("charges", which)
        if charge is not None:
            left = charge["amount_captured"] - charge["amount_refunded"]
            given = {"charge": charge.id, "amount": max(1, left + beyond)}
            self.call(lambda op: refunds.create(op, given))

    @precondition(lambda self: self.any_open("disputes"))
    @rule(which=some, evidence=st.sampled_from(EVIDENCE))
    def answer(self, which: int, evidence: str) -> None:
        given = {"evidence": {"uncategorized_text": evidence}}
        self.call_on("disputes", which, disputes.update, given)

    @precondition(lambda self: self.any_open("disputes"))
    @rule(which=some)
    def accept(self, which: int) -> None:
        self.call_on("disputes", which, disputes.close)

    @precondition(lambda self: self.any_open("disputes"))
    @rule(which=some, decision=st.sampled_from(("won", "lost", "escalated")))
    def decide(self, which: int, decision: str) -> None:
        self.call_on("disputes", which, disputes.decide, {"decision": decision})

    @rule(amount=amounts, method=st.sampled_from(("standard", "instant")))
    def pay_out(self, amount: int, method: str) -> None:
        given = {"amount": amount, "currency": "usd", "method": method}
        self.call(lambda op: payouts.create(op, given))

    @precondition(lambda self: self.any_open("payouts"))
    @rule(which=some)
    def cancel_payout(self, which: int) -> None:
        self.call_on("payouts", which, payouts.cancel)

    @precondition(lambda self: self.any_open("payouts"))
    @rule(which=some)
    def fail_payout(self, which: int) -> None:
        self.call_on("payouts", which, payouts.fail)

    @rule(seconds=st.sampled_from((1, 60, 3_600, 5 * 86_400, 10 * 86_400)))
    def time_passes(self, seconds: int) -> None:
        self.rail.context.clock.advance(timedelta(seconds=seconds))
        self.rail.catch_up()

    @rule(amount=amounts)
    def fail_halfway(self, amount: int) -> None:
        """A call that has moved money, and fails: nothing of it remains."""
        gone_far = False

        def half(op: Operation) -> None:
            nonlocal gone_far
            intent = intents.create(op, payment("visa", amount, "usd"))
            refunds.create(op, {"payment_intent": intent.id, "amount": 10})
            gone_far = True
            raise InvalidRequest("and then it failed")

        self.rail.catch_up()
        before = self.rail.snapshot() | {"count": None}
        self.call(half)
        assert gone_far
        assert self.rail.snapshot() | {"count": None} == before

    # -- what holds -------------------------------------------------------------------------------

    @invariant()
    def the_books_balance(self) -> None:
        self.rail.check_conservation()

    @invariant()
    def nobody_gets_back_more_than_was_paid(self) -> None:
        for charge in self.rail.state.all("charges"):
            if not charge["captured"]:
                continue
            back = sum(
                one["amount"]
                for one in self.rail.state.all("refunds")
                if one["charge"] == charge.id and one["status"] in ("pending", "succeeded")
            )
            taken = sum(
                one["amount"]
                for one in self.rail.state.all("disputes")
                if one["charge"] == charge.id and _withheld(one)
            )
            assert charge["amount_refunded"] == back
            assert charge["refunded"] is (back == charge["amount_captured"])
            assert back + taken <= charge["amount_captured"]

    @invariant()
    def every_purse_is_what_its_objects_say(self) -> None:
        for currency in ("usd", "eur"):
            paid = self.total("charges", currency, lambda one: one["captured"], "amount_captured")
            back = self.total("refunds", currency, lambda one: one["status"] != "failed")
            lost = self.total("disputes", currency, lambda one: one["status"] == "lost")
            assert self.purse(currency, "world/cards") == back + lost - paid
            assert self.purse(currency, "acct_sandbox/disputed") == self.total(
                "disputes", currency, lambda one: _withheld(one) and one["status"] != "lost"
            )
            assert self.purse(currency, "acct_sandbox/payouts") == self.total(
                "payouts", currency, lambda one: one["status"] in ("pending", "in_transit")
            )
            assert self.purse(currency, "world/banks") == self.total(
                "payouts", currency, lambda one: one["status"] == "paid"
            )

    # -- doing it ---------------------------------------------------------------------------------

    def call(self, work: Callable[[Operation], Any]) -> None:
        with suppress(StripeError), self.rail.operation() as op:
            work(op)

    def call_on(
        self,
        table: str,
        which: int,
        handler: Callable[[Call], Any],
        given: dict[str, Any] | None = None,
    ) -> None:
        one = self.pick(table, which, *OPEN[table])
        if one is not None:
            self.call(lambda op: handler(Call(op, given or {}, {"id": one.id}, "/")))

    def any_open(self, table: str) -> bool:
        return self.pick(table, 0, *OPEN[table]) is not None

    def pick(self, table: str, which: int, *statuses: str) -> Record | None:
        found = [
            one for one in self.rail.state.all(table) if not statuses or one["status"] in statuses
        ]
        return found[which % len(found)] if found else None

    def total(
        self,
        table: str,
        currency: str,
        counts: Callable[[Record], bool],
        field: str = "amount",
    ) -> int:
        return sum(
            one[field]
            for one in self.rail.state.all(table)
            if one["currency"] == currency and counts(one)
        )

    def purse(self, currency: str, name: str) -> int:
        found = self.rail.state.find(ledger.TABLE, f"test/{currency}/{name}")
        return 0 if found is None else int(found["amount"])


def _withheld(dispute: Record) -> bool:
    """Whether the disputed amount was withdrawn and has not come back."""
    return bool(dispute["balance_transactions"]) and dispute["status"] != "won"


TestMoney = Money.TestCase
TestMoney.settings = settings(max_examples=150, stateful_step_count=40)
