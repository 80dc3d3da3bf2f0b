"""Whatever a peer does, in whatever order: the books stay straight, and it learns what is wrong."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpp.errors import InvalidChallengeError, InvalidPayloadError, PaymentError

from mock_rails.tempo.tx.sign import sign_transaction
from sandbox.methods.tempo_session import (
    Channel,
    Close,
    FieldError,
    Open,
    SessionProtocol,
    SessionReceipt,
    Snapshot,
    Status,
    TopUp,
    Voucher,
    accept_voucher,
    begin_close,
    check_channel,
    check_opening,
    check_source,
    check_top_up,
    from_record,
    open_channel,
    parse_payload,
    parse_request,
    rules,
    sign_voucher,
    spend,
    to_record,
    verify_voucher,
)
from sandbox.methods.tempo_session.calls import top_up_calls
from tests.unit.sandbox.methods.tempo_session.support import (
    BOOKS,
    NOW_S,
    OTHER,
    PAYEE,
    PAYER,
    STRANGER,
    TX,
    V1,
    V2,
    make_channel,
    make_open,
    make_request,
    make_transaction,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PROTOCOLS = st.sampled_from(list(SessionProtocol))
AMOUNTS = st.integers(0, 60) | st.integers(0, 2_000) | st.integers(0, 2**96 - 1)

# -- random lives of a channel --------------------------------------------------------------------


@cache
def signed(protocol: SessionProtocol, channel_id: bytes, amount: int, honest: bool) -> bytes:
    signer = PAYER if honest else OTHER
    return sign_voucher(BOOKS[protocol], channel_id, amount, signer)


@cache
def opened(protocol: SessionProtocol, deposit: int, cumulative: int) -> Any:
    request = make_request(protocol, amount=1)
    return check_opening(request, make_open(request, deposit=deposit, cumulative=cumulative))


Step = tuple[str, int, int, bool]
"""One thing that peer, payee or chain may do; what the numbers and the flag mean is up to it."""


def reopen(channel: Channel, amount: int, _: int, __: bool) -> Channel:
    again = opened(channel.protocol, 1_000, 1 + amount % 1_000)
    return open_channel(channel, again, now_s=NOW_S)


def voucher(channel: Channel, amount: int, other: int, honest: bool) -> Channel:
    signature = signed(channel.protocol, channel.id, amount, honest)
    return accept_voucher(channel, amount, signature, min_delta=other % 50)


def close(channel: Channel, amount: int, other: int, honest: bool) -> Channel:
    signature = signed(channel.protocol, channel.id, amount, honest)
    return begin_close(channel, amount, signature, closer=PAYEE if other % 4 else STRANGER)


def chain_state(channel: Channel, amount: int, other: int, leaving: bool) -> Channel:
    return rules.note_chain_state(
        channel,
        deposit=amount,
        settled=min(other, channel.accepted),
        close_requested_at_s=NOW_S * leaving,
        now_s=NOW_S,
    )


ACTIONS: dict[str, Callable[[Channel, int, int, bool], Channel]] = {
    "open": reopen,
    "voucher": voucher,
    "spend": lambda channel, n, m, _: spend(channel, n, m % 3),
    "close": close,
    "own close": lambda channel, _, __, ours: rules.close_by_payee(
        channel, closer=PAYEE if ours else STRANGER
    ),
    "confirm": lambda channel, *_: rules.confirm_open(channel, TX),
    "abort": lambda channel, *_: rules.abort_close(channel),
    "finish": lambda channel, n, *_: rules.finish_close(channel, TX, min(n, channel.deposit)),
    "top up": lambda channel, n, *_: rules.top_up(channel, n),
    "forced": lambda channel, _, __, on: rules.note_forced_close(channel, NOW_S * on),
    "settled": lambda channel, n, m, _: rules.note_settled(
        channel, min(n, channel.accepted), now_s=m
    ),
    "chain": chain_state,
}


def take(channel: Channel, step: Step) -> Channel:
    name, amount, other, flag = step
    return ACTIONS[name](channel, amount, other, flag)


# Paying is what sessions mostly do.
NAMES = [*ACTIONS, "voucher", "voucher", "spend"]
STEPS = st.tuples(
    st.sampled_from(NAMES), AMOUNTS, st.integers(0, 2_000), st.integers(0, 5).map(bool)
)
FORWARD = [Status.OPENING, Status.OPEN, Status.CLOSING, Status.CLOSED]


def check_step(before: Channel, after: Channel) -> None:
    assert after.spent <= after.accepted <= after.deposit
    for name in ("accepted", "spent", "settled", "deposit", "units", "settled_units"):
        assert getattr(after, name) >= getattr(before, name), name
    assert (after.version > before.version) == (after is not before)
    assert after[:5] == before[:5], "identity never changes"
    if (before.status, after.status) != (Status.CLOSING, Status.OPEN):
        assert FORWARD.index(after.status) >= FORWARD.index(before.status)
    assert (after.close_order is not None) == (after.status is Status.CLOSING)
    if after.close_order is not None:
        assert after.close_order.cumulative >= after.close_order.capture >= after.settled
        assert after.spent <= after.close_order.capture <= after.deposit
    # Whatever happened, the highest voucher is one that the chain would pay.
    verify_voucher(after.book, after.id, after.accepted, after.signature, after.signer)
    assert from_record(to_record(after)) == after


@given(PROTOCOLS, st.lists(STEPS, min_size=5, max_size=40))
@settings(max_examples=150)
def test_no_sequence_spends_more_than_was_authorised_or_takes_anything_back(
    protocol: SessionProtocol, steps: list[Step]
) -> None:
    channel = open_channel(None, opened(protocol, 1_000, 100), now_s=NOW_S)
    channel = rules.confirm_open(channel, TX)
    for step in steps:
        with contextlib.suppress(PaymentError):
            after = take(channel, step)
            check_step(channel, after)
            channel = after


REPEATABLE = st.tuples(
    st.sampled_from(["confirm", "voucher", "finish", "top up", "forced", "settled"]),
    st.integers(0, 1_500),
    st.just(0),
    st.booleans(),
)


@given(PROTOCOLS, st.lists(STEPS, max_size=15), REPEATABLE)
@settings(max_examples=150)
def test_a_repetition_changes_nothing(
    protocol: SessionProtocol,
    steps: list[Step],
    last: Step,
) -> None:
    channel = make_channel(make_request(protocol, amount=1))
    for step in steps:
        with contextlib.suppress(PaymentError):
            channel = take(channel, step)
    with contextlib.suppress(PaymentError):
        once = take(channel, last)
        assert take(once, last) is once


# -- hostile input --------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
HEXLIKE = st.one_of(
    st.binary(max_size=80).map(lambda data: "0x" + data.hex()),
    st.integers(-(2**130), 2**130).map(str),
    st.sampled_from(["0x", "", "transaction", "open", "voucher", "topUp", "close", "9" * 5_000]),
)
VALUES = JSON | HEXLIKE


@cache
def genuine(protocol: SessionProtocol) -> tuple[Any, Channel, list[dict[str, Any]]]:
    """An offer, its channel, and one payload of each kind that is accepted."""
    request = make_request(protocol, fee_payer=True)
    channel = make_channel(request)
    shown = channel.descriptor if protocol is V2 else None
    raw = sign_transaction(make_transaction(*top_up_calls(channel, 5)), PAYER).raw
    signature = signed(protocol, channel.id, 200, True)
    payloads: list[Any] = [
        make_open(request),
        make_open(request, sponsored=True),
        Voucher(channel.id, shown, 200, signature),
        TopUp(channel.id, shown, raw, 5),
        Close(channel.id, shown, 200, signature),
    ]
    return request, channel, [payload.to_json() for payload in payloads]


def present(protocol: SessionProtocol, value: object, source: str | None) -> None:
    """All of a gate's checks of one credential."""
    request, channel, _ = genuine(protocol)
    payload = parse_payload(value, protocol)
    if isinstance(payload, Open):
        open_channel(None, check_opening(request, payload), now_s=NOW_S)
        return
    found = check_channel(request, payload, channel)
    if isinstance(payload, Voucher):
        check_source(found, source)
        accept_voucher(found, payload.cumulative, payload.signature, min_delta=1)
    elif isinstance(payload, TopUp):
        check_top_up(request, found, payload)
    else:
        begin_close(found, payload.cumulative, payload.signature, closer=PAYEE)


SOURCE = f"did:pkh:eip155:1337:0x{PAYER.address.hex()}"


@pytest.mark.parametrize("protocol", list(SessionProtocol))
def test_the_genuine_payloads_are_accepted(protocol: SessionProtocol) -> None:
    for members in genuine(protocol)[2]:
        present(protocol, members, SOURCE)


@given(PROTOCOLS, VALUES, st.none() | st.text())
def test_any_json_is_accepted_or_a_problem(
    protocol: SessionProtocol, value: object, source: str | None
) -> None:
    with contextlib.suppress(PaymentError):
        present(protocol, value, source)


@given(PROTOCOLS, st.integers(0, 4), st.data())
@settings(max_examples=300)
def test_a_mutated_payload_is_accepted_or_a_problem(
    protocol: SessionProtocol, kind: int, data: st.DataObject
) -> None:
    members = dict(genuine(protocol)[2][kind])
    name = data.draw(st.sampled_from(sorted(members)) | st.text(max_size=8))
    if isinstance(members.get(name), dict) and data.draw(st.booleans()):
        part = data.draw(st.sampled_from(sorted(members[name])))
        members[name] = members[name] | {part: data.draw(VALUES)}
    else:
        members[name] = data.draw(VALUES)
    with contextlib.suppress(PaymentError):
        present(protocol, members, data.draw(st.just(SOURCE) | st.text()))


@given(PROTOCOLS, st.sampled_from([0, 1, 3]), st.data())
@settings(max_examples=300)
def test_a_mutated_transaction_is_a_problem(
    protocol: SessionProtocol, kind: int, data: st.DataObject
) -> None:
    request, channel, payloads = genuine(protocol)
    payload = parse_payload(payloads[kind], protocol)
    assert isinstance(payload, Open | TopUp)
    raw = bytearray(payload.transaction)
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(raw))) if data.draw(st.booleans()) else len(raw)
    changed = replace(payload, transaction=bytes(raw[:cut]))
    # A flipped bit may leave a valid top-up by the same payer only in the signature's v (0 for 27).
    with contextlib.suppress(PaymentError):
        if isinstance(changed, Open):
            opening = check_opening(request, changed)
            assert opening.channel_id == payload.channel_id
        else:
            assert check_top_up(request, channel, changed).sender == PAYER.address


@given(PROTOCOLS, st.binary(max_size=200), st.sampled_from([b"", b"\x01", b"\x02", b"\x04"]))
def test_no_bytes_are_a_signature(protocol: SessionProtocol, tail: bytes, head: bytes) -> None:
    channel = genuine(protocol)[1]
    with pytest.raises(PaymentError):
        verify_voucher(BOOKS[protocol], channel.id, 5, head + tail, PAYER.address)


@given(st.binary(max_size=400))
def test_no_passkey_bytes_are_a_signature(data: bytes) -> None:
    client_data = b'{"type":"webauthn.get","challenge":"' + data[:60].hex().encode() + b'"}'
    for middle in (data, bytes(32) + b"\x01" + bytes(4) + client_data):
        signature = b"\x02" + middle + data.ljust(128, b"\x01")[:128]
        with pytest.raises(PaymentError):
            verify_voucher(BOOKS[V2], bytes(32), 5, signature, PAYER.address)


@given(PROTOCOLS, st.data())
def test_a_mutated_offer_is_read_or_an_invalid_challenge(
    protocol: SessionProtocol, data: st.DataObject
) -> None:
    members = make_request(protocol, snapshot=Snapshot.of(make_channel(), 1)).to_json()
    target = members["methodDetails"] if data.draw(st.booleans()) else members
    name = data.draw(st.sampled_from(sorted(target)) | st.text(max_size=8))
    target[name] = data.draw(VALUES)
    with contextlib.suppress(InvalidChallengeError):
        parse_request(members)


@given(VALUES)
def test_any_json_is_no_offer_payload_record_snapshot_or_receipt(value: object) -> None:
    with pytest.raises(InvalidChallengeError):
        parse_request(value)
    with pytest.raises(InvalidPayloadError):
        parse_payload(value, V1)
    for read in (from_record, Snapshot.from_json, SessionReceipt.from_json):
        with pytest.raises(FieldError):
            read(value)


@given(st.text() | st.binary().map(lambda data: data.hex()))
def test_any_header_is_no_snapshot_or_receipt(header: str) -> None:
    for read in (Snapshot.from_header, SessionReceipt.from_header):
        with pytest.raises(FieldError):
            read(header)


@given(st.data())
def test_a_mutated_snapshot_is_read_or_refused(data: st.DataObject) -> None:
    snapshot = Snapshot.of(make_channel(), 1)
    assert snapshot is not None
    members = snapshot.to_json()
    members[data.draw(st.sampled_from(sorted(members)))] = data.draw(VALUES)
    with contextlib.suppress(FieldError, PaymentError):
        Snapshot.from_json(members).verify()
