"""The storage type under the call scopes: sets that can be listed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mock_rails.tempo.native.contract import NativeContract
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.keychain.sets import Sets, StoredSet
from mock_rails.tempo.world import World
from tests.unit.mock_rails.tempo.native.support import make_scope

MEMBERS = st.integers(0, 9).map(lambda number: number.to_bytes(4))


class Contract(NativeContract):
    """Two declarations, as contracts have them."""

    words = Sets(0, size=4)
    others = Sets(3, size=4)


def contract(world: World) -> Contract:
    """The contract in a new transaction."""
    return Contract(Frame(make_scope(world), b"\xcc" * 20, b"\xa1" * 20))


def removed(members: list[bytes], member: bytes) -> None:
    """What removal does to the order: the last takes the place of the one that goes."""
    at = members.index(member)
    members[at] = members[-1]
    members.pop()


def agree(stored: StoredSet, members: list[bytes]) -> None:
    """The set is the list."""
    assert list(stored) == members
    assert len(stored) == len(members)
    assert [number for number in range(10) if number.to_bytes(4) in stored] == sorted(
        int.from_bytes(member) for member in members
    )


@given(
    st.lists(st.tuples(st.sampled_from(["add", "add", "remove", "clear"]), MEMBERS), max_size=40)
)
def test_a_set_is_a_list_without_repetition(actions: list[tuple[str, bytes]]) -> None:
    """Zero is a member like any other, and so is one that was removed before."""
    world, members = World(), list[bytes]()
    for action, member in actions:
        stored = contract(world).words[b"a", b"b"]
        absent = member not in members
        if action == "add":
            assert stored.add(member) == absent
            if absent:
                members.append(member)
        elif action == "remove":
            assert stored.remove(member) != absent
            if not absent:
                removed(members, member)
        else:
            stored.clear()
            members.clear()
        agree(stored, members)
        if not members:
            assert world.storage == {}


def test_sets_of_different_paths_and_declarations_are_apart() -> None:
    world = World()
    one = contract(world)
    one.words[b"a", b"b"].add(b"same")
    one.words[b"a", b"c"].add(b"same")
    one.others[b"a", b"b"].add(b"same")
    one.words[b"a", b"b"].clear()
    assert list(one.words[b"a", b"b"]) == []
    assert list(one.words[b"a", b"c"]) == [b"same"]
    assert list(one.others[b"a", b"b"]) == [b"same"]


def test_a_member_costs_three_slots_and_the_first_only() -> None:
    """As on a node: a new target, selector or recipient is three slots, the length counted once."""
    world = World()
    contract(world).words[b"a", b"b"].add(b"aaaa")
    assert len(world.storage) == 3
    contract(world).words[b"a", b"b"].add(b"bbbb")
    assert len(world.storage) == 5


def test_removing_mints_no_storage_credit() -> None:
    """Keychain slots are the protocol's bookkeeping (facts 4.5)."""
    world = World()
    contract(world).words[b"a", b"b"].add(b"aaaa")
    contract(world).words[b"a", b"b"].remove(b"aaaa")
    contract(world).words[b"a", b"b"].add(b"bbbb")
    contract(world).words[b"a", b"b"].clear()
    assert world.storage == {}
