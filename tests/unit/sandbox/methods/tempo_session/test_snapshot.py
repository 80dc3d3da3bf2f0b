"""Snapshots: mppx's form, and what a client believes of one."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from mpp.errors import PaymentError, VerificationFailedError

from sandbox.methods.tempo_session import FieldError, Snapshot, Status
from sandbox.methods.tempo_session.problems import InvalidSignatureError
from tests.unit.sandbox.methods.tempo_session.support import (
    NOW_S,
    OTHER,
    STRANGER,
    V1,
    make_channel,
    make_request,
    sign,
)

CHANNEL = make_channel(accepted=300, spent=200, settled=50, units=2)


def snapshot_of(channel: Any = CHANNEL, amount: int = 100) -> Snapshot:
    found = Snapshot.of(channel, amount)
    assert found is not None
    return found


def test_a_snapshot_is_mppx_s_member_for_member() -> None:
    members = snapshot_of().to_json()
    assert list(members) == [
        "acceptedCumulative", "chainId", "channelId", "deposit", "descriptor", "escrow",
        "highestVoucher", "requiredCumulative", "settled", "spent", "units",
    ]  # fmt: skip
    assert members["highestVoucher"] == {
        "channelId": "0x" + CHANNEL.id.hex(),
        "cumulativeAmount": "300",
        "signature": "0x" + CHANNEL.signature.hex(),
    }
    assert (members["requiredCumulative"], members["units"]) == ("300", 2)
    leaving = replace(snapshot_of(), close_requested_at_s=NOW_S)
    assert leaving.to_json()["closeRequestedAt"] == str(NOW_S)
    assert Snapshot.from_json(leaving.to_json()) == leaving


def test_the_header_is_base64_of_json_in_any_of_its_spellings() -> None:
    header = snapshot_of().to_header()
    assert json.loads(base64.b64decode(header, validate=True)) == snapshot_of().to_json()
    url = header.rstrip("=").replace("+", "-").replace("/", "_")
    for spelling in (header, header.rstrip("="), url, f" {header} "):
        assert Snapshot.from_header(spelling) == snapshot_of()


@pytest.mark.parametrize("header", ["", "{}", "é", "AAAA", base64.b64encode(b"[]").decode(), "A"])
def test_what_is_no_snapshot_is_refused(header: str) -> None:
    with pytest.raises(FieldError):
        Snapshot.from_header(header)


@pytest.mark.parametrize(
    "channel",
    [
        make_channel(make_request(V1)),
        make_channel(status=Status.OPENING),
        make_channel(status=Status.CLOSING),
        make_channel(status=Status.CLOSED),
        make_channel(close_requested_at_s=NOW_S),
    ],
)
def test_a_channel_of_no_use_has_no_snapshot(channel: Any) -> None:
    assert Snapshot.of(channel, 100) is None


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("acceptedCumulative", "301", "is not acceptedCumulative"),
        ("highestVoucher", None, "highestVoucher must be"),
        ("highestVoucher", {"channelId": "0x" + "11" * 32}, "not the snapshot's channelId"),
        ("channelId", "0x", "channelId must be"),
        ("chainId", "1337", "chainId must be"),
        ("descriptor", None, "descriptor must be"),
        ("escrow", None, "escrow must be"),
        ("deposit", 1_000, "deposit must be"),
        ("units", None, "units must be"),
        ("closeRequestedAt", 5, "closeRequestedAt must be"),
    ],
)
def test_a_wrong_member_is_named(name: str, value: object, why: str) -> None:
    with pytest.raises(FieldError, match=why):
        Snapshot.from_json(snapshot_of().to_json() | {name: value})


def test_an_honest_snapshot_is_believed() -> None:
    snapshot_of().verify()
    snapshot_of().verify_against(CHANNEL)
    passkeyed = make_channel(authorized_signer=OTHER.address, signer=OTHER)
    snapshot_of(passkeyed).verify()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"escrow": STRANGER}, "not of the channel reserve"),
        ({"chain_id": 1}, "does not match channelId"),
        ({"channel_id": b"\x01" * 32}, "does not match channelId"),
        ({"spent": 301}, "spent exceeds"),
        ({"deposit": 299}, "exceeds its deposit"),
        ({"settled": 1_001}, "exceeds its deposit"),
    ],
)
def test_a_snapshot_that_contradicts_itself_is_not(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(VerificationFailedError, match=why):
        replace(snapshot_of(), **changes).verify()


def test_a_voucher_that_nobody_signed_is_not_believed() -> None:
    with pytest.raises(InvalidSignatureError):
        replace(snapshot_of(), accepted=301).verify()
    with pytest.raises(InvalidSignatureError):
        replace(snapshot_of(), signature=sign(CHANNEL, 300, OTHER)).verify()


def test_a_server_may_be_behind_its_client_but_not_ahead() -> None:
    ahead = CHANNEL._replace(accepted=400, signature=sign(CHANNEL, 400))
    snapshot_of().verify_against(ahead)
    with pytest.raises(VerificationFailedError, match="claims a voucher of 400"):
        snapshot_of(ahead).verify_against(CHANNEL)
    with pytest.raises(PaymentError, match="another channel"):
        snapshot_of().verify_against(make_channel(make_request(recipient=STRANGER)))
