"""Random sequences of calls keep PaymentIntents legal and the books balanced (facts: stripe 1.5).

After every call: the states moved along the table only, no PaymentIntent has two charges that
succeeded, what it has received is what was captured, and no money appeared or vanished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from mock_rails.core import Clock, RailContext
from mock_rails.stripe import intents, tokens
from mock_rails.stripe.errors import StripeError
from mock_rails.stripe.intents import states
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.resources import payment_methods, refunds

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

NOW_S = 1_767_225_600
DAY_S = 86_400

GOOD = st.just("pm_card_visa")
CARDS = GOOD | st.sampled_from(
    [
        "pm_card_chargeDeclined",
        "pm_card_chargeCustomerFail",
        "pm_card_radarBlock",
        "pm_card_authenticationRequired",
        "pm_card_authenticationRequiredOnSetup",
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "pm_card_bypassPending",
        "pm_card_createDispute",
        "pm_card_refundFail",
    ]
)
AMOUNTS = st.just(500) | st.integers(40, 2_000)


class PaymentIntents(RuleBasedStateMachine):
    """One account whose calls are drawn at random; most of them are refused."""

    made: Bundle[str] = Bundle("made")
    granted: Bundle[str] = Bundle("granted")

    def __init__(self) -> None:
        super().__init__()
        self.context = RailContext.create("property", Clock.frozen(NOW_S))
        self.rail = Stripe(self.context)
        self.seen: dict[str, str] = {}

    def work(self, do: Callable[[Operation], Any]) -> Any:
        """Do it in an operation; a refusal is an answer too."""
        try:
            with self.rail.operation() as op:
                return do(op)
        except StripeError:
            return None

    def deed(self, intent: str, deed: Callable[[Operation, Any], Any]) -> None:
        """Do something with a PaymentIntent, if it was kept."""
        self.work(lambda op: deed(op, op.get(states.TABLE, intent)))

    def make(self, params: dict[str, Any]) -> str:
        """Make a PaymentIntent; a decline leaves one too."""
        before = len(self.rail.state.all(states.TABLE))
        self.work(lambda op: intents.create(op, params))
        now = self.rail.state.all(states.TABLE)
        return now[-1].id if len(now) > before else "pi_refused"

    @rule(
        target=made,
        amount=AMOUNTS,
        card=GOOD | CARDS | st.none(),
        confirm=st.booleans(),
        manual=st.booleans(),
        by_server=st.booleans(),
        off_session=st.booleans(),
    )
    def create(
        self,
        amount: int,
        card: str | None,
        confirm: bool,
        manual: bool,
        by_server: bool,
        off_session: bool,
    ) -> str:
        params: dict[str, Any] = {
            "amount": amount,
            "currency": "usd",
            "confirm": confirm,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "capture_method": "manual" if manual else "automatic_async",
            "confirmation_method": "manual" if by_server else "automatic",
        }
        if confirm:
            params["off_session"] = off_session
        if card is not None:
            params["payment_method"] = card
        return self.make(params)

    @rule(target=granted, card=CARDS, limit=AMOUNTS)
    def grant(self, card: str, limit: int) -> str:
        limits = {
            "currency": "usd",
            "expires_at": self.context.clock.now_s() + 30 * DAY_S,
            "max_amount": limit,
            "recurring": None,
            "recurring_interval": None,
        }

        def grant(op: Operation) -> str:
            method = payment_methods.resolve(op, card, param=None)
            token = tokens.grant(op, method, seller=op.account, limits=limits, shared_metadata={})
            return token.id

        token: str = self.work(grant)
        return token

    @rule(intent=made, card=CARDS | st.none(), off_session=st.booleans())
    def confirm(self, intent: str, card: str | None, off_session: bool) -> None:
        params: dict[str, Any] = {"off_session": off_session}
        if card is not None:
            params["payment_method"] = card
        self.deed(intent, lambda op, pi: intents.confirm(op, pi, params))

    @rule(intent=made, token=granted)
    def confirm_with_token(self, intent: str, token: str) -> None:
        params = {"shared_payment_granted_token": token}
        self.deed(intent, lambda op, pi: intents.confirm(op, pi, params))

    @rule(target=made, token=granted, amount=AMOUNTS, manual=st.booleans())
    def pay_with_token(self, token: str, amount: int, manual: bool) -> str:
        params = {
            "amount": amount,
            "currency": "usd",
            "confirm": True,
            "payment_method_types": ["card"],
            "shared_payment_granted_token": token,
            "capture_method": "manual" if manual else "automatic",
        }
        return self.make(params)

    @rule(intent=made, amount=AMOUNTS)
    def update(self, intent: str, amount: int) -> None:
        self.deed(intent, lambda op, pi: intents.update(op, pi, {"amount": amount}))

    @rule(intent=made, amount=AMOUNTS | st.none())
    def capture(self, intent: str, amount: int | None) -> None:
        def capture(op: Operation, pi: Record) -> Record:
            held = pi["amount_capturable"]
            part = amount and 1 + amount % (held or amount)  # within what is held, if any is
            return intents.capture(op, pi, {} if part is None else {"amount_to_capture": part})

        self.deed(intent, capture)

    @rule(intent=made)
    def cancel(self, intent: str) -> None:
        self.deed(intent, intents.cancel)

    @rule(intent=made, passed=st.booleans())
    def authenticate(self, intent: str, passed: bool) -> None:
        self.deed(intent, lambda op, pi: intents.authenticate(op, pi, passed=passed))

    @rule(intent=made, amount=AMOUNTS | st.none())
    def refund(self, intent: str, amount: int | None) -> None:
        params: dict[str, Any] = {"payment_intent": intent}
        if amount is not None:
            params["amount"] = amount
        self.work(lambda op: refunds.create(op, params))

    @rule(code=st.sampled_from(["card_declined", "expired_card"]))
    def decline_the_next(self, code: str) -> None:
        self.context.faults.clear()
        self.context.faults.arm(
            {"at": "stripe.card", "do": "decline", "args": {"code": code}, "when": {"times": 1}}
        )

    @rule(days=st.integers(1, 8))
    def wait(self, days: int) -> None:
        self.context.clock.advance(days * DAY_S)
        self.rail.catch_up()

    # -- what always holds ------------------------------------------------------------------------

    @invariant()
    def no_money_appears_or_vanishes(self) -> None:
        self.rail.check_conservation()

    @invariant()
    def only_legal_transitions(self) -> None:
        for intent in self.rail.state.all(states.TABLE):
            now, before = intent["status"], self.seen.get(intent.id)
            self.seen[intent.id] = now
            assert before in (None, now) or now in _reachable(before), f"{before} -> {now}"

    @invariant()
    def a_payment_intent_is_paid_once(self) -> None:
        charges = self.rail.state.all("charges")
        for intent in self.rail.state.all(states.TABLE):
            paid = [
                one
                for one in charges
                if one["payment_intent"] == intent.id and one["status"] == "succeeded"
            ]
            assert len(paid) <= 1
            assert intent["amount_received"] == sum(one["amount_captured"] for one in paid)
            held = intent["amount_capturable"]
            assert held == (intent["amount"] if intent["status"] == "requires_capture" else 0)
            if intent["status"] in ("succeeded", "requires_capture"):
                assert paid
            elif intent["status"] != "canceled":
                assert not paid
            waits = intent["status"] == "requires_action"
            assert waits == (intent["next_action"] is not None)
            needs = intent["status"] == "requires_payment_method"
            assert not needs or intent["payment_method"] is None

    @invariant()
    def a_token_pays_once(self) -> None:
        """However it is tried, there is one authorised charge on a single-use token."""
        for token in self.rail.state.all(tokens.GRANTED):
            used = [
                one
                for one in self.rail.state.all("charges")
                if one["status"] == "succeeded"
                and one["payment_method_details"].get("shared_payment_granted_token") == token.id
            ]
            assert len(used) <= 1
            consumed = token["deactivated_reason"] == "consumed"
            assert consumed == bool(used)
            assert sum(one["amount"] for one in used) <= token["usage_limits"]["max_amount"]


def _reachable(status: str) -> set[str]:
    """What may come of a state in one call or one tick of the agenda: one step, or two where a
    method is given and charged at once."""
    one = states.TRANSITIONS[status]
    return one.union(*(states.TRANSITIONS[other] for other in one))


TestPaymentIntents = PaymentIntents.TestCase
TestPaymentIntents.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
