"""Transaction requests as the SDKs send them, and as they must not. Spec: facts 5.3."""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.errors import InvalidParams
from mock_rails.tempo.tx.authorization import authority_of
from mock_rails.tempo.tx.model import (
    EXPIRING_NONCE_KEY,
    TYPE_ACCESS_LIST,
    TYPE_DYNAMIC_FEE,
    TYPE_LEGACY,
    TYPE_SET_CODE,
    TYPE_TEMPO,
    Call,
)
from mock_rails.tempo.tx.request import TransactionRequest, transaction_from_request
from mock_rails.tempo.tx.sign import sign_authorization
from mock_rails.tempo.tx.signature_json import signature_to_json
from mock_rails.tempo.tx.signatures import parse_signature
from tests.unit.mock_rails.tempo.tx.samples import ACCOUNT_0, ACCOUNT_1, CHAIN_ID, KEY_1, PATH_USD

ADDRESS_0 = "0x" + ACCOUNT_0.hex()
ADDRESS_1 = "0x" + ACCOUNT_1.hex()
TOKEN = "0x" + PATH_USD.hex()


def read(**members: Any) -> TransactionRequest:
    """The request with these members."""
    return transaction_from_request(members, chain_id=CHAIN_ID)


def refusal(**members: Any) -> str:
    """The text of the -32602 for these members."""
    with pytest.raises(InvalidParams) as caught:
        read(**members)
    assert caught.value.code == -32602
    return caught.value.message


def test_a_pympp_split_payment() -> None:
    """Earlier payments in `calls`, the last at the top level: it is appended last."""
    request = read(
        **{
            "from": ADDRESS_0,
            "to": TOKEN,
            "data": "0x03",
            "calls": [{"to": TOKEN, "data": "0x01"}, {"to": ADDRESS_1, "input": "0x02"}],
        }
    )
    assert request.tx.type == TYPE_TEMPO
    assert request.tx.calls == (
        Call(PATH_USD, 0, b"\x01"),
        Call(ACCOUNT_1, 0, b"\x02"),
        Call(PATH_USD, 0, b"\x03"),
    )
    assert request.sender == ACCOUNT_0


def test_calls_without_a_top_level_target_stand_alone() -> None:
    """Data at the top level is then nobody's."""
    request = read(calls=[{"to": TOKEN}], data="0x01", value="0x")
    assert request.tx.calls == (Call(PATH_USD, 0, b""),)


def test_a_viem_request() -> None:
    """Stripped top level, "0x" for zero, mixed-case address, numbers in the signature."""
    request = read(
        **{
            "type": "0x76",
            "from": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "calls": [{"to": TOKEN, "value": "0x", "data": "0x"}],
            "feeToken": TOKEN,
            "nonceKey": hex(EXPIRING_NONCE_KEY),
            "validBefore": "0x6553f13c",
            "validAfter": None,
            "feePayerSignature": {"r": "0x01", "s": "0x02", "yParity": 1},
            "keyType": "webAuthn",
            "keyData": "0x0578",
            "keyId": ADDRESS_1,
            "feePayer": True,
            "capabilities": {"anything": [1]},
            "to": None,
        }
    )
    tx = request.tx
    assert tx.fee_token == PATH_USD
    assert tx.is_expiring
    assert (tx.valid_before, tx.valid_after) == (1_700_000_060, None)
    assert tx.fee_payer_signature == (1, 1, 2)
    assert request.sender == ACCOUNT_0
    assert (request.hints.key_type, request.hints.key_id) == (2, ACCOUNT_1)
    assert request.hints.webauthn_bytes == 1400


@pytest.mark.parametrize(
    ("key_data", "size"), [("0x64", 100), ("0x0578", 1400), ("0x00000064", 100), ("0x", 800)]
)
def test_the_size_hint_of_a_passkey(key_data: str, size: int) -> None:
    """1, 2 or 4 bytes; anything else, and nothing, is 800."""
    assert read(to=TOKEN, keyData=key_data).hints.webauthn_bytes == size
    assert read(to=TOKEN, keyData="0x" + "00" * 900).hints.webauthn_bytes == 800
    assert read(to=TOKEN).hints.webauthn_bytes == 800


def test_the_sender_alone_is_an_empty_creation() -> None:
    """mppx warms up with it, so it must be understood."""
    request = read(**{"from": ADDRESS_0})
    assert request.tx.calls == (Call(None, 0, b""),)
    assert request.tx.type == TYPE_DYNAMIC_FEE


def test_a_tempo_transaction_needs_a_call() -> None:
    """The node's own text; but data without a target is a creation."""
    assert refusal(feeToken=TOKEN) == "empty calls list"
    assert refusal(type="0x76", calls=[]) == "empty calls list"
    assert read(feeToken=TOKEN, data="0x60").tx.calls == (Call(None, 0, b"\x60"),)
    assert read(calls=[], to=TOKEN).tx.calls == (Call(PATH_USD, 0, b""),)


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({}, TYPE_DYNAMIC_FEE),
        ({"gasPrice": "0x1"}, TYPE_LEGACY),
        ({"gasPrice": "0x1", "accessList": [{"address": TOKEN}]}, TYPE_ACCESS_LIST),
        ({"gasPrice": "0x1", "type": "0x2"}, TYPE_DYNAMIC_FEE),
        ({"type": "0x0"}, TYPE_LEGACY),
        ({"type": "0x1"}, TYPE_ACCESS_LIST),
        ({"type": "0x0", "maxFeePerGas": "0x1"}, TYPE_DYNAMIC_FEE),
        ({"type": "0x76"}, TYPE_TEMPO),
        ({"type": "0x2", "feeToken": TOKEN}, TYPE_TEMPO),
        ({"nonceKey": "0x0"}, TYPE_TEMPO),
        ({"validBefore": None, "feeToken": None}, TYPE_DYNAMIC_FEE),
        ({"aaAuthorizationList": []}, TYPE_TEMPO),
        ({"authorizationList": []}, TYPE_DYNAMIC_FEE),
    ],
)
def test_the_members_decide_the_type(members: dict[str, Any], kind: int) -> None:
    """Any Tempo member makes a 0x76, whatever type is stated."""
    assert read(to=TOKEN, **members).tx.type == kind


def test_missing_fields_are_named_and_filled() -> None:
    """The caller's own values win over what the node finds out."""
    request = read(to=TOKEN, nonce="0x7", maxPriorityFeePerGas="0x2")
    assert request.missing == {"gas_limit", "max_fee_per_gas"}
    assert request.tx.chain_id == CHAIN_ID

    tx = request.fill(nonce=1, gas_limit=21_000, max_fee_per_gas=30, max_priority_fee_per_gas=9)
    assert (tx.nonce, tx.gas_limit) == (7, 21_000)
    assert (tx.max_fee_per_gas, tx.max_priority_fee_per_gas) == (30, 2)


def test_a_single_price_is_filled_as_one() -> None:
    """Types 0 and 1 have it in both fields, given or not."""
    asked = read(to=TOKEN, type="0x0").fill(max_fee_per_gas=30, max_priority_fee_per_gas=1)
    assert (asked.max_fee_per_gas, asked.max_priority_fee_per_gas) == (30, 30)
    given = read(to=TOKEN, gasPrice="0x5").fill(max_fee_per_gas=30, max_priority_fee_per_gas=1)
    assert (given.max_fee_per_gas, given.max_priority_fee_per_gas) == (5, 5)


def test_the_requests_own_chain_id_is_kept() -> None:
    """Whether it is the right one is the executor's question."""
    assert read(to=TOKEN, chainId="0x1").tx.chain_id == 1


def test_zero_bounds_are_absent() -> None:
    """As on the wire."""
    tx = read(to=TOKEN, validBefore="0x0", validAfter="0x0").tx
    assert (tx.valid_before, tx.valid_after) == (None, None)


@pytest.mark.parametrize("name", ["authorizationList", "aaAuthorizationList"])
def test_account_authorizations_under_either_name(name: str) -> None:
    """ox sends Tempo's under Ethereum's name; scalars are rewritten as signature bytes."""
    tempo = sign_authorization(CHAIN_ID, PATH_USD, 3, KEY_1, tempo=True)
    assert isinstance(tempo.signature, bytes)
    signature = signature_to_json(parse_signature(tempo.signature))
    entry = {"chainId": "0x539", "address": TOKEN, "nonce": "0x3"}
    nested = read(to=TOKEN, **{name: [entry | {"signature": signature}]}).tx
    assert nested.type == TYPE_TEMPO
    assert nested.authorizations == (tempo,)

    flat = read(to=TOKEN, feeToken=TOKEN, **{name: [entry | signature]}).tx
    assert flat.authorizations == (tempo,)
    assert authority_of(flat.authorizations[0]) == ACCOUNT_1


def test_a_set_code_request() -> None:
    """EIP-7702 as viem sends it."""
    ours = sign_authorization(CHAIN_ID, PATH_USD, 3, KEY_1)
    y_parity, r, s = ours.signature
    entry = {"chainId": "0x539", "address": TOKEN, "nonce": "0x3", "r": hex(r), "s": hex(s)}
    for parity in ({"yParity": hex(y_parity)}, {"v": 27 + y_parity}):
        tx = read(to=TOKEN, authorizationList=[entry | parity]).tx
        assert (tx.type, tx.authorizations) == (TYPE_SET_CODE, (ours,))


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"to": "0x12"}, "to: expected 20 bytes of 0x-prefixed hex, got '0x12'"),
        ({"from": 5}, "from: expected 20 bytes"),
        ({"data": "a9059cbb"}, "data: expected 0x-prefixed hex data, got 'a9059cbb'"),
        ({"data": "0xabc"}, "data: expected 0x-prefixed hex data"),
        ({"data": "0xzz"}, "data: expected 0x-prefixed hex data"),
        ({"data": "0x a"}, "data: expected 0x-prefixed hex data"),
        ({"data": "0x01", "input": "0x02"}, 'both "data" and "input" are set and not equal'),
        ({"nonce": "7"}, "nonce: expected a hex quantity, got '7'"),
        ({"nonce": "0x1_0"}, "nonce: expected a hex quantity"),
        ({"nonce": True}, "nonce: expected a hex quantity, got True"),
        ({"nonce": -1}, "nonce: expected a hex quantity, got -1"),
        ({"nonce": 1.5}, "nonce: expected a hex quantity, got 1.5"),
        ({"nonce": "0x" + "1" * 17}, "nonce: expected a quantity of at most 64 bits"),
        ({"gas": []}, "gas: expected a hex quantity"),
        ({"maxFeePerGas": "0x1" + "0" * 32}, "maxFeePerGas: expected a quantity of at most 128"),
        ({"nonceKey": "expiring"}, "nonceKey: expected a hex quantity, got 'expiring'"),
        ({"value": "0x1" + "0" * 64}, "value: expected a quantity of at most 256 bits"),
        ({"calls": {}}, "calls: expected an array"),
        ({"calls": ["0x"]}, "calls[0]: expected an object"),
        ({"calls": [{"to": TOKEN}, {"to": "x"}]}, "calls[1].to: expected 20 bytes"),
        ({"calls": [{"to": TOKEN}, {}]}, "calls[1].to: expected an address (only call 0"),
        ({"accessList": [{"address": TOKEN, "storageKeys": ["0x01"]}]}, "storageKeys[0]"),
        ({"accessList": [{}]}, "accessList[0].address"),
        ({"feePayerSignature": {"r": "0x1", "s": "0x1"}}, "feePayerSignature.v"),
        ({"feePayerSignature": "0x"}, "feePayerSignature: expected an object"),
        ({"keyType": "rsa"}, "keyType: expected one of secp256k1, p256, webAuthn, got 'rsa'"),
        ({"keyId": "0x"}, "keyId: expected 20 bytes"),
        ({"keyAuthorization": []}, "keyAuthorization: expected an object"),
        ({"type": "0x3"}, "type: blob transactions"),
        ({"type": "eip1559"}, "type: expected a hex quantity"),
        ({"validBefore": "0x5", "validAfter": "0x5"}, "validBefore: expected more"),
        ({"aaAuthorizationList": [{}]}, "aaAuthorizationList[0].v"),
        ({"authorizationList": "0x"}, "authorizationList: expected an array"),
        (
            {"gasPrice": "0x1", "maxFeePerGas": "0x1"},
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
        ),
    ],
)
def test_malformed_members_are_named(members: dict[str, Any], text: str) -> None:
    """With what was expected and what came."""
    assert text in refusal(**({"to": TOKEN} | members))


def test_creating_excludes_authorizations() -> None:
    """In either type."""
    authorization = sign_authorization(CHAIN_ID, PATH_USD, 3, KEY_1)
    y_parity, r, s = authorization.signature
    entry = {
        "chainId": "0x1",
        "address": TOKEN,
        "nonce": "0x0",
        "yParity": hex(y_parity),
        "r": hex(r),
        "s": hex(s),
    }
    assert "nothing is created" in refusal(data="0x60", authorizationList=[entry])
    assert "nothing is created" in refusal(data="0x60", aaAuthorizationList=[entry])


def test_long_values_are_shortened_in_the_error() -> None:
    """A megabyte of bad calldata is not echoed."""
    assert len(refusal(data="0x" + "zz" * 500_000)) < 150


@pytest.mark.parametrize("value", [None, [], "0x", 5])
def test_a_request_is_an_object(value: object) -> None:
    """Whatever else came."""
    with pytest.raises(InvalidParams, match="transaction: expected an object"):
        transaction_from_request(value, chain_id=CHAIN_ID)


def test_unknown_members_are_ignored() -> None:
    """Facts 5.3; SDKs add what they like."""
    assert read(to=TOKEN, r="junk", chain=[], kzg=True).tx == read(to=TOKEN).tx
