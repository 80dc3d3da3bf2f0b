"""The record of a channel, as JSON and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.methods.tempo_session import FieldError, Status, from_record, to_record
from sandbox.methods.tempo_session.rules import begin_close, finish_close
from tests.unit.sandbox.methods.tempo_session.support import (
    PAYEE,
    PAYER,
    TX,
    V1,
    make_channel,
    make_request,
    sign,
)

OPEN = make_channel(accepted=300, spent=200, settled=50, units=4, settled_units=2, version=9)
V1_OPEN = make_channel(make_request(V1), deposit=2**128 - 1)
CLOSING = begin_close(OPEN, 300, sign(OPEN, 300), closer=PAYEE)
CLOSED = finish_close(CLOSING, TX, 200)
OPENING = make_channel(status=Status.OPENING, opened_tx=None)


@pytest.mark.parametrize("channel", [OPEN, V1_OPEN, CLOSING, CLOSED, OPENING])
def test_a_record_survives_json(channel: Any) -> None:
    written = json.loads(json.dumps(to_record(channel)))
    assert from_record(written) == channel


def test_large_amounts_are_not_numbers_in_json() -> None:
    record = to_record(V1_OPEN)
    assert record["deposit"] == str(2**128 - 1)
    assert all(value < 2**53 for value in record.values() if isinstance(value, int))


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("format", 2, "format 2"),
        ("format", None, "format None"),
        ("protocol", "v3", "v3"),
        ("protocol", None, "protocol"),
        ("status", "gone", "gone"),
        ("id", "0x12", "id must be"),
        ("deposit", 5, "deposit must be"),
        ("accepted", "-5", "accepted must be"),
        ("units", -1, "units must be"),
        ("version", "1", "version must be"),
        ("descriptor", {}, "descriptor.payer"),
        ("closeOrder", {}, "closeOrder.cumulative"),
        ("closeOrder", [], "closeOrder must be"),
        ("openedTx", "0x", "openedTx must be"),
    ],
)
def test_a_broken_record_is_refused(name: str, value: object, why: str) -> None:
    with pytest.raises(FieldError, match=why):
        from_record(to_record(OPEN) | {name: value})


def test_what_is_no_record_is_refused() -> None:
    values: tuple[object, ...] = (None, [], "channel", {})
    for value in values:
        with pytest.raises(FieldError, match="channel record"):
            from_record(value)


def test_the_signer_is_the_payer_unless_another_is_authorised() -> None:
    assert make_channel().signer == PAYER.address
    assert make_channel(authorized_signer=b"\x77" * 20).signer == b"\x77" * 20
