"""What the tests of execution share: the genesis world, and transactions that nobody signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.genesis import build_genesis, dev_accounts
from mock_rails.tempo.tx.model import TYPE_TEMPO, Call, Transaction
from mock_rails.tempo.tx.sign import unsigned_submission
from mock_rails.tempo.world import World
from tests.unit.mock_rails.tempo.native.support import make_block, make_scope

if TYPE_CHECKING:
    from mock_rails.tempo.scope import BlockContext, Scope
    from mock_rails.tempo.tx.model import Submission

ADMIN, ALICE, BOB = [account.address for account in dev_accounts()[:3]]
"""Development accounts: each holds every token and has AlphaUSD as its own fee token."""

STRANGER = b"\x51" * 20
"""An account without money, history or a fee token of its own."""

TRANSFER = Function("transfer(address to, uint256 amount)")
TRANSFER_WITH_MEMO = Function("transferWithMemo(address to, uint256 amount, bytes32 memo)")
PRICE = 20_000_000_000


def make_world() -> World:
    """The genesis of a localnet."""
    world = World()
    build_genesis(world, 1337, dev_accounts())
    return world


def pay(amount: int = 5, to: bytes = BOB, token: bytes = PATH_USD) -> Call:
    """A transfer."""
    return Call(token, 0, TRANSFER.call(to, amount))


def make_tx(**changes: Any) -> Transaction:
    """A 0x76 with one transfer."""
    fields: dict[str, Any] = {
        "type": TYPE_TEMPO, "chain_id": 1337, "nonce": 0, "gas_limit": 1_000_000,
        "max_fee_per_gas": PRICE, "max_priority_fee_per_gas": 0, "calls": (pay(),),
    }  # fmt: skip
    return Transaction(**(fields | changes))


def submit(sender: bytes = ALICE, *, key_id: bytes | None = None, **changes: Any) -> Submission:
    """The transaction, by a sender who need not sign."""
    return unsigned_submission(make_tx(**changes), sender, key_id=key_id)


def scope_of(world: World, submission: Submission, block: BlockContext | None = None) -> Scope:
    """The scope in which the transaction would run."""
    return make_scope(
        world,
        origin=submission.sender,
        fee_payer=submission.fee_payer,
        key_id=submission.key_id,
        block=block or make_block(),
    )
