"""A payer, a payee, an operator and a token, for the tests of the channel reserve.

    stage = Stage()
    channel = stage.open(deposit=1_000)
    stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300))

Every `stage.next_tx()` starts a new transaction on the same world.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.tempo.addresses import CHANNEL_RESERVE, PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.native.channel_reserve import ChannelReserve, Descriptor
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.voucher import voucher_digest
from mock_rails.tempo.tx.signers import Secp256k1Signer
from tests.unit.mock_rails.tempo.native.across import named_logs
from tests.unit.mock_rails.tempo.native.support import (
    NOW_S,
    Caller,
    install,
    make_block,
    make_scope,
    make_token,
)

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Scope
    from mock_rails.tempo.tx.signers import AnySigner

# The first development accounts of every local chain.
PAYER_SIGNER = Secp256k1Signer(
    bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")  # dev key
)
OTHER_SIGNER = Secp256k1Signer(
    bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")  # dev key
)
PAYER = PAYER_SIGNER.address
PAYEE = b"\x22" * 20
OPERATOR = b"\x44" * 20
STRANGER = b"\x55" * 20
WEALTH = 10**12
SALT = (1).to_bytes(32)

_D = "(address,address,address,address,bytes32,address,bytes32)"
OPEN = "open(address,address,address,uint96,bytes32,address)"
TOP_UP = f"topUp({_D},uint96)"
SETTLE = f"settle({_D},uint96,bytes)"
CLOSE = f"close({_D},uint96,uint96,bytes)"
REQUEST_CLOSE = f"requestClose({_D})"
WITHDRAW = f"withdraw({_D})"
GET_CHANNEL = f"getChannel({_D})"
GET_STATE = "getChannelState(bytes32)"


class Stage:
    """A chain with one token and the reserve, and the transaction that is running on it."""

    def __init__(self, *, token: bytes = PATH_USD) -> None:
        self.token = token
        self.scope: Scope = make_scope(origin=PAYER)
        install(self.scope, CHANNEL_RESERVE)
        make_token(self.scope, token, balances={PAYER: WEALTH, PAYEE: 1, STRANGER: WEALTH})
        self.world = self.scope.world
        self.now_s = NOW_S
        self._transactions = 0
        self.next_tx()

    def next_tx(self, *, origin: bytes = PAYER, after_s: int = 0, **identity: Any) -> Scope:
        """Start the next transaction, some time later; each has a context hash of its own."""
        self.now_s += after_s
        self._transactions += 1
        identity.setdefault("context_hash", self._transactions.to_bytes(32))
        block = make_block(timestamp_s=self.now_s)
        self.scope = make_scope(self.world, origin=origin, block=block, **identity)
        return self.scope

    def by(self, sender: bytes) -> Caller:
        """Somebody calling the reserve in the running transaction."""
        return Caller(self.scope, ChannelReserve, CHANNEL_RESERVE, sender)

    @property
    def payer(self) -> Caller:
        """The payer calling."""
        return self.by(PAYER)

    @property
    def payee(self) -> Caller:
        """The payee calling."""
        return self.by(PAYEE)

    def open(
        self,
        *,
        deposit: int = 1_000,
        payee: bytes = PAYEE,
        operator: bytes = ZERO_ADDRESS,
        signer: bytes = ZERO_ADDRESS,
        salt: bytes = SALT,
        payer: bytes = PAYER,
    ) -> Descriptor:
        """Open a channel in the running transaction."""
        self.by(payer).call(OPEN, payee, operator, self.token, deposit, salt, signer)
        context_hash = self.scope.context_hash
        return Descriptor(payer, payee, operator, self.token, salt, signer, context_hash)

    def id_of(self, channel: Descriptor) -> bytes:
        """The channel's id, as the reserve computes it."""
        text = "computeChannelId(address,address,address,address,bytes32,address,bytes32)"
        channel_id: bytes = self.payer.call(text, *channel)
        return channel_id

    def state(self, channel: Descriptor) -> tuple[int, int, int]:
        """Settled, deposit, time of the request to close."""
        state: tuple[int, int, int] = self.payer.call(GET_STATE, self.id_of(channel))
        return state

    def voucher(self, channel: Descriptor, amount: int, signer: AnySigner = PAYER_SIGNER) -> bytes:
        """The signature of a voucher."""
        return signer.sign(voucher_digest(1337, self.id_of(channel), amount)).encode()

    def balance(self, account: bytes) -> int:
        """What an account holds of the token."""
        return int(self.world.load(Tip20.balances.key(self.token, account)))

    def logs(self, since: int = 0) -> list[tuple[str, dict[str, Any]]]:
        """Names and values of the running transaction's logs."""
        logs = named_logs(self.scope, ChannelReserve, Tip20, since=since)
        return [(name, values) for _, name, values in logs]

    def log_names(self, since: int = 0) -> list[str]:
        """Names of the running transaction's logs."""
        return [name for name, _ in self.logs(since)]
