"""Calls that a contract refuses: mined or simulated, they leave nothing but the fee (facts 1.9, 3).

Each is simulated (code 3, the node's text, the revert data), estimated (the same), and sent: a
receipt with status 0 whose only log is the fee's, and a world in which nothing has changed but
nonce, fee payer, fee manager and the fees collected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.abi import Function, RevertError
from mock_rails.tempo.addresses import (
    ACCOUNT_KEYCHAIN,
    ALPHA_USD,
    BETA_USD,
    CHANNEL_RESERVE,
    FEE_MANAGER,
    NONCE_MANAGER,
    PATH_USD,
    SIGNATURE_VERIFIER,
    STABLECOIN_DEX,
    THETA_USD,
    TIP20_FACTORY,
    TIP403_REGISTRY,
    ZERO_ADDRESS,
)
from mock_rails.tempo.genesis import dev_accounts
from mock_rails.tempo.native.tip20.roles import PAUSE_ROLE
from mock_rails.tempo.tx.model import Call
from tests.integration.tempo.refusals import SENDING, STRANGER, TRANSFER, Bench, payment
from tests.unit.mock_rails.tempo.rpc.support import refused, to_hex

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WEALTH = 2**64 - 1
"""What a development account holds of every token."""
PROXY = b"\xc0" * 20
ADMIN = dev_accounts()[0].address
CODE_REVERT = 3
MINT = Function("mint(address,uint256)")
APPROVE = Function("approve(address,uint256)")
_D = "(address,address,address,address,bytes32,address,bytes32)"
NO_CHANNEL = (STRANGER,) * 3 + (PATH_USD, bytes(32), STRANGER, bytes(32))


def forwarding(kind: int, target: bytes) -> bytes:
    """Code that passes its input on by DELEGATECALL (0xf4) or STATICCALL (0xfa), and the result.

    calldatacopy(0, 0, calldatasize); success = kind(gas, target, 0, calldatasize, 0, 0);
    returndatacopy(0, 0, returndatasize); success ? return : revert (0, returndatasize)
    """
    head = bytes.fromhex("365f5f375f5f365f73") + target + bytes([0x5A, kind])
    tail = bytes.fromhex("3d5f5f3e60")
    success = len(head) + len(tail) + 5
    return head + tail + bytes([success]) + bytes.fromhex("573d5ffd5b3d5ff3")


def saying(text: str) -> bytes:
    """Code that reverts with Error(string)."""
    data = RevertError("Error(string message)").encode(text)
    return (
        bytes.fromhex("61")
        + len(data).to_bytes(2)
        + bytes.fromhex("600c5f3961")
        + (len(data).to_bytes(2) + bytes.fromhex("5ffd") + data)
    )


def installed(code: bytes) -> Callable[[Bench], Awaitable[object]]:
    """Put code at the proxy's address."""
    return lambda bench: bench("anvil_setCode", to_hex(PROXY), to_hex(code))


def by_admin(*calls: tuple[bytes, bytes]) -> Callable[[Bench], Awaitable[object]]:
    """Have the admin make these calls beforehand."""

    async def prepare(bench: Bench) -> None:
        batch = tuple(Call(to, 0, data) for to, data in calls)
        await bench.send(bench.signed(bench.admin.key, calls=batch))

    return prepare


PAUSED = by_admin(
    (THETA_USD, Function("grantRole(bytes32,address)").call(PAUSE_ROLE, ADMIN)),
    (THETA_USD, Function("pause()").call()),
)
BARRED = by_admin(
    (
        TIP403_REGISTRY,
        Function("createPolicyWithAccounts(address,uint8,address[])").call(
            STRANGER, 1, (STRANGER,)
        ),
    ),
    (THETA_USD, Function("changeTransferPolicyId(uint64)").call(2)),
)


@dataclass(frozen=True, slots=True)
class Reverted:
    """A call, and the text after `execution reverted` ("" where the data means nothing)."""

    what: str
    to: bytes
    data: bytes
    text: str
    prepare: Callable[[Bench], Awaitable[object]] | None = None

    def __str__(self) -> str:
        return self.what


def named(title: str, error: str, fields: str = "") -> str:
    """The node's rendering of a native error."""
    return f": {title} error: {error}({error}{f' {{ {fields} }}' if fields else ''})"


TOKEN, DEX = "TIP20 token", "Stablecoin DEX"
PAY = TRANSFER.call(STRANGER, 5)
OPEN = Function("open(address,address,address,uint96,bytes32,address)")
SWAP = Function("swapExactAmountIn(address,address,uint128,uint128)")
CREATE_TOKEN = Function("createToken(string,string,string,address,address,bytes32)")

CASES = [
    # -- tokens
    Reverted("more than one has", PATH_USD, TRANSFER.call(STRANGER, WEALTH + 1),
             named(TOKEN, "InsufficientBalance",
                   f"available: {WEALTH}, required: {WEALTH + 1}, token: {to_hex(PATH_USD)}")),
    Reverted("to nobody", PATH_USD, TRANSFER.call(ZERO_ADDRESS, 5),
             named(TOKEN, "InvalidRecipient")),
    Reverted("to a token", PATH_USD, TRANSFER.call(BETA_USD, 5), named(TOKEN, "InvalidRecipient")),
    Reverted("without an allowance", PATH_USD,
             Function("transferFrom(address,address,uint256)").call(ADMIN, STRANGER, 5),
             named(TOKEN, "InsufficientAllowance")),
    Reverted("a paused token", THETA_USD, PAY, named(TOKEN, "ContractPaused"), PAUSED),
    Reverted("a recipient whom the policy bars", THETA_USD, PAY,
             named(TOKEN, "PolicyForbids"), BARRED),
    Reverted("minting without the role", PATH_USD, MINT.call(STRANGER, 5),
             "Unauthorized(Unauthorized)"),
    Reverted("a token that was never created", PATH_USD[:12] + b"\x77" * 8, PAY,
             named(TOKEN, "Uninitialized")),
    # -- calldata
    Reverted("an unknown selector", PATH_USD, b"\xde\xad\xbe\xef" + bytes(64),
             named(TOKEN, "UnknownFunctionSelector", "selector: 0xdeadbeef")),
    Reverted("no whole selector", PATH_USD, b"\xa9\x05\x9c", ""),
    Reverted("arguments cut short", PATH_USD, PAY[:-1], ""),
    # -- the other contracts
    Reverted("a channel to nobody", CHANNEL_RESERVE,
             OPEN.call(ZERO_ADDRESS, STRANGER, PATH_USD, 5, bytes(32), ZERO_ADDRESS),
             named("TIP20 channel reserve", "InvalidPayee")),
    Reverted("a channel with nothing in it", CHANNEL_RESERVE,
             OPEN.call(STRANGER, STRANGER, PATH_USD, 0, bytes(32), ZERO_ADDRESS),
             named("TIP20 channel reserve", "ZeroDeposit")),
    Reverted("a channel that is not open", CHANNEL_RESERVE,
             Function(f"requestClose({_D})").call(NO_CHANNEL),
             named("TIP20 channel reserve", "ChannelNotFound")),
    Reverted("a nonce that the manager does not keep", NONCE_MANAGER,
             Function("getNonce(address,uint256)").call(STRANGER, 0),
             named("Tempo Transaction nonce", "ProtocolNonceNotSupported")),
    Reverted("revoking an unknown key", ACCOUNT_KEYCHAIN,
             Function("revokeKey(address)").call(STRANGER),
             named("Account keychain", "KeyNotFound")),
    Reverted("a token quoted in nothing", TIP20_FACTORY,
             CREATE_TOKEN.call("a", "a", "USD", STRANGER, STRANGER, bytes(32)),
             named("TIP20 factory", "InvalidQuoteToken")),
    Reverted("a fee token that is none", FEE_MANAGER,
             Function("setUserToken(address)").call(STRANGER),
             "InvalidToken(InvalidToken)"),
    Reverted("a pool of one token", FEE_MANAGER,
             Function("mint(address,address,uint256,address)").call(
                 PATH_USD, PATH_USD, 10**9, STRANGER),
             named("TIP fee AMM", "IdenticalAddresses")),
    Reverted("a pair that exists", STABLECOIN_DEX,
             Function("createPair(address)").call(ALPHA_USD), named(DEX, "PairAlreadyExists")),
    Reverted("a swap without depth", STABLECOIN_DEX,
             SWAP.call(ALPHA_USD, PATH_USD, 10**15, 0), named(DEX, "InsufficientLiquidity")),
    Reverted("a swap for too little", STABLECOIN_DEX,
             SWAP.call(ALPHA_USD, PATH_USD, 10**6, 10**7), named(DEX, "InsufficientOutput")),
    Reverted("a signature of no kind", SIGNATURE_VERIFIER,
             Function("recover(bytes32,bytes)").call(bytes(32), b"\x01"),
             named("Signature verifier", "InvalidFormat")),
    # -- from EVM code
    Reverted("a native contract by DELEGATECALL", PROXY, PAY, "DelegateCallNotAllowed",
             installed(forwarding(0xF4, PATH_USD))),
    Reverted("a write in a STATICCALL", PROXY, APPROVE.call(STRANGER, 5), "StaticCallNotAllowed",
             installed(forwarding(0xFA, PATH_USD))),
    Reverted("Solidity's require", PROXY, b"", ": not today", installed(saying("not today"))),
]  # fmt: skip


def storage_changes(before: dict[str, Any], after: dict[str, Any]) -> set[tuple[str, str]]:
    """The contracts and paths whose values differ between two dumps of a world."""
    return {
        (contract, path)
        for contract in before["storage"] | after["storage"]
        for path in before["storage"].get(contract, {}) | after["storage"].get(contract, {})
        if before["storage"].get(contract, {}).get(path)
        != after["storage"].get(contract, {}).get(path)
    }


def assert_only_the_fee(bench: Bench, before: dict[str, Any], receipt: dict[str, Any]) -> None:
    """What a reverted transaction of the payer has changed: its nonce, and where the fee is."""
    after = bench.chain.snapshot()["world"]
    payer, token, manager = map(to_hex, (bench.payer.address, PATH_USD, FEE_MANAGER))
    assert receipt["status"] == "0x0"
    assert [log["address"] for log in receipt["logs"]] == [token]
    assert storage_changes(before, after) == {
        (token, f"9/{payer}"),
        (token, f"9/{manager}"),
        (manager, f"2/{to_hex(ZERO_ADDRESS)}/{token}"),
    }
    assert after["codes"] == before["codes"]
    assert after["nonces"] == before["nonces"] | {payer: before["nonces"].get(payer, 0) + 1}
    fee = int(receipt["logs"][0]["data"], 16)
    balances = [world["storage"][token][f"9/{payer}"] for world in (before, after)]
    assert int(balances[0], 16) - int(balances[1], 16) == fee > 0


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_refused_call_leaves_only_its_fee(case: Reverted) -> None:
    bench = Bench()
    if case.prepare is not None:
        await case.prepare(bench)
    before = bench.chain.digest()
    request = {"from": bench.account(1), "to": to_hex(case.to), "data": to_hex(case.data)}
    for method in ("eth_call", "eth_estimateGas"):
        with refused(CODE_REVERT, "execution reverted", case.text) as caught:
            await bench(method, request)
        assert bool(case.text) == (caught.value.data != "0x")
        assert case.text or caught.value.message == "execution reverted"
    assert bench.chain.digest() == before
    world = bench.chain.snapshot()["world"]
    raw = bench.signed(nonce_key=0, calls=(Call(case.to, 0, case.data),))
    assert_only_the_fee(bench, world, await bench(SENDING[1], to_hex(raw)))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (b"\xfe", "invalid"),
        (b"\x5b\x5f\x56", "out of gas"),
        (b"\x01", "stack"),
        (b"\x60\x09\x56", "jump"),
    ],
    ids=["an invalid opcode", "an endless loop", "an empty stack", "a jump to nowhere"],
)
async def test_code_that_breaks_leaves_only_its_fee(code: bytes, reason: str) -> None:
    """The EVM's own failures are no reverts: they take all the gas and have no data."""
    bench = Bench()
    await installed(code)(bench)
    before = bench.chain.digest()
    request = {"from": bench.account(1), "to": to_hex(PROXY), "gas": hex(400_000)}
    with refused(-32000) as caught:
        await bench("eth_call", request)
    assert reason in caught.value.message.lower()
    assert bench.chain.digest() == before
    world = bench.chain.snapshot()["world"]
    raw = bench.signed(nonce_key=0, calls=(Call(PROXY, 0, b""),), gas_limit=400_000)
    receipt = await bench(SENDING[1], to_hex(raw))
    assert receipt["gasUsed"] == hex(400_000)
    assert_only_the_fee(bench, world, receipt)


async def test_the_last_call_of_a_batch_undoes_the_others() -> None:
    bench = Bench()
    world = bench.chain.snapshot()["world"]
    calls = (payment(7), payment(8), payment(WEALTH))
    receipt = await bench(SENDING[1], to_hex(bench.signed(nonce_key=0, calls=calls)))
    assert_only_the_fee(bench, world, receipt)
    assert await bench.balance(STRANGER) == 0
