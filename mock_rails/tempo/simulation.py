"""Runs transactions that nobody signed and keeps nothing: `eth_call`, estimates, `eth_simulateV1`.

A simulation uses the executor itself, excused from the rules that only a real transaction can meet,
on the state of now or of an old block. Reads run at the current time, not at the last block's, else
an idle chain would live in the past (facts 7).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.errors import (
    ExecutionReverted,
    InternalError,
    InvalidTransaction,
    UnknownBlock,
)
from mock_rails.tempo.execution import fees
from mock_rails.tempo.execution.executor import Rules, execute
from mock_rails.tempo.execution.intrinsic import calldata_floor, intrinsic_gas
from mock_rails.tempo.execution.reverts import describe_revert
from mock_rails.tempo.execution.validation import MAX_GAS_LIMIT
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.scope import BlockContext, Scope
from mock_rails.tempo.world import HistoryPrunedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mock_rails.tempo.blocks import Block, Outcome
    from mock_rails.tempo.engine import Engine
    from mock_rails.tempo.tx.model import Submission

CONTEXT_HASH: Final = b"TEMPO_RPC_SIMULATION_MPP_CONTEXT"
"""What stands for the transaction's context hash in a simulation (facts 2.8)."""

CALL_GAS_CAP: Final = 50_000_000
_ESTIMATE_TOLERANCE: Final = 64
"""An estimate is at most a 64th above the least that works."""

_REVERTED: Final = "execution reverted"


@dataclass(frozen=True, slots=True)
class AccountOverride:
    """What an account shall look like during a simulation."""

    nonce: int | None = None
    code: bytes | None = None
    storage: Mapping[int, int] | None = None
    """Replaces the whole storage."""
    storage_diff: Mapping[int, int] = field(default_factory=dict)


Overrides = dict[bytes, AccountOverride]


@dataclass(frozen=True, slots=True)
class SimulatedBlock:
    """The blocks of `eth_simulateV1`: a context, and what each call did or why it was refused."""

    context: BlockContext
    results: tuple[Outcome | InvalidTransaction, ...]


class Simulator:
    """Simulations on one engine's state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def state(
        self, at: Block | None, overrides: Overrides | None = None, **block_overrides: Any
    ) -> Iterator[BlockContext]:
        """Show the state after a block with overrides applied; everything is undone at the end."""
        engine = self._engine
        world = engine.world
        context = replace(engine.context(at), **block_overrides)
        mark = world.mark() if at is None or at is engine.head else at.undo_mark
        try:
            with world.rewound(mark):
                self._override(overrides or {})
                yield context
        except HistoryPrunedError:
            number = at.number if at else engine.head.number
            raise UnknownBlock(f"the state of block {number} is no longer kept") from None

    def call(
        self,
        submission: Submission,
        *,
        priced: bool = False,
        at: Block | None = None,
        overrides: Overrides | None = None,
        tracer: Any = None,
        **block_overrides: Any,
    ) -> Outcome:
        """Execute and answer what came of it, reverted or not.

        `priced` charges fees as well, and caps the gas at what the payer's balance can buy.
        """
        with self.state(at, overrides, **block_overrides) as context:
            if priced:
                affordable = self._allowance(context, submission, submission.tx.gas_limit)
                if affordable >= self._least(submission):
                    submission = _with_gas(submission, affordable)
            return self._run(context, submission, priced=priced, tracer=tracer)

    def estimate(
        self,
        submission: Submission,
        *,
        priced: bool = False,
        at: Block | None = None,
        overrides: Overrides | None = None,
    ) -> int:
        """The gas limit a transaction needs: intrinsic, signature and execution."""
        with self.state(at, overrides) as context:
            limit = MAX_GAS_LIMIT
            if priced:
                limit = self._allowance(context, submission, limit)
            if limit < self._least(submission):
                raise InvalidTransaction(f"gas required exceeds allowance ({limit})")
            outcome = self._attempt(context, submission, limit)
            if not outcome.status:
                if outcome.error == _REVERTED:
                    raise reverted(outcome, submission)
                raise InvalidTransaction(f"gas required exceeds allowance ({limit})")
            return self._search(context, submission, outcome.gas_used, limit)

    def simulate(
        self,
        blocks: Sequence[tuple[Sequence[tuple[Submission, bool]], Overrides, dict[str, Any]]],
        at: Block | None = None,
        *,
        validation: bool = False,
    ) -> list[SimulatedBlock]:
        """Several blocks of calls one after the other, each seeing what the ones before it did.

        Each block is its (submission, priced) calls, its state overrides and its block overrides.
        """
        results: list[SimulatedBlock] = []
        with self.state(at) as context:
            for position, (calls, overrides, block_overrides) in enumerate(blocks):
                changes = {"number": context.number + position, **block_overrides}
                here = replace(context, **changes)
                self._override(overrides)
                outcomes: list[Outcome | InvalidTransaction] = []
                for submission, priced in calls:
                    try:
                        outcomes.append(
                            self._run(here, submission, priced=priced, validation=validation)
                        )
                    except InvalidTransaction as error:
                        outcomes.append(error)
                results.append(SimulatedBlock(here, tuple(outcomes)))
        return results

    # -- inside -----------------------------------------------------------------------------------

    def _run(
        self,
        context: BlockContext,
        submission: Submission,
        *,
        priced: bool,
        validation: bool = False,
        tracer: Any = None,
    ) -> Outcome:
        rules = Rules(nonce=validation, replay=validation, fees=priced)
        return execute(self._engine.world, context, submission, rules=rules, tracer=tracer)

    def _least(self, submission: Submission) -> int:
        """The gas below which the transaction is not even begun."""
        return max(intrinsic_gas(submission, self._engine.world), calldata_floor(submission.tx))

    def _allowance(self, context: BlockContext, submission: Submission, limit: int) -> int:
        """The gas that the fee payer's balance can buy."""
        price = submission.tx.max_fee_per_gas
        if not price:
            return limit
        scope = Scope(
            self._engine.world, context, origin=submission.sender, fee_payer=submission.fee_payer
        )
        token = fees.choose_fee_token(scope, submission)
        fees.require_fee_token(scope, token)
        balance: int = scope.world.load(Tip20.balances.key(token, submission.fee_payer))
        return min(limit, balance * fees.ATTO_PER_BASE_UNIT // price)

    def _search(self, context: BlockContext, submission: Submission, used: int, limit: int) -> int:
        """The least gas limit that works, to a tolerance: usually just what was used."""
        if self._succeeds(context, submission, used):
            return used
        low, high = used, limit
        guess = min(limit, used * 2)
        while high - low > max(1, high // _ESTIMATE_TOLERANCE):
            if self._succeeds(context, submission, guess):
                high = guess
            else:
                low = guess
            guess = (low + high) // 2
        return high

    def _succeeds(self, context: BlockContext, submission: Submission, limit: int) -> bool:
        try:
            return self._attempt(context, submission, limit).status
        except InvalidTransaction:
            return False

    def _attempt(self, context: BlockContext, submission: Submission, limit: int) -> Outcome:
        """Run with a gas limit and undo it: the next attempt must find what this one found."""
        world = self._engine.world
        mark = world.mark()
        try:
            return self._run(context, _with_gas(submission, limit), priced=False)
        finally:
            world.revert(mark)

    def _override(self, overrides: Overrides) -> None:
        world = self._engine.world
        for address, change in overrides.items():
            if change.nonce is not None:
                world.set_nonce(address, change.nonce)
            if change.code is not None:
                world.set_code(address, change.code)
            if change.storage is not None:
                for key in [key for key in world.storage if key[0] == address]:
                    world.store(key, 0)
            for slot, value in {**(change.storage or {}), **change.storage_diff}.items():
                world.store((address, slot), value)


def reverted(outcome: Outcome, submission: Submission) -> ExecutionReverted:
    """The error for a call that ran and failed; `data` is the revert data."""
    return ExecutionReverted(
        describe_revert(outcome.output, submission.tx.calls[-1].to),
        data=f"0x{outcome.output.hex()}",
    )


def require_success(outcome: Outcome, submission: Submission) -> bytes:
    """The return data of a call that succeeded, or the JSON-RPC error it answers."""
    if outcome.status:
        return outcome.output
    if outcome.error == _REVERTED:
        raise reverted(outcome, submission)
    raise InvalidTransaction(outcome.error or _REVERTED)


def as_call_error(error: InvalidTransaction) -> InternalError | InvalidTransaction:
    """How the node words a validity error inside a simulation (facts 1.9)."""
    if error.message.startswith(("transaction expired", "transaction not valid", "value transfer",
                                 "keychain validation", "nonce manager")):  # fmt: skip
        return InternalError(f"Revm error: {error.message}")
    return error


def _with_gas(submission: Submission, limit: int) -> Submission:
    return replace(submission, tx=replace(submission.tx, gas_limit=limit))
