"""The page of claims is what the simulator says today (facts: protocol 6)."""

from __future__ import annotations

from pathlib import Path

from scenarios.claims.__main__ import SEED
from scenarios.claims.claim import CONDITIONAL, CONFIRMED, REFUTED, judged
from scenarios.claims.page import page
from scenarios.claims.table import CLAIMS

PAGE = Path(__file__).parents[2] / "docs" / "explain" / "claims.md"


def test_the_page_is_what_the_claims_come_to() -> None:
    """Byte for byte; where this fails, `make claims` writes the page anew: read what changed."""
    found = judged(CLAIMS, SEED)
    assert {one.verdict.word for _, one in found} <= {CONFIRMED, REFUTED, CONDITIONAL}
    assert {f"E{number}" for number in range(1, 13)} <= {claim.number for claim, _ in found}
    for claim, one in found:
        assert one.number.value.low <= one.number.value.mean <= one.number.value.high, claim.number
    assert page(found, SEED) == PAGE.read_text(encoding="utf-8")
