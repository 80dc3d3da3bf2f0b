"""How the client pays one kind of challenge: the seam between transport and methods.

`PaidClient` sends requests, picks a challenge, asks the budget and tells the outcome; a payer knows
one method and intent. Every attempt ends in exactly one of three calls, for a payment has three
outcomes (DESIGN 2.5): it was taken, it certainly was not, or nobody knows yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from mpp import Challenge


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be paid for."""

    url: str
    method: str
    host: str
    """`amounts.host_of(url)`."""
    streams: bool = False
    """Whether the answer will be read as a stream that asks for vouchers on its way."""
    is_ahead: bool = False
    """Whether the challenge is an earlier request's: what it says of a channel is old by now."""


class Attempt(Protocol):
    """One credential, made and about to be sent."""

    @property
    def authorization(self) -> str:
        """The credential: the value of the header that the challenge names."""
        ...

    async def taken(self, response: httpx.Response) -> None:
        """The server accepted it (any final answer other than a refusal of the payment)."""
        ...

    async def refused(self, response: httpx.Response) -> bool:
        """The server refused it: was the payment certainly not made? True allows another attempt
        at the fresh challenge; False means the outcome is unknown. Raises `PaymentDeclinedError` if
        it was certainly not made and is not to be attempted again."""
        ...

    async def lost(self, error: Exception) -> None:
        """No answer came. Look up what can be looked up; raise `OutcomeUnknownError` with what
        is known, or return if the same credential may be sent again. One with `final` among its
        details ends the call even if nothing was paid."""
        ...


class Payer(Protocol):
    """Pays challenges of one method and intent."""

    @property
    def name(self) -> str:
        """Such as `tempo/session`."""
        ...

    def can_pay(self, challenge: Challenge) -> bool:
        """Whether this challenge is one of its kind that it can satisfy."""
        ...

    async def prepare(self, challenge: Challenge, order: Order) -> Attempt:
        """Reserve the money in the ledger, then sign. Raises `PaymentRefusedError` before
        anything is signed if the budget does not allow it."""
        ...

    async def close(self) -> None:
        """Settle what should be settled and let go of connections."""
        ...


def channel_of(attempt: Attempt) -> str | None:
    """The channel that an attempt is paid over: one that is has a `channel_id`. To read it out of
    the credential again would cost more than the signature."""
    found: str | None = getattr(attempt, "channel_id", None)
    return found


@runtime_checkable
class ChannelPayer(Payer, Protocol):
    """A payer whose challenges may be answered more than once, because it pays by a channel."""

    def can_pay_ahead(self, challenge: Challenge, order: Order) -> bool:
        """Whether a channel is open by which a challenge of an earlier request can be answered."""
        ...

    def introduction(self, url: str) -> Mapping[str, str]:
        """Headers for a request that pays nothing yet, by which the server knows the channel."""
        ...
