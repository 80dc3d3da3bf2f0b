"""Parameters with which each study takes a moment, for tests that ask whether, not how much."""

from __future__ import annotations

QUICK: dict[str, dict[str, str]] = {
    "charge_vs_session": {"requests": "1,10", "visits": "40"},
}
