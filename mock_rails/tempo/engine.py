"""The chain without its surroundings: world, history and pool, and the sealing of blocks.

Everything here is synchronous and complete in one call, so one thread sees one consistent chain;
who waits for what is `rail.py`'s business.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from mock_rails.core.errors import BadInput, ConservationError
from mock_rails.tempo.blocks import Block, Receipt
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.execution import fees, validation
from mock_rails.tempo.execution.executor import check, execute, next_nonce
from mock_rails.tempo.genesis import GAS_LIMIT, MNEMONIC, build_genesis, dev_accounts
from mock_rails.tempo.history import DEFAULT_DEPTH, History
from mock_rails.tempo.pool import Pool
from mock_rails.tempo.scope import BlockContext
from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.world import World

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from mock_rails.tempo.crypto.wallet import Account
    from mock_rails.tempo.tx.model import Submission

_MS_PER_S: Final = 1_000
_DEFECT: Final = -32603
_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """How a chain is set up; the defaults are a localnet with instant mining."""

    chain_id: int = 1337
    block_time_ms: int | None = None
    """The cadence of blocks; None seals a block as soon as a transaction arrives."""

    history_depth: int = DEFAULT_DEPTH
    """Blocks kept with their receipts, logs and states, and at most as many transactions."""

    mnemonic: str = MNEMONIC
    faucet_base_units: int = 10**15
    bare: bool = False
    """Leave out the fee pools and order books that `tempo-localnet` adds after its start."""

    def __post_init__(self) -> None:
        """Refuse what no chain can be."""
        for name in ("chain_id", "history_depth", "block_time_ms"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise BadInput(f"`{name}` is at least 1, not {value}.")


@dataclass(slots=True)
class Sealed:
    """A block and the transactions that turned out to be invalid while it was made."""

    block: Block
    refused: list[tuple[Submission, InvalidTransaction]] = field(default_factory=list)


class Pin(NamedTuple):
    """A moment to go back to: the head block then, and the world's position, edits included."""

    number: int
    mark: int


class Engine:
    """State, blocks and waiting transactions of one chain."""

    def __init__(self, settings: ChainSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.accounts: tuple[Account, ...] = dev_accounts(settings.mnemonic)
        self.reset()

    def reset(self) -> None:
        """Back to genesis."""
        self.world = World()
        genesis = build_genesis(
            self.world, self.settings.chain_id, self.accounts, bare=self.settings.bare
        )
        self.history = History(genesis, self.settings.history_depth)
        self.pool = Pool()
        self.next_timestamp_s: int | None = None
        self.base_fee_override: int | None = None
        self.pins: dict[int, Pin] = {}
        """What snapshot ids stand for; it is held back from pruning."""

    # -- the next block ---------------------------------------------------------------------------

    @property
    def head(self) -> Block:
        """The newest block."""
        return self.history.head

    def next_base_fee(self) -> int:
        """The base fee of the block after the head."""
        if self.base_fee_override is not None:
            return self.base_fee_override
        return fees.next_base_fee(self.head.base_fee, self.head.gas_used)

    def next_timestamp_ms(self) -> int:
        """The clock's time, or what a test asked for; never before the head's."""
        now_ms = self.clock.now_ms()
        if self.next_timestamp_s is not None:
            now_ms = self.next_timestamp_s * _MS_PER_S
        return max(now_ms, self.head.timestamp_ms)

    def context(self, at: Block | None = None) -> BlockContext:
        """What code sees of the block being made; `at` an old block, of that block itself."""
        if at is not None and at is not self.head:
            return BlockContext(
                chain_id=self.settings.chain_id,
                number=at.number,
                timestamp_s=at.timestamp_s,
                base_fee=at.base_fee,
                gas_limit=at.gas_limit,
                parent_hashes=partial(self.history.parent_hashes, before=at.number),
            )
        return BlockContext(
            chain_id=self.settings.chain_id,
            number=self.head.number + 1,
            timestamp_s=self.next_timestamp_ms() // _MS_PER_S,
            base_fee=self.next_base_fee(),
            gas_limit=GAS_LIMIT,
            parent_hashes=self.history.parent_hashes,
        )

    # -- admission --------------------------------------------------------------------------------

    def decode(self, raw: bytes) -> Submission:
        """Decode a transaction, recover who signed it, and apply every rule that needs no state."""
        submission = decode_transaction(raw)
        validation.validate_static(submission, self.settings.chain_id)
        return submission

    def admit(self, submission: Submission, *, dry_run: bool) -> Submission | None:
        """Put a transaction into the pool; returns the one it replaced.

        With `dry_run` its validity is tested on the state of now, for its block may be far away;
        so is that of one whose nonce or window is not due. Else the block that follows at once is
        the test. One that is waiting already is "already known"; of one that was mined, its nonce
        or the replay set says so (facts 8.3, T6).
        """
        tx = submission.tx
        now_s = self.next_timestamp_ms() // _MS_PER_S
        validation.validate_window_at_pool(tx, now_s)
        due = 0
        if not tx.is_expiring:
            due = next_nonce(self.world, submission.sender, tx.nonce_key)
            if tx.nonce < due:
                raise InvalidTransaction(f"nonce too low: next nonce {due}, tx nonce {tx.nonce}")
        early = not _has_begun(submission, now_s)
        waits = dry_run or early or (not tx.is_expiring and tx.nonce > due)
        if waits and self.pool.get(submission.hash) is None:
            check(self.world, self.context(), submission)
        return self.pool.add(submission, due)

    # -- sealing ----------------------------------------------------------------------------------

    def has_due(self) -> bool:
        """Whether a block made now would have a transaction to look at."""
        if not len(self.pool):
            return False
        now_s = self.next_timestamp_ms() // _MS_PER_S
        return any(_has_begun(one, now_s) for one in self.pool.due(self._next_nonce))

    def seal(self, *, even_empty: bool = True) -> Sealed:
        """Make the next block of all transactions that are due.

        Without `even_empty`, one that nothing got into is not made: what was refused has changed
        nothing, not even the height of the chain.
        """
        timestamp_ms = self.next_timestamp_ms()  # read once: code must see what the block says
        context = replace(self.context(), timestamp_s=timestamp_ms // _MS_PER_S)
        block = Block(
            number=context.number,
            parent_hash=self.head.hash,
            timestamp_ms=timestamp_ms,
            base_fee=context.base_fee,
            gas_limit=context.gas_limit,
            beneficiary=context.beneficiary,
        )
        sealed = Sealed(block)
        gas_used = log_index = 0
        for submission in self.pool.due(self._next_nonce):
            if gas_used + submission.tx.gas_limit > block.gas_limit:
                continue
            if not _has_begun(submission, context.timestamp_s):
                continue
            mark = self.world.mark()
            try:
                outcome = execute(self.world, context, submission)
            except InvalidTransaction as error:
                sealed.refused.append((submission, error))
            except ConservationError as defect:
                # Ours, not the sender's: undone and told, and the chain goes on.
                _LOGGER.exception("transaction 0x%s", submission.hash.hex())
                sealed.refused.append((submission, InvalidTransaction(str(defect), code=_DEFECT)))
            else:
                gas_used += outcome.gas_used
                block.receipts.append(
                    Receipt(
                        submission=submission,
                        block=block.header,
                        index=len(block.receipts),
                        outcome=outcome,
                        cumulative_gas_used=gas_used,
                        first_log_index=log_index,
                        undo_mark=mark,
                    )
                )
                log_index += len(outcome.logs)
            self.pool.remove(submission)
        if block.receipts or even_empty:
            block.seal(self.world.mark())
            self.next_timestamp_s = None
            self._append(block)
        return sealed

    def _append(self, block: Block) -> None:
        self.history.append(block)
        pinned = min((pin.number for pin in self.pins.values()), default=None)
        oldest = self.history.prune(keep_from=pinned)
        if oldest is not None:
            self.world.prune(oldest)

    def _next_nonce(self, account: bytes, nonce_key: int) -> int:
        return next_nonce(self.world, account, nonce_key)

    # -- going back -------------------------------------------------------------------------------

    def rewind(self, number: int, mark: int | None = None) -> None:
        """Make block `number` the head again; what came after it never happened.

        `mark` is a later position of the world, for what was written to it outside of blocks.
        """
        block = self.history.by_number(number)
        if block is None:
            raise LookupError(number)
        mark = block.undo_mark if mark is None else mark
        self.world.revert(mark)
        self.history.truncate(number)
        self.pins = {key: pin for key, pin in self.pins.items() if pin.mark <= mark}


def _has_begun(submission: Submission, now_s: int) -> bool:
    """Whether the transaction's window is open; until then it waits in the pool (facts 1.7)."""
    valid_after = submission.tx.valid_after
    return valid_after is None or valid_after <= now_s
