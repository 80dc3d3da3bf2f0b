"""The channels as everyone may look at them, and the gates their owners pass (facts 2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo import gas
from mock_rails.tempo.addresses import TIP403_REGISTRY, ZERO_ADDRESS, is_tip20, is_virtual
from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.native.channel_reserve.channel import DESCRIPTOR, STATE, Descriptor, State
from mock_rails.tempo.native.channel_reserve.credits import PayerCredits
from mock_rails.tempo.native.contract import Error, view
from mock_rails.tempo.native.storage import Mapping, Packed
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip403 import Tip403Registry
from mock_rails.tempo.native.tip403.policies import ALLOW_ALL
from mock_rails.tempo.native.voucher import (
    DIGEST_GAS,
    VOUCHER_TYPEHASH,
    domain_separator,
    voucher_digest,
)
from mock_rails.tempo.tx.signatures import verify_primitive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CLOSE_GRACE_PERIOD_S: Final = 900

_NO_HASH: Final = bytes(32)
_SECP256K1_BYTES: Final = 65
_SECP256K1_GAS: Final = 3_000
_P256_GAS: Final = 8_000
"""Also the price of a passkey's signature (facts 2.11)."""


class Channels(PayerCredits):
    """State, views and gates; the reserve adds what changes a channel."""

    title = "TIP20 channel reserve error"

    states = Mapping(0, Packed(96, 96, 32))

    ChannelNotFound = Error("ChannelNotFound()")
    NotPayer = Error("NotPayer()")
    NotPayeeOrOperator = Error("NotPayeeOrOperator()")
    InvalidPayee = Error("InvalidPayee()")
    ExpiringNonceHashNotSet = Error("ExpiringNonceHashNotSet()")
    InvalidSignature = Error("InvalidSignature()")

    def enter(self) -> None:
        """Every call sets and restores how credits are spent: 200 gas since T7 (facts 4.6)."""
        self.frame.meter.charge(2 * gas.TRANSIENT)

    # -- reading ----------------------------------------------------------------------------------

    @view("CLOSE_GRACE_PERIOD() returns (uint64)")
    def close_grace_period(self) -> int:
        """How long a payee has to settle after the payer asked to close, in seconds."""
        return CLOSE_GRACE_PERIOD_S

    @view("VOUCHER_TYPEHASH() returns (bytes32)")
    def voucher_typehash(self) -> bytes:
        """The EIP-712 type of a voucher."""
        return VOUCHER_TYPEHASH

    @view("domainSeparator() returns (bytes32)")
    def domain_separator(self) -> bytes:
        """The EIP-712 domain of vouchers on this chain."""
        return domain_separator(self.chain_id)

    @view("getVoucherDigest(bytes32 channelId, uint96 cumulativeAmount) returns (bytes32)")
    def digest(self, channel_id: bytes, cumulative_amount: int) -> bytes:
        """What the signer of a voucher signs."""
        self.frame.meter.charge(DIGEST_GAS)
        return voucher_digest(self.chain_id, channel_id, cumulative_amount)

    @view(
        "computeChannelId(address payer, address payee, address operator, address token,"
        " bytes32 salt, address authorizedSigner, bytes32 expiringNonceHash) returns (bytes32)"
    )
    def compute_id(self, *fields: bytes) -> bytes:
        """The id of the channel that these describe."""
        return self.id_of(Descriptor(*fields))

    @view(f"getChannel({DESCRIPTOR} descriptor) returns (({DESCRIPTOR} descriptor, {STATE} state))")
    def channel(self, fields: Sequence[bytes]) -> tuple[Descriptor, State]:
        """A channel's state by its descriptor, which is returned too."""
        descriptor = Descriptor(*fields)
        return descriptor, self.state(self.id_of(descriptor))

    @view(f"getChannelState(bytes32 channelId) returns ({STATE})")
    def state(self, channel_id: bytes) -> State:
        """A channel's state; zeros when there is none."""
        return State(*self.states[channel_id])

    @view(f"getChannelStatesBatch(bytes32[] channelIds) returns ({STATE}[])")
    def states_of(self, channel_ids: Sequence[bytes]) -> list[State]:
        """The states of several channels."""
        return [self.state(channel_id) for channel_id in channel_ids]

    # -- a channel --------------------------------------------------------------------------------

    @property
    def chain_id(self) -> int:
        """The chain this reserve is on."""
        return self.frame.scope.block.chain_id

    def id_of(self, channel: Descriptor) -> bytes:
        """A channel's id, at its price."""
        return self.keccak(channel.preimage(self.chain_id))

    def find(self, fields: Sequence[bytes]) -> tuple[Descriptor, bytes, State]:
        """The open channel that is described, with its id and state."""
        channel = Descriptor(*fields)
        channel_id = self.id_of(channel)
        state = self.state(channel_id)
        if not state.deposit:
            raise self.ChannelNotFound()
        return channel, channel_id, state

    # -- the gates --------------------------------------------------------------------------------

    def require_payer(self, channel: Descriptor) -> None:
        """What only the payer may do."""
        if self.sender != channel.payer:
            raise self.NotPayer()

    def require_payee_or_operator(self, channel: Descriptor) -> None:
        """What the payee may do, or who acts for it."""
        # No operator is the zero address, which a simulated call can come from.
        operator = channel.operator if channel.operator != ZERO_ADDRESS else channel.payee
        if self.sender not in {channel.payee, operator}:
            raise self.NotPayeeOrOperator()

    def require_payable(self, payee: bytes, operator: bytes) -> None:
        """Somebody must be able to settle: a virtual payee cannot call, so its operator must."""
        if payee == ZERO_ADDRESS or is_tip20(payee):
            raise self.InvalidPayee()
        if is_virtual(payee) and (operator == ZERO_ADDRESS or is_virtual(operator)):
            raise self.InvalidPayee()

    def require_token(self, token: bytes) -> None:
        """Channels hold created TIP-20 tokens."""
        self.frame.meter.charge(gas.WARM_LOAD)
        if not is_tip20(token) or not self.frame.scope.world.code(token):
            raise Tip20.InvalidToken()

    def require_nonce_hash(self) -> bytes:
        """The context hash of the transaction, the same for every channel that it opens."""
        self.frame.meter.charge(gas.TRANSIENT)
        context_hash = self.frame.scope.context_hash
        if context_hash == _NO_HASH:
            raise self.ExpiringNonceHashNotSet()
        return context_hash

    def require_voucher(
        self, channel: Descriptor, channel_id: bytes, cumulative_amount: int, signature: bytes
    ) -> None:
        """The signature must be the signer's own over this amount; access keys are refused."""
        digest = self.digest(channel_id, cumulative_amount)
        is_secp256k1 = len(signature) == _SECP256K1_BYTES
        self.frame.meter.charge(_SECP256K1_GAS if is_secp256k1 else _P256_GAS)
        try:
            signer = verify_primitive(digest, signature)
        except SignatureError:
            raise self.InvalidSignature() from None
        if signer != channel.signer:
            raise self.InvalidSignature()

    def require_authorized_payee(self, channel: Descriptor) -> None:
        """The money will be the payee's, so the token's policy must let the payee receive."""
        self._require_policy(Tip403Registry.authorized_recipient, channel.token, channel.payee)

    def require_authorized_payer(self, channel: Descriptor) -> None:
        """The money is the payer's, so the token's policy must still let the payer send."""
        self._require_policy(Tip403Registry.authorized_sender, channel.token, channel.payer)

    def _require_policy(
        self,
        authorized: Callable[[Tip403Registry, int, bytes], bool],
        token: bytes,
        account: bytes,
    ) -> None:
        policy = self.contract(Tip20, token).policy_id()
        if policy == ALLOW_ALL:
            return
        if not authorized(self.contract(Tip403Registry, TIP403_REGISTRY), policy, account):
            raise Tip20.PolicyForbids()
