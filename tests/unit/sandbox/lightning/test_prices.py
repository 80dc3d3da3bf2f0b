"""Dollars in satoshis (facts: lightning 5.5)."""

from __future__ import annotations

import pytest

from mock_rails.core.errors import BadInput
from sandbox.lightning import sats


@pytest.mark.parametrize(
    ("usd", "rate", "expected"),
    [
        ("0.01", 100_000, 10),
        ("0.001", 100_000, 1),
        ("0.0001", 100_000, 1),
        ("0.127", 100_000, 127),
        ("0.02", 60_000, 34),
        ("1", 100_000, 1_000),
    ],
)
def test_a_price_is_rounded_up_and_never_nothing(usd: str, rate: int, expected: int) -> None:
    assert sats(usd, rate) == expected


@pytest.mark.parametrize("usd", ["", "-1", "0", "NaN", "Infinity", "a dollar"])
def test_what_is_no_price_is_refused(usd: str) -> None:
    with pytest.raises(BadInput):
        sats(usd)


def test_a_rate_is_positive() -> None:
    with pytest.raises(BadInput):
        sats("1", 0)
