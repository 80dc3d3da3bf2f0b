"""The Stripe benchmark runs, on rounds too small to say anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.micro import stripe

if TYPE_CHECKING:
    import pytest


def test_a_small_round_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stripe, "_ROUND", dict.fromkeys(stripe._ROUND, 16))
    monkeypatch.setattr(stripe, "_WARM_UP", 1)
    assert stripe.main(["--rounds", "1"]) == 0
    told = capsys.readouterr().out
    for piece in ("sandbox", "bare ASGI", "customer", "PaymentInt", "start-up"):
        assert piece in told
