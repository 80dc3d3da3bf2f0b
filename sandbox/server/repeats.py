"""Idempotency-Key at the gate: under whose name a key is kept, and what comes of an old one.

Core draft, Idempotency (facts: protocol 1.1, row 16). A key belongs to whoever asks, or guessing
keys would hand out what others paid for. What proves it costs nothing is the challenge: its id is
told to one client only. So an answer is kept under the challenge, which serves the same credential
sent again; and also under the payer, where the offer can prove one without charging (`prove`),
which serves a retry that carries a new credential. A claimed `source` proves nothing. Nor does a
proof that others may have seen: an offer whose proofs come more than once says so (`check_unseen`).

A challenge ends after minutes, a kept answer after a day. What was paid in time stays paid: after
the end the very same proof still gets its answer (`after_end`), and nothing else does.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from mpp.errors import PaymentError

from sandbox.server.idempotency import (
    Decision,
    IdempotencyCodec,
    IdempotencyInProgressError,
    IdempotencyLog,
    KeptResponse,
    State,
    Verdict,
    fingerprint,
    parse_key,
    record_key,
)
from sandbox.server.refusals import NotKeptError, OutcomeUnknownError, Refused
from sandbox.server.single_use import proof_hash

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from sandbox.server.admission import Admitted
    from sandbox.server.challenges import Challenges
    from sandbox.server.idempotency import IdempotencyRecord
    from sandbox.server.request import PaidRequest
    from sandbox.server.single_use import SingleUse
    from sandbox.server.stores import Store

_LOG: Final = logging.getLogger("sandbox.server")
_KEY: Final = b"idempotency-key"
_CHECK: Final = "idempotency"


class Repeat:
    """A request that has a key: either the first one, which runs, or one that was answered."""

    __slots__ = ("_log", "_records", "answer", "owner")

    def __init__(self, log: IdempotencyLog, owner: str) -> None:
        self._log = log
        self.owner = owner
        """What the attempt calls itself, which is never the same again."""
        self._records: list[str] = []
        self.answer: KeptResponse | None = None
        """What was answered the first time."""

    def claim(self, record: str) -> None:
        """The record is this attempt's."""
        self._records.append(record)

    def take_over(self, record: IdempotencyRecord) -> None:
        """The answer is the one that this record keeps. Raises NotKeptError if it keeps none."""
        answer = record.response
        assert answer is not None
        if answer.body is None:
            raise NotKeptError
        self.answer = answer

    async def finish(self, answer: KeptResponse) -> None:
        """Keep the answer. If the store fails now, the answer is given all the same."""
        try:
            for record in self._records:
                await self._log.finish(record, self.owner, answer)
        except Exception:
            _LOG.exception("an answer could not be kept under its Idempotency-Key")

    async def abandon(self) -> None:
        """Nothing was charged: the key is free."""
        for record in self._records:
            await self._log.abandon(record, self.owner)

    async def leave(self) -> None:
        """It is over, and may have charged. If the store fails now, the lease says so later."""
        try:
            for record in self._records:
                await self._log.leave(record, self.owner)
        except Exception:
            _LOG.exception("an attempt whose outcome is unknown could not be left")


class Repeats:
    """The keys of a gate."""

    def __init__(
        self, store: Store, clock: Clock, challenges: Challenges, single_use: SingleUse
    ) -> None:
        self._clock = clock
        self._challenges = challenges
        self._single_use = single_use
        self._log = IdempotencyLog(store.records("idempotency", IdempotencyCodec()), clock)

    async def purge(self) -> int:
        """Forget the answers whose time is over; how many."""
        return await self._log.purge()

    async def begin(self, admitted: Admitted, request: PaidRequest) -> Repeat | None:
        """Claim the request's key, if it has one, or that of a credential that is answered once.
        Raises Refused: 409, 422, 400, or what proving the payer found."""
        fields = request.fields(_KEY)
        own = _own_key(admitted)
        if not fields and own is None:
            return None
        try:
            return await self._begun(own or parse_key(fields) or "", admitted, request)
        except PaymentError as error:
            raise Refused(_CHECK, error) from error

    async def after_end(self, admitted: Admitted, request: PaidRequest) -> Repeat | None:
        """What this very proof has got under this key, although its challenge has ended since; None
        if it has paid nothing. Raises Refused where nobody knows yet, or will."""
        fields = request.fields(_KEY)
        own = _own_key(admitted)
        if not fields and own is None:
            return None
        try:
            return await self._before_end(own or parse_key(fields) or "", admitted, request)
        except PaymentError as error:
            raise Refused(_CHECK, error) from error

    async def _before_end(
        self, key: str, admitted: Admitted, request: PaidRequest
    ) -> Repeat | None:
        record = record_key(f"challenge {admitted.challenge_id}", key)
        same = fingerprint(request.method, request.path, request.query, request.body)
        before = await self._log.look(record, same)
        if before is None or _parts(before.owner)[2] != proof_hash(admitted.credential):
            return None
        now_s = self._clock.now_s()
        if before.state is State.RUNNING:
            if before.ends_at_s > now_s:
                raise IdempotencyInProgressError(before.ends_at_s - now_s)
            if _is_as_before(before.owner, admitted, await _charged(admitted)):
                return None
            raise OutcomeUnknownError
        repeat = Repeat(self._log, before.owner)
        repeat.take_over(before)
        return repeat

    async def _begun(self, key: str, admitted: Admitted, request: PaidRequest) -> Repeat:
        # The owner begins with the challenge, which tells a later attempt what to look up, then the
        # proof, whose own the answer is, and ends with how much was charged before, which tells
        # whether something was charged since.
        charged, proof = await _charged(admitted), proof_hash(admitted.credential)
        owner = f"{admitted.challenge_id} {self._challenges.nonce()} {proof} {charged or ''}"
        repeat = Repeat(self._log, owner)
        same = fingerprint(request.method, request.path, request.query, request.body)
        if await self._claim(
            repeat, record_key(f"challenge {admitted.challenge_id}", key), same, admitted
        ):
            return repeat
        try:
            prove: Any = getattr(admitted.offer, "prove", None)
            payer = None if prove is None else await prove(admitted.credential, request)
            is_answered = payer is not None and await self._claim(
                repeat, record_key(f"payer {payer}", key), same, admitted
            )
            if is_answered and (check := getattr(admitted.offer, "check_unseen", None)):
                await check(admitted.credential)
        except BaseException:
            await repeat.abandon()
            raise
        if is_answered:
            await repeat.abandon()  # the answer stays under the payer; this challenge is unspent
        return repeat

    async def _claim(self, repeat: Repeat, record: str, same: str, admitted: Admitted) -> bool:
        """One record: claimed, or (then True) its answer taken over; raises what forbids both."""
        dead = await self._log.dead(record, same)
        if dead is not None:
            await self._check_uncharged(dead, repeat, admitted)
        decision: Decision = await self._log.begin(record, same, repeat.owner, dead=dead)
        decision.raise_refusal(self._clock.now_s())
        if decision.verdict is Verdict.REPLAY:
            repeat.take_over(decision.record)
            return True
        repeat.claim(record)
        return False

    async def _check_uncharged(
        self, dead: IdempotencyRecord, repeat: Repeat, admitted: Admitted
    ) -> None:
        """Raise if the attempt that died may have charged, and nobody can tell."""
        earlier = _parts(dead.owner)[0]
        if earlier == admitted.challenge_id and await self._single_use.can_find(admitted):
            return  # the same credential: what came of it is looked up
        is_voucher = not admitted.offer.is_single_use
        is_as_before = _is_as_before(dead.owner, admitted, _parts(repeat.owner)[3])
        if (is_voucher and not is_as_before) or await self._single_use.may_have_charged(earlier):
            raise OutcomeUnknownError


async def _charged(admitted: Admitted) -> str | None:
    """What was charged before this credential, for an offer that can tell."""
    tell: Any = getattr(admitted.offer, "charged", None)
    told: str | None = None if tell is None else await tell(admitted.credential)
    return told


def _is_as_before(dead: str, admitted: Admitted, charged: str | None) -> bool:
    """Whether the attempt of this owner surely charged nothing. A voucher leaves no mark, but what
    its channel has spent never goes back."""
    return not admitted.offer.is_single_use and bool(charged) and charged == _parts(dead)[3]


def _parts(owner: str) -> tuple[str, str, str, str]:
    """An attempt's challenge, its nonce, its proof, and what was charged before it."""
    challenge_id, nonce, proof, charged = (*owner.split(" ", 3), "", "", "")[:4]
    return challenge_id, nonce, proof, charged


def _own_key(admitted: Admitted) -> str | None:
    """The key of a credential whose answer is given again: it names the proof, for whoever only
    knows the challenge has paid nothing. No client's key begins like it."""
    repeats: Any = getattr(admitted.offer, "repeats", None)
    if repeats is None or not repeats(admitted.credential):
        return None
    return f"\0{proof_hash(admitted.credential)}"
