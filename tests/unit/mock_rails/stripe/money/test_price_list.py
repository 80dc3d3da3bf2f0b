"""A file of prices: what it may say, and that what it does not say stays (facts: stripe 3, 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_rails.core.errors import BadInput
from mock_rails.stripe.fees import PRICES
from mock_rails.stripe.price_list import read

if TYPE_CHECKING:
    from pathlib import Path


def test_a_row_changes_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"card": {"fixed": 25}, "crypto": {"basis_points": 100, "most": 500}}')
    prices = read(file)
    assert set(prices) == {"card", "crypto"}
    assert (prices["card"].basis_points, prices["card"].fixed) == (290, 25)
    assert (prices["crypto"].basis_points, prices["crypto"].most) == (100, 500)
    assert PRICES["card"].fixed == 30


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "cannot be read"),
        ("[]", "an object of rows"),
        ('{"gold": {"fixed": 1}}', "nothing is charged by 'gold'"),
        ('{"klarna": {"fixed": 1}}', "nothing is charged by 'klarna'"),
        ('{"card": 30}', "some of: basis_points"),
        ('{"card": {}}', "some of: basis_points"),
        ('{"card": {"percent": 2}}', "some of: basis_points"),
        ('{"card": {"fixed": 0.3}}', "card.fixed is a whole number"),
        ('{"card": {"fixed": -1}}', "card.fixed is a whole number"),
        ('{"card": {"fixed": true}}', "card.fixed is a whole number"),
    ],
)
def test_what_is_no_list_of_prices(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "prices.json"
    file.write_text(text)
    with pytest.raises(BadInput, match=why):
        read(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "none.json")
