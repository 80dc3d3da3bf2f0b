"""What py-evm's opcodes ask about the chain, answered from our scope.

py-evm would have its own account database, journal and block context. All its opcodes want of them
is this handful of questions, so the EVM reads and writes the very dictionaries that the native
contracts use, under the same undo log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.evm.precompiles import PRECOMPILES

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Scope

_MAX_ANCESTOR: Final = 256
_MIN_BLOB_BASE_FEE: Final = 1


class State:
    """The world, the block and the transaction, as far as an opcode can see them."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    # -- accounts ---------------------------------------------------------------------------------

    def get_balance(self, address: bytes) -> int:
        """There is no native coin."""
        return 0

    def get_code(self, address: bytes) -> bytes:
        """An account's code; a delegated account's is its designator (EIP-7702)."""
        return self.scope.world.code(address)

    def get_code_hash(self, address: bytes) -> bytes:
        """What EXTCODEHASH answers for an account that is not empty."""
        return keccak256(self.scope.world.code(address))

    def account_is_empty(self, address: bytes) -> bool:
        """EIP-161: no nonce and no code; no account has a balance."""
        world = self.scope.world
        return not world.nonce(address) and not world.code(address)

    def is_address_warm(self, address: bytes) -> bool:
        """EIP-2929; Ethereum's precompiles are always warm, native contracts are accounts."""
        return address in self.scope.warm or address in PRECOMPILES

    def mark_address_warm(self, address: bytes) -> None:
        """Warm from now on, until the frame reverts."""
        self.scope.touch(address)

    # -- the block --------------------------------------------------------------------------------

    @property
    def execution_context(self) -> State:
        """Where py-evm looks for the chain id."""
        return self

    @property
    def chain_id(self) -> int:
        """CHAINID."""
        return self.scope.block.chain_id

    @property
    def coinbase(self) -> bytes:
        """COINBASE."""
        return self.scope.block.beneficiary

    @property
    def timestamp(self) -> int:
        """TIMESTAMP."""
        return self.scope.block.timestamp_s

    @property
    def block_number(self) -> int:
        """NUMBER."""
        return self.scope.block.number

    @property
    def gas_limit(self) -> int:
        """GASLIMIT."""
        return self.scope.block.gas_limit

    @property
    def base_fee(self) -> int:
        """BASEFEE."""
        return self.scope.block.base_fee

    @property
    def blob_base_fee(self) -> int:
        """BLOBBASEFEE: there are no blobs, so it never leaves its minimum (EIP-7516)."""
        return _MIN_BLOB_BASE_FEE

    @property
    def mix_hash(self) -> bytes:
        """PREVRANDAO: no beacon here, but new in every block and the same in every run."""
        parent = self.get_ancestor_hash(self.block_number - 1)
        return keccak256(b"prevrandao" + parent + self.block_number.to_bytes(32))

    def get_ancestor_hash(self, number: int) -> bytes:
        """BLOCKHASH: of one of the last 256 blocks, else nothing."""
        depth = self.scope.block.number - number - 1
        if number < 0 or not 0 <= depth < _MAX_ANCESTOR:
            return b""
        hashes = self.scope.block.parent_hashes()
        return hashes[depth] if depth < len(hashes) else b""

    # -- the transaction (py-evm's transaction context) -------------------------------------------

    @property
    def origin(self) -> bytes:
        """ORIGIN."""
        return self.scope.origin

    @property
    def gas_price(self) -> int:
        """GASPRICE."""
        return self.scope.gas_price

    @property
    def blob_versioned_hashes(self) -> tuple[bytes, ...]:
        """BLOBHASH: type 3 transactions are refused."""
        return ()
