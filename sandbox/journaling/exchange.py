"""One HTTP exchange as the gate's events tell it (`sandbox.server.exchange`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from sandbox.base64_json import read_base64_json

Event = Mapping[str, Any]
"""An event of the journal, as JSON."""

TERMINAL: Final = frozenset(
    {"exchange.challenged", "exchange.refused", "exchange.delivered", "exchange.failed"}
)
"""The kinds after which nothing more happens in an exchange."""

_VOUCHER: Final = "voucher"
_BY_ACTION: Final = {
    "open": "opened, paid",
    "topUp": "topped up",
    "close": "closed",
}


class Verdict(StrEnum):
    """How a check went."""

    PASSED = "pass"
    FAILED = "FAIL"
    SKIPPED = "skip"
    """Not reached: a check before it failed."""


class Outcome(StrEnum):
    """How far an exchange has come."""

    CHALLENGED = "asked to pay"
    REFUSED = "refused"
    UNKNOWN = "outcome unknown"
    PAID = "being delivered"
    DELIVERED = "paid"
    REPLAYED = "answered again"
    FAILED = "not delivered"


@dataclass(frozen=True, slots=True)
class Check:
    """One of the gate's checks."""

    name: str
    verdict: Verdict
    expected: Any = None
    got: Any = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came of it. `payment` and `problem` are the events' own members."""

    id: str
    at_us: int
    ended_at_us: int
    method: str
    path: str
    query: str
    outcome: Outcome
    status: int | None
    offers: tuple[Mapping[str, Any], ...]
    challenge: str | None
    offer: str | None
    source: str | None
    checks: tuple[Check, ...]
    payment: Mapping[str, Any] | None
    problem: Mapping[str, Any] | None
    headers: Mapping[str, Any] | None
    """The credential, decoded: its `challenge` and the facts of its `payload`."""
    receipt: Mapping[str, Any] | None
    reason: str | None
    phases: Mapping[str, int]

    @property
    def target(self) -> str:
        """The path and the query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def elapsed_us(self) -> int:
        """How long it took the server."""
        return sum(self.phases.values())

    @property
    def action(self) -> str | None:
        """What a session's credential did: open, voucher, topUp or close."""
        details = (self.payment or {}).get("details")
        return details.get("action") if isinstance(details, Mapping) else None

    @property
    def tx_hash(self) -> str | None:
        """The transaction that it caused, if it did."""
        found = (self.payment or {}).get("txHash")
        return found if isinstance(found, str) else None

    @property
    def channel(self) -> str | None:
        """The channel it was paid by, if it was."""
        offer = self.offer or ""
        is_session = offer.endswith("/session") and not offer.startswith("lightning/")
        found = (self.payment or {}).get("reference") if is_session else None
        return found if isinstance(found, str) else None

    @property
    def payment_hash(self) -> str | None:
        """The Lightning payment that it was paid by: a charge's, or a session's deposit."""
        is_lightning = (self.offer or "").startswith("lightning/")
        found = (self.payment or {}).get("reference") if is_lightning else None
        return found if isinstance(found, str) else None

    @property
    def session(self) -> str | None:
        """The Lightning session it was paid by, if it was."""
        return self.payment_hash if self.offer == "lightning/session" else None

    @property
    def method_and_intent(self) -> str:
        """Of the credential; without one, what was offered first."""
        if self.offer is not None:
            return self.offer
        return str(self.offers[0].get("offer", "")) if self.offers else ""

    @property
    def price(self) -> tuple[int, str | None] | None:
        """What was paid, or is asked for first, in base units of a currency."""
        told: Mapping[str, Any] = self.payment or {}
        if self.outcome is Outcome.CHALLENGED and self.offers:
            told = self.offers[0]
        amount = str(told.get("total", told.get("amount", "")))
        return (int(amount), told.get("currency")) if amount.isdigit() else None

    @property
    def words(self) -> str:
        """The outcome in a few words."""
        if self.outcome is Outcome.DELIVERED and self.action is not None:
            if self.action == _VOUCHER and self.price is not None and not self.price[0]:
                return "voucher taken"  # a promise on a channel; nothing was delivered for it
            return _BY_ACTION.get(self.action, self.outcome.value)
        return self.outcome.value

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            **{name: value for name, value in asdict(self).items() if value is not None},
            "elapsed_us": self.elapsed_us,
        }


def read_exchange(events: Sequence[Event]) -> Exchange:
    """The exchange that these events, in their order, are about."""
    told: dict[str, Any] = {}
    for event in events:
        told |= {name: value for name, value in event["data"].items() if value is not None}
    kinds = {event["kind"]: event["data"] for event in events}
    paid, refused = kinds.get("exchange.paid"), kinds.get("exchange.refused")
    failed = kinds.get("exchange.failed")
    return Exchange(
        id=str(events[0]["exchange"]),
        at_us=events[0]["at_us"],
        ended_at_us=events[-1]["at_us"],
        method=str(told.get("method", "")),
        path=str(told.get("path", "")),
        query=str(told.get("query", "")),
        outcome=_outcome(kinds),
        status=told.get("status"),
        offers=tuple(told.get("offers") or ()),
        challenge=told.get("challenge"),
        offer=told.get("offer"),
        source=told.get("source"),
        checks=tuple(_check(one) for one in told.get("checks") or ()),
        payment=paid and {**_pick(paid, _PAYMENT), **_pick(told, ("total",))},
        problem=refused and _pick(refused, ("type", "detail", "status")),
        headers=told.get("headers"),
        receipt=paid and read_receipt(paid.get("receipt")),
        reason=failed and failed.get("reason"),
        phases=told.get("elapsed_us") or {},
    )


_PAYMENT: Final = (
    "amount",
    "currency",
    "payer",
    "reference",
    "txHash",
    "delivers",
    "details",
)


def read_receipt(header: object) -> Mapping[str, Any] | None:
    """A `Payment-Receipt` decoded, if it is one."""
    return read_base64_json(header) if isinstance(header, str) else None


def _outcome(kinds: Mapping[str, Mapping[str, Any]]) -> Outcome:
    if "exchange.failed" in kinds:
        return Outcome.FAILED
    if "exchange.refused" in kinds:
        is_unknown = kinds["exchange.refused"].get("unknown")
        return Outcome.UNKNOWN if is_unknown else Outcome.REFUSED
    if "exchange.delivered" in kinds:
        is_again = kinds["exchange.delivered"].get("replayed")
        return Outcome.REPLAYED if is_again else Outcome.DELIVERED
    return Outcome.PAID if "exchange.paid" in kinds else Outcome.CHALLENGED


def _check(told: Mapping[str, Any]) -> Check:
    passed = told.get("passed")
    verdict = Verdict.SKIPPED if passed is None else Verdict.PASSED if passed else Verdict.FAILED
    return Check(str(told.get("name")), verdict, told.get("expected"), told.get("got"))


def _pick(data: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: data[name] for name in names if data.get(name) is not None}
