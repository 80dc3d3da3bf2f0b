"""Writes out what Stripe knows of a challenge; a double charge comes first, and loudly."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.secrecy import without_tokens
from sandbox.cash import cash

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.inspection.cards import CardStory, Object
    from sandbox.inspection.text import Paint

_LABEL: Final = 12
_ROOM: Final = 66
_MOST: Final = 20
_DAY_S: Final = 24 * 3_600
_REPEATED: Final = {
    "repeated_charge": "This card paid the same price {count} times within moments; no answer was"
    " lost, so that it may have been meant.",
    "double_charge": "This card paid the same price {count} times within moments; an answer was"
    " lost or given again, but nothing was paid for again that had not been delivered.",
    "repeated_attempt": "This card was tried {count} times within moments, and charged once at"
    " most.",
}


def card_lines(story: CardStory, paint: Paint) -> Iterator[str]:
    """Tokens, PaymentIntents, and the requests about them."""
    yield ""
    yield paint("At Stripe", "cyan")
    if story.is_double:
        yield from _double(story, paint)
    if not story.requests:
        yield "  No request named this challenge."
        return
    for token in story.tokens:
        yield _row("token", without_tokens(str(token["id"])))
        yield _row("", _token(token))
    for intent in story.intents:
        yield _row("intent", str(intent["id"]))
        good = "green" if intent["status"] == "succeeded" else "yellow"
        yield _row("", f"{paint(intent['status'], good)} {_price(intent)}")
        error = intent.get("last_payment_error") or {}
        if error:
            yield _row("", f"{error.get('decline_code') or error.get('code')}: {error['message']}")
    for call in () if story.is_double else story.calls:
        words = _REPEATED.get(str(call["verdict"]))
        if words is not None:
            told = words.format(count=len(call["payment_intents"]))
            for number, line in enumerate(textwrap.wrap(told, _ROOM)):
                yield _row("" if number else "note", line)
    yield from _requests(story)


def _double(story: CardStory, paint: Paint) -> Iterator[str]:
    charged = [one for one in story.intents if one["id"] in story.taken]
    sums: dict[str, int] = {}
    for one in charged:
        sums[one["currency"]] = sums.get(one["currency"], 0) + one["amount"]
    told = " and ".join(cash(amount, currency) for currency, amount in sums.items())
    count = len(story.taken)
    yield paint(f"  DOUBLE CHARGE: {count} PaymentIntents succeeded for one call: {told}.", "red")
    yield from (f"    {one}" for one in story.taken)
    for call in story.calls:
        for request in call["lost_answers"]:
            yield f"    the answer to {request} was lost, or given again"


def _token(token: Object) -> str:
    limits, details = token["usage_limits"], token.get("payment_method_details") or {}
    card = details.get("card") or {}
    who = f"{card.get('brand', details.get('type', 'card'))} …{card.get('last4', '')}"
    most = cash(limits["max_amount"], limits["currency"])
    return f"up to {most} of {who}, {token['deactivated_reason'] or 'not used'}"


def _price(intent: Object) -> str:
    return cash(intent["amount"], intent["currency"])


def _requests(story: CardStory) -> Iterator[str]:
    hidden = len(story.requests) - _MOST
    if hidden > 0:
        yield _row("requests", f"… {hidden} before these")
    for number, one in enumerate(story.requests[-_MOST:]):
        label = "requests" if number == 0 and hidden <= 0 else ""
        path = (
            without_tokens(str(one["path"])).removeprefix("/v1/test_helpers/").removeprefix("/v1/")
        )
        status = "running" if one["status"] is None else one["status"] or "no answer"
        yield _row(label, f"{_time(one['at_s'])}  {one['verb']} {path}  {status}")
        told = _told(one)
        if told:
            yield _row("", f"          {told}")


def _told(request: Mapping[str, Any]) -> str:
    """What was unusual about a request."""
    words = []
    if request["error"]:
        words.append(str(request["error"]))
    if request["replayed"]:
        words.append(f"the answer to {request['replayed']} again")
    if request["fault"]:
        words.append(f"fault {request['fault']}")
    if request["fate"] != "sent":
        words.append(f"the answer was {request['fate']}")
    return ", ".join(words)


def _time(at_s: int) -> str:
    second = at_s % _DAY_S
    return f"{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"


def _row(label: str, text: str) -> str:
    return f"  {label:<{_LABEL}}{text}".rstrip()
