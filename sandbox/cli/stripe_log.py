"""Asks a devnet's Stripe what it knows of challenges, for `inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.inspection.cards import (
    CardStory,
    charged_again,
    delivered_challenges,
    intents_in,
    tokens_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

_TIMEOUT_S: Final = 10
_MOST: Final = 1_000
_MOST_CHALLENGES: Final = 20


def card_story(
    info: Mapping[str, Any], challenges: Iterable[str], events: Iterable[Mapping[str, Any]]
) -> CardStory | None:
    """What the devnet's Stripe knows of these challenges; None if it has none, or knows nothing.
    `events` are the journal's, which say what was delivered."""
    stripe, wanted = info.get("stripe"), list(challenges)[:_MOST_CHALLENGES]
    if stripe is None or not wanted:
        return None
    import httpx

    try:
        with _client(stripe) as http:
            return _read(http, wanted, delivered_challenges(events))
    except (httpx.TransportError, KeyError, ValueError):
        return None  # the payment can be told without


def full_challenge(info: Mapping[str, Any], beginning: str) -> list[str]:
    """The challenges that begin so, of the newest requests: merchants that are not the devnet's
    are in no journal, but their payments are known to Stripe."""
    stripe = info.get("stripe")
    if stripe is None:
        return []
    import httpx

    try:
        with _client(stripe) as http:
            newest = _listed(http, "/_sandbox/requests", limit=_MOST)
    except (httpx.TransportError, KeyError, ValueError):
        return []
    names = [str(one["challenge_id"] or "") for one in newest]
    return list(dict.fromkeys(one for one in names if one.startswith(beginning)))


def _client(stripe: Mapping[str, Any]) -> httpx.Client:
    import httpx

    return httpx.Client(
        base_url=stripe["url"], auth=(stripe["key"], ""), timeout=_TIMEOUT_S, trust_env=False
    )


def _read(http: httpx.Client, wanted: list[str], delivered: frozenset[str]) -> CardStory | None:
    reports = _listed(http, "/_sandbox/double_charges")
    calls = [one for one in reports if set(one["challenge_ids"]) & set(wanted)]
    again = [one["challenge_id"] for call in calls for one in charged_again(call, delivered)]
    names = list(dict.fromkeys([*wanted, *again]))
    requests: list[dict[str, Any]] = []
    for name in names:
        requests += _listed(http, "/_sandbox/requests", challenge_id=name, limit=_MOST)[::-1]
    if not requests:
        return None
    requests.sort(key=lambda one: int(one["at_s"]))
    intents = [_one(http, f"/v1/payment_intents/{one}") for one in intents_in(requests)]
    tokens = [_one(http, f"/v1/shared_payment/granted_tokens/{one}") for one in tokens_in(requests)]
    return CardStory(
        challenges=tuple(names),
        requests=tuple(requests),
        intents=tuple(one for one in intents if one is not None),
        tokens=tuple(one for one in tokens if one is not None),
        calls=tuple(calls),
        delivered=delivered,
    )


def _listed(http: httpx.Client, path: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get(path, params=query).json()["data"]
    return found


def _one(http: httpx.Client, path: str) -> dict[str, Any] | None:
    """An object, without the secret by which a browser could act on it."""
    answer = http.get(path)
    if not answer.is_success:
        return None
    return {name: value for name, value in answer.json().items() if name != "client_secret"}
