"""Accept-Payment: which of a route's offers a client wants, and in which order.

    Accept-Payment: tempo/session, tempo/charge;q=0.5, stripe/*;q=0.1, lightning/charge;q=0

Core draft, Accept-Payment (facts: protocol 1.1, row 12). The header is a wish and never a reason
to refuse: as in mppx, one that cannot be read is ignored, and one that nothing satisfies gets all
offers, for a client that sees them can still tell its user what it would take. pympp writes the
header and ranks nothing (G15), so the gate orders its offers with this before it composes them.

Weights are whole thousandths: RFC 9110 gives a q-value three decimals, and integers are exact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST_FIELD: Final = 4_096
MOST_PREFERENCES: Final = 64
FULL_WEIGHT: Final = 1_000

ANY: Final = "*"

# All repetitions are possessive (`*+`, `++`), so no input can make the parser go back and forth.
# The identifiers are those of pympp's and mppx's challenge parsers; mppx 0.11 reads fewer here.
_PREFERENCE: Final = re.compile(
    r"""
    [ \t]*+
    (?: (?P<method> \*|[a-z0-9:_-]++ ) [ \t]*+ / [ \t]*+ (?P<intent> \*|[a-z0-9:_-]++ )
        (?P<parameters> (?: [ \t]*+ ; [^,;"]*+ (?: "(?: [^"\\]++ | \\. )*+" [^,;"]*+ )*+ )*+ )
    )?+
    [ \t]*+ (?: , | \Z )
    """,
    re.VERBOSE,
)
_PARAMETER: Final = re.compile(
    r"""
    ; [ \t]*+
    (?: (?P<name> [!#$%&'*+.^_`|~0-9A-Za-z-]++ ) [ \t]*+ = [ \t]*+
        (?P<value> [!#$%&'*+.^_`|~0-9A-Za-z-]++ | "(?: [^"\\]++ | \\. )*+" )
    )?+
    [ \t]*+
    """,
    re.VERBOSE,
)
_WEIGHT: Final = re.compile(r"0(?:\.([0-9]{0,3}))?|1(?:\.0{0,3})?")


class Offer(Protocol):
    """Anything with a method and an intent: a route's offer, or pympp's Challenge."""

    @property
    def method(self) -> str:
        """The payment method, as `tempo`."""
        ...

    @property
    def intent(self) -> str:
        """What the payment is, as `charge`."""
        ...


OfferT = TypeVar("OfferT", bound=Offer)


@dataclass(frozen=True, slots=True)
class Preference:
    """One member of the header: what it speaks of and how much that is wanted."""

    method: str
    intent: str
    weight: int = FULL_WEIGHT
    """From 0, never, to 1,000."""

    @property
    def specificity(self) -> int:
        """How many of its two names are not wildcards."""
        return (self.method != ANY) + (self.intent != ANY)

    def matches(self, offer: Offer) -> bool:
        """Whether it speaks of this offer."""
        return self.method in (ANY, offer.method) and self.intent in (ANY, offer.intent)


def parse_accept_payment(fields: Iterable[str]) -> tuple[Preference, ...]:
    """The preferences in all `Accept-Payment` fields of a request, in the order they came.

    Several fields are one list (RFC 9110, 5.3). Raises BadInput for what is no such list.
    """
    text = ", ".join(fields)
    if len(text) > LONGEST_FIELD:
        raise BadInput(f"Accept-Payment has {len(text):,} characters, more than {LONGEST_FIELD:,}.")
    return _parse(text)


def rank(offers: Iterable[OfferT], preferences: Sequence[Preference]) -> list[OfferT]:
    """The offers that the preferences allow, the most wanted first, else in the server's order.

    The most specific preference decides about an offer, so that `tempo/charge;q=0` excludes it
    though `tempo/*` is welcome. Between equally specific ones the heavier decides, as in mppx.
    """
    weighed = ((_weight_of(offer, preferences), offer) for offer in offers)
    wanted = [(weight, offer) for weight, offer in weighed if weight > 0]
    wanted.sort(key=lambda pair: -pair[0])  # stable: equals stay in the server's order
    return [offer for _, offer in wanted]


def negotiate(offers: Sequence[OfferT], fields: Sequence[str]) -> list[OfferT]:
    """The offers to make to a request with these `Accept-Payment` fields: never none of them.

    Without a header, with one that cannot be read, or with one that excludes everything, these are
    all offers in the server's order.
    """
    if not fields:
        return list(offers)
    try:
        preferences = parse_accept_payment(fields)
    except BadInput:
        return list(offers)
    return rank(offers, preferences) or list(offers)


@lru_cache(maxsize=256)  # a client writes the same header into all of its requests
def _parse(text: str) -> tuple[Preference, ...]:
    """The preferences in a list of them."""
    preferences: list[Preference] = []
    at = 0
    while at < len(text):
        found = _PREFERENCE.match(text, at)
        if found is None:
            raise BadInput(
                f"Accept-Payment cannot be read from {text[at : at + 40]!a} on.",
                hint="It is a list such as 'tempo/session, tempo/charge;q=0.5, stripe/*;q=0'.",
            )
        at = found.end()
        if found["method"] is None:  # RFC 9110, 5.6.1: empty members are skipped
            continue
        weight = _weight(found["parameters"])
        preferences.append(Preference(found["method"], found["intent"], weight))
        if len(preferences) > MOST_PREFERENCES:
            raise BadInput(f"Accept-Payment has more than {MOST_PREFERENCES} members.")
    if not preferences:
        raise BadInput("Accept-Payment is empty.")
    return tuple(preferences)


def _weight_of(offer: Offer, preferences: Sequence[Preference]) -> int:
    """The weight of the preference that decides about this offer; 0 if none speaks of it."""
    _, weight = max(
        ((one.specificity, one.weight) for one in preferences if one.matches(offer)),
        default=(0, 0),
    )
    return weight


def _weight(parameters: str) -> int:
    """The weight that a member's parameters give it. Those that are not `q` mean nothing to us."""
    weight: int | None = None
    at = len(parameters) - len(parameters.lstrip(" \t"))
    while at < len(parameters):
        found = _PARAMETER.match(parameters, at)
        if found is None:
            raise BadInput(f"{parameters[at:][:40]!a} in Accept-Payment is no parameter.")
        at = found.end()
        if found["name"] in ("q", "Q"):
            if weight is not None:
                raise BadInput("A member of Accept-Payment has two q-values.")
            weight = _thousandths(found["value"])
    return FULL_WEIGHT if weight is None else weight


def _thousandths(text: str) -> int:
    """A q-value in thousandths."""
    found = _WEIGHT.fullmatch(text)
    if found is None:
        raise BadInput(
            f"{text[:40]!a} is no q-value.", hint="It goes from 0 to 1, with up to three decimals."
        )
    return FULL_WEIGHT if text[0] == "1" else int((found[1] or "").ljust(3, "0"))
