"""What the journal says of one paid HTTP exchange: its checks, what it moved, and how long it took.

    exchange.challenged     402 with these challenges, to a request without a credential
    exchange.refused        a check failed; nothing was charged, or nobody knows (then `unknown`)
    exchange.paid           a settlement, before the application runs
    exchange.delivered      the application's answer, or the gate's 204, was sent to its end
    exchange.failed         paid, and not delivered as it should have been: `reason` says how

All of them have `elapsed_us` by phase: parse, verify, settle, deliver. Proofs (signatures,
transactions) never get here: of a credential its challenge, its payer and its payload's facts are
told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.crypto.hashing import keccak256
from sandbox.methods.disclosure import disclosed
from sandbox.server.admission import CHECKS
from sandbox.server.digest import body_digest
from sandbox.server.refusals import OutcomeUnknownError
from sandbox.server.route import binding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpp import Credential

    from mock_rails.core.clock import Clock
    from mock_rails.core.journal import Journal
    from sandbox.server.admission import Admission
    from sandbox.server.challenges import Issued
    from sandbox.server.offer import Settlement
    from sandbox.server.refusals import Refused
    from sandbox.server.request import PaidRequest

RAIL: Final = "sandbox"
_LONGEST_TEXT: Final = 500


class Exchange:
    """The record of one exchange; made only where there is a journal."""

    __slots__ = ("_clock", "_journal", "_lap_ns", "_phases", "id", "progress", "request")

    def __init__(
        self, journal: Journal, clock: Clock, request: PaidRequest, progress: Admission
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._lap_ns = clock.monotonic_ns()
        self._phases: dict[str, int] = {}
        self.request = request
        self.progress = progress
        self.id: str | None = None
        """Given with the first event, and counted by the journal: no two exchanges share one."""

    def lap(self, phase: str) -> None:
        """The phase ends now."""
        now_ns = self._clock.monotonic_ns()
        spent_us = (now_ns - self._lap_ns) // 1_000
        self._phases[phase] = self._phases.get(phase, 0) + spent_us
        self._lap_ns = now_ns

    def timing(self) -> bytes:
        """The phases until now as a Server-Timing field (W3C), in milliseconds to the microsecond:
        what the credential's check took, the payment, and the application until it answered."""
        spent = self._phases
        verify_us = spent.get("parse", 0) + spent.get("verify", 0)
        deliver_us = (self._clock.monotonic_ns() - self._lap_ns) // 1_000
        told = (("verify", verify_us), ("settle", spent.get("settle", 0)), ("deliver", deliver_us))
        return ", ".join(f"{name};dur={us // 1_000}.{us % 1_000:03}" for name, us in told).encode()

    def challenged(self, issued: Sequence[Issued], status: int) -> None:
        """Somebody was asked to pay."""
        self._append("exchange.challenged", status=status, offers=_offers(issued))

    def refused(self, refused: Refused, issued: Sequence[Issued]) -> None:
        """A check failed."""
        error = refused.error
        self._append(
            "exchange.refused",
            status=error.status,
            type=error.type,
            detail=str(error)[:_LONGEST_TEXT],
            unknown=isinstance(error, OutcomeUnknownError),
            checks=self._checks(refused),
            offers=_offers(issued),
            tx=_sent_transaction(self.progress.credential),
            **self._credential(),
        )

    def paid(self, settlement: Settlement) -> None:
        """A payment was taken."""
        self._append(
            "exchange.paid",
            amount=settlement.amount,
            currency=settlement.currency,
            payer=settlement.payer,
            reference=settlement.reference,
            txHash=settlement.tx_hash,
            delivers=settlement.delivers,
            receipt=settlement.receipt,
            details=settlement.details,
            checks=self._checks(None),
            **self._credential(),
        )

    def delivered(self, status: int, total: int | None = None) -> None:
        """It was answered; `total` is what a metered answer has cost."""
        self._append("exchange.delivered", status=status, **_cost(total))

    def replayed(self, status: int) -> None:
        """It was answered as before, under its Idempotency-Key, and nothing was charged."""
        self._append("exchange.delivered", status=status, replayed=True, **self._credential())

    def failed(self, reason: str, status: int | None, total: int | None = None) -> None:
        """It was paid and not delivered, or not to its end."""
        told = {"reason": reason[:_LONGEST_TEXT], "paid": True, **_cost(total)}
        self._append("exchange.failed", status=status, **told)

    def _append(self, kind: str, **data: Any) -> None:
        journal = self._journal
        if self.id is None:
            self.id = f"ex-{journal.last_offset + 1}"
        request = self.request
        described = {"method": request.method, "path": request.path, **data}
        if request.query:
            described["query"] = request.query.decode("latin-1")[:_LONGEST_TEXT]
        described["elapsed_us"] = self._phases.copy()
        journal.append(RAIL, kind, described, self.id)

    def _credential(self) -> dict[str, Any]:
        credential = self.progress.credential
        if credential is None:
            return {}
        echo = credential.challenge
        return {
            "challenge": echo.id[:100],
            "offer": f"{echo.method}/{echo.intent}"[:100],
            "source": credential.source[:200] if credential.source else None,
            "headers": self._headers(credential),
        }

    def _headers(self, credential: Credential) -> dict[str, Any]:
        """The credential as it was sent, decoded: the challenge it repeats, and its payload."""
        echo, opened = credential.challenge, self.progress.opened
        said = {
            "realm": echo.realm[:_LONGEST_TEXT],
            "expires": echo.expires and echo.expires[:_LONGEST_TEXT],
            "description": echo.description and echo.description[:_LONGEST_TEXT],
            "digest": echo.digest and echo.digest[:_LONGEST_TEXT],
            # What is not authentic may be anything, and of any size.
            "request": "not authentic" if opened is None else opened.request,
        }
        payload = credential.payload
        return {
            "challenge": {name: part for name, part in said.items() if part is not None},
            "payload": disclosed(payload) if isinstance(payload, dict) else None,
        }

    def _checks(self, refused: Refused | None) -> list[dict[str, Any]]:
        """All checks in order: those that passed, the one that did not, those not reached."""
        known = self._known()
        found: list[dict[str, Any]] = []
        # What broke outside all checks says nothing about any of them.
        passed: bool | None = None if refused and refused.check not in CHECKS else True
        for name in CHECKS:
            expected, got = known.get(name, (None, None))
            if refused is not None and name == refused.check:
                found.append(
                    {
                        "name": name,
                        "passed": False,
                        "expected": refused.expected if expected is None else expected,
                        "got": got if refused.got is None else refused.got,
                    }
                )
                passed = None
            else:
                found.append({"name": name, "passed": passed, "expected": expected, "got": got})
        return found

    def _known(self) -> dict[str, tuple[Any, Any]]:
        """What the checks compared, as far as they came."""
        credential, offer, opened = (
            self.progress.credential,
            self.progress.offer,
            self.progress.opened,
        )
        if credential is None:
            return {}
        echo = credential.challenge
        known: dict[str, tuple[Any, Any]] = {"challenge": ("an id of this server", echo.id[:100])}
        if offer is not None and opened is not None:
            known["offer"] = (
                f"{offer.method}/{offer.intent}",
                f"{echo.method}/{echo.intent}"[:100],
            )
            known["route"] = (binding(offer, self.request), opened.scope)
            known["expires"] = ("later than now", echo.expires)
            if self.request.body:
                known["digest"] = (body_digest(self.request.body), echo.digest)
        return known


def _offers(issued: Sequence[Issued]) -> list[dict[str, Any]]:
    return [
        {
            "challenge": one.id,
            "offer": f"{one.method}/{one.intent}",
            "amount": one.request.get("amount"),
            "currency": one.request.get("currency"),
            "request": one.request,
            "expires": one.expires,
            "description": one.description,
        }
        for one in issued
    ]


def _sent_transaction(credential: Credential | None) -> str | None:
    """The hash of the transaction that a refused credential holds: it may have been mined all the
    same, and only its hash leads from the chain's events to this exchange."""
    payload = None if credential is None else credential.payload
    if not isinstance(payload, dict) or payload.get("type") != "transaction":
        return None
    given = payload.get("signature") or payload.get("transaction")
    if not isinstance(given, str) or not given.startswith("0x"):
        return None
    try:
        return f"0x{keccak256(bytes.fromhex(given[2:])).hex()}"
    except ValueError:
        return None


def _cost(total: int | None) -> dict[str, int]:
    return {} if total is None else {"total": total}
