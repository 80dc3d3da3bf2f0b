"""Random charge flows leave our chain and a Tempo node in the same state.

The node is npm's anvil, which links Tempo's own crates up to fork T4; ours is at T12. What is known
to differ between the two is listed, and shown, in test_fork_differences.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.differential.flaws import FLAWS
from tests.differential.payments import (
    NOWHERE,
    PAYERS,
    PEOPLE,
    TOKENS,
    Approve,
    Payment,
    Transfer,
)
from tests.differential.twins import Twins

if TYPE_CHECKING:
    from tests.differential.chains import Anvil, Sandbox

pytestmark = pytest.mark.node

EXAMPLES = 150
MORE_THAN_ANYONE_HAS = 10**15

tokens = st.sampled_from(sorted(TOKENS))
people = st.sampled_from(sorted(PEOPLE))
amounts = st.integers(0, 1_000_000)
lanes = st.sampled_from(["expiring", "expiring", 0, 0, 1, 7, (1 << 200) + 5])
memos = st.none() | st.binary(min_size=32, max_size=32)

transfers = st.builds(Transfer, token=tokens, to=people, amount=amounts, memo=memos)
approvals = st.builds(Approve, token=tokens, to=people, amount=amounts)
spendings = st.builds(
    Transfer, token=tokens, to=people, amount=st.integers(0, 1_000), owner=st.sampled_from(PAYERS)
)
overdrafts = st.builds(Transfer, token=tokens, to=people, amount=st.just(MORE_THAN_ANYONE_HAS))
strays = st.builds(Transfer, token=tokens, to=st.sampled_from(sorted(NOWHERE)), amount=amounts)
parts = st.one_of(transfers, transfers, transfers, approvals, spendings, overdrafts, strays)

payments = st.builds(
    Payment,
    sender=st.sampled_from(PAYERS),
    parts=st.lists(parts, min_size=1, max_size=4).map(tuple),
    lane=lanes,
    fee_token=st.none() | tokens,
    sponsored=st.booleans(),
)
flaws = st.one_of(st.none(), st.none(), st.none(), st.sampled_from(sorted(FLAWS)))
flows = st.lists(st.tuples(payments, flaws), min_size=1, max_size=8)


@settings(max_examples=EXAMPLES)
@given(flow=flows)
def test_the_same_payments_have_the_same_effects(
    chains: tuple[Sandbox, Anvil], flow: list[tuple[Payment, str | None]]
) -> None:
    with Twins(*chains) as twins:
        for payment, flaw in flow:
            if flaw is None:
                twins.pay(payment)
            else:
                twins.refuse(payment, flaw)
        twins.compare()
