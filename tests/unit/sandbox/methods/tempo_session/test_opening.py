"""Openings: real signed transactions, and each way in which one can be wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from mpp.errors import VerificationFailedError

from mock_rails.tempo.addresses import ALPHA_USD, PATH_USD, STABLECOIN_DEX
from mock_rails.tempo.tx.handoff import Handoff
from mock_rails.tempo.tx.model import TYPE_DYNAMIC_FEE, TYPE_LEGACY, Call
from mock_rails.tempo.tx.sign import sign_transaction
from sandbox.methods.tempo_session import Open, SessionProtocol, check_opening
from sandbox.methods.tempo_session.calls import APPROVE
from sandbox.methods.tempo_session.prefix import BUY
from sandbox.methods.tempo_session.problems import (
    AmountExceedsDepositError,
    InvalidSignatureError,
)
from tests.unit.sandbox.methods.tempo_session.support import (
    BOOKS,
    CHAIN_ID,
    OPERATOR,
    OTHER,
    PAYEE,
    PAYER,
    STRANGER,
    V1,
    V2,
    make_channel,
    make_open,
    make_request,
    make_transaction,
)

PROTOCOLS = tuple(SessionProtocol)
OFFER = make_request()


def refused(payload: Open, why: str, offer: Any = OFFER) -> None:
    with pytest.raises(VerificationFailedError, match=why):
        check_opening(offer, payload)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_opening_is_what_its_transaction_says(protocol: SessionProtocol) -> None:
    offer = make_request(protocol)
    payload = make_open(offer, deposit=5_000, cumulative=300)
    opening = check_opening(offer, payload)
    assert (opening.channel_id, opening.book) == (payload.channel_id, BOOKS[protocol])
    assert (opening.deposit, opening.cumulative) == (5_000, 300)
    assert opening.descriptor.payer == opening.transaction.sender == PAYER.address
    assert opening.transaction.signed.tx.calls[-1] == opening.transaction.call
    assert not isinstance(opening.transaction.signed, Handoff)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_access_key_may_be_named(protocol: SessionProtocol) -> None:
    offer = make_request(protocol)
    terms = {"authorized_signer": OTHER.address}
    payload = make_open(offer, terms=terms, voucher_signer=OTHER)
    assert check_opening(offer, payload).descriptor.signer == OTHER.address
    assert check_opening(offer, replace(payload, authorized_signer=None)).cumulative == 100
    with pytest.raises(InvalidSignatureError):
        check_opening(offer, make_open(offer, terms=terms))  # by the payer, who named another
    refused(replace(payload, authorized_signer=STRANGER), "authorizedSigner does not match", offer)


def test_the_operator_is_the_offer_s() -> None:
    offer = make_request(operator=OPERATOR)
    assert check_opening(offer, make_open(offer)).descriptor.operator == OPERATOR
    refused(make_open(offer, terms={"operator": STRANGER}), "operator does not match", offer)
    refused(make_open(OFFER, terms={"operator": OPERATOR}), "operator does not match")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_payee_and_the_token_are_the_offer_s(protocol: SessionProtocol) -> None:
    offer = make_request(protocol)
    refused(make_open(offer, terms={"payee": STRANGER}), "payee does not match", offer)
    refused(make_open(offer, terms={"token": ALPHA_USD}), "token does not match", offer)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_id_is_the_transaction_s(protocol: SessionProtocol) -> None:
    offer = make_request(protocol)
    payload = make_open(offer)
    refused(replace(payload, channel_id=b"\x01" * 32), "does not match channelId", offer)


def test_a_descriptor_of_another_transaction_is_refused() -> None:
    """Two opens that differ in nothing but their gas are two channels."""
    payload, other = make_open(OFFER), make_open(OFFER, gas_limit=999_999)
    assert payload.channel_id != other.channel_id
    mixed = replace(payload, transaction=other.transaction)
    refused(mixed, "expiringNonceHash does not match transaction")


def test_a_descriptor_that_the_call_contradicts_is_refused() -> None:
    salty = make_open(OFFER, terms={"salt": b"\x09" * 32})
    plain = make_open(OFFER)
    assert salty.descriptor is not None
    assert plain.descriptor is not None
    refused(replace(salty, descriptor=plain.descriptor), "does not match channelId")


def test_a_transaction_by_somebody_else_opens_another_channel() -> None:
    by_other = make_open(OFFER, signer=OTHER)
    refused(replace(make_open(OFFER), transaction=by_other.transaction), "expiringNonceHash")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_deposit_and_the_voucher_cover_the_price(protocol: SessionProtocol) -> None:
    offer = make_request(protocol)
    refused(make_open(offer, deposit=99, cumulative=99), "deposit is less than request", offer)
    refused(make_open(offer, cumulative=99), "voucher amount is less than request", offer)
    refused(make_open(offer, cumulative=0), "voucher amount is less than request", offer)
    exact = check_opening(offer, make_open(offer, deposit=100, cumulative=100))
    assert (exact.deposit, exact.cumulative) == (100, 100)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_deposit_covers_the_voucher(protocol: SessionProtocol) -> None:
    offer = make_request(protocol)
    assert check_opening(offer, make_open(offer, cumulative=1_000)).cumulative == 1_000
    with pytest.raises(AmountExceedsDepositError, match="exceeds open deposit"):
        check_opening(offer, make_open(offer, cumulative=1_001))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_voucher_is_signed(protocol: SessionProtocol) -> None:
    offer = make_request(protocol)
    payload = make_open(offer)
    with pytest.raises(InvalidSignatureError):
        check_opening(offer, replace(payload, cumulative=101))


def test_a_sponsored_opening_comes_as_a_hand_off() -> None:
    offer = make_request(fee_payer=True)
    payload = make_open(offer, sponsored=True)
    assert payload.transaction[0] == 0x78
    opening = check_opening(offer, payload)
    assert isinstance(opening.transaction.signed, Handoff)
    refused(payload, "waits for a fee payer and the offer has none")
    assert check_opening(offer, make_open(offer)).deposit == 1_000, "who pays itself may"


@pytest.mark.parametrize("kind", [TYPE_LEGACY, TYPE_DYNAMIC_FEE])
def test_an_ethereum_transaction_opens_as_well(kind: int) -> None:
    fields: dict[str, Any] = {"nonce_key": 0, "valid_before": None, "fee_token": None}
    if kind == TYPE_LEGACY:
        fields["max_priority_fee_per_gas"] = 24_000_000_000
    payload = make_open(OFFER, type=kind, **fields)
    assert check_opening(OFFER, payload).descriptor.payer == PAYER.address


def test_a_transaction_for_another_chain_is_refused() -> None:
    refused(make_open(OFFER, chain_id=1), "transaction is for chain 1, not 1337")


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\x76", b"\x78\xc0", b"\xc0", b"\x03\x01"])
def test_what_is_no_transaction_is_refused(raw: bytes) -> None:
    refused(replace(make_open(OFFER), transaction=raw), "transaction: ")


def test_a_transaction_that_does_something_else_is_refused() -> None:
    reserve = OFFER.escrow
    for call, why in (
        (Call(PATH_USD, 0, b""), "wrong address"),
        (Call(None, 0, b"\x00"), "wrong address"),
        (Call(reserve, 0, b""), "one call of the escrow's open"),
        (Call(reserve, 0, bytes.fromhex("edc53b00") + bytes(31)), "one call of the escrow's open"),
        (Call(reserve, 0, bytes.fromhex("dc48471e") + bytes(256)), "one call of the escrow's open"),
    ):
        raw = sign_transaction(make_transaction(call), PAYER).raw
        refused(replace(make_open(OFFER), transaction=raw), why)


def swap_calls(deposit: int = 1_000, **changes: Any) -> tuple[Call, Call]:
    """mppx's auto-swap: buy the deposit with AlphaUSD."""
    said: dict[str, Any] = {
        "approve_to": ALPHA_USD,
        "spender": STABLECOIN_DEX,
        "approved": 1_010,
        "swap_to": STABLECOIN_DEX,
        "token_in": ALPHA_USD,
        "token_out": PATH_USD,
        "out": deposit,
        "most": 1_010,
        "value": 0,
    } | changes
    swap = BUY.call(said["token_in"], said["token_out"], said["out"], said["most"])
    return (
        Call(said["approve_to"], said["value"], APPROVE.call(said["spender"], said["approved"])),
        Call(said["swap_to"], 0, swap),
    )


class TestPrefixes:
    """What may come before the open call: nothing, or what makes the deposit payable."""

    def test_an_auto_swap_may(self) -> None:
        opening = check_opening(OFFER, make_open(OFFER, prefix=swap_calls()))
        assert len(opening.transaction.prefix) == 2

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"approve_to": PATH_USD}, "approval token"),
            ({"spender": STRANGER}, "approval spender"),
            ({"approved": 2**256 - 1}, "approval amount"),
            ({"swap_to": STRANGER}, "only an auto-swap"),
            ({"token_out": ALPHA_USD}, "output is not the channel's token"),
            ({"approve_to": PATH_USD, "token_in": PATH_USD}, "output is not the channel's token"),
            ({"out": 2_000}, "output amount is not the deposit"),
            ({"value": 1}, "native value"),
        ],
    )
    def test_an_auto_swap_does_nothing_else(self, changes: dict[str, Any], why: str) -> None:
        refused(make_open(OFFER, prefix=swap_calls(**changes)), why)

    def test_nothing_else_may(self) -> None:
        approve, swap = swap_calls()
        for prefix in ((approve,), (swap, approve), (approve, swap, approve), (approve, approve)):
            refused(make_open(OFFER, prefix=prefix), "only an auto-swap")

    def test_v1_approves_the_escrow_for_the_deposit(self) -> None:
        offer = make_request(V1)
        payload = make_open(offer)
        approve, opening = check_opening(offer, payload).transaction.signed.tx.calls
        assert approve.to == PATH_USD

        def sent(*calls: Call) -> Open:
            raw = sign_transaction(make_transaction(*calls), PAYER).raw
            return replace(payload, transaction=raw)

        assert check_opening(offer, sent(opening)).deposit == 1_000, "approved before"
        generous = Call(PATH_USD, 0, APPROVE.call(offer.escrow, 2**256 - 1))
        assert check_opening(offer, sent(generous, opening)).deposit == 1_000
        for calls, why in (
            ((Call(PATH_USD, 0, APPROVE.call(STRANGER, 1_000)), opening), "spender is not"),
            ((Call(PATH_USD, 0, APPROVE.call(offer.escrow, 999)), opening), "does not cover"),
            ((Call(ALPHA_USD, 0, approve.data), opening), "only an approval"),
            ((approve, approve, opening), "only an approval"),
            ((Call(PATH_USD, 0, b"\x01"), opening), "only an approval"),
            ((approve, opening._replace(value=1)), "native value"),
            ((opening, approve), "wrong address"),
        ):
            refused(sent(*calls), why, offer)


def test_an_open_channel_is_not_opened_by_its_description() -> None:
    """A payload with a good descriptor and voucher, but a transaction that pays somebody else."""
    channel = make_channel()
    payload = Open(channel.id, channel.descriptor, b"\x76", 100, channel.signature)
    refused(payload, "transaction: ")
    assert (channel.chain_id, channel.descriptor.payee, V2) == (CHAIN_ID, PAYEE, channel.protocol)
