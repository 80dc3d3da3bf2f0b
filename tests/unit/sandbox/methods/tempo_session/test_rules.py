"""Each row of the rule table (facts, protocol 2.5) is a test here or, for what needs a transaction
or a descriptor, in `test_opening`, `test_top_up`, `test_identity` and `test_payload`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from mpp.errors import PaymentError, VerificationFailedError

from mock_rails.tempo.tx.signers import P256Signer
from sandbox.methods.tempo_session import (
    Channel,
    CloseOrder,
    SessionProtocol,
    Status,
    accept_voucher,
    begin_close,
    check_opening,
    open_channel,
    rules,
    spend,
)
from sandbox.methods.tempo_session.problems import (
    AmountExceedsDepositError,
    ChannelClosedError,
    ChannelNotFoundError,
    DeltaTooSmallError,
    InsufficientBalanceError,
    InvalidSignatureError,
)
from tests.unit.sandbox.methods.tempo_session.support import (
    NOW_S,
    OPERATOR,
    OTHER,
    PAYEE,
    PAYER,
    STRANGER,
    TX,
    V1,
    V2,
    make_channel,
    make_open,
    make_request,
    sign,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PROTOCOLS = tuple(SessionProtocol)
ENDING: list[tuple[dict[str, Any], str]] = [
    ({"status": Status.CLOSED}, "finalized"),
    ({"status": Status.CLOSING}, "pending close"),
    ({"close_requested_at_s": NOW_S}, "pending close"),
]


def accept(channel: Channel, amount: int, **options: Any) -> Channel:
    return accept_voucher(channel, amount, sign(channel, amount), **options)


def close(channel: Channel, amount: int, *, closer: bytes = PAYEE, **options: Any) -> Channel:
    return begin_close(channel, amount, sign(channel, amount), closer=closer, **options)


class TestVouchers:
    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_a_higher_voucher_is_accepted(self, protocol: SessionProtocol) -> None:
        channel = make_channel(make_request(protocol))
        signature = sign(channel, 250)
        after = accept_voucher(channel, 250, signature)
        assert after == channel._replace(accepted=250, signature=signature, version=2)

    def test_all_of_the_deposit_may_be_authorised(self) -> None:
        assert accept(make_channel(), 1_000).accepted == 1_000

    def test_an_equal_voucher_is_accepted_again_and_changes_nothing(self) -> None:
        channel = make_channel(accepted=100, spent=100)
        assert accept(channel, 100) is channel
        assert accept(channel, 100, min_delta=50) is channel

    def test_an_equal_voucher_must_be_signed_too(self) -> None:
        with pytest.raises(InvalidSignatureError):
            accept_voucher(make_channel(), 100, b"\x01" * 65)

    def test_an_invalid_signature_is_refused(self) -> None:
        channel = make_channel()
        for signature in (sign(channel, 201), sign(channel, 200, OTHER), b"\x01" * 64 + b"\x1b"):
            with pytest.raises(InvalidSignatureError):
                accept_voucher(channel, 200, signature)

    def test_the_authorized_signer_signs_and_the_payer_does_not(self) -> None:
        channel = make_channel(signer=OTHER, authorized_signer=OTHER.address)
        assert accept_voucher(channel, 200, sign(channel, 200, OTHER)).accepted == 200
        with pytest.raises(InvalidSignatureError):
            accept_voucher(channel, 200, sign(channel, 200, PAYER))

    def test_a_passkey_may_sign(self) -> None:
        passkey = P256Signer(bytes(31) + b"\x07")
        channel = make_channel(authorized_signer=passkey.address)
        assert accept_voucher(channel, 200, sign(channel, 200, passkey)).accepted == 200

    def test_more_than_the_deposit_is_refused(self) -> None:
        with pytest.raises(AmountExceedsDepositError, match="exceeds on-chain deposit"):
            accept(make_channel(), 1_001)

    def test_less_than_the_highest_is_stale(self) -> None:
        with pytest.raises(VerificationFailedError, match="strictly greater than highest"):
            accept(make_channel(accepted=100), 99)

    def test_what_is_settled_already_is_refused(self) -> None:
        for amount in (200, 300):
            with pytest.raises(VerificationFailedError, match="below on-chain settled"):
                accept(make_channel(accepted=100, settled=300), amount)
        assert accept(make_channel(accepted=100, settled=300), 301).accepted == 301

    def test_an_increase_below_the_minimum_is_refused(self) -> None:
        with pytest.raises(DeltaTooSmallError, match="voucher delta 9 below minimum 10"):
            accept(make_channel(accepted=100), 109, min_delta=10)
        assert accept(make_channel(accepted=100), 110, min_delta=10).accepted == 110

    @pytest.mark.parametrize(("standing", "why"), ENDING)
    def test_a_channel_that_ends_takes_no_voucher(self, standing: dict[str, Any], why: str) -> None:
        with pytest.raises(ChannelClosedError, match=why) as caught:
            accept(make_channel(**standing), 200)
        assert caught.value.status == 410

    def test_a_channel_that_is_not_confirmed_yet_takes_no_voucher(self) -> None:
        with pytest.raises(VerificationFailedError, match="still being opened"):
            accept(make_channel(status=Status.OPENING), 200)

    def test_the_checks_come_in_mppx_s_order(self) -> None:
        """Amounts against the deposit and the highest, the signature, the settled amount, delta."""
        bad = b"\x01" * 65
        channel = make_channel(accepted=100, settled=150)
        with pytest.raises(AmountExceedsDepositError):
            accept_voucher(channel, 2_000, bad)
        with pytest.raises(VerificationFailedError, match="strictly greater"):
            accept_voucher(channel, 50, bad)
        with pytest.raises(InvalidSignatureError):
            accept_voucher(channel, 120, bad)
        with pytest.raises(VerificationFailedError, match="settled"):
            accept(channel, 120, min_delta=10_000)

    def test_a_second_look_checks_everything_but_the_signature(self) -> None:
        channel = make_channel()
        bad = b"\x01" * 65
        assert accept_voucher(channel, 200, bad, signature_checked=True).accepted == 200
        with pytest.raises(AmountExceedsDepositError):
            accept_voucher(channel, 1_001, bad, signature_checked=True)
        gone = channel._replace(status=Status.CLOSED)
        with pytest.raises(ChannelClosedError):
            accept_voucher(gone, 200, bad, signature_checked=True)


class TestSpending:
    def test_what_is_authorised_can_be_spent(self) -> None:
        channel = make_channel(accepted=300)
        after = spend(spend(channel, 100), 200, units=3)
        assert (after.spent, after.units, after.available, after.version) == (300, 4, 0, 3)
        assert after.accepted == 300

    def test_what_is_not_authorised_cannot(self) -> None:
        with pytest.raises(InsufficientBalanceError, match="requested 101, available 100"):
            spend(make_channel(accepted=300, spent=200), 101)

    def test_nothing_costs_nothing(self) -> None:
        channel = make_channel()
        assert spend(channel, 0, units=0) is channel

    @pytest.mark.parametrize(("standing", "why"), ENDING)
    def test_a_channel_that_ends_cannot_be_spent_from(
        self, standing: dict[str, Any], why: str
    ) -> None:
        with pytest.raises(ChannelClosedError, match=why):
            spend(make_channel(**standing), 1)

    def test_a_channel_that_is_not_confirmed_yet_cannot_be_spent_from(self) -> None:
        with pytest.raises(VerificationFailedError, match="still being opened"):
            spend(make_channel(status=Status.OPENING), 1)

    @pytest.mark.parametrize(("amount", "units"), [(-1, 1), (1, -1)])
    def test_a_negative_charge_is_the_caller_s_mistake(self, amount: int, units: int) -> None:
        with pytest.raises(ValueError, match="cannot be negative"):
            spend(make_channel(), amount, units)


class TestOpening:
    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_an_opening_is_remembered_and_then_confirmed(self, protocol: SessionProtocol) -> None:
        request = make_request(protocol)
        payload = make_open(request, cumulative=150)
        channel = open_channel(None, check_opening(request, payload), now_s=NOW_S)
        assert channel.status is Status.OPENING
        assert (channel.deposit, channel.accepted, channel.spent) == (1_000, 150, 0)
        assert (channel.id, channel.signer) == (payload.channel_id, PAYER.address)
        assert channel.opened_at_s == channel.settled_at_s == NOW_S
        confirmed = rules.confirm_open(channel, TX)
        assert (confirmed.status, confirmed.opened_tx) == (Status.OPEN, TX)
        assert rules.confirm_open(confirmed, b"\xbb" * 32) is confirmed
        assert spend(confirmed, 100).spent == 100

    def test_an_opening_sent_again_changes_nothing(self) -> None:
        request = make_request()
        opening = check_opening(request, make_open(request))
        channel = rules.confirm_open(open_channel(None, opening, now_s=NOW_S), TX)
        later = accept(channel, 500)
        assert open_channel(channel, opening, now_s=NOW_S + 9) is channel
        assert open_channel(later, opening, now_s=NOW_S + 9) is later

    def test_an_opening_sent_again_with_a_higher_voucher_authorises_more(self) -> None:
        request = make_request()
        channel = open_channel(None, check_opening(request, make_open(request)), now_s=NOW_S)
        higher = check_opening(request, make_open(request, cumulative=400))
        assert open_channel(channel, higher, now_s=NOW_S).accepted == 400

    @pytest.mark.parametrize(("standing", "why"), ENDING)
    def test_what_ended_is_not_opened_again(self, standing: dict[str, Any], why: str) -> None:
        request = make_request()
        opening = check_opening(request, make_open(request))
        ended = open_channel(None, opening, now_s=NOW_S)._replace(**standing)
        with pytest.raises(ChannelClosedError, match=why):
            open_channel(ended, opening, now_s=NOW_S)


class TestClosing:
    def test_v2_captures_what_was_spent_and_not_what_was_authorised(self) -> None:
        channel = make_channel(accepted=300, spent=200)
        signature = sign(channel, 400)
        closing = begin_close(channel, 400, signature, closer=PAYEE)
        assert closing.status is Status.CLOSING
        assert closing.close_order == CloseOrder(400, 200, signature)
        assert (closing.accepted, closing.signature) == (400, signature)

    def test_v1_captures_the_voucher(self) -> None:
        channel = make_channel(make_request(V1), accepted=300, spent=200)
        assert close(channel, 200).close_order == CloseOrder(200, 200, sign(channel, 200))
        assert close(channel, 250).close_order == CloseOrder(250, 250, sign(channel, 250))

    def test_a_lower_voucher_that_covers_the_spending_closes_and_lowers_nothing(self) -> None:
        channel = make_channel(accepted=300, spent=200)
        closing = close(channel, 200)
        assert (closing.accepted, closing.signature) == (300, channel.signature)
        assert closing.close_order == CloseOrder(200, 200, sign(channel, 200))

    def test_what_is_settled_is_not_given_back(self) -> None:
        channel = make_channel(accepted=300, spent=200, settled=300)
        order = close(channel, 300).close_order
        assert order is not None
        assert order.capture == 300

    def test_nothing_spent_nothing_captured(self) -> None:
        """D11: a close at the settled amount is in order."""
        order = close(make_channel(), 0).close_order
        assert order is not None
        assert (order.cumulative, order.capture) == (0, 0)

    def test_less_than_was_spent_is_refused(self) -> None:
        with pytest.raises(VerificationFailedError, match=r"must be >= 200 \(spent\)"):
            close(make_channel(accepted=300, spent=200), 199)

    def test_less_than_was_settled_is_refused(self) -> None:
        with pytest.raises(VerificationFailedError, match=r"must be >= 250 \(on-chain settled\)"):
            close(make_channel(accepted=300, spent=200, settled=250), 249)

    def test_an_invalid_signature_is_refused(self) -> None:
        channel = make_channel()
        with pytest.raises(InvalidSignatureError):
            begin_close(channel, 200, sign(channel, 199), closer=PAYEE)

    def test_a_voucher_beyond_the_deposit_closes_v2_only(self) -> None:
        """The reserve asks that the capture fits the deposit, the escrow that the voucher does."""
        closing = close(make_channel(accepted=300, spent=200), 5_000)
        assert closing.close_order is not None
        assert closing.close_order.capture == 200
        assert closing.accepted == 300
        with pytest.raises(AmountExceedsDepositError, match="capture amount exceeds"):
            close(make_channel(make_request(V1), accepted=300, spent=200), 5_000)

    def test_a_capture_beyond_the_deposit_is_refused(self) -> None:
        with pytest.raises(AmountExceedsDepositError, match="capture amount exceeds"):
            close(make_channel(deposit=250, accepted=300, spent=300), 300)

    def test_only_the_payee_or_its_operator_closes(self) -> None:
        channel = make_channel(make_request(operator=OPERATOR))
        for closer in (PAYEE, OPERATOR):
            assert close(channel, 100, closer=closer).status is Status.CLOSING
        for closer in (STRANGER, PAYER.address, bytes(20)):
            with pytest.raises(VerificationFailedError, match="neither the channel's payee"):
                close(channel, 100, closer=closer)
        with pytest.raises(VerificationFailedError, match="neither the channel's payee"):
            close(make_channel(), 100, closer=bytes(20))

    @pytest.mark.parametrize(("standing", "why"), ENDING)
    def test_what_ends_is_not_closed_again(self, standing: dict[str, Any], why: str) -> None:
        with pytest.raises(ChannelClosedError, match=why):
            close(make_channel(**standing), 100)

    def test_a_close_is_finished_once(self) -> None:
        closing = close(make_channel(accepted=300, spent=200), 300)
        closed = rules.finish_close(closing, TX, 200)
        assert (closed.status, closed.closed_tx, closed.settled) == (Status.CLOSED, TX, 200)
        assert closed.close_order is None
        assert rules.finish_close(closed, b"\xbb" * 32, 900) is closed

    def test_a_close_that_failed_is_taken_back(self) -> None:
        channel = make_channel(accepted=300)
        opened = rules.abort_close(close(channel, 100))
        assert opened == channel._replace(version=3)
        assert rules.abort_close(opened) is opened
        assert spend(opened, 100).spent == 100

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_the_payee_closes_by_itself_even_in_the_grace_period(
        self, protocol: SessionProtocol
    ) -> None:
        request = make_request(protocol)
        channel = make_channel(request, accepted=300, spent=200, close_requested_at_s=NOW_S)
        closing = rules.close_by_payee(channel, closer=PAYEE)
        capture = 200 if protocol is V2 else 300
        assert closing.close_order == CloseOrder(300, capture, channel.signature)
        with pytest.raises(VerificationFailedError, match="neither"):
            rules.close_by_payee(channel, closer=STRANGER)
        for status in (Status.CLOSING, Status.CLOSED):
            with pytest.raises(ChannelClosedError):
                rules.close_by_payee(channel._replace(status=status), closer=PAYEE)
        waiting = channel._replace(status=Status.OPENING, close_requested_at_s=0)
        with pytest.raises(VerificationFailedError, match="still being opened"):
            rules.close_by_payee(waiting, closer=PAYEE)

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_the_order_grants_what_the_chain_captured_without_us(
        self, protocol: SessionProtocol
    ) -> None:
        channel = make_channel(make_request(protocol), accepted=100, settled=400)
        order = rules.close_by_payee(channel, closer=PAYEE).close_order
        assert order == CloseOrder(400, 400, channel.signature)


class TestNews:
    def test_a_top_up_raises_the_deposit_and_takes_a_request_to_leave_back(self) -> None:
        channel = make_channel(close_requested_at_s=NOW_S)
        after = rules.top_up(channel, 1_500)
        assert (after.deposit, after.close_requested_at_s) == (1_500, 0)
        assert accept(after, 1_500).accepted == 1_500
        assert rules.top_up(after, 1_500) is after
        assert rules.top_up(after, 700) is after
        assert rules.top_up(channel, 700).deposit == 1_000, "news that comes late lowers nothing"
        gone = channel._replace(status=Status.CLOSED)
        assert rules.top_up(gone, 9_000) is gone

    def test_a_forced_close_stops_everything_until_it_is_taken_back(self) -> None:
        channel = make_channel(accepted=300)
        leaving = rules.note_forced_close(channel, NOW_S)
        assert rules.note_forced_close(leaving, NOW_S) is leaving
        with pytest.raises(ChannelClosedError):
            spend(leaving, 1)
        assert spend(rules.note_forced_close(leaving, 0), 1).spent == 1

    def test_a_settlement_is_noted_and_starts_the_schedule_anew(self) -> None:
        channel = make_channel(accepted=300, spent=200, units=7)
        assert channel.exposure == 200
        after = rules.note_settled(channel, 150, now_s=NOW_S + 60)
        assert (after.settled, after.settled_at_s, after.settled_units) == (150, NOW_S + 60, 7)
        assert after.exposure == 50
        assert rules.note_settled(after, 150, now_s=NOW_S + 99) is after
        assert rules.note_settled(after, 100, now_s=NOW_S + 99) is after
        assert rules.note_settled(after, 300, now_s=NOW_S + 99).exposure == 0

    def test_a_settlement_that_was_on_its_way_raises_the_close_order(self) -> None:
        closing = close(make_channel(accepted=300, spent=200), 250)
        order = rules.note_settled(closing, 300, now_s=NOW_S).close_order
        assert order is not None
        assert (order.cumulative, order.capture) == (300, 300)
        assert rules.note_settled(closing, 150, now_s=NOW_S).close_order == closing.close_order

    def test_the_chain_s_state_is_taken_over_as_far_as_it_is_newer(self) -> None:
        channel = make_channel()

        def told(deposit: int, settled: int, requested: int, of: Channel = channel) -> Channel:
            return rules.note_chain_state(
                of, deposit=deposit, settled=settled, close_requested_at_s=requested, now_s=NOW_S
            )

        assert told(1_000, 0, 0) is channel
        assert told(900, 0, 0) is channel
        after = told(2_000, 50, NOW_S)
        assert (after.deposit, after.settled, after.close_requested_at_s) == (2_000, 50, NOW_S)
        with pytest.raises(ChannelNotFoundError, match="not funded on-chain") as caught:
            told(0, 0, 0)
        assert caught.value.status == 410
        closing = channel._replace(status=Status.CLOSING)
        assert told(0, 0, 0, closing) is closing


def test_a_refusal_is_always_a_problem_with_a_status() -> None:
    """What the gate turns into a response, for a sample of everything above."""
    channel = make_channel(accepted=100)
    attempts: list[Callable[[], Channel]] = [
        lambda: accept(channel, 5),
        lambda: accept(channel, 5_000),
        lambda: spend(channel, 101),
        lambda: close(channel, 100, closer=STRANGER),
    ]
    for refused in attempts:
        with pytest.raises(PaymentError) as caught:
            refused()
        assert caught.value.to_problem_details()["status"] in {402, 410}
