"""What a route can be paid with, and what comes of a payment: the seam between gate and methods.

The gate knows challenges, credentials and HTTP; an offer knows one method and intent. The gate
calls `settle` only with a credential whose challenge is authentic, unexpired, of this offer and for
this request. What an offer refuses it raises as a pympp `PaymentError`; then nothing was charged,
except after `PaymentOutcomeUnknownError`, when nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.streaming.events import MPPX, Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpp import Credential

    from sandbox.server.request import PaidRequest


class Meter(Protocol):
    """Charges a stream by the unit. What was paid up front is used first."""

    @property
    def total(self) -> int:
        """What the answer has cost so far, with what was paid up front, in base units."""
        ...

    async def charge(self, units: int = 1) -> None:
        """Persist the charge for what is about to be sent, or raise and charge nothing: a
        `NotCoveredError` (wait, then try again) or any other PaymentError (it is over)."""
        ...

    async def wait(self, timeout_s: float) -> bool:
        """Wait until one more unit is covered; False if it was not in this time."""
        ...

    def need(self) -> dict[str, Any]:
        """The data of the event that asks for more (facts: protocol 2.8, lightning 2.4)."""
        ...

    def receipt(self) -> dict[str, Any]:
        """The session receipt as it stands, as JSON."""
        ...


@dataclass(frozen=True, slots=True)
class Settlement:
    """A payment that was accepted. Amounts are base units of `currency`."""

    receipt: str
    """The value of `Payment-Receipt`."""
    reference: str
    """The transaction, channel or intent that shows it, as the receipt names it."""
    amount: int
    currency: str
    payer: str | None = None
    delivers: bool = True
    """Whether the application answers; if not, the gate does."""
    headers: tuple[tuple[str, str], ...] = ()
    """More response headers, such as `Payment-Session`."""
    answer: Mapping[str, Any] | None = None
    """What the gate answers instead of the application, as JSON; without it, 204."""
    meter: Meter | None = None
    """How a streamed answer is charged; None where the request was."""
    dialect: Dialect = MPPX
    """How the stream's events speak of payment."""
    tx_hash: str | None = None
    details: Mapping[str, Any] | None = None
    """More for the journal: `accepted`, `spent`, `deposit` of a channel, and the like."""


class Offer(Protocol):
    """One way to pay for a route.

    An offer may have more, which the gate looks for:

        prove           who pays, shown without charging; for Idempotency-Key (`repeats`)
        check_unseen    takes the credential: raise if others may have seen such a proof
        charged         takes the credential: what it may charge next has not been charged if this
                        is told again later (`repeats`)
        go_by           takes the gate's clock, by which challenges end
        find            what came of a settlement whose end nobody saw, or None (`single_use`)
        is_personal     whether each client is asked for something of its own, such as an invoice:
                        then there is no challenge without `personal_request` (`answers`)
        lifetime_s      how long its challenges live, if that is shorter than others do
        in_its_words    takes the name of a check and what the gate says of it: the same problem as
                        the method's own draft names it
        repeats         takes the credential: whether its answer is given again to the very same
                        credential, though there is no Idempotency-Key (`repeats`)
        asks_on_get     whether its clients ask for challenges by GET and send what manages their
                        payments the same way, whatever HTTP methods the route has
    """

    @property
    def method(self) -> str:
        """`tempo`, `stripe`, `lightning`."""
        ...

    @property
    def intent(self) -> str:
        """`charge` or `session`."""
        ...

    @property
    def description(self) -> str | None:
        """A few words for people."""
        ...

    @property
    def request(self) -> Mapping[str, Any]:
        """The challenge's request: the same object for all clients, for as long as it lives."""
        ...

    @property
    def is_single_use(self) -> bool:
        """Whether a credential pays once. Vouchers may come again: their channel keeps count."""
        ...

    async def personal_request(self, request: PaidRequest) -> Mapping[str, Any] | None:
        """The request with what only this client is told (its channel's snapshot), if anything."""
        ...

    def matches(self, echoed: Mapping[str, Any]) -> bool:
        """Whether a challenge with this request was made of this offer, personal parts aside."""
        ...

    async def settle(self, credential: Credential, request: PaidRequest) -> Settlement:
        """Verify the proof, charge, and say what came of it."""
        ...
