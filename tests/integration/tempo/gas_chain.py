"""A chain on which gas is measured: everybody has sent before, everything goes through `send`.

    chain = GasChain()
    used = chain.transfer(fee_token=ALPHA_USD)

Amounts and addresses are those of the facts' derivations: 10,000 base units, addresses without a
zero byte. Only what a row of the table is about differs from an ordinary payment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.core import Clock, RailContext
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import (
    CHANNEL_RESERVE,
    FEE_MANAGER,
    PATH_USD,
    STABLECOIN_DEX,
    THETA_USD,
    ZERO_ADDRESS,
)
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.native.channel_reserve import Descriptor
from mock_rails.tempo.native.voucher import voucher_digest
from mock_rails.tempo.rail import Chain
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_TEMPO, Call, Transaction
from mock_rails.tempo.tx.sign import sign_transaction, sponsor
from mock_rails.tempo.tx.signers import Secp256k1Signer

if TYPE_CHECKING:
    from mock_rails.tempo.blocks import Receipt
    from mock_rails.tempo.crypto.wallet import Account
    from mock_rails.tempo.tx.signers import AnySigner

NOW_S: Final = 1_767_225_600
GAS_LIMIT: Final = 20_000_000
MAX_FEE: Final = 20_000_000_000
AMOUNT: Final = 10_000
DEPOSIT: Final = 1_000_000
VOUCHER: Final = 300_000
USD: Final = 1_000_000

NEW_HOLDER: Final = b"\x51" * 20
"""An address that nothing was ever sent to."""
MEMO: Final = b"\x07" * 32

TRANSFER: Final = Function("transfer(address to, uint256 amount)")
TRANSFER_WITH_MEMO: Final = Function("transferWithMemo(address to, uint256 amount, bytes32 memo)")

_D: Final = "(address,address,address,address,bytes32,address,bytes32)"
OPEN: Final = Function("open(address,address,address,uint96,bytes32,address)")
TOP_UP: Final = Function(f"topUp({_D},uint96)")
SETTLE: Final = Function(f"settle({_D},uint96,bytes)")
CLOSE: Final = Function(f"close({_D},uint96,uint96,bytes)")
REQUEST_CLOSE: Final = Function(f"requestClose({_D})")

MINT_POOL: Final = Function("mint(address,address,uint256,address)")

CREATE_PAIR: Final = Function("createPair(address)")
PLACE: Final = Function("place(address,uint128,bool,int16)")
CANCEL: Final = Function("cancel(uint128)")
SWAP_IN: Final = Function("swapExactAmountIn(address,address,uint128,uint128)")
SWAP_OUT: Final = Function("swapExactAmountOut(address,address,uint128,uint128)")
WITHDRAW: Final = Function("withdraw(address,uint128)")


class GasChain:
    """A chain with a payer, a payee and an operator whose first nonces are used up.

    Fees can be paid in pathUSD, AlphaUSD and ThetaUSD. The exchange has never been used.
    """

    def __init__(self) -> None:
        context = RailContext.create("gas", Clock.frozen(NOW_S))
        self.chain = Chain(context, ChainSettings(bare=True))
        self.admin, self.payer, self.operator, self.payee, self.other, *rest = self.chain.accounts
        self.beginner = rest[0]
        """An account that never sent anything."""
        self.sponsor = rest[1]
        self._salt = 0
        for account in (self.admin, self.payer, self.payee, self.operator, self.other):
            self.send(account, PATH_USD, TRANSFER.call(self.sponsor.address, 1))
        pool = MINT_POOL.call(THETA_USD, PATH_USD, 1_000 * USD, self.admin.address)
        self.send(self.admin, FEE_MANAGER, pool)

    # -- transactions -----------------------------------------------------------------------------

    def send(
        self,
        sender: Account,
        to: bytes | None,
        data: bytes,
        *,
        signer: AnySigner | None = None,
        calls: tuple[Call, ...] = (),
        sponsored: bool = False,
        expiring: bool = False,
        **changes: Any,
    ) -> Receipt:
        """A 0x76 of one call (or `calls`) that must succeed."""
        signer = signer or Secp256k1Signer(sender.key)
        key = EXPIRING_NONCE_KEY if expiring else changes.pop("nonce_key", 0)
        fields: dict[str, Any] = {
            "type": TYPE_TEMPO,
            "chain_id": self.chain.chain_id,
            "nonce": 0 if expiring else self.chain.nonce(signer.address, key),
            "nonce_key": key,
            "gas_limit": GAS_LIMIT,
            "max_fee_per_gas": MAX_FEE,
            "max_priority_fee_per_gas": 0,
            "calls": calls or (Call(to, 0, data),),
            "valid_before": NOW_S + 60 if expiring else None,
            "fee_token": PATH_USD,
            "awaiting_fee_payer": sponsored,
        }
        tx = Transaction(**(fields | changes))
        signed = (
            sponsor(tx, signer, self.sponsor.key) if sponsored else sign_transaction(tx, signer)
        )
        receipt = self.chain.send(signed.raw)
        assert receipt is not None
        assert receipt.outcome.status, receipt.outcome.error
        return receipt

    def gas(self, sender: Account, to: bytes | None, data: bytes, **changes: Any) -> int:
        """What such a transaction uses."""
        return self.send(sender, to, data, **changes).outcome.gas_used

    # -- payments ---------------------------------------------------------------------------------

    def transfer(
        self,
        *,
        to: bytes | None = None,
        amount: int = AMOUNT,
        by: Account | None = None,
        **how: Any,
    ) -> int:
        """The gas of a pathUSD transfer, to somebody who holds some unless told otherwise."""
        data = TRANSFER.call(to or self.payee.address, amount)
        return self.gas(by or self.payer, PATH_USD, data, **how)

    def transfer_with_memo(
        self, *, to: bytes | None = None, by: Account | None = None, **how: Any
    ) -> int:
        """The gas of a pathUSD transfer with a memo."""
        data = TRANSFER_WITH_MEMO.call(to or self.payee.address, AMOUNT, MEMO)
        return self.gas(by or self.payer, PATH_USD, data, **how)

    # -- channels ---------------------------------------------------------------------------------

    def open(
        self,
        by: Account | None = None,
        *,
        payee: bytes | None = None,
        operator: bytes = ZERO_ADDRESS,
        **how: Any,
    ) -> tuple[int, Descriptor]:
        """Open a channel: the gas, and its descriptor."""
        payer = by or self.payer
        payee = payee or self.payee.address
        self._salt += 1
        salt = self._salt.to_bytes(32)
        data = OPEN.call(payee, operator, PATH_USD, DEPOSIT, salt, ZERO_ADDRESS)
        receipt = self.send(payer, CHANNEL_RESERVE, data, **how)
        context = receipt.submission.context_hash
        return receipt.outcome.gas_used, Descriptor(
            payer.address, payee, operator, PATH_USD, salt, ZERO_ADDRESS, context
        )

    def reserve(self, by: Account, function: Function, *values: Any, **how: Any) -> int:
        """The gas of another call of the channel reserve."""
        return self.gas(by, CHANNEL_RESERVE, function.call(*values), **how)

    def voucher(self, channel: Descriptor, amount: int = VOUCHER) -> bytes:
        """The payer's signature for a cumulative amount."""
        identity = keccak256(channel.preimage(self.chain.chain_id))
        digest = voucher_digest(self.chain.chain_id, identity, amount)
        return Secp256k1Signer(self.payer.key).sign(digest).encode()

    # -- the exchange -----------------------------------------------------------------------------

    def exchange(self, by: Account, function: Function, *values: Any, **how: Any) -> int:
        """The gas of a call of the exchange."""
        return self.gas(by, STABLECOIN_DEX, function.call(*values), **how)
