"""Conditions: what people write is read exactly, and what makes no sense is refused with a hint."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from mock_rails.core import FaultError, When


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (None, When()),
        ("always", When()),
        ({}, When()),
        ("nth=3", When(nth=3)),
        ({"nth": 3}, When(nth=3)),
        (" every = 2 , times = 4 ", When(every=2, times=4)),
        ("probability=1/20", When(probability=Fraction(1, 20))),
        ("probability=0.05", When(probability=Fraction(1, 20))),
        ({"probability": 0.05}, When(probability=Fraction(1, 20))),
        ({"probability": 1}, When(probability=Fraction(1))),
        ("after=block.sealed,until=a.b", When(after="block.sealed", until="a.b")),
        ({"nth": None, "times": 2}, When(times=2)),
    ],
)
def test_conditions_are_read(written: object, meant: When) -> None:
    assert When.parse(written) == meant
    assert When.parse(meant.to_json()) == meant


def test_conditions_are_written_readably() -> None:
    assert When().to_json() == "always"
    assert When(probability=Fraction(1, 20), times=2).to_json() == {
        "probability": "1/20",
        "times": 2,
    }


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("never", "'never' is no condition"),
        ("nth=", "is no condition"),
        ("nth=0", "counts from 1"),
        ("nth=-1", "whole number"),
        ("nth=1.5", "whole number"),
        ("nth=٣", "whole number"),
        ("nth=" + "9" * 5000, "whole number"),
        ("nth=1,nth=2", "given twice"),
        ("nth=1,every=2", "`nth` and `every` exclude each other"),
        ("nht=3", "Did you mean 'nth'"),
        ({"nth": "3"}, "counts from 1"),
        ({"nth": True}, "counts from 1"),
        ({"every": 1.5}, "counts from 1"),
        ({"times": 0}, "counts from 1"),
        ({"probability": 0}, "above 0"),
        ({"probability": "3/2"}, "not above 1, it cannot be 3/2."),
        ({"probability": "1/0"}, "is a fraction"),
        ({"probability": "1e-999999999"}, "is a fraction"),
        ({"probability": "half"}, "is a fraction"),
        ({"probability": [1, 2]}, "is a fraction"),
        ({"probability": True}, "is a fraction"),
        ({"probability": float("nan")}, "is a fraction"),
        ({"after": ""}, "names a kind"),
        ({"until": 7}, "names a kind"),
        (7, "is a text or an object"),
        ([], "is a text or an object"),
    ],
)
def test_nonsense_is_refused(written: Any, complaint: str) -> None:
    with pytest.raises(FaultError) as caught:
        When.parse(written)
    assert complaint in str(caught.value)


def test_only_an_exact_probability_can_be_held() -> None:
    with pytest.raises(FaultError):
        When(probability=0.05)  # type: ignore[arg-type]
