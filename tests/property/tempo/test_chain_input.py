"""Whatever is thrown at the node: an answer in JSON-RPC, never a defect, and nothing changed.

Bytes go to eth_sendRawTransaction, JSON to every method by its real name, and anything at all to
the envelope around them.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.genesis import dev_accounts
from mock_rails.tempo.tx import rlp
from tests.integration.tempo.desk import SHOP, Desk, make_chain, tour

if TYPE_CHECKING:
    from collections.abc import Iterator


class Node:
    """A chain with some history behind its dispatcher, asked from outside of any event loop."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.begin()

    def begin(self) -> None:
        """Start over with a new chain."""
        self.chain = make_chain()
        self.desk = Desk(self.chain)
        tour(self.desk)
        self.dispatcher = TempoApi(self.chain, relay_key=self.chain.accounts[9].key).dispatcher
        self.start = self.state()

    def state(self) -> tuple[Any, ...]:
        """All that the chain's digest covers, without the cost of writing it down."""
        chain = self.chain
        world = [
            dict(part) for part in (chain.world.storage, chain.world.nonces, chain.world.codes)
        ]
        return world, chain.head.hash, chain.history.oldest.hash, list(chain.pool)

    def post(self, body: bytes) -> Any:
        """The parsed answer to a request's bytes."""
        answer = self._runner.run(self.dispatcher.answer(body))
        return None if answer is None else orjson.loads(answer)

    def ask(self, name: str, params: Any) -> dict[str, Any]:
        """The answer to one well-formed request."""
        answer: dict[str, Any] = self.post(
            orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": name, "params": params})
        )
        assert answer["id"] == 1
        return answer


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as one:
        yield one


@pytest.fixture(scope="module")
def node(runner: asyncio.Runner) -> Node:
    return Node(runner)


def is_error(answer: dict[str, Any]) -> bool:
    """Whether it is one; no error may be a defect."""
    assert answer["jsonrpc"] == "2.0"
    assert ("error" in answer) != ("result" in answer)
    if "result" in answer:
        return False
    error = answer["error"]
    assert type(error["code"]) is int
    assert error["message"]
    assert error["message"] != "internal error"
    return True


# -- raw transactions -----------------------------------------------------------------------------


@st.composite
def broken(draw: st.DrawFn, raw: bytes) -> bytes:
    """A transaction with bytes changed, cut out or put in, or with one item of it replaced."""
    if draw(st.booleans()):
        items = rlp.decode_list(raw, 1)
        items[draw(st.integers(0, len(items) - 1))] = draw(
            st.binary(max_size=33) | st.lists(st.binary(max_size=21), max_size=3)
        )
        return raw[:1] + rlp.encode(items)
    at = draw(st.integers(0, len(raw)))
    gone = draw(st.integers(0, 2))
    return raw[:at] + draw(st.binary(max_size=2)) + raw[at + gone :]


@settings(max_examples=250)
@given(st.data())
def test_broken_transactions_change_nothing(node: Node, data: st.DataObject) -> None:
    """A change that still decodes has another sender, who has no money."""
    desk = node.desk
    good = desk.sign(1, desk.transfer(PATH_USD, SHOP, 1))
    kind = data.draw(st.sampled_from(("random", "broken", "broken", "broken")))
    if kind == "random":
        head = data.draw(st.sampled_from((b"", b"\x76", b"\x02", b"\x78", b"\xf8")))
        raw = head + data.draw(st.binary(max_size=200))
    else:
        raw = data.draw(broken(good.raw))
    if raw == good.raw:
        return
    name = data.draw(st.sampled_from(("eth_sendRawTransaction", "eth_sendRawTransactionSync")))
    answer = node.ask(name, [f"0x{raw.hex()}"])
    assert is_error(answer), answer
    assert answer["error"]["code"] in {-32602, -32000, -32003}
    assert node.state() == node.start


# -- JSON to the methods --------------------------------------------------------------------------

# These do what they say for nearly any arguments, so they change things, as they should.
CHANGING = ("anvil_", "evm_", "hardhat_", "tempo_fundAddress", "eth_send")

KNOWN = TempoApi(make_chain()).dispatcher.methods
METHODS = [name for name in KNOWN if not name.startswith("eth_send")]
words: st.SearchStrategy[Any] = st.sampled_from(
    [
        "latest", "earliest", "pending", "0x", "0x0", "0x1", "0x2", "0xe", "0xff", "0x01", "-0x1",
        "0x" + "f" * 16, "0x" + "f" * 64, "0x" + "f" * 65, "0x" + "20c0" + "0" * 36,
        "0x" + "0" * 40, "0x" + "f" * 40, "0x" + "0" * 64, "newHeads", "logs", "callTracer",
        "prestateTracer", "0xa9059cbb" + "0" * 128, "0x70a08231" + "0" * 64, "\x00",
        "0x" + "00" * 300,
    ]
)  # fmt: skip
NAMES = [
    "to", "from", "data", "input", "value", "gas", "gasPrice", "maxFeePerGas", "nonce", "calls",
    "nonceKey", "feeToken", "validBefore", "validAfter", "accessList", "keyType", "keyId",
    "fromBlock", "toBlock", "address", "topics", "blockHash", "blockNumber", "blockStateCalls",
    "stateOverrides", "blockOverrides", "validation", "traceTransfers", "tracer", "tracerConfig",
    "timestamp", "blocks", "code", "balance", "state", "stateDiff", "number", "time", "type",
    "chainId", "feePayer", "capabilities", "onlyTopCall", "returnFullTransactions",
]  # fmt: skip
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | words, inner, max_size=4)
    ),
    max_leaves=10,
)
RICH = "0x" + dev_accounts()[1].address.hex()
PATH, ONE, TWO = ("0x" + address.hex() for address in (PATH_USD, SHOP, b"\x52" * 20))
TRANSFER = "0xa9059cbb" + ONE[2:].rjust(64, "0") + "1".rjust(64, "0")
CALL: dict[str, Any] = {
    "from": TWO, "to": PATH, "data": TRANSFER, "gas": "0x200000", "maxFeePerGas": "0x0",
    "nonceKey": "0x7", "feeToken": PATH, "validBefore": "0x71000000", "value": "0x0",
    "calls": [{"to": PATH, "data": TRANSFER}], "accessList": [{"address": ONE, "storageKeys": []}],
}  # fmt: skip
OVERRIDES = {ONE: {"code": "0x5f5ff3", "nonce": "0x1", "stateDiff": {"0x" + "0" * 64: "0x1"}}}
MEANT: list[tuple[str, list[Any]]] = [
    ("eth_call", [CALL, "latest", OVERRIDES, {"number": "0x9", "time": "0x70000000"}]),
    ("eth_estimateGas", [CALL, "0x3"]),
    ("eth_fillTransaction", [CALL | {"from": ONE}]),
    ("eth_signTransaction", [CALL]),
    ("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "latest", "address": [PATH], "topics": [[]]}]),
    ("eth_newFilter", [{"fromBlock": "0x0", "address": PATH, "topics": [None, ["0x" + "0" * 64]]}]),
    ("eth_simulateV1", [{"blockStateCalls": [{
        "blockOverrides": {"number": "0x40", "time": "0x70000000", "baseFeePerGas": "0x0"},
        "stateOverrides": OVERRIDES, "calls": [CALL]}], "traceTransfers": True,
        "validation": False, "returnFullTransactions": True}, "latest"]),
    ("tempo_simulateV1", [{"blockStateCalls": [{"calls": [CALL]}]}, "latest"]),
    ("debug_traceCall", [CALL, "latest", {"tracer": "callTracer", "tracerConfig": {}}]),
    ("eth_feeHistory", ["0x4", "latest", [10, 50.5]]),
    ("eth_getStorageAt", [ONE, "0x0", {"blockNumber": "0x1"}]),
    ("eth_getBlockByNumber", ["0x2", True]),
    ("evm_mine", [{"blocks": "0x2", "timestamp": "0x70000000"}]),
    ("anvil_mine", ["0x2", "0x3"]),
    ("evm_setNextBlockTimestamp", ["0x70000000"]),
    ("anvil_setCode", [ONE, "0x5f5ff3"]),
    ("anvil_setNonce", [ONE, "0x5"]),
    ("anvil_setStorageAt", [ONE, "0x0", "0x" + "0" * 63 + "1"]),
    ("anvil_dealErc20", [ONE, PATH, "0x5"]),
    ("eth_sendTransaction", [CALL]),
    ("eth_sendTransactionSync", [CALL | {"from": RICH, "maxFeePerGas": "0x9c4000000"}]),
]  # fmt: skip


@st.composite
def nearly_meant(draw: st.DrawFn) -> tuple[str, list[Any]]:
    """A request that a client would make, with one or two values in it changed."""
    name, meant = draw(st.sampled_from(MEANT))
    request = copy.deepcopy(meant)
    for _ in range(draw(st.integers(1, 2))):
        here: Any = request
        while here:
            key = draw(st.sampled_from(list(here) if isinstance(here, dict) else range(len(here))))
            if not (isinstance(here[key], dict | list) and here[key] and draw(st.integers(0, 5))):
                break
            here = here[key]
        if here:
            here[key] = draw(values | words)
    return name, request


def test_the_sample_requests_are_real(node: Node) -> None:
    """Unchanged they are understood: what is wrong with one is only ever its sender's account."""
    for name, request in MEANT:
        assert name in KNOWN
        with _put_back(node):
            error = node.ask(name, request).get("error")
        assert error is None or error["code"] in {3, -32000}, (name, error)


@settings(max_examples=1_200)
@given(st.tuples(st.sampled_from(METHODS), st.lists(words | values, max_size=4)) | nearly_meant())
@example(("eth_call", [{"calls": []}, "0x" + "f" * 16]))
@example(("evm_mine", [{"blocks": "0xffffffff", "timestamp": "0xffffffff"}]))
@example(("anvil_mine", ["0x3", "0x" + "f" * 16]))
def test_any_json_is_answered(node: Node, request_: tuple[str, list[Any]]) -> None:
    """By every method, whatever its parameters; and who only asks changes nothing."""
    name, params = request_
    if name in {"anvil_mine", "hardhat_mine", "evm_mine"} and _is_many(params):
        return
    clock = node.chain.context.clock.snapshot()
    with _put_back(node):
        answer = node.ask(name, params)
        if is_error(answer) or not name.startswith(CHANGING):
            assert node.state() == node.start
            assert node.chain.automine
            assert node.chain.context.clock.snapshot() == clock


def _is_many(params: list[Any]) -> bool:
    """Whether this asks, rightly, for blocks by the hundred."""
    first = params[0] if params else None
    if isinstance(first, dict):
        first = first.get("blocks")
    try:
        count = int(first, 16) if isinstance(first, str) else first
    except ValueError:
        return False
    return isinstance(count, int) and 300 < count <= 100_000


@contextmanager
def _put_back(node: Node) -> Iterator[None]:
    """Undo what a request that may change things has changed."""
    chain, clock = node.chain, node.chain.context.clock.snapshot()
    taken = chain.take_snapshot()
    try:
        yield
    finally:
        chain.context.clock.restore(clock)
        chain.impersonated.clear()
        chain.impersonate_all = False
        chain.set_block_time(None)
        chain.automine = True
        chain.engine.next_timestamp_s = None
        if not chain.revert_to(taken):  # the request reset the chain, or reverted further
            node.begin()
    assert node.state() == node.start


# -- anything to the envelope ---------------------------------------------------------------------


@settings(max_examples=400)
@given(
    st.binary(max_size=60)
    | values.map(orjson.dumps)
    | st.fixed_dictionaries(
        {},
        optional={
            "jsonrpc": values,
            "id": values,
            "method": st.sampled_from(["eth_chainId", "eth_blockNumber", "nope"]) | values,
            "params": values,
        },
    ).map(orjson.dumps)
)
@example(b"[" * 100_000)
@example(b'{"id": 1' + b"0" * 400 + b"}")
def test_any_bytes_are_answered(node: Node, body: bytes) -> None:
    """One answer for each request of a batch, none for notifications."""
    answer = node.post(body)
    answers = answer if isinstance(answer, list) else [answer]
    for one in answers:
        if one is not None:
            is_error(one)
    assert node.state() == node.start


def test_a_defect_is_reported_as_one(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    """That the tests above can fail: a handler that breaks answers the error they forbid."""

    class Broken:
        def boom(self, params: Any) -> None:
            raise KeyError("boom")

        boom.rpc_names = ("sandbox_boom",)  # type: ignore[attr-defined]

    node.dispatcher._adopt(Broken())
    with caplog.at_level(logging.CRITICAL):
        answer = node.ask("sandbox_boom", [])
    assert answer["error"] == {"code": -32603, "message": "internal error"}
