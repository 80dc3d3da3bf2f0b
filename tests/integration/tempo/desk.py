"""A desk from which tests do business on a chain: every operation is a real signed transaction.

    desk = Desk(make_chain())
    desk.send(1, desk.transfer(PATH_USD, SHOP, 5))
    channel = desk.open_channel(1, payee=2, deposit=1_000)

People are development accounts, by number; the first is the issuer of every token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.core import Clock, RailContext
from mock_rails.tempo.addresses import (
    ALPHA_USD,
    BETA_USD,
    CHANNEL_RESERVE,
    FEE_MANAGER,
    PATH_USD,
    STABLECOIN_DEX,
    THETA_USD,
    ZERO_ADDRESS,
)
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.native.channel_reserve import ChannelReserve, Descriptor
from mock_rails.tempo.native.dex import StablecoinDex
from mock_rails.tempo.native.fee_manager import FeeManager
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.voucher import voucher_digest
from mock_rails.tempo.rail import Chain
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_TEMPO, Call, Transaction
from mock_rails.tempo.tx.sign import sign_transaction, sponsor
from mock_rails.tempo.tx.signers import Secp256k1Signer

if TYPE_CHECKING:
    from mock_rails.tempo.blocks import Receipt
    from mock_rails.tempo.native.contract import NativeContract
    from mock_rails.tempo.tx.model import Submission

NOW_S: Final = 1_767_225_600
"""New Year of 2026: where the frozen clock of these tests stands."""

SHOP: Final = b"\x51" * 20
TOKENS: Final = (PATH_USD, ALPHA_USD, BETA_USD, THETA_USD)
GAS_LIMIT: Final = 3_000_000
MAX_FEE: Final = 24_000_000_000

# Stores 42 and logs it, then reverts if it was given any calldata.
_RUNTIME: Final = bytes.fromhex("602a5f55 602a5f52 60205fa0 36601157 00 5b5f5ffd")
# PUSH1 size DUP1 PUSH1 offset PUSH0 CODECOPY PUSH0 RETURN
CONTRACT: Final = bytes.fromhex("6015 80 6009 5f 39 5f f3") + _RUNTIME


def make_chain(seed: str = "test", **settings: Any) -> Chain:
    """A chain on a clock that stands still."""
    return Chain(RailContext.create(seed, Clock.frozen(NOW_S)), ChainSettings(**settings))


def call(contract: type[NativeContract], to: bytes, name: str, *values: Any) -> Call:
    """A call of a native contract's function, by its name."""
    method = next(one for one in contract.methods.values() if one.abi.name == name)
    return Call(to, 0, method.abi.call(*values))


class Desk:
    """Signs for the development accounts and sends to one chain."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.people = [account.address for account in chain.accounts]
        self._keys = [account.key for account in chain.accounts]
        self._sent = chain.head.number  # so that a second desk does not send the same again

    # -- transactions -----------------------------------------------------------------------------

    def sign(self, who: int, *calls: Call, payer: int | None = None, **changes: Any) -> Submission:
        """A signed 0x76 with the next protocol nonce, unless `changes` say otherwise."""
        if "nonce" not in changes:
            key = changes.get("nonce_key", 0)
            expiring = key == EXPIRING_NONCE_KEY
            changes["nonce"] = (
                0 if expiring else self.chain.nonce(self.people[who], key, pending=True)
            )
        fields: dict[str, Any] = {
            "type": TYPE_TEMPO,
            "chain_id": self.chain.chain_id,
            "gas_limit": GAS_LIMIT,
            "max_fee_per_gas": MAX_FEE,
            "max_priority_fee_per_gas": 0,
            "calls": calls,
            "fee_token": PATH_USD,
            "awaiting_fee_payer": payer is not None,
        }
        tx = Transaction(**(fields | changes))
        if payer is None:
            return sign_transaction(tx, self._keys[who])
        return sponsor(tx, self._keys[who], self._keys[payer])

    def expiring(self, who: int, *calls: Call, **changes: Any) -> Submission:
        """A signed 0x76 with an expiring nonce, each different from all before."""
        self._sent += 1
        fields = {
            "nonce_key": EXPIRING_NONCE_KEY,
            "valid_before": self.chain.context.clock.now_s() + 60,
            "gas_limit": GAS_LIMIT + self._sent,
        }
        return self.sign(who, *calls, **(fields | changes))

    def send(self, who: int, *calls: Call, **changes: Any) -> Receipt:
        """Send and return the receipt, whether the calls succeeded or reverted."""
        receipt = self.chain.send(self.sign(who, *calls, **changes).raw)
        assert receipt is not None
        return receipt

    # -- tokens -----------------------------------------------------------------------------------

    def transfer(self, token: bytes, to: bytes, amount: int) -> Call:
        """A plain transfer."""
        return call(Tip20, token, "transfer", to, amount)

    def balance(self, account: bytes, token: bytes = PATH_USD) -> int:
        """What an account holds."""
        return int(self.chain.world.load(Tip20.balances.key(token, account)))

    # -- channels ---------------------------------------------------------------------------------

    def open_channel(
        self, payer: int, payee: int, deposit: int, token: bytes = PATH_USD
    ) -> Descriptor | None:
        """Open a channel; None when the transaction reverted."""
        salt = (self._sent + 1).to_bytes(32)
        parties = (self.people[payee], ZERO_ADDRESS, token)
        submission = self.expiring(
            payer,
            call(ChannelReserve, CHANNEL_RESERVE, "open", *parties, deposit, salt, ZERO_ADDRESS),
        )
        receipt = self.chain.send(submission.raw)
        assert receipt is not None
        if not receipt.status:
            return None
        return Descriptor(self.people[payer], *parties, salt, ZERO_ADDRESS, submission.context_hash)

    def voucher(self, channel: Descriptor, amount: int) -> bytes:
        """The payer's signature for an amount."""
        payer = Secp256k1Signer(self._keys[self.people.index(channel.payer)])
        digest = voucher_digest(self.chain.chain_id, self.channel_id(channel), amount)
        return payer.sign(digest).encode()

    def channel_id(self, channel: Descriptor) -> bytes:
        """The id under which the reserve keeps the channel."""
        return keccak256(channel.preimage(self.chain.chain_id))

    def channel_call(self, name: str, channel: Descriptor, *values: Any) -> Call:
        """A call of the reserve about a channel."""
        return call(ChannelReserve, CHANNEL_RESERVE, name, tuple(channel), *values)


def tour(desk: Desk) -> list[Receipt]:
    """One of everything: what a snapshot has to carry and two processes have to agree on."""
    people, dex = desk.people, (StablecoinDex, STABLECOIN_DEX)
    receipts = [
        desk.send(1, desk.transfer(PATH_USD, SHOP, 5)),
        desk.send(1, call(Tip20, ALPHA_USD, "transferWithMemo", SHOP, 7, b"\x07" * 32)),
        desk.send(2, desk.transfer(PATH_USD, SHOP, 1), nonce_key=9, fee_token=ALPHA_USD),
        desk.send(3, desk.transfer(BETA_USD, people[4], 2), payer=4, fee_token=BETA_USD),
        desk.send(1, desk.transfer(PATH_USD, SHOP, 1), desk.transfer(PATH_USD, SHOP, 1 << 200)),
        desk.send(0, call(Tip20, THETA_USD, "mint", SHOP, 11)),
        desk.send(5, call(FeeManager, FEE_MANAGER, "setUserToken", BETA_USD)),
        desk.send(6, call(*dex, "place", ALPHA_USD, 200_000_000, True, -20)),
        desk.send(7, call(*dex, "swapExactAmountIn", PATH_USD, BETA_USD, 5_000_000, 0)),
        desk.send(8, Call(None, 0, CONTRACT)),
    ]
    deployed = receipts[-1].outcome.contract_address
    receipts += [desk.send(8, Call(deployed, 0, data)) for data in (b"", b"!")]
    channel = desk.open_channel(1, payee=2, deposit=1_000)
    assert channel is not None
    settle = desk.channel_call("settle", channel, 300, desk.voucher(channel, 300))
    receipts.append(desk.send(2, settle))
    receipts.append(desk.send(1, desk.channel_call("requestClose", channel)))
    return receipts
