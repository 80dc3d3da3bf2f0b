"""The offer in a challenge: written, read, and refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from mpp import Challenge
from mpp.errors import InvalidChallengeError

from mock_rails.tempo.addresses import CHANNEL_RESERVE, SESSION_ESCROW
from sandbox.methods.tempo_session import FieldError, SessionRequest, Snapshot, parse_request
from tests.unit.sandbox.methods.tempo_session.support import (
    OPERATOR,
    PAYEE,
    STRANGER,
    V1,
    V2,
    make_channel,
    make_request,
)

SNAPSHOT = Snapshot.of(make_channel(), 100)
FULL = make_request(
    suggested_deposit=50_000,
    operator=OPERATOR,
    min_voucher_delta=10,
    fee_payer=True,
    fee_token=b"\x20" * 20,
    channel_id=b"\x01" * 32,
    snapshot=SNAPSHOT,
)


@pytest.mark.parametrize("request_", [make_request(), make_request(V1), FULL])
def test_an_offer_is_read_back(request_: SessionRequest) -> None:
    assert parse_request(request_.to_json()) == request_


def test_an_offer_survives_a_challenge() -> None:
    """The way it travels: canonical JSON in a header that pympp writes and reads."""
    secret = "a secret of more than thirty-two bytes"  # not a key
    challenge = Challenge.create(
        secret_key=secret,
        realm="api.example.com",
        method="tempo",
        intent="session",
        request=FULL.to_json(),
    )
    header = challenge.to_www_authenticate("api.example.com")
    received = Challenge.from_www_authenticate(header)
    assert received.verify(secret, "api.example.com")
    assert parse_request(received.request) == FULL


def test_the_names_are_mppx_s() -> None:
    assert make_request(fee_payer=False, suggested_deposit=1_000).to_json() == {
        "amount": "100",
        "unitType": "request",
        "currency": "0x20c0000000000000000000000000000000000000",
        "recipient": "0x" + "22" * 20,
        "suggestedDeposit": "1000",
        "methodDetails": {
            "escrowContract": "0x4d50500000000000000000000000000000000000",
            "chainId": 1337,
            "feePayer": False,
            "sessionProtocol": "v2",
        },
    }
    assert set(FULL.to_json()["methodDetails"]) == {
        "escrowContract", "chainId", "channelId", "minVoucherDelta", "feePayer", "feeToken",
        "operator", "sessionProtocol", "sessionSnapshot",
    }  # fmt: skip


def test_an_offer_that_does_not_say_is_v1() -> None:
    """Facts, protocol 2.4 and D9."""
    members = make_request(V1).to_json()
    del members["methodDetails"]["sessionProtocol"]
    assert parse_request(members).protocol is V1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", None),
        ("amount", "0"),
        ("amount", "0.5"),
        ("amount", 100),
        ("amount", str(2**96)),
        ("unitType", None),
        ("currency", "USD"),
        ("recipient", None),
        ("suggestedDeposit", "-1"),
        ("methodDetails", None),
        ("methodDetails", []),
    ],
)
def test_a_wrong_member_is_named(name: str, value: object) -> None:
    with pytest.raises(InvalidChallengeError, match=name):
        parse_request(make_request().to_json() | {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("escrowContract", None),
        ("escrowContract", "0x" + "ee" * 20),
        ("chainId", None),
        ("chainId", 0),
        ("chainId", "1337"),
        ("chainId", True),
        ("sessionProtocol", "v3"),
        ("sessionProtocol", 2),
        ("operator", "0x"),
        ("feePayer", "yes"),
        ("feeToken", 1),
        ("minVoucherDelta", 1),
        ("channelId", "0x11"),
        ("sessionSnapshot", "none"),
    ],
)
def test_a_wrong_detail_is_named(name: str, value: Any) -> None:
    members = make_request().to_json()
    members["methodDetails"][name] = value
    with pytest.raises(InvalidChallengeError, match=name):
        parse_request(members)


def test_what_is_no_offer_is_refused() -> None:
    values: tuple[object, ...] = (None, [], "offer", 1)
    for value in values:
        with pytest.raises(InvalidChallengeError, match="request must be a JSON object"):
            parse_request(value)


def test_an_offer_that_nobody_could_take_is_not_made() -> None:
    with pytest.raises(FieldError, match="greater than 0"):
        make_request(amount=0)
    with pytest.raises(FieldError, match="escrowContract"):
        make_request(V2, escrow=SESSION_ESCROW)
    assert make_request(V1, escrow=b"\xee" * 20).escrow == b"\xee" * 20


def test_an_offer_covers_its_own_channels() -> None:
    offer = make_request()
    assert offer.covers(make_channel(offer))
    for other in (
        make_request(recipient=STRANGER),
        make_request(currency=CHANNEL_RESERVE),
        make_request(chain_id=1),
        make_request(V1),
    ):
        assert not other.covers(make_channel(offer))
    assert make_request(recipient=PAYEE, amount=5).covers(make_channel(offer))
