"""At most one settlement for one credential: a mark is put before, and says how it went.

Facts: protocol 1.1, row 17, and 1.5. The mark's key is the challenge's id, which is never issued
twice. A definite refusal takes the mark away, for the client may mend its proof; a settlement, an
unknown outcome and a crash leave it, and it tells them apart when the credential comes again:

    taken     somebody is settling it (409, as long as that may be), or died while settling (500)
    settled   it has paid: another payment is another challenge (402)
    unknown   it may have paid: nobody may be asked to pay again (500)
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from mpp.errors import InternalPaymentError, PaymentError, PaymentOutcomeUnknownError

from mock_rails.core.errors import PROBLEM_TYPE_PREFIX
from sandbox.server.challenges import invalid
from sandbox.server.refusals import OutcomeUnknownError, Refused

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from sandbox.server.admission import Admitted
    from sandbox.server.offer import Settlement
    from sandbox.server.request import PaidRequest
    from sandbox.server.stores import ReplayStore

_LOG: Final = logging.getLogger("sandbox.server")

TAKEN: Final = "taken"
SETTLED: Final = "settled"
UNKNOWN: Final = "unknown"

_KEPT_LONGER_S: Final = 60
"""A mark outlives its challenge, so that no clock that is moved a little revives a credential."""

_SETTLES_WITHIN_S: Final = 60
"""Who has not settled by then has died."""


class PaymentInProgressError(PaymentError):
    """Another process is settling this credential right now. Nothing more was charged, and nobody
    is asked to pay again: what came of it is not known yet."""

    status = 409
    type = PROBLEM_TYPE_PREFIX + "payment-in-progress"
    title = "Payment In Progress"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__("Another request is paying with this credential.")


def mark_key(challenge_id: str) -> str:
    """The store's key for the mark of a credential."""
    return f"mpp:credential:{challenge_id}"


class SingleUse:
    """Settles credentials, those of single-use offers once."""

    def __init__(self, replays: ReplayStore, clock: Clock) -> None:
        self._replays = replays
        self._clock = clock
        self._in_flight: set[str] = set()

    async def settle(self, admitted: Admitted, request: PaidRequest) -> Settlement:
        """What the offer makes of the credential. Raises Refused; OutcomeUnknownError inside it
        means that the credential may have been charged, any other error that it was not."""
        if not admitted.offer.is_single_use:
            return await _settled(admitted, request)
        key = mark_key(admitted.challenge_id)
        if not await self._take(key, admitted):
            raise await self._refusal(key, admitted)
        self._in_flight.add(key)
        try:
            settlement = await _settled(admitted, request)
        except Refused as refused:
            if isinstance(refused.error, OutcomeUnknownError):
                await self._note(key, UNKNOWN, admitted)
            else:
                await self._forget(key)
            raise
        except BaseException:  # cancelled on the way
            await self._note(key, UNKNOWN, admitted)
            raise
        else:
            await self._note(key, SETTLED, admitted)
            return settlement
        finally:
            self._in_flight.discard(key)

    async def may_have_charged(self, challenge_id: str) -> bool:
        """Whether a credential of this challenge was settled, or may have been."""
        return await self._replays.get(mark_key(challenge_id)) is not None

    async def _take(self, key: str, admitted: Admitted) -> bool:
        end_s = admitted.expires_s + _KEPT_LONGER_S
        mark = f"{TAKEN} {self._clock.now_s()}"
        return await self._replays.put_if_absent(key, mark, expires_at_s=end_s)

    async def _note(self, key: str, state: str, admitted: Admitted) -> None:
        """Say how it went. If the store fails now, the mark stays `taken`, which is as safe, and
        what was decided about the payment stands."""
        end_s = admitted.expires_s + _KEPT_LONGER_S
        try:
            await self._replays.put(key, state, expires_at_s=end_s)
        except Exception:
            _LOG.exception("the mark of a credential could not be set to %r", state)

    async def _forget(self, key: str) -> None:
        try:
            await self._replays.delete(key)
        except Exception:
            _LOG.exception("the mark of a refused credential could not be taken away")

    async def _refusal(self, key: str, admitted: Admitted) -> Refused:
        """Why a mark stands in the way."""
        state = await self._replays.get(key)
        error: PaymentError
        taken = state is not None and state.startswith(TAKEN)
        if state == UNKNOWN:
            error = OutcomeUnknownError()
        elif taken and key not in self._in_flight:
            error = PaymentInProgressError() if self._is_recent(state) else OutcomeUnknownError()
        else:
            error = invalid(admitted.credential.challenge, "it was used already")
        return Refused("single-use", error, expected="an unused credential", got=state)

    def _is_recent(self, state: str | None) -> bool:
        """Whether another process may still be settling what this mark says was taken."""
        since = (state or "").removeprefix(TAKEN).strip()
        return since.isdecimal() and 0 <= self._clock.now_s() - int(since) < _SETTLES_WITHIN_S


async def _settled(admitted: Admitted, request: PaidRequest) -> Settlement:
    """Ask the offer, and sort what it raises into definite refusals and unknown outcomes."""
    try:
        return await admitted.offer.settle(admitted.credential, request)
    except PaymentOutcomeUnknownError as error:
        raise Refused("payment", OutcomeUnknownError(error.transaction_hash)) from error
    except InternalPaymentError as error:
        raise Refused("payment", OutcomeUnknownError()) from error
    except PaymentError as error:
        raise Refused("payment", error) from error
    except Exception as error:
        raise Refused("payment", OutcomeUnknownError()) from error
