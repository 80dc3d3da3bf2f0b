"""What a card costs: Stripe's list and rounding, by the rail's own function (facts: stripe 3).

Amounts are base units (a millionth of a dollar) here as everywhere in the scenarios; Stripe counts
cents.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Final, cast

from mock_rails.stripe.currencies import MINIMUM
from mock_rails.stripe.fees import PRICES, fee
from mock_rails.stripe.settings import StripeSettings

if TYPE_CHECKING:
    from mock_rails.stripe.operation import Operation

CENT: Final = 10_000
"""Base units in a cent."""
LEAST: Final = MINIMUM["usd"] * CENT
"""Below this no card can be charged."""
TOKEN: Final = PRICES["shared_payment_token"].fixed * CENT
"""What a Shared Payment Token costs its issuer, used or not; low confidence, one source."""
SOURCE: Final = PRICES["card"].source
READ_ON: Final = PRICES["card"].read_on

_DEFAULT: Final = cast("Operation", SimpleNamespace(settings=StripeSettings()))


def card_fee(amount: int) -> int:
    """What the seller pays on a domestic card payment of so many base units."""
    return fee(_DEFAULT, ("card",), amount // CENT, "usd") * CENT


def deposit_fee(amount: int) -> int:
    """What the seller pays on a stablecoin payment through Stripe."""
    return fee(_DEFAULT, ("crypto",), amount // CENT, "usd") * CENT
