"""The four payloads: mppx's names, and every wrong field by its name."""

from __future__ import annotations

from typing import Any

import pytest
from mpp.errors import InvalidPayloadError

from sandbox.methods.tempo_session import Close, Open, TopUp, Voucher, parse_payload
from sandbox.methods.tempo_session.descriptor import descriptor_to_json
from tests.unit.sandbox.methods.tempo_session.support import V1, V2, make_channel, make_request

CHANNEL = make_channel()
ID, DESCRIPTOR = CHANNEL.id, CHANNEL.descriptor
SIGNATURE = b"\x01" * 65

V2_PAYLOADS: list[Any] = [
    Open(ID, DESCRIPTOR, b"\x76\x01", 100, SIGNATURE, b"\x11" * 20),
    Open(ID, DESCRIPTOR, b"\x76\x01", 0, SIGNATURE),
    Voucher(ID, DESCRIPTOR, 2**96 - 1, SIGNATURE),
    TopUp(ID, DESCRIPTOR, b"\x76\x01", 500),
    Close(ID, DESCRIPTOR, 7, SIGNATURE),
]
V1_PAYLOADS: list[Any] = [
    Open(ID, None, b"\x76\x01", 100, SIGNATURE, b"\x11" * 20),
    Voucher(ID, None, 2**128 - 1, SIGNATURE),
    TopUp(ID, None, b"\x76\x01", 500),
    Close(ID, None, 7, SIGNATURE),
]


@pytest.mark.parametrize("payload", V2_PAYLOADS)
def test_v2_payloads_are_read_back(payload: Any) -> None:
    assert parse_payload(payload.to_json(), V2) == payload


@pytest.mark.parametrize("payload", V1_PAYLOADS)
def test_v1_payloads_are_read_back_and_have_no_descriptor(payload: Any) -> None:
    members = payload.to_json()
    assert "descriptor" not in members
    assert parse_payload(members, V1) == payload
    shown = members | {"descriptor": descriptor_to_json(DESCRIPTOR)}
    assert parse_payload(shown, V1) == payload


def test_the_names_are_mppx_s() -> None:
    opening, _, voucher, top_up, close = (payload.to_json() for payload in V2_PAYLOADS)
    signed = {"action", "channelId", "descriptor", "cumulativeAmount", "signature"}
    assert set(opening) == signed | {"type", "transaction", "authorizedSigner"}
    assert set(voucher) == set(close) == signed
    assert set(top_up) == {
        "action", "type", "channelId", "transaction", "descriptor", "additionalDeposit",
    }  # fmt: skip
    assert [one["action"] for one in (opening, voucher, top_up, close)] == [
        "open", "voucher", "topUp", "close",
    ]  # fmt: skip


def test_actions_do_not_pass_for_each_other() -> None:
    voucher: object = Voucher(ID, DESCRIPTOR, 7, SIGNATURE)
    assert voucher != Close(ID, DESCRIPTOR, 7, SIGNATURE)


@pytest.mark.parametrize("action", [None, "", "Open", "topup", 1, ["open"], {"open": 1}])
def test_an_unknown_action_is_an_invalid_payload(action: object) -> None:
    with pytest.raises(InvalidPayloadError, match="action must be one of open, voucher, topUp"):
        parse_payload(V2_PAYLOADS[2].to_json() | {"action": action}, V2)


@pytest.mark.parametrize("value", [None, [], "open", 5, True])
def test_a_payload_is_an_object(value: object) -> None:
    with pytest.raises(InvalidPayloadError, match="payload must be a JSON object"):
        parse_payload(value, V2)


BAD: list[tuple[int, str, Any, str]] = [
    *((index, "channelId", "0x11", "channelId") for index in (0, 2, 3, 4)),
    *((index, "channelId", None, "channelId") for index in (0, 2, 3, 4)),
    *((index, "descriptor", None, "descriptor") for index in (0, 2, 3, 4)),
    *((index, "descriptor", {}, "descriptor.payer") for index in (0, 2, 3, 4)),
    *((index, "signature", "0x", "signature") for index in (0, 2, 4)),
    *((index, "signature", "0x1", "signature") for index in (0, 2, 4)),
    *((index, "cumulativeAmount", "-1", "cumulativeAmount") for index in (0, 2, 4)),
    *((index, "cumulativeAmount", 1, "cumulativeAmount") for index in (0, 2, 4)),
    *((index, "cumulativeAmount", str(2**96), "cumulativeAmount") for index in (0, 2, 4)),
    *((index, "type", "hash", "type") for index in (0, 3)),
    *((index, "transaction", 7, "transaction") for index in (0, 3)),
    (0, "authorizedSigner", "0x11", "authorizedSigner"),
    (3, "additionalDeposit", "1.5", "additionalDeposit"),
    (3, "additionalDeposit", str(2**96), "additionalDeposit"),
]


@pytest.mark.parametrize(("index", "name", "value", "named"), BAD)
def test_a_wrong_field_is_an_invalid_payload(
    index: int, name: str, value: object, named: str
) -> None:
    members = V2_PAYLOADS[index].to_json() | {name: value}
    with pytest.raises(InvalidPayloadError, match=named) as caught:
        parse_payload(members, V2)
    assert caught.value.status == 402
    del members[name]
    if name != "authorizedSigner":
        with pytest.raises(InvalidPayloadError, match=name):
            parse_payload(members, V2)


def test_v1_amounts_are_larger() -> None:
    members = V1_PAYLOADS[1].to_json()
    with pytest.raises(InvalidPayloadError, match="cumulativeAmount must be at most"):
        parse_payload(members | {"cumulativeAmount": str(2**128)}, V1)


def test_recent_descriptors_are_remembered() -> None:
    """A payer sends its descriptor with every voucher: it is parsed once."""
    members = make_channel(make_request(amount=5)).descriptor
    voucher = Voucher(ID, members, 7, SIGNATURE).to_json()
    first, second = parse_payload(voucher, V2), parse_payload(voucher, V2)
    assert first.descriptor is second.descriptor
