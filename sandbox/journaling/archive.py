"""The journal as an HTTP archive (HAR 1.2), which browsers' developer tools and proxies open.

The gate's exchanges and the requests that Stripe answered become entries. The journal keeps what
requests meant, not their bodies, so an entry has the request line, the status, the phases as times,
and the receipt; what only MPP knows is under names that begin with an underscore, as HAR wants of
additions: `_exchange`, `_challenges`, `_checks`, `_payment`, `_steps`.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from mock_rails import __version__
from mock_rails.core.plain import REDACTED
from sandbox.journaling.exchange import read_exchange
from sandbox.journaling.keys import is_gate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.journaling.exchange import Event, Exchange
    from sandbox.journaling.joining import Record

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REASONS: Final = {
    200: "OK",
    201: "Created",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    410: "Gone",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
STRIPE: Final = "http://stripe.sandbox"
"""What Stripe's requests are shown under where its address is not known."""


def archive(
    records: Sequence[Record], *, base_url: str, stripe_url: str | None = None
) -> dict[str, Any]:
    """The archive of these records; `base_url` is where the paid API is."""
    steps: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        for name in record.exchanges:
            steps[name].append(record)
    entries = [
        entry
        for name, found in steps.items()
        if (entry := _exchange_entry(name, found, base_url)) is not None
    ]
    entries += [
        _stripe_entry(one, stripe_url or STRIPE)
        for one in records
        if one.event["kind"] == "request.answered"
    ]
    entries.sort(key=lambda one: str(one["startedDateTime"]))
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "mpp-sandbox", "version": __version__},
            "pages": [],
            "entries": entries,
        }
    }


def _exchange_entry(name: str, steps: Sequence[Record], base_url: str) -> dict[str, Any] | None:
    told = [one.event for one in steps if is_gate(one.event) and one.event["exchange"] == name]
    if not told:
        return None
    exchange = read_exchange(told)
    request_headers = [{"name": "Host", "value": base_url.partition("://")[2]}]
    if exchange.challenge is not None:
        request_headers.append({"name": "Authorization", "value": f"Payment {REDACTED}"})
    response_headers = []
    if (receipt := _receipt(told)) is not None:
        response_headers.append({"name": "Payment-Receipt", "value": receipt})
    entry = _entry(
        begun_us=exchange.ended_at_us - exchange.elapsed_us,
        method=exchange.method,
        url=base_url.rstrip("/") + exchange.target,
        status=exchange.status or 0,
        phases=exchange.phases,
        request_headers=request_headers,
        response_headers=response_headers,
    )
    more = {
        "_exchange": exchange.id,
        "_outcome": exchange.outcome.value,
        "_challenges": [dict(one) for one in exchange.offers] or None,
        "_challenge": exchange.challenge,
        "_checks": _checks(exchange) or None,
        "_payment": exchange.payment,
        "_problem": exchange.problem,
        "_steps": [one.to_json() for one in steps if not is_gate(one.event)] or None,
    }
    return {**entry, **{name: value for name, value in more.items() if value is not None}}


def _stripe_entry(record: Record, url: str) -> dict[str, Any]:
    data = record.event["data"]
    lost = data.get("fate") == "dropped"
    entry = _entry(
        begun_us=record.event["at_us"],
        method=str(data.get("verb", "")),
        url=url.rstrip("/") + str(data.get("path", "")),
        status=0 if lost else int(data.get("status") or 0),
        phases={},
        request_headers=[{"name": "Authorization", "value": f"Bearer {REDACTED}"}],
        response_headers=[{"name": "Request-Id", "value": str(data.get("request", ""))}],
    )
    owners = {"_exchange": record.exchanges[0]} if record.exchanges else {}
    return {**entry, **owners, "_stripe": dict(data)}


def _entry(
    *,
    begun_us: int,
    method: str,
    url: str,
    status: int,
    phases: Mapping[str, int],
    request_headers: list[dict[str, str]],
    response_headers: list[dict[str, str]],
) -> dict[str, Any]:
    """What every entry has; -1 and 0 stand for what is not known, as HAR has it."""
    wait_us = sum(value for name, value in phases.items() if name != "deliver")
    receive_us = phases.get("deliver", 0)
    query = url.partition("?")[2]
    pairs = parse_qsl(query, keep_blank_values=True)
    return {
        "startedDateTime": _instant(begun_us),
        "time": _milliseconds(wait_us + receive_us),
        "request": {
            "method": method,
            "url": url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": request_headers,
            "queryString": [{"name": name, "value": value} for name, value in pairs],
            "headersSize": -1,
            "bodySize": -1,
        },
        "response": {
            "status": status,
            "statusText": _REASONS.get(status, ""),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": response_headers,
            "content": {"size": 0, "mimeType": "x-unknown"},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {
            "send": 0,
            "wait": _milliseconds(wait_us),
            "receive": _milliseconds(receive_us),
        },
    }


def _receipt(events: Sequence[Event]) -> str | None:
    """The receipt as its header was, where the answer was delivered."""
    delivered = any(one["kind"] == "exchange.delivered" for one in events)
    for event in events:
        found = event["data"].get("receipt")
        if delivered and isinstance(found, str):
            return found
    return None


def _checks(exchange: Exchange) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "verdict": one.verdict.value, "expected": one.expected, "got": one.got}
        for one in exchange.checks
    ]


def _instant(at_us: int) -> str:
    return (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="milliseconds")


def _milliseconds(span_us: int) -> float:
    return span_us / 1_000
