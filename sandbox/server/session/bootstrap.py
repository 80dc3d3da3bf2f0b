"""The bootstrap: a client that lost its memory asks with HEAD whether it has a channel here.

    C -> S  HEAD /resource                      (Accept-Payment: tempo/charge)
    S -> C  402, a tempo/charge challenge over nothing
    C -> S  HEAD /resource, with a proof of who it is
    S -> C  204, Payment-Session and Payment-Session-Snapshot of that payer's channel

Facts: protocol 2.6. A payer without a channel gets 204 as well, and opens one. What the snapshot
says is not secret (ids, amounts and the payer's own signature), and the client proves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mpp import Receipt
from mpp.errors import InvalidPayloadError

from sandbox.methods.tempo_session import Snapshot
from sandbox.methods.tempo_session.fields import FieldError, read_bytes, read_object, to_hex
from sandbox.server.offer import Settlement
from sandbox.server.session.proof import verify_proof

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpp import Credential

    from sandbox.server.request import PaidRequest
    from sandbox.server.session.context import SessionContext
    from sandbox.server.session.offer import SessionOffer


class BootstrapOffer:
    """A `sandbox.server.offer.Offer` for HEAD: tempo/charge over nothing, paid with a proof."""

    method: Final = "tempo"
    intent: Final = "charge"
    is_single_use: Final = True
    description: Final = None

    def __init__(self, offer: SessionOffer, context: SessionContext) -> None:
        self.offer = offer
        self._context = context
        terms = offer.terms
        self.request: Mapping[str, Any] = {
            "amount": "0",
            "currency": to_hex(terms.currency),
            "recipient": to_hex(terms.recipient),
            "methodDetails": {"chainId": terms.chain_id},
        }

    async def personal_request(self, request: PaidRequest) -> Mapping[str, Any] | None:
        """None: everyone is asked the same."""
        return None

    def matches(self, echoed: Mapping[str, Any]) -> bool:
        """Whether a challenge with this request was made of this offer."""
        return echoed is self.request or echoed == self.request

    async def settle(self, credential: Credential, request: PaidRequest) -> Settlement:
        """Check the proof, and tell of the payer's channel."""
        payer = verify_proof(
            credential.source,
            _signature(credential.payload),
            chain_id=self.offer.terms.chain_id,
            challenge_id=credential.challenge.id,
            realm=credential.challenge.realm,
        )
        snapshot = await self._best(payer)
        headers: tuple[tuple[str, str], ...] = ()
        if snapshot is not None:
            headers = (
                ("Payment-Session", to_hex(snapshot.channel_id)),
                ("Payment-Session-Snapshot", snapshot.to_header()),
            )
        now = self._context.clock.utc()
        receipt = Receipt.success(reference=credential.challenge.id, timestamp=now, method="tempo")
        return Settlement(
            receipt=receipt.to_payment_receipt(),
            reference=credential.challenge.id,
            amount=0,
            currency=self.request["currency"],
            payer=to_hex(payer),
            delivers=False,
            headers=headers,
        )

    async def _best(self, payer: bytes) -> Snapshot | None:
        """The payer's channel with most left to spend, of those that pay this offer."""
        found = [
            snapshot
            for channel in await self._context.book.of_payer(payer)
            if self.offer.covers(channel) and (snapshot := Snapshot.of(channel, 0)) is not None
        ]
        return max(found, key=lambda one: one.deposit - one.spent, default=None)


def _signature(payload: object) -> bytes:
    try:
        members = read_object(payload, "payload")
        if members.get("type") != "proof":
            raise FieldError('type must be "proof" for an amount of 0')
        return read_bytes(members.get("signature"), "signature")
    except FieldError as error:
        raise InvalidPayloadError(str(error)) from error
