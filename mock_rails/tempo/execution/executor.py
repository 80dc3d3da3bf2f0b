"""Executes one transaction on the world: the order of facts 4.2, all or nothing.

A transaction that breaks a rule raises `InvalidTransaction` and leaves no trace. One whose calls
revert is included: it has paid its fee and used its nonce.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mock_rails.core.errors import ConservationError
from mock_rails.tempo import calls
from mock_rails.tempo.addresses import ACCOUNT_KEYCHAIN, NONCE_MANAGER, ZERO_ADDRESS, is_tip20
from mock_rails.tempo.blocks import Outcome
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.execution import fees, validation
from mock_rails.tempo.execution.intrinsic import calldata_floor, intrinsic_gas
from mock_rails.tempo.execution.reverts import error_name, error_text
from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.keychain import AccountKeychain, KeyAuthorizationError
from mock_rails.tempo.native.nonces import NonceManager
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.scope import Scope
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY

if TYPE_CHECKING:
    from mock_rails.tempo.calls import CallResult
    from mock_rails.tempo.scope import BlockContext
    from mock_rails.tempo.tx.model import Submission
    from mock_rails.tempo.world import World


@dataclass(frozen=True, slots=True)
class Rules:
    """Which rules a simulated transaction is excused from; a real one obeys all."""

    nonce: bool = True
    replay: bool = True
    fees: bool = True
    window: bool = True


ALL_RULES = Rules()

_SUPPLY = Tip20.total_supply.slot
_BALANCES = Tip20.balances.slot


def execute(
    world: World,
    block: BlockContext,
    submission: Submission,
    *,
    rules: Rules = ALL_RULES,
    tracer: Any = None,
) -> Outcome:
    """Run the transaction and keep what it did, or raise `InvalidTransaction` and keep nothing."""
    mark = world.mark()
    try:
        outcome = _Execution(world, block, submission, rules, tracer).run()
        _require_conservation(world, mark)
    except BaseException:
        world.revert(mark)
        raise
    return outcome


def check(world: World, block: BlockContext, submission: Submission) -> None:
    """Raise what `execute` would refuse the transaction for, except a nonce that is not yet due."""
    mark = world.mark()
    try:
        execution = _Execution(world, block, submission, Rules(nonce=False, window=False), None)
        execution.prepare()
        execution.use_nonce()
    finally:
        world.revert(mark)


def require_nonce(world: World, submission: Submission) -> None:
    """The nonce must be the next one of its key."""
    tx = submission.tx
    if tx.nonce_key == EXPIRING_NONCE_KEY:
        return
    expected = next_nonce(world, submission.sender, tx.nonce_key)
    if tx.nonce < expected:
        raise InvalidTransaction(f"nonce too low: next nonce {expected}, tx nonce {tx.nonce}")
    if tx.nonce > expected:
        raise InvalidTransaction(f"nonce too high: next nonce {expected}, tx nonce {tx.nonce}")


def next_nonce(world: World, account: bytes, nonce_key: int) -> int:
    """The next nonce of an account's key; key 0 is the protocol nonce."""
    if nonce_key == 0:
        return world.nonce(account)
    stored: int = world.load(NonceManager.nonces.key(NONCE_MANAGER, account, nonce_key))
    return stored


class _Execution:
    """The steps, in the node's order."""

    def __init__(
        self,
        world: World,
        block: BlockContext,
        submission: Submission,
        rules: Rules,
        tracer: Any,
    ) -> None:
        self.submission = submission
        self.tx = submission.tx
        self.rules = rules
        self.price = fees.effective_price(submission, block.base_fee) if rules.fees else 0
        self.scope = Scope(
            world,
            block,
            origin=submission.sender,
            fee_payer=submission.fee_payer,
            key_id=submission.key_id,
            context_hash=submission.context_hash,
            gas_price=self.price,
            tracer=tracer,
        )

    def run(self) -> Outcome:
        """Validate, collect the fee, use the nonce, run the calls, settle."""
        tx, scope, submission = self.tx, self.scope, self.submission
        gas_left, fee = self.prepare()
        self.use_nonce()
        self._delegate()
        self._warm_up()
        result = self._run_calls(gas_left)
        if result.success:
            scope.remove_destroyed()
        refund = scope.closing_refund()
        gas_used = max(tx.gas_limit - result.gas_left - refund, calldata_floor(tx))
        paid = fees.settle(scope, fee, gas_used, submission.key_id) if fee else 0
        return Outcome(
            status=result.success,
            gas_used=gas_used,
            effective_gas_price=self.price,
            logs=tuple(scope.logs),
            fee_token=fee.token if fee and paid else None,
            contract_address=result.created,
            output=result.output,
            error=result.error,
        )

    # -- before the calls -------------------------------------------------------------------------

    def prepare(self) -> tuple[int, fees.Fee | None]:
        """Validate and collect: the gas left for the calls, and the fee to settle."""
        tx, scope, submission = self.tx, self.scope, self.submission
        if self.rules.window:
            validation.validate_window_in_block(tx, scope.block.timestamp_s)
        if self.rules.fees:
            validation.validate_price(tx, scope.block.base_fee)
        if self.rules.nonce:
            require_nonce(scope.world, submission)
        intrinsic = intrinsic_gas(submission, scope.world)
        least = max(intrinsic, calldata_floor(tx))
        if tx.gas_limit < least:
            raise InvalidTransaction(f"intrinsic gas too low: have {tx.gas_limit}, want {least}")
        self._authorize_keys()
        fee = fees.collect(scope, submission, self.price) if self.price else None
        return tx.gas_limit - intrinsic, fee

    def _authorize_keys(self) -> None:
        """Record a carried key authorization, then check the access key that signed (2.6)."""
        submission, scope = self.submission, self.scope
        keychain = AccountKeychain(Frame(scope, ACCOUNT_KEYCHAIN, submission.sender))
        signed = self.tx.key_authorization
        try:
            if signed is not None:
                keychain.authorize(submission.sender, signed, signed.signer())
            if submission.key_id is not None:
                key_type = submission.signature.key_type if submission.signature else 0
                keychain.validate_key(submission.sender, submission.key_id, key_type)
                keychain.check_scopes(submission.sender, submission.key_id, self.tx.calls)
        except KeyAuthorizationError as error:
            raise InvalidTransaction(str(error)) from None
        except Revert as revert:
            raise InvalidTransaction(
                f"keychain validation failed: {error_name(revert.data)}"
            ) from None

    def use_nonce(self) -> None:
        """Count the nonce up, or mark the expiring transaction as seen; a revert keeps both."""
        tx, scope, sender = self.tx, self.scope, self.submission.sender
        creates = tx.calls[0].to is None
        if tx.nonce_key == 0 or creates:
            scope.world.set_nonce(sender, scope.world.nonce(sender) + 1)
        if tx.nonce_key == 0:
            return
        manager = NonceManager(Frame(scope, NONCE_MANAGER, ZERO_ADDRESS))
        try:
            if tx.nonce_key != EXPIRING_NONCE_KEY:
                manager.advance(sender, tx.nonce_key)
            elif self.rules.replay:
                manager.use_expiring(self.submission.context_hash, tx.valid_before or 0)
        except Revert as revert:
            raise InvalidTransaction(f"nonce manager error: {error_text(revert.data)}") from None

    def _delegate(self) -> None:
        if self.tx.authorizations:
            from mock_rails.tempo.delegation import apply_delegations

            apply_delegations(self.scope, self.tx)

    def _warm_up(self) -> None:
        """Addresses that are warm from the start (EIP-2929, EIP-3651) and the access list."""
        scope = self.scope
        scope.touch(scope.origin)
        scope.touch(scope.block.beneficiary)
        for call in self.tx.calls:
            if call.to is not None:
                scope.touch(call.to)
        for address, slots in self.tx.access_list:
            scope.touch(address)
            for slot in slots:
                scope.touch((address, slot))

    # -- the calls --------------------------------------------------------------------------------

    def _run_calls(self, gas_left: int) -> CallResult:
        """One after the other in one frame: the first failure undoes all of them."""
        scope, sender = self.scope, self.submission.sender
        snapshot = scope.snapshot()
        created = None
        result = calls.CallResult(True, b"", gas_left)
        for call in self.tx.calls:
            if call.to is None:
                result = calls.create(scope, sender, call.data, result.gas_left)
                created = result.created
            else:
                result = calls.call(scope, sender, call.to, call.data, result.gas_left)
            if not result.success:
                scope.revert(snapshot)
                return result
        return calls.CallResult(True, result.output, result.gas_left, created=created)


def _require_conservation(world: World, mark: int) -> None:
    """Every token's balances moved by exactly what its supply did (DESIGN 2.5)."""
    drift: dict[bytes, int] = {}
    for key, before in world.storage_before(mark).items():
        token, slot = key[0], key[1]
        if is_tip20(token) and slot in (_BALANCES, _SUPPLY):
            change = world.load(key) - (before or 0)
            drift[token] = drift.get(token, 0) + (change if slot == _BALANCES else -change)
    for token, amount in drift.items():
        if amount:
            raise ConservationError(
                f"token 0x{token.hex()} gained {amount} base units from nowhere"
            )
