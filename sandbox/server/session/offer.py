"""One priced session offer of a route, as the gate sees it.

The gate has checked that a credential's challenge was made of this offer, so the offer's own terms
stand for what the credential echoes, and nothing of the echo is read again: the hot path is one
payload, two looks at the store and one signature. Spec: facts, protocol 2.4-2.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mpp.errors import VerificationFailedError

from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.tx.signatures import KeychainSignature
from sandbox.methods.tempo_session import (
    Channel,
    Open,
    SessionReceipt,
    Snapshot,
    Status,
    TopUp,
    Voucher,
    check_channel,
    check_opening,
    parse_payload,
    verify_voucher,
)
from sandbox.methods.tempo_session.fields import FieldError, read_hash, to_hex
from sandbox.server.classify import RequestKind, is_charged_up_front, is_delivered
from sandbox.server.offer import Settlement
from sandbox.server.refusals import StoreFailedError
from sandbox.server.session.meter import SessionMeter
from sandbox.server.single_use import proof_hash
from sandbox.server.stores.errors import StoreError, StoreOutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpp import Credential

    from sandbox.methods.tempo_session import Payload, SessionRequest
    from sandbox.server.request import PaidRequest
    from sandbox.server.session.actions import Actions, Done
    from sandbox.server.session.bootstrap import BootstrapOffer
    from sandbox.server.session.closing import Closer
    from sandbox.server.session.context import SessionContext

HINT: Final = b"payment-session"
"""The request header in which a client says which channel it has (facts: protocol 2.6)."""

_ONCE: Final = "request"
"""The unit of offers that charge once, however long the answer streams."""

_PERSONAL: Final = frozenset({"channelId", "sessionSnapshot"})
"""Members of `methodDetails` that only one client was told."""


class SessionOffer:
    """A `sandbox.server.offer.Offer` of method tempo, intent session."""

    method: Final = "tempo"
    intent: Final = "session"
    is_single_use: Final = False

    def __init__(
        self,
        terms: SessionRequest,
        *,
        context: SessionContext,
        actions: Actions,
        closer: Closer,
        streams: bool = False,
        description: str | None = None,
    ) -> None:
        self.terms = terms
        self.streams = streams
        self.description = description
        self.request: Mapping[str, Any] = terms.to_json()
        """The challenge's request, the same object for all clients."""
        self.bootstrap: BootstrapOffer | None = None
        """What a HEAD is asked for instead of the price."""
        self._proven: tuple[bytes, int, bytes] | None = None
        """The voucher that `prove` has checked last; `settle` need not check it again."""
        self._context = context
        self._actions = actions
        self._closer = closer
        self._is_metered = streams and terms.unit_type != _ONCE
        self._stable = _stable(self.request)
        self._currency = to_hex(terms.currency)

    def __repr__(self) -> str:
        """What it costs."""
        terms = self.terms
        return f"<SessionOffer {terms.amount} of {self._currency} per {terms.unit_type}>"

    # -- challenges -------------------------------------------------------------------------------

    async def personal_request(self, request: PaidRequest) -> Mapping[str, Any] | None:
        """The request with a snapshot of the channel that the client says it has, if this offer
        could be paid with it."""
        hinted = request.field(HINT)
        if hinted is None:
            return None
        try:
            channel_id = read_hash(hinted.strip(), "Payment-Session")
        except FieldError:
            return None
        channel = await self._context.book.get(channel_id)
        if channel is None or not self.covers(channel):
            return None
        is_content = request.kind is RequestKind.CONTENT
        snapshot = Snapshot.of(channel, self.terms.amount if is_content else 0)
        if snapshot is None:
            return None
        details = {
            **self.request["methodDetails"],
            "channelId": to_hex(channel_id),
            "sessionSnapshot": snapshot.to_json(),
        }
        return {**self.request, "methodDetails": details}

    def covers(self, channel: Channel) -> bool:
        """Whether this offer can be paid with the channel."""
        terms = self.terms
        return terms.covers(channel) and (
            channel.descriptor.operator in {terms.expected_operator, ZERO_ADDRESS}
            if terms.operator is None
            else channel.descriptor.operator == terms.operator
        )

    def matches(self, echoed: Mapping[str, Any]) -> bool:
        """Whether a challenge with this request was made of this offer, personal parts aside."""
        return echoed is self.request or _stable(echoed) == self._stable

    # -- credentials ------------------------------------------------------------------------------

    async def prove(self, credential: Credential, request: PaidRequest) -> str | None:
        """Whose channel the credential's voucher is signed for; nothing is taken or charged.

        None if it shows nobody: a top-up, a close, or a channel that an access key wants to open,
        for only the chain knows whether that key may speak for the account it names.
        """
        terms = self.terms
        payload = parse_payload(credential.payload, terms.protocol)
        if not isinstance(payload, Open | Voucher):
            return None
        channel = await self._context.book.get(payload.channel_id)
        is_confirmed = channel is not None and channel.status is not Status.OPENING
        if isinstance(payload, Open):
            opening = check_opening(terms, payload)
            signature = opening.transaction.signed.signature
            if not is_confirmed and isinstance(signature, KeychainSignature):
                return None
            return to_hex(opening.descriptor.payer)
        channel = check_channel(terms, payload, channel)
        cumulative, signed = payload.cumulative, payload.signature
        verify_voucher(channel.book, channel.id, cumulative, signed, channel.signer)
        self._proven = channel.id, cumulative, signed
        return to_hex(channel.descriptor.payer) if is_confirmed else None

    async def check_unseen(self, credential: Credential) -> None:
        """Raise unless the voucher is one that nobody but its signer can have.

        Those that were accepted are no secret: snapshots show them, settlements carry them to the
        chain. They pay for what they cover, but do not open what somebody was answered before.
        """
        payload = parse_payload(credential.payload, self.terms.protocol)
        channel = await self._context.book.get(payload.channel_id)
        known = 0 if channel is None else channel.accepted
        if not isinstance(payload, Open | Voucher) or payload.cumulative <= known:
            raise VerificationFailedError(
                f"an earlier answer is repeated for a voucher above {known} only; nothing is"
                " charged for it"
            )

    async def charged(self, credential: Credential) -> str:
        """The credential's channel and what is spent of it. That only grows, so whoever is told the
        same twice knows that nothing was charged between. Top-ups and closes charge nothing: they
        are told apart by themselves."""
        payload = parse_payload(credential.payload, self.terms.protocol)
        if not isinstance(payload, Open | Voucher):
            return proof_hash(credential)
        channel = await self._context.book.get(payload.channel_id)
        return f"{to_hex(payload.channel_id)}:{0 if channel is None else channel.spent}"

    async def settle(self, credential: Credential, request: PaidRequest) -> Settlement:
        """Do what the credential asks, charge, and say what came of it."""
        terms = self.terms
        payload = parse_payload(credential.payload, terms.protocol)
        action, kind = payload.action, request.kind
        charged = is_charged_up_front(kind, action, request.method, streams=self._is_metered)
        price = terms.amount if charged else 0
        if isinstance(payload, Voucher):
            done = await self._voucher(payload, credential.source, price)
        elif isinstance(payload, Open):
            done = await self._actions.open(terms, payload, credential, price)
        elif isinstance(payload, TopUp):
            done = await self._actions.top_up(terms, payload, credential)
        else:
            done = await self._actions.close(terms, payload, credential)
        delivers = is_delivered(kind, action)
        return self._settlement(payload, credential.challenge.id, done, price, delivers=delivers)

    async def _voucher(self, payload: Voucher, source: str | None, price: int) -> Done:
        """Take a voucher. It is one update of the store: if that fails, nothing was charged."""
        shown = payload.channel_id, payload.cumulative, payload.signature
        try:
            return await self._actions.voucher(
                self.terms, payload, source, price, signature_checked=shown == self._proven
            )
        except StoreOutcomeUnknown:
            raise
        except StoreError as error:
            raise StoreFailedError(error) from error

    def _settlement(
        self, payload: Payload, challenge_id: str, done: Done, price: int, *, delivers: bool
    ) -> Settlement:
        channel, clock = done.channel, self._context.clock
        receipt = SessionReceipt.of(
            channel,
            challenge_id,
            now_us=clock.now_us(),
            tx_hash=done.tx_hash,
            accepted=done.accepted,
        )
        meter = None
        if self._is_metered:  # a WebSocket's frame delivers nothing itself, and starts a stream
            meter = SessionMeter(
                self._context.book,
                channel,
                amount=self.terms.amount,
                challenge_id=challenge_id,
                clock=clock,
                prepaid=1 if price else 0,
                charged=self._closer.settle_if_due,
            )
        return Settlement(
            receipt=receipt.to_header(),
            reference=to_hex(channel.id),
            amount=price,
            currency=self._currency,
            payer=to_hex(channel.descriptor.payer),
            delivers=delivers,
            meter=meter,
            tx_hash=None if done.tx_hash is None else to_hex(done.tx_hash),
            details={
                "action": payload.action,
                "accepted": channel.accepted,
                "spent": channel.spent,
                "deposit": channel.deposit,
                "settled": channel.settled,
                "units": channel.units,
            },
        )


def _stable(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request without what only one client was told."""
    details = request.get("methodDetails")
    if not isinstance(details, dict):
        return dict(request)
    pinned = {name: part for name, part in details.items() if name not in _PERSONAL}
    return {**request, "methodDetails": pinned}
