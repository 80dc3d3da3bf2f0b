"""Content or management: every row of mppx's classifier (facts: protocol 2.5)."""

from __future__ import annotations

import pytest

from sandbox.methods.tempo_session import Close, Open, TopUp, Voucher
from sandbox.server.classify import (
    RequestKind,
    classify,
    has_body,
    is_charged_up_front,
    is_delivered,
)

CONTENT, MANAGEMENT = RequestKind.CONTENT, RequestKind.MANAGEMENT


@pytest.mark.parametrize(
    ("method", "query", "body", "kind"),
    [
        ("HEAD", "", False, MANAGEMENT),
        ("HEAD", "a=1", False, MANAGEMENT),
        ("HEAD", "", True, MANAGEMENT),
        ("GET", "", False, CONTENT),
        ("GET", "a=1", False, CONTENT),
        ("PUT", "", False, CONTENT),
        ("DELETE", "", False, CONTENT),
        ("post", "", False, CONTENT),
        ("POST", "a=1", False, CONTENT),
        ("POST", b"a=1", False, CONTENT),
        ("POST", "", True, CONTENT),
        ("POST", "", False, MANAGEMENT),
        ("POST", b"", False, MANAGEMENT),
    ],
)
def test_a_request_is_for_content_or_for_the_gate(
    method: str, query: str | bytes, body: bool, kind: RequestKind
) -> None:
    assert classify(method, query=query, body=body) is kind


@pytest.mark.parametrize(
    ("content_length", "transfer_encoding", "received", "expected"),
    [
        (None, None, False, False),
        (None, None, True, True),  # HTTP/2
        ("0", None, False, False),
        (" 0\t", None, False, False),
        ("0", None, True, False),
        ("1", None, False, True),
        ("10", None, False, True),
        (None, "chunked", False, True),
        ("0", "chunked", False, True),
    ],
)
def test_a_body_is_what_the_framing_says(
    content_length: str | None, transfer_encoding: str | None, received: bool, expected: bool
) -> None:
    assert has_body(content_length, transfer_encoding, received=received) is expected


@pytest.mark.parametrize(
    ("action", "kind", "delivered"),
    [
        (Open.action, CONTENT, True),
        (Open.action, MANAGEMENT, False),
        (Voucher.action, CONTENT, True),
        (Voucher.action, MANAGEMENT, False),
        (TopUp.action, CONTENT, False),
        (TopUp.action, MANAGEMENT, False),
        (Close.action, CONTENT, False),
        (Close.action, MANAGEMENT, False),
    ],
)
def test_top_ups_and_closes_never_deliver(action: str, kind: RequestKind, delivered: bool) -> None:
    assert is_delivered(kind, action) is delivered
    assert is_charged_up_front(kind, action, "GET", streams=False) is delivered


@pytest.mark.parametrize(
    ("method", "streams", "charged"),
    [("GET", False, True), ("POST", False, True), ("GET", True, True), ("POST", True, False)],
)
def test_a_post_to_a_stream_is_charged_by_what_it_sends(
    method: str, streams: bool, charged: bool
) -> None:
    assert is_charged_up_front(CONTENT, Voucher.action, method, streams=streams) is charged
