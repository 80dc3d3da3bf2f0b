"""What a failing test prints: the seed, the exchange that failed, decoded, and how to run it again.

The exchange is found in the journal of the test and told as `mpp-sandbox inspect` tells it.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.genesis import TOKENS
from sandbox.chain import receipt
from sandbox.control import money
from sandbox.inspection import (
    Exchange,
    Finding,
    Outcome,
    Transaction,
    find,
    read_exchange,
    render,
)

if TYPE_CHECKING:
    import pytest

    from sandbox.pytest_plugin.fixtures import DevnetFixture

TITLE: Final = "mpp-sandbox"

_BAD: Final = frozenset({Outcome.REFUSED, Outcome.UNKNOWN, Outcome.FAILED})
_MOST_RECEIPTS: Final = 20
_MOST_LINES: Final = 120
_QUIET: Final = "No paid request was made."


def report(item: pytest.Item, devnet: DevnetFixture) -> str:
    """All of it, in a few paragraphs."""
    lines = [f"seed: {devnet.seed}", f"time: {devnet.context.clock.utc():%Y-%m-%dT%H:%M:%SZ}"]
    for fault in devnet.call(devnet.context.faults.list):
        told = fault["fault"]
        fired = "once" if fault["fired"] == 1 else f"{fault['fired']} times"
        lines.append(f"fault: {told['at']} {told['do']}, fired {fired}")
    told = explain(devnet).split("\n")
    if len(told) > _MOST_LINES:
        told = [*told[:_MOST_LINES], f"({len(told) - _MOST_LINES} lines more)"]
    return "\n".join([*lines, "", *told, "", f"Run it again: {command(item)}"])


def command(item: pytest.Item) -> str:
    """What runs this test alone, as it ran now, from the folder in which pytest was started."""
    _, *inner = item.nodeid.partition("::")  # what stands before it is relative to the root
    file = os.path.relpath(item.path, item.config.invocation_params.dir)
    words = ["pytest", "".join([file, *inner])]
    if (seed := item.config.getoption("mpp_seed")) is not None:
        words += ["--mpp-seed", seed]
    if item.config.getoption("mpp_ports"):
        words.append("--mpp-ports")
    return shlex.join(words)


def explain(devnet: DevnetFixture, wanted: str | None = None) -> str:
    """What happened to one payment of this test; without an id, to the newest that went wrong, or
    to the newest of all."""
    kept = devnet.context.journal
    events = [one._asdict() for one in devnet.call(kept.read, devnet.begins)]
    if wanted is None:
        chosen = _chosen(events)
        if chosen is None:
            return _QUIET
        wanted = chosen.id
    finding = find(events, wanted)
    tokens = {f"0x{address.hex()}": name for address, name in TOKENS.items()}
    return render(finding, _receipts(devnet, finding), tokens=tokens)


def _chosen(events: list[dict[str, Any]]) -> Exchange | None:
    by_name: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        if event["exchange"] is not None:
            by_name.setdefault(event["exchange"], []).append(event)
    exchanges = [read_exchange(one) for one in by_name.values()]
    bad = [one for one in exchanges if one.outcome in _BAD]
    return next(reversed(bad or exchanges), None)


def _receipts(devnet: DevnetFixture, finding: Finding) -> dict[str, Transaction]:
    async def read() -> dict[str, Transaction]:
        rpc = money.rpc_of(devnet.devnet)
        hashes = finding.transactions[-_MOST_RECEIPTS:]
        found = [await receipt(rpc, bytes.fromhex(one[2:])) for one in hashes]
        transactions = [Transaction.of(one) for one in found if one is not None]
        return {one.hash: one for one in transactions}

    return devnet.call(read)
