"""What ties an event to a payment: the names by which both the rails and the gate call it.

A rail knows nothing of exchanges (DESIGN 1), but it says which transaction it mined, which payment
hash an HTLC had, and which challenge a request's metadata named. The gate says the same of the
credential that it was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox.journaling.exchange import Event

GATE: Final = "exchange."
"""How the kinds of the gate's own events begin."""


class Tie(StrEnum):
    """What kind of name it is."""

    CHALLENGE = "challenge"
    TRANSACTION = "transaction"
    PAYMENT_HASH = "payment hash"
    INTENT = "PaymentIntent"


class Key(NamedTuple):
    """One name."""

    tie: Tie
    name: str


def is_gate(event: Event) -> bool:
    """Whether the gate says so of an exchange."""
    return event["exchange"] is not None and str(event["kind"]).startswith(GATE)


def offered(event: Event) -> Iterator[Key]:
    """What a 402 asks to be paid by."""
    for offer in event["data"].get("offers") or ():
        if offer.get("challenge"):
            yield Key(Tie.CHALLENGE, offer["challenge"])
        yield from _hashes_of(offer.get("request"))


def claimed(event: Event) -> Iterator[Key]:
    """What an exchange with a credential says that it was paid by."""
    data = event["data"]
    offer, reference = str(data.get("offer") or ""), data.get("reference")
    if data.get("challenge"):
        yield Key(Tie.CHALLENGE, data["challenge"])
    for member in ("txHash", "tx"):
        if data.get(member):
            yield Key(Tie.TRANSACTION, str(data[member]))
    if reference and offer == "stripe/charge":
        yield Key(Tie.INTENT, str(reference))
    if reference and offer == "lightning/charge":
        yield Key(Tie.PAYMENT_HASH, _hash(reference))
    if offer.startswith("lightning/"):
        details = data.get("details")
        yield from _hashes_of(details)
        headers = data.get("headers")
        challenge = headers.get("challenge") if isinstance(headers, Mapping) else None
        yield from _hashes_of(challenge.get("request") if isinstance(challenge, Mapping) else None)


class Rails:
    """What the rails' events are called by. Stripe's are tied through the request that caused them:
    an event names its request, a webhook its event, and the request names the challenge."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._requests: dict[str, list[Key]] = {}
        self._caused: dict[str, str] = {}
        for event in events:
            if event["rail"] == "stripe":
                self._learn(event)

    def _learn(self, event: Event) -> None:
        data = event["data"]
        if event["kind"] == "request.answered":
            self._requests[str(data.get("request"))] = list(_asked_of(data))
        elif data.get("event") and data.get("request"):
            self._caused[str(data["event"])] = str(data["request"])

    def keys(self, event: Event) -> Iterator[Key]:
        """All names of a rail's event."""
        data: Mapping[str, Any] = event["data"]
        if event["kind"] == "fault.fired":
            met = data.get("met")
            data = met if isinstance(met, Mapping) else {}
        yield from _plain(data)
        if event["rail"] == "stripe":
            request = data.get("request") or self._caused.get(str(data.get("event")))
            yield from self._requests.get(str(request), ())


def _plain(data: Mapping[str, Any]) -> Iterator[Key]:
    for tx_hash in data.get("transactions") or ():
        yield Key(Tie.TRANSACTION, str(tx_hash))
    for member in ("tx", "hash"):
        if isinstance(data.get(member), str):
            yield Key(Tie.TRANSACTION, data[member])
    for member in ("payment_hash", "paymentHash", "sessionId"):
        if data.get(member):
            yield Key(Tie.PAYMENT_HASH, _hash(data[member]))
    yield from _asked_of(data)


def _asked_of(data: Mapping[str, Any]) -> Iterator[Key]:
    if data.get("challenge_id"):
        yield Key(Tie.CHALLENGE, str(data["challenge_id"]))
    for member in ("object", "payment_intent"):
        if str(data.get(member) or "").startswith("pi_"):
            yield Key(Tie.INTENT, str(data[member]))


def _hashes_of(table: object) -> Iterator[Key]:
    """The payment hash that a request or the details of a settlement name."""
    found = table if isinstance(table, Mapping) else {}
    more = found.get("methodDetails")
    for one in (found, more if isinstance(more, Mapping) else {}):
        for member in ("paymentHash", "depositPaymentHash"):
            if one.get(member):
                yield Key(Tie.PAYMENT_HASH, _hash(one[member]))


def _hash(text: object) -> str:
    return str(text).removeprefix("0x").lower()
