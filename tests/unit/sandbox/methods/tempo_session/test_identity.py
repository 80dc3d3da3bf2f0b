"""Whose channel a credential speaks of, and who presents it."""

from __future__ import annotations

from typing import Any

import pytest
from mpp.errors import VerificationFailedError

from sandbox.methods.tempo_session import Close, Voucher, check_channel, check_source
from sandbox.methods.tempo_session.problems import ChannelNotFoundError, SignerMismatchError
from tests.unit.sandbox.methods.tempo_session.support import (
    OPERATOR,
    OTHER,
    PAYER,
    STRANGER,
    V1,
    make_channel,
    make_request,
)

OFFER = make_request()
CHANNEL = make_channel(OFFER)


def voucher(channel: Any = CHANNEL, **changes: Any) -> Voucher:
    fields = {
        "channel_id": channel.id,
        "descriptor": channel.descriptor,
        "cumulative": 200,
        "signature": b"\x01" * 65,
    }
    return Voucher(**(fields | changes))


def test_the_stored_channel_is_found() -> None:
    assert check_channel(OFFER, voucher(), CHANNEL) is CHANNEL
    close = Close(CHANNEL.id, CHANNEL.descriptor, 200, b"\x01" * 65)
    assert check_channel(OFFER, close, CHANNEL) is CHANNEL


def test_an_unknown_channel_is_gone() -> None:
    with pytest.raises(ChannelNotFoundError) as caught:
        check_channel(OFFER, voucher(), None)
    assert caught.value.status == 410


def test_an_id_that_the_descriptor_does_not_have_is_refused() -> None:
    with pytest.raises(VerificationFailedError, match="does not match channelId"):
        check_channel(OFFER, voucher(channel_id=b"\x01" * 32), CHANNEL)


@pytest.mark.parametrize(
    ("offer", "why"),
    [
        (make_request(recipient=STRANGER), "payee does not match"),
        (make_request(currency=b"\x20\xc0" + bytes(17) + b"\x01"), "token does not match"),
        (make_request(operator=OPERATOR), "operator does not match"),
        (make_request(chain_id=42_431), "does not match channelId"),
    ],
)
def test_a_channel_for_another_offer_is_refused(offer: Any, why: str) -> None:
    with pytest.raises(VerificationFailedError, match=why):
        check_channel(offer, voucher(), CHANNEL)


def test_a_store_that_answers_with_another_channel_is_not_believed() -> None:
    other = make_channel(OFFER, authorized_signer=OTHER.address)
    with pytest.raises(VerificationFailedError, match="does not match stored channel"):
        check_channel(OFFER, voucher(), other)
    with pytest.raises(VerificationFailedError, match="does not match stored channel"):
        check_channel(OFFER, voucher(descriptor=None), CHANNEL)


def test_v1_credentials_are_known_by_their_channel_alone() -> None:
    offer = make_request(V1)
    channel = make_channel(offer)
    payload = voucher(channel, descriptor=None)
    assert check_channel(offer, payload, channel) is channel
    with pytest.raises(ChannelNotFoundError):
        check_channel(offer, payload, None)
    for wrong in (make_request(V1, recipient=STRANGER), make_request(V1, escrow=b"\xee" * 20)):
        with pytest.raises(VerificationFailedError, match="does not belong to this offer"):
            check_channel(wrong, payload, channel)
    with pytest.raises(VerificationFailedError, match="does not belong to this offer"):
        check_channel(offer, voucher(channel, descriptor=None, channel_id=bytes(32)), channel)


def test_the_payer_and_the_authorized_signer_may_present_vouchers() -> None:
    channel = make_channel(authorized_signer=OTHER.address)
    for address in (PAYER.address, OTHER.address):
        check_source(channel, f"did:pkh:eip155:1337:0x{address.hex()}")
        check_source(channel, f"did:pkh:eip155:1337:0x{address.hex().upper()}")


@pytest.mark.parametrize(
    "source",
    [
        None,
        "",
        "0x" + PAYER.address.hex(),
        "did:pkh:eip155:1:0x" + PAYER.address.hex(),
        "did:pkh:eip155:13370x" + PAYER.address.hex(),
        "did:pkh:eip155:1337:",
        "did:pkh:eip155:1337:" + PAYER.address.hex(),
        "did:pkh:eip155:1337:0x" + PAYER.address.hex() + "00",
        "did:pkh:eip155:1337:0x" + STRANGER.hex(),
    ],
)
def test_nobody_else_may(source: str | None) -> None:
    with pytest.raises(SignerMismatchError):
        check_source(CHANNEL, source)
