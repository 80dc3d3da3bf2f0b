"""The chain benchmark's client and payments, on a real chain: what is counted is what was mined."""

from __future__ import annotations

import pytest

from benchmarks.micro.chain import _ratio
from benchmarks.micro.payments import Payers
from benchmarks.micro.rpc_load import Load, RequestFailedError, call, drive, http_request
from mock_rails.server import Host
from mock_rails.tempo import Chain, TempoApi

SENDERS = 3


def test_a_load_tells_its_rate_and_percentiles() -> None:
    load = Load(4, 2_000_000_000, [4_000, 1_000, 3_000, 2_000])
    assert load.rate == 2
    assert [load.percentile_us(p) for p in (0, 50, 99)] == [1, 3, 4]


def test_a_ratio_is_of_the_medians() -> None:
    fast = [Load(n, 1_000_000_000, []) for n in (100, 300, 200)]
    slow = [Load(n, 1_000_000_000, []) for n in (50, 80)]
    assert _ratio(fast, slow) == "3.08"


async def test_every_payment_of_every_kind_is_mined() -> None:
    chain = Chain()
    async with Host(TempoApi(chain), port=0) as host:
        payers = Payers(SENDERS, host.port)
        await drive(host.port, [payers.funding()])
        funded = chain.head.number
        for lanes in (
            payers.transfers(9, SENDERS),
            payers.sponsored(6, SENDERS),
            payers.channel_opens(3, SENDERS),
        ):
            sent = sum(len(lane) for lane in lanes)
            load = await drive(host.port, lanes)
            assert load.count == len(load.latencies_ns) == sent
    blocks = [chain.history.by_number(n) for n in range(funded + 1, chain.head.number + 1)]
    assert sum(len(block.receipts) for block in blocks if block) == 9 + 6 + 3


async def test_a_failed_payment_ends_the_run_instead_of_counting() -> None:
    async with Host(TempoApi(Chain()), port=0) as host:
        unfunded = Payers(1, host.port).transfers(1, 1)
        with pytest.raises(RequestFailedError, match="insufficient fee token balance"):
            await drive(host.port, unfunded)
        load = await drive(host.port, unfunded, excuse=b"insufficient fee token")
        assert (load.count, load.excused) == (1, 1)
        with pytest.raises(RequestFailedError, match="does not exist"):
            await call(host.port, "eth_nothing")
        free = [http_request("eth_chainId", [], port=host.port)]
        assert (await drive(host.port, [free], strict=False)).count == 1
