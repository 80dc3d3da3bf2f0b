"""What Stripe knows of a challenge: the tokens for it, the PaymentIntents, and every request.

Facts: stripe 0.2 - clients answer a lost answer with a second payment, which two PaymentIntents
show and no server's answer does. It is built of what the rail's log and its API say, as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.secrecy import without_tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

Object = Mapping[str, Any]
"""Something of Stripe's, as JSON."""

TAKEN: Final = frozenset({"succeeded", "requires_capture", "processing"})
"""A PaymentIntent's statuses in which the card was charged, or will be."""

_INTENT: Final = "pi_"
_TOKEN: Final = "spt_"
_DOUBLE: Final = "double_charge"


@dataclass(frozen=True, slots=True)
class CardStory:
    """All that is about some challenges, the oldest first."""

    challenges: tuple[str, ...]
    requests: tuple[Object, ...]
    intents: tuple[Object, ...]
    tokens: tuple[Object, ...]
    calls: tuple[Object, ...] = ()
    """The rail's reports of several PaymentIntents for one call, which these challenges are in."""
    delivered: frozenset[str] = frozenset()
    """The challenges whose payment got what it was for; of others' merchants nobody knows."""

    @property
    def taken(self) -> tuple[str, ...]:
        """The PaymentIntents that charged, or will, for each call that was charged more than once;
        none where no call was."""
        found: dict[str, None] = {}
        for challenge in self.challenges:
            paid = [one["id"] for one in self.intents if _is_taken(one, challenge)]
            found |= dict.fromkeys(paid if len(paid) > 1 else ())
        for call in self.calls:
            found |= dict.fromkeys(one["id"] for one in charged_again(call, self.delivered))
        return tuple(found)

    @property
    def is_double(self) -> bool:
        """Whether a call was charged more than once."""
        return bool(self.taken)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        told = {
            "double_charge": self.is_double,
            "charged": list(self.taken),
            "payment_intents": list(self.intents),
            "granted_tokens": list(self.tokens),
            "requests": [
                {name: value for name, value in one.items() if name != "key"}
                for one in self.requests
            ],
            "calls": list(self.calls),
        }
        return {name: without_tokens(value) for name, value in told.items()}


def delivered_challenges(events: Iterable[Object]) -> frozenset[str]:
    """The challenges that the journal knows to have been paid and delivered."""
    paid: dict[str, str] = {}
    found: set[str] = set()
    for event in events:
        if event["kind"] == "exchange.paid":
            paid[event["exchange"]] = str(event["data"].get("challenge"))
        elif event["kind"] == "exchange.delivered" and event["exchange"] in paid:
            found.add(paid[event["exchange"]])
    return frozenset(found)


def intents_in(requests: Iterable[Object]) -> list[str]:
    """The PaymentIntents that requests are about."""
    ids = [str(one["object_id"]) for one in requests if one["object_id"]]
    return list(dict.fromkeys(one for one in ids if one.startswith(_INTENT)))


def tokens_in(requests: Iterable[Object]) -> list[str]:
    """The tokens that requests made or paid with."""
    ids: list[str] = []
    for one in requests:
        ids.append(str(one["object_id"] or ""))
        ids += [str(value) for value in _values(one["params"])]
    return list(dict.fromkeys(one for one in ids if one.startswith(_TOKEN)))


def charged_again(call: Object, delivered: Collection[str]) -> list[Object]:
    """The payments of a report that were one call's: one that nothing was delivered for, and the
    next of the same card, whose challenge is another. Two that were both delivered are two
    purchases, even if an answer was lost and given again in between."""
    if call["verdict"] != _DOUBLE:
        return []
    paid = [one for one in call["payment_intents"] if one["status"] in TAKEN]
    found: list[Object] = []
    for first, second in pairwise(paid):
        if first["challenge_id"] not in delivered:
            found += [one for one in (first, second) if one not in found]
    return found


def _is_taken(intent: Object, challenge: str) -> bool:
    metadata = intent.get("metadata") or {}
    return intent["status"] in TAKEN and metadata.get("mpp_challenge_id") == challenge


def _values(params: Any) -> Iterable[Any]:
    if isinstance(params, Mapping):
        for one in params.values():
            yield from _values(one)
    else:
        yield params
