"""Numbers as people read them: three digits, so that a library's last one changes no byte."""

from __future__ import annotations

from scenarios.statistics import Interval


def ranged(found: Interval, scale: float = 1.0) -> str:
    """A mean with its interval, or alone where it does not vary."""
    mean, low, high = (digits(one * scale) for one in (found.mean, found.low, found.high))
    return mean if low == high else f"{mean} ({low} to {high})"


def percent(found: Interval) -> str:
    """A share of a whole in per cent; an interval's end beyond the whole is written as its end."""
    low, high = max(found.low, 0.0), min(found.high, 1.0)
    return ranged(Interval(found.mean, low, high, found.n), 100) + " %"


def digits(value: float) -> str:
    """Three digits of a number, without an exponent."""
    text = f"{value:.3g}"
    if abs(float(text)) >= 1_000:
        return f"{float(text):,.0f}"
    return f"{value:.7f}".rstrip("0").rstrip(".") if "e" in text else text
