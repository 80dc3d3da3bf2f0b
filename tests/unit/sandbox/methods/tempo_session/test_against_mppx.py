"""Our bytes in mppx's hands and its own in ours: identities, vouchers, payloads, receipts.

Not a server against a client, which is the interop suite's; here each function of theirs meets its
counterpart, so that a difference names itself.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mock_rails.tempo.tx.sign import sign_transaction
from sandbox.methods.tempo_session import (
    Close,
    SessionProtocol,
    SessionReceipt,
    Snapshot,
    TopUp,
    Voucher,
    channel_id,
    parse_payload,
    sign_voucher,
    verify_voucher,
)
from sandbox.methods.tempo_session.calls import top_up_calls
from sandbox.methods.tempo_session.descriptor import descriptor_to_json
from sandbox.methods.tempo_session.problems import InvalidSignatureError
from tests.interop.node_support import HERE as INTEROP
from tests.interop.node_support import install_packages
from tests.unit.sandbox.methods.tempo_session.support import (
    BOOKS,
    CHAIN_ID,
    NOW_S,
    PAYER,
    TX,
    V1,
    V2,
    make_channel,
    make_open,
    make_request,
    make_transaction,
    sign,
)
from tests.unit.sandbox.methods.tempo_session.test_opening import swap_calls

pytestmark = [pytest.mark.node, pytest.mark.timeout(360)]

SCRIPT = Path(__file__).with_name("mppx_answers.mjs")
CUMULATIVE = 2**80 + 7
CHANNEL = make_channel(accepted=300, spent=200, settled=50, units=2)
OPENS = [
    (make_open(make_request()), False),
    (make_open(make_request(), prefix=swap_calls()), False),
    (make_open(make_request(fee_payer=True), sponsored=True), True),
]
TOP_UP = TopUp(
    CHANNEL.id,
    CHANNEL.descriptor,
    sign_transaction(make_transaction(*top_up_calls(CHANNEL, 500)), PAYER).raw,
    500,
)
PAYLOADS: list[Any] = [
    OPENS[0][0],
    TOP_UP,
    Voucher(CHANNEL.id, CHANNEL.descriptor, 400, sign(CHANNEL, 400)),
    Close(CHANNEL.id, CHANNEL.descriptor, 400, sign(CHANNEL, 400)),
]
V1_CHANNEL = make_channel(make_request(V1))
V1_PAYLOADS: list[Any] = [
    make_open(make_request(V1)),
    Voucher(V1_CHANNEL.id, None, 400, sign(V1_CHANNEL, 400)),
    Close(V1_CHANNEL.id, None, 400, sign(V1_CHANNEL, 400)),
]
RECEIPT = SessionReceipt.of(CHANNEL, "challenge", now_us=NOW_S * 1_000_000, tx_hash=TX)


@pytest.fixture(scope="module")
def mppx() -> Any:
    """Everything asked at once: Node takes a second to load viem."""
    install_packages()
    snapshot = Snapshot.of(CHANNEL, 100)
    assert snapshot is not None
    asked = {
        "key": "0x" + PAYER.key.hex(),
        "chainId": CHAIN_ID,
        "cumulative": str(CUMULATIVE),
        "descriptor": descriptor_to_json(CHANNEL.descriptor),
        "escrows": {name.value: "0x" + book.escrow.hex() for name, book in BOOKS.items()},
        "opens": [{"payload": one.to_json(), "feePayer": sponsored} for one, sponsored in OPENS],
        "topUp": TOP_UP.to_json(),
        "payloads": [payload.to_json() for payload in PAYLOADS],
        "legacyPayloads": [payload.to_json() for payload in V1_PAYLOADS],
        "receipt": RECEIPT.to_header(),
        "snapshot": snapshot.to_header(),
    }
    done = subprocess.run(
        ["node", str(SCRIPT), str(INTEROP / "node_modules")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("protocol", list(SessionProtocol))
def test_ids_and_vouchers_are_the_same(mppx: Any, protocol: SessionProtocol) -> None:
    book, theirs = BOOKS[protocol], mppx[protocol.value]
    this_id = channel_id(protocol, CHANNEL.descriptor, CHAIN_ID, book.escrow)
    assert theirs["channelId"] == "0x" + this_id.hex()
    ours = sign_voucher(book, this_id, CUMULATIVE, PAYER)
    assert theirs["signature"] == "0x" + ours.hex()
    verify_voucher(book, this_id, CUMULATIVE, ours, PAYER.address)


@pytest.mark.parametrize("protocol", list(SessionProtocol))
def test_the_same_spellings_of_a_signature_are_refused(
    mppx: Any, protocol: SessionProtocol
) -> None:
    book, theirs = BOOKS[protocol], mppx[protocol.value]
    assert (theirs["accepts"], theirs["acceptsFlipped"], theirs["acceptsZeroOne"]) == (
        True, False, False,
    )  # fmt: skip
    this_id = bytes.fromhex(theirs["channelId"][2:])
    signature = bytes.fromhex(theirs["signature"][2:])
    for v in (55 - signature[64], signature[64] - 27):
        spelling = signature[:64] + bytes([v])
        with pytest.raises(InvalidSignatureError):
            verify_voucher(book, this_id, CUMULATIVE, spelling, PAYER.address)


def test_it_takes_our_openings(mppx: Any) -> None:
    for (payload, _), theirs in zip(OPENS, mppx["opens"], strict=True):
        assert payload.descriptor is not None
        assert theirs == {
            "hash": "0x" + payload.descriptor.expiring_nonce_hash.hex(),
            "deposit": "1000",
        }


def test_it_takes_our_top_up(mppx: Any) -> None:
    assert mppx["topUp"] == "0x" + CHANNEL.id.hex()


def test_payloads_are_the_same_member_for_member(mppx: Any) -> None:
    for ours, theirs in zip(PAYLOADS, mppx["payloads"], strict=True):
        assert theirs == ours.to_json()
        assert parse_payload(theirs, V2) == ours
    assert mppx["schema"] == [True] * len(V1_PAYLOADS)


def test_receipts_are_the_same(mppx: Any) -> None:
    assert mppx["receipt"] == RECEIPT.to_json()
    assert mppx["receiptAgain"] == RECEIPT.to_header()


def test_snapshots_are_the_same(mppx: Any) -> None:
    snapshot = Snapshot.of(CHANNEL, 100)
    assert snapshot is not None
    assert mppx["snapshot"] == snapshot.to_json()
    assert Snapshot.from_header(mppx["snapshotAgain"]) == snapshot
