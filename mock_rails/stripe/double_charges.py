"""Finds the payer who paid twice for one call (facts: stripe 0.2).

MPP clients answer a refusal with a new challenge, a new token and a new idempotency key, so Stripe
sees two unrelated payments where the payer made one call. What ties them together is the payer's
card, the price, and that they come within moments. Whether the payer meant one purchase or several
is told by what became of the answers: after one that was lost, or given again, the next payment is
a double charge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mock_rails.stripe.wire.request_log import CHALLENGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mock_rails.stripe.model import Record, State
    from mock_rails.stripe.wire.request_log import Entry, RequestLog

DOUBLE: Final = "double_charge"
REPEATED: Final = "repeated_charge"
ATTEMPTS: Final = "repeated_attempt"
VERDICTS: Final = (DOUBLE, REPEATED, ATTEMPTS)
"""Paid more than once, and an answer was lost in between (or one challenge was paid twice); paid
more than once, and nothing says that it was not meant; tried more than once, and paid once at most.
"""

WINDOW_S: Final = 60
"""How far apart, in sandbox seconds, payments of one call may be."""

_LOSING: Final = frozenset({"commit_then_error", "delay"})
_TAKEN: Final = frozenset({"succeeded", "requires_capture", "processing"})


class Try(NamedTuple):
    """One PaymentIntent for a challenge, and the requests about it."""

    intent: Record
    challenge_id: str
    lost: list[str]
    """Requests that did something whose answer was lost, or given again instead of done again."""


def find(state: State, log: RequestLog, window_s: int = WINDOW_S) -> list[dict[str, Any]]:
    """The calls for which there are several PaymentIntents, the newest first."""
    groups: dict[tuple[Any, ...], list[Try]] = {}
    calls: list[list[Try]] = []
    for one in _tries(state, log):
        key = _call_of(state, one.intent)
        group = groups.get(key)
        if group is None or one.intent["created"] - group[-1].intent["created"] > window_s:
            group = groups[key] = []
            calls.append(group)
        group.append(one)
    return [_report(state, call) for call in reversed(calls) if len(call) > 1]


def _tries(state: State, log: RequestLog) -> Iterator[Try]:
    lost: dict[str, list[str]] = {}
    for entry in log.newest():
        if entry.object_id is not None and entry.verb == "POST" and _is_lost(entry):
            lost.setdefault(entry.object_id, []).append(entry.id)
    for intent in state.all("payment_intents"):
        challenge = intent["metadata"].get(CHALLENGE)
        if challenge is not None:
            yield Try(intent, challenge, lost.get(intent.id, []))


def _is_lost(entry: Entry) -> bool:
    return entry.fate != "sent" or entry.replayed is not None or entry.fault in _LOSING


def _call_of(state: State, intent: Record) -> tuple[Any, ...]:
    """What payments of one call have in common."""
    metadata = intent["metadata"]
    payer = _payer(state, intent)
    rest = sorted((name, metadata[name]) for name in metadata if name != CHALLENGE)
    return (
        intent.account,
        intent["livemode"],
        intent["amount"],
        intent["currency"],
        payer or metadata[CHALLENGE],
        tuple(rest),
    )


def _payer(state: State, intent: Record) -> str | None:
    """Who pays: the card that was charged, or that is behind the token, or else the customer."""
    token = state.find("granted_tokens", _token_of(state, intent) or "")
    method_id = token.hidden.get("payment_method") if token is not None else None
    method = state.find("payment_methods", method_id or intent["payment_method"] or "")
    card = method.fields.get("card") if method is not None else None
    found: str | None = (card or {}).get("fingerprint") or method_id or intent["customer"]
    return found


def _token_of(state: State, intent: Record) -> str | None:
    """The token that pays, or that the last attempt was made with."""
    charge = state.find("charges", intent["latest_charge"] or "")
    details = charge["payment_method_details"] if charge is not None else {}
    found: str | None = intent.hidden.get("granted_token") or details.get(
        "shared_payment_granted_token"
    )
    return found


def _report(state: State, call: list[Try]) -> dict[str, Any]:
    paid = [one for one in call if one.intent["status"] in _TAKEN]
    first = call[0].intent
    challenges = _unique(one.challenge_id for one in call)
    lost = _unique(request for one in paid[:-1] for request in one.lost)
    verdict = ATTEMPTS
    if len(paid) > 1:
        twice = len({one.challenge_id for one in paid}) < len(paid)
        verdict = DOUBLE if lost or twice else REPEATED
    return {
        "object": "sandbox.payer_call",
        "verdict": verdict,
        "account": first.account,
        "amount": first["amount"],
        "currency": first["currency"],
        "paid": len(paid),
        "charged": sum(one.intent["amount"] for one in paid),
        "challenge_ids": challenges,
        "granted_tokens": _unique(
            token for one in call if (token := _token_of(state, one.intent)) is not None
        ),
        "lost_answers": lost,
        "payment_intents": [
            {
                "id": one.intent.id,
                "status": one.intent["status"],
                "created": one.intent["created"],
                "challenge_id": one.challenge_id,
                "granted_token": _token_of(state, one.intent),
            }
            for one in call
        ],
    }


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
