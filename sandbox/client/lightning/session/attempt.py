"""A request that a session pays for: its opening, or a bearer (`Attempt` in payer.py).

A session's id is the hash of its deposit, so that who has paid one can find out whether it is open:
where the answer to an opening was lost and a copy refused, a bearer shows it, and where a bearer
finds nothing, the opening is shown again. Only when the server knows neither is a deposit lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.client.errors import OutcomeUnknownError
from sandbox.client.exchange import NEVER_SENT, READER, RESENDS
from sandbox.client.lightning.record import State
from sandbox.client.lightning.session.closing import end_of, strand
from sandbox.client.lightning.session.stream import LightningReader
from sandbox.client.lightning.session.wire import authorization, problem_of
from sandbox.methods.lightning_session import Bearer, Open

if TYPE_CHECKING:
    import httpx
    from mpp import ChallengeEcho

    from sandbox.client.lightning.session.lane import Lane
    from sandbox.client.lightning.session.live import Live, Services
    from sandbox.client.payer import Order

_NOT_COVERED = "insufficient-balance"
_NOT_FOUND = "session-not-found"
_CLOSED = "session-closed"


class SessionAttempt:
    """One credential of a session."""

    def __init__(
        self,
        services: Services,
        lane: Lane,
        live: Live,
        order: Order,
        challenge: ChallengeEcho,
        preimage: bytes,
        *,
        opens: bool,
        price_sat: int,
    ) -> None:
        self._services = services
        self._lane = lane
        self._live = live
        self._order = order
        self._challenge = challenge
        self._opens = opens
        self._price_sat = price_sat
        live.spent_sat += price_sat
        self._losses = 0
        self._has_left = False
        payload = (
            Open(preimage, live.record.return_invoice)
            if opens
            else Bearer(live.record.id, preimage)
        )
        self._authorization = authorization(challenge, payload)

    @property
    def authorization(self) -> str:
        """The credential."""
        return self._authorization

    async def taken(self, response: httpx.Response) -> None:
        """The session is open. An answer that is read as a stream may ask for further deposits."""
        live, services, url = self._live, self._services, self._order.url
        is_sure = response.is_success or "payment-receipt" in response.headers or not self._opens
        if not live.is_sure and is_sure:
            live.save(state=State.OPEN)
        self._lane.end()

        def read(answer: httpx.Response) -> LightningReader:
            return LightningReader(answer, services=services, live=live, url=url)

        response.extensions = {**response.extensions, READER: read}

    async def refused(self, response: httpx.Response) -> bool:
        """Whether to go on with a fresh challenge, and so with what it says is missing."""
        problem = problem_of(response)
        live = self._live
        live.spent_sat -= self._price_sat
        if problem == _NOT_COVERED:
            live.not_covered(self._price_sat)
        if live.is_sure:
            if problem in {_NOT_FOUND, _CLOSED}:
                await end_of(self._services, self._lane, live)
            return True
        if problem == _CLOSED:
            await end_of(self._services, self._lane, live)
            return True
        if self._opens:
            live.open_refused = True
        elif problem == _NOT_FOUND:
            live.bearer_refused = True
        elif problem == _NOT_COVERED:  # it knows the session
            live.save(state=State.OPEN)
        if live.open_refused and live.bearer_refused:
            strand(self._lane, live)
            raise self._unknown(
                f"The server answered HTTP {response.status_code} to a deposit that was paid, and"
                " has opened no session for it.",
                paid=True,
            )
        return True

    async def lost(self, error: Exception) -> None:
        """Allow the same credential twice more. The next request goes on from there."""
        self._losses += 1
        self._has_left = self._has_left or not isinstance(error, NEVER_SENT)
        if self._losses <= RESENDS:
            return
        self._lane.end()
        if self._opens:
            raise self._unknown("The answer to a session's opening was lost.", paid=True)
        if self._has_left:
            raise self._unknown("The answer to a request in a session was lost.", paid=None)

    def __repr__(self) -> str:
        """The challenge and what is done; the preimage is not shown."""
        return f"<SessionAttempt {self._challenge.id} {'open' if self._opens else 'bearer'}>"

    def _unknown(self, detail: str, *, paid: bool | None) -> OutcomeUnknownError:
        record = self._live.record
        self._lane.end()
        return OutcomeUnknownError(
            detail,
            paid=paid,
            hint="The session stays in the book: what is left of it comes back when it is closed.",
            details={
                "session": record.id.hex(),
                "host": record.host,
                "challenge_id": self._challenge.id,
                "deposit": record.deposit_sat,
                "currency": "sat",
                "final": True,
            },
        )
