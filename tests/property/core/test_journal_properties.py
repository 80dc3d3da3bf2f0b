"""However it is used, a bounded journal equals the tail of an unbounded list."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mock_rails.core import Clock, Journal
from mock_rails.core.plain import to_plain

KINDS = st.sampled_from(["block.sealed", "payment.made", "webhook.sent"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(
    capacity=st.integers(1, 8),
    kinds=st.lists(KINDS, max_size=30),
    after=st.integers(0, 35),
    limit=st.none() | st.integers(0, 10),
    kind=st.none() | KINDS,
)
def test_it_is_the_tail_of_a_list(
    capacity: int, kinds: list[str], after: int, limit: int | None, kind: str | None
) -> None:
    journal = Journal(Clock.frozen(0), capacity)
    for each in kinds:
        journal.append("tempo", each)
    kept = list(enumerate(kinds, start=1))[-capacity:]
    assert journal.last_offset == len(kinds)
    assert journal.first_offset == (kept[0][0] if kept else 1)
    expected = [(n, k) for n, k in kept if n > after and (kind is None or k == kind)][:limit]
    assert [(e.offset, e.kind) for e in journal.read(after, limit, kind=kind)] == expected


@given(value=st.dictionaries(st.text(), VALUES))
def test_whatever_is_written_reads_as_json(value: dict[str, object]) -> None:
    journal = Journal(Clock.frozen(0))
    journal.append("tempo", "n", value)
    (line,) = journal.lines()
    assert json.loads(line)["data"] == to_plain(value)
