"""Journal events as the control tells them, for the tests of what is made of them."""

from __future__ import annotations

from typing import Any

from sandbox.server.admission import CHECKS

TOKEN = "0x20c0000000000000000000000000000000000000"
PAYER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
TX = "0x7e43" + "0" * 60
CHANNEL = "0xb734" + "0" * 60


def event(offset: int, kind: str, exchange: str | None, **data: Any) -> dict[str, Any]:
    """One event."""
    rail = "sandbox" if kind.startswith("exchange.") else "session"
    at_us = 1_767_225_600_000_000 + offset * 1_000
    return {
        "offset": offset,
        "at_us": at_us,
        "rail": "tempo" if kind == "block.sealed" else rail,
        "kind": kind,
        "exchange": exchange,
        "data": data,
    }


def asked(offset: int, challenge: str = "chal-one", offer: str = "tempo/charge") -> dict[str, Any]:
    """A 402."""
    told = {"challenge": challenge, "offer": offer, "amount": "10000", "currency": TOKEN}
    return event(
        offset,
        "exchange.challenged",
        f"ex-{offset}",
        method="GET",
        path="/quote",
        status=402,
        offers=[told],
        elapsed_us={"parse": 17},
    )


def checks(
    failed: str | None = None, expected: Any = None, got: Any = None
) -> list[dict[str, Any]]:
    """All checks: passed up to one that failed, and none after it."""
    found, passed = [], True
    for name in CHECKS:
        if name == failed:
            told = {"name": name, "passed": False, "expected": expected, "got": got}
            passed = False
        else:
            told = {"name": name, "passed": passed or None, "expected": None, "got": None}
        found.append(told)
    return found


def paid(offset: int, challenge: str = "chal-one", **more: Any) -> dict[str, Any]:
    """A charge that was taken."""
    told = {
        "method": "GET",
        "path": "/quote",
        "amount": 10_000,
        "currency": TOKEN,
        "payer": PAYER,
        "reference": TX,
        "txHash": TX,
        "delivers": True,
        "checks": checks(),
        "challenge": challenge,
        "offer": "tempo/charge",
        "source": f"did:pkh:eip155:1337:{PAYER}",
        "elapsed_us": {"parse": 50, "verify": 334, "settle": 4_000},
    }
    return event(offset, "exchange.paid", f"ex-{offset}", **told | more)


def voucher(offset: int, action: str = "voucher", tx: str | None = None) -> dict[str, Any]:
    """A voucher that was taken."""
    details = {"action": action, "accepted": 2_000, "spent": 2_000, "deposit": 10**6, "settled": 0}
    return paid(
        offset,
        challenge="chal-two",
        path="/search",
        amount=1_000,
        reference=CHANNEL,
        txHash=tx,
        offer="tempo/session",
        details=details,
    )


def delivered(offset: int, of: int, status: int = 200, path: str = "/quote") -> dict[str, Any]:
    """The answer to an exchange that was paid for."""
    return event(
        offset,
        "exchange.delivered",
        f"ex-{of}",
        method="GET",
        path=path,
        status=status,
        elapsed_us={"parse": 50, "verify": 334, "settle": 4_000, "deliver": 300},
    )


def refused(offset: int, check: str, expected: Any, got: Any, **more: Any) -> dict[str, Any]:
    """A credential that did not pass a check."""
    told = {
        "method": "GET",
        "path": "/report",
        "status": 402,
        "type": "https://paymentauth.org/problems/invalid-challenge",
        "detail": "Challenge is invalid: it was issued for another route or query.",
        "unknown": False,
        "checks": checks(check, expected, got),
        "offers": [{"challenge": "chal-fresh", "offer": "tempo/charge", "amount": "50000"}],
        "challenge": "chal-one",
        "offer": "tempo/charge",
        "elapsed_us": {"parse": 20},
    }
    return event(offset, "exchange.refused", f"ex-{offset}", **told | more)
