"""Whose card pays, and at which Stripe (facts: stripe 1.4, 5).

Only test keys are taken: a sandbox never spends real money.
"""

from __future__ import annotations

import os
from copy import copy
from typing import TYPE_CHECKING, Final

import httpx

from mock_rails.core.errors import BadInput
from mock_rails.stripe.banner import TEST_KEY
from sandbox.client.errors import InvalidKeyError

if TYPE_CHECKING:
    from collections.abc import Mapping

URL_VARIABLE: Final = "MPP_SANDBOX_STRIPE_URL"
KEY_VARIABLE: Final = "MPP_SANDBOX_STRIPE_KEY"
DEFAULT_URL: Final = "http://127.0.0.1:12111"
DEFAULT_CARD: Final = "pm_card_visa"

_TEST_KEYS: Final = ("sk_test_", "rk_test_")
_LONGEST: Final = 255


class CardWallet:
    """A payment method that tokens are made of, and the account that makes them.

    `payment_method` is a test card's name (facts: stripe 2.1-2.3) or the id of one that was made.
    Without `stripe_url` and `key` the environment's are used, else the devnet's usual ones.
    `transport` carries the requests; whoever gives one also closes it.
    """

    def __init__(
        self,
        payment_method: str = DEFAULT_CARD,
        *,
        stripe_url: str | None = None,
        key: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        known = os.environ if environment is None else environment
        self.payment_method = _checked(payment_method)
        self.stripe_url = _checked_url(stripe_url or known.get(URL_VARIABLE) or DEFAULT_URL)
        self.transport = transport
        self._key = _checked_key(key or known.get(KEY_VARIABLE) or TEST_KEY)

    def through(self, transport: httpx.AsyncBaseTransport) -> CardWallet:
        """The same, whose requests another transport carries."""
        found = copy(self)
        found.transport = transport
        return found

    @property
    def name(self) -> bytes:
        """What the record of what was spent calls it."""
        return f"stripe {self.payment_method}".encode()

    @property
    def authorization(self) -> str:
        """The header by which Stripe knows the account."""
        return f"Bearer {self._key}"

    def hide(self, text: str) -> str:
        """The text without the key, wherever it came from."""
        return text.replace(self._key, "(the key)")

    def __repr__(self) -> str:
        """The card and the place; the key is not shown."""
        return f"<CardWallet {self.payment_method} at {self.stripe_url}>"


def _checked(payment_method: str) -> str:
    is_id = payment_method.isascii() and payment_method.replace("_", "").isalnum()
    if not is_id or len(payment_method) > _LONGEST:
        raise BadInput(
            f"{payment_method[:60]!r} is no payment method.",
            hint="Write a test card's name, such as pm_card_visa.",
        )
    return payment_method


def _checked_url(text: str) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        # It is not repeated: it may hold a password, as may what the parser says of it.
        raise BadInput("This is no address of Stripe.") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise BadInput("This is no address of Stripe.", hint="It begins with http://, without /v1.")
    if url.userinfo:
        raise BadInput("An address of Stripe holds no key.", hint="The key is given by itself.")
    return text.rstrip("/")


def _checked_key(key: str) -> str:
    if not key.startswith(_TEST_KEYS) or not key.isascii() or not key.isprintable():
        raise InvalidKeyError(
            "That is no test key of Stripe, and real money is not spent here.",
            hint="Test keys begin with sk_test_ or rk_test_.",
        )
    return key
