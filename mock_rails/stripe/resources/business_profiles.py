"""Business profiles: how an account is called on Stripe's network (facts: stripe 1.4).

An account's profile is named after it, unless the settings name another: `acct_shop` is
`profile_test_shop`, live `profile_shop`.
Sellers are named in every spelling that MPP code uses: `profile_test_…`, `profile_…`, `bn_…`,
`acct_…` and `internal`. As long as all keys belong to one account, every name means that account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, Missing
from mock_rails.stripe.settings import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from mock_rails.stripe.operation import Operation

_ACCOUNT: Final = "acct_"
_LIVE: Final = "profile_"
_TEST: Final = "profile_test_"
_PREFIXES: Final = (_TEST, _LIVE, "bn_", _ACCOUNT)
_INTERNAL: Final = "internal"
"""What MPP's examples call the seller that runs them."""


def profile_of(op: Operation, account: str) -> str:
    """The profile of an account, in the mode of this work."""
    for profile, owner in op.settings.profiles.items():
        if owner == account and profile.startswith(_TEST) != op.livemode:
            return profile
    return (_LIVE if op.livemode else _TEST) + account.removeprefix(_ACCOUNT)


def account_of(op: Operation, profile: str) -> str | None:
    """The account that a seller's name means, if any is known by it."""
    if profile in op.settings.profiles:
        return op.settings.profiles[profile]
    known = _accounts(op)
    for prefix in _PREFIXES:
        if profile.startswith(prefix):
            account = _ACCOUNT + profile.removeprefix(prefix)
            if account in known:
                return account
    if profile == _INTERNAL or not has_several(op):
        return DEFAULT_ACCOUNT
    return None


def has_several(op: Operation) -> bool:
    """Whether keys belong to more accounts than one, so that an agent is not its own seller."""
    return len({DEFAULT_ACCOUNT, *op.settings.accounts.values()}) > 1


def check_mode(op: Operation, profile: str, *, param: str) -> None:
    """Refuse a live profile named with a test key, and the other way round."""
    if profile.startswith(_LIVE) and profile.startswith(_TEST) == op.livemode:
        mode, key = ("test", "live") if op.livemode else ("live", "test")
        raise InvalidRequest(
            f"The profile {profile[:100]} is one of {mode} mode, but a {key} mode key was used to "
            "make this request.",
            code="livemode_mismatch",
            param=param,
        )


def retrieve(call: Call) -> dict[str, Any]:
    """The public profile of a seller, or one's own as `me`."""
    op = call.operation
    account = op.account if call.id == "me" else _named(op, call.id)
    name = account.removeprefix(_ACCOUNT)
    return {
        "id": profile_of(op, account),
        "object": "v2.network.business_profile",
        "branding": None,
        "description": None,
        "display_name": name,
        "livemode": op.livemode,
        "url": None,
        "username": name,
    }


def _named(op: Operation, profile: str) -> str:
    for account in _accounts(op):
        if profile == profile_of(op, account):
            return account
    raise Missing("business_profile", profile, param="id")


def _accounts(op: Operation) -> set[str]:
    settings = op.settings
    return {
        DEFAULT_ACCOUNT,
        *settings.accounts.values(),
        *settings.profiles.values(),
        *settings.connected,
    }


ENDPOINTS: Final = (Endpoint("GET", "/v2/network/business_profiles/{id}", retrieve),)
