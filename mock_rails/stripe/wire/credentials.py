"""Who calls: the API key, its kind and mode, and the account it acts for (facts: stripe 1.1, 1.8).

Keys that the settings do not list belong to the default account, so that programs with different
made-up keys (a shop's and a payer's) find each other's objects.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.settings import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.settings import StripeSettings

_KEY: Final = re.compile(r"(sk|rk|pk)_(test|live)_[\x21-\x7e]{1,250}")
_NO_KEY: Final = (
    "You did not provide an API key. Send it as a bearer token "
    "(`Authorization: Bearer YOUR_SECRET_KEY`) or as the user name of HTTP Basic authentication."
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request."""

    key: str
    """The API key, masked."""
    livemode: bool
    account: str
    """The account whose objects the request is about."""
    publishable: bool = False
    connected: bool = False
    """Whether the account was named by a header, not by the key."""


NOBODY: Final = Caller("", False, DEFAULT_ACCOUNT)
"""Who calls the sandbox's controls without a key."""


def identify(headers: Mapping[str, str], settings: StripeSettings) -> Caller:
    """Who sent these headers, or the 401 or 403 that Stripe answers."""
    key = _key(headers.get("authorization", ""))
    found = _KEY.fullmatch(key)
    if found is None:
        raise InvalidRequest(f"Invalid API Key provided: {masked(key)}", status=401)
    account = settings.accounts.get(key, DEFAULT_ACCOUNT)
    named = headers.get("stripe-account") or _of_context(headers.get("stripe-context", ""))
    if named and named not in {
        account,
        DEFAULT_ACCOUNT,
        *settings.accounts.values(),
        *settings.connected,
    }:
        raise InvalidRequest(
            f"The provided key '{masked(key)}' does not have access to account '{named[:100]}' "
            "(or that account does not exist).",
            code="account_invalid",
            status=403,
        )
    return Caller(
        key=masked(key),
        livemode=found[2] == "live",
        account=named or account,
        publishable=found[1] == "pk",
        connected=bool(named),
    )


def masked(key: str) -> str:
    """A key as it may be shown: its kind and its last four characters."""
    found = _KEY.fullmatch(key)
    if found is None:
        return f"{key[:4]}***" if len(key) > 8 else "***"
    secret = key.split("_", 2)[2]
    return f"{found[1]}_{found[2]}_" + ("***" + secret[-4:] if len(secret) > 8 else secret)


def _key(authorization: str) -> str:
    scheme, _, value = authorization.strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer" and value:
        return value
    if scheme.lower() == "basic" and value:
        try:
            user = base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            raise InvalidRequest("The Basic authentication is malformed.", status=401) from None
        if user:
            return user
    raise InvalidRequest(_NO_KEY, status=401)


def _of_context(context: str) -> str:
    """The account at the end of a `Stripe-Context` path."""
    last = context.rpartition("/")[2]
    return last if last.startswith("acct_") else ""
