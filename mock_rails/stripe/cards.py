"""Stripe's test cards: what each is and how it behaves (facts: stripe 2.1-2.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from mock_rails.stripe.errors import CardError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Decline:
    """How a bank says no."""

    code: str = "card_declined"
    decline_code: str | None = None
    message: str = "Your card was declined."
    param: str | None = None
    advice: str = "try_again_later"
    network_code: str | None = "05"
    """What the card network answered; None where it was never asked."""
    blocked: bool = False
    """Whether Stripe refused it before any bank was asked."""

    def codes(self) -> dict[str, str]:
        """What an error says of it beside its code."""
        said = {
            "advice_code": self.advice,
            "decline_code": self.decline_code,
            "network_decline_code": self.network_code,
        }
        return {name: value for name, value in said.items() if value is not None}

    def error(self, kind: type[CardError] = CardError, **extra: Any) -> CardError:
        """The error to raise; `extra` goes into its envelope."""
        said: dict[str, Any] = {**self.codes(), **extra}
        return kind(self.message, code=self.code, param=self.param, **said)


_FINAL: Final = "do_not_try_again"

DECLINES: Final[Mapping[str, Decline]] = {
    "generic_decline": Decline(decline_code="generic_decline"),
    "insufficient_funds": Decline(
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
        network_code="51",
    ),
    "lost_card": Decline(
        decline_code="lost_card",
        message="Your card was declined: it has been reported lost.",
        advice=_FINAL,
        network_code="41",
    ),
    "stolen_card": Decline(
        decline_code="stolen_card",
        message="Your card was declined: it has been reported stolen.",
        advice=_FINAL,
        network_code="43",
    ),
    "card_velocity_exceeded": Decline(
        decline_code="card_velocity_exceeded",
        message="Your card was declined for making repeated attempts too frequently "
        "or exceeding its amount limit.",
        network_code="65",
    ),
    "expired_card": Decline(
        code="expired_card",
        message="Your card has expired.",
        param="exp_month",
        advice=_FINAL,
        network_code="54",
    ),
    "incorrect_cvc": Decline(
        code="incorrect_cvc",
        message="Your card's security code is incorrect.",
        param="cvc",
        network_code="N7",
    ),
    "incorrect_number": Decline(
        code="incorrect_number",
        message="Your card number is incorrect.",
        param="number",
        advice="confirm_card_data",
        network_code=None,
    ),
    "processing_error": Decline(
        code="processing_error",
        message="An error occurred while processing your card. Try again in a little bit.",
        network_code="96",
    ),
    "fraudulent": Decline(
        decline_code="fraudulent", advice=_FINAL, network_code=None, blocked=True
    ),
    "authentication_required": Decline(
        code="authentication_required",
        decline_code="authentication_required",
        message="Your card was declined. This transaction requires authentication.",
        network_code="1A",
    ),
}
"""By decline code, or by code where there is no decline code."""

AUTHENTICATE: Final = DECLINES["authentication_required"]
"""The no to a seller who charges alone where the buyer would have to prove themselves."""


def decline_of(code: str | None, decline_code: str | None) -> Decline:
    """The decline of that code and decline code; ones that are not in the table are made."""
    code = code or "card_declined"
    if decline_code is None:
        known = DECLINES.get("generic_decline" if code == "card_declined" else code)
        return known or DECLINES.get(code, Decline(code=code))
    known = DECLINES.get(decline_code)
    if known is not None and known.code == code:
        return known
    return Decline(code=code, decline_code=decline_code)


PASSES: Final = {
    "cvc_check": "pass",
    "address_line1_check": None,
    "address_postal_code_check": None,
}

UNCHECKED: Final = dict.fromkeys(PASSES)
"""The checks of a card that no bank was asked about yet."""


@dataclass(frozen=True, slots=True)
class TestCard:
    """One card number and what happens to who uses it."""

    __test__: ClassVar[bool] = False  # the name is Stripe's; pytest must not take it for tests

    number: str
    name: str
    """What follows `pm_card_` and `tok_`; empty for cards that have a number only."""
    brand: str = "visa"
    funding: str = "credit"
    decline: Decline | None = None
    attaches: bool = True
    """Whether it can be saved: cards that decline are refused at once, but for 0341."""
    challenge: str = ""
    """When the bank wants to see the buyer: `always`; `first`, until the card was set up;
    `on_session`, unless the seller charges alone; `asked`, if the seller asks for it; or never."""
    risk: str = "normal"
    checks: Mapping[str, str | None] = field(default_factory=lambda: PASSES)
    disputes: tuple[str, ...] = ()
    """The reasons of the disputes that follow a charge."""
    inquiry: bool = False
    """Whether they are inquiries, which take no money."""
    fraud_warning: bool = False
    """Whether the bank reports the charge as fraud without disputing it."""
    refund: str = ""
    """`pending` (then succeeded) or `fail` (after it succeeded)."""
    funds_at_once: bool = False

    @property
    def last4(self) -> str:
        """What receipts show of the number."""
        return self.number[-4:]


def _declining(number: str, name: str, why: str) -> TestCard:
    return TestCard(number, name, decline=DECLINES[why], attaches=False)


def _checked(number: str, name: str, **checks: str) -> TestCard:
    return TestCard(number, name, checks={**PASSES, **checks})


_LINE1: Final = "address_line1_check"
_ZIP: Final = "address_postal_code_check"

CARDS: Final = (
    TestCard("4242424242424242", "visa"),
    TestCard("4000056655665556", "visa_debit", funding="debit"),
    TestCard("5555555555554444", "mastercard", "mastercard"),
    TestCard("5200828282828210", "mastercard_debit", "mastercard", "debit"),
    TestCard("5105105105105100", "mastercard_prepaid", "mastercard", "prepaid"),
    TestCard("378282246310005", "amex", "amex"),
    TestCard("6011111111111117", "discover", "discover"),
    TestCard("3056930009020004", "diners", "diners"),
    TestCard("3566002020360505", "jcb", "jcb"),
    TestCard("6200000000000005", "unionpay", "unionpay"),
    TestCard("4000000000000077", "bypassPending", funds_at_once=True),
    _declining("4000000000000002", "visa_chargeDeclined", "generic_decline"),
    _declining("4000000000009995", "visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
    _declining("4000000000009987", "visa_chargeDeclinedLostCard", "lost_card"),
    _declining("4000000000009979", "visa_chargeDeclinedStolenCard", "stolen_card"),
    _declining(
        "4000000000006975",
        "visa_chargeDeclinedVelocityLimitExceeded",
        "card_velocity_exceeded",
    ),
    _declining("4000000000000069", "chargeDeclinedExpiredCard", "expired_card"),
    _declining("4000000000000127", "chargeDeclinedIncorrectCvc", "incorrect_cvc"),
    _declining("4000000000000119", "chargeDeclinedProcessingError", "processing_error"),
    TestCard("4000000000000341", "chargeCustomerFail", decline=DECLINES["generic_decline"]),
    TestCard("4100000000000019", "radarBlock", decline=DECLINES["fraudulent"], risk="highest"),
    TestCard(
        "4000000000004954", "riskLevelHighest", decline=DECLINES["fraudulent"], risk="highest"
    ),
    TestCard("4000000000009235", "riskLevelElevated", risk="elevated"),
    _checked("4000000000000101", "cvcCheckFail", cvc_check="fail"),
    _checked("4000000000000036", "avsZipFail", **{_ZIP: "fail", _LINE1: "pass"}),
    _checked("4000000000000028", "avsLine1Fail", **{_ZIP: "pass", _LINE1: "fail"}),
    _checked("4000000000000010", "avsFail", **{_ZIP: "fail", _LINE1: "fail"}),
    _checked("4000000000000044", "avsUnchecked", **{_ZIP: "unavailable", _LINE1: "unavailable"}),
    TestCard("4000002760003184", "authenticationRequired", challenge="always"),
    TestCard("4000002500003155", "authenticationRequiredOnSetup", challenge="first"),
    TestCard(
        "4000003800000446", "authenticationRequiredSetupForOffSession", challenge="on_session"
    ),
    TestCard(
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        challenge="always",
        decline=DECLINES["insufficient_funds"],
    ),
    TestCard("4000000000003220", "threeDSecure2Required", challenge="always"),
    TestCard("4000000000003063", "threeDSecureRequired", challenge="always"),
    TestCard("4000000000003055", "threeDSecureOptional", challenge="asked"),
    TestCard("4000000000000259", "createDispute", disputes=("fraudulent",)),
    TestCard(
        "4000000000002685", "createDisputeProductNotReceived", disputes=("product_not_received",)
    ),
    TestCard("4000000000001976", "createDisputeInquiry", disputes=("fraudulent",), inquiry=True),
    TestCard("4000000000005423", "createIssuerFraudRecord", fraud_warning=True),
    TestCard(
        "4000000404000079",
        "createMultipleDisputes",
        disputes=("fraudulent", "product_not_received"),
    ),
    TestCard("4000000000007726", "pendingRefund", refund="pending"),
    TestCard("4000000000005126", "refundFail", refund="fail"),
)

_PREFIX: Final = "visa_"
_BY_NUMBER: Final = {card.number: card for card in CARDS}
_BY_NAME: Final = {
    spelling: card
    for card in CARDS
    for spelling in (card.name, card.name.removeprefix(_PREFIX), _PREFIX + card.name)
    if spelling != "debit"
}


def by_name(name: str) -> TestCard | None:
    """The card that Stripe calls so, with or without `visa_`."""
    return _BY_NAME.get(name)


def by_id(payment_method: str) -> TestCard | None:
    """The card behind `pm_card_visa`."""
    head, _, name = payment_method.partition("pm_card_")
    return None if head else by_name(name)


def by_token(token: str) -> TestCard | None:
    """The card behind `tok_visa`."""
    head, _, name = token.partition("tok_")
    return None if head else by_name(name)


def by_number(number: str) -> TestCard | None:
    """The card of that number."""
    return _BY_NUMBER.get(number)
