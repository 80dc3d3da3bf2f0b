"""The nonce manager: parallel nonces and the replay set of expiring ones (facts 1.7, 2.5)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytempo.contracts.abis import NONCE_ABI

from mock_rails.tempo.addresses import NONCE_MANAGER
from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.nonces import NonceManager
from mock_rails.tempo.world import World
from tests.unit.mock_rails.tempo.native.published import declared, published
from tests.unit.mock_rails.tempo.native.support import (
    ALICE,
    BOB,
    NOW_S,
    Caller,
    events,
    make_block,
    make_scope,
    reverts,
)

GET = "getNonce(address account, uint256 nonceKey)"
LAST_KEY = 2**256 - 1
WINDOW_S = 300


class SmallRing(NonceManager):
    """A nonce manager whose replay set is soon full."""

    ring_capacity = 3


def manager(
    world: World, *, now_s: int = NOW_S, kind: type[NonceManager] = NonceManager
) -> NonceManager:
    """The contract in a new transaction, as the executor uses it."""
    scope = make_scope(world, block=make_block(timestamp_s=now_s))
    return kind(Frame(scope, NONCE_MANAGER, ALICE))


def caller(world: World) -> Caller:
    """Somebody who reads nonces."""
    return Caller(make_scope(world), NonceManager, NONCE_MANAGER, ALICE)


def hash_of(number: int) -> bytes:
    """A context hash."""
    return number.to_bytes(32)


def use(world: World, number: int, expires_s: int, **options: Any) -> str | None:
    """Use an expiring nonce; the error's name if it is refused."""
    contract = manager(world, **options)
    try:
        contract.use_expiring(hash_of(number), expires_s)
    except Revert as revert:
        return NonceManager.errors[revert.data].name
    return None


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


# -- the ABI ---------------------------------------------------------------------------------------


def test_the_selectors_and_topics_are_those_of_the_node() -> None:
    """Facts 2.5."""
    assert [selector.hex() for selector in NonceManager.methods] == ["89535803"]
    assert [topic[:4].hex() for topic in NonceManager.events] == ["42d98041"]
    named = {selector.hex(): error.name for selector, error in NonceManager.errors.items()}
    assert (
        named.items()
        >= {
            "1bc81ca9": "ProtocolNonceNotSupported",
            "df9b1c41": "InvalidNonceKey",
            "adc15572": "NonceOverflow",
            "4ba8e2af": "ExpiringNonceReplay",
            "4adf682a": "ExpiringNonceSetFull",
            "d54ed552": "InvalidExpiringNonceExpiry",
        }.items()
    )


def test_the_abi_is_the_published_one() -> None:
    assert declared(NonceManager) == published(NONCE_ABI)


def test_its_reverts_are_told_from_others_by_their_title() -> None:
    """Facts 1.9."""
    assert NonceManager.title == "Tempo Transaction nonce error"


# -- parallel nonces -------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [1, 5, LAST_KEY])
def test_a_nonce_starts_at_zero(world: World, key: int) -> None:
    assert caller(world).call(GET, ALICE, key) == 0


def test_keys_and_accounts_count_apart(world: World) -> None:
    manager(world).advance(ALICE, 5)
    manager(world).advance(ALICE, 5)
    manager(world).advance(ALICE, 6)
    manager(world).advance(BOB, 5)
    counts = [caller(world).call(GET, account, key) for account in (ALICE, BOB) for key in (5, 6)]
    assert counts == [2, 1, 1, 0]


def test_advancing_is_logged(world: World) -> None:
    contract = manager(world)
    contract.advance(ALICE, 5)
    values = {"account": ALICE, "nonceKey": 5, "newNonce": 1}
    assert events(contract.frame.scope, NonceManager) == [("NonceIncremented", values)]


def test_the_protocol_nonce_is_not_kept_here(world: World) -> None:
    with reverts("ProtocolNonceNotSupported"):
        caller(world).call(GET, ALICE, 0)
    with pytest.raises(Revert) as caught:
        manager(world).advance(ALICE, 0)
    assert NonceManager.errors[caught.value.data].name == "InvalidNonceKey"
    assert world.storage == {}


def test_a_nonce_has_64_bits(world: World) -> None:
    world.store(NonceManager.nonces.key(NONCE_MANAGER, ALICE, 5), 2**64 - 2)
    manager(world).advance(ALICE, 5)
    assert caller(world).call(GET, ALICE, 5) == 2**64 - 1
    with pytest.raises(Revert) as caught:
        manager(world).advance(ALICE, 5)
    assert NonceManager.errors[caught.value.data].name == "NonceOverflow"
    assert caller(world).call(GET, ALICE, 5) == 2**64 - 1


def test_reading_costs_its_calldata_and_a_slot(world: World) -> None:
    """The price on a node: 2,118."""
    assert caller(world).gas(GET, ALICE, 5) == 6 * 3 + 2_100 == 2_118


# -- expiring nonces -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires_in_s", "error"),
    [
        (-1, "InvalidExpiringNonceExpiry"),
        (0, "InvalidExpiringNonceExpiry"),
        (1, None),
        (WINDOW_S, None),
        (WINDOW_S + 1, "InvalidExpiringNonceExpiry"),
    ],
)
def test_an_expiring_nonce_expires_within_the_window(
    world: World, expires_in_s: int, error: str | None
) -> None:
    """`now < valid_before <= now + 300` (fork T11)."""
    assert use(world, 1, NOW_S + expires_in_s) == error
    assert (world.storage == {}) == (error is not None)


def test_a_transaction_is_seen_once(world: World) -> None:
    assert use(world, 1, NOW_S + 10) is None
    before = dict(world.storage)
    assert use(world, 1, NOW_S + 10, now_s=NOW_S + 9) == "ExpiringNonceReplay"
    assert world.storage == before
    assert use(world, 2, NOW_S + 10) is None


def test_an_expired_transaction_is_refused_as_expired(world: World) -> None:
    assert use(world, 1, NOW_S + 10) is None
    assert use(world, 1, NOW_S + 10, now_s=NOW_S + 10) == "InvalidExpiringNonceExpiry"


def test_expiring_nonces_leave_the_counted_one_alone(world: World) -> None:
    """SDKs read the nonce of the last key: it stays 0."""
    use(world, 1, NOW_S + 10)
    assert caller(world).call(GET, ALICE, LAST_KEY) == 0


def test_marks_cost_no_gas_and_mint_no_credit(world: World) -> None:
    """They are intrinsic gas (facts 4.5)."""
    for number in range(9):
        use(world, number, NOW_S + 20 * number + 1, now_s=NOW_S + 20 * number)
    assert {key[0] for key in world.storage} == {NONCE_MANAGER}


def test_a_full_set_refuses_until_its_oldest_entry_expires(world: World) -> None:
    for number, expires_in_s in enumerate([10, 20, 20]):
        assert use(world, number, NOW_S + expires_in_s, kind=SmallRing) is None
    assert use(world, 3, NOW_S + 20, kind=SmallRing) == "ExpiringNonceSetFull"
    assert use(world, 3, NOW_S + 20, kind=SmallRing, now_s=NOW_S + 9) == "ExpiringNonceSetFull"
    assert use(world, 3, NOW_S + 20, kind=SmallRing, now_s=NOW_S + 10) is None


def test_a_refusal_for_want_of_room_is_not_a_mark(world: World) -> None:
    for number in range(3):
        use(world, number, NOW_S + 10, kind=SmallRing)
    use(world, 3, NOW_S + 20, kind=SmallRing)
    assert use(world, 3, NOW_S + 20, kind=SmallRing, now_s=NOW_S + 10) is None


def test_the_ring_goes_round(world: World) -> None:
    for number in range(20):
        now_s = NOW_S + 5 * number
        assert use(world, number, now_s + 15, kind=SmallRing, now_s=now_s) is None
        for seen in range(max(0, number - 2), number + 1):
            expires_s = NOW_S + 5 * seen + 15
            replay = use(world, seen, expires_s, kind=SmallRing, now_s=now_s)
            assert replay == "ExpiringNonceReplay"


def test_the_set_is_no_larger_than_the_traffic_of_a_window(world: World) -> None:
    """What expired is forgotten, so memory stays bounded however long the chain runs."""
    sizes = []
    for number in range(1_000):
        assert use(world, number, NOW_S + number + 10, now_s=NOW_S + number) is None
        sizes.append(len(world.storage))
    assert max(sizes[100:]) == max(sizes[:100]) <= 2 * 11 + 1


def test_a_burst_is_forgotten_when_it_has_expired(world: World) -> None:
    for number in range(100):
        use(world, number, NOW_S + 10)
    for number in range(100, 200):
        assert use(world, number, NOW_S + 20 + number, now_s=NOW_S + number) is None
    assert len(world.storage) <= 2 * 21 + 1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(1, 8)), max_size=60))
def test_no_unexpired_transaction_is_ever_taken_twice(
    attempts: list[tuple[int, int, int]],
) -> None:
    """Against a model of the node's ring: it overwrites its oldest entry, and only if expired."""
    world, now_s = World(), NOW_S
    ring: list[tuple[int, int]] = []
    expiry_of: dict[int, int] = {}
    for wait_s, number, window_s in attempts:
        now_s += wait_s
        expires_s = expiry_of.setdefault(number, now_s + window_s)
        if expires_s <= now_s:
            expected = "InvalidExpiringNonceExpiry"
        elif (number, expires_s) in ring:
            expected = "ExpiringNonceReplay"
        elif len(ring) == SmallRing.ring_capacity and ring[0][1] > now_s:
            expected = "ExpiringNonceSetFull"
        else:
            expected = None
            ring = [*ring, (number, expires_s)][-SmallRing.ring_capacity :]
        assert use(world, number, expires_s, now_s=now_s, kind=SmallRing) == expected
