"""The frames of a paid WebSocket (facts: protocol 2.9)."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.streaming import frames
from sandbox.streaming.frames import FrameError, Kind, NeedVoucher

NEED = {
    "channelId": "0xab",
    "requiredCumulative": "30",
    "acceptedCumulative": "20",
    "deposit": "100",
}
RECEIPT = {
    "method": "tempo",
    "intent": "session",
    "status": "success",
    "timestamp": "2026-01-01T00:00:00.000Z",
    "reference": "0xab",
    "challengeId": "c",
    "channelId": "0xab",
    "acceptedCumulative": "20",
    "spent": "20",
}


def test_what_a_client_says_is_read() -> None:
    paid = frames.read_client_frame(frames.authorization("Payment abc"))
    assert (paid.kind, paid.authorization) == (Kind.AUTHORIZATION, "Payment abc")
    assert frames.read_client_frame(frames.close_request()).kind is Kind.CLOSE_REQUEST


def test_a_credential_is_in_no_representation() -> None:
    assert "abc" not in repr(frames.read_client_frame(frames.authorization("Payment abc")))


def test_what_a_server_says_is_read() -> None:
    said = [
        frames.read_server_frame(text)
        for text in (
            frames.message("hello"),
            frames.need_voucher(NEED),
            frames.receipt(RECEIPT),
            frames.close_ready(RECEIPT),
            frames.error(402, "no"),
        )
    ]
    assert said[0].text == "hello"
    assert said[1].need == NeedVoucher("0xab", required=30, accepted=20, deposit=100)
    assert said[2].receipt == said[3].receipt == RECEIPT
    assert (said[4].status, said[4].text) == (402, "no")


def test_the_texts_are_the_references() -> None:
    assert json.loads(frames.authorization("P")) == {"mpp": "authorization", "authorization": "P"}
    assert json.loads(frames.error(429, "x")) == {
        "mpp": "payment-error",
        "status": 429,
        "message": "x",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "1",
        "{}",
        '{"mpp":"authorization"}',
        '{"mpp":"authorization","authorization":1}',
        '{"mpp":"message","data":"x"}',
        '{"mpp":"payment-close"}',
        '{"mpp":["authorization"]}',
        " " * (frames.LARGEST_FRAME + 1),
    ],
)
def test_nothing_else_is_taken_from_a_client(text: str) -> None:
    with pytest.raises(FrameError):
        frames.read_client_frame(text)


@pytest.mark.parametrize(
    "frame",
    [
        {"mpp": "message", "data": {}},
        {"mpp": "payment-error", "status": "402", "message": "x"},
        {"mpp": "authorization", "authorization": "P"},
        *({"mpp": "payment-need-voucher", "data": {**NEED, name: 30}} for name in NEED),
        {"mpp": "payment-need-voucher", "data": {**NEED, "deposit": "-1"}},
        {"mpp": "payment-need-voucher", "data": {**NEED, "deposit": "1" * 40}},
        {"mpp": "payment-need-voucher", "data": {**NEED, "deposit": "\u0663"}},
        {"mpp": "payment-need-voucher", "data": {**NEED, "channelId": ""}},
        {"mpp": "payment-need-voucher", "data": None},
        {"mpp": "payment-receipt", "data": {**RECEIPT, "status": "failed"}},
        {"mpp": "payment-receipt", "data": {**RECEIPT, "spent": 20}},
        {"mpp": "payment-close-ready", "data": {**RECEIPT, "reference": None}},
        {"mpp": "payment-close-ready"},
    ],
)
def test_nothing_else_is_taken_from_a_server(frame: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        frames.read_server_frame(json.dumps(frame))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["mpp", "data", "status"]) | st.text(), inner, max_size=4
            )
        ),
    )
)
def test_any_json_is_a_frame_or_a_frame_error(value: Any) -> None:
    for read in (frames.read_client_frame, frames.read_server_frame):
        with suppress(FrameError):
            read(json.dumps(value))
