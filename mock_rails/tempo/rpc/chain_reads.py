"""What the chain is and what its state holds: identity, prices, accounts, code and storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails import __version__
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.errors import MethodNotFound
from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.rpc.tags import need_block, state_at
from mock_rails.tempo.tx.json_values import to_data

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.params import Params

BALANCE: Final = hex(int("42" * 38))
"""What eth_getBalance answers for everyone: there is no native coin, and wallets refuse to send
from an account that has none (facts 5.4)."""


class ChainReads:
    """Reads that are about the chain as a whole or about one account."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    # -- identity ---------------------------------------------------------------------------------

    @method("eth_chainId")
    def chain_id(self, params: Params) -> str:
        """The chain id."""
        return hex(self.chain.chain_id)

    @method("net_version")
    def network(self, params: Params) -> str:
        """The chain id in decimal, as this method has it."""
        return str(self.chain.chain_id)

    @method("net_listening")
    def listening(self, params: Params) -> bool:
        """Always, although there are no peers."""
        return True

    @method("net_peerCount")
    def peers(self, params: Params) -> str:
        """None: the chain is this process."""
        return "0x0"

    @method("web3_clientVersion")
    def client_version(self, params: Params) -> str:
        """Who answers."""
        return f"mpp-sandbox-tempo/v{__version__}"

    @method("web3_sha3")
    def sha3(self, params: Params) -> str:
        """Keccak-256 of the data."""
        return to_data(keccak256(params.data(0)))

    @method("rpc_modules")
    def modules(self, params: Params) -> dict[str, str]:
        """The name spaces that are served."""
        spaces = (
            "anvil",
            "debug",
            "eth",
            "evm",
            "hardhat",
            "net",
            "rpc",
            "tempo",
            "txpool",
            "web3",
        )
        return dict.fromkeys(spaces, "1.0")

    @method("eth_protocolVersion")
    def protocol_version(self, params: Params) -> str:
        """The eth wire protocol that nodes of this generation speak."""
        return "0x44"

    @method("eth_syncing", "eth_mining")
    def idle(self, params: Params) -> bool:
        """Never: there is nothing to sync with and no proof of work."""
        return False

    @method("eth_coinbase")
    def coinbase(self, params: Params) -> str:
        """Who receives the fees."""
        return to_data(self.chain.head.beneficiary)

    # -- prices -----------------------------------------------------------------------------------

    @method("eth_gasPrice")
    def gas_price(self, params: Params) -> str:
        """A price that the next block accepts: SDKs use it without a margin (facts 4.4)."""
        return hex(max(self.chain.head.base_fee, self.chain.engine.next_base_fee()))

    @method("eth_maxPriorityFeePerGas")
    def priority_fee(self, params: Params) -> str:
        """Nothing: nobody competes for room in a block."""
        return "0x0"

    @method("eth_blobBaseFee")
    def blob_base_fee(self, params: Params) -> str:
        """Nothing: blob transactions are refused."""
        return "0x0"

    # -- accounts ---------------------------------------------------------------------------------

    @method("eth_getBalance")
    def balance(self, params: Params) -> str:
        """The same great sum for every address; tokens hold the real balances."""
        params.address(0)
        need_block(self.chain, params.given(1))
        return BALANCE

    @method("eth_getTransactionCount")
    def transaction_count(self, params: Params) -> str:
        """The protocol nonce; `pending` counts what waits in the pool too."""
        address, tag = params.address(0), params.given(1)
        if tag is None or tag == "latest":
            return hex(self.chain.nonce(address))
        if tag == "pending":
            return hex(self.chain.nonce(address, pending=True))
        with state_at(self.chain, need_block(self.chain, tag)) as world:
            return hex(world.nonce(address))

    @method("eth_getCode")
    def code(self, params: Params) -> str:
        """The account's code; native contracts have the single byte 0xef."""
        address = params.address(0)
        with state_at(self.chain, need_block(self.chain, params.given(1))) as world:
            return to_data(world.code(address))

    @method("eth_getStorageAt")
    def storage(self, params: Params) -> str:
        """One storage slot of an EVM contract.

        A native contract keeps its mappings under their keys, not under hashes of them, so only its
        plain slots can be read this way (README, fidelity).
        """
        address = params.address(0)
        slot = params.quantity(1, "slot", bits=256)
        with state_at(self.chain, need_block(self.chain, params.given(2))) as world:
            value = world.load((address, slot))
        return to_data(_short_string(value) if isinstance(value, str) else value.to_bytes(32))

    @method("eth_getProof")
    def proof(self, params: Params) -> Any:
        """Refused: the state is no trie, so there is nothing to prove (DESIGN 2.2)."""
        raise MethodNotFound(
            "the method eth_getProof does not exist/is not available: this chain keeps its state "
            "in flat tables, so there are no Merkle proofs; read eth_getStorageAt instead"
        )


def _short_string(text: str) -> bytes:
    """Solidity's packing: text and twice its length, or for a long text its length alone."""
    data = text.encode()
    if len(data) < 32:
        return data.ljust(31, b"\0") + bytes([2 * len(data)])
    return (2 * len(data) + 1).to_bytes(32)
