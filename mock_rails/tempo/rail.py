"""The Tempo rail: what the chain can do, for whoever holds it in process or serves it over a wire.

    chain = Chain()
    receipt = chain.send(raw)                      # synchronous: sealed when it returns
    receipt = await chain.submit_and_wait(raw)     # concurrent senders share a block

With instant mining a submitted transaction is sealed in the next turn of the event loop, together
with all that arrived meanwhile: nobody waits for a timer. `block_time_ms` gives a cadence instead.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.clock import LATEST_US, US_PER_S
from mock_rails.core.rail import RailContext
from mock_rails.core.snapshot import digest
from mock_rails.tempo import faults, snapshots
from mock_rails.tempo.engine import ChainSettings, Engine, Pin
from mock_rails.tempo.errors import (
    InvalidParams,
    InvalidTransaction,
    RateLimited,
    ResponseLostError,
    SyncTimeout,
)
from mock_rails.tempo.execution.executor import next_nonce
from mock_rails.tempo.execution.fees import MAX_BASE_FEE
from mock_rails.tempo.faucet import faucet_transactions
from mock_rails.tempo.simulation import Simulator
from mock_rails.tempo.world import HistoryPrunedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core.faults import FaultPoint
    from mock_rails.tempo.blocks import Block, Receipt
    from mock_rails.tempo.crypto.wallet import Account
    from mock_rails.tempo.engine import Sealed
    from mock_rails.tempo.history import History
    from mock_rails.tempo.pool import Pool
    from mock_rails.tempo.tx.model import Submission
    from mock_rails.tempo.world import World

DEFAULT_SYNC_TIMEOUT_MS: Final = 30_000
_SUBSCRIBER_BACKLOG: Final = 1_024
_HALT_POLL_MS: Final = 20
_MS_PER_S: Final = 1_000

_Waiter = asyncio.Future["Receipt | None"]


class Chain:
    """A Tempo-compatible chain. One event loop may use it at a time."""

    name: Final = "tempo"

    def __init__(
        self, context: RailContext | None = None, settings: ChainSettings | None = None
    ) -> None:
        self.context = context or RailContext.create()
        self.settings = settings or ChainSettings()
        self.context.faults.register(faults.FAULT_POINTS)
        self.engine = Engine(self.settings, self.context.clock)
        self.simulator = Simulator(self.engine)
        self.automine = self.settings.block_time_ms is None
        self.block_time_ms = self.settings.block_time_ms
        self.impersonated: set[bytes] = set()
        self.impersonate_all = False
        self._waiting: dict[bytes, list[_Waiter]] = {}
        """Who waits for a transaction to be mined."""
        self._returning: dict[bytes, list[_Waiter]] = {}
        """Who waits for the next block, whether it holds the transaction or not."""
        self._subscribers: list[asyncio.Queue[Block]] = []
        self._seal_scheduled = False
        self._cadence: asyncio.Task[None] | None = None
        self._alarms: set[asyncio.Task[None]] = set()
        self._snapshot_count = 0

    # -- reading ----------------------------------------------------------------------------------

    @property
    def chain_id(self) -> int:
        """The EIP-155 chain id."""
        return self.settings.chain_id

    @property
    def world(self) -> World:
        """The state after the head block."""
        return self.engine.world

    @property
    def history(self) -> History:
        """The blocks that are kept."""
        return self.engine.history

    @property
    def pool(self) -> Pool:
        """The transactions that wait."""
        return self.engine.pool

    @property
    def head(self) -> Block:
        """The newest block."""
        return self.engine.head

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The funded development accounts."""
        return self.engine.accounts

    def nonce(self, address: bytes, nonce_key: int = 0, *, pending: bool = False) -> int:
        """The next nonce of an account's key, counting waiting transactions if asked."""
        due = next_nonce(self.world, address, nonce_key)
        return self.pool.pending_nonce(address, nonce_key, due) if pending else due

    def receipt(self, tx_hash: bytes) -> Receipt | None:
        """The receipt of a mined transaction."""
        if self.context.faults.check(faults.RECEIPT, hash=tx_hash) is not None:
            return None
        return self.history.receipt(tx_hash)

    # -- sending ----------------------------------------------------------------------------------

    def send(self, raw: bytes) -> Receipt | None:
        """Admit a transaction and, with instant mining, seal it at once; else it waits.

        Raises `InvalidTransaction` for one that the chain refuses.
        """
        return self.send_submission(self.engine.decode(raw))

    def send_submission(self, submission: Submission) -> Receipt | None:
        """`send` for a transaction that is decoded already, or that nobody signed."""
        lost = self._admit(submission)
        if self.automine:
            for refused, error in self._seal_due():
                if refused is submission:
                    raise error
        if lost:
            raise ResponseLostError
        return self.history.receipt(submission.hash)

    async def submit(self, raw: bytes) -> Submission:
        """Admit a transaction; with instant mining it has been sealed when this returns.

        One that waits for an earlier nonce, or for the cadence, is returned as it waits.
        """
        submission = self.engine.decode(raw)
        await self.submit_submission(submission)
        return submission

    async def submit_submission(self, submission: Submission) -> None:
        """`submit` for a transaction that is decoded already, or that nobody signed."""
        lost = self._admit(submission)
        if self.automine:
            await self._future(self._returning, submission)
        if lost:
            raise ResponseLostError

    async def submit_and_wait(self, raw: bytes, timeout_ms: int | None = None) -> Receipt:
        """Admit a transaction and wait for its receipt, or raise `SyncTimeout` (EIP-7966)."""
        submission = self.engine.decode(raw)
        lost = self._admit(submission)
        future = self._future(self._waiting, submission)
        timeout_ms = timeout_ms or DEFAULT_SYNC_TIMEOUT_MS
        try:
            receipt = await asyncio.wait_for(future, timeout_ms / _MS_PER_S)
        except TimeoutError:
            raise SyncTimeout(
                f"Transaction 0x{submission.hash.hex()} was added to the mempool but wasn't "
                f"confirmed within {timeout_ms}ms",
                data=f"0x{submission.hash.hex()}",
            ) from None
        finally:
            self._stop_waiting(submission, future)
        if lost or receipt is None:
            raise ResponseLostError
        return receipt

    def _admit(self, submission: Submission) -> bool:
        """Pool a transaction; True when its answer is to be lost."""
        fault = self.context.faults.check(
            faults.SUBMIT, sender=submission.sender, hash=submission.hash
        )
        action = fault.do if fault is not None else None
        if fault is not None and action == "reject":
            raise InvalidTransaction(str(fault.args.get("message", "rejected by an armed fault")))
        if action == "rate_limit":
            raise RateLimited("rate limit exceeded")
        self._enter_pool(submission)
        if action == "drop":
            self.pool.remove(submission)
        elif self.automine:
            self._set_alarm(submission)
        return action == "lose_response"

    def _enter_pool(self, submission: Submission) -> None:
        replaced = self.engine.admit(submission, dry_run=not self.automine)
        if replaced is not None:
            error = InvalidTransaction("replacement transaction took this one's place")
            self._finish(replaced.hash, error)

    def _future(
        self, table: dict[bytes, list[_Waiter]], submission: Submission
    ) -> asyncio.Future[Receipt | None]:
        """A future that the next seal, or the one that mines the transaction, completes."""
        loop = asyncio.get_running_loop()
        future: _Waiter = loop.create_future()
        table.setdefault(submission.hash, []).append(future)
        if self.automine and not self._seal_scheduled:
            self._seal_scheduled = True
            loop.call_soon(self._seal_soon)
        return future

    def _set_alarm(self, submission: Submission) -> None:
        """Seal again when the window of a transaction that came too early opens."""
        valid_after = submission.tx.valid_after
        if valid_after is None or valid_after <= self.context.clock.now_s():
            return
        with suppress(RuntimeError):  # without an event loop, the next block takes it along
            alarm = asyncio.get_running_loop().create_task(self._seal_at(valid_after))
            self._alarms.add(alarm)
            alarm.add_done_callback(self._alarms.discard)

    async def _seal_at(self, at_s: int) -> None:
        await self.context.clock.sleep_until_us(at_s * US_PER_S)
        self._seal_soon()

    def _stop_waiting(self, submission: Submission, future: asyncio.Future[Receipt | None]) -> None:
        """Forget a waiter that gave up, or what never comes would be remembered for ever."""
        waiters = self._waiting.get(submission.hash, [])
        if future in waiters:
            waiters.remove(future)
            if not waiters:
                del self._waiting[submission.hash]

    # -- sealing ----------------------------------------------------------------------------------

    def seal(self) -> list[tuple[Submission, InvalidTransaction]]:
        """Make a block of all that is due and tell whoever waits; returns what was refused."""
        sealed = self._seal()
        return [] if sealed is None else sealed.refused

    def _seal(self, *, even_empty: bool = True) -> Sealed | None:
        """Make a block, unless a fault halts the chain (None)."""
        fault = self.context.faults.check(faults.SEAL, number=self.head.number + 1)
        if fault is not None and fault.do == "halt":
            return None
        spiked = fault is not None and fault.do == "fee_spike"
        if fault is not None and spiked:
            self.engine.base_fee_override = int(fault.args.get("base_fee", MAX_BASE_FEE))
        try:
            sealed = self.engine.seal(even_empty=even_empty)
        finally:
            if spiked:
                self.engine.base_fee_override = None
        for submission, error in sealed.refused:
            self._finish(submission.hash, error)
        if sealed.block is self.head:
            self._announce(sealed.block)
        return sealed

    def _announce(self, block: Block) -> None:
        """Tell the journal, whoever waits, and the subscribers of a new block."""
        self.context.journal.append(
            self.name,
            "block.sealed",
            {
                "number": block.number,
                "hash": block.hash,
                "transactions": [receipt.submission.hash for receipt in block.receipts],
            },
        )
        for receipt in block.receipts:
            self._finish(receipt.submission.hash, receipt)
        for queue in self._subscribers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(block)

    def _seal_due(self) -> list[tuple[Submission, InvalidTransaction]]:
        """Seal all that is due: in one block, or in several when one cannot hold it."""
        refused: list[tuple[Submission, InvalidTransaction]] = []
        while self.engine.has_due() and (sealed := self._seal(even_empty=False)) is not None:
            refused += sealed.refused
        return refused

    def _seal_soon(self) -> None:
        """Seal for everyone who submitted in this turn of the event loop."""
        self._seal_scheduled = False
        if self.automine:
            self._seal_due()
        returning, self._returning = self._returning, {}
        for waiters in returning.values():
            _complete(waiters, None)
        if self.automine and self.engine.has_due():
            # Halted by a fault: look again shortly, for it may be disarmed without a word to us.
            self._seal_scheduled = True
            asyncio.get_running_loop().call_later(_HALT_POLL_MS / _MS_PER_S, self._seal_soon)

    def _finish(self, tx_hash: bytes, result: Receipt | InvalidTransaction) -> None:
        for table in (self._waiting, self._returning):
            waiters = table.pop(tx_hash, None)
            if waiters:
                _complete(waiters, result)

    def mine(self, count: int = 1, interval_s: int = 0) -> None:
        """Seal `count` blocks, `interval_s` of sandbox time apart."""
        clock = self.context.clock
        if clock.now_us() + max(0, count - 1) * interval_s * US_PER_S > LATEST_US:
            raise InvalidParams(
                f"invalid params: {count} blocks {interval_s} s apart would end after the year 9999"
            )
        for at in range(count):
            if at and interval_s:
                clock.advance(interval_s)
            self.seal()

    def set_automine(self, enabled: bool) -> None:
        """Seal as soon as a transaction arrives, or only when told."""
        self.automine = enabled
        if enabled:
            self._seal_due()

    def set_block_time(self, block_time_ms: int | None) -> None:
        """Seal at a cadence; None or 0 ends it. Instant mining stops while there is a cadence."""
        self.block_time_ms = block_time_ms or None
        self.automine = False
        self.stop()
        if self.block_time_ms is not None:
            self.start()

    def start(self) -> None:
        """Begin the cadence, if there is one; called inside a running event loop."""
        if self.block_time_ms is not None and self._cadence is None:
            self._cadence = asyncio.get_running_loop().create_task(self._keep_cadence())

    def stop(self) -> None:
        """End the cadence, and forget what was to be sealed later."""
        for alarm in tuple(self._alarms):
            alarm.cancel()
        if self._cadence is not None:
            self._cadence.cancel()
            self._cadence = None

    async def _keep_cadence(self) -> None:
        while self.block_time_ms is not None:
            await self.context.clock.sleep(timedelta(milliseconds=self.block_time_ms))
            self.seal()

    async def subscribe(self) -> AsyncIterator[Block]:
        """Every block from now on; a reader that falls far behind loses the oldest."""
        queue: asyncio.Queue[Block] = asyncio.Queue(_SUBSCRIBER_BACKLOG)
        self._subscribers.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._subscribers.remove(queue)

    # -- development ------------------------------------------------------------------------------

    def faucet(self, address: bytes) -> list[Submission]:
        """Mint every token to an address: one transaction each, from the issuer."""
        submissions = faucet_transactions(self, address)
        for submission in submissions:
            self._enter_pool(submission)
        if self.automine:
            self._seal_due()
        return submissions

    def take_snapshot(self) -> int:
        """Remember this moment for `revert_to`; it keeps its history from being pruned."""
        self._snapshot_count += 1
        self.engine.pins[self._snapshot_count] = Pin(self.head.number, self.world.mark())
        return self._snapshot_count

    def revert_to(self, snapshot_id: int) -> bool:
        """Go back to a remembered moment, which is then forgotten along with all later ones."""
        pin = self.engine.pins.get(snapshot_id)
        if pin is None:
            return False
        self.engine.rewind(pin.number, pin.mark)
        self.drop_pool()
        for later in [key for key in self.engine.pins if key >= snapshot_id]:
            del self.engine.pins[later]
        return True

    def rewind(self, number: int) -> None:
        """Make block `number` the head again, and forget what waits."""
        if not self.history.oldest.number <= number <= self.head.number:
            raise InvalidParams(
                f"block {number} is not kept: there are blocks {self.history.oldest.number} "
                f"to {self.head.number}"
            )
        try:
            self.engine.rewind(number)
        except HistoryPrunedError:
            raise InvalidParams(f"the state of block {number} is no longer kept") from None
        self.drop_pool()

    def drop_pool(self) -> None:
        """Forget every waiting transaction."""
        self._dismiss(self.pool)

    def _dismiss(self, pool: Pool) -> None:
        for submission in pool.clear():
            self._finish(submission.hash, InvalidTransaction("dropped from the pool"))

    # -- as a rail --------------------------------------------------------------------------------

    def fault_points(self) -> tuple[FaultPoint, ...]:
        """Where the chain can be made to fail."""
        return faults.FAULT_POINTS

    def snapshot(self) -> dict[str, Any]:
        """The chain as JSON: the state, the kept blocks with their receipts, what waits."""
        return snapshots.dump(self.engine)

    def restore(self, document: object) -> None:
        """Become the chain of a snapshot, or raise `SnapshotError` and stay as it is."""
        before = self.pool
        snapshots.load(self.engine, document)
        self._dismiss(before)

    def check_conservation(self) -> None:
        """Every token's balances still differ from its supply by what they did at genesis."""
        snapshots.check_conservation(self.engine)

    def digest(self) -> str:
        """A hash of the whole state."""
        return digest(self.snapshot())

    def reset(self) -> None:
        """Back to genesis, and to the settings: how blocks are made, and who is impersonated."""
        self.drop_pool()
        self.engine.reset()
        self.impersonated.clear()
        self.impersonate_all = False
        if self.block_time_ms != self.settings.block_time_ms:
            self.set_block_time(self.settings.block_time_ms)
        self.automine = self.settings.block_time_ms is None


def _complete(waiters: list[_Waiter], result: Receipt | InvalidTransaction | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if isinstance(result, InvalidTransaction):
            waiter.set_exception(result)
        else:
            waiter.set_result(result)
