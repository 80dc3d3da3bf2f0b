"""eth-tester's own compliance class for backends, run on the chain.

Two things are adapted, both prices: the suite's gas limits are Ethereum's, too low for Tempo's
charges on new accounts and contracts, so every transaction gets a limit that Tempo can work with;
and it offers one gwei, so the genesis block has Ethereum's base fee of one gwei.

What cannot pass is in `EXCEPTIONS`, with the reason. Each of those tests runs as well, and must
fail for just that reason: the list can hold neither too little nor too much.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from eth_tester import EthereumTester
from eth_tester.exceptions import ValidationError
from eth_tester.utils.backend_testing import BaseTestBackendDirect

from mock_rails.core import Clock, RailContext
from mock_rails.tempo.addresses import FEE_MANAGER
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.eth_tester_backend import ETH_TESTER_CHAIN_ID, TempoBackend
from mock_rails.tempo.execution.fees import MIN_BASE_FEE
from mock_rails.tempo.rail import Chain

if TYPE_CHECKING:
    from collections.abc import Callable

NOW_S = 1_767_225_600
ETHEREUM_BASE_FEE = 10**9
ENOUGH_GAS = 3_000_000

# -- the adapted chain ----------------------------------------------------------------------------


class OneGwei(TempoBackend):
    """The backend on a clock that stands still, with a genesis block as cheap as Ethereum's."""

    def __init__(self) -> None:
        context = RailContext.create("test", Clock.frozen(NOW_S))
        super().__init__(Chain(context, ChainSettings(chain_id=ETH_TESTER_CHAIN_ID)))
        self.chain.head.base_fee = ETHEREUM_BASE_FEE

    def reset_to_genesis(self) -> None:
        super().reset_to_genesis()
        self.chain.head.base_fee = ETHEREUM_BASE_FEE


class EnoughGas(EthereumTester):
    """`EthereumTester`, generous with gas."""

    def send_transaction(self, transaction: dict[str, Any]) -> str:
        return super().send_transaction(with_gas(transaction))


class WithoutFeeLogs(EnoughGas):
    """The same, blind for the log that a fee leaves last in every receipt."""

    def get_transaction_receipt(self, transaction_hash: str) -> dict[str, Any]:
        receipt = super().get_transaction_receipt(transaction_hash)
        assert receipt["logs"][-1]["topics"][2] == "0x" + FEE_MANAGER.hex().rjust(64, "0")
        return {**receipt, "logs": receipt["logs"][:-1]}


def with_gas(transaction: dict[str, Any]) -> dict[str, Any]:
    """The transaction with a gas limit for Tempo."""
    return {**transaction, "gas": max(transaction["gas"], ENOUGH_GAS)}


# -- why a test cannot pass -----------------------------------------------------------------------


def moves_ether(test: Callable[..., None], suite: Any, **arguments: Any) -> None:
    """It sends a value, and Tempo has no coin to send."""
    with pytest.raises((ValidationError, pytest.fail.Exception)) as caught:
        test(suite, **arguments)
    # One test turns every exception into a failure of its own; the cause is below it.
    assert str(caught.value.__context__ or caught.value) == "value transfer not allowed"


def counts_logs(test: Callable[..., None], suite: Any, **arguments: Any) -> None:
    """It counts all logs, and on Tempo each fee leaves one: without those the test passes."""
    with pytest.raises(AssertionError):
        test(suite, **arguments)
    test(suite, **{**arguments, "eth_tester": WithoutFeeLogs(OneGwei())})


def expects_ethereum_fees(test: Callable[..., None], suite: Any, **arguments: Any) -> None:
    """It wants base fees below Tempo's floor, or none; and block 1 as the oldest in any case."""
    with pytest.raises(AssertionError):
        test(suite, **arguments)
    assert all(fee < MIN_BASE_FEE for fee in arguments["expected"]["base_fee_per_gas"])
    tester, count = arguments["eth_tester"], arguments["block_count"]
    newest = tester.get_block_by_number(arguments["newest_block"])["number"]
    history = tester.get_fee_history(count, arguments["newest_block"], [])
    assert history["oldest_block"] == max(newest - count + 1, 0) != 1


EXCEPTIONS = {
    "test_add_account_no_password": moves_ether,
    "test_add_account_with_password": moves_ether,
    "test_auto_mine_transactions_disabled_multiple_accounts": moves_ether,
    "test_auto_mine_transactions_disabled_replace_transaction": moves_ether,
    "test_auto_mine_transactions_disabled_returns_hashes_when_enabled": moves_ether,
    "test_duplicate_log_entries": counts_logs,
    "test_get_fee_history": expects_ethereum_fees,
    "test_log_filter_includes_latest_block_with_to_block": counts_logs,
    "test_log_filter_includes_old_logs": counts_logs,
    "test_log_filter_picks_up_new_logs[filter None]": counts_logs,
    "test_log_filter_picks_up_new_logs[filter []]": counts_logs,
    "test_receipt_gas_used_computation": moves_ether,
    "test_revert_cleans_up_invalidated_log_entries": counts_logs,
    "test_revert_cleans_up_invalidated_pending_block_filters": moves_ether,
    "test_revert_cleans_up_invalidated_pending_transaction_filters": moves_ether,
    "test_send_access_list_transaction": moves_ether,
    "test_send_dynamic_fee_transaction": moves_ether,
    "test_send_raw_transaction_valid_raw_transaction": moves_ether,
}
"""The tests that cannot pass, in all their cases or in the one in brackets."""


def unless_excepted(name: str) -> Callable[..., None]:
    """The suite's test; a case that is on the list must fail for its reason instead."""
    test = getattr(BaseTestBackendDirect, name)

    @functools.wraps(test)
    def run(self: Any, request: pytest.FixtureRequest, **arguments: Any) -> None:
        reason = EXCEPTIONS.get(request.node.name) or EXCEPTIONS.get(name)
        if reason is None:
            test(self, **arguments)
        else:
            reason(test, self, **arguments)

    own, *others = inspect.signature(test).parameters.values()
    request = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    run.__signature__ = inspect.Signature([own, request, *others])  # type: ignore[attr-defined]
    return run


class TestTempoBackend(BaseTestBackendDirect):
    """The suite."""

    @pytest.fixture
    def eth_tester(self) -> EthereumTester:
        return EnoughGas(OneGwei())

    @staticmethod
    def _check_transactions(sent: dict[str, Any], actual: dict[str, Any]) -> None:
        BaseTestBackendDirect._check_transactions(with_gas(sent), actual)


for _name in sorted({key.partition("[")[0] for key in EXCEPTIONS}):
    setattr(TestTempoBackend, _name, unless_excepted(_name))


@pytest.mark.parametrize("key", EXCEPTIONS)
def test_the_list_names_cases_that_exist(key: str) -> None:
    """A name that is misspelt, or gone from a newer eth-tester, would excuse nothing."""
    name, bracket, case = key.partition("[")
    test = getattr(BaseTestBackendDirect, name)
    if bracket:
        assert case.removesuffix("]") in [
            one for mark in test.pytestmark for one in mark.kwargs["ids"]
        ]


@pytest.mark.parametrize("reason", [moves_ether, counts_logs, expects_ethereum_fees])
def test_a_test_that_would_pass_may_not_be_on_the_list(reason: Callable[..., None]) -> None:
    def passes(suite: Any, **arguments: Any) -> None:
        """What a wrongly listed test does."""

    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        reason(passes, None)
