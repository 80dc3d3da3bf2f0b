"""Every test finds the devnet as it was at the start, and that takes no more than milliseconds."""

from __future__ import annotations

import sys
from statistics import median
from typing import TYPE_CHECKING

import pytest

from mock_rails.core import Clock
from mock_rails.core.errors import FaultError
from sandbox.client import Wallet
from sandbox.pytest_plugin.fixtures import ChainFixture, DevnetFixture
from sandbox.pytest_plugin.marks import SEED, Wanted
from sandbox.pytest_plugin.payer import PayerFixture
from sandbox.pytest_plugin.rails import StripeFixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.pytest_plugin.stage import Stage, Stages

TIMES = 20


@pytest.fixture
def stage(_mpp_stages: Stages) -> Stage:
    """The devnet of this process, which tests with fixtures use too."""
    return _mpp_stages.get(ports=False)


def spend(devnet: DevnetFixture) -> Iterator[int]:
    """Pay on every rail, leave a channel and a session open, and break something."""
    payer = PayerFixture(devnet.stage, Wallet.dev(0), {})
    for path in ("/quote", "/search?q=a", "/stripe/quote", "/lightning/quote", "/lightning/search"):
        yield payer.sync.get(devnet.url(path)).status_code
    payer.close()


def state(stage: Stage) -> object:
    """Everything that a snapshot holds, but the time, which runs."""
    document = DevnetFixture(stage, 0).snapshot()
    return document["seeds"], document["faults"], document["rails"]


def test_what_a_test_did_on_any_rail_is_gone_in_the_next(stage: Stage) -> None:
    devnet = DevnetFixture(stage, stage.begin(Wanted()))
    first = state(stage)
    assert list(spend(devnet)) == [200] * 5
    stage.call(devnet.context.faults.arm, {"at": "tempo.seal", "do": "halt"})
    stage.call(devnet.context.clock.advance, 3_600)
    assert state(stage) != first
    stage.begin(Wanted())
    assert state(stage) == first
    assert abs(devnet.context.clock.now_s() - Clock().now_s()) < 60
    assert list(spend(devnet)) == [200] * 5


def test_a_seed_draws_other_ids_and_the_same_ones_again(stage: Stage) -> None:
    def ids(seed: str) -> object:
        devnet = DevnetFixture(stage, stage.begin(Wanted(seed)))
        assert list(spend(devnet)) == [200] * 5
        stripe = StripeFixture(devnet)
        found = [one["id"] for one in stripe.payment_intents()]
        stripe.close()
        return found

    assert ids("one") == ids("one")
    assert ids("one") != ids("two")


def test_a_cadence_ends_with_the_test_that_asked_for_it(stage: Stage) -> None:
    stage.begin(Wanted(block_time_ms=50))
    assert stage.devnet.chain is not None
    assert (stage.devnet.chain.block_time_ms, stage.devnet.chain.automine) == (50, False)
    stage.begin(Wanted())
    assert (stage.devnet.chain.block_time_ms, stage.devnet.chain.automine) == (None, True)


def test_a_fault_that_does_not_exist_leaves_the_devnet_usable(stage: Stage) -> None:
    with pytest.raises(FaultError, match=r"Did you mean 'tempo\.submit'"):
        stage.begin(Wanted(faults=({"at": "tempo.submitt", "do": "drop"},)))
    devnet = DevnetFixture(stage, stage.begin(Wanted()))
    assert devnet.seed == SEED
    assert ChainFixture(devnet).height == 0


def test_isolation_takes_milliseconds(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Printed, not judged: the machine is shared."""
    clock, spans_us = Clock(), []
    for _ in range(TIMES):
        devnet = DevnetFixture(stage, stage.begin(Wanted()))
        assert list(spend(devnet)) == [200] * 5
        begun = clock.monotonic_ns()
        stage.begin(Wanted())
        spans_us.append((clock.monotonic_ns() - begun) // 1_000)
    with capsys.disabled():
        sys.stdout.write(f"\nisolation of a test: {int(median(spans_us)) / 1_000} ms\n")
