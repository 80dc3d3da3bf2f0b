"""What the paid API says about itself before anyone has paid: prices, methods, where to look.

`/openapi.json` with `x-payment-info` and `x-service-info` as mppx 0.11 validates it (facts:
protocol 3.2), `/llms.txt` for language models, and `/.well-known/ai-agent.json` with the `Link`
header, which scanners look for and no specification defines. All of it is advice: what counts is
the 402.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mock_rails import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sandbox.server.offer import Offer
    from sandbox.server.route import Route

TITLE: Final = "mpp-sandbox merchants"
SATOSHI: Final = "sat"
DECIMALS: Final = {"usd": 2}
"""Of the currencies that are no token's."""
TOKEN_DECIMALS: Final = 6
_TOLD: Final = ("networkId", "paymentMethodTypes", "network")
"""What whoever pays by card or over Lightning wants to know before it asks."""
AGENT_PATH: Final = "/.well-known/ai-agent.json"


def _parameter(name: str, text: str, kind: str, example: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "description": text,
        "schema": {"type": kind},
        "example": example,
    }


_PARAMETERS: Final[Mapping[str, list[dict[str, Any]]]] = {
    "/search": [_parameter("q", "The words to look up.", "string", "voucher")],
    "/complete": [
        _parameter("prompt", "What to answer.", "string", "What is a voucher?"),
        _parameter("tokens", "How many tokens to write.", "integer", 16),
    ],
}
"""By path; a rail's own routes take the same as those of the same name."""

_COMPLETE_BODY: Final = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "prompt": {"type": "string"},
                    "tokens": {"type": "integer"},
                    "messages": {"type": "array", "items": {"type": "object"}},
                    "max_tokens": {"type": "integer"},
                },
            },
            "example": {"prompt": "What is a voucher?", "tokens": 16},
        }
    },
}


@dataclass(frozen=True, slots=True)
class Documents:
    """The descriptions, made once."""

    openapi: dict[str, Any]
    agent: dict[str, Any]
    llms: str
    index: str
    links: dict[str, str]


def describe(routes: Sequence[Route]) -> Documents:
    """The descriptions of an API with these paid routes, wherever it is served."""
    return Documents(
        openapi=_openapi(routes),
        agent=_agent(routes),
        llms=_llms(routes),
        index=_index(routes),
        links={
            "link": (
                '</openapi.json>; rel="service-desc", </llms.txt>; rel="service-doc", '
                f'<{AGENT_PATH}>; rel="mpp-endpoint"'
            )
        },
    )


def price(offer: Offer) -> str:
    """What an offer asks, for people: `$0.001 a request by tempo/session`."""
    request = offer.request
    unit = request.get("unitType")
    per = f" a {unit}" if unit else ""
    if request["currency"] == SATOSHI:
        return f"{int(request['amount']):,} sat{per} by {offer.method}/{offer.intent}"
    decimals = DECIMALS.get(request["currency"], TOKEN_DECIMALS)
    whole, fraction = divmod(int(request["amount"]), 10**decimals)
    digits = str(fraction).rjust(decimals, "0").rstrip("0").ljust(2, "0")
    return f"${whole}.{digits}{per} by {offer.method}/{offer.intent}"


def facts(routes: Iterable[Route]) -> list[dict[str, Any]]:
    """The paid routes as plain values, for the devnet's own description."""
    return [
        {
            "path": route.path,
            "methods": sorted(route.methods),
            "summary": route.summary,
            "streams": route.streams,
            "socket_path": route.socket_path,
            "offers": [
                {**_payment(offer), "unit": offer.request.get("unitType"), "price": price(offer)}
                for offer in _paid(route)
            ],
        }
        for route in routes
    ]


def _paid(route: Route) -> list[Offer]:
    """The offers that cost something: a proof of who asks is an offer of zero."""
    return [offer for offer in route.offers if int(offer.request["amount"])]


def _payment(offer: Offer) -> dict[str, Any]:
    payment = {
        "method": offer.method,
        "intent": offer.intent,
        "amount": offer.request["amount"],
        "currency": offer.request["currency"],
    }
    details = offer.request.get("methodDetails", {})
    payment |= {name: details[name] for name in _TOLD if name in details}
    return {**payment, "description": offer.description} if offer.description else payment


def _openapi(routes: Sequence[Route]) -> dict[str, Any]:
    paths: dict[str, Any] = {
        "/health": {"get": _free("Whether the API answers")},
    }
    for route in routes:
        item: dict[str, Any] = {}
        for verb in sorted(route.methods):
            item[verb.lower()] = _operation(route, verb)
        paths[route.path] = item
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": __version__,
            "description": "Paid example routes of a local devnet for MPP (HTTP 402).",
        },
        "servers": [{"url": "/"}],
        "x-service-info": {
            "categories": ["developer-tools"],
            "docs": {"llms": "/llms.txt", "homepage": "/"},
        },
        "paths": paths,
    }


def _operation(route: Route, verb: str) -> dict[str, Any]:
    kind = "text/event-stream" if route.streams else "application/json"
    operation: dict[str, Any] = {
        "summary": route.summary,
        "x-payment-info": {"offers": [_payment(offer) for offer in _paid(route)]},
        "responses": {
            "200": {"description": "What was paid for", "content": {kind: {}}},
            "402": {"description": "Payment Required"},
        },
    }
    if verb == "POST":
        operation["requestBody"] = _COMPLETE_BODY
    elif parameters := _PARAMETERS.get(route.path.removeprefix("/lightning")):
        operation["parameters"] = parameters
    return operation


def _free(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": "It does"}}}


def _agent(routes: Sequence[Route]) -> dict[str, Any]:
    offers = [offer for route in routes for offer in _paid(route)]
    return {
        "name": TITLE,
        "url": "/",
        "openapi": "/openapi.json",
        "llms": "/llms.txt",
        "payments": {
            "mpp": {
                "endpoint": "/",
                "methods": sorted({offer.method for offer in offers}),
                "intents": sorted({offer.intent for offer in offers}),
            }
        },
    }


def _lines(routes: Sequence[Route]) -> list[str]:
    lines = []
    for route in routes:
        verbs = "|".join(sorted(route.methods))
        prices = ", or ".join(map(price, _paid(route)))
        lines.append(f"{verbs} {route.path}: {route.summary}. {prices}")
        if route.socket_path is not None:
            lines.append(f"WebSocket {route.socket_path}: the same over a WebSocket")
    return lines


def _llms(routes: Sequence[Route]) -> str:
    listed = "\n".join(f"- {line}" for line in _lines(routes))
    return (
        f"# {TITLE}\n\n"
        "> Example paid APIs of a local devnet. They answer 402 with a challenge in\n"
        "> `WWW-Authenticate: Payment` (Machine Payments Protocol); pay it and send the request\n"
        "> again.\n\n"
        f"## Paid routes\n\n{listed}\n\n"
        "## Free routes\n\n"
        "- GET /health: whether the API answers\n"
        "- GET /openapi.json: this, for programs, with `x-payment-info`\n"
    )


def _index(routes: Sequence[Route]) -> str:
    listed = "\n".join(f"  {line}" for line in _lines(routes))
    return (
        f"{TITLE}: example paid APIs of a local devnet for MPP (HTTP 402)\n\n{listed}\n\n"
        "  GET /health, /openapi.json, /llms.txt: free\n\n"
        "Ask for a paid route without paying, and the 402 says how to.\n"
    )
