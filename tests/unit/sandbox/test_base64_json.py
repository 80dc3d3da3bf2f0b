"""JSON objects in headers: any padding and either alphabet (facts: protocol 1.1, 2.6)."""

from __future__ import annotations

import base64

import pytest

from sandbox.base64_json import read_base64_json, to_base64url_json

DOCUMENT = {"reference": "0xff?>~", "text": "\u00ff\u00fe\u00fb"}


def test_what_is_written_is_read_however_it_is_padded() -> None:
    text = to_base64url_json(DOCUMENT)
    assert "=" not in text
    standard = base64.b64encode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).decode()
    assert [read_base64_json(one) for one in (text, f" {text}== ", standard)] == [DOCUMENT] * 3


@pytest.mark.parametrize("text", ["", "W10", "bnVsbA", "e30 e30", "e", "\u00e9", "!!!!", "e2F9"])
def test_anything_else_is_none(text: str) -> None:
    assert read_base64_json(text) is None
