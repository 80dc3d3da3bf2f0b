"""CREATE, CREATE2, deployment by transaction, and SELFDESTRUCT."""

from __future__ import annotations

import pytest

from mock_rails.tempo.calls import CallResult
from mock_rails.tempo.evm import machine
from mock_rails.tempo.evm.creating import create2_address, create_address
from tests.unit.mock_rails.tempo.evm.support import (
    CODE,
    EOA,
    OTHER,
    PLENTY,
    RETURN_ALL,
    RETURN_WORD,
    STOP,
    asm,
    create,
    forward,
    gas_used,
    initcode_for,
    make_scope,
    returned,
    run,
)

# -- by transaction -------------------------------------------------------------------------------


def test_a_transaction_deploys_at_the_address_of_the_nonce_it_used() -> None:
    scope = make_scope()
    scope.world.set_nonce(EOA, 4)
    runtime = asm(f"7 {RETURN_WORD}")
    result = create(scope, initcode_for(runtime))
    address = create_address(EOA, 4)
    assert result.success
    assert result.created == address
    assert scope.world.code(address) == runtime
    assert scope.world.nonce(address) == 1
    assert scope.world.nonce(EOA) == 5
    assert machine.call(scope, EOA, address, b"", 1_000).output == (7).to_bytes(32)


def test_deployed_code_costs_1000_gas_a_byte() -> None:
    """Facts 4.5. What a creation costs before its init code runs is intrinsic gas."""
    runtime = b"\x00" * 100
    free = create(make_scope(), initcode_for(b"")).gas_left
    paid = create(make_scope(), initcode_for(runtime)).gas_left
    copying = 3 * 4 + 3 * 4  # CODECOPY and memory, by the word
    assert free - paid == 100 * 1_000 + copying


def test_a_call_without_target_answers_what_the_init_code_returned() -> None:
    """Facts 5.4: viem runs multicalls and signature checks in a constructor."""
    result = create(make_scope(), asm(f"42 {RETURN_WORD}"))
    assert (result.success, result.output) == (True, (42).to_bytes(32))


def test_an_empty_creation_succeeds() -> None:
    """Facts 5.3: mppx warms up with one."""
    result = create(make_scope(), b"")
    assert (result.success, result.output) == (True, b"")


def test_a_constructor_that_reverts_deploys_nothing() -> None:
    scope = make_scope()
    result = create(scope, asm("1 0 SSTORE 0xbad0 0 MSTORE 2 30 REVERT"))
    assert (result.success, result.error) == (False, "execution reverted")
    assert result.output == bytes.fromhex("bad0")
    assert result.created is None
    assert result.gas_left > 0
    assert scope.world.storage == {}
    assert scope.world.nonce(create_address(EOA, 0)) == 0


@pytest.mark.parametrize(
    ("initcode", "gas", "error"),
    [
        (initcode_for(b"\xef\x00"), PLENTY, "invalid code: must not begin with 0xef"),
        (initcode_for(bytes(24_577)), PLENTY, "max code size exceeded"),
        (initcode_for(bytes(100)), 100_000, "contract creation code storage out of gas"),
        (bytes(49_153), PLENTY, "max initcode size exceeded"),
        (b"\xfe", PLENTY, "invalid opcode: INVALID"),
    ],
)
def test_a_creation_that_fails_takes_all_gas(initcode: bytes, gas: int, error: str) -> None:
    scope = make_scope()
    assert create(scope, initcode, gas=gas) == CallResult(False, b"", 0, error)
    assert scope.world.codes == {}


def test_the_largest_code_and_init_code_are_allowed() -> None:
    """EIP-170, EIP-3860."""
    assert create(make_scope(), initcode_for(bytes(24_576))).success
    assert create(make_scope(), STOP * 49_152).success


@pytest.mark.parametrize("occupied", ["code", "nonce"])
def test_no_contract_is_put_over_another(occupied: str) -> None:
    scope = make_scope()
    address = create_address(EOA, 0)
    if occupied == "code":
        scope.world.set_code(address, STOP)
    else:
        scope.world.set_nonce(address, 1)
    result = create(scope, b"")
    assert result == CallResult(False, b"", 0, "contract address collision")


def test_the_nonce_must_have_been_raised() -> None:
    with pytest.raises(ValueError, match="nonce must be raised"):
        machine.create(make_scope(), EOA, b"", PLENTY)


# -- by code --------------------------------------------------------------------------------------


def test_create_uses_the_creators_nonce() -> None:
    scope = make_scope()
    scope.world.set_nonce(CODE, 1)
    for nonce in (1, 2):
        address = create_address(CODE, nonce)
        assert returned(scope, "0 0 0 CREATE") == int.from_bytes(address)
        assert scope.world.nonce(address) == 1
    assert scope.world.nonce(CODE) == 3


@pytest.mark.parametrize(
    ("sender", "salt", "initcode", "address"),
    [
        ("00" * 20, "00" * 32, "00", "4d1a2e2bb4f88f0250f26ffff098b0b30b26bf38"),
        (
            "deadbeef00000000000000000000000000000000",
            "00" * 32,
            "00",
            "b928f69bb1d91cd65274e3c79d8986362984fda3",
        ),
        (
            "00000000000000000000000000000000deadbeef",
            "00" * 28 + "cafebabe",
            "deadbeef",
            "60f3f640a8508fc6a86d45df051962668e1e8ac7",
        ),
    ],
)
def test_create2_addresses_are_those_of_eip_1014(
    sender: str, salt: str, initcode: str, address: str
) -> None:
    made = create2_address(bytes.fromhex(sender), int(salt, 16), bytes.fromhex(initcode))
    assert made == bytes.fromhex(address)


def test_create2_deploys_where_it_says() -> None:
    scope = make_scope()
    initcode = initcode_for(STOP)
    copy = f"0x{initcode.hex()} 0 MSTORE"
    code = f"{copy} 0xabcd {len(initcode)} {32 - len(initcode)} 0 CREATE2"
    address = create2_address(CODE, 0xABCD, initcode)
    assert returned(scope, code) == int.from_bytes(address)
    assert scope.world.code(address) == STOP
    assert returned(scope, code) == 0, "a second time it collides"


def test_create_costs_500_000_and_the_words_of_its_init_code() -> None:
    """Facts 4.5, EIP-3860; CREATE2 also hashes them (EIP-1014)."""
    assert gas_used(make_scope(), "0 0 0 CREATE") == 6 + 500_000
    assert gas_used(make_scope(), "0 0 0 0 CREATE2") == 8 + 500_000
    memory = 3 * 3
    assert gas_used(make_scope(), "65 0 0 CREATE") == 7 + 500_000 + 3 * 2 + memory
    assert gas_used(make_scope(), "0 65 0 0 CREATE2") == 9 + 500_000 + 3 * (2 + 6) + memory


def test_a_failed_create_has_used_the_nonce_and_shows_revert_data() -> None:
    scope = make_scope()
    reverting = asm("0xfeed 0 MSTORE 2 30 REVERT")
    code = f"0x{reverting.hex()} 0 MSTORE {len(reverting)} {32 - len(reverting)} 0 CREATE"
    assert run(scope, f"{code} {RETURN_ALL}").output == bytes.fromhex("feed")
    assert scope.world.nonce(CODE) == 1
    assert returned(scope, code) == 0


def test_create_with_value_cannot_be_paid_for() -> None:
    scope = make_scope()
    assert returned(scope, "0 0 1 CREATE") == 0
    assert scope.world.nonce(CODE) == 0


def test_too_much_init_code_ends_the_creator() -> None:
    """EIP-3860."""
    assert run(make_scope(), "49153 0 0 CREATE").error == "out of gas"


# -- SELFDESTRUCT ---------------------------------------------------------------------------------

SUICIDAL = asm("0 SELFDESTRUCT")


def test_a_contract_deployed_before_is_not_destroyed() -> None:
    """EIP-6780."""
    scope = make_scope()
    assert run(scope, SUICIDAL).success
    scope.remove_destroyed()
    assert scope.world.code(CODE) == SUICIDAL


def test_a_contract_is_destroyed_at_the_end_of_the_transaction_that_made_it() -> None:
    scope = make_scope()
    runtime = asm("1 5 SSTORE 0 SELFDESTRUCT")
    address = create(scope, initcode_for(runtime)).created
    assert address is not None
    scope.world.set_code(CODE, asm(forward(address)))
    assert machine.call(scope, EOA, CODE, b"", PLENTY).success
    assert scope.world.code(address) == runtime, "not before the end"
    assert scope.world.load((address, 5)) == 1

    scope.remove_destroyed()
    assert scope.world.code(address) == b""
    assert scope.world.nonce(address) == 0
    assert scope.world.load((address, 5)) == 0
    assert scope.world.code(CODE) != b""


def test_a_reverted_destruction_does_not_happen() -> None:
    scope = make_scope()
    address = create(scope, initcode_for(SUICIDAL)).created
    assert address is not None
    run(scope, f"{forward(address)} 0 0 REVERT", at=OTHER)
    scope.remove_destroyed()
    assert scope.world.code(address) == SUICIDAL


def test_selfdestruct_costs_5000_and_a_cold_beneficiary() -> None:
    scope = make_scope()
    scope.touch(bytes(20))
    assert gas_used(scope, SUICIDAL) == 2 + 5_000
    assert gas_used(make_scope(), SUICIDAL) == 2 + 5_000 + 2_600
