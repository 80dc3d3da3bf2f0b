"""lightning/session as pure functions (facts: lightning 2.1 to 2.6)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpp.errors import InvalidChallengeError

from mock_rails.lightning.bolt11 import Bolt11, decode, encode
from sandbox.methods.lightning_charge.problems import (
    InvalidPreimageError,
    MalformedCredentialError,
    UnknownChallengeError,
)
from sandbox.methods.lightning_session import (
    RETURN_EXPIRY_S,
    Bearer,
    Close,
    Open,
    Refund,
    Session,
    SessionCodec,
    SessionRequest,
    Status,
    TopUp,
    add_deposit,
    check_bearer,
    check_return_invoice,
    close_receipt,
    close_session,
    deduct,
    open_session,
    parse_payload,
    parse_request,
    refund_ended,
    session_receipt,
    stable_parts,
    touch,
)
from sandbox.methods.lightning_session.problems import (
    InsufficientBalanceError,
    InvalidReturnInvoiceError,
    SessionClosedError,
    SessionNotFoundError,
)
from sandbox.methods.lightning_session.receipt import closing
from sandbox.methods.metering import NotCoveredError

PREIMAGE = b"p" * 32
HASH = sha256(PREIMAGE).digest()
NOW_S = 1_767_225_600
OPEN = Session(HASH, 300, "lnbcrt1return", NOW_S, NOW_S)


def invoice(amount_msat: int | None, *, expiry_s: int = 600, network: str = "regtest") -> Bolt11:
    unsigned = Bolt11(
        network=network,
        payment_hash=HASH,
        payment_secret=bytes(32),
        timestamp_s=NOW_S,
        amount_msat=amount_msat,
        description="",
        expiry_s=expiry_s,
    )
    return decode(encode(unsigned, b"k" * 32))


ASKED = SessionRequest(2, HASH, invoice(300_000), 300, "word", "words")


def request(**change: Any) -> dict[str, Any]:
    written = {**ASKED.to_json(), **change}
    return {name: part for name, part in written.items() if part is not None}


# -- what travels ---------------------------------------------------------------------------------


def test_a_request_is_flat() -> None:
    assert request() == {
        "amount": "2",
        "currency": "sat",
        "depositAmount": "300",
        "depositInvoice": invoice(300_000).text,
        "paymentHash": HASH.hex(),
        "idleTimeout": "300",
        "unitType": "word",
        "description": "words",
    }
    assert parse_request(request()) == ASKED
    assert set(request()) - set(stable_parts(request())) == {"depositInvoice", "paymentHash"}


def test_a_challenge_may_only_name_a_sessions_hash() -> None:
    """The draft's challenges for bearer and close have no invoice."""
    read = parse_request(request(depositInvoice=None, depositAmount=None))
    assert (read.deposit, read.deposit_sat) == (None, 0)
    assert "depositInvoice" not in read.to_json()


def test_the_deposits_amount_may_be_left_out() -> None:
    assert parse_request(request(depositAmount=None)).deposit_sat == 300


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"currency": "BTC"}, "currency"),
        ({"amount": "0"}, "amount"),
        ({"amount": "301"}, "one unit"),
        ({"paymentHash": None}, "paymentHash"),
        ({"paymentHash": "11" * 32}, "paymentHash"),
        ({"depositAmount": "299"}, "depositAmount"),
        ({"depositInvoice": "x"}, "depositInvoice"),
        ({"depositInvoice": invoice(None).text}, "one unit"),
        ({"depositInvoice": invoice(300_001).text}, "whole satoshis"),
        ({"idleTimeout": "soon"}, "idleTimeout"),
        ({"unitType": 3}, "unitType"),
    ],
)
def test_a_client_pays_no_deposit_that_does_not_agree(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidChallengeError, match=words):
        parse_request(request(**change))


@pytest.mark.parametrize(
    "payload",
    [
        Open(PREIMAGE, "lnbcrt1x"),
        Bearer(HASH, PREIMAGE),
        TopUp(HASH, PREIMAGE),
        Close(HASH, PREIMAGE),
    ],
)
def test_payloads_are_read_as_they_were_written(payload: Any) -> None:
    written = payload.to_json()
    assert written["action"] == payload.action
    assert parse_payload({**written, "more": 1}) == payload
    assert PREIMAGE.hex() not in repr(payload)
    assert "ppp" not in repr(payload)


@pytest.mark.parametrize("value", [None, [], {}, {"action": 3}, {"action": "OPEN"}])
def test_what_is_no_payload_is_malformed(value: Any) -> None:
    with pytest.raises(MalformedCredentialError):
        parse_payload(value)


def test_a_return_invoice_names_no_amount_and_lives() -> None:
    good = invoice(None, expiry_s=RETURN_EXPIRY_S)
    assert check_return_invoice(good.text, network="regtest", now_s=NOW_S) == good
    for text, network, now_s, words in (
        ("x", "regtest", NOW_S, "no invoice"),
        (invoice(1_000).text, "regtest", NOW_S, "amount"),
        (good.text, "mainnet", NOW_S, "regtest"),
        (good.text, "regtest", NOW_S + RETURN_EXPIRY_S, "expired"),
    ):
        with pytest.raises(InvalidReturnInvoiceError, match=words):
            check_return_invoice(text, network=network, now_s=now_s)


# -- what a session may become --------------------------------------------------------------------


def test_an_opening_is_once_and_pays_its_price() -> None:
    assert open_session(None, OPEN, 0, 0) == OPEN
    assert open_session(None, OPEN, 2, 1).spent_sat == 2
    with pytest.raises(UnknownChallengeError):
        open_session(deduct(OPEN, 100, 1, NOW_S), OPEN, 0, 0)


def test_a_bearer_shows_the_first_deposits_preimage() -> None:
    assert check_bearer(OPEN, PREIMAGE) is OPEN
    with pytest.raises(SessionNotFoundError):
        check_bearer(None, PREIMAGE)
    with pytest.raises(InvalidPreimageError):
        check_bearer(OPEN, bytes(32))
    with pytest.raises(InvalidPreimageError):  # a stranger does not learn that it is closed
        check_bearer(close_session(OPEN, NOW_S), bytes(32))
    with pytest.raises(SessionClosedError):
        check_bearer(close_session(OPEN, NOW_S), PREIMAGE)


def test_nothing_is_spent_that_is_not_there() -> None:
    assert deduct(OPEN, 300, 150, NOW_S).available_sat == 0
    with pytest.raises(InsufficientBalanceError) as short:
        deduct(OPEN, 301, 1, NOW_S)
    assert isinstance(short.value, NotCoveredError)
    for gone in (None, close_session(OPEN, NOW_S)):
        with pytest.raises((SessionNotFoundError, SessionClosedError)):
            deduct(gone, 1, 1, NOW_S)


def test_a_deposit_is_credited_once() -> None:
    more = add_deposit(OPEN, bytes(32), 100, NOW_S + 1)
    assert (more.deposit_sat, more.used_s) == (400, NOW_S + 1)
    for hashed in (bytes(32), HASH):
        with pytest.raises(UnknownChallengeError):
            add_deposit(more, hashed, 100, NOW_S)
    with pytest.raises(SessionClosedError):
        add_deposit(close_session(OPEN, NOW_S), bytes(32), 100, NOW_S)


def test_use_is_remembered_and_time_runs_on() -> None:
    assert touch(OPEN, NOW_S + 5).used_s == NOW_S + 5
    assert touch(OPEN, NOW_S - 5) is OPEN


def test_closing_is_once_and_fixes_what_goes_back() -> None:
    closed = close_session(deduct(OPEN, 100, 1, NOW_S), NOW_S)
    assert (closed.status, closed.refund_sat, closed.refund) == (Status.CLOSED, 200, Refund.PENDING)
    with pytest.raises(SessionClosedError):
        close_session(closed, NOW_S)
    empty = close_session(deduct(OPEN, 300, 1, NOW_S), NOW_S)
    assert (empty.refund_sat, empty.refund) == (0, Refund.SKIPPED)
    assert refund_ended(empty, Refund.FAILED) == empty


def test_what_became_of_a_refund_stays() -> None:
    closed = close_session(OPEN, NOW_S)
    done = refund_ended(closed, Refund.SUCCEEDED)
    assert done.refund is Refund.SUCCEEDED
    assert refund_ended(done, Refund.FAILED) == done


def test_only_a_close_tells_of_a_refund() -> None:
    closed = close_session(OPEN, NOW_S)
    receipt = session_receipt(OPEN, "c", now_us=0)
    assert receipt["reference"] == HASH.hex()
    assert "refundSats" not in receipt
    assert close_receipt(closed, "c", now_us=0) == {
        **receipt,
        "refundSats": 300,
        "refundStatus": "failed",
    }
    assert closing(refund_ended(closed, Refund.SUCCEEDED))["refundStatus"] == "succeeded"
    assert closing(OPEN)["refundStatus"] == "skipped"


@given(
    st.builds(
        Session,
        id=st.binary(min_size=32, max_size=32),
        deposit_sat=st.integers(0, 10**15),
        return_invoice=st.text(),
        opened_s=st.integers(0, 2**40),
        used_s=st.integers(0, 2**40),
        spent_sat=st.integers(0, 10**15),
        units=st.integers(0, 10**9),
        status=st.sampled_from(Status),
        top_ups=st.lists(st.binary(min_size=32, max_size=32), max_size=3).map(tuple),
        refund_sat=st.integers(0, 10**15),
        refund=st.none() | st.sampled_from(Refund),
    )
)
def test_a_record_is_kept_as_it_is(session: Session) -> None:
    codec = SessionCodec()
    assert codec.decode(codec.encode(session)) == session


@given(st.lists(st.tuples(st.sampled_from(["spend", "add", "close"]), st.integers(1, 400))))
def test_every_satoshi_is_spent_or_goes_back(steps: list[tuple[str, int]]) -> None:
    session, paid_in, delivered = OPEN, OPEN.deposit_sat, 0
    for number, (step, amount) in enumerate(steps):
        try:
            if step == "spend":
                session, delivered = deduct(session, amount, 1, NOW_S), delivered + amount
            elif step == "add":
                hashed = number.to_bytes(32, "big")
                session, paid_in = add_deposit(session, hashed, amount, NOW_S), paid_in + amount
            else:
                session = close_session(session, NOW_S)
        except (InsufficientBalanceError, SessionClosedError):
            pass
        assert session.spent_sat == delivered <= session.deposit_sat == paid_in
    if session.status is Status.OPEN:
        session = close_session(session, NOW_S)
    assert session.refund_sat + delivered == paid_in
    assert replace(session, refund_sat=0).available_sat == session.refund_sat
