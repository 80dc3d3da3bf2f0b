"""The call tracer: geth's `callTracer`, over native contracts and code alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.tempo import calls
from mock_rails.tempo.abi import Function, RevertError
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.evm.creating import create_address
from mock_rails.tempo.native.contract import NativeContract
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.tracer import CallTracer, revert_reason
from tests.unit.mock_rails.tempo.evm.support import (
    CODE,
    EOA,
    OTHER,
    RETURN_ALL,
    asm,
    create,
    forward,
    initcode_for,
    make_scope,
    stored,
)
from tests.unit.mock_rails.tempo.native.support import make_token

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Scope

GAS = 1_000_000
TRANSFER = Function("transfer(address to, uint256 amount) returns (bool)")


def traced_scope() -> tuple[Scope, CallTracer]:
    scope = make_scope()
    make_token(scope, PATH_USD, balances={EOA: 100, CODE: 100})
    tracer = CallTracer()
    scope.tracer = tracer
    return scope, tracer


def hexed(data: bytes) -> str:
    return f"0x{data.hex()}"


def test_a_native_payment_is_one_frame() -> None:
    scope, tracer = traced_scope()
    data = TRANSFER.call(OTHER, 5)
    result = calls.call(scope, EOA, PATH_USD, data, GAS)
    used = GAS - result.gas_left
    assert tracer.result(EOA, GAS + 21_000, used + 21_000) == {
        "type": "CALL",
        "from": hexed(EOA),
        "to": hexed(PATH_USD),
        "value": "0x0",
        "gas": hex(GAS + 21_000),
        "gasUsed": hex(used + 21_000),
        "input": hexed(data),
        "output": hexed((1).to_bytes(32)),
    }


def test_frames_nest_and_failures_are_named() -> None:
    scope, tracer = traced_scope()
    scope.world.set_code(OTHER, b"\xfe")
    pay = f"{forward(PATH_USD)} POP"
    refuse = f"{forward(PATH_USD, 'DELEGATECALL')} POP"
    fail = f"0 0 0 0 0x{OTHER.hex()} 1000 STATICCALL POP"
    scope.world.set_code(CODE, asm(f"{pay} {refuse} {fail} 0 0 0 CREATE POP {RETURN_ALL}"))
    data = TRANSFER.call(EOA, 1)
    calls.call(scope, EOA, CODE, data, GAS)

    root = tracer.result(EOA, GAS, GAS)
    paid, refused, failed, created = root["calls"]
    assert "error" not in root
    assert paid["type"] == "CALL"
    assert (paid["from"], paid["to"]) == (hexed(CODE), hexed(PATH_USD))
    assert paid["output"] == hexed((1).to_bytes(32))
    assert 0 < int(paid["gasUsed"], 16) < int(paid["gas"], 16)

    assert refused["type"] == "DELEGATECALL"
    assert refused["error"] == "execution reverted"
    assert refused["output"] == hexed(NativeContract.DelegateCallNotAllowed.abi.encode())
    assert refused["gasUsed"] == "0x0"

    assert failed == {
        "type": "STATICCALL",
        "from": hexed(CODE),
        "to": hexed(OTHER),
        "gas": hex(1000),
        "gasUsed": hex(1000),
        "input": "0x",
        "error": "invalid opcode: INVALID",
    }
    assert created["type"] == "CREATE"
    assert created["to"] == hexed(create_address(CODE, 0))


def test_a_deployment_shows_its_init_code_and_its_code() -> None:
    scope, tracer = traced_scope()
    initcode = initcode_for(b"\x00")
    create(scope, initcode)
    root = tracer.result(EOA, GAS, GAS)
    assert (root["type"], root["input"], root["output"]) == ("CREATE", hexed(initcode), "0x00")
    assert root["to"] == hexed(create_address(EOA, 0))


def test_a_failed_deployment_has_no_address() -> None:
    scope, tracer = traced_scope()
    create(scope, asm("0 0 REVERT"))
    root = tracer.result(EOA, GAS, GAS)
    assert root["error"] == "execution reverted"
    assert "to" not in root
    assert "output" not in root


def test_a_call_to_an_empty_account_and_to_a_precompile_are_frames_too() -> None:
    for target in (b"\x99" * 20, (4).to_bytes(20)):
        scope, tracer = traced_scope()
        calls.call(scope, EOA, target, b"\x01", GAS)
        assert tracer.result(EOA, GAS, GAS)["to"] == hexed(target)


def test_a_reason_is_decoded() -> None:
    scope, tracer = traced_scope()
    data = RevertError("Error(string message)").encode("too poor")
    scope.world.set_code(CODE, asm(f"{stored(data)} {len(data)} 0 REVERT"))
    calls.call(scope, EOA, CODE, b"", GAS)
    root = tracer.result(EOA, GAS, GAS)
    assert root["revertReason"] == "too poor"
    assert root["output"] == hexed(data)


def test_revert_reasons() -> None:
    panic = RevertError("Panic(uint256 code)")
    assert revert_reason(panic.encode(0x11)) == "arithmetic underflow or overflow"
    assert revert_reason(panic.encode(0x99)) == "unknown panic code: 0x99"
    assert revert_reason(panic.encode(1)[:20]) is None
    assert revert_reason(bytes.fromhex("08c379a0") + b"\xff" * 40) is None
    assert revert_reason(Tip20.PolicyForbids.abi.encode()) is None
    assert revert_reason(b"") is None


# -- logs -----------------------------------------------------------------------------------------


def test_logs_stand_in_their_frame_at_their_position() -> None:
    scope, tracer = traced_scope()
    scope.world.set_code(CODE, asm(f"0 0 LOG0 {forward(PATH_USD)} POP 7 0 0 LOG1"))
    calls.call(scope, EOA, CODE, TRANSFER.call(EOA, 1), GAS)
    root = tracer.result(EOA, GAS, GAS, with_log=True)
    assert [(log["position"], len(log["topics"])) for log in root["logs"]] == [
        ("0x0", 0),
        ("0x1", 1),
    ]
    (log,) = root["calls"][0]["logs"]
    assert log["address"] == hexed(PATH_USD)
    assert log["topics"][0] == hexed(Tip20.Transfer.topic)
    assert log["data"] == hexed((1).to_bytes(32))
    assert "logs" not in tracer.result(EOA, GAS, GAS)


def test_a_frame_that_failed_has_no_logs_inside() -> None:
    scope, tracer = traced_scope()
    scope.world.set_code(CODE, asm(f"0 0 LOG0 {forward(PATH_USD)} POP 0 0 REVERT"))
    calls.call(scope, EOA, CODE, TRANSFER.call(EOA, 1), GAS)
    root = tracer.result(EOA, GAS, GAS, with_log=True)
    assert "logs" not in root
    assert "logs" not in root["calls"][0]


def test_a_log_outside_of_all_frames_is_the_fees_and_not_traced() -> None:
    scope, tracer = traced_scope()
    calls.call(scope, EOA, b"\x99" * 20, b"", GAS)
    scope.log(PATH_USD, (bytes(32),), b"")
    assert len(scope.logs) == 1
    assert "logs" not in tracer.result(EOA, GAS, GAS, with_log=True)


# -- batches --------------------------------------------------------------------------------------


def test_a_batch_is_the_sender_calling_itself() -> None:
    scope, tracer = traced_scope()
    calls.call(scope, EOA, PATH_USD, TRANSFER.call(OTHER, 1), GAS)
    calls.call(scope, EOA, PATH_USD, TRANSFER.call(OTHER, 1_000), GAS)
    root = tracer.result(EOA, 50_000, 40_000, with_log=True)
    assert (root["from"], root["to"], root["input"]) == (hexed(EOA), hexed(EOA), "0x")
    assert (root["gas"], root["gasUsed"]) == (hex(50_000), hex(40_000))
    assert root["error"] == "execution reverted"
    assert [call.get("error") for call in root["calls"]] == [None, "execution reverted"]
    assert "logs" not in root["calls"][0], "the second call undid the first"
    top = tracer.result(EOA, 50_000, 40_000, only_top_call=True)
    assert "calls" not in top
