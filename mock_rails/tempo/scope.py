"""What lives as long as one transaction: its identity, its logs, and what it has touched.

Native contracts and EVM code run in the same scope, so warmth, dirty slots, storage credits and
logs are one account of the transaction whichever of the two touched them, and a reverted frame
undoes both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mock_rails.tempo import gas
from mock_rails.tempo.addresses import STORAGE_CREDITS, ZERO_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_rails.tempo.gas import Meter
    from mock_rails.tempo.world import Key, Stored, World


@dataclass(frozen=True, slots=True)
class BlockContext:
    """What code can ask about the block it runs in."""

    chain_id: int
    number: int
    timestamp_s: int
    base_fee: int
    gas_limit: int
    beneficiary: bytes = ZERO_ADDRESS
    parent_hashes: Callable[[], tuple[bytes, ...]] = tuple
    """The hashes before this block, newest first; asked for only by the BLOCKHASH opcode."""


@dataclass(frozen=True, slots=True)
class Log:
    """An event as a contract emitted it; its place in the block is the receipt's business."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


Snapshot = tuple[int, int, int]


class Scope:
    """One transaction's (or simulated call's) execution."""

    __slots__ = (
        "_credited",
        "_dirty_counts",
        "_scratch",
        "block",
        "context_hash",
        "created",
        "deployed",
        "destroyed",
        "exempt_key",
        "fee_payer",
        "gas_price",
        "key_id",
        "logs",
        "opened_channels",
        "origin",
        "originals",
        "refunds",
        "tracer",
        "transient",
        "warm",
        "world",
    )

    def __init__(
        self,
        world: World,
        block: BlockContext,
        *,
        origin: bytes,
        fee_payer: bytes | None = None,
        key_id: bytes | None = None,
        context_hash: bytes = bytes(32),
        gas_price: int = 0,
        tracer: Any = None,
    ) -> None:
        self.world = world
        self.block = block
        self.origin = origin
        self.fee_payer = fee_payer or origin
        self.key_id = key_id
        self.context_hash = context_hash
        self.gas_price = gas_price
        self.tracer = tracer
        self.logs: list[Log] = []
        self.warm: dict[Any, bool] = {}
        self.originals: dict[Key, Stored] = {}
        self.transient: dict[Key, int] = {}
        self.created: dict[bytes, int] = {}
        self.refunds: dict[Key, int] = {}
        self.deployed: dict[bytes, bool] = {}
        self.destroyed: dict[bytes, bool] = {}
        self.opened_channels: dict[bytes, bool] = {}
        """Channels opened so far (facts 2.8), and whether a storage credit of the payer's paid."""
        self.exempt_key: Key | None = None
        """The fee payer's balance: clearing it mints no credit (facts 4.5)."""
        self._scratch: list[tuple[dict[Any, Any], Any, Any]] = []
        self._credited: dict[Key, bool] = {}
        """The slots whose clearing minted a credit."""
        self._dirty_counts: dict[bytes, bool] = {}
        """The owners whose count of credits was written."""

    # -- snapshots --------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """A point this transaction can go back to."""
        return self.world.mark(), len(self._scratch), len(self.logs)

    def revert(self, snapshot: Snapshot) -> None:
        """Undo state, logs, warmth and credit tallies since `snapshot`: the frame reverted."""
        mark, scratch, logs = snapshot
        self.world.revert(mark)
        del self.logs[logs:]
        entries = self._scratch
        while len(entries) > scratch:
            container, key, old = entries.pop()
            if old is None:
                container.pop(key, None)
            else:
                container[key] = old

    def set(self, container: dict[Any, Any], key: Any, value: Any) -> None:
        """Write to one of this scope's own tables under the frame's undo."""
        self._scratch.append((container, key, container.get(key)))
        container[key] = value

    # -- metered storage --------------------------------------------------------------------------

    def touch(self, item: Any) -> bool:
        """Make an address or storage key warm; True when it was cold."""
        if item in self.warm:
            return False
        self._scratch.append((self.warm, item, None))
        self.warm[item] = True
        return True

    def sload(self, key: Key, meter: Meter) -> Any:
        """Read a slot at its price."""
        meter.charge(gas.COLD_LOAD if self.touch(key) else gas.WARM_LOAD)
        return self.world.storage.get(key, 0)

    def sstore(self, key: Key, value: Stored, meter: Meter, *, credit: bool = True) -> None:
        """Write a slot at its price, with the storage-credit rules of fork T7 (facts 4.5).

        What the protocol writes for free neither costs nor earns credits. `credit=False` is for
        slots whose clearing mints no credit: the protocol's own bookkeeping.
        """
        cost = gas.WARM_LOAD + (gas.COLD_STORE if self.touch(key) else 0)
        current = self.world.storage.get(key, 0)
        if value == current:
            meter.charge(cost)
            return
        original = self.originals.setdefault(key, current)
        if meter is gas.FREE:
            self.world.store(key, value)
            return
        owner: bytes = key[0]
        if current == original:
            if not original:
                cost += gas.STORE_SET + self._hook(owner) + gas.STATE_CREATION
                self.set(self.created, owner, self.created.get(owner, 0) + 1)
            else:
                cost += gas.STORE_RESET
                if not value and credit and key != self.exempt_key:
                    cost += self._hook(owner) + self._mint_credit(key)
        elif not value and not original:
            # Created and cleared again in one transaction: the creation never happened.
            self.set(self.created, owner, self.created.get(owner, 0) - 1)
            self.set(self.refunds, key, self.refunds.get(key, 0) + gas.STATE_CREATION)
        elif key in self._credited:
            self._take_credit_back(key)  # cleared and written again: nothing was freed
        meter.charge(cost)
        self.world.store(key, value)

    def _hook(self, owner: bytes) -> int:
        """The price of looking at the owner's credit slot."""
        return gas.WARM_LOAD + (gas.COLD_STORE if self.touch((STORAGE_CREDITS, 0, owner)) else 0)

    def _mint_credit(self, cleared: Key) -> int:
        owner: bytes = cleared[0]
        count = (STORAGE_CREDITS, 0, owner)
        cost = 0 if owner in self._dirty_counts else gas.STORE_RESET
        self.world.store(count, self.world.load(count) + 1)
        self.set(self._dirty_counts, owner, True)
        self.set(self._credited, cleared, True)
        return cost

    def _take_credit_back(self, cleared: Key) -> None:
        count = (STORAGE_CREDITS, 0, cleared[0])
        self.world.store(count, self.world.load(count) - 1)
        self._scratch.append((self._credited, cleared, True))
        del self._credited[cleared]

    def closing_refund(self) -> int:
        """At the end of the transaction: the gas given back, for slots created and cleared again
        and for those that their owners' credits pay."""
        refund = sum(self.refunds.values())
        for owner, created in self.created.items():
            key = (STORAGE_CREDITS, 0, owner)
            available = self.world.load(key)
            burnt = min(created, available)
            if burnt > 0:
                self.world.store(key, available - burnt)
                refund += burnt * gas.STATE_CREATION
        return refund

    # -- contracts that come and go ---------------------------------------------------------------

    def remove_destroyed(self) -> None:
        """At the end of the transaction: drop the contracts that destroyed themselves.

        Only one deployed by this transaction can (EIP-6780), so this transaction wrote all it has.
        """
        world = self.world
        for address in self.destroyed:
            world.set_code(address, b"")
            world.set_nonce(address, 0)
            for key in self.originals:
                if key[0] == address:
                    world.store(key, 0)

    # -- logs -------------------------------------------------------------------------------------

    def log(self, address: bytes, topics: tuple[bytes, ...], data: bytes) -> None:
        """Append an event; a reverted frame takes it back."""
        self.logs.append(Log(address, topics, data))
        if self.tracer is not None:
            self.tracer.log(address, topics, data)
