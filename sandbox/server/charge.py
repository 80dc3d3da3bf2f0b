"""pympp's charge methods as offers: `mpp.methods.tempo.server.charge(...)`, Stripe's, any other.

Facts: protocol 2.2. The calls are those of pympp's own engine (`mpp/server/mpp.py`, `compose.py`):
the method's model makes the wire request, its payload model reads the proof, `validate` looks and
`broadcast` pays. What `validate` raises happened before anything was charged, so a node that cannot
be reached there is a 503 and no unknown outcome.

    offers = charge_offers(tempo.charge(recipient="0x...", store=store.replays()), amount="0.01")
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from mpp import Challenge, Credential, Receipt
from mpp.errors import (
    InternalPaymentError,
    InvalidPayloadError,
    PaymentError,
    VerificationFailedError,
)
from mpp.server.method import RequestContext, ServerMethod, ValidateContext, VerifyContext
from pydantic import ValidationError

from mock_rails.core.errors import BadInput
from sandbox.methods.unchecked import PaymentUncheckedError
from sandbox.server.offer import Offer, Settlement

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from mpp._validation import Validation

    from mock_rails.core.clock import Clock
    from sandbox.server.charge_lookup import Finder
    from sandbox.server.request import PaidRequest

    Find = Callable[[Credential, PaidRequest], Awaitable[Settlement | None]]

_HASH_DIGITS: Final = 64
_SECP256K1_BYTES: Final = 65


class ChargeOffer(Offer):
    """One configured charge method at one price."""

    is_single_use = True

    def __init__(
        self,
        server_method: ServerMethod,
        *,
        amount: str,
        description: str | None = None,
        find: Finder | None = None,
        **route_options: Any,
    ) -> None:
        """With `find`, what came of an interrupted payment is looked up at its rail."""
        self._finder = find
        self.find: Find | None = None if find is None else self._find
        self._server_method = server_method
        self._input = _resolved(server_method, {"amount": amount, **route_options})
        self._request = server_method.method.normalize_request(self._input)
        self._description = description
        self._clock: Clock | None = None

    def go_by(self, clock: Clock) -> None:
        """Let challenges end by this clock; pympp looks at the machine's."""
        self._clock = clock

    @property
    def method(self) -> str:
        """The payment method's name on the wire."""
        return self._server_method.name

    @property
    def intent(self) -> str:
        """Its intent's."""
        return self._server_method.intent

    @property
    def description(self) -> str | None:
        """What is paid for."""
        return self._description

    @property
    def request(self) -> Mapping[str, Any]:
        """The wire request, the same for everyone."""
        return self._request

    async def personal_request(self, request: PaidRequest) -> Mapping[str, Any] | None:
        """None: a charge asks everyone for the same."""
        return None

    def matches(self, echoed: Mapping[str, Any]) -> bool:
        """Whether the challenge asked for exactly this."""
        return echoed is self._request or echoed == self._request

    async def prove(self, credential: Credential, request: PaidRequest) -> str | None:
        """Who pays with this credential, checked but not charged; None if it cannot be told.

        pympp takes the account that a passkey's or an access key's signature names for the payer,
        for the chain will check it. Nothing goes to the chain here, so such a name proves nothing.
        """
        if self._server_method.validate is None:
            return None
        found = await self._looked_at(credential)
        return found.payer if _is_signed_by_payer(found.details) else None

    async def settle(self, credential: Credential, request: PaidRequest) -> Settlement:
        """Check the proof and take the payment."""
        return self._settlement(await self._paid(self._context(credential)), credential)

    async def _find(self, credential: Credential, request: PaidRequest) -> Settlement | None:
        """What came of a settlement of this credential whose end nobody saw: the payment, or None
        while nobody can tell. A refusal: it surely moved nothing."""
        assert self._finder is not None
        receipt = await self._finder(self._server_method, self._context(credential))
        return None if receipt is None else self._settlement(receipt, credential)

    def _settlement(self, receipt: Receipt, credential: Credential) -> Settlement:
        payer = receipt.payer or _address(credential.source)
        reference = receipt.reference
        if self._clock is not None:  # pympp dates it by the machine's
            receipt = replace(receipt, timestamp=self._clock.utc())
        return Settlement(
            receipt=receipt.to_payment_receipt(),
            reference=reference,
            amount=int(self._request["amount"]),
            currency=str(self._request.get("currency", "")),
            payer=payer,
            tx_hash=reference if _is_hash(reference) else None,
        )

    async def _paid(self, context: VerifyContext) -> Receipt:
        """The lifecycle of pympp's `ServerMethod.settle`, with its two halves told apart."""
        method = self._server_method
        if method.broadcast is None:
            receipt, _ = await method.settle(context)
            return receipt
        found = None
        if method.validate is not None:
            checking = ValidateContext(
                credential=context.credential,
                request=context.request,
                challenge=context.challenge,
                operation="broadcast",
            )
            found = await self._validated(checking)
        try:
            receipt = await method.broadcast(context)
        except InternalPaymentError as error:
            refused = None if found is None else await self._refusal(found, error)
            if refused is None:
                raise
            raise refused from error
        if receipt.payer or found is None or found.payer is None:
            return receipt
        return replace(receipt, payer=found.payer)

    async def _refusal(
        self, found: Validation, failure: InternalPaymentError
    ) -> PaymentError | None:
        """What is certain of a payment that the method could not confirm, if its rail can tell."""
        tell: Any = getattr(self._finder, "refusal", None)
        refused: PaymentError | None = None if tell is None else await tell(found, failure)
        return refused

    async def _looked_at(self, credential: Credential) -> Validation:
        """What the method sees in the proof, without paying with it."""
        context = self._context(credential)
        return await self._validated(
            ValidateContext(
                credential=context.credential, request=context.request, challenge=context.challenge
            )
        )

    async def _validated(self, context: ValidateContext) -> Validation:
        """What the method sees in the proof. It only looks, so what breaks here charged nothing."""
        assert self._server_method.validate is not None
        try:
            return await self._server_method.validate(context)
        except InternalPaymentError as error:
            raise PaymentUncheckedError from error
        except PaymentError:
            raise
        except Exception as error:
            raise PaymentUncheckedError from error

    def _context(self, credential: Credential) -> VerifyContext:
        try:
            payload = self._server_method.method.parse_payload(credential.payload)
        except ValidationError as error:
            raise InvalidPayloadError(_reasons(error)) from None
        except RecursionError as error:
            raise InvalidPayloadError("it is nested too deeply") from error
        _check_hash(payload)
        credential = self._by_the_wall(credential)
        echo = credential.challenge
        if credential.source is not None and len(credential.source) > 512:
            raise VerificationFailedError("the source is no account")
        challenge = Challenge(
            id=echo.id,
            realm=echo.realm,
            method=echo.method,
            intent=echo.intent,
            request=dict(self._request),
            request_b64=echo.request,
            expires=echo.expires,
            digest=echo.digest,
            header=echo.header,
            description=echo.description,
        )
        return VerifyContext(
            credential=replace(credential, payload=payload),
            request=self._input,
            challenge=challenge,
        )

    def _by_the_wall(self, credential: Credential) -> Credential:
        """The credential as pympp may judge it: it compares a challenge's end with the wall's time.

        A clock that is behind the wall (frozen, or of a snapshot) would have every challenge end
        before it is made. The gate has looked at its own clock, and the end is moved by as much as
        that is behind. One that is ahead needs nothing, and marks must not end early.
        """
        echo, clock = credential.challenge, self._clock
        behind_s = 0 if clock is None else clock.wall_s() - clock.now_s()
        if behind_s <= 0 or not echo.expires:
            return credential
        end = datetime.fromisoformat(echo.expires.replace("Z", "+00:00"))
        moved = (end + timedelta(seconds=behind_s)).isoformat().replace("+00:00", "Z")
        return replace(credential, challenge=replace(echo, expires=moved))


def charge_offers(
    methods: ServerMethod | Sequence[ServerMethod],
    *,
    amount: str,
    description: str | None = None,
    find: Finder | None = None,
    **route_options: Any,
) -> tuple[ChargeOffer, ...]:
    """An offer for each method (pympp makes one for each currency), all at the same price.

    `amount` is a decimal text in whole units. `route_options` are the method's own: `currency`
    picks one of the methods, as in pympp. With a `find` of the methods' rail (`on_chain(rpc)`, a
    `StripeMerchant`'s), payments that a crash or a lost answer interrupted are looked up there when
    their credentials come again.
    """
    given = (methods,) if isinstance(methods, ServerMethod) else methods
    wanted = route_options.get("currency")
    chosen = [one for one in given if wanted is None or _takes(one, wanted)]
    if not chosen:
        raise BadInput(f"None of the methods takes the currency {wanted}.")
    return tuple(
        ChargeOffer(one, amount=amount, description=description, find=find, **route_options)
        for one in chosen
    )


def _takes(method: ServerMethod, currency: str) -> bool:
    """Whether the method is for this currency, or leaves the currency to the route."""
    own = (method.defaults or {}).get("currency")
    return own is None or own.lower() == currency.lower()


def _resolved(method: ServerMethod, options: Mapping[str, Any]) -> dict[str, Any]:
    """The method's input, with its defaults under the route's options."""
    given = {key: value for key, value in options.items() if value is not None}
    merged = {**(method.defaults or {}), **given}
    if method.resolve_request is None:
        return merged
    resolved = method.resolve_request(RequestContext(request=merged))
    if inspect.isawaitable(resolved):
        if inspect.iscoroutine(resolved):
            resolved.close()
        raise BadInput(f"{method.key} makes each request anew: it needs an offer of its own.")
    return resolved


def _reasons(error: ValidationError) -> str:
    """What is wrong with a payload, without repeating its values: they may be signatures."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(
        f"{'.'.join(str(part)[:40] for part in one['loc']) or 'payload'}: {one['msg'][:200]}"
        for one in found[:5]
    )


def _address(source: str | None) -> str | None:
    """The account in a `did:pkh:eip155:<chain>:<address>` that the client claims to be."""
    return source.rpartition(":")[2].lower() if source else None


def _is_signed_by_payer(details: Any) -> bool:
    """Whether the payer was recovered from a signature, as far as the proof is a transaction."""
    if not isinstance(details, dict) or details.get("mode") != "pull":
        return True
    import rlp

    fields = rlp.decode(bytes.fromhex(details["serialized_transaction"].removeprefix("0x"))[1:])
    return len(fields[-1]) == _SECP256K1_BYTES


def _check_hash(payload: Any) -> None:
    """pympp takes hex of any length for a transaction's hash, and asks its store and node for it;
    both refuse what cannot be one, which would look like trouble of ours."""
    found = getattr(getattr(payload, "root", payload), "hash", None)
    if isinstance(found, str) and not _is_hash(found):
        raise InvalidPayloadError("hash: a transaction's hash has 32 bytes")


def _is_hash(reference: str) -> bool:
    return reference.startswith("0x") and len(reference) == 2 + _HASH_DIGITS
