"""Witnesses of key authorizations, and burning them (facts 2.6, TIP-1053)."""

from __future__ import annotations

import pytest

from mock_rails.tempo.world import World
from tests.unit.mock_rails.tempo.native.keychain_support import (
    AUTHORIZE_ADMIN,
    AUTHORIZE_WITH_WITNESS,
    GET_KEY,
    KEY,
    NO_KEY,
    OTHER_KEY,
    WITNESS,
    by_root,
    config,
)
from tests.unit.mock_rails.tempo.native.support import ALICE, BOB, reverts

BURN = "burnKeyAuthorizationWitness(bytes32)"
IS_BURNT = "isKeyAuthorizationWitnessBurned(address,bytes32)"


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


def test_burning_is_remembered_and_logged(world: World) -> None:
    transaction = by_root(world)
    assert not transaction.call(IS_BURNT, ALICE, WITNESS)
    transaction.call(BURN, WITNESS)
    assert transaction.call(IS_BURNT, ALICE, WITNESS)
    values = {"account": ALICE, "witness": WITNESS}
    assert transaction.events == [("KeyAuthorizationWitnessBurned", values)]


def test_a_witness_burns_once(world: World) -> None:
    by_root(world).call(BURN, WITNESS)
    with reverts("KeyAuthorizationWitnessAlreadyBurned"):
        by_root(world).call(BURN, WITNESS)


def test_burning_one_witness_burns_no_other_and_for_nobody_else(world: World) -> None:
    by_root(world).call(BURN, WITNESS)
    assert not by_root(world).call(IS_BURNT, ALICE, bytes(32))
    assert not by_root(world).call(IS_BURNT, BOB, WITNESS)


@pytest.mark.parametrize("witness", [WITNESS, bytes(32)])
def test_an_authorization_logs_its_witness_and_does_not_burn_it(
    world: World, witness: bytes
) -> None:
    """Thirty-two zeros are a witness too."""
    transaction = by_root(world)
    transaction.call(AUTHORIZE_WITH_WITNESS, KEY, 0, config(), witness)
    values = {"account": ALICE, "witness": witness}
    assert transaction.events[-1] == ("KeyAuthorizationWitness", values)
    assert not transaction.call(IS_BURNT, ALICE, witness)
    by_root(world).call(AUTHORIZE_WITH_WITNESS, OTHER_KEY, 0, config(), witness)


def test_an_authorization_with_a_burnt_witness_is_void(world: World) -> None:
    by_root(world).call(BURN, WITNESS)
    with reverts("InvalidKeyAuthorizationWitness"):
        by_root(world).call(AUTHORIZE_WITH_WITNESS, KEY, 0, config(), WITNESS)
    with reverts("InvalidKeyAuthorizationWitness"):
        by_root(world).call(AUTHORIZE_ADMIN, KEY, 0, WITNESS)
    assert by_root(world).call(GET_KEY, ALICE, KEY) == NO_KEY


def test_an_authorization_with_another_witness_is_not(world: World) -> None:
    by_root(world).call(BURN, WITNESS)
    by_root(world).call(AUTHORIZE_WITH_WITNESS, KEY, 0, config(), bytes(32))
    by_root(world, account=BOB).call(AUTHORIZE_WITH_WITNESS, KEY, 0, config(), WITNESS)
