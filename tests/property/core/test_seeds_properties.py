"""Streams depend on seed and name alone, and a snapshot holds all there is to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from mock_rails.core import Seeds

if TYPE_CHECKING:
    from fractions import Fraction

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
SEEDS = st.integers() | NAMES
DRAWS = st.lists(st.tuples(NAMES, st.integers(0, 70)), max_size=30)


@given(seed=SEEDS, name=NAMES, others=DRAWS)
def test_other_streams_do_not_matter(
    seed: int | str, name: str, others: list[tuple[str, int]]
) -> None:
    crowded = Seeds(seed)
    for other, count in others:
        if other != name:
            crowded.stream(other).bytes(count)
    assert crowded.stream(name).bytes(64) == Seeds(seed).stream(name).bytes(64)


@given(seed=SEEDS, counts=st.lists(st.integers(0, 100), max_size=20))
def test_pieces_join_to_the_whole(seed: int | str, counts: list[int]) -> None:
    pieces, whole = Seeds(seed).stream("s"), Seeds(seed).stream("s")
    assert b"".join(map(pieces.bytes, counts)) == whole.bytes(sum(counts))
    assert pieces.position == sum(counts)


@given(seed=SEEDS, before=DRAWS, after=DRAWS)
def test_a_snapshot_replays_everything(
    seed: int | str, before: list[tuple[str, int]], after: list[tuple[str, int]]
) -> None:
    seeds = Seeds(seed)
    for name, count in before:
        seeds.stream(name).bytes(count)
    document = json.loads(json.dumps(seeds.snapshot()))
    drawn = [seeds.stream(name).bytes(count) for name, count in after]
    for restored in (seeds, Seeds("another")):
        restored.restore(document)
        assert restored.snapshot() == document
        assert [restored.stream(name).bytes(count) for name, count in after] == drawn


@given(seed=SEEDS, low=st.integers(), span=st.integers(0, 2**300))
def test_integers_stay_in_their_range(seed: int | str, low: int, span: int) -> None:
    assert low <= Seeds(seed).stream("s").integer(low, low + span) <= low + span


@given(seed=SEEDS, items=st.lists(st.integers()))
def test_shuffling_loses_nothing(seed: int | str, items: list[int]) -> None:
    shuffled = list(items)
    Seeds(seed).stream("s").shuffle(shuffled)
    assert sorted(shuffled) == sorted(items)


@given(seed=SEEDS, probability=st.fractions(0, 1))
def test_certain_chances_are_certain(seed: int | str, probability: Fraction) -> None:
    met = Seeds(seed).stream("s").chance(probability)
    assert type(met) is bool
    if probability in (0, 1):
        assert met == bool(probability)
