"""Lightning as methods of pympp's own server: `Mpp(methods=[charge_method(server, 10)])`.

The shape in which they could go upstream (facts: protocol 2.2, G12). pympp asks a method for its
request whenever it makes a challenge, so each gets its invoice. It compares what a credential
echoes with a request made anew, and no two have one invoice (G3): so what is echoed is handed back
as it is, for pympp's HMAC has to show anyhow that it is ours. A session pays for content here;
topUp and close are refused before anything happens, for pympp would run the application for them
(G1). The gate of this package does it all.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from mpp import Receipt
from mpp.errors import BadRequestError, MalformedCredentialError
from mpp.methods import Method
from mpp.server.method import RequestContext, ServerMethod, VerifyContext
from pydantic import RootModel

from sandbox.methods.lightning_charge import parse_request
from sandbox.methods.lightning_session import Close, TopUp, parse_payload
from sandbox.server.challenges import request_of
from sandbox.server.refusals import NothingOfferedError
from sandbox.server.streaming.receipts import settled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mpp import Credential

    from sandbox.lightning.prices import Price
    from sandbox.server.lightning.charge import LightningChargeOffer
    from sandbox.server.lightning.server import LightningServer
    from sandbox.server.lightning.session import LightningSessionOffer
    from sandbox.server.offer import Settlement

_PLAIN: Final = frozenset({"status", "timestamp", "reference", "method"})
"""Members that pympp's receipts have anyway."""
_SCOPE: Final = "_mppx_scope"
"""Where pympp binds a challenge to its route."""


class LightningTerms(RootModel[dict[str, Any]]):
    """A challenge's request, which the offer has written already."""


class LightningPayload(RootModel[dict[str, Any]]):
    """A credential's payload; the offer reads it, and says what is wrong."""


def _method(intent: str) -> Method[Any, Any]:
    return Method(
        name="lightning",
        intent=intent,
        request_model=LightningTerms,
        payload_model=LightningPayload,
    )


CHARGE: Final = _method("charge")
SESSION: Final = _method("session")


def charge_method(server: LightningServer, amount: int | Price, **offer: Any) -> ServerMethod:
    """A charge with one price, given as for `LightningServer.charge`."""
    priced = server.charge(amount, **offer)

    async def accept(credential: Credential) -> Settlement:
        settlement = priced.accept(credential)
        asked = parse_request(request_of(credential.challenge))
        await server.consume(asked.invoice)
        return settlement

    return _server_method(CHARGE, priced, accept)


def session_method(server: LightningServer, amount: int | Price, **offer: Any) -> ServerMethod:
    """A session with one price, given as for `LightningServer.session`."""
    priced = server.session(amount, **offer)

    async def accept(credential: Credential) -> Settlement:
        if isinstance(parse_payload(credential.payload), TopUp | Close):
            raise BadRequestError("this server takes session payments for content only")
        return await priced.accept(credential)

    return _server_method(SESSION, priced, accept)


def _server_method(
    method: Method[Any, Any],
    priced: LightningChargeOffer | LightningSessionOffer,
    accept: Callable[[Credential], Awaitable[Settlement]],
) -> ServerMethod:
    async def resolve_request(context: RequestContext) -> dict[str, Any]:
        if context.credential is not None:
            try:
                echoed = request_of(context.credential.challenge)
            except MalformedCredentialError:
                echoed = {}
            echoed.pop(_SCOPE, None)
            return echoed if priced.matches(echoed) else dict(priced.request)
        asked = await priced.fresh_request()
        if asked is None:
            raise NothingOfferedError
        return dict(asked)

    async def verify(context: VerifyContext) -> Receipt:
        credential = context.credential
        payload: Any = credential.payload
        plain = payload.root if isinstance(payload, LightningPayload) else payload
        settlement = await accept(replace(credential, payload=plain))
        shown = settled(settlement)
        return Receipt(
            status="success",
            timestamp=datetime.fromisoformat(shown["timestamp"]),
            reference=settlement.reference,
            method=method.name,
            extensions={name: part for name, part in shown.items() if name not in _PLAIN},
            payer=settlement.payer,
        )

    return ServerMethod(method=method, verify=verify, resolve_request=resolve_request)
