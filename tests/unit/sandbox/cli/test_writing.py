"""Money, spans and hashes as people read them."""

from __future__ import annotations

import pytest

from sandbox.cli import writing

ALPHA = "0x20c0000000000000000000000000000000000001"
TOKENS = {ALPHA: "AlphaUSD", "0x20c0000000000000000000000000000000000000": "pathUSD"}


@pytest.mark.parametrize(
    ("span_us", "text"),
    [(0, "0 µs"), (999, "999 µs"), (1_050, "1.0 ms"), (10_000, "10 ms"), (1_340_000, "1.34 s")],
)
def test_a_span_is_in_the_unit_that_suits_it(span_us: int, text: str) -> None:
    assert writing.latency(span_us) == text


def test_money_names_its_token_unless_it_is_the_usual_one() -> None:
    assert writing.money(10_000) == "$0.01"
    assert writing.money(10_000, "0x20C0" + "0" * 36, TOKENS) == "$0.01"
    assert writing.money(10_000, ALPHA, TOKENS) == "$0.01 AlphaUSD"


def test_base_units_of_an_unknown_token_are_no_dollars() -> None:
    assert writing.money(10_000, "0x" + "9" * 40, TOKENS) == "10000 base units of 0x999999…9999"


def test_a_short_id_is_left_alone() -> None:
    assert writing.shorten("ex-12") == "ex-12"
    assert writing.shorten(ALPHA) == "0x20c000…0001"


def test_a_line_that_is_cut_says_so() -> None:
    assert writing.one_line("a  b\nc", 9) == "a b c"
    assert writing.one_line("abcdef", 4) == "abc…"
