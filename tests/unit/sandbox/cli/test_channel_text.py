"""Channels from both sides, told apart."""

from __future__ import annotations

import click

from sandbox.cli.channel_text import both_sides, merchant_rows, payer_json, payer_rows
from sandbox.client.session import ChannelState, PayerChannel
from sandbox.methods.tempo_session import Descriptor, SessionProtocol

CHANNEL = PayerChannel(
    id=b"\xb7" * 32,
    protocol=SessionProtocol.V2,
    descriptor=Descriptor(
        payer=b"\x01" * 20,
        payee=b"\x02" * 20,
        operator=bytes(20),
        token=b"\x20" * 20,
        salt=bytes(32),
        authorized_signer=b"\x01" * 20,
        expiring_nonce_hash=bytes(32),
    ),
    chain_id=1337,
    escrow=b"\x04" * 20,
    host="127.0.0.1:8402",
    url="http://127.0.0.1:8402/search",
    deposit=10**6,
    signed=3_000,
    claimed=3_000,
    spent=2_000,
    state=ChannelState.OPEN,
)
KNOWN = {
    "id": "0x" + "b7" * 32,
    "status": "open",
    "payer": "0x" + "01" * 20,
    "payee": "0x" + "02" * 20,
    "deposit": "1000000",
    "accepted": "3000",
    "spent": "2000",
    "settled": "500",
    "exposure": "1500",
    "units": 2,
    "opened_tx": "0x" + "0a" * 32,
    "closed_tx": None,
}


def test_rows_line_up_under_their_heads_in_80_columns() -> None:
    for rows in (payer_rows([CHANNEL]), merchant_rows([KNOWN])):
        head, row = map(click.unstyle, rows)
        assert row.index("$0.002") + len("$0.002") == head.index("spent") + len("spent")
        assert row.index("$1.00") + len("$1.00") == head.index("deposit") + len("deposit")
        assert len(row) <= 80


def test_no_channel_is_said() -> None:
    assert payer_rows([]) == merchant_rows([]) == ["  none"]


def test_both_sides_say_what_they_know() -> None:
    text = click.unstyle("\n".join(both_sides(CHANNEL, KNOWN)))
    ours, theirs = text.split("As the merchants know it")
    assert "$0.003 (the highest voucher)" in ours
    assert "$0.0005 captured on the chain" in theirs
    assert "$0.0015 delivered and not settled" in theirs


def test_a_side_that_knows_nothing_says_so() -> None:
    text = "\n".join(both_sides(None, None))
    assert "not in this book" in text
    assert "not known to them" in text


def test_json_has_amounts_as_text_and_no_signed_bytes() -> None:
    told = payer_json(CHANNEL)
    assert (told["signed"], told["captured"]) == ("3000", None)
    assert "pending" not in told
