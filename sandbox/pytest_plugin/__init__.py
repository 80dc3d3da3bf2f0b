"""The pytest plugin: a devnet in a fixture, and every test on a fresh one.

    async def test_a_quote_costs_a_cent(devnet, payer):
        response = await payer.get(devnet.url("/quote"))
        assert response.status_code == 200
        assert payer.spent == 10_000

It is found by its entry point; no conftest is needed. The fixtures are `devnet`, `merchant`,
`payer`, `stripe`, `lightning`, `chain`, `clock`, `faults` and `journal`. A fixture of the same name
in a conftest or a test's module comes before ours. Nothing of the sandbox is loaded before the
first of them is used, for pytest loads this module in every project that it is installed beside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from sandbox.pytest_plugin.fixtures import (
        ChainFixture,
        ClockFixture,
        DevnetFixture,
        FaultsFixture,
        JournalFixture,
        MerchantFixture,
    )
    from sandbox.pytest_plugin.marks import Wanted
    from sandbox.pytest_plugin.payer import PayerFixture
    from sandbox.pytest_plugin.rails import LightningFixture, StripeFixture
    from sandbox.pytest_plugin.stage import Stages

_WANTED: Final = pytest.StashKey["Wanted"]()
_DEVNET: Final = pytest.StashKey["DevnetFixture"]()

_MARK: Final = (
    "mpp(seed, faults, block_time, ports): the devnet of this test: the text that everything is"
    " drawn from, the faults that are armed, the span between blocks, whether its parts listen"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--mpp-seed` and `--mpp-ports`."""
    group = parser.getgroup("mpp", "mpp-sandbox")
    group.addoption(
        "--mpp-seed",
        metavar="TEXT",
        default=None,
        help="what keys, ids and faults are drawn from where a test's mark names no seed",
    )
    group.addoption(
        "--mpp-ports",
        action="store_true",
        default=False,
        help="let the devnet's parts listen on free ports, for programs of other processes",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", _MARK)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a mark that means nothing, before anything is started for it."""
    if item.get_closest_marker("mpp") is not None:
        item.stash[_WANTED] = _read(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell of a failing test what its devnet knows of it."""
    report = yield
    devnet = item.stash.get(_DEVNET, None)
    if report.failed and call.when != "teardown" and devnet is not None:
        report.sections.append(_told(item, devnet))
    return report


@pytest.fixture(scope="session")
def _mpp_stages() -> Iterator[Stages]:
    """The devnets of this process, which are started when they are first wanted."""
    from sandbox.pytest_plugin.stage import Stages

    stages = Stages()
    yield stages
    stages.stop()


@pytest.fixture
def devnet(request: pytest.FixtureRequest, _mpp_stages: Stages) -> Iterator[DevnetFixture]:
    """A Tempo chain, a Stripe, a Lightning network and merchants, as if just started."""
    from mock_rails.core.errors import FaultError
    from sandbox.pytest_plugin.fixtures import DevnetFixture

    item = request.node
    wanted = item.stash[_WANTED] if _WANTED in item.stash else _read(item)
    stage = _mpp_stages.get(ports=wanted.ports)
    try:
        begins = stage.begin(wanted)
    except FaultError as error:
        raise _refused(error) from None
    item.stash[_DEVNET] = DevnetFixture(stage, begins)
    yield item.stash[_DEVNET]
    del item.stash[_DEVNET]


@pytest.fixture
def merchant(devnet: DevnetFixture) -> MerchantFixture:
    """The merchants: what they sell, what they have and who owes them."""
    from sandbox.pytest_plugin.fixtures import MerchantFixture

    return MerchantFixture(devnet)


@pytest.fixture
def payer(devnet: DevnetFixture) -> Iterator[PayerFixture]:
    """A customer with money on every rail; `payer.sync` is its form for tests that do not wait."""
    from sandbox.client import Wallet
    from sandbox.info import PAYER
    from sandbox.pytest_plugin.payer import PayerFixture

    payer = PayerFixture(devnet.stage, Wallet.dev(PAYER), {})
    yield payer
    payer.close()


@pytest.fixture
def stripe(devnet: DevnetFixture) -> Iterator[StripeFixture]:
    """Stripe, with the merchants' account."""
    from sandbox.pytest_plugin.rails import StripeFixture

    stripe = StripeFixture(devnet)
    yield stripe
    stripe.close()


@pytest.fixture
def lightning(devnet: DevnetFixture) -> Iterator[LightningFixture]:
    """The Lightning network: the merchants' node and the payer's."""
    from sandbox.pytest_plugin.rails import LightningFixture

    lightning = LightningFixture(devnet)
    yield lightning
    lightning.close()


@pytest.fixture
def chain(devnet: DevnetFixture) -> ChainFixture:
    """The Tempo chain."""
    from sandbox.pytest_plugin.fixtures import ChainFixture

    return ChainFixture(devnet)


@pytest.fixture
def clock(devnet: DevnetFixture) -> ClockFixture:
    """The time of all rails, the merchants and the payer."""
    from sandbox.pytest_plugin.fixtures import ClockFixture

    return ClockFixture(devnet)


@pytest.fixture
def faults(devnet: DevnetFixture) -> FaultsFixture:
    """What is to go wrong."""
    from sandbox.pytest_plugin.fixtures import FaultsFixture

    return FaultsFixture(devnet)


@pytest.fixture
def journal(devnet: DevnetFixture) -> JournalFixture:
    """What has happened in this test."""
    from sandbox.pytest_plugin.fixtures import JournalFixture

    return JournalFixture(devnet)


def _read(item: pytest.Item) -> Wanted:
    from sandbox.pytest_plugin import marks

    try:
        return marks.read(item)
    except marks.BadMark as error:
        raise _refused(error) from None


def _refused(error: Exception) -> BaseException:
    """A test that fails for its mark; nobody needs our call stack for that."""
    return pytest.fail.Exception(f"@pytest.mark.mpp: {error}", pytrace=False)


def _told(item: pytest.Item, devnet: DevnetFixture) -> tuple[str, str]:
    from sandbox.pytest_plugin import failure

    try:  # whatever happens here, the test's own failure must be told
        return failure.TITLE, failure.report(item, devnet)
    except Exception as error:
        told = f"seed: {devnet.seed}\nThe exchange cannot be told: {error!r}"
        return failure.TITLE, f"{told}\nRun it again: {failure.command(item)}"
