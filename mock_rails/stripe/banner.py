"""What a started Stripe says about itself: for people a banner, for programs one JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.settings import DEFAULT_ACCOUNT
from mock_rails.stripe.wire.credentials import masked

if TYPE_CHECKING:
    from mock_rails.stripe.rail import Stripe

TEST_KEY: Final = "sk_test_sandbox"
"""Any test key will do; this is the one that the banner shows."""


def summary(stripe: Stripe, url: str) -> dict[str, Any]:
    """Everything a client needs to use this Stripe."""
    settings = stripe.settings
    return {
        "rail": stripe.name,
        "url": url,
        "key": TEST_KEY,
        "default_account": DEFAULT_ACCOUNT,
        "keys": {masked(key): account for key, account in settings.accounts.items()},
        "api_version": settings.default_version,
        "strict_tokens": settings.strict_tokens,
        "strict_version": settings.strict_version,
        "rate_limit": settings.rate_limit,
    }


def lines(facts: dict[str, Any]) -> list[str]:
    """The banner of a Stripe with this summary (facts: stripe 5)."""
    url = facts["url"]
    scheme, _, address = url.partition("://")
    host, _, port = address.rpartition(":")
    key = facts["key"]
    return [
        "Stripe-compatible API",
        "",
        f"  API        {url}",
        f"  Version    {facts['api_version']} where a request names none",
        f"  Keys       every sk_test_… key is {facts['default_account']}'s",
        *(f"             {shown} is {account}'s" for shown, account in facts["keys"].items()),
        "",
        "  Point your SDK here",
        f'  Python     StripeClient("{key}", base_addresses={{"api": "{url}"}})',
        f'             stripe.api_base = "{url}"',
        f"  Node       new Stripe('{key}', {{host: '{host}', port: {port}, protocol: '{scheme}'}})",
        f'  pympp      mpp.methods.stripe._defaults.STRIPE_API_BASE = "{url}/v1"',
        f"  mppx       MPPX_STRIPE_SPT_URL={url}/v1/test_helpers/shared_payment/granted_tokens",
        "",
        "  Try it",
        f"  curl {url}/v1/payment_intents -u {key}: -d amount=500 -d currency=usd "
        "-d payment_method=pm_card_visa -d confirm=true "
        "-d 'automatic_payment_methods[enabled]=true' "
        "-d 'automatic_payment_methods[allow_redirects]=never'",
        f"  curl {url}/_sandbox/requests            what was asked, and answered",
        f"  curl {url}/_sandbox/double_charges      who was charged twice",
    ]
