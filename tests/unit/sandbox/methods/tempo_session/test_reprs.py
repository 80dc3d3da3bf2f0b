"""What proves a payment is in no repr: logs, tracebacks and failed assertions show those.

Whoever holds a voucher or a signed transaction can use it (facts, protocol 2.5).
"""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.client.session.channel import Pending
from sandbox.methods.tempo_session import Close, Snapshot, TopUp, Voucher, check_opening
from sandbox.methods.tempo_session.channel import CloseOrder
from tests.unit.sandbox.methods.tempo_session.support import make_channel, make_open, make_request

PROOF = bytes(range(0x41, 0x41 + 26)) * 3
CHANNEL = make_channel()._replace(signature=PROOF)
ID, DESCRIPTOR = CHANNEL.id, CHANNEL.descriptor
OPEN = make_open(make_request(), deposit=5_000, cumulative=300)


@pytest.mark.parametrize(
    "record",
    [
        Voucher(ID, DESCRIPTOR, 7, PROOF),
        Close(ID, DESCRIPTOR, 7, PROOF),
        TopUp(ID, DESCRIPTOR, PROOF, 500),
        CHANNEL,
        CHANNEL._replace(close_order=CloseOrder(7, 7, PROOF)),
        Snapshot.of(CHANNEL, 100),
        Pending(PROOF, 7, 0),
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_record_shows_its_facts_and_not_its_proof(record: Any) -> None:
    shown = repr(record)
    assert shown.startswith(type(record).__name__)
    assert "7" in shown
    for form in (repr(PROOF)[2:-1], PROOF.hex()):
        assert form not in shown


def test_an_opening_shows_neither_its_voucher_nor_its_transaction() -> None:
    opening = check_opening(make_request(), OPEN)
    for shown in (repr(OPEN), repr(opening), repr(opening.transaction)):
        assert "signature" not in shown
        for proof in (OPEN.signature, OPEN.transaction):
            assert repr(proof)[2:-1] not in shown
    assert "deposit=5000" in repr(opening)
