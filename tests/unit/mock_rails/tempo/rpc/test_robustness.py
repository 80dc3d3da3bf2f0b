"""Whatever is sent, the node answers in its language: never a crash, never "internal error"."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.mock_rails.tempo.rpc.support import PATH, Rpc, to_hex, transfer

RPC = Rpc()
PAYMENT = RPC.payment()
SLOW = {"anvil_mine", "hardhat_mine", "evm_mine"}
"""They obey numbers; a random one mines ten thousands of blocks."""

METHODS = [name for name in RPC.dispatcher.methods if name not in SLOW]

members = st.sampled_from(
    [
        *("from", "to", "data", "input", "gas", "gasPrice", "maxFeePerGas", "value", "nonce"),
        *("calls", "feeToken", "nonceKey", "validBefore", "feePayerSignature", "feePayer", "type"),
        *("keyType", "keyData", "keyId", "keyAuthorization", "aaAuthorizationList", "accessList"),
        *("authorizationList", "chainId", "address", "topics", "fromBlock", "toBlock", "blockHash"),
        *("blockNumber", "blockStateCalls", "stateOverrides", "blockOverrides", "validation"),
        *("tracer", "tracerConfig", "state", "stateDiff", "code", "number", "time", "r", "s", "v"),
        *("signature", "limits", "expiry", "yParity", "storageKeys", PATH),
    ]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.integers(0, 2**256).map(hex)
    | st.binary(max_size=40).map(to_hex)
    | st.binary(min_size=20, max_size=20).map(to_hex)
    | st.binary(min_size=32, max_size=32).map(to_hex)
    | st.sampled_from(
        ["latest", "earliest", "pending", "callTracer", "newHeads", "p256", "0x76", "0x4", PATH]
    )
    | st.sampled_from([to_hex(PAYMENT.raw), to_hex(PAYMENT.hash), RPC.account(1)])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=5),
    max_leaves=12,
)


def ask(body: bytes) -> Any:
    async def answer() -> bytes | None:
        try:
            async with asyncio.timeout(2):
                return await RPC.dispatcher.answer(body)
        except TimeoutError:  # a synchronous send on a chain that a test set to manual mining
            return None

    reply = asyncio.run(answer())
    return None if reply is None else orjson.loads(reply)


# The interpreter raises Python's recursion limit when it is first needed; hypothesis would object
# to that in the middle of an example.
ask(b'{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"data":"0x00"}]}')


def require_sense(answer: Any) -> None:
    if answer is None:
        return
    assert answer["jsonrpc"] == "2.0"
    if "error" in answer:
        assert isinstance(answer["error"]["code"], int)
        assert answer["error"]["message"] != "internal error"


@settings(max_examples=600)
@given(st.sampled_from(METHODS), st.lists(values, max_size=4))
def test_any_parameters(name: str, params: list[Any]) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": name, "params": params}
    require_sense(ask(orjson.dumps(request)))
    RPC.chain.check_conservation()


@given(
    st.sampled_from(
        [
            *("eth_call", "eth_estimateGas", "eth_fillTransaction", "eth_sendTransaction"),
            *("eth_signTransaction", "tempo_simulateV1", "debug_traceCall"),
        ]
    ),
    st.dictionaries(members, values, max_size=4),
    st.booleans(),
)
def test_almost_right_requests(name: str, spoiled: dict[str, Any], with_target: bool) -> None:
    value = {"from": RPC.account(1)} | (transfer(5) if with_target else {}) | spoiled
    params: list[Any] = [value]
    if name == "tempo_simulateV1":
        params = [{"blockStateCalls": [{"calls": params}]}]
    elif name == "debug_traceCall":
        params += ["latest", {"tracer": "callTracer"}]
    request = {"jsonrpc": "2.0", "id": 1, "method": name, "params": params}
    require_sense(ask(orjson.dumps(request)))
    RPC.chain.check_conservation()


@given(st.sampled_from(["eth_sendRawTransaction", "eth_sendRawTransactionSync"]), st.data())
def test_mutated_transactions(name: str, data: st.DataObject) -> None:
    raw = bytearray(PAYMENT.raw)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    request = {"jsonrpc": "2.0", "id": 1, "method": name, "params": [to_hex(bytes(raw)), 100]}
    require_sense(ask(orjson.dumps(request)))
    RPC.chain.check_conservation()


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    answer = ask(body)
    if isinstance(answer, dict):
        require_sense(answer)
