"""At most one settlement for one credential: a mark is put before, and says how it went.

Facts: protocol 1.1, row 17, and 1.5. The mark's key is the challenge's id, which is never issued
twice. A definite refusal takes the mark away, for the client may mend its proof; a settlement, an
unknown outcome and a crash leave it, and it tells them apart when the credential comes again:

    taken     somebody is settling it (409, as long as that may be), or died while settling (500)
    settled   it has paid: another payment is another challenge (402)
    unknown   it may have paid: nobody may be asked to pay again (500), for as long as a key is kept

An offer that can look up what came of a payment (`find`) is asked before the last two answers,
about the same proof only: to look up a card's payment is to ask for it again, and a second proof
for one challenge would be a second payment. So the mark names its proof, by a hash. What is found
is delivered then, once: whoever delivers such an offer's payment has put a second mark first, so
neither a request that was thought dead nor a second look delivers it again.
"""

from __future__ import annotations

import json
import logging
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeVar

from mpp.errors import InternalPaymentError, PaymentError, PaymentOutcomeUnknownError

from mock_rails.core.errors import PROBLEM_TYPE_PREFIX
from sandbox.server.challenges import invalid
from sandbox.server.idempotency import KEPT_FOR_S
from sandbox.server.refusals import OutcomeUnknownError, Refused

_Answer = TypeVar("_Answer")

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mpp import Credential

    from mock_rails.core.clock import Clock
    from sandbox.server.admission import Admitted
    from sandbox.server.offer import Settlement
    from sandbox.server.request import PaidRequest
    from sandbox.server.stores import ReplayStore

    Find = Callable[[Credential, PaidRequest], Awaitable[Settlement | None]]

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


def proof_hash(credential: Credential) -> str:
    """What a mark calls a credential's proof."""
    return sha256(json.dumps(credential.payload, sort_keys=True).encode()).hexdigest()[:32]


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
            return await _sorted(admitted.offer.settle, admitted, request)
        key = mark_key(admitted.challenge_id)
        if not await self._take(key, admitted):
            return await self._found(key, admitted, request)
        self._in_flight.add(key)
        try:
            settlement = await _sorted(admitted.offer.settle, admitted, request)
            if _finder(admitted) is not None:
                await self._claim_delivery(admitted)
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

    async def check_unmarked(self, admitted: Admitted) -> None:
        """Raise what stands in the way of a credential whose challenge has ended meanwhile: that it
        is too late now must not hide that it may have paid."""
        if not admitted.offer.is_single_use:
            return
        key = mark_key(admitted.challenge_id)
        state = await self._replays.get(key)
        if state is not None:
            raise self._refusal(key, state, admitted)

    async def may_have_charged(self, challenge_id: str) -> bool:
        """Whether a credential of this challenge was settled, or may have been."""
        return await self._replays.get(mark_key(challenge_id)) is not None

    async def can_find(self, admitted: Admitted) -> bool:
        """Whether what came of an earlier attempt to settle this credential can be looked up."""
        state = await self._replays.get(mark_key(admitted.challenge_id))
        return _finder(admitted) is not None and state != SETTLED

    async def _found(self, key: str, admitted: Admitted, request: PaidRequest) -> Settlement:
        """What came of the attempt whose mark stands in the way, or the refusal."""
        state = await self._replays.get(key)
        refused = self._refusal(key, state, admitted)
        find = _finder(admitted)
        if find is None or not isinstance(refused.error, OutcomeUnknownError):
            raise refused
        if (state or "").rpartition(" ")[2] != proof_hash(admitted.credential):
            raise refused
        try:
            settlement = await _sorted(find, admitted, request)
        except Refused as known:
            if not isinstance(known.error, OutcomeUnknownError):
                await self._forget(key)
            raise
        if settlement is None:
            raise refused
        await self._claim_delivery(admitted)
        await self._note(key, SETTLED, admitted)
        return settlement

    async def _claim_delivery(self, admitted: Admitted) -> None:
        """Be the one who delivers this payment, or raise Refused."""
        end_s = admitted.expires_s + _KEPT_LONGER_S
        key = f"mpp:delivery:{admitted.challenge_id}"
        try:
            is_ours = await self._replays.put_if_absent(key, TAKEN, expires_at_s=end_s)
        except Exception as error:
            raise Refused("single-use", OutcomeUnknownError()) from error
        if not is_ours:
            raise Refused("single-use", OutcomeUnknownError(), expected="an undelivered payment")

    async def _take(self, key: str, admitted: Admitted) -> bool:
        end_s = admitted.expires_s + _KEPT_LONGER_S
        mark = f"{TAKEN} {self._clock.now_s()} {proof_hash(admitted.credential)}"
        return await self._replays.put_if_absent(key, mark, expires_at_s=end_s)

    async def _note(self, key: str, state: str, admitted: Admitted) -> None:
        """Say how it went. If the store fails now, the mark stays `taken`, which is as safe, and
        what was decided about the payment stands."""
        end_s = admitted.expires_s + _KEPT_LONGER_S
        if state == UNKNOWN:
            end_s = max(end_s, self._clock.now_s() + KEPT_FOR_S)
            state = f"{UNKNOWN} {proof_hash(admitted.credential)}"
        try:
            await self._replays.put(key, state, expires_at_s=end_s)
        except Exception:
            _LOG.exception("the mark of a credential could not be set to %r", state)

    async def _forget(self, key: str) -> None:
        try:
            await self._replays.delete(key)
        except Exception:
            _LOG.exception("the mark of a refused credential could not be taken away")

    def _refusal(self, key: str, state: str | None, admitted: Admitted) -> Refused:
        """Why a mark stands in the way."""
        error: PaymentError
        taken = state is not None and state.startswith(TAKEN)
        if state is not None and state.startswith(UNKNOWN):
            error = OutcomeUnknownError()
        elif taken and key not in self._in_flight:
            error = PaymentInProgressError() if self._is_recent(state) else OutcomeUnknownError()
        else:
            error = invalid(admitted.credential.challenge, "it was used already")
        return Refused("single-use", error, expected="an unused credential", got=state)

    def _is_recent(self, state: str | None) -> bool:
        """Whether another process may still be settling what this mark says was taken."""
        since = (state or "").removeprefix(TAKEN).strip().partition(" ")[0]
        return since.isdecimal() and 0 <= self._clock.now_s() - int(since) < _SETTLES_WITHIN_S


def _finder(admitted: Admitted) -> Find | None:
    """How the offer looks up what came of a payment, if it can."""
    find: Find | None = getattr(admitted.offer, "find", None)
    return find


async def _sorted(
    ask: Callable[[Credential, PaidRequest], Awaitable[_Answer]],
    admitted: Admitted,
    request: PaidRequest,
) -> _Answer:
    """Ask the offer, and sort what it raises into definite refusals and unknown outcomes."""
    try:
        return await ask(admitted.credential, request)
    except PaymentOutcomeUnknownError as error:
        raise Refused("payment", OutcomeUnknownError(error.transaction_hash)) from error
    except InternalPaymentError as error:
        raise Refused("payment", OutcomeUnknownError()) from error
    except PaymentError as error:
        raise Refused("payment", error) from error
    except Exception as error:
        raise Refused("payment", OutcomeUnknownError()) from error
