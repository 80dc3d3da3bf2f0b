"""The world's undo log: going back restores the very same dictionaries."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.tempo.world import HistoryPrunedError, World

CONTRACT = b"\x20\xc0" + bytes(18)
WRITES = st.lists(
    st.tuples(st.sampled_from(["storage", "nonce", "code"]), st.integers(0, 3), st.integers(0, 3)),
    max_size=30,
)


def write(world: World, writes: list[tuple[str, int, int]]) -> None:
    for kind, where, value in writes:
        address = bytes([where]) * 20
        if kind == "storage":
            world.store((CONTRACT, 9, address), value)
        elif kind == "nonce":
            world.set_nonce(address, value)
        else:
            world.set_code(address, b"\xef" * value)


def state(world: World) -> tuple[object, ...]:
    return copy.deepcopy((world.nonces, world.codes, world.storage))


@given(WRITES, WRITES)
def test_revert_restores_the_state_of_the_mark(
    before: list[tuple[str, int, int]], after: list[tuple[str, int, int]]
) -> None:
    world = World()
    write(world, before)
    mark, then = world.mark(), state(world)
    write(world, after)
    world.revert(mark)
    assert state(world) == then


@given(WRITES, WRITES, WRITES)
def test_a_rewound_view_shows_the_past_and_leaves_the_present(
    before: list[tuple[str, int, int]],
    after: list[tuple[str, int, int]],
    meanwhile: list[tuple[str, int, int]],
) -> None:
    world = World()
    write(world, before)
    mark, then = world.mark(), state(world)
    write(world, after)
    now, position = state(world), world.mark()
    with world.rewound(mark):
        assert state(world) == then
        write(world, meanwhile)
    assert state(world) == now
    assert world.mark() == position
    world.revert(mark)
    assert state(world) == then


def test_zero_is_not_stored() -> None:
    world = World()
    world.store((CONTRACT, 8), 5)
    world.store((CONTRACT, 8), 0)
    assert world.storage == {}
    assert world.load((CONTRACT, 8)) == 0


def test_the_first_value_of_each_written_key_is_told() -> None:
    world = World()
    world.store((CONTRACT, 8), 5)
    mark = world.mark()
    world.store((CONTRACT, 8), 6)
    world.store((CONTRACT, 8), 7)
    world.store((CONTRACT, 9), 1)
    assert world.storage_before(mark) == {(CONTRACT, 8): 5, (CONTRACT, 9): None}


def test_pruned_history_cannot_be_reached() -> None:
    world = World()
    start = world.mark()
    world.store((CONTRACT, 8), 5)
    middle = world.mark()
    world.store((CONTRACT, 8), 6)
    world.prune(middle)
    with pytest.raises(HistoryPrunedError):
        world.revert(start)
    with pytest.raises(HistoryPrunedError), world.rewound(start):
        pass
    world.revert(middle)
    assert world.load((CONTRACT, 8)) == 5
