"""Receipts: mppx's form, and what a client demands of the last one."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from mpp import Receipt

from sandbox.methods.tempo_session import FieldError, SessionReceipt
from tests.unit.sandbox.methods.tempo_session.support import NOW_S, TX, make_channel

CHANNEL = make_channel(accepted=300, spent=200, units=2)
NOW_US = NOW_S * 1_000_000 + 7_999
RECEIPT = SessionReceipt.of(CHANNEL, "challenge", now_us=NOW_US, tx_hash=TX)


def test_a_receipt_is_mppx_s_member_for_member() -> None:
    channel_id = "0x" + CHANNEL.id.hex()
    assert list(RECEIPT.to_json().items()) == [
        ("method", "tempo"),
        ("intent", "session"),
        ("status", "success"),
        ("timestamp", "2026-01-01T00:00:00.007Z"),
        ("reference", channel_id),
        ("challengeId", "challenge"),
        ("channelId", channel_id),
        ("acceptedCumulative", "300"),
        ("spent", "200"),
        ("units", 2),
        ("txHash", "0x" + TX.hex()),
    ]


def test_the_header_is_unpadded_base64url_and_read_back() -> None:
    header = RECEIPT.to_header()
    assert not set(header) & set("=+/")
    padded = header + "=" * (-len(header) % 4)
    assert json.loads(base64.urlsafe_b64decode(padded)) == RECEIPT.to_json()
    assert SessionReceipt.from_header(header) == SessionReceipt.from_header(padded) == RECEIPT
    bare = replace(RECEIPT, units=None, tx_hash=None)
    assert SessionReceipt.from_header(bare.to_header()) == bare
    assert not {"units", "txHash"} & set(bare.to_json())


def test_pympp_reads_it_too() -> None:
    receipt = Receipt.from_payment_receipt(RECEIPT.to_header())
    assert (receipt.method, receipt.reference) == ("tempo", "0x" + CHANNEL.id.hex())


@pytest.mark.parametrize(
    "header", ["", "!", "é", "bm90IGpzb24", base64.urlsafe_b64encode(b"[]").decode()]
)
def test_what_is_no_receipt_is_refused(header: str) -> None:
    with pytest.raises(FieldError):
        SessionReceipt.from_header(header)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("intent", "charge"),
        ("status", "failed"),
        ("reference", "0x" + "11" * 32),
        ("channelId", None),
        ("challengeId", 1),
        ("acceptedCumulative", 300),
        ("spent", "-1"),
        ("timestamp", None),
        ("units", "2"),
        ("txHash", "0x12"),
    ],
)
def test_a_wrong_member_is_named(name: str, value: object) -> None:
    with pytest.raises(FieldError, match=name if name != "channelId" else "channelId"):
        SessionReceipt.from_json(RECEIPT.to_json() | {name: value})


def test_a_close_is_confirmed_for_what_was_signed() -> None:
    closed = SessionReceipt.of(CHANNEL, "abc", now_us=NOW_US, tx_hash=TX, accepted=200)
    assert closed.confirms_close("abc", CHANNEL.id, 200, minimum_spent=200)
    assert not closed.confirms_close("abd", CHANNEL.id, 200)
    assert not closed.confirms_close("abc", b"\x01" * 32, 200)
    assert not closed.confirms_close("abc", CHANNEL.id, 300)
    assert not closed.confirms_close("abc", CHANNEL.id, 200, minimum_spent=201)
    assert not replace(closed, tx_hash=None).confirms_close("abc", CHANNEL.id, 200)
    assert not replace(closed, spent=201).confirms_close("abc", CHANNEL.id, 200)
