"""One priced session offer of a route, as the gate sees it (facts: lightning 2).

A route that answers whole requests spends one unit when the session is shown; one that streams
spends each unit before it is sent, and nothing before the first. A deposit pays for any route of
the realm: the price is that of the route where the session is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import BadInput
from sandbox.lightning.prices import price_of
from sandbox.methods.lightning_charge import to_header
from sandbox.methods.lightning_charge.fields import read_sats
from sandbox.methods.lightning_charge.problems import in_lightning_words
from sandbox.methods.lightning_session import (
    Bearer,
    Open,
    SessionRequest,
    TopUp,
    check_bearer,
    close_receipt,
    parse_payload,
    parse_request,
    session_receipt,
    stable_parts,
)
from sandbox.methods.lightning_session.problems import ChallengeExpiredError
from sandbox.methods.lightning_session.receipt import closing
from sandbox.methods.lightning_session.request import UNITS_OF_DEPOSIT, price
from sandbox.server.challenges import request_of
from sandbox.server.lightning.charge import checked_price
from sandbox.server.lightning.meter import LightningMeter
from sandbox.server.offer import Offer, Settlement
from sandbox.streaming.events import LIGHTNING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpp import Credential
    from mpp.errors import PaymentError

    from sandbox.lightning.prices import Price
    from sandbox.methods.lightning_session import Session
    from sandbox.server.lightning.context import LightningContext
    from sandbox.server.request import PaidRequest

_ONCE: Final = "request"
"""The unit of offers that charge once, however long the answer streams."""
_ANSWERED_ONCE: Final = frozenset({"open", "topUp", "close"})
_MEMO: Final = "Session deposit"


class LightningSessionOffer(Offer):
    """One price for a unit, paid from a deposit."""

    method = "lightning"
    intent = "session"
    is_single_use = False
    is_personal: Final = True
    asks_on_get: Final = True

    def __init__(
        self,
        amount: int | Price,
        context: LightningContext,
        *,
        deposit_sat: int | None = None,
        deposit_units: int = UNITS_OF_DEPOSIT,
        unit_type: str | None = None,
        streams: bool = False,
        description: str | None = None,
    ) -> None:
        self._price = price_of(amount)
        amount_sat = self._price.now()
        checked_price(amount_sat, description)
        self._deposit_sat = deposit_sat
        self._deposit_units = deposit_units
        if deposit_sat is not None and deposit_sat < amount_sat:
            raise BadInput(f"A deposit of {deposit_sat} sat does not cover {amount_sat} sat.")
        self._context = context
        self._description = description
        self._is_metered = streams and unit_type != _ONCE
        self.lifetime_s = context.invoices.lifetime_s
        self._unit_type = unit_type

    def __repr__(self) -> str:
        """What it costs."""
        asked_sat = self._price.now()
        return f"<LightningSessionOffer {asked_sat} sat, deposit {self._deposit(asked_sat)} sat>"

    # -- challenges -------------------------------------------------------------------------------

    @property
    def description(self) -> str | None:
        """What is paid for."""
        return self._description

    @property
    def request(self) -> Mapping[str, Any]:
        """What all clients are asked for; each gets it with a deposit's invoice."""
        return self._request(self._price.now())

    def _request(self, amount_sat: int) -> dict[str, Any]:
        return price(
            amount_sat,
            self._deposit(amount_sat),
            idle_timeout_s=self._context.idle_timeout_s,
            unit_type=self._unit_type,
            description=self._description,
        )

    def _deposit(self, amount_sat: int) -> int:
        """What is to be paid in at this price; at least one unit, however much a price rises."""
        if self._deposit_sat is None:
            return amount_sat * self._deposit_units
        return max(self._deposit_sat, amount_sat)

    async def personal_request(self, request: PaidRequest) -> Mapping[str, Any] | None:
        """The request with a fresh deposit's invoice, although most are never paid: nobody knows
        yet whether this client will open, top up, or only show what it has (facts 2.1)."""
        return await self.fresh_request()

    async def fresh_request(self) -> Mapping[str, Any] | None:
        """The same, for whoever asks; None if the node gives no invoice."""
        amount_sat = self._price.now()
        memo = self._description or _MEMO
        deposit = await self._context.invoices.make(self._deposit(amount_sat), memo)
        if deposit is None:
            return None
        asked = SessionRequest(amount_sat, deposit.payment_hash, deposit)
        return {**asked.to_json(), **self._request(amount_sat)}

    def matches(self, echoed: Mapping[str, Any]) -> bool:
        """Whether a challenge with this request was made of this offer, the invoice aside."""
        parts = stable_parts(echoed)
        return any(parts == self._request(one) for one in self._price.lately(self.lifetime_s))

    def in_its_words(self, check: str, error: PaymentError) -> PaymentError:
        """A refusal of the gate's as the draft names it."""
        return in_lightning_words(check, error, ChallengeExpiredError)

    # -- credentials ------------------------------------------------------------------------------

    def repeats(self, credential: Credential) -> bool:
        """Whether the same credential gets the same answer again: all but a bearer does, or a lost
        answer to an open would strand its deposit (facts 2.5)."""
        payload = credential.payload
        action = payload.get("action") if isinstance(payload, dict) else None
        return isinstance(action, str) and action in _ANSWERED_ONCE

    async def prove(self, credential: Credential, request: PaidRequest) -> str | None:
        """Whose session it is, for an Idempotency-Key; only a bearer shows one."""
        payload = parse_payload(credential.payload)
        if not isinstance(payload, Bearer):
            return None
        session = check_bearer(await self._context.book.get(payload.session_id), payload.preimage)
        return session.id.hex()

    async def settle(self, credential: Credential, request: PaidRequest) -> Settlement:
        """Do what the credential asks, charge, and say what came of it."""
        return await self.accept(credential)

    async def accept(self, credential: Credential) -> Settlement:
        """The same, whatever it was sent with."""
        payload = parse_payload(credential.payload)
        challenge_id = credential.challenge.id
        echoed = request_of(credential.challenge)
        if isinstance(payload, Bearer):
            unit_sat = read_sats(echoed["amount"], "amount")
            price_sat, units = self._at_once(unit_sat)
            session = await self._context.actions.bearer(payload, price_sat, units)
            return self._paid(session, challenge_id, payload.action, unit_sat)
        if isinstance(payload, Open):
            asked = parse_request(echoed)
            price_sat, units = self._at_once(asked.amount_sat)
            session = await self._context.actions.open(asked, payload, price_sat, units)
            return self._paid(session, challenge_id, payload.action, asked.amount_sat)
        if isinstance(payload, TopUp):
            asked = parse_request(echoed)
            session = await self._context.actions.top_up(asked, payload)
            receipt = session_receipt(session, challenge_id, now_us=self._context.clock.now_us())
            return self._managed(session, payload.action, receipt, {"status": "ok"})
        session = await self._context.actions.close(payload)
        receipt = close_receipt(session, challenge_id, now_us=self._context.clock.now_us())
        answer = {"status": "closed", **closing(session)}
        return self._managed(session, payload.action, receipt, answer)

    def _at_once(self, unit_sat: int) -> tuple[int, int]:
        """What is spent before the application answers, and how many units that is."""
        return (0, 0) if self._is_metered else (unit_sat, 1)

    def _paid(self, session: Session, challenge_id: str, action: str, unit_sat: int) -> Settlement:
        """The application answers; units cost what the challenge says that was shown."""
        receipt = session_receipt(session, challenge_id, now_us=self._context.clock.now_us())
        meter = None
        if self._is_metered:
            meter = LightningMeter(
                self._context.book,
                session,
                amount_sat=unit_sat,
                challenge_id=challenge_id,
                clock=self._context.clock,
                used=self._context.closer.used,
            )
        return Settlement(
            receipt=to_header(receipt),
            reference=session.id.hex(),
            amount=self._at_once(unit_sat)[0],
            currency="sat",
            meter=meter,
            dialect=LIGHTNING,
            details=_details(action, session),
        )

    def _managed(
        self, session: Session, action: str, receipt: dict[str, Any], answer: dict[str, Any]
    ) -> Settlement:
        """The gate answers."""
        return Settlement(
            receipt=to_header(receipt),
            reference=session.id.hex(),
            amount=0,
            currency="sat",
            delivers=False,
            answer=answer,
            details=_details(action, session),
        )


def _details(action: str, session: Session) -> dict[str, Any]:
    """What the journal is told."""
    return {
        "action": action,
        "sessionId": session.id.hex(),
        "deposit": session.deposit_sat,
        "spent": session.spent_sat,
        "units": session.units,
    }
