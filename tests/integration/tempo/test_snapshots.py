"""A chain through a file: what is kept, what is lost, and what is refused."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_rails.core import SnapshotError, snapshot
from mock_rails.core.snapshot import canonical_bytes
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.errors import InvalidParams, InvalidTransaction
from tests.integration.tempo.desk import SHOP, Desk, make_chain, tour

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain


ROOT = Path(__file__).parents[3]


async def ask(chain: Chain, name: str, *params: Any) -> Any:
    """The result of a request, or its error."""
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": name, "params": params})
    answer = orjson.loads(await TempoApi(chain).dispatcher.answer(body) or b"")
    return answer.get("result", answer.get("error"))


def moved(chain: Chain, path: Path) -> Chain:
    """Another chain that was given this one's state by way of a file."""
    snapshot.save(path, snapshot.take(chain.context, [chain]))
    other = make_chain("other seed")
    snapshot.apply(snapshot.load(path), other.context, [other])
    return other


async def test_everything_that_was_answered_is_answered_again(tmp_path: Path) -> None:
    """Blocks, receipts, transactions, logs, balances, waiting transactions."""
    desk = Desk(make_chain())
    receipts = tour(desk)
    desk.chain.set_automine(False)
    waiting = desk.sign(1, desk.transfer(PATH_USD, SHOP, 3))
    desk.chain.send(waiting.raw)
    other = moved(desk.chain, tmp_path / "state.json")
    assert other.digest() == desk.chain.digest()

    questions: list[tuple[str, list[Any]]] = [
        ("eth_getLogs", [{"fromBlock": "0x0"}]),
        ("eth_getTransactionByHash", [f"0x{waiting.hash.hex()}"]),
        ("eth_getTransactionCount", [f"0x{desk.people[1].hex()}", "pending"]),
        ("eth_call", [{"to": f"0x{PATH_USD.hex()}", "data": "0x18160ddd"}, "latest"]),
        ("eth_gasPrice", []),
        *[
            ("eth_getBlockByNumber", [hex(number), True])
            for number in range(desk.chain.head.number + 1)
        ],
        *[
            ("eth_getTransactionReceipt", [f"0x{receipt.submission.hash.hex()}"])
            for receipt in receipts
        ],
    ]
    for name, params in questions:
        answer = await ask(desk.chain, name, *params)
        assert answer is not None, name
        assert "code" not in answer, answer
        assert await ask(other, name, *params) == answer, name


def test_business_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Nonces, replay protection and the fees of the next block included."""
    desk = Desk(make_chain())
    tour(desk)
    once = desk.expiring(3, desk.transfer(PATH_USD, SHOP, 4))
    desk.chain.send(once.raw)
    other = Desk(moved(desk.chain, tmp_path / "state.json"))
    with pytest.raises(InvalidTransaction, match="ExpiringNonceReplay"):
        other.chain.send(once.raw)
    for one in (desk, other):
        one.send(1, one.transfer(PATH_USD, SHOP, 5))
    assert other.chain.head.hash == desk.chain.head.hash
    assert other.chain.digest() == desk.chain.digest()
    assert other.chain.revert_to(other.chain.take_snapshot())


def test_states_before_the_file_are_gone_and_said_to_be(tmp_path: Path) -> None:
    desk = Desk(make_chain())
    tour(desk)
    other = moved(desk.chain, tmp_path / "state.json")
    digest = other.digest()
    with pytest.raises(InvalidParams, match="the state of block 2 is no longer kept"):
        other.rewind(2)
    assert other.digest() == digest


async def test_an_impersonated_senders_transactions_are_kept(tmp_path: Path) -> None:
    """Nobody signed them, so their bytes alone do not tell whose they are."""
    chain = make_chain()
    desk = Desk(chain)
    ghost = "0x" + "77" * 20
    await ask(chain, "anvil_impersonateAccount", ghost)
    desk.send(1, desk.transfer(PATH_USD, bytes.fromhex(ghost[2:]), 10_000_000))
    data = f"0x{desk.transfer(PATH_USD, SHOP, 5).data.hex()}"
    request = {"from": ghost, "to": f"0x{PATH_USD.hex()}", "data": data}
    tempo = request | {"feeToken": f"0x{PATH_USD.hex()}", "nonceKey": "0x5"}
    mined = [await ask(chain, "eth_sendTransaction", one) for one in (request, tempo)]
    await ask(chain, "evm_setAutomine", False)
    waits = await ask(chain, "eth_sendTransaction", request | {"nonce": "0x1"})

    other = moved(chain, tmp_path / "state.json")
    for tx_hash in mined:
        receipt = await ask(other, "eth_getTransactionReceipt", tx_hash)
        assert (receipt["from"], receipt["status"]) == (ghost, "0x1")
    assert [f"0x{one.hash.hex()}" for one in other.pool] == [waits]
    other.mine()
    assert Desk(other).balance(SHOP) == 15


def test_loading_drops_what_was_waiting_before() -> None:
    """And tells whoever waited for it; what waits in the document waits on."""
    desk = Desk(make_chain(block_time_ms=1_000))
    chain = desk.chain
    chain.send(desk.sign(1, desk.transfer(PATH_USD, SHOP, 1)).raw)
    document = chain.snapshot()
    late = desk.sign(2, desk.transfer(PATH_USD, SHOP, 2))
    chain.send(late.raw)
    chain.restore(document)
    assert chain.pool.get(late.hash) is None
    chain.mine()
    assert desk.balance(SHOP) == 1


# -- damage ---------------------------------------------------------------------------------------

SAMPLE = Desk(make_chain())
SAMPLE.send(1, SAMPLE.transfer(PATH_USD, SHOP, 5))
SAMPLE.send(2, SAMPLE.transfer(PATH_USD, SHOP, 1 << 200), payer=3)
SAMPLE.chain.set_automine(False)
SAMPLE.chain.send(SAMPLE.sign(1, SAMPLE.transfer(PATH_USD, SHOP, 5)).raw)
DOCUMENT = SAMPLE.chain.snapshot()

junk: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 70), 1 << 70),
    st.floats(allow_nan=False),
    st.text(max_size=4),
    st.sampled_from(["0x", "0x00", "0xzz", "-0x1", "0x" + "ff" * 40, '"text', [], {}, [[]]]),
)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """The sample with one value at any depth replaced, removed, renamed or repeated."""
    document = copy.deepcopy(DOCUMENT)
    here: Any = document
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = draw(st.sampled_from(keys))
        inner = here[key]
        if not (isinstance(inner, dict | list) and inner and draw(st.integers(0, 4))):
            break
        here = inner
    how = draw(st.sampled_from(("replace", "replace", "remove", "rename", "repeat")))
    if how == "replace":
        here[key] = draw(junk)
    elif how == "remove":
        del here[key]
    elif isinstance(here, dict):
        here[draw(st.text(max_size=3)) + key] = here.pop(key) if how == "rename" else inner
    else:
        here.append(inner)
    return document


@settings(max_examples=300)
@given(damaged())
def test_damage_is_refused_or_is_another_state(document: Any) -> None:
    """What is accepted is the state now, to the last value; what is not has changed nothing."""
    chain = make_chain()
    before = canonical_bytes(chain.snapshot())
    try:
        chain.restore(document)
    except SnapshotError:
        assert canonical_bytes(chain.snapshot()) == before
    else:
        assert chain.snapshot() == document


def test_a_file_nested_without_end_is_refused(tmp_path: Path) -> None:
    """Also where a library has raised the recursion limit so far that parsing it would crash."""
    path = tmp_path / "state.json"
    path.write_bytes(b"[" * 200_000)
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(100_000)
        with pytest.raises(SnapshotError, match="is not JSON"):
            snapshot.load(path)
        assert sys.getrecursionlimit() == 100_000
    finally:
        sys.setrecursionlimit(limit)


def test_the_interpreter_does_not_raise_the_recursion_limit() -> None:
    """py-evm does, when it is imported; our machine needs no such thing and takes it back."""
    script = "import sys, mock_rails.tempo.evm.machine; print(sys.getrecursionlimit())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert int(done.stdout) == 1_000


def test_money_out_of_nothing_is_refused_with_the_whole_document() -> None:
    chain = make_chain()
    document = json.loads(canonical_bytes(snapshot.take(chain.context, [chain])))
    balances = document["rails"]["tempo"]["world"]["storage"][f"0x{PATH_USD.hex()}"]
    holder = next(path for path in balances if path.startswith("9/0x"))
    balances[holder] = hex(int(balances[holder], 16) + 1)
    digest = chain.digest()
    with pytest.raises(SnapshotError, match="does not add up"):
        snapshot.apply(document, chain.context, [chain])
    assert chain.digest() == digest
