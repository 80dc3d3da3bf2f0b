"""All failures by name. Nothing of one is loaded before somebody asks for it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from mock_rails.core.errors import BadInput, NotFound, nearest

if TYPE_CHECKING:
    from sandbox.failures.failure import Failure

SLUGS: Final = (
    "response-lost-after-settlement",
    "duplicate-credential",
    "expired-challenge-race",
    "voucher-replay",
    "stale-channel",
    "server-crash-between-accept-and-deliver",
    "webhook-twice-and-out-of-order",
    "decline-storm",
    "double-charge-by-retry",
    "chain-halt-and-catch-up",
    "fee-spike",
    "late-lightning-settle",
    "slow-reader-on-a-paid-stream",
    "clock-skew",
)
"""In the order in which a payment meets them. A slug's module is named by it, with underscores."""


def find(slug: str) -> Failure:
    """The failure of this name; raises NotFound with the name that was probably meant."""
    if slug not in SLUGS:
        raise NotFound(
            f"There is no failure {str(slug)[:60]!r} in the catalogue.",
            hint=nearest(str(slug), SLUGS),
        )
    failure: Failure = import_module(f"sandbox.failures.{slug.replace('-', '_')}").FAILURE
    return failure


def faults_of(slug: str) -> tuple[dict[str, object], ...]:
    """The faults that make a failure happen, to be armed; raises BadInput where there are none."""
    failure = find(slug)
    if not failure.faults:
        raise BadInput(
            f"{slug} is something that a client or server does; no fault does it for them.",
            hint=f"See it with `mpp-sandbox failures play {slug}`.",
        )
    return tuple(dict(fault) for fault in failure.faults)
