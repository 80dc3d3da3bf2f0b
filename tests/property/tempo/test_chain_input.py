"""Whatever is thrown at the node: an answer in JSON-RPC, never a defect, and nothing changed.

Bytes go to eth_sendRawTransaction, JSON to every method by its real name, and anything at all to
the envelope around them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.api import TempoApi
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
        self.digest = self.chain.digest()

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
    assert node.chain.digest() == node.digest


# -- JSON to the methods --------------------------------------------------------------------------

# These do what they say for nearly any arguments, so they change things, as they should.
CHANGING = ("anvil_", "evm_", "hardhat_", "tempo_fundAddress", "eth_newFilter", "eth_send",
            "eth_newBlockFilter", "eth_newPendingTransactionFilter", "eth_uninstallFilter")  # fmt: skip

METHODS = [
    name for name in TempoApi(make_chain()).dispatcher.methods if not name.startswith("eth_send")
]
words: st.SearchStrategy[Any] = st.sampled_from(
    [
        "latest", "earliest", "pending", "0x", "0x0", "0x1", "0x2", "0xe", "0xff", "0x01", "-0x1",
        "0x" + "f" * 16, "0x" + "f" * 64, "0x" + "f" * 65, "0x" + "20c0" + "0" * 36, "0x" + "0" * 40,
        "0x" + "f" * 40, "0x" + "0" * 64, "newHeads", "logs", "callTracer", "prestateTracer",
        "0xa9059cbb" + "0" * 128, "0x70a08231" + "0" * 64, "\x00", "0x" + "00" * 300,
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
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(NAMES) | words, inner, max_size=4),
    max_leaves=10,
)
params = st.lists(words | values, max_size=4)


@settings(max_examples=1_500)
@given(name=st.sampled_from(METHODS), params=params)
@example("eth_call", [{"calls": []}, "0x" + "f" * 16])
@example("evm_mine", [{"blocks": "0xffffffff", "timestamp": "0xffffffff"}])
@example("anvil_mine", ["0x3", "0x" + "f" * 16])
def test_any_json_is_answered(node: Node, name: str, params: list[Any]) -> None:
    """By every method, whatever its parameters; and who only asks changes nothing."""
    if name in {"anvil_mine", "hardhat_mine", "evm_mine"} and _is_many(params):
        return
    before = node.chain.take_snapshot()
    mined, clock = node.chain.automine, node.chain.context.clock.snapshot()
    try:
        answer = node.ask(name, params)
        if is_error(answer) or not name.startswith(CHANGING):
            assert node.chain.digest() == node.digest
            assert node.chain.automine is mined
            assert node.chain.context.clock.snapshot() == clock
    finally:
        _put_back(node, before, clock)


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


def _put_back(node: Node, snapshot: int, clock: dict[str, Any]) -> None:
    chain = node.chain
    chain.context.clock.restore(clock)
    chain.impersonated.clear()
    chain.impersonate_all = False
    if chain.block_time_ms is not None:
        chain.set_block_time(None)
    chain.automine = True
    chain.engine.next_timestamp_s = None
    if not chain.revert_to(snapshot):  # the example itself reset, or went back further
        node.begin()
    assert node.chain.digest() == node.digest


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
    assert node.chain.digest() == node.digest


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
