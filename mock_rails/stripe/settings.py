"""How this Stripe behaves where Stripe itself leaves a choice or nobody outside can know.

The defaults are what released MPP SDKs and their documentation get along with; each strict switch
makes the rail refuse what Stripe's newest versions refuse (facts: stripe 0.1, 1.4, 8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.fees import Price

DEFAULT_PORT: Final = 12111
DEFAULT_VERSION: Final = "2026-07-29.preview"
DEFAULT_ACCOUNT: Final = "acct_sandbox"

WEBHOOK_RETRIES_S: Final = (60, 3_600, 7_200)
"""Seconds of sandbox time after which a failed delivery is tried again: a sandbox's three tries in
a few hours (facts: stripe 4)."""


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """One Stripe."""

    default_version: str = DEFAULT_VERSION
    """The API version of requests without a Stripe-Version header."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Account -> its API version, where that is another."""
    strict_version: bool = False
    """Refuse versions that are not dates."""
    strict_tokens: bool = False
    """Refuse the legacy parameters of SPT creation, in the words that clients look for (1.4)."""
    accounts: Mapping[str, str] = field(default_factory=dict)
    """API key -> account. Keys that are not listed belong to the default account."""
    connected: tuple[str, ...] = ()
    """Accounts that `Stripe-Account` may name besides those above."""
    profiles: Mapping[str, str] = field(default_factory=dict)
    """Business profile -> account, for sellers known by other names than their account's (1.4)."""
    rate_limit: int | None = None
    """Requests a second and account; None for no limit (live 100, sandbox 25: 2.7)."""
    token_lifetime_s: int = 86_400
    """How long an SPT lives that was created without `expires_at`."""
    settlement_days: int = 2
    """Business days until pending money is available."""
    country: str = "US"
    """Where the accounts are; cards of other countries cost the international extra."""
    prices: Mapping[str, Price] = field(default_factory=dict)
    """Prices that differ from the published ones (`fees.PRICES`), by their names there."""
    webhook_retries_s: tuple[int, ...] = WEBHOOK_RETRIES_S
    shuffle_webhooks: bool = False
    """Send what waits in a seeded order instead of the true one: Stripe promises none."""
    webhooks_anywhere: bool = False
    """Send webhooks to other machines too. They are logged as blocked otherwise, since programs
    bring the addresses of their production with them."""
    round_half_up: bool = True
    """Rounding of the percent part of a fee; False rounds down."""
    idempotency_keys: int = 10_000
    """Answers that are kept for second tries; the oldest are dropped."""
    request_log: int = 10_000
    """Requests that are remembered; the oldest are dropped."""
