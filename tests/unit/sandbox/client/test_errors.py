"""The client's errors: one tree, told apart by their codes, and fit to be sent around."""

from __future__ import annotations

import pickle

import pytest

from mock_rails.core import Clock, SandboxError
from sandbox.client import errors
from sandbox.client.budget import Budget, Payment
from sandbox.client.errors import BudgetExceededError
from sandbox.client.ledger import Ledger


def test_a_refusal_survives_a_pickle() -> None:
    """Worker processes and test runners send exceptions around."""
    ledger = Ledger(Budget(total=1, allowed_currencies=["usd"]), Clock.frozen(0))
    with pytest.raises(BudgetExceededError) as refusal:
        ledger.reserve(Payment(3, currency="usd", host="a.example"))
    copied = pickle.loads(pickle.dumps(refusal.value))
    assert (copied.limit, copied.asked, copied.left, copied.excess) == ("total", 3, 1, 2)
    assert copied.problem() == refusal.value.problem()


def test_errors_have_codes_and_titles_of_their_own() -> None:
    classes = [
        one
        for one in vars(errors).values()
        if isinstance(one, type) and one.__module__ == errors.__name__
    ]
    assert len({one.code for one in classes}) == len({one.title for one in classes}) == 19
    assert all(issubclass(one, SandboxError) for one in classes)
    for one in classes:
        assert one.__name__ in (errors.__doc__ or "")
