"""What a client tells about its payments while it makes them, such as for `pay -v`.

The names are pympp's where it has one (facts, protocol 1.1, row 29). Facts are decoded headers: a
challenge is public and shown whole; of a credential only what proves nothing is shown, for whoever
holds it can use it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sandbox.methods.disclosure import disclosed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mpp import Challenge

_log = logging.getLogger(__name__)


class EventKind(StrEnum):
    """What happened."""

    CHALLENGE_RECEIVED = "challenge.received"
    """A 402 came, and one of its challenges was chosen."""
    CREDENTIAL_CREATED = "credential.created"
    """The money was reserved and a credential signed; it is about to be sent."""
    PAYMENT_TAKEN = "payment.taken"
    """The server accepted the credential."""
    PAYMENT_REFUSED = "payment.refused"
    """The server did not accept it."""
    PAYMENT_UNKNOWN = "payment.unknown"
    """The answer was lost; what is done about it is in the facts."""


@dataclass(frozen=True, slots=True)
class ClientEvent:
    """One thing that happened to one request."""

    kind: EventKind
    at_us: int
    url: str
    http_method: str
    facts: Mapping[str, Any]


def tell(observer: Callable[[ClientEvent], None] | None, event: ClientEvent) -> None:
    """Tell an observer. What it raises is logged: watching a payment must not change it."""
    if observer is None:
        return
    try:
        observer(event)
    except Exception:
        _log.exception("The observer of %s failed", event.kind)


def challenge_facts(challenge: Challenge) -> dict[str, Any]:
    """A challenge's parameters, with the request decoded."""
    facts = {
        "id": challenge.id,
        "realm": challenge.realm,
        "method": challenge.method,
        "intent": challenge.intent,
        "request": challenge.request,
        "expires": challenge.expires,
        "digest": challenge.digest,
        "description": challenge.description,
        "header": challenge.header,
        "opaque": challenge.opaque,
    }
    return {name: value for name, value in facts.items() if value is not None}


def credential_facts(authorization: str) -> dict[str, Any]:
    """What may be shown of a credential: proofs are replaced by their length."""
    from mpp import Credential
    from mpp._parsing import ParseError

    try:
        credential = Credential.from_authorization(authorization)
    except ParseError:
        return {"unreadable": True}
    payload = credential.payload if isinstance(credential.payload, dict) else {}
    return {
        "challenge_id": credential.challenge.id,
        "source": credential.source,
        "payload": disclosed(payload),
        "length": len(authorization),
    }
