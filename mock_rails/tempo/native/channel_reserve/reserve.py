"""What payers and payees do with channels: open, top up, settle, close, withdraw (facts 2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo import gas
from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.channel_reserve.channel import (
    DESCRIPTOR,
    MAX_AMOUNT,
    Descriptor,
    State,
)
from mock_rails.tempo.native.channel_reserve.channels import CLOSE_GRACE_PERIOD_S, Channels
from mock_rails.tempo.native.contract import Error, function
from mock_rails.tempo.native.tip20 import Tip20

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_TIME_S: Final = (1 << 32) - 1


class ChannelReserve(Channels):
    """All channels of the chain."""

    ChannelOpened = Event(
        "ChannelOpened(bytes32 indexed channelId, address indexed payer, address indexed payee,"
        " address operator, address token, address authorizedSigner, bytes32 salt,"
        " bytes32 expiringNonceHash, uint96 deposit)"
    )
    Settled = Event(
        "Settled(bytes32 indexed channelId, address indexed payer, address indexed payee,"
        " uint96 cumulativeAmount, uint96 deltaPaid, uint96 newSettled)"
    )
    TopUp = Event(
        "TopUp(bytes32 indexed channelId, address indexed payer, address indexed payee,"
        " uint96 additionalDeposit, uint96 newDeposit)"
    )
    CloseRequested = Event(
        "CloseRequested(bytes32 indexed channelId, address indexed payer, address indexed payee,"
        " uint256 closeGraceEnd)"
    )
    CloseRequestCancelled = Event(
        "CloseRequestCancelled(bytes32 indexed channelId, address indexed payer,"
        " address indexed payee)"
    )
    ChannelClosed = Event(
        "ChannelClosed(bytes32 indexed channelId, address indexed payer, address indexed payee,"
        " uint96 settledToPayee, uint96 refundedToPayer)"
    )

    ChannelAlreadyExists = Error("ChannelAlreadyExists()")
    ZeroDeposit = Error("ZeroDeposit()")
    AmountExceedsDeposit = Error("AmountExceedsDeposit()")
    AmountNotIncreasing = Error("AmountNotIncreasing()")
    CaptureAmountInvalid = Error("CaptureAmountInvalid()")
    CloseNotReady = Error("CloseNotReady()")
    DepositOverflow = Error("DepositOverflow()")

    # -- the payer --------------------------------------------------------------------------------

    @function(
        "open(address payee, address operator, address token, uint96 deposit, bytes32 salt,"
        " address authorizedSigner) returns (bytes32 channelId)"
    )
    def open(
        self,
        payee: bytes,
        operator: bytes,
        token: bytes,
        deposit: int,
        salt: bytes,
        authorized_signer: bytes,
    ) -> bytes:
        """Open a channel from the caller; the deposit is taken without an approval."""
        self.require_payable(payee, operator)
        self.require_token(token)
        if not deposit:
            raise self.ZeroDeposit()
        nonce_hash = self.require_nonce_hash()
        channel = Descriptor(
            self.sender, payee, operator, token, salt, authorized_signer, nonce_hash
        )
        channel_id = self.id_of(channel)
        if self._opened_here(channel_id) or self.state(channel_id).deposit:
            raise self.ChannelAlreadyExists()
        self.require_authorized_payee(channel)
        self._pull(channel, deposit)
        self.states[channel_id] = State(0, deposit)
        self.count_opened(self.sender, channel_id)
        self.emit(
            self.ChannelOpened, channel_id, self.sender, payee, operator, token,
            authorized_signer, salt, nonce_hash, deposit,
        )  # fmt: skip
        return channel_id

    @function(f"topUp({DESCRIPTOR} descriptor, uint96 additionalDeposit)")
    def top_up(self, fields: Sequence[bytes], additional: int) -> None:
        """Add to the deposit, which also takes a request to close back."""
        channel, channel_id, state = self.find(fields)
        self.require_payer(channel)
        if not additional and not state.close_requested_at_s:
            return
        deposit = state.deposit + additional
        if deposit > MAX_AMOUNT:
            raise self.DepositOverflow()
        if additional:
            self.require_authorized_payee(channel)
            self._pull(channel, additional)
        self.states[channel_id] = State(state.settled, deposit)
        if state.close_requested_at_s:
            self.emit(self.CloseRequestCancelled, channel_id, channel.payer, channel.payee)
        self.emit(self.TopUp, channel_id, channel.payer, channel.payee, additional, deposit)

    @function(f"requestClose({DESCRIPTOR} descriptor)")
    def request_close(self, fields: Sequence[bytes]) -> None:
        """Announce a withdrawal, so that the payee settles first; to ask again does nothing."""
        channel, channel_id, state = self.find(fields)
        self.require_payer(channel)
        if state.close_requested_at_s:
            return
        # A clock set past 2106 does not fit; it stays at the end of time instead of wrapping.
        now_s = min(self.now_s, _MAX_TIME_S)
        self.states[channel_id] = State(state.settled, state.deposit, now_s)
        grace_end_s = now_s + CLOSE_GRACE_PERIOD_S
        self.emit(self.CloseRequested, channel_id, channel.payer, channel.payee, grace_end_s)

    @function(f"withdraw({DESCRIPTOR} descriptor)")
    def withdraw(self, fields: Sequence[bytes]) -> None:
        """Close without the payee after the grace period: what is not settled comes back."""
        channel, channel_id, state = self.find(fields)
        self.require_payer(channel)
        requested_at_s = state.close_requested_at_s
        if not requested_at_s or self.now_s < requested_at_s + CLOSE_GRACE_PERIOD_S:
            raise self.CloseNotReady()
        self._close(channel, channel_id, state, state.settled)

    # -- the payee --------------------------------------------------------------------------------

    @function(f"settle({DESCRIPTOR} descriptor, uint96 cumulativeAmount, bytes signature)")
    def settle(self, fields: Sequence[bytes], cumulative_amount: int, signature: bytes) -> None:
        """Cash a voucher: what it grants beyond the last one goes to the payee."""
        channel, channel_id, state = self.find(fields)
        self.require_payee_or_operator(channel)
        if cumulative_amount > state.deposit:
            raise self.AmountExceedsDeposit()
        if cumulative_amount <= state.settled:
            raise self.AmountNotIncreasing()
        self.require_voucher(channel, channel_id, cumulative_amount, signature)
        self.require_authorized_payer(channel)
        delta = cumulative_amount - state.settled
        self.states[channel_id] = state._replace(settled=cumulative_amount)
        self._pay(channel.token, channel.payee, delta)
        self.emit(
            self.Settled, channel_id, channel.payer, channel.payee,
            cumulative_amount, delta, cumulative_amount,
        )  # fmt: skip

    @function(
        f"close({DESCRIPTOR} descriptor, uint96 cumulativeAmount, uint96 captureAmount,"
        " bytes signature)"
    )
    def close(
        self, fields: Sequence[bytes], cumulative_amount: int, capture: int, signature: bytes
    ) -> None:
        """Capture a last amount, up to what the voucher grants, and give the payer the rest back.

        The voucher may grant more than the deposit, and is not needed if nothing new is captured.
        """
        channel, channel_id, state = self.find(fields)
        self.require_payee_or_operator(channel)
        if not state.settled <= capture <= cumulative_amount:
            raise self.CaptureAmountInvalid()
        if capture > state.deposit:
            raise self.AmountExceedsDeposit()
        if capture > state.settled:
            self.require_voucher(channel, channel_id, cumulative_amount, signature)
        self._close(channel, channel_id, state, capture)

    def _close(self, channel: Descriptor, channel_id: bytes, state: State, captured: int) -> None:
        """Clear the slot and pay out; `captured` includes what was settled before."""
        credits_before = self.reserve_credits()
        self.states[channel_id] = State(0, 0)
        self.count_closed(channel.payer, channel_id, credits_before)
        refund = state.deposit - captured
        self._pay(channel.token, channel.payee, captured - state.settled)
        self._pay(channel.token, channel.payer, refund)
        self.emit(self.ChannelClosed, channel_id, channel.payer, channel.payee, captured, refund)

    def _opened_here(self, channel_id: bytes) -> bool:
        """Whether this transaction opened the channel, even if it closed it since."""
        self.frame.meter.charge(2 * gas.TRANSIENT)
        return channel_id in self.frame.scope.opened_channels

    # -- money ------------------------------------------------------------------------------------

    def _pull(self, channel: Descriptor, amount: int) -> None:
        token = self.contract(Tip20, channel.token)
        token.system_transfer_from(channel.payer, self.address, amount)

    def _pay(self, token: bytes, recipient: bytes, amount: int) -> None:
        if amount:
            self.contract(Tip20, token).system_transfer_from(self.address, recipient, amount)
