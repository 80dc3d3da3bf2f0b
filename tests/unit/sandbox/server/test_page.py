"""The page for browsers (issue 3, the gate): who gets it, and what it says."""

from __future__ import annotations

from html import escape
from typing import Any

import pytest
from mpp.errors import PaymentError, PaymentRequiredError, VerificationFailedError

from sandbox.server.challenges import Issued
from sandbox.server.page import payment_page, prefers_html, price


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("text/html", True),
        ("TEXT/HTML , */*;q=0.1", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("application/json, text/html;q=0.5", False),
        ("text/html;q=0", False),
        ("text/html;q=x", False),
        ("text/html;q=0.5, application/problem+json;q=0.4", True),
    ],
)
def test_a_page_is_for_those_who_like_html_best(accept: str | None, expected: bool) -> None:
    assert prefers_html(accept) is expected


@pytest.mark.parametrize(
    ("method", "request_", "expected"),
    [
        ("tempo", {"amount": "10000", "currency": "0x20"}, "0.01 0x20"),
        ("tempo", {"amount": "1", "currency": "0x20"}, "0.000001 0x20"),
        ("tempo", {"amount": "1234567000000", "currency": "0x20"}, "1,234,567.00 0x20"),
        ("tempo", {"amount": "25", "currency": "0x20", "unitType": "token"}, None),
        ("stripe", {"amount": "150", "currency": "usd"}, "1.50 usd"),
        ("lightning", {"amount": "21", "currency": "sat"}, "21 sat"),
        ("tempo", {"currency": "0x20"}, "see the challenge 0x20"),
        ("tempo", {"amount": "-1", "currency": "x"}, "-1 x"),
    ],
)
def test_prices_are_in_whole_units(
    method: str, request_: dict[str, Any], expected: str | None
) -> None:
    assert price(method, request_) == (expected or "0.000025 0x20 per token")


def test_the_page_stands_alone_and_what_came_from_outside_is_harmless() -> None:
    issued = Issued(
        id="x",
        header_value="",
        method="tempo",
        intent="session",
        request={"amount": "5", "currency": "<c>", "suggestedDeposit": "1000000", "recipient": "r"},
        expires="2026-01-01T00:05:00Z",
        description="<script>alert(1)</script>",
    )
    url = "http://shop.test/x?q=';rm -rf ~'<img src=x>"
    page = payment_page(PaymentRequiredError(), [issued], url=url, summary="<i>").decode()
    assert "<script" not in page
    assert "<img" not in page
    assert "<i>" not in page
    assert "http-equiv" not in page
    assert "src=" not in page.replace("src=x", "")
    assert "tempo/session" in page
    assert "1.00 &lt;c&gt;" in page  # the deposit
    # Pasted into a shell, the URL is one word.
    assert "mpp-sandbox pay &#x27;http://shop.test/x?q=&#x27;&quot;&#x27;&quot;&#x27;" in page


@pytest.mark.parametrize(
    ("error", "shown"),
    [(PaymentRequiredError("shop"), False), (VerificationFailedError("no such transfer"), True)],
)
def test_the_page_says_what_went_wrong_if_something_did(error: PaymentError, shown: bool) -> None:
    page = payment_page(error, [], url="http://shop.test/", summary="A report").decode()
    assert "<p>A report</p>" in page
    assert (escape(str(error)) in page) is shown


def test_a_known_token_goes_by_its_name() -> None:
    request_ = {"amount": "10000", "currency": "0x20C0000000000000000000000000000000000001"}
    assert price("tempo", request_) == "0.01 AlphaUSD"
