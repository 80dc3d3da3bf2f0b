"""Top-ups: real signed transactions, and each way in which one can be wrong."""

from __future__ import annotations

from typing import Any

import pytest
from mpp.errors import VerificationFailedError

from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.tx.handoff import Handoff, hand_off
from mock_rails.tempo.tx.model import Call
from mock_rails.tempo.tx.sign import sign_transaction
from sandbox.methods.tempo_session import SessionProtocol, Status, TopUp, check_top_up
from sandbox.methods.tempo_session.calls import APPROVE, top_up_calls
from sandbox.methods.tempo_session.problems import ChannelClosedError
from tests.unit.sandbox.methods.tempo_session.support import (
    NOW_S,
    OTHER,
    PAYER,
    STRANGER,
    V1,
    V2,
    make_channel,
    make_request,
    make_transaction,
)
from tests.unit.sandbox.methods.tempo_session.test_opening import swap_calls

PROTOCOLS = tuple(SessionProtocol)
OFFER = make_request()
CHANNEL = make_channel(OFFER)


def top_up(channel: Any, *calls: Call, said: int = 500, signer: Any = PAYER) -> TopUp:
    tx = make_transaction(*(calls or top_up_calls(channel, 500)))
    shown = channel.descriptor if channel.protocol is V2 else None
    return TopUp(channel.id, shown, sign_transaction(tx, signer).raw, said)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_top_up_is_what_its_transaction_says(protocol: SessionProtocol) -> None:
    offer = make_request(protocol)
    channel = make_channel(offer)
    transaction = check_top_up(offer, channel, top_up(channel))
    assert transaction.sender == PAYER.address
    assert len(transaction.prefix) == (1 if protocol is V1 else 0)


def test_an_auto_swap_may_come_first() -> None:
    calls = (*swap_calls(500), *top_up_calls(CHANNEL, 500))
    assert len(check_top_up(OFFER, CHANNEL, top_up(CHANNEL, *calls)).prefix) == 2


def test_it_may_be_sponsored() -> None:
    handoff = hand_off(make_transaction(*top_up_calls(CHANNEL, 500)), PAYER)
    payload = TopUp(CHANNEL.id, CHANNEL.descriptor, handoff.encode(), 500)
    found = check_top_up(make_request(fee_payer=True), CHANNEL, payload)
    assert isinstance(found.signed, Handoff)
    with pytest.raises(VerificationFailedError, match="the offer has none"):
        check_top_up(OFFER, CHANNEL, payload)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_amount_channel_or_sender_is_refused(protocol: SessionProtocol) -> None:
    offer = make_request(protocol)
    channel = make_channel(offer)
    other = make_channel(make_request(protocol, recipient=STRANGER))
    for payload, why in (
        (top_up(channel, said=501), "deposit does not match credential"),
        (top_up(channel, *top_up_calls(other, 500)), "does not match stored channel"),
        (top_up(channel, signer=OTHER), "not signed by the channel's payer"),
        (top_up(channel, Call(channel.escrow, 0, b"")), "escrow's topUp"),
        (top_up(channel, Call(PATH_USD, 0, b"")), "wrong address"),
        (TopUp(channel.id, channel.descriptor, b"\x76", 500), "transaction: "),
    ):
        with pytest.raises(VerificationFailedError, match=why):
            check_top_up(offer, channel, payload)


def test_no_call_is_smuggled_in() -> None:
    smuggled = Call(PATH_USD, 0, APPROVE.call(STRANGER, 1))
    for calls in (
        (smuggled, *top_up_calls(CHANNEL, 500)),
        (*top_up_calls(CHANNEL, 500), *top_up_calls(CHANNEL, 500)),
    ):
        with pytest.raises(VerificationFailedError, match="only an auto-swap"):
            check_top_up(OFFER, CHANNEL, top_up(CHANNEL, *calls))


def test_a_deposit_that_would_overflow_is_refused() -> None:
    full = CHANNEL._replace(deposit=2**96 - 500)
    with pytest.raises(VerificationFailedError, match="overflow"):
        check_top_up(OFFER, full, top_up(CHANNEL))


@pytest.mark.parametrize(
    "standing",
    [{"status": Status.CLOSED}, {"status": Status.CLOSING}, {"close_requested_at_s": NOW_S}],
)
def test_a_channel_that_ends_takes_none(standing: dict[str, Any]) -> None:
    with pytest.raises(ChannelClosedError):
        check_top_up(OFFER, CHANNEL._replace(**standing), top_up(CHANNEL))
