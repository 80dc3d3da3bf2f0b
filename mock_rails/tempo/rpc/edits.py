"""Writing to the state directly: balances, allowances, code, storage and nonces.

The `anvil_` and `hardhat_` setters. There is no native coin, so `setBalance` means pathUSD, in base
units. A token's supply follows its balances: no edit makes money that the ledger does not know of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.tempo import editing
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.rpc.dispatcher import method

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.params import Params


class Edits:
    """State from nowhere; what is written belongs to the state after the newest block."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    @method("anvil_setBalance", "hardhat_setBalance")
    def set_balance(self, params: Params) -> bool:
        """Give an account exactly this much pathUSD."""
        editing.deal(
            self.chain, PATH_USD, params.address(0), params.quantity(1, "balance", bits=256)
        )
        return True

    @method("anvil_dealERC20", "anvil_dealErc20", "anvil_setERC20Balance")
    def deal(self, params: Params) -> bool:
        """Give an account exactly this much of a token: account, token, amount."""
        account, token = params.address(0, "account"), params.address(1, "token")
        editing.deal(self.chain, token, account, params.quantity(2, "amount", bits=256))
        return True

    @method("anvil_setERC20Allowance")
    def allow(self, params: Params) -> bool:
        """Set an allowance: owner, spender, token, amount."""
        owner, spender = params.address(0, "owner"), params.address(1, "spender")
        token, amount = params.address(2, "token"), params.quantity(3, "amount", bits=256)
        editing.allow(self.chain, token, owner, spender, amount)
        return True

    @method("anvil_setFeeToken")
    def set_fee_token(self, params: Params) -> bool:
        """Choose the token in which an account pays its fees: account, token."""
        editing.set_fee_token(self.chain, params.address(0, "account"), params.address(1, "token"))
        return True

    @method("anvil_setCode", "hardhat_setCode")
    def set_code(self, params: Params) -> bool:
        """Replace an account's code."""
        editing.set_code(self.chain, params.address(0), params.data(1, "code"))
        return True

    @method("anvil_setStorageAt", "hardhat_setStorageAt")
    def set_storage(self, params: Params) -> bool:
        """Replace one storage word of an EVM contract: address, slot, value."""
        slot, value = params.quantity(1, "slot", bits=256), params.quantity(2, "value", bits=256)
        editing.set_storage(self.chain, params.address(0), slot, value)
        return True

    @method("anvil_setNonce", "hardhat_setNonce", "evm_setAccountNonce")
    def set_nonce(self, params: Params) -> bool:
        """Raise an account's protocol nonce."""
        editing.set_nonce(self.chain, params.address(0), params.quantity(1, "nonce"))
        return True
