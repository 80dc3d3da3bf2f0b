"""`TempoBackend`: what `EthereumTester` asks of a chain, answered by a `Chain` in process.

The rules are Tempo's. There is no native coin, so a transaction with a value is refused and every
balance reads as the same great sum; fees are paid in stablecoins, creating an account or a contract
costs Tempo's gas, and every transaction that pays a fee leaves a transfer log for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from eth_tester.exceptions import SnapshotNotFound, ValidationError

from mock_rails.core.clock import US_PER_S
from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.wallet import Account
from mock_rails.tempo.engine import ChainSettings, Pin
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.eth_tester_backend import incoming, shapes
from mock_rails.tempo.eth_tester_backend.failures import refusals, undecodable
from mock_rails.tempo.eth_tester_backend.pending import pending_block
from mock_rails.tempo.eth_tester_backend.reading import Reading
from mock_rails.tempo.rail import Chain
from mock_rails.tempo.tx.json_values import to_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.tempo.tx.model import Submission

ETH_TESTER_CHAIN_ID: Final = 131_277_322_940_537
"""What web3.py's provider answers as the chain id, whatever the backend says."""


class TempoBackend(Reading):
    """A chain behind eth-tester's interface; `chain` is there for everything that it leaves out.

    The accounts are the chain's funded development accounts. One that is added can sign at once,
    but holds no token to pay fees with until `fund` calls the faucet for it. It is `EthereumTester`
    who decides when to mine, so a chain that is handed over no longer mines by itself.
    """

    def __init__(self, chain: Chain | None = None) -> None:
        self.chain = chain or Chain(settings=ChainSettings(chain_id=ETH_TESTER_CHAIN_ID))
        self.chain.set_automine(False)
        self._added: tuple[Account, ...] = ()
        self._sent: dict[tuple[bytes, int, int, int], Submission] = {}
        """What eth-tester may send again before it mines, by sender, nonce and signature."""

    # -- snapshots and time -----------------------------------------------------------------------

    def take_snapshot(self) -> int:
        """Remember this moment. The blocks since the oldest snapshot are kept from pruning."""
        pins = self.chain.engine.pins
        now = Pin(self.chain.head.number, self.chain.world.mark())
        # eth-tester snapshots before every transaction that it holds back; most are the same.
        known = next((snapshot for snapshot, pin in pins.items() if pin == now), None)
        return self.chain.take_snapshot() if known is None else known

    def revert_to_snapshot(self, snapshot: int) -> None:
        """Go back to a moment, any number of times; the moments after it are forgotten."""
        pin = self.chain.engine.pins.get(snapshot)
        if pin is None:
            raise SnapshotNotFound(
                f"snapshot {snapshot} is not known: it was never taken, "
                "or the chain went back to an earlier one since"
            )
        self.chain.revert_to(snapshot)
        self.chain.engine.pins[snapshot] = pin

    def reset_to_genesis(self) -> None:
        """Back to genesis and to the development accounts; time goes on."""
        self.chain.reset()
        self.chain.set_automine(False)
        self._added = ()
        self._sent.clear()

    def time_travel(self, to_timestamp: int) -> int:
        """Set the clock and seal a block at that time."""
        with refusals():
            self.chain.context.clock.set_us(to_timestamp * US_PER_S)
        self._mine(1)
        return to_timestamp

    def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = ZERO_ADDRESS) -> tuple[bytes, ...]:
        """Seal blocks and return their hashes; the first holds all that was sent."""
        if coinbase != ZERO_ADDRESS:
            raise ValidationError("nobody chooses who a block of this chain is credited to")
        depth = self.chain.settings.history_depth
        if num_blocks > depth:
            raise ValidationError(
                f"{num_blocks} blocks at once are more than the {depth} that the chain keeps, "
                "and eth-tester reads each of them: mine fewer, or set a greater history_depth"
            )
        hashes = self._mine(num_blocks)
        # Before it mines, eth-tester sends again whatever it held back.
        self._sent.clear()
        return hashes

    def _mine(self, count: int) -> tuple[bytes, ...]:
        hashes, refused = [], []
        for _ in range(count):
            before = self.chain.head
            refused += self.chain.seal()
            if self.chain.head is not before:  # unless a fault has halted the chain
                hashes.append(self.chain.head.hash)
        for submission, error in refused:
            raise ValidationError(
                f"transaction {to_data(submission.hash)} was refused while it was mined: "
                f"{error.message}"
            )
        return tuple(hashes)

    # -- accounts ---------------------------------------------------------------------------------

    def get_accounts(self) -> tuple[bytes, ...]:
        """The development accounts, and what was added."""
        return tuple(account.address for account in self._accounts())

    def add_account(self, private_key: bytes) -> None:
        """Sign for one more account; `fund` it before it sends anything."""
        self._added += (Account(private_key, secp256k1.address_of(private_key)),)

    def fund(self, account: bytes) -> tuple[bytes, ...]:
        """Let the faucet mint every token to an account, in a block; the transactions' hashes."""
        minted = self.chain.faucet(account)
        self._mine(1)
        return tuple(submission.hash for submission in minted)

    def _accounts(self) -> tuple[Account, ...]:
        return self.chain.accounts + self._added

    # -- sending ----------------------------------------------------------------------------------

    def send_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """Sign with the sender's key and send; a value is refused, for there is no coin."""
        sender = transaction["from"]
        keys = [account.key for account in self._accounts() if account.address == sender]
        if not keys:
            raise ValidationError(f"no key for {to_data(sender)}: use add_account for it first")
        with refusals():
            submission = incoming.sign(self.chain, transaction, keys[0])
            return self._submit(self.chain.engine.decode(submission.raw))

    def send_signed_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """Send a transaction that eth-tester held back, or one that was signed elsewhere."""
        sent = self._sent.get(
            (transaction["from"], transaction["nonce"], transaction["r"], transaction["s"])
        )
        with refusals():
            return self._submit(sent or incoming.assemble(self.chain, transaction))

    def send_raw_transaction(self, raw_transaction: bytes) -> bytes:
        """Send signed bytes of any type, 0x76 included."""
        with refusals(), undecodable(raw_transaction):
            return self._submit(self.chain.engine.decode(raw_transaction))

    def _submit(self, submission: Submission) -> bytes:
        self.chain.send_submission(submission)
        self._require_mineable(submission)
        _, r, s = shapes.scalars(submission)
        self._sent[submission.sender, submission.tx.nonce, r, s] = submission
        return submission.hash

    def _require_mineable(self, submission: Submission) -> None:
        """eth-tester reads a receipt at once, so nothing may wait for a nonce before its own."""
        chain = self.chain
        if chain.pool.get(submission.hash) is None:  # a fault has dropped it
            return
        with pending_block(chain.engine) as sealed:
            if chain.history.receipt(submission.hash) is not None:
                return
            errors = [error for one, error in sealed.refused if one is submission]
        chain.pool.remove(submission)
        if errors:
            raise errors[0]
        tx = submission.tx
        due = chain.nonce(submission.sender, tx.nonce_key, pending=True)
        if tx.nonce > due:
            raise InvalidTransaction(f"nonce too high: next nonce {due}, tx nonce {tx.nonce}")
        raise InvalidTransaction("the pending block has no room for the transaction's gas limit")
